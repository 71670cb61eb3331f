/* What the tests of the log share: seeded randomness, stores to run on, histories, and whole-table comparison. */
#ifndef TESTS_LOG_SUPPORT_H
#define TESTS_LOG_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log/log.h"
#include "schema.h"

#define WINDOW_MS 60000
#define START_MS 1767225600000 /* 2026-01-01T00:00:00Z */

/* CL_TEST_SEED, or drawn; printed, so that a failure can be repeated. */
uint64_t test_seed(const char *name);
uint64_t rng(uint64_t *state); /* splitmix64 */
uint32_t below(uint64_t *state, uint32_t n);
struct cl_id random_id(uint64_t *state);

char *temp_folder(void); /* free and remove with drop_folder */
void drop_folder(char *folder);

struct cl_log_identity test_identity(uint64_t seed); /* service CL_INTAKE, partition 1 of 4 */

/* -- histories -- */
struct history { /* where a random log stands */
	uint64_t rng, seq;
	int64_t now_ms;
	struct cl_id aggregates[8];
	uint32_t versions[8];
	uint64_t last_seqs[8];
	bool unlinked;             /* records do not name the one before */
	struct cl_id commands[16]; /* recent ones, to be repeated now and then */
	uint64_t source_seq[3];
};
void history_init(struct history *history, uint64_t seed);
/* Appends n random records of every sort to the batch: events, rejections, consumed positions, causes. */
void history_batch(struct history *history, struct cl_batch *batch, uint32_t n);
/* One plain event of an aggregate (index below 8) with a payload of about payload_bytes. */
void history_event(struct history *history, struct cl_batch *batch, uint32_t aggregate, uint32_t payload_bytes);
/* A checkpoint of the head. */
void history_checkpoint(struct history *history, struct cl_batch *batch, const struct cl_log *log);
/* Commits and moves the head. */
void commit(struct cl_log *log, struct cl_batch *batch);

/* -- whole tables -- */
struct cl_hash table_digest(struct cl_kv *kv, enum cl_table table, uint64_t *ret_entries);
void clear_table(struct cl_kv *kv, enum cl_table table);
/* The stored value of one record, copied into out. */
void get_stored(struct cl_kv *kv, uint64_t seq, struct cl_buf *out);
void put_stored(struct cl_kv *kv, uint64_t seq, struct cl_bytes value);
void del_stored(struct cl_kv *kv, uint64_t seq);

#define assert_ok(expression) assert_int_equal((expression), CL_OK)
static inline struct cl_bytes view(const void *p, size_t n) {
	return (struct cl_bytes){p, (uint32_t)n};
}

#endif
