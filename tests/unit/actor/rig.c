#include "rig.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec.h"

/* -- the domain -- */

static void decide(const struct cl_ctx *ctx, const void *state, uint32_t version, const struct cl_message *message,
                   struct cl_decision *decision) {
	(void)version, (void)state;
	if (message->role == CL_MSG_TICK)
		return;
	const struct stock_receive *command = message->body;
	if (message->role == CL_MSG_COMMAND && message->type != CL_T_stock_receive) {
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
		return;
	}
	struct stock_received *event = CL_EMIT(decision, ctx, stock_received);
	event->sku = message->role == CL_MSG_COMMAND ? command->sku : CL_STR("told");
	event->quantity = message->role == CL_MSG_COMMAND ? command->quantity : 1;
}

static void evolve(uint8_t kind, void *state, const struct cl_event *event, struct cl_arena *arena) {
	CL_ASSERT(kind == CL_KIND_STOCK && event->type == CL_T_stock_received);
	struct stock_state *stock = state;
	const struct stock_received *received = event->body;
	if (!stock->sku.n)
		stock->sku = cl_arena_str(arena, received->sku);
	stock->on_hand += received->quantity;
	stock->received += received->quantity;
}

static uint32_t targets(const struct cl_event *event, struct cl_target *ret_targets) {
	const struct stock_received *received = event->body;
	if (event->type != CL_T_stock_received || received->quantity % 7)
		return 0;
	ret_targets[0] =
	        (struct cl_target){CL_KIND_STOCK, cl_id_derive("told", event->aggregate.b, sizeof(event->aggregate.b))};
	return 1;
}

static int64_t due(uint8_t kind, const void *state) {
	(void)kind, (void)state;
	return 0;
}

static const struct cl_domain_kind kinds[] = {{CL_KIND_ORDER_REGISTRY, &cl_schema_order_registry_state},
                                              {CL_KIND_STOCK, &cl_schema_stock_state}};
static const uint16_t own_types[] = {CL_T_stock_received};
static const struct cl_domain domain = {
        .service = CL_ORDER,
        .kinds = kinds,
        .kind_n = 2,
        .registry_kind = CL_KIND_ORDER_REGISTRY,
        .own_types = own_types,
        .own_type_n = 1,
        .decide = decide,
        .evolve = evolve,
        .targets = targets,
        .due = due,
};

/* -- the env -- */

static struct rig *of(struct cl_env *env) {
	return (struct rig *)env;
}

static int64_t env_now(struct cl_env *env) {
	return of(env)->wall_ms;
}

static int64_t env_steady(struct cl_env *env) {
	return of(env)->steady_ms;
}

static void env_random(struct cl_env *env, void *p, size_t n) {
	uint8_t *to = p;
	for (size_t i = 0; i < n; i++) {
		of(env)->rng = of(env)->rng * 6364136223846793005ULL + 1442695040888963407ULL; /* Knuth, MMIX */
		to[i] = (uint8_t)(of(env)->rng >> 56);
	}
}

static int env_post(struct cl_env *env, struct cl_str address, uint16_t type, const void *body) {
	struct rig *rig = of(env);
	const struct cl_schema *schema = cl_schema_by_type(type);
	(void)address;
	rig->tries++;
	if (rig->post_rc != CL_OK)
		return rig->post_rc;
	if (rig->post_n == rig->post_cap) {
		rig->post_cap = rig->post_cap ? 2 * rig->post_cap : 256;
		rig->posts = realloc(rig->posts, rig->post_cap * sizeof(*rig->posts));
		CL_ASSERT(rig->posts);
	}
	/* Through the codec, as on the way to another process: what a peer would refuse is found here. */
	struct cl_buf buf;
	cl_buf_init(&buf);
	cl_encode(schema, body, &buf);
	uint8_t *bytes = cl_arena_alloc(&rig->arena, buf.n);
	memcpy(bytes, buf.p, buf.n);
	void *copy = cl_arena_alloc(&rig->arena, schema->size);
	CL_ASSERT(cl_decode(schema, (struct cl_bytes){bytes, (uint32_t)buf.n}, &rig->arena, copy, NULL) == CL_OK);
	rig->posts[rig->post_n++] = (struct rig_post){type, copy};
	cl_buf_done(&buf);
	return CL_OK;
}

