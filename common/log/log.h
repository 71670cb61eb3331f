/* One partition's log over a key-value store: append in batches, everything else derived from `events`.
 *
 * The deciding thread builds a cl_batch; the writer thread commits it in one transaction (hash chain, events, streams,
 * commands, cursors, actors, dues); readers use their own read transactions. `events` is the only truth: cl_log_derive
 * rebuilds streams, commands and cursors from it byte for byte, the partition (common/actor) actors and dues. */
#ifndef CL_LOG_LOG_H
#define CL_LOG_LOG_H

#include "base/hash.h"
#include "log/kv.h"
#include "log/record.h"

struct cl_log_head {
	uint64_t seq; /* 0 = empty */
	struct cl_hash hash;
	int64_t recorded_ms;
};

struct cl_log_identity {
	struct cl_id log_id;
	uint32_t service, partition, partitions;
	struct cl_sign_key sign_key;
};

struct cl_log {
	struct cl_kv *kv;
	struct cl_log_identity identity;
	struct cl_log_head head;   /* durable; changed only by cl_log_commit's caller (see there) */
	int64_t command_window_ms; /* commands older than this are forgotten, and refused by the partition */
};

/* What a batch changes beside its records. */
struct cl_batch_actor {
	uint8_t kind;
	struct cl_id id;
	uint32_t version;
	uint64_t last_seq;
	uint32_t offset, n; /* state bytes in extra; n == 0: actor ended */
};
struct cl_batch_due {
	uint8_t kind;
	struct cl_id id;
	int64_t old_ms, new_ms; /* 0 = none */
};
struct cl_batch_record {
	uint32_t offset, n;
};

struct cl_batch {
	struct cl_buf bytes; /* records, encoded */
	struct cl_buf extra; /* states, encoded */
	struct cl_batch_record *records;
	uint32_t record_n, record_cap;
	struct cl_batch_actor *actors;
	uint32_t actor_n, actor_cap;
	struct cl_batch_due *dues;
	uint32_t due_n, due_cap;
	uint64_t number; /* counter of numbers for people after this batch; 0 = unchanged */
};

void cl_batch_init(struct cl_batch *batch);
void cl_batch_done(struct cl_batch *batch);
void cl_batch_clear(struct cl_batch *batch);
void cl_batch_record(struct cl_batch *batch, const struct cl_record *record);
void cl_batch_actor(struct cl_batch *batch, uint8_t kind, struct cl_id id, uint32_t version, uint64_t last_seq,
                    struct cl_bytes state);
void cl_batch_due(struct cl_batch *batch, uint8_t kind, struct cl_id id, int64_t old_ms, int64_t new_ms);

/* Opens what is there, or writes log_opened as record 1. identity gives service, partition, partitions, sign_key and,
 * for a new log, log_id; for an existing log log_id is read, and another service, partition, count or key is MISMATCH.
 * Every record's order and checksum are checked: CORRUPT, with *ret_bad_seq (else 0). Derived tables that are not whole
 * (a rebuild that was cut off) or were written under another command window are derived anew. now_ms stamps log_opened.
 * Nothing to close: the store stays the caller's. */
CL_MUST_CHECK int cl_log_open(struct cl_log *log, struct cl_kv *kv, const struct cl_log_identity *identity,
                              int64_t command_window_ms, int64_t now_ms, uint64_t *ret_bad_seq);

/* Commits the batch in one transaction on the calling thread, behind *head (of the batch before, or log->head) and
 * computes *ret_head; does not touch log->head: the deciding thread sets it when it learns of the commit. Records must
 * carry seq head+1, head+2, … and a recorded_ms that never runs backwards (else: an assertion). A batch may hold no
 * record (actors, dues or number alone); *ret_head is then *head. An actor or due that is to go and is not there is no
 * error. NOSPACE: nothing happened, try the same batch again later (a full map was grown and tried again already). Any
 * other error: exit the process, since what is durable is unknown. */
CL_MUST_CHECK int cl_log_commit(const struct cl_log *log, const struct cl_log_head *head, const struct cl_batch *batch,
                                struct cl_log_head *ret_head);

/* -- reading; a reader is a snapshot, for one turn -- */
struct cl_log_reader {
	struct cl_kv *kv;
	struct cl_kv_txn *txn;
	struct cl_kv_cursor *cursor;
	uint64_t next;
	bool placed;
};
/* from_seq 0 reads from the first. AGAIN: no reader slot. */
CL_MUST_CHECK int cl_log_reader_open(struct cl_log_reader *reader, struct cl_kv *kv, uint64_t from_seq);
void cl_log_reader_close(struct cl_log_reader *reader);
/* The next record; NOTFOUND at the head; CORRUPT (checksum, or a record is missing: reader->next names it). Views live
 * until the reader closes. */
