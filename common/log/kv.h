/* A transactional ordered key-value store with LMDB's semantics: one writer at a time, readers see a snapshot,
 * a commit is atomic and durable when it returns. Everything above (log, actors) is written against this table of
 * functions; LMDB (common/uv/kv_lmdb.c), memory (kv_mem.c) and the simulator's faulty disk implement it.
 *
 * A write transaction belongs to the thread that began it. A read transaction may move between threads, one user at a
 * time, and should live no longer than one turn. Keys are 1..511 bytes, compared as unsigned bytes; values up to 1 GiB.
 * Views from get and cursors live until the next put/del/clear in the same transaction, or its end. A cursor over a
 * table that its own transaction has changed, or that gave NOTFOUND, must seek again before next. */
#ifndef CL_LOG_KV_H
#define CL_LOG_KV_H

#include "base/error.h"
#include "base/str.h"

enum cl_table {            /* numbers are indices, not stored */
	        CL_EVENTS, /* seq u64 BE -> crc32c u32 BE ‖ hash 32 ‖ record */
	        CL_STREAMS, /* kind u8 ‖ id 16 ‖ version u32 BE -> seq u64 BE; every 64th version, see cl_log_stream_seq
	                     */
	        CL_COMMANDS, /* command id 16 -> first seq u64 BE ‖ last seq u64 BE */
	        CL_CURSORS,  /* service u8 ‖ partition u16 BE -> seq u64 BE ‖ hash 32 */
	        CL_ACTORS, /* kind u8 ‖ id 16 -> crc32c u32 BE of what follows ‖ version u32 BE ‖ last seq u64 BE ‖
	                      state (msgpack) */
	        CL_DUES, /* due ms u64 BE ‖ kind u8 ‖ id 16 -> empty */
	        CL_META, /* short text keys */
	        CL_TABLES
};

struct cl_kv;     /* a store */
struct cl_kv_txn; /* a transaction */
struct cl_kv_cursor;

struct cl_kv_ops {
	/* *ret_txn for reading or writing. A second writer waits. Errors: NOMEM, IO, AGAIN (no reader slot), NOSPACE
	 * (writing: a full map can not be grown while readers stay open). */
	int (*begin)(struct cl_kv *kv, bool write, struct cl_kv_txn **ret_txn);
	/* OK: durable. NOSPACE (disk or map full: nothing happened, may be retried), IO (state unknown: exit). Ends the
	 * txn in every case. */
	int (*commit)(struct cl_kv_txn *txn);
	void (*abort)(struct cl_kv_txn *txn); /* also ends a reader */
	int (*get)(struct cl_kv_txn *txn, enum cl_table table, struct cl_bytes key,
	           struct cl_bytes *ret_value); /* NOTFOUND */
	/* append: key is larger than all in the table, else EXISTS. NOSPACE, IO: abort the txn. */
	int (*put)(struct cl_kv_txn *txn, enum cl_table table, struct cl_bytes key, struct cl_bytes value, bool append);
	int (*del)(struct cl_kv_txn *txn, enum cl_table table, struct cl_bytes key); /* NOTFOUND */
	int (*clear)(struct cl_kv_txn *txn, enum cl_table table);                    /* drops all entries */
	int (*cursor_open)(struct cl_kv_txn *txn, enum cl_table table, struct cl_kv_cursor **ret_cursor);
	void (*cursor_close)(struct cl_kv_cursor *cursor); /* before its txn ends */
	/* First entry with key >= the given; NOTFOUND at the end. */
	int (*seek)(struct cl_kv_cursor *cursor, struct cl_bytes key, struct cl_bytes *ret_key,
	            struct cl_bytes *ret_value);
	int (*next)(struct cl_kv_cursor *cursor, struct cl_bytes *ret_key,
	            struct cl_bytes *ret_value); /* NOTFOUND at the end */
	int (*last)(struct cl_kv_cursor *cursor, struct cl_bytes *ret_key,
	            struct cl_bytes *ret_value); /* NOTFOUND if empty */
	void (*close)(struct cl_kv *kv);
	/* Bytes the store may still grow by before commits fail (disk and policy); UINT64_MAX if unknown. */
	uint64_t (*space)(struct cl_kv *kv);
};

struct cl_kv {
	const struct cl_kv_ops *ops;
};

const char *cl_table_name(enum cl_table table);

/* Memory store; nothing survives close. */
CL_MUST_CHECK int cl_kv_mem_open(struct cl_kv **ret_kv);

#endif
