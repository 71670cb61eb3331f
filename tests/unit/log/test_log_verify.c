/* Verification: accidents are found by checksum and chain, forgery by signatures, forgery with every local key by what
 * was anchored outside. */
#include "log_support.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "log/be.h"

struct fixture {
	struct cl_kv *kv;
	struct cl_log log;
	struct cl_batch batch;
	struct history history;
	struct cl_verify_report report;
};

/* 41 records or so: log_opened, events, a checkpoint after each ten. */
static int setup(void **state) {
	struct fixture *fixture = calloc(1, sizeof *fixture);
	struct cl_log_identity identity = test_identity(1);
	uint64_t bad_seq;
	*state = fixture;
	if (fixture == NULL || cl_kv_mem_open(&fixture->kv) != CL_OK ||
	    cl_log_open(&fixture->log, fixture->kv, &identity, WINDOW_MS, START_MS, &bad_seq) != CL_OK)
		return -1;
	cl_batch_init(&fixture->batch);
	history_init(&fixture->history, 42);
	for (int i = 0; i < 4; i++) {
		for (int j = 0; j < 9; j++)
			history_event(&fixture->history, &fixture->batch, below(&fixture->history.rng, 8), 20);
		commit(&fixture->log, &fixture->batch);
		history_checkpoint(&fixture->history, &fixture->batch, &fixture->log);
		commit(&fixture->log, &fixture->batch);
	}
	return 0;
}

static int teardown(void **state) {
	struct fixture *fixture = *state;
	cl_batch_done(&fixture->batch);
	fixture->kv->ops->close(fixture->kv);
	free(fixture);
	return 0;
}

static int verify(struct fixture *fixture) {
	return cl_log_verify(fixture->kv, fixture->log.identity.sign_key.public_key, NULL, NULL, &fixture->report);
}

static void expect_bad(struct fixture *fixture, int code, uint64_t seq) {
	assert_int_equal(verify(fixture), code);
	assert_int_equal(fixture->report.bad_code, code);
	assert_int_equal(fixture->report.bad_seq, seq);
	assert_int_equal(fixture->report.records, seq - 1);
}

static void count_progress(void *context, uint64_t seq, uint64_t of) {
	uint64_t *last = context;
	assert_true(seq <= of && seq >= *last);
	*last = seq;
}

static void a_sound_log_holds(void **state) {
	struct fixture *fixture = *state;
	uint64_t last = 0;
	assert_ok(cl_log_verify(fixture->kv, NULL, count_progress, &last, &fixture->report));
	assert_int_equal(last, 41);
	assert_ok(verify(fixture));
	const struct cl_verify_report *report = &fixture->report;
	assert_true(report->records == 41 && report->checkpoints == 4 && report->last_signed_seq == 40);
	assert_true(report->bad_seq == 0 && report->bad_code == CL_OK);
	assert_true(report->head.seq == 41 && cl_hash_eq(report->head.hash, fixture->log.head.hash));
	assert_true(cl_id_eq(report->log_id, fixture->log.identity.log_id));
}

static void an_empty_store_holds_nothing(void **state) {
	struct cl_kv *kv;
	struct cl_verify_report report;
	(void)state;
	assert_ok(cl_kv_mem_open(&kv));
	assert_ok(cl_log_verify(kv, NULL, NULL, NULL, &report));
	assert_int_equal(report.records, 0);
	kv->ops->close(kv);
}