static void env_wake_at(struct cl_env *env, int64_t at_ms) {
	of(env)->wake_ms = at_ms;
}

static void env_work(struct cl_env *env, enum cl_lane lane, void (*run)(void *), void (*done)(void *), void *context) {
	struct rig *rig = of(env);
	CL_ASSERT(rig->job_n < RIG_JOBS);
	rig->jobs[rig->job_n++] = (struct rig_job){lane, run, done, context};
}

__attribute__((format(printf, 4, 5))) static void env_log(struct cl_env *env, enum cl_severity severity,
                                                          const char *event, const char *format, ...) {
	(void)env, (void)severity, (void)event, (void)format;
}

static void env_die(struct cl_env *env, const char *reason) {
	of(env)->died = reason;
}

static const struct cl_env_ops env_ops = {env_now,     env_steady, env_random, env_post,
                                          env_wake_at, env_work,   env_log,    env_die};

/* -- the disk -- */

static struct rig *disk_rig; /* a transaction cannot carry it */
static struct cl_kv_ops disk_ops, store_ops;

static int disk_begin(struct cl_kv *kv, bool write, struct cl_kv_txn **ret_txn) {
	(void)kv;
	return store_ops.begin(disk_rig->store, write, ret_txn);
}

static int disk_commit(struct cl_kv_txn *txn) {
	if (!disk_rig->no_space)
		return store_ops.commit(txn);
	store_ops.abort(txn);
	return CL_E_NOSPACE;
}

static uint64_t disk_space(struct cl_kv *kv) {
	(void)kv;
	return disk_rig->space;
}

/* -- life -- */

static struct cl_str address_of(void *context, uint32_t service, uint32_t partition) {
	(void)context, (void)service, (void)partition;
	return CL_STR("rig://self");
}

static uint32_t partitions_of(void *context, uint32_t service) {
	(void)context, (void)service;
	return 1;
}

void rig_init(struct rig *rig) {
	uint8_t seed[32] = {7};
	*rig = (struct rig){
	        .env = {&env_ops}, .wall_ms = RIG_START_MS, .steady_ms = 1000, .rng = 1, .space = UINT64_MAX};
	disk_rig = rig;
	CL_ASSERT(cl_crypto_init() == CL_OK);
	CL_ASSERT(crypto_sign_seed_keypair(rig->sign_key.public_key, rig->sign_key.secret_key, seed) == 0);
	CL_ASSERT(cl_kv_mem_open(&rig->store) == CL_OK);
	store_ops = disk_ops = *rig->store->ops;
	disk_ops.begin = disk_begin;
	disk_ops.commit = disk_commit;
	disk_ops.space = disk_space;
	rig->disk.ops = &disk_ops;
	cl_arena_init(&rig->arena, 65536);
	rig->options = (struct cl_partition_options){
	        .identity = {.service = CL_ORDER, .partitions = 1, .sign_key = rig->sign_key},
	        .address = address_of,
	        .partitions = partitions_of,
	};
	rig->options.identity.log_id = cl_id_derive("rig", "log", 3);
}

void rig_open(struct rig *rig) {
	uint64_t bad_seq;
	CL_ASSERT(cl_partition_open(&domain, &rig->options, &rig->env, &rig->disk, &bad_seq, &rig->partition) == CL_OK);
}

void rig_close(struct rig *rig) {
	/* A reader's job owns what only its end frees; the writer's is the partition's. */
	rig->post_rc = CL_E_CLOSED;
	for (bool again = true; again;) {
		again = false;
		for (uint32_t i = 0; i < rig->job_n; i++)
			if (rig->jobs[i].lane == CL_LANE_READER)
				again = true;
		if (again)
			(void)rig_run(rig, CL_LANE_READER);
	}
	rig->job_n = 0;
	cl_partition_close(rig->partition);
	rig->partition = NULL;
	rig->post_rc = CL_OK;
}

