/* Answers about one actor, made on the reader lane from a snapshot of the store: so all they tell is durable. */
#include <stdlib.h>

#include "actor/partition_int.h"
#include "base/assert.h"

#define HISTORY_BYTES (512u << 10)
#define SEQS 64 /* places looked up at once */

struct get_job {
	struct cl_partition *partition;
	struct wire_get get; /* reply_to lies behind this struct */
	struct wire_state answer;
	struct cl_buf state, history;
	struct cl_arena arena;
	int rc;
};

static bool counts(const struct wire_get *get, const struct cl_record *record) {
	return (!get->as_of || record->occurred_ms <= get->as_of) &&
	       (!get->known_at || record->recorded_ms <= get->known_at);
}

/* Reads the actor's records in order; folds them into state when a moment of the past is asked for. */
static int read_history(struct get_job *job, struct cl_kv_txn *txn, const struct cl_schema *schema, bool fold) {
	const struct cl_domain *domain = job->partition->domain;
	struct cl_kv *kv = job->partition->kv;
	const struct wire_get *get = &job->get;
	void *state = cl_arena_alloc(&job->arena, schema->size);
	uint64_t seqs[SEQS];
	uint32_t seen = 0, cap = 0, at = 0, n = 0;
	int rc = CL_OK;
	for (uint32_t version = fold ? 1 : get->history_from ? get->history_from : 1;; version++) {
		struct cl_stored stored;
		struct cl_record record;
		struct cl_event event;
		if (at == n) {
			at = 0;
			rc = cl_log_stream_seqs(txn, kv, (uint8_t)get->kind, get->target, version, SEQS, seqs, &n);
			if (rc == CL_OK && n == 0)
				break;
		}
		if (rc == CL_OK)
			rc = cl_log_read(txn, kv, seqs[at++], &stored);
		if (rc == CL_OK)
			rc = cl_event_open(stored.record, &job->arena, &record, &event);
		if (rc != CL_OK)
			return rc;
		if (!counts(get, &record))
			continue;
		if (fold) {
			domain->evolve((uint8_t)get->kind, state, &event, &job->arena);
			job->answer.version = version;
		}
		seen++;
		if (!get->history || version < get->history_from)
			continue;
		if (job->history.n >= HISTORY_BYTES) {
			job->answer.more = true;
			if (!fold)
				break;
			continue;
		}
		if (job->answer.history.n == cap) {
			uint32_t more = cap ? 2 * cap : 64;
			struct wire_record *list = cl_arena_array(&job->arena, struct wire_record, more);
			if (cap)
				memcpy(list, job->answer.history.v, cap * sizeof(*list));
			job->answer.history.v = list;
			cap = more;
		}
		struct wire_record *entry = &job->answer.history.v[job->answer.history.n++];
		entry->hash = stored.hash;
		entry->record =
		        (struct cl_bytes){NULL, stored.record.n}; /* where: once the buffer has stopped moving */
		cl_buf_put(&job->history, stored.record.p, stored.record.n);
	}
	const uint8_t *place = job->history.p;
	for (uint32_t i = 0; i < job->answer.history.n; i++) {
		struct cl_bytes *bytes = &job->answer.history.v[i].record;
		bytes->p = place;
		place += bytes->n;
	}
	if (!fold)
		return CL_OK;
	if (!seen)
		return CL_E_NOTFOUND;
	cl_encode(schema, state, &job->state);
	return CL_OK;
}

static int read_all(struct get_job *job, struct cl_kv_txn *txn) {
	struct cl_kv *kv = job->partition->kv;
	const struct wire_get *get = &job->get;
	const struct cl_schema *schema = cl_state_schema(job->partition->domain, (uint8_t)get->kind);
	struct cl_log_head head;
	struct cl_log_actor actor;
	bool fold = get->as_of || get->known_at;
	int rc = cl_log_read_head(txn, kv, &head);
	if (rc != CL_OK)
		return rc;
	if (get->min_seq > head.seq)
		return CL_E_AGAIN;
	job->answer.seq = head.seq;
	job->answer.state_type = schema->type;
	rc = cl_log_actor(txn, kv, (uint8_t)get->kind, get->target, &actor);
	if (rc == CL_OK && !fold) {
		job->answer.version = actor.version;
		cl_buf_put(&job->state, actor.state.p, actor.state.n);
	}
	if (rc == CL_OK && (fold || get->history))
		rc = read_history(job, txn, schema, fold);
	return rc;
}

static void get_run(void *context) {
	struct get_job *job = context;
	struct cl_kv *kv = job->partition->kv;
	struct cl_kv_txn *txn;
	job->rc = kv->ops->begin(kv, false, &txn);
	if (job->rc != CL_OK)
		return;
	job->rc = read_all(job, txn);
	kv->ops->abort(txn);
}

static void get_done(void *context) {
	struct get_job *job = context;
	struct cl_partition *p = job->partition;
	p->jobs--;
	p->gets--;
	if (job->rc == CL_OK) {
		job->answer.status = WIRE_ACCEPTED;
		job->answer.state = cl_buf_bytes(&job->state);
	} else {
		job->answer = (struct wire_state){.id = job->get.id,
		                                  .status = job->rc == CL_E_NOTFOUND ? WIRE_NOT_FOUND : WIRE_BUSY};
	}
	/* A lost answer is asked for again. */
	(void)p->env->ops->post(p->env, job->get.reply_to, CL_T_wire_state, &job->answer);
	cl_buf_done(&job->state);
	cl_buf_done(&job->history);
	cl_arena_done(&job->arena);
	free(job);
	if (p->draining)
		cl_partition_turn(p);
}

static void refuse(struct cl_partition *p, const struct wire_get *get, enum wire_status status) {
	struct wire_state answer = {.id = get->id, .status = status};
	(void)p->env->ops->post(p->env, get->reply_to, CL_T_wire_state, &answer);
}

void cl_partition_get(struct cl_partition *p, const struct wire_get *get) {
	if (!cl_state_schema(p->domain, (uint8_t)get->kind) || !cl_partition_owns(p, (uint8_t)get->kind, get->target)) {
		refuse(p, get, WIRE_INVALID);
		return;
	}
	if (p->gets >= CL_GETS_MAX) {
		refuse(p, get, WIRE_BUSY);
		return;
	}
	struct get_job *job = calloc(1, sizeof(*job) + get->reply_to.n);
	CL_ASSERT(job);
	job->partition = p;
	job->get = *get;
	memcpy(job + 1, get->reply_to.p, get->reply_to.n);
	job->get.reply_to.p = (const char *)(job + 1);
	job->answer.id = get->id;
	cl_buf_init(&job->state);
	cl_buf_init(&job->history);
	cl_arena_init(&job->arena, 16 << 10);
	p->stats.gets++;
	p->jobs++;
	p->gets++;
	p->env->ops->work(p->env, CL_LANE_READER, get_run, get_done, job);
}
