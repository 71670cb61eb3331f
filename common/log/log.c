#include "log/log.h"

#include "base/assert.h"
#include "codec.h"
#include "log/be.h"
#include "log/tables.h"

#define COMMIT_TRIES 4 /* each may grow the map */

/* -- commit -- */
static int put_event(const struct cl_log *log, struct cl_kv_txn *txn, const struct cl_log_head *head,
                     struct cl_bytes bytes, struct cl_buf *scratch) {
	uint8_t key[8];
	cl_key_seq(key, head->seq);
	cl_buf_clear(scratch);
	cl_stored_put(head->hash, bytes, scratch);
	return log->kv->ops->put(txn, CL_EVENTS, cl_bytes_of(key, sizeof key), cl_buf_bytes(scratch), true);
}

static struct cl_bytes batch_record(const struct cl_batch *batch, uint32_t i) {
	return cl_bytes_of(batch->bytes.p + batch->records[i].offset, batch->records[i].n);
}

static struct cl_record decode_own(struct cl_bytes bytes) {
	struct cl_record record;
	CL_ASSERT(cl_record_decode(bytes, &record) == CL_OK);
	return record;
}

static int put_records(const struct cl_log *log, struct cl_kv_txn *txn, const struct cl_batch *batch,
                       struct cl_log_head *head, struct cl_buf *scratch) {
	if (batch->record_n == 0)
		return CL_OK;
	int64_t before_ms = head->recorded_ms;
	struct cl_tables tables;
	cl_tables_init(&tables, log, txn, decode_own(batch_record(batch, batch->record_n - 1)).recorded_ms);
	int rc = CL_OK;
	for (uint32_t i = 0; rc == CL_OK && i < batch->record_n; i++) {
		struct cl_bytes bytes = batch_record(batch, i);
		struct cl_record record = decode_own(bytes);
		CL_ASSERT(record.seq == head->seq + 1 && record.recorded_ms >= head->recorded_ms);
		head->seq = record.seq;
		head->hash = cl_hash_chain(head->hash, bytes.p, bytes.n);
		head->recorded_ms = record.recorded_ms;
		rc = put_event(log, txn, head, bytes, scratch);
		if (rc == CL_OK)
			rc = cl_tables_add(&tables, &record);
	}
	if (rc == CL_OK)
		rc = cl_tables_flush(&tables);
	if (rc == CL_OK)
		rc = cl_tables_forget(&tables, before_ms);
	cl_tables_done(&tables);
	return rc;
}

static int put_actors(const struct cl_log *log, struct cl_kv_txn *txn, const struct cl_batch *batch,
                      struct cl_buf *scratch) {
	for (uint32_t i = 0; i < batch->actor_n; i++) {
		const struct cl_batch_actor *actor = &batch->actors[i];
		uint8_t key[CL_KEY_ACTOR];
		cl_key_actor(key, actor->kind, &actor->id);
		if (actor->n == 0) {
			int rc = log->kv->ops->del(txn, CL_ACTORS, cl_bytes_of(key, sizeof key));
			if (rc != CL_OK && rc != CL_E_NOTFOUND)
				return rc;
			continue;
		}
		cl_buf_clear(scratch);
		uint8_t *p = cl_buf_reserve(scratch, CL_ACTOR_HEAD + (size_t)actor->n);
		cl_be32_put(p + 4, actor->version);
		cl_be64_put(p + 8, actor->last_seq);
		memcpy(p + CL_ACTOR_HEAD, batch->extra.p + actor->offset, actor->n);
		scratch->n = CL_ACTOR_HEAD + (size_t)actor->n;
		cl_be32_put(p, cl_crc32c(0, p + 4, scratch->n - 4));
		int rc = log->kv->ops->put(txn, CL_ACTORS, cl_bytes_of(key, sizeof key), cl_buf_bytes(scratch), false);
		if (rc != CL_OK)
			return rc;
	}
	return CL_OK;
}