CL_MUST_CHECK int cl_log_reader_next(struct cl_log_reader *reader, struct cl_stored *ret_stored);
CL_MUST_CHECK int cl_log_read(struct cl_kv_txn *txn, struct cl_kv *kv, uint64_t seq, struct cl_stored *ret_stored);
CL_MUST_CHECK int cl_log_read_head(struct cl_kv_txn *txn, struct cl_kv *kv, struct cl_log_head *ret_head);
/* Sequence of one version of an aggregate; NOTFOUND. Records are linked backwards (previous), and STREAMS holds every
 * 64th version and every record that is not linked, so at most 64 records are read, from there or from where ACTORS
 * says the aggregate stands. (A row for each record would be a random page written for each: it halved the rate of
 * commits.) Of an aggregate whose records are not linked, version 1 is not found; of one that has no state in ACTORS,
 * linked versions are found up to the last row. */
CL_MUST_CHECK int cl_log_stream_seq(struct cl_kv_txn *txn, struct cl_kv *kv, uint8_t kind, struct cl_id id,
                                    uint32_t version, uint64_t *ret_seq);
/* Sequences of versions from, from + 1, ..., at most cap of them, in one walk; *ret_n is
 * less when the aggregate has no more. from > 0. */
CL_MUST_CHECK int cl_log_stream_seqs(struct cl_kv_txn *txn, struct cl_kv *kv, uint8_t kind, struct cl_id id,
                                     uint32_t from, uint32_t cap, uint64_t *ret_seqs, uint32_t *ret_n);
/* Positions recorded for a command; NOTFOUND. */
CL_MUST_CHECK int cl_log_command(struct cl_kv_txn *txn, struct cl_kv *kv, struct cl_id command, uint64_t *ret_first,
                                 uint64_t *ret_last);
CL_MUST_CHECK int cl_log_cursor(struct cl_kv_txn *txn, struct cl_kv *kv, uint32_t service, uint32_t partition,
                                uint64_t *ret_seq, struct cl_hash *ret_hash);
/* The counter of numbers for people; 0 if none was taken. */
CL_MUST_CHECK int cl_log_number(struct cl_kv_txn *txn, struct cl_kv *kv, uint64_t *ret_number);
struct cl_log_actor {
	uint32_t version;
	uint64_t last_seq;
	struct cl_bytes state;
};
/* NOTFOUND; CORRUPT: its checksum does not hold, so actors must be rebuilt from events. */
CL_MUST_CHECK int cl_log_actor(struct cl_kv_txn *txn, struct cl_kv *kv, uint8_t kind, struct cl_id id,
                               struct cl_log_actor *ret_actor);

/* Drops and rebuilds streams, commands, cursors from events in transactions of bounded size. Cut off anywhere, the next
 * cl_log_open begins it anew. CORRUPT, NOSPACE, IO. */
CL_MUST_CHECK int cl_log_derive(struct cl_log *log);

/* Replaces ACTORS, DUES and the number counter by what the batch holds (its records are not looked at), in one
 * transaction. */
CL_MUST_CHECK int cl_log_replace_actors(struct cl_log *log, const struct cl_batch *batch);

/* What a checkpoint's signature covers (log id ‖ seq, big endian ‖ hash: 56 bytes), signed. */
void cl_log_sign(const struct cl_log_identity *identity, uint64_t seq, struct cl_hash hash,
                 uint8_t ret_signature[CL_SIGN_BYTES]);
/* SIGNATURE if it does not hold. */
CL_MUST_CHECK int cl_log_sign_check(const uint8_t public_key[32], struct cl_id log_id, uint64_t seq,
                                    struct cl_hash hash, const uint8_t signature[CL_SIGN_BYTES]);

/* Whole-log verification: order, checksums, form, chain, checkpoint signatures, aggregate versions (1, 2, 3 … for each)
 * and links, and that recorded_ms never runs backwards. Reads in short transactions, beside a running service too. */
struct cl_verify_report {
	uint64_t records, checkpoints;
	uint64_t last_signed_seq; /* history is proven up to here */
	uint64_t bad_seq;         /* first bad record, 0 = none */
	int bad_code;             /* CORRUPT, CHAIN, SIGNATURE, MALFORMED, MISMATCH (version or order) */
	struct cl_log_head head;
	struct cl_id log_id;
};
/* public_key NULL: the key in log_opened is believed (catches accidents, not an attacker). progress may be NULL.
 * OK: all of it holds. Otherwise bad_code, with the report filled up to the bad record; or an operating error (bad_seq
 * 0). */
CL_MUST_CHECK int cl_log_verify(struct cl_kv *kv, const uint8_t *public_key,
                                void (*progress)(void *context, uint64_t seq, uint64_t of), void *context,
                                struct cl_verify_report *ret_report);
/* A checkpoint known from outside (anchor): TRUNCATED if the log ends before it, CHAIN if it has another hash there,
 * MISMATCH if it is of another log. Says something about what lies before it only together with cl_log_verify: the
 * stored hash is compared, the chain up to it is verify's. */
struct cl_anchor {
	struct cl_id log_id;
	uint64_t seq;
	struct cl_hash hash;
};
CL_MUST_CHECK int cl_log_check_anchor(struct cl_kv *kv, const struct cl_anchor *anchor);

#endif