/* Every bit of every stored value. */
static void every_flipped_bit_is_found(void **state) {
	struct fixture *fixture = *state;
	struct cl_buf value;
	cl_buf_init(&value);
	for (uint64_t seq = 1; seq <= 41; seq += 4) {
		get_stored(fixture->kv, seq, &value);
		for (size_t bit = 0; bit < value.n * 8; bit += seq == 1 || seq == 21 ? 1 : 7) {
			value.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			put_stored(fixture->kv, seq, cl_buf_bytes(&value));
			expect_bad(fixture, CL_E_CORRUPT, seq);
			value.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		put_stored(fixture->kv, seq, cl_buf_bytes(&value));
	}
	assert_ok(verify(fixture));
	cl_buf_done(&value);
}

/* Stores a record under the hash given, with a right checksum. */
static void put_forged(struct fixture *fixture, uint64_t seq, struct cl_hash hash, struct cl_bytes record) {
	struct cl_buf value;
	cl_buf_init(&value);
	cl_stored_put(hash, record, &value);
	put_stored(fixture->kv, seq, cl_buf_bytes(&value));
	cl_buf_done(&value);
}

static void a_changed_record_with_a_new_checksum_breaks_the_chain(void **state) {
	struct fixture *fixture = *state;
	struct cl_buf value;
	cl_buf_init(&value);
	get_stored(fixture->kv, 17, &value);
	for (size_t at = 0; at < value.n - 36; at++) {
		struct cl_stored stored;
		assert_ok(cl_stored_open(cl_buf_bytes(&value), &stored));
		value.p[36 + at] ^= 0x01;
		put_forged(fixture, 17, stored.hash, stored.record);
		value.p[36 + at] ^= 0x01;
		expect_bad(fixture, CL_E_CHAIN, 17);
	}
	cl_buf_done(&value);
}

static void missing_and_swapped_records_are_found(void **state) {
	struct fixture *fixture = *state;
	struct cl_buf a, b;
	cl_buf_init(&a);
	cl_buf_init(&b);
	get_stored(fixture->kv, 12, &a);
	get_stored(fixture->kv, 13, &b);
	put_stored(fixture->kv, 12, cl_buf_bytes(&b));
	put_stored(fixture->kv, 13, cl_buf_bytes(&a));
	expect_bad(fixture, CL_E_CHAIN, 12);
	put_stored(fixture->kv, 12, cl_buf_bytes(&a));
	put_stored(fixture->kv, 13, cl_buf_bytes(&b));
	assert_ok(verify(fixture));
	del_stored(fixture->kv, 12);
	expect_bad(fixture, CL_E_CORRUPT, 12);
	cl_buf_done(&a);
	cl_buf_done(&b);
}

/* -- a forger: copies the log record by record, changes what he likes, and makes chain and checksums right -- */
struct forgery {
	uint64_t change_seq, drop_seq; /* 0 = none */
	bool restate;                  /* write the new hashes into checkpoints too */
	bool sign;                     /* with the true key */
	int64_t shift_ms;              /* of change_seq's recorded_ms */
	uint32_t shift_version;
	uint64_t link; /* instead of the true one */
	bool break_payload;
};

static void restate_checkpoint(struct fixture *fixture, struct cl_record *record, const struct cl_log_head *head,
                               bool sign, struct cl_arena *arena, struct cl_buf *payload) {
	struct log_checkpoint checkpoint;
	uint8_t signature[CL_SIGN_BYTES];
	assert_ok(cl_decode(&cl_schema_log_checkpoint, record->payload, arena, &checkpoint, NULL));
	checkpoint.seq = head->seq;
	checkpoint.hash = head->hash;
	if (sign) {
		cl_log_sign(&fixture->log.identity, head->seq, head->hash, signature);
		checkpoint.signature = view(signature, sizeof signature);
	}
	cl_buf_clear(payload);
	cl_encode(&cl_schema_log_checkpoint, &checkpoint, payload);
	record->payload = cl_buf_bytes(payload);
}

static void change(struct cl_record *record, const struct forgery *forgery, struct cl_buf *payload) {
	record->who = CL_STR("someone else");
	record->recorded_ms += forgery->shift_ms;
	record->aggregate_version += forgery->shift_version;
	if (forgery->link != 0)
		record->previous = forgery->link;
	if (forgery->break_payload) {
		cl_buf_clear(payload);
		cl_buf_put(payload, "\x82\x01\x02", 3); /* two pairs announced, one there */
		record->payload = cl_buf_bytes(payload);
	}
}

static void forge(struct fixture *fixture, const struct forgery *forgery) {
	struct cl_log_head head = {0};
	struct cl_buf value, bytes, payload;
	struct cl_arena arena;
	uint64_t end = fixture->log.head.seq;
	cl_buf_init(&value);
	cl_buf_init(&bytes);
	cl_buf_init(&payload);
	cl_arena_init(&arena, 1024);
	for (uint64_t seq = 1; seq <= end; seq++) {
		struct cl_stored stored;
		struct cl_record record;
		get_stored(fixture->kv, seq, &value);
		assert_ok(cl_stored_open(cl_buf_bytes(&value), &stored));
		assert_ok(cl_record_decode(stored.record, &record));
		if (seq == forgery->drop_seq)
			continue;
		record.seq = head.seq + 1;
		if (forgery->drop_seq != 0 && record.previous > forgery->drop_seq)
			record.previous--;
		if (seq == forgery->change_seq)
			change(&record, forgery, &payload);
		if (record.type == CL_T_log_checkpoint && forgery->restate)
			restate_checkpoint(fixture, &record, &head, forgery->sign, &arena, &payload);
		cl_buf_clear(&bytes);
		cl_record_encode(&record, &bytes);
		head.seq++;
		head.hash = cl_hash_chain(head.hash, bytes.p, bytes.n);
		put_forged(fixture, head.seq, head.hash, cl_buf_bytes(&bytes));
	}
	while (end > head.seq)
		del_stored(fixture->kv, end--);
	cl_arena_done(&arena);
	cl_buf_done(&value);
	cl_buf_done(&bytes);
	cl_buf_done(&payload);
}

static void a_rewritten_chain_without_restated_checkpoints_is_found(void **state) {
	forge(*state, &(struct forgery){.change_seq = 15});
	expect_bad(*state, CL_E_CHAIN, 21);
}

static void a_rewritten_chain_without_the_key_is_found(void **state) {
	forge(*state, &(struct forgery){.change_seq = 15, .restate = true});
	expect_bad(*state, CL_E_SIGNATURE, 21);
}

static void another_key_in_the_first_record_is_found(void **state) {
	struct fixture *fixture = *state;
	struct cl_log_identity other = test_identity(9);
	assert_int_equal(cl_log_verify(fixture->kv, other.sign_key.public_key, NULL, NULL, &fixture->report),
	                 CL_E_SIGNATURE);
	assert_int_equal(fixture->report.bad_seq, 1);
}

static void times_versions_and_payloads_are_checked(void **state) {
	struct fixture *fixture = *state;
	forge(fixture, &(struct forgery){.change_seq = 25, .shift_ms = -1000000, .restate = true, .sign = true});
	expect_bad(fixture, CL_E_MISMATCH, 25);
	forge(fixture, &(struct forgery){.change_seq = 25, .shift_ms = 1000000, .restate = true, .sign = true});
	assert_ok(verify(fixture));
	forge(fixture, &(struct forgery){.change_seq = 15, .shift_version = 1, .restate = true, .sign = true});
	expect_bad(fixture, CL_E_MISMATCH, 15);
	forge(fixture,
	      &(struct forgery){.change_seq = 15, .shift_version = (uint32_t)-1, .restate = true, .sign = true});
	assert_ok(verify(fixture));
	forge(fixture, &(struct forgery){.change_seq = 39, .link = 2, .restate = true, .sign = true});
	expect_bad(fixture, CL_E_MISMATCH, 39);
	forge(fixture, &(struct forgery){.change_seq = 5, .break_payload = true, .restate = true, .sign = true});
	expect_bad(fixture, CL_E_MALFORMED, 5);
}

static struct cl_anchor anchor_at(struct fixture *fixture, uint64_t seq) {
	struct cl_anchor anchor = {.log_id = fixture->log.identity.log_id, .seq = seq};
	struct cl_buf value;
	struct cl_stored stored;
	cl_buf_init(&value);
	get_stored(fixture->kv, seq, &value);
	assert_ok(cl_stored_open(cl_buf_bytes(&value), &stored));
	anchor.hash = stored.hash;
	cl_buf_done(&value);
	return anchor;
}

static void a_cut_tail_is_found_through_an_anchor(void **state) {
	struct fixture *fixture = *state;
	struct cl_anchor anchor = anchor_at(fixture, 40);
	assert_ok(cl_log_check_anchor(fixture->kv, &anchor));
	del_stored(fixture->kv, 41);
	assert_ok(cl_log_check_anchor(fixture->kv, &anchor));
	del_stored(fixture->kv, 40);
	assert_ok(verify(fixture)); /* what is left holds: only the anchor knows of more */
	assert_int_equal(cl_log_check_anchor(fixture->kv, &anchor), CL_E_TRUNCATED);
	struct cl_anchor other = anchor;
	other.log_id = test_identity(9).log_id;
	assert_int_equal(cl_log_check_anchor(fixture->kv, &other), CL_E_MISMATCH);
	clear_table(fixture->kv, CL_EVENTS);
	assert_int_equal(cl_log_check_anchor(fixture->kv, &anchor), CL_E_TRUNCATED);
}

/* An administrator holds the signing key too: nothing inside can show what he did, the anchor outside does. */
static void an_administrator_with_every_key_is_found_by_an_anchor(void **state) {
	struct fixture *fixture = *state;
	struct cl_anchor before = anchor_at(fixture, 10), behind = anchor_at(fixture, 30);
	forge(fixture, &(struct forgery){.change_seq = 15, .restate = true, .sign = true});
	assert_ok(verify(fixture));
	assert_ok(cl_log_check_anchor(fixture->kv, &before)); /* history is proven up to here */
	assert_int_equal(cl_log_check_anchor(fixture->kv, &behind), CL_E_CHAIN);
	/* Putting the anchored hash back in its place breaks the chain there. */
	struct cl_buf value;
	struct cl_stored stored;
	cl_buf_init(&value);
	get_stored(fixture->kv, 30, &value);
	assert_ok(cl_stored_open(cl_buf_bytes(&value), &stored));
	put_forged(fixture, 30, behind.hash, stored.record);
	assert_ok(cl_log_check_anchor(fixture->kv, &behind));
	expect_bad(fixture, CL_E_CHAIN, 30);
	cl_buf_done(&value);
}

/* An event taken out, everything behind it numbered, chained and signed anew. */
static void a_dropped_record_is_found_by_version_or_anchor(void **state) {
	struct fixture *fixture = *state;
	struct cl_anchor anchor = anchor_at(fixture, 40);
	uint64_t last_of_first = 0;
	for (uint64_t seq = 2; seq <= 41; seq++) { /* the last event of some aggregate leaves no gap in versions */
		struct cl_buf value;
		struct cl_stored stored;
		struct cl_record record;
		cl_buf_init(&value);
		get_stored(fixture->kv, seq, &value);
		assert_ok(cl_stored_open(cl_buf_bytes(&value), &stored));
		assert_ok(cl_record_decode(stored.record, &record));
		if (cl_id_eq(record.aggregate, fixture->history.aggregates[0]))
			last_of_first = seq;
		cl_buf_done(&value);
	}
	assert_true(last_of_first > 0);
	forge(fixture, &(struct forgery){.drop_seq = last_of_first, .restate = true, .sign = true});
	assert_ok(verify(fixture));
	assert_int_equal(cl_log_check_anchor(fixture->kv, &anchor), CL_E_CHAIN);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(a_sound_log_holds),
	        cmocka_unit_test(an_empty_store_holds_nothing),
	        TEST(every_flipped_bit_is_found),
	        TEST(a_changed_record_with_a_new_checksum_breaks_the_chain),
	        TEST(missing_and_swapped_records_are_found),
	        TEST(a_rewritten_chain_without_restated_checkpoints_is_found),
	        TEST(a_rewritten_chain_without_the_key_is_found),
	        TEST(another_key_in_the_first_record_is_found),
	        TEST(times_versions_and_payloads_are_checked),
	        TEST(a_cut_tail_is_found_through_an_anchor),
	        TEST(an_administrator_with_every_key_is_found_by_an_anchor),
	        TEST(a_dropped_record_is_found_by_version_or_anchor),
	};
	if (cl_crypto_init() != CL_OK)
		return 1;
	return cmocka_run_group_tests_name("log_verify", tests, NULL, NULL);
}