static int put_dues(const struct cl_log *log, struct cl_kv_txn *txn, const struct cl_batch *batch) {
	for (uint32_t i = 0; i < batch->due_n; i++) {
		const struct cl_batch_due *due = &batch->dues[i];
		uint8_t key[CL_KEY_DUE];
		if (due->old_ms != 0) {
			cl_key_due(key, due->old_ms, due->kind, &due->id);
			int rc = log->kv->ops->del(txn, CL_DUES, cl_bytes_of(key, sizeof key));
			if (rc != CL_OK && rc != CL_E_NOTFOUND)
				return rc;
		}
		if (due->new_ms != 0) {
			cl_key_due(key, due->new_ms, due->kind, &due->id);
			int rc = log->kv->ops->put(txn, CL_DUES, cl_bytes_of(key, sizeof key), (struct cl_bytes){0},
			                           false);
			if (rc != CL_OK)
				return rc;
		}
	}
	return CL_OK;
}

static int put_number(const struct cl_log *log, struct cl_kv_txn *txn, uint64_t number) {
	uint8_t value[8];
	if (number == 0)
		return CL_OK;
	cl_be64_put(value, number);
	return log->kv->ops->put(txn, CL_META, cl_meta_key(CL_META_NUMBER), cl_bytes_of(value, sizeof value), false);
}

static int put_batch(const struct cl_log *log, struct cl_kv_txn *txn, const struct cl_batch *batch,
                     struct cl_log_head *head) {
	struct cl_buf scratch;
	cl_buf_init(&scratch);
	int rc = put_records(log, txn, batch, head, &scratch);
	if (rc == CL_OK)
		rc = put_actors(log, txn, batch, &scratch);
	if (rc == CL_OK)
		rc = put_dues(log, txn, batch);
	if (rc == CL_OK)
		rc = put_number(log, txn, batch->number);
	cl_buf_done(&scratch);
	return rc;
}

static int commit_once(const struct cl_log *log, const struct cl_batch *batch, struct cl_log_head *head, bool mark) {
	struct cl_kv *kv = log->kv;
	struct cl_kv_txn *txn;
	int rc = kv->ops->begin(kv, true, &txn);
	if (rc != CL_OK)
		return rc;
	rc = put_batch(log, txn, batch, head);
	if (rc == CL_OK && mark)
		rc = cl_tables_mark(log, txn);
	if (rc != CL_OK) {
		kv->ops->abort(txn);
		return rc;
	}
	return kv->ops->commit(txn);
}

/* A map that was full has grown by the next begin, so a repeat at once is worth while; a full disk fails again. */
static int commit(const struct cl_log *log, const struct cl_log_head *head, const struct cl_batch *batch, bool mark,
                  struct cl_log_head *ret_head) {
	int rc = CL_E_NOSPACE;
	for (int i = 0; rc == CL_E_NOSPACE && i < COMMIT_TRIES; i++) {
		struct cl_log_head next = *head;
		rc = commit_once(log, batch, &next, mark);
		if (rc == CL_OK)
			*ret_head = next;
	}
	return rc;
}

int cl_log_commit(const struct cl_log *log, const struct cl_log_head *head, const struct cl_batch *batch,
                  struct cl_log_head *ret_head) {
	return commit(log, head, batch, false, ret_head);
}

/* -- open -- */
static int write_opened(struct cl_log *log, int64_t now_ms) {
	struct cl_log_identity *identity = &log->identity;
	struct log_opened opened = {
	        .log_id = identity->log_id,
	        .service = identity->service,
	        .partition = identity->partition,
	        .partitions = identity->partitions,
	        .schema_hash = cl_schema_hash(),
	        .public_key = {identity->sign_key.public_key, sizeof identity->sign_key.public_key},
	};
	struct cl_buf payload;
	struct cl_batch batch;
	cl_buf_init(&payload);
	cl_batch_init(&batch);
	cl_encode(&cl_schema_log_opened, &opened, &payload);
	struct cl_record record = {
	        .seq = 1,
	        .recorded_ms = now_ms,
	        .occurred_ms = now_ms,
	        .type = CL_T_log_opened,
	        .version = cl_schema_log_opened.version,
	        .kind = CL_KIND_LOG,
	        .aggregate = identity->log_id,
	        .who = CL_STR("system"),
	        .payload = cl_buf_bytes(&payload),
	};
	cl_batch_record(&batch, &record);
	int rc = commit(log, &log->head, &batch, true, &log->head);
	cl_batch_done(&batch);
	cl_buf_done(&payload);
	return rc;
}

