#include "log/log.h"
#include "log/tables.h"

#define CHUNK_RECORDS 16384 /* records of one transaction */
#define CHUNK_TRIES 8       /* a full map grows between them */

/* Drops the tables and takes the mark away in one step, so that a cut at any later moment is seen. */
static int drop_tables(struct cl_log *log) {
	static const enum cl_table derived[] = {CL_STREAMS, CL_COMMANDS, CL_CURSORS};
	struct cl_kv *kv = log->kv;
	struct cl_kv_txn *txn;
	int rc = kv->ops->begin(kv, true, &txn);
	if (rc != CL_OK)
		return rc;
	for (size_t i = 0; rc == CL_OK && i < sizeof derived / sizeof derived[0]; i++)
		rc = kv->ops->clear(txn, derived[i]);
	if (rc == CL_OK) {
		rc = kv->ops->del(txn, CL_META, cl_meta_key(CL_META_DERIVED));
		if (rc == CL_E_NOTFOUND)
			rc = CL_OK;
	}
	if (rc != CL_OK) {
		kv->ops->abort(txn);
		return rc;
	}
	return kv->ops->commit(txn);
}

static int add_chunk(struct cl_tables *tables, struct cl_kv_cursor *cursor, uint64_t from_seq, uint64_t to_seq) {
	struct cl_kv *kv = tables->log->kv;
	uint8_t want[8];
	struct cl_bytes key, value;
	cl_key_seq(want, from_seq);
	int rc = kv->ops->seek(cursor, cl_bytes_of(want, sizeof want), &key, &value);
	for (uint64_t seq = from_seq; rc == CL_OK && seq <= to_seq; seq++) {
		struct cl_stored stored;
		struct cl_record record;
		cl_key_seq(want, seq);
		if (key.n != sizeof want || memcmp(key.p, want, sizeof want) != 0)
			return CL_E_CORRUPT;
		rc = cl_stored_open(value, &stored);
		if (rc == CL_OK && cl_record_decode(stored.record, &record) != CL_OK)
			rc = CL_E_CORRUPT;
		if (rc == CL_OK)
			rc = cl_tables_add(tables, &record);
		if (rc == CL_OK && seq < to_seq)
			rc = kv->ops->next(cursor, &key, &value);
	}
	if (rc == CL_E_NOTFOUND)
		return CL_E_CORRUPT; /* events end before the head */
	return rc == CL_OK ? cl_tables_flush(tables) : rc;
}

static int derive_chunk(struct cl_log *log, uint64_t from_seq, uint64_t to_seq) {
	struct cl_kv *kv = log->kv;
	struct cl_kv_txn *txn;
	struct cl_kv_cursor *cursor;
	int rc = kv->ops->begin(kv, true, &txn);
	if (rc != CL_OK)
		return rc;
	rc = kv->ops->cursor_open(txn, CL_EVENTS, &cursor);
	if (rc == CL_OK) {
		struct cl_tables tables;
		cl_tables_init(&tables, log, txn, log->head.recorded_ms);
		rc = add_chunk(&tables, cursor, from_seq, to_seq);
		cl_tables_done(&tables);
		kv->ops->cursor_close(cursor);
	}
	if (rc == CL_OK && to_seq == log->head.seq)
		rc = cl_tables_mark(log, txn);
	if (rc != CL_OK) {
		kv->ops->abort(txn);
		return rc;
	}
	return kv->ops->commit(txn);
}

int cl_log_derive(struct cl_log *log) {
	int rc = CL_E_NOSPACE;
	for (int i = 0; rc == CL_E_NOSPACE && i < CHUNK_TRIES; i++)
		rc = drop_tables(log);
	for (uint64_t from = 1; rc == CL_OK && from <= log->head.seq; from += CHUNK_RECORDS) {
		uint64_t to = log->head.seq - from < CHUNK_RECORDS ? log->head.seq : from + CHUNK_RECORDS - 1;
		rc = CL_E_NOSPACE;
		for (int i = 0; rc == CL_E_NOSPACE && i < CHUNK_TRIES; i++)
			rc = derive_chunk(log, from, to);
	}
	return rc;
}
