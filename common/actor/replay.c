/* The same evolve over a log, aside: audit, rebuild, as-of. */
#include <stdlib.h>

#include "actor/partition.h"
#include "actor/partition_int.h"
#include "base/assert.h"
#include "base/map.h"

struct replayed {
	uint8_t kind;
	struct cl_id id;
	uint32_t version;
	uint64_t last_seq;
	const struct cl_schema *schema;
	void *state;
	struct cl_arena arena;
	size_t compacted;
};

struct cl_replay {
	const struct cl_domain *domain;
	struct cl_map actors;
	struct cl_arena turn;
	struct replayed *last; /* histories come in runs */
	uint64_t number;
	uint32_t partitions;
};

int cl_replay_new(const struct cl_domain *domain, struct cl_replay **ret_replay) {
	struct cl_replay *replay = calloc(1, sizeof(*replay));
	if (!replay)
		return CL_E_NOMEM;
	replay->domain = domain;
	replay->partitions = 1;
	cl_map_init(&replay->actors);
	cl_arena_init(&replay->turn, 64 << 10);
	*ret_replay = replay;
	return CL_OK;
}

void cl_replay_free(struct cl_replay *replay) {
	size_t index = 0;
	for (struct cl_map_slot *slot; (slot = cl_map_next(&replay->actors, &index));) {
		struct replayed *actor = slot->value;
		cl_arena_done(&actor->arena);
		free(actor->state);
		free(actor);
	}
	cl_map_done(&replay->actors);
	cl_arena_done(&replay->turn);
	free(replay);
}

static struct replayed *obtain(struct cl_replay *replay, uint8_t kind, struct cl_id id) {
	struct replayed *actor = replay->last;
	if (actor && actor->kind == kind && cl_id_eq(actor->id, id))
		return actor;
	actor = cl_map_get(&replay->actors, kind, id);
	if (!actor) {
		const struct cl_schema *schema = cl_state_schema(replay->domain, kind);
		if (!schema)
			return NULL;
		actor = calloc(1, sizeof(*actor));
		CL_ASSERT(actor);
		actor->kind = kind;
		actor->id = id;
		actor->schema = schema;
		actor->state = calloc(1, schema->size);
		CL_ASSERT(actor->state);
		cl_arena_init(&actor->arena, 256);
		cl_map_put(&replay->actors, kind, id, actor);
	}
	replay->last = actor;
	return actor;
}

/* A record of a log whose checksum held was written by our own encoder: text need not be checked again (measured: a
 * third of the fold). Older shapes take the long way. */
static int decode_payload(struct cl_replay *replay, const struct cl_record *record, const void **ret_body) {
	const struct cl_schema *schema = cl_schema_by_type(record->type);
	if (!schema || schema->version != record->version)
		return cl_decode_version(record->type, record->version, record->payload, &replay->turn, ret_body, NULL);
	void *body = cl_arena_alloc(&replay->turn, schema->size);
	*ret_body = body;
	return cl_decode_trusted(schema, record->payload, &replay->turn, body);
}

int cl_replay_record(struct cl_replay *replay, const struct cl_record *record) {
	struct cl_event event;
	if (record->kind == CL_KIND_LOG) {
		if (record->type != CL_T_log_opened)
			return CL_OK;
		struct log_opened opened;
		cl_arena_reset(&replay->turn);
		int rc = cl_decode_trusted(&cl_schema_log_opened, record->payload, &replay->turn, &opened);
		if (rc == CL_OK && opened.partitions)
			replay->partitions = opened.partitions;
		return rc;
	}
	struct replayed *actor = obtain(replay, record->kind, record->aggregate);
	if (!actor || record->aggregate_version != actor->version + 1)
		return CL_E_MISMATCH;
	cl_arena_reset(&replay->turn);
	cl_event_head(record, &event);
	int rc = decode_payload(replay, record, &event.body);
	if (rc != CL_OK)
		return rc;
	replay->domain->evolve(actor->kind, actor->state, &event, &actor->arena);
	actor->version = record->aggregate_version;
	actor->last_seq = record->seq;
	(void)cl_state_compact(actor->schema, &actor->arena, &actor->compacted, &actor->state);
	uint64_t taken = replay->domain->number_taken ? replay->domain->number_taken(&event) : 0;
	if (taken && (taken - 1) / replay->partitions + 1 > replay->number)
		replay->number = (taken - 1) / replay->partitions + 1;
	return CL_OK;
}

static void describe(struct cl_replay *replay, const struct replayed *actor, struct cl_buf *state,
                     struct cl_replay_actor *ret_actor) {
	cl_buf_clear(state);
	cl_encode(actor->schema, actor->state, state);
	*ret_actor = (struct cl_replay_actor){
	        .kind = actor->kind,
	        .id = actor->id,
	        .version = actor->version,
	        .last_seq = actor->last_seq,
	        .state = cl_buf_bytes(state),
	        .due_ms = replay->domain->due ? replay->domain->due(actor->kind, actor->state) : 0,
	};
}

void cl_replay_each(struct cl_replay *replay, void (*visit)(void *context, const struct cl_replay_actor *actor),
                    void *context) {
	struct cl_buf state;
	size_t index = 0;
	cl_buf_init(&state);
	for (struct cl_map_slot *slot; (slot = cl_map_next(&replay->actors, &index));) {
		struct cl_replay_actor actor;
		describe(replay, slot->value, &state, &actor);
		visit(context, &actor);
	}
	cl_buf_done(&state);
}

int cl_replay_get(struct cl_replay *replay, uint8_t kind, struct cl_id id, const void **ret_state,
                  uint32_t *ret_version) {
	struct replayed *actor = cl_map_get(&replay->actors, kind, id);
	if (!actor)
		return CL_E_NOTFOUND;
	*ret_state = actor->state;
	*ret_version = actor->version;
	return CL_OK;
}

/* -- rebuilding the store's actors and due times -- */

struct rebuild {
	struct cl_batch batch;
};

static void rebuild_visit(void *context, const struct cl_replay_actor *actor) {
	struct rebuild *rebuild = context;
	cl_batch_actor(&rebuild->batch, actor->kind, actor->id, actor->version, actor->last_seq, actor->state);
	if (actor->due_ms)
		cl_batch_due(&rebuild->batch, actor->kind, actor->id, 0, actor->due_ms);
}

int cl_partition_rebuild(const struct cl_domain *domain, struct cl_log *log) {
	struct cl_replay *replay;
	struct cl_log_reader reader;
	struct cl_stored stored;
	struct rebuild rebuild;
	int rc = cl_log_derive(log);
	if (rc == CL_OK)
		rc = cl_replay_new(domain, &replay);
	if (rc != CL_OK)
		return rc;
	cl_batch_init(&rebuild.batch);
	rc = cl_log_reader_open(&reader, log->kv, 1);
	if (rc == CL_OK) {
		while ((rc = cl_log_reader_next(&reader, &stored)) == CL_OK) {
			struct cl_record record;
			rc = cl_record_decode(stored.record, &record);
			if (rc == CL_OK)
				rc = cl_replay_record(replay, &record);
			if (rc != CL_OK)
				break;
		}
		cl_log_reader_close(&reader);
	}
	if (rc == CL_E_NOTFOUND) {
		cl_replay_each(replay, rebuild_visit, &rebuild);
		rebuild.batch.number = replay->number;
		rc = cl_log_replace_actors(log, &rebuild.batch);
	}
	cl_batch_done(&rebuild.batch);
	cl_replay_free(replay);
	return rc;
}