static bool same_identity(const struct cl_log_identity *identity, const struct log_opened *opened) {
	return opened->service == identity->service && opened->partition == identity->partition &&
	       opened->partitions == identity->partitions &&
	       opened->public_key.n == sizeof identity->sign_key.public_key &&
	       memcmp(opened->public_key.p, identity->sign_key.public_key, opened->public_key.n) == 0;
}

static int check_opened(struct cl_log *log, const struct cl_record *record) {
	struct log_opened opened;
	struct cl_arena arena;
	if (record->type != CL_T_log_opened)
		return CL_E_CORRUPT;
	cl_arena_init(&arena, 4096);
	int rc = cl_decode(&cl_schema_log_opened, record->payload, &arena, &opened, NULL);
	if (rc != CL_OK)
		rc = CL_E_CORRUPT;
	else if (!same_identity(&log->identity, &opened))
		rc = CL_E_MISMATCH;
	else
		log->identity.log_id = opened.log_id;
	cl_arena_done(&arena);
	return rc;
}

/* Reads all of events once: order, checksums, form. */
static int scan(struct cl_log *log, uint64_t *ret_bad_seq) {
	struct cl_log_reader reader;
	int rc = cl_log_reader_open(&reader, log->kv, 1);
	if (rc != CL_OK)
		return rc;
	for (;;) {
		uint64_t seq = reader.next;
		struct cl_stored stored;
		struct cl_record record;
		rc = cl_log_reader_next(&reader, &stored);
		if (rc == CL_OK && cl_record_decode(stored.record, &record) != CL_OK)
			rc = CL_E_CORRUPT;
		if (rc == CL_OK && seq == 1)
			rc = check_opened(log, &record);
		if (rc == CL_E_CORRUPT)
			*ret_bad_seq = seq;
		if (rc != CL_OK)
			break;
		log->head = (struct cl_log_head){seq, stored.hash, record.recorded_ms};
	}
	cl_log_reader_close(&reader);
	return rc == CL_E_NOTFOUND ? CL_OK : rc;
}

static int check_tables(struct cl_log *log) {
	struct cl_kv_txn *txn;
	int rc = log->kv->ops->begin(log->kv, false, &txn);
	if (rc != CL_OK)
		return rc;
	rc = cl_tables_check_mark(log, txn);
	log->kv->ops->abort(txn);
	return rc == CL_E_NOTFOUND ? cl_log_derive(log) : rc;
}

int cl_log_open(struct cl_log *log, struct cl_kv *kv, const struct cl_log_identity *identity, int64_t command_window_ms,
                int64_t now_ms, uint64_t *ret_bad_seq) {
	CL_ASSERT(identity->service != 0 && identity->service <= UINT8_MAX && identity->partition <= UINT16_MAX);
	CL_ASSERT(command_window_ms > 0);
	*log = (struct cl_log){.kv = kv, .identity = *identity, .command_window_ms = command_window_ms};
	*ret_bad_seq = 0;
	int rc = scan(log, ret_bad_seq);
	if (rc != CL_OK)
		return rc;
	return log->head.seq == 0 ? write_opened(log, now_ms) : check_tables(log);
}

int cl_log_replace_actors(struct cl_log *log, const struct cl_batch *batch) {
	struct cl_kv *kv = log->kv;
	struct cl_kv_txn *txn;
	struct cl_buf scratch;
	int rc = kv->ops->begin(kv, true, &txn);
	if (rc != CL_OK)
		return rc;
	cl_buf_init(&scratch);
	rc = kv->ops->clear(txn, CL_ACTORS);
	if (rc == CL_OK)
		rc = kv->ops->clear(txn, CL_DUES);
	if (rc == CL_OK)
		rc = put_actors(log, txn, batch, &scratch);
	if (rc == CL_OK)
		rc = put_dues(log, txn, batch);
	if (rc == CL_OK)
		rc = put_number(log, txn, batch->number);
	cl_buf_done(&scratch);
	if (rc != CL_OK) {
		kv->ops->abort(txn);
		return rc;
	}
	return kv->ops->commit(txn);
}
