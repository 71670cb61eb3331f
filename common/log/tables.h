/* Inside the log: the tables that follow from events. Commit and derive both go through here, record by record in
 * order, so that what is rebuilt is equal byte for byte to what was written live, however the records were batched. The
 * content after record n is a function of records 1..n and the command window: STREAMS   of the records with kind !=
 * CL_KIND_LOG each CL_STREAM_STEPth version, and those without a link to the one before COMMANDS  per command id the
 * first and last record that carries it, unless the id is a UUIDv7 older than recorded_ms(n) - window: those are
 * forgotten. Ids that are no UUIDv7 (derived ones) are kept for ever. CURSORS   per source the last cause or
 * log_consumed entry that names it; the hash is zero for the own log Only the last value of a key within one
 * transaction is put. */
#ifndef CL_LOG_TABLES_H
#define CL_LOG_TABLES_H

#include "base/arena.h"
#include "log/log.h"

#define CL_TABLES_SOURCES 64 /* cursors held back at most; more are put early */
#define CL_STREAM_STEP 64
#define CL_KEY_STREAM 21
#define CL_KEY_ACTOR 17
#define CL_KEY_CURSOR 3
#define CL_KEY_DUE 25
#define CL_ACTOR_HEAD 16 /* crc32c, version, last seq */

struct cl_tables_cursor {
	uint32_t service, partition;
	uint64_t seq;
	struct cl_hash hash;
};

struct cl_tables {
	const struct cl_log *log;
	struct cl_kv_txn *txn;
	int64_t forget_before_ms; /* command ids older than this are not kept */
	struct cl_tables_cursor cursors[CL_TABLES_SOURCES];
	uint32_t cursor_n;
	struct cl_id command; /* the run of records that is being collected; zero = none */
	uint64_t command_first, command_last;
	struct cl_arena arena;
};

/* recorded_ms: of the last record that will be there when the transaction ends. */
void cl_tables_init(struct cl_tables *tables, const struct cl_log *log, struct cl_kv_txn *txn, int64_t recorded_ms);
void cl_tables_done(struct cl_tables *tables);
/* NOSPACE, IO, CORRUPT (a log_consumed that does not decode). Views into the store are read before the first put. */
CL_MUST_CHECK int cl_tables_add(struct cl_tables *tables, const struct cl_record *record);
/* Puts what was held back. */
CL_MUST_CHECK int cl_tables_flush(struct cl_tables *tables);
/* Deletes the commands that have become too old since the log's last record was recorded at before_ms. */
CL_MUST_CHECK int cl_tables_forget(struct cl_tables *tables, int64_t before_ms);

void cl_key_seq(uint8_t key[8], uint64_t seq);
void cl_key_actor(uint8_t key[CL_KEY_ACTOR], uint8_t kind, const struct cl_id *id);
void cl_key_stream(uint8_t key[CL_KEY_STREAM], uint8_t kind, const struct cl_id *id, uint32_t version);
void cl_key_cursor(uint8_t key[CL_KEY_CURSOR], uint32_t service, uint32_t partition);
void cl_key_due(uint8_t key[CL_KEY_DUE], int64_t due_ms, uint8_t kind, const struct cl_id *id);

/* META: the window under which the derived tables are whole; absent while they are being rebuilt. */
#define CL_META_DERIVED CL_STR("derived")
#define CL_META_NUMBER CL_STR("number")
static inline struct cl_bytes cl_bytes_of(const void *p, size_t n) {
	return (struct cl_bytes){p, (uint32_t)n};
}
static inline struct cl_bytes cl_meta_key(struct cl_str name) {
	return (struct cl_bytes){(const uint8_t *)name.p, name.n};
}
/* What META holds under CL_META_DERIVED once the tables are whole. */
CL_MUST_CHECK int cl_tables_mark(const struct cl_log *log, struct cl_kv_txn *txn);
/* NOTFOUND: the tables are not whole, or were derived under another window. */
CL_MUST_CHECK int cl_tables_check_mark(const struct cl_log *log, struct cl_kv_txn *txn);

#endif
