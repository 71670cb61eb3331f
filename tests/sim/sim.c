#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "base/assert.h"

#define START_MS 1767225600000 /* 2026-01-01 */
#define BEAT_MS 100
#define AHEAD_MS (3 * 3600 * 1000)

enum what { DELIVER, JOB_RUN, JOB_DONE, WAKE, RESTART, BEAT };

struct sim_happening {
	int64_t at_ms;
	uint64_t order;
	enum what what;
	struct sim_node *node; /* NULL: the client */
	uint32_t life;
	struct sim_job *job;
	uint16_t type;
	uint8_t *bytes;
	uint32_t n;
};

static struct sim *world; /* the disk's functions have no way to carry it */

uint64_t sim_random(struct sim *sim) /* splitmix64 (Steele, Lea, Flood 2014) */
{
	uint64_t z = (sim->rng += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

bool sim_chance(struct sim *sim, uint32_t permille) {
	return sim_random(sim) % 1000 < permille;
}

/* -- what will happen, by time and then by order -- */

static bool before(const struct sim_happening *a, const struct sim_happening *b) {
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void push(struct sim *sim, struct sim_happening happening) {
	if (sim->heap_n == sim->heap_cap) {
		sim->heap_cap = sim->heap_cap ? 2 * sim->heap_cap : 256;
		sim->heap = realloc(sim->heap, sim->heap_cap * sizeof(*sim->heap));
		CL_ASSERT(sim->heap);
	}
	happening.order = sim->order++;
	size_t i = sim->heap_n++;
	while (i && before(&happening, &sim->heap[(i - 1) / 2])) {
		sim->heap[i] = sim->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	sim->heap[i] = happening;
}

static struct sim_happening pop(struct sim *sim) {
	struct sim_happening first = sim->heap[0], last = sim->heap[--sim->heap_n];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= sim->heap_n)
			break;
		if (child + 1 < sim->heap_n && before(&sim->heap[child + 1], &sim->heap[child]))
			child++;
		if (!before(&sim->heap[child], &last))
			break;
		sim->heap[i] = sim->heap[child];
		i = child;
	}
	sim->heap[i] = last;
	return first;
}

/* -- the env -- */

static struct sim_node *of(struct cl_env *env) {
	return (struct sim_node *)env; /* env is the first member */
}

static int64_t env_now(struct cl_env *env) {
	return of(env)->sim->now_ms + of(env)->ahead_ms;
}

static int64_t env_steady(struct cl_env *env) {
	return of(env)->sim->now_ms;
}

static void env_random(struct cl_env *env, void *p, size_t n) {
	uint8_t *to = p;
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)sim_random(of(env)->sim);
}

static void deliver_later(struct sim *sim, struct sim_node *to, uint16_t type, const void *body) {
	struct cl_buf buf;
	cl_buf_init(&buf);
	cl_encode(cl_schema_by_type(type), body, &buf);
	int copies = sim_chance(sim, sim->faults.drop) ? 0 : sim_chance(sim, sim->faults.repeat) ? 2 : 1;
	sim->drops += copies == 0;
	sim->repeats += copies == 2;
	for (int i = 0; i < copies; i++) {
		uint8_t *bytes = malloc(buf.n ? buf.n : 1);
		CL_ASSERT(bytes);
		memcpy(bytes, buf.p, buf.n);
		push(sim, (struct sim_happening){.at_ms = sim->now_ms +
		                                          (int64_t)(sim_random(sim) % (sim->faults.delay_ms + 1)),
		                                 .what = DELIVER,
		                                 .node = to,
		                                 .type = type,
		                                 .bytes = bytes,
		                                 .n = (uint32_t)buf.n});
	}
	cl_buf_done(&buf);
}

/* A producer that says a record twice within one frame: nothing may take effect twice for it. */
static void deliver_stuttering(struct sim *sim, struct sim_node *to, const struct wire_records *message) {
	struct wire_records twice = *message;
	uint32_t n = message->records.n, at = (uint32_t)(sim_random(sim) % n);
	twice.records.v = calloc(n + 1, sizeof(*twice.records.v));
	CL_ASSERT(twice.records.v);
	memcpy(twice.records.v, message->records.v, (at + 1) * sizeof(*twice.records.v));
	memcpy(twice.records.v + at + 1, message->records.v + at, (n - at) * sizeof(*twice.records.v));
	twice.records.n = n + 1;
	deliver_later(sim, to, CL_T_wire_records, &twice);
	free(twice.records.v);
}

static int env_post(struct cl_env *env, struct cl_str address, uint16_t type, const void *body) {
	struct sim *sim = of(env)->sim;
	if (of(env)->ending)
		return CL_E_AGAIN;
	if (cl_str_eqc(address, "sim://client")) {
		deliver_later(sim, NULL, type, body);
		return CL_OK;
	}
	for (uint32_t i = 0; i < sim->node_n; i++)
		if (cl_str_eqc(address, sim->nodes[i].address)) {
			const struct wire_records *records = body;
			if (type == CL_T_wire_records && records->records.n && sim_chance(sim, sim->faults.repeat))
				deliver_stuttering(sim, &sim->nodes[i], records);
			else
				deliver_later(sim, &sim->nodes[i], type, body);
			return CL_OK;
		}
	return CL_E_INVALID;
}

static void env_wake_at(struct cl_env *env, int64_t at_ms) {
	struct sim_node *node = of(env);
	node->wake_ms = at_ms;
	if (at_ms && !node->ending)
		push(node->sim, (struct sim_happening){.at_ms = at_ms > node->sim->now_ms ? at_ms : node->sim->now_ms,
		                                       .what = WAKE,
		                                       .node = node,
		                                       .life = node->life});
}

static void env_work(struct cl_env *env, enum cl_lane lane, void (*run)(void *), void (*done)(void *), void *context) {
	struct sim_node *node = of(env);
	struct sim_job *job = calloc(1, sizeof(*job));
	CL_ASSERT(job);
	*job = (struct sim_job){.lane = lane, .run = run, .done = done, .context = context, .next = node->jobs};
	node->jobs = job;
	if (!node->ending)
		push(node->sim,
		     (struct sim_happening){.at_ms = node->sim->now_ms + (int64_t)(sim_random(node->sim) % 4),
		                            .what = JOB_RUN,
		                            .node = node,
		                            .life = node->life,
		                            .job = job});
}

static void env_log(struct cl_env *env, enum cl_severity severity, const char *event, const char *format, ...) {
	if (severity < CL_ERROR || !getenv("SIM_LOG"))
		return;
	va_list args;
	va_start(args, format);
	fprintf(stderr, "%s %s ", of(env)->address, event);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static void env_die(struct cl_env *env, const char *reason) {
	struct sim_node *node = of(env);
	if (node->ending)
		return;
	if (!node->sim->deaths_stay)
		fprintf(stderr, "%s died: %s\n", node->address, reason);
	node->dead = true;
}

static const struct cl_env_ops env_ops = {env_now,     env_steady, env_random, env_post,
                                          env_wake_at, env_work,   env_log,    env_die};

/* -- the disk -- */

static int disk_begin(struct cl_kv *kv, bool write, struct cl_kv_txn **ret_txn) {
	struct sim_node *node = (struct sim_node *)((char *)kv - offsetof(struct sim_node, disk));
	return node->store->ops->begin(node->store, write, ret_txn);
}

static int (*store_commit)(struct cl_kv_txn *txn);
static void (*store_abort)(struct cl_kv_txn *txn);

static int disk_commit(struct cl_kv_txn *txn) {
	if (sim_chance(world, world->faults.no_space)) {
		world->no_spaces++;
		store_abort(txn);
		return CL_E_NOSPACE;
	}
	return store_commit(txn);
}

static uint64_t disk_space(struct cl_kv *kv) {
	(void)kv;
	return UINT64_MAX;
}

static struct cl_kv_ops disk_ops;

/* -- nodes -- */

static struct cl_str address_of(void *context, uint32_t service, uint32_t partition) {
	return cl_str_from(sim_node_of(context, service, partition)->address);
}

static uint32_t partitions_of(void *context, uint32_t service) {
	struct sim *sim = context;
	for (uint32_t i = 0; i < sim->node_n; i++)
		if (sim->nodes[i].domain->service == service)
			return sim->partitions;
	return 0; /* a service that is not part of this world has no logs to follow */
}

struct sim_node *sim_node_of(struct sim *sim, uint32_t service, uint32_t partition) {
	for (uint32_t i = 0; i < sim->node_n; i++)
		if (sim->nodes[i].domain->service == service && sim->nodes[i].partition == partition)
			return &sim->nodes[i];
	return NULL;
}

void sim_init(struct sim *sim, uint64_t seed, uint32_t partitions, struct sim_faults faults) {
	*sim = (struct sim){.rng = seed, .now_ms = START_MS, .faults = faults, .partitions = partitions};
	uint8_t key_seed[32] = {1};
	world = sim;
	CL_ASSERT(cl_crypto_init() == CL_OK);
	CL_ASSERT(crypto_sign_seed_keypair(sim->sign_key.public_key, sim->sign_key.secret_key, key_seed) == 0);
}

void sim_add(struct sim *sim, const struct cl_domain *domain) {
	for (uint32_t i = 0; i < sim->partitions; i++) {
		CL_ASSERT(sim->node_n < SIM_NODES_MAX);
		struct sim_node *node = &sim->nodes[sim->node_n];
		*node = (struct sim_node){
		        .env = {&env_ops}, .sim = sim, .domain = domain, .index = sim->node_n, .partition = i};
		snprintf(node->address, sizeof(node->address), "sim://%s/%u", cl_service_name(domain->service), i);
		CL_ASSERT(cl_kv_mem_open(&node->store) == CL_OK);
		disk_ops = *node->store->ops;
		store_commit = disk_ops.commit;
		store_abort = disk_ops.abort;
		disk_ops.begin = disk_begin;
		disk_ops.commit = disk_commit;
		disk_ops.space = disk_space;
		node->disk.ops = &disk_ops;
		sim->node_n++;
	}
}

static void node_start(struct sim_node *node) {
	struct sim *sim = node->sim;
	uint64_t bad_seq = 0;
	uint32_t no_space = sim->faults.no_space;
	struct cl_partition_options options = {
	        .identity = {.service = node->domain->service,
	                     .partition = node->partition,
	                     .partitions = sim->partitions,
	                     .sign_key = sim->sign_key},
	        .turn_messages = 1 + (uint32_t)(sim_random(sim) % 64),
	        .memory_bytes = sim_chance(sim, 300) ? 8 << 10 : 0, /* sometimes next to nothing stays in memory */
	        .checkpoint_records = 50,
	        .address = address_of,
	        .partitions = partitions_of,
	        .context = sim,
	};
	options.identity.log_id = cl_id_derive("sim-log", node->address, strlen(node->address));
	node->life++;
	node->dead = node->ending = false;
	sim->faults.no_space = 0;
	int rc = cl_partition_open(node->domain, &options, &node->env, &node->disk, &bad_seq, &node->running);
	sim->faults.no_space = no_space;
	if (rc != CL_OK)
		fprintf(stderr, "%s does not open: %s, record %llu\n", node->address, cl_error_name(rc),
		        (unsigned long long)bad_seq);
	CL_ASSERT(rc == CL_OK);
}

/* The process is gone: what the disk was doing is done or not; what was in memory is lost. */
static void node_crash(struct sim_node *node) {
	node->ending = true;
	node->crashes++;
	while (node->jobs) {
		struct sim_job *job = node->jobs;
		node->jobs = job->next;
		if (job->lane == CL_LANE_WRITER) {
			if (!job->ran && sim_chance(node->sim, 500))
				job->run(job->context);
		} else {
			if (!job->ran)
				job->run(job->context);
			job->done(job->context); /* frees what it holds */
		}
		free(job);
	}
	cl_partition_close(node->running);
	node->running = NULL;
	node->life++;
}

static void drop_job(struct sim_node *node, struct sim_job *job) {
	struct sim_job **at = &node->jobs;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	free(job);
}

static void maybe_crash(struct sim *sim, struct sim_node *node) {
	if (!node || !node->running || !(node->dead || sim_chance(sim, sim->faults.crash)))
		return;
	if (node->dead && sim->deaths_stay)
		return;
	sim->crashes++;
	node_crash(node);
	push(sim, (struct sim_happening){
	                  .at_ms = sim->now_ms + (int64_t)(sim_random(sim) % 5000), .what = RESTART, .node = node});
}

static void deliver(struct sim *sim, struct sim_happening *happening) {
	const struct cl_schema *schema = cl_schema_by_type(happening->type);
	struct cl_arena arena;
	cl_arena_init(&arena, 4096);
	void *body = cl_arena_alloc(&arena, schema->size);
	int rc = cl_decode(schema, (struct cl_bytes){happening->bytes, happening->n}, &arena, body, NULL);
	CL_ASSERT(rc == CL_OK);
	sim->messages++;
	if (!happening->node) {
		sim->on_client(sim->context, happening->type, body);
	} else if (happening->node->running && !happening->node->dead) {
		cl_partition_message(happening->node->running, happening->type, body);
		cl_partition_turn(happening->node->running);
	}
	cl_arena_done(&arena);
	free(happening->bytes);
}

static void step(struct sim *sim) {
	struct sim_happening happening = pop(sim);
	struct sim_node *node = happening.node;
	bool current = node && node->running && !node->dead && node->life == happening.life;
	sim->now_ms = happening.at_ms;
	sim->steps++;
	sim->trace = sim->trace * 0x100000001b3ULL ^ ((uint64_t)happening.what << 56 ^ (uint64_t)happening.at_ms << 8 ^
	                                              (node ? node->index : 255) ^ (uint64_t)happening.n << 40);
	switch (happening.what) {
	case DELIVER:
		deliver(sim, &happening);
		break;
	case JOB_RUN:
		if (!current)
			break;
		happening.job->run(happening.job->context);
		happening.job->ran = true;
		happening.what = JOB_DONE;
		happening.at_ms = sim->now_ms + (int64_t)(sim_random(sim) % 3);
		push(sim, happening);
		break;
	case JOB_DONE:
		if (current) {
			void (*done)(void *) = happening.job->done;
			void *context = happening.job->context;
			drop_job(node, happening.job);
			done(context);
		}
		break;
	case WAKE:
		if (node && sim_chance(sim, sim->faults.clock)) {
			node->ahead_ms = node->ahead_ms ? 0 : (int64_t)(sim_random(sim) % AHEAD_MS);
			sim->clocks++;
		}
		if (current && node->wake_ms && node->wake_ms <= sim->now_ms)
			cl_partition_wake(node->running);
		break;
	case RESTART:
		if (!node->running)
			node_start(node);
		break;
	case BEAT:
		if (sim->on_beat)
			sim->on_beat(sim->context);
		push(sim, (struct sim_happening){.at_ms = sim->now_ms + BEAT_MS, .what = BEAT});
		break;
	}
	maybe_crash(sim, node);
}

void sim_start(struct sim *sim) {
	for (uint32_t i = 0; i < sim->node_n; i++)
		node_start(&sim->nodes[i]);
	push(sim, (struct sim_happening){.at_ms = sim->now_ms + BEAT_MS, .what = BEAT});
}

void sim_run(struct sim *sim, int64_t for_ms) {
	int64_t until = sim->now_ms + for_ms;
	while (sim->heap_n && sim->heap[0].at_ms <= until)
		step(sim);
	sim->now_ms = until;
}

void sim_stop_faults(struct sim *sim) {
	sim->faults = (struct sim_faults){.delay_ms = sim->faults.delay_ms};
	for (uint32_t i = 0; i < sim->node_n; i++) {
		sim->nodes[i].ahead_ms = 0;
		if (!sim->nodes[i].running)
			node_start(&sim->nodes[i]);
	}
}

void sim_done(struct sim *sim) {
	for (uint32_t i = 0; i < sim->node_n; i++) {
		if (sim->nodes[i].running)
			node_crash(&sim->nodes[i]);
		sim->nodes[i].store->ops->close(sim->nodes[i].store);
	}
	for (size_t i = 0; i < sim->heap_n; i++)
		if (sim->heap[i].what == DELIVER)
			free(sim->heap[i].bytes);
	free(sim->heap);
}

void sim_send_to(struct sim *sim, uint32_t service, uint32_t partition, uint16_t type, const void *body) {
	struct sim_node *node = sim_node_of(sim, service, partition);
	CL_ASSERT(node);
	deliver_later(sim, node, type, body);
}

void sim_send(struct sim *sim, uint8_t kind, struct cl_id target, uint16_t type, const void *body) {
	sim_send_to(sim, cl_kind_service(kind), (uint32_t)(cl_id_hash(target) % sim->partitions), type, body);
}