void rig_done(struct rig *rig) {
	if (rig->partition)
		rig_close(rig);
	rig->store->ops->close(rig->store);
	cl_arena_done(&rig->arena);
	free(rig->posts);
}

/* -- what the test does -- */

struct cl_id rig_id(struct rig *rig) {
	uint8_t random[10];
	env_random(&rig->env, random, sizeof(random));
	return cl_id_v7(rig->wall_ms, random);
}

struct cl_id rig_target(uint32_t n) {
	return cl_id_derive("sku", &n, sizeof(n));
}

void rig_command_bytes(struct rig *rig, struct cl_id id, struct cl_id target, struct cl_bytes body) {
	struct wire_command command = {.id = id,
	                               .reply_to = CL_STR("rig://client"),
	                               .type = CL_T_stock_receive,
	                               .kind = CL_KIND_STOCK,
	                               .target = target,
	                               .who = CL_STR("agent-1"),
	                               .body = body};
	cl_partition_message(rig->partition, CL_T_wire_command, &command);
	cl_partition_turn(rig->partition);
}

void rig_command(struct rig *rig, struct cl_id id, struct cl_id target, uint32_t quantity) {
	struct stock_receive body = {.sku = CL_STR("A1"), .quantity = quantity};
	struct cl_buf buf;
	cl_buf_init(&buf);
	cl_encode(&cl_schema_stock_receive, &body, &buf);
	rig_command_bytes(rig, id, target, cl_buf_bytes(&buf));
	cl_buf_done(&buf);
}

uint32_t rig_run(struct rig *rig, enum cl_lane lane) {
	uint32_t ran = 0, left = rig->job_n;
	for (uint32_t i = 0; left--;) {
		struct rig_job job = rig->jobs[i];
		if (job.lane != lane) {
			i++;
			continue;
		}
		memmove(rig->jobs + i, rig->jobs + i + 1, (--rig->job_n - i) * sizeof(job));
		job.run(job.context);
		job.done(job.context);
		ran++;
	}
	return ran;
}

void rig_settle(struct rig *rig) {
	while (rig_run(rig, CL_LANE_READER) + rig_run(rig, CL_LANE_WRITER))
		cl_partition_turn(rig->partition);
}

void rig_pass(struct rig *rig, int64_t ms) {
	rig->wall_ms += ms;
	rig->steady_ms += ms;
	cl_partition_wake(rig->partition);
	rig_settle(rig);
}

void rig_forget_posts(struct rig *rig) {
	rig->post_n = 0;
	cl_arena_reset(&rig->arena);
}

const struct wire_reply *rig_reply(struct rig *rig, struct cl_id id) {
	for (uint32_t i = rig->post_n; i-- > 0;) {
		const struct wire_reply *reply = rig->posts[i].body;
		if (rig->posts[i].type == CL_T_wire_reply && cl_id_eq(reply->id, id))
			return reply;
	}
	return NULL;
}

const void *rig_last(struct rig *rig, uint16_t type) {
	for (uint32_t i = rig->post_n; i-- > 0;)
		if (rig->posts[i].type == type)
			return rig->posts[i].body;
	return NULL;
}

uint32_t rig_posted(struct rig *rig, uint16_t type) {
	uint32_t n = 0;
	for (uint32_t i = 0; i < rig->post_n; i++)
		n += rig->posts[i].type == type;
	return n;
}

uint32_t rig_received(struct rig *rig, struct cl_id target) {
	struct cl_kv_txn *txn;
	struct cl_log_actor actor;
	struct cl_arena arena;
	struct stock_state state = {0};
	CL_ASSERT(rig->store->ops->begin(rig->store, false, &txn) == CL_OK);
	cl_arena_init(&arena, 1024);
	if (cl_log_actor(txn, rig->store, CL_KIND_STOCK, target, &actor) == CL_OK)
		CL_ASSERT(cl_decode_trusted(&cl_schema_stock_state, actor.state, &arena, &state) == CL_OK);
	rig->store->ops->abort(txn);
	cl_arena_done(&arena);
	return (uint32_t)state.received;
}
