#include "archive_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "base/assert.h"
#include "codec.h"

static struct world_node *node_of(struct cl_env *env) {
	return (struct world_node *)env; /* its first member */
}

uint64_t world_random(struct world *world, uint64_t below) {
	uint64_t z = (world->rng += 0x9e3779b97f4a7c15u); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

static int64_t env_now(struct cl_env *env) {
	return node_of(env)->world->now_ms;
}

static int64_t env_steady(struct cl_env *env) {
	return node_of(env)->world->steady_ms;
}

static void env_random(struct cl_env *env, void *p, size_t n) {
	for (size_t i = 0; i < n; i++)
		((uint8_t *)p)[i] = (uint8_t)world_random(node_of(env)->world, 256);
}

static struct world_node *by_address(struct world *world, struct cl_str address) {
	for (int i = 0; i < WORLD_SOURCES; i++)
		if (cl_str_eqc(address, world->sources[i].node.address))
			return &world->sources[i].node;
	return cl_str_eqc(address, world->archive_node.address) ? &world->archive_node : NULL;
}

static void queue(struct world *world, struct world_node *from, struct world_node *to, uint16_t type,
                  const void *body) {
	const struct cl_schema *schema = cl_schema_by_type(type);
	struct world_message *message = calloc(1, sizeof(*message));
	CL_ASSERT(message && schema);
	message->from = from;
	message->to = to;
	message->type = type;
	cl_arena_init(&message->arena, 1024);
	message->body = cl_arena_alloc(&message->arena, schema->size);
	cl_copy(schema, body, &message->arena, message->body);
	*world->messages_end = message;
	world->messages_end = &message->next;
}

static int env_post(struct cl_env *env, struct cl_str address, uint16_t type, const void *body) {
	struct world_node *from = node_of(env);
	struct world_node *to = by_address(from->world, address);
	if (from->world->ending)
		return CL_OK;
	if (!to && !cl_str_eqc(address, "subscriber"))
		return CL_E_INVALID;
	queue(from->world, from, to, type, body);
	return CL_OK;
}

static void env_wake_at(struct cl_env *env, int64_t at_ms) {
	node_of(env)->wake_ms = at_ms;
}

static void env_work(struct cl_env *env, enum cl_lane lane, void (*run)(void *), void (*done)(void *), void *context) {
	struct world_job *job = calloc(1, sizeof(*job)), **end = &node_of(env)->world->jobs;
	CL_ASSERT(job);
	*job = (struct world_job){.lane = lane, .run = run, .done = done, .context = context};
	while (*end)
		end = &(*end)->next;
	*end = job;
}

static void env_log(struct cl_env *env, enum cl_severity severity, const char *event, const char *format, ...) {
	(void)env, (void)severity, (void)event, (void)format;
}

static void env_die(struct cl_env *env, const char *reason) {
	node_of(env)->world->died = reason;
}

static const struct cl_env_ops ops = {env_now,     env_steady, env_random, env_post,
                                      env_wake_at, env_work,   env_log,    env_die};

static struct cl_str address_of(void *context, uint32_t service, uint32_t partition) {
	return cl_str_from(world_source(context, service, partition)->node.address);
}

static uint32_t partitions_of(void *context, uint32_t service) {
	(void)context, (void)service;
	return 2;
}

struct world_source *world_source(struct world *world, uint32_t service, uint32_t partition) {
	return &world->sources[(service - CL_INTAKE) * 2 + partition];
}

static void node_init(struct world *world, struct world_node *node) {
	node->world = world;
	node->env.ops = &ops;
	int rc = cl_kv_mem_open(&node->kv);
	CL_ASSERT(rc == CL_OK);
}

static void source_init(struct world *world, uint32_t service, uint32_t partition) {
	struct world_source *source = world_source(world, service, partition);
	struct cl_log_identity identity = {.service = service, .partition = partition, .partitions = 2};
	uint64_t bad;
	node_init(world, &source->node);
	snprintf(source->node.address, sizeof(source->node.address), "%u/%u", service, partition);
	env_random(&source->node.env, identity.log_id.b, sizeof(identity.log_id.b));
	int rc = cl_log_open(&source->log, source->node.kv, &identity, 1000000, world->now_ms, &bad);
	CL_ASSERT(rc == CL_OK);
	cl_publisher_init(&source->publisher, &source->node.env, &source->log, 100);
}

void world_init(struct world *world, uint64_t seed) {
	*world = (struct world){.rng = seed, .steady_ms = 1000, .now_ms = 1700000000000};
	world->messages_end = &world->messages;
	int rc = cl_crypto_init();
	CL_ASSERT(rc == CL_OK);
	node_init(world, &world->archive_node);
	snprintf(world->archive_node.address, sizeof(world->archive_node.address), "archive");
	for (uint32_t service = CL_INTAKE; service <= CL_SUPPORT; service++)
		for (uint32_t partition = 0; partition < 2; partition++)
			source_init(world, service, partition);
	world->options = (struct reporting_archive_options){
	        .identity = {.service = CL_REPORTING, .partition = 0, .partitions = 1},
	        .reply_to = CL_STR("archive"),
	        .address = address_of,
	        .partitions = partitions_of,
	        .context = world,
	};
	env_random(&world->archive_node.env, world->options.identity.log_id.b, 16);
	struct cl_sign_key *key = &world->options.identity.sign_key;
	static const uint8_t seed_bytes[crypto_sign_SEEDBYTES] = {1};
	crypto_sign_seed_keypair(key->public_key, key->secret_key, seed_bytes);
}

static void message_free(struct world_message *message) {
	cl_arena_done(&message->arena);
	free(message);
}

/* Removes messages to and from a node; NULL: all. */
static void forget(struct world *world, const struct world_node *node) {
	struct world_message **at = &world->messages;
	while (*at) {
		struct world_message *message = *at;
		if (node && message->from != node && message->to != node) {
			at = &message->next;
			continue;
		}
		*at = message->next;
		message_free(message);
	}
	world->messages_end = at;
}

void world_done(struct world *world) {
	if (world->archive)
		world_crash(world);
	forget(world, NULL);
	for (int i = 0; i < WORLD_SOURCES; i++) {
		cl_publisher_done(&world->sources[i].publisher);
		world->sources[i].node.kv->ops->close(world->sources[i].node.kv);
	}
	world->archive_node.kv->ops->close(world->archive_node.kv);
}

void world_append(struct world *world, struct world_source *source, uint16_t type, const struct cl_cause *cause) {
	struct cl_batch batch;
	struct cl_buf payload;
	struct log_position position = {.service = CL_INTAKE};
	struct log_consumed consumed = {.sources = {&position, 1}};
	struct log_accepted accepted = {.message_type = CL_T_case_note};
	cl_batch_init(&batch);
	cl_buf_init(&payload);
	struct cl_record record = {
	        .seq = source->log.head.seq + 1,
	        .recorded_ms = world->now_ms,
	        .occurred_ms = world->now_ms - (int64_t)world_random(world, 1000000),
	        .type = type,
	        .version = 1,
	        .kind = CL_KIND_LOG,
	        .who = CL_STR("test"),
	};
	if (type == CL_T_log_consumed) {
		position = (struct log_position){cause->service, cause->partition, cause->seq, cause->hash};
		cl_encode(&cl_schema_log_consumed, &consumed, &payload);
	} else {
		if (cause)
			record.cause = *cause;
		cl_encode(&cl_schema_log_accepted, &accepted, &payload);
	}
	record.payload = cl_buf_bytes(&payload);
	cl_batch_record(&batch, &record);
	struct cl_log_head head;
	int rc = cl_log_commit(&source->log, &source->log.head, &batch, &head);
	CL_ASSERT(rc == CL_OK);
	source->log.head = head;
	cl_batch_done(&batch);
	cl_buf_done(&payload);
}

struct cl_cause world_position(const struct world_source *source, uint64_t seq) {
	struct cl_kv *kv = source->node.kv;
	struct cl_kv_txn *txn;
	struct cl_stored stored;
	int rc = kv->ops->begin(kv, false, &txn);
	CL_ASSERT(rc == CL_OK);
	rc = cl_log_read(txn, kv, seq, &stored);
	CL_ASSERT(rc == CL_OK);
	struct cl_cause cause = {source->log.identity.service, source->log.identity.partition, seq, stored.hash};
	kv->ops->abort(txn);
	return cause;
}

void world_start(struct world *world) {
	uint64_t bad;
	int rc = reporting_archive_open(&world->options, &world->archive_node.env, world->archive_node.kv, &bad,
	                                &world->archive);
	CL_ASSERT(rc == CL_OK);
}

void world_start_reporting(struct world *world, const char *model_path) {
	struct reporting_options options = {
	        .archive = world->options, .model_path = cl_str_from(model_path), .project_records = 7};
	uint64_t bad;
	int rc = reporting_open(&options, &world->archive_node.env, world->archive_node.kv, &bad, &world->reporting);
	CL_ASSERT(rc == CL_OK);
	world->archive = reporting_archive_of(world->reporting);
}

void world_crash(struct world *world) {
	world->ending = true;
	while (world->jobs) { /* those that ran have had their effect, of which nobody hears */
		struct world_job *next = world->jobs->next;
		free(world->jobs);
		world->jobs = next;
	}
	if (world->reporting)
		reporting_close(world->reporting);
	else
		reporting_archive_close(world->archive);
	world->archive = NULL;
	world->reporting = NULL;
	world->ending = false;
	world->crashes++;
	forget(world, &world->archive_node);
	world->archive_node.wake_ms = 0;
}

/* -- steps -- */

static void handle(struct world *world, struct world_message *message) {
	if (!message->to) {
		if (world->on_subscriber)
			world->on_subscriber(world, message->type, message->body);
		return;
	}
	if (message->to == &world->archive_node) {
		if (!world->archive || (world->tamper && !world->tamper(world, message)))
			return;
		world_send_archive(world, message->type, message->body);
		return;
	}
	struct world_source *source = (struct world_source *)message->to;
	if (message->type == CL_T_wire_subscribe)
		cl_publisher_subscribe(&source->publisher, message->body);
	else if (message->type == CL_T_wire_credit)
		cl_publisher_credit(&source->publisher, message->body);
	cl_publisher_pump(&source->publisher);
}

/* The first message of the pair that the one at `at` belongs to. */
static struct world_message **first_of_pair(struct world *world, struct world_message **at) {
	struct world_message **first = &world->messages;
	while ((*first)->from != (*at)->from || (*first)->to != (*at)->to)
		first = &(*first)->next;
	return first;
}

bool world_deliver(struct world *world) {
	uint64_t n = 0;
	for (struct world_message *at = world->messages; at; at = at->next)
		n++;
	if (!n)
		return false;
	struct world_message **at = &world->messages;
	for (uint64_t skip = world_random(world, n); skip; skip--)
		at = &(*at)->next;
	at = first_of_pair(world, at);
	struct world_message *message = *at;
	*at = message->next;
	if (!message->next)
		world->messages_end = at;
	if (world_random(world, 1000) < world->lose_permille) {
		world->lost++;
	} else {
		world->delivered++;
		handle(world, message);
	}
	message_free(message);
	return true;
}

/* Commits come one after another; jobs of readers in any order, beside them. */
static struct world_job **pick(struct world *world) {
	uint64_t n = 0;
	for (struct world_job *job = world->jobs; job; job = job->next)
		n++;
	struct world_job **at = &world->jobs;
	for (uint64_t skip = n ? world_random(world, n) : 0; skip; skip--)
		at = &(*at)->next;
	if (*at && (*at)->lane == CL_LANE_WRITER)
		for (at = &world->jobs; (*at)->lane != CL_LANE_WRITER;)
			at = &(*at)->next;
	return at;
}

bool world_work(struct world *world) {
	struct world_job **at = pick(world), *job = *at;
	if (!job)
		return false;
	if (!job->ran) {
		job->run(job->context);
		job->ran = true;
		return true;
	}
	*at = job->next;
	job->done(job->context);
	free(job);
	return true;
}

void world_pass(struct world *world, int64_t ms) {
	world->steady_ms += ms;
	world->now_ms += ms;
	for (int i = 0; i < WORLD_SOURCES; i++)
		while (cl_publisher_pump(&world->sources[i].publisher))
			;
	if (world->archive && world->archive_node.wake_ms && world->archive_node.wake_ms <= world->steady_ms) {
		world->archive_node.wake_ms = 0;
		if (world->reporting)
			reporting_wake(world->reporting);
		else
			reporting_archive_wake(world->archive);
	}
}

void world_settle(struct world *world) {
	for (int quiet = 0; quiet < 100; quiet++) {
		uint64_t records = world->archive ? reporting_archive_log(world->archive)->head.seq : 0;
		while (world_deliver(world) || world_work(world))
			;
		world_pass(world, 100);
		if (world->archive && reporting_archive_log(world->archive)->head.seq != records)
			quiet = 0;
	}
}

void world_send_archive(struct world *world, uint16_t type, const void *body) {
	if (world->reporting) {
		(void)reporting_message(world->reporting, type, body);
		reporting_turn(world->reporting);
	} else {
		(void)reporting_archive_message(world->archive, type, body);
		reporting_archive_turn(world->archive);
	}
}
