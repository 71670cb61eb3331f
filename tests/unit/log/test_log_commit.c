/* The log over a store: what a commit writes, what opening checks, and that everything but events can be rebuilt. */
#include "log_support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec.h"
#include "log/be.h"

struct fixture {
	struct cl_kv *kv;
	struct cl_log log;
	struct cl_batch batch;
	struct history history;
	uint64_t bad_seq;
};

static int open_log(struct fixture *fixture) {
	struct cl_log_identity identity = test_identity(1);
	return cl_log_open(&fixture->log, fixture->kv, &identity, WINDOW_MS, START_MS, &fixture->bad_seq);
}

static int setup(void **state) {
	struct fixture *fixture = calloc(1, sizeof *fixture);
	*state = fixture;
	if (fixture == NULL || cl_kv_mem_open(&fixture->kv) != CL_OK)
		return -1;
	cl_batch_init(&fixture->batch);
	history_init(&fixture->history, 42);
	return open_log(fixture);
}

static int teardown(void **state) {
	struct fixture *fixture = *state;
	cl_batch_done(&fixture->batch);
	fixture->kv->ops->close(fixture->kv);
	free(fixture);
	return 0;
}

static struct cl_kv_txn *reading(struct cl_kv *kv) {
	struct cl_kv_txn *txn;
	assert_ok(kv->ops->begin(kv, false, &txn));
	return txn;
}

static void a_new_log_begins_with_its_identity(void **state) {
	struct fixture *fixture = *state;
	struct cl_log_reader reader;
	struct cl_stored stored;
	struct cl_record record;
	struct log_opened opened;
	struct cl_arena arena;
	cl_arena_init(&arena, 1024);
	assert_int_equal(fixture->log.head.seq, 1);
	assert_true(fixture->log.head.recorded_ms == START_MS);
	assert_ok(cl_log_reader_open(&reader, fixture->kv, 0));
	assert_ok(cl_log_reader_next(&reader, &stored));
	assert_ok(cl_record_decode(stored.record, &record));
	assert_true(cl_hash_eq(stored.hash, cl_hash_chain((struct cl_hash){{0}}, stored.record.p, stored.record.n)));
	assert_int_equal(record.type, CL_T_log_opened);
	assert_ok(cl_decode(&cl_schema_log_opened, record.payload, &arena, &opened, NULL));
	assert_int_equal(opened.service, CL_INTAKE);
	assert_int_equal(opened.partition, 1);
	assert_int_equal(opened.partitions, 4);
	assert_true(cl_id_eq(opened.log_id, test_identity(1).log_id));
	assert_true(cl_hash_eq(opened.schema_hash, cl_schema_hash()));
	assert_int_equal(cl_log_reader_next(&reader, &stored), CL_E_NOTFOUND);
	cl_log_reader_close(&reader);
	cl_arena_done(&arena);
}

static void another_identity_is_a_mismatch(void **state) {
	struct fixture *fixture = *state;
	struct cl_log log;
	uint64_t bad_seq;
	for (int i = 0; i < 5; i++) {
		struct cl_log_identity identity = test_identity(1);
		if (i == 0)
			identity.service = CL_ORDER;
		if (i == 1)
			identity.partition = 2;
		if (i == 2)
			identity.partitions = 1;
		if (i == 3)
			identity.sign_key = test_identity(2).sign_key;
		if (i == 4)
			identity.log_id = test_identity(2).log_id; /* read from the log, so no matter */
		assert_int_equal(cl_log_open(&log, fixture->kv, &identity, WINDOW_MS, START_MS, &bad_seq),
		                 i == 4 ? CL_OK : CL_E_MISMATCH);
	}
	assert_true(cl_id_eq(log.identity.log_id, test_identity(1).log_id));
}

static void a_batch_is_found_in_every_table(void **state) {
	struct fixture *fixture = *state;
	struct history *history = &fixture->history;
	struct cl_batch *batch = &fixture->batch;
	struct cl_kv *kv = fixture->kv;
	struct cl_id command = cl_id_v7(START_MS, (const uint8_t *)"0123456789"), id = history->aggregates[0];
	struct cl_hash hash = cl_hash_of("x", 1), zero = {{0}};
	uint8_t payload[] = {0x80};
	for (uint32_t i = 0; i < 3; i++) {
		struct cl_record record = {
		        .seq = 2 + i,
		        .recorded_ms = START_MS,
		        .type = 0x1234,
		        .kind = CL_KIND_CUSTOMER,
		        .aggregate = id,
		        .aggregate_version = 1 + i,
		        .command = command,
		        .payload = view(payload, 1),
		        .cause = {.service = i == 2 ? CL_INTAKE : CL_ROUTING,
		                  .partition = 1,
		                  .seq = 10 + i,
		                  .hash = hash},
		};
		cl_batch_record(batch, &record);
	}
	cl_batch_actor(batch, CL_KIND_CUSTOMER, id, 3, 4, view("state", 5));
	cl_batch_actor(batch, CL_KIND_CUSTOMER, history->aggregates[1], 9, 1, view("gone", 4));
	cl_batch_actor(batch, CL_KIND_CUSTOMER, history->aggregates[1], 9, 1, (struct cl_bytes){0});
	cl_batch_due(batch, CL_KIND_CUSTOMER, id, 0, 5000);
	cl_batch_due(batch, CL_KIND_CUSTOMER, id, 5000, 7000);
	cl_batch_due(batch, CL_KIND_CUSTOMER, id, 7000, 7000);
	batch->number = 77;
	commit(&fixture->log, batch);

	struct cl_kv_txn *txn = reading(kv);
	uint64_t seq, first, last, number, entries;
	struct cl_hash got;
	struct cl_log_actor actor;
	struct cl_log_head head;
	assert_ok(cl_log_stream_seq(txn, kv, CL_KIND_CUSTOMER, id, 2, &seq));
	assert_int_equal(seq, 3);
	assert_int_equal(cl_log_stream_seq(txn, kv, CL_KIND_CUSTOMER, id, 4, &seq), CL_E_NOTFOUND);
	assert_ok(cl_log_command(txn, kv, command, &first, &last));
	assert_true(first == 2 && last == 4);
	assert_ok(cl_log_cursor(txn, kv, CL_ROUTING, 1, &seq, &got));
	assert_true(seq == 11 && cl_hash_eq(got, hash));
	assert_ok(cl_log_cursor(txn, kv, CL_INTAKE, 1, &seq, &got)); /* the log itself: no hash */
	assert_true(seq == 12 && cl_hash_eq(got, zero));
	assert_int_equal(cl_log_cursor(txn, kv, CL_ORDER, 0, &seq, &got), CL_E_NOTFOUND);
	assert_ok(cl_log_number(txn, kv, &number));
	assert_int_equal(number, 77);
	assert_ok(cl_log_actor(txn, kv, CL_KIND_CUSTOMER, id, &actor));
	assert_true(actor.version == 3 && actor.last_seq == 4 && actor.state.n == 5);
	assert_memory_equal(actor.state.p, "state", 5);
	assert_int_equal(cl_log_actor(txn, kv, CL_KIND_CUSTOMER, history->aggregates[1], &actor), CL_E_NOTFOUND);
	assert_ok(cl_log_read_head(txn, kv, &head));
	assert_true(head.seq == 4 && cl_hash_eq(head.hash, fixture->log.head.hash) && head.recorded_ms == START_MS);
	kv->ops->abort(txn);
	table_digest(kv, CL_DUES, &entries);
	assert_int_equal(entries, 1);
}

static void a_batch_may_hold_no_record(void **state) {
	struct fixture *fixture = *state;
	struct cl_log_head before = fixture->log.head;
	uint64_t number;
	fixture->batch.number = 5;
	commit(&fixture->log, &fixture->batch);
	assert_true(before.seq == fixture->log.head.seq && cl_hash_eq(before.hash, fixture->log.head.hash));
	struct cl_kv_txn *txn = reading(fixture->kv);
	assert_ok(cl_log_number(txn, fixture->kv, &number));
	fixture->kv->ops->abort(txn);
	assert_int_equal(number, 5);
}

/* The process that would write them ends instead: tried in a child. */
static void gaps_and_time_running_backwards_end_the_process(void **state) {
	struct fixture *fixture = *state;
	for (int i = 0; i < 3; i++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct cl_log_head head = fixture->log.head, next;
			if (i == 1)
				fixture->history.seq++;
			if (i == 2)
				fixture->history.now_ms -= 1000;
			history_event(&fixture->history, &fixture->batch, 0, 10);
			_exit(cl_log_commit(&fixture->log, &head, &fixture->batch, &next) == CL_OK ? 0 : 1);
		}
		int status;
		assert_true(waitpid(child, &status, 0) == child);
		if (i == 0)
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		else
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

/* Every version of every aggregate is found, however the records are linked and wherever the search begins. */
static void streams_find_every_version(void **state) {
	struct fixture *fixture = *state;
	struct cl_kv *kv = fixture->kv;
	static uint64_t truth[8][4000], seqs[4000];
	history_init(&fixture->history, test_seed(__func__));
	for (int round = 0; round < 3; round++) {
		struct cl_log_reader reader;
		struct cl_stored stored;
		struct cl_record record;
		uint32_t n;
		fixture->history.unlinked = round == 0; /* a log from before there were links */
		history_batch(&fixture->history, &fixture->batch, round == 0 ? 300 : 3000);
		commit(&fixture->log, &fixture->batch);
		assert_ok(cl_log_reader_open(&reader, kv, 1));
		while (cl_log_reader_next(&reader, &stored) == CL_OK) {
			assert_ok(cl_record_decode(stored.record, &record));
			for (int i = 0; i < 8; i++)
				if (cl_id_eq(record.aggregate, fixture->history.aggregates[i]))
					truth[i][record.aggregate_version] = record.seq;
		}
		for (int i = 0; i < 8; i++) {
			struct cl_id id = fixture->history.aggregates[i];
			uint32_t last = fixture->history.versions[i];
			assert_true(last > 20 && last < 4000);
			for (uint32_t version = 2; version <= last; version++) {
				uint64_t seq;
				assert_ok(cl_log_stream_seq(reader.txn, kv, CL_KIND_CUSTOMER, id, version, &seq));
				assert_true(seq == truth[i][version]);
			}
			for (uint32_t from = 2; from <= last + 2; from += 1 + from / 2) {
				for (uint32_t cap = 1; cap < 3500; cap = cap * 3 + 1) {
					uint32_t expected = from > last ? 0 : last - from + 1;
					assert_ok(cl_log_stream_seqs(reader.txn, kv, CL_KIND_CUSTOMER, id, from, cap,
					                             seqs, &n));
					assert_int_equal(n, expected < cap ? expected : cap);
					assert_memory_equal(seqs, &truth[i][from], n * sizeof seqs[0]);
				}
			}
		}
		cl_log_reader_close(&reader);
	}
}

static void a_linked_aggregate_has_few_rows(void **state) {
	struct fixture *fixture = *state;
	uint64_t rows, seq;
	for (int i = 0; i < 1000; i++)
		history_event(&fixture->history, &fixture->batch, 0, 10);
	commit(&fixture->log, &fixture->batch);
	table_digest(fixture->kv, CL_STREAMS, &rows);
	assert_int_equal(rows, 1000 / 64);
	struct cl_kv_txn *txn = reading(fixture->kv);
	for (uint32_t version = 1; version <= 1001; version++)
		assert_int_equal(cl_log_stream_seq(txn, fixture->kv, CL_KIND_CUSTOMER, fixture->history.aggregates[0],
		                                   version, &seq),
		                 version <= 1000 ? CL_OK : CL_E_NOTFOUND);
	fixture->kv->ops->abort(txn);
}

/* A state is what an actor decides by; it is loaded whole or not at all. */
static void a_state_with_a_flipped_bit_is_corrupt(void **state) {
	struct fixture *fixture = *state;
	struct cl_kv *kv = fixture->kv;
	struct cl_id id = fixture->history.aggregates[0];
	struct cl_kv_txn *txn;
	struct cl_bytes value;
	struct cl_log_actor actor;
	uint8_t key[17] = {CL_KIND_CUSTOMER}, copy[64];
	memcpy(key + 1, id.b, 16);
	cl_batch_actor(&fixture->batch, CL_KIND_CUSTOMER, id, 1, 1, view("state", 5));
	commit(&fixture->log, &fixture->batch);
	for (uint32_t bit = 0; bit < 21 * 8; bit++) {
		assert_ok(kv->ops->begin(kv, true, &txn));
		assert_ok(kv->ops->get(txn, CL_ACTORS, view(key, sizeof key), &value));
		assert_int_equal(value.n, 21);
		memcpy(copy, value.p, value.n);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_ok(kv->ops->put(txn, CL_ACTORS, view(key, sizeof key), view(copy, 21), false));
		assert_int_equal(cl_log_actor(txn, kv, CL_KIND_CUSTOMER, id, &actor), CL_E_CORRUPT);
		kv->ops->abort(txn);
	}
}

/* -- derived tables -- */
static const enum cl_table derived[] = {CL_STREAMS, CL_COMMANDS, CL_CURSORS};

struct digests {
	struct cl_hash hash[3];
	uint64_t entries[3];
};

static struct digests digest(struct cl_kv *kv) {
	struct digests digests;
	for (int i = 0; i < 3; i++)
		digests.hash[i] = table_digest(kv, derived[i], &digests.entries[i]);
	return digests;
}

static void same_digests(const struct digests *a, const struct digests *b) {
	for (int i = 0; i < 3; i++) {
		assert_int_equal(a->entries[i], b->entries[i]);
		assert_true(cl_hash_eq(a->hash[i], b->hash[i]));
	}
}

static void grow(struct fixture *fixture, uint32_t batches, uint32_t most) {
	for (uint32_t i = 0; i < batches; i++) {
		history_batch(&fixture->history, &fixture->batch, 1 + below(&fixture->history.rng, most));
		commit(&fixture->log, &fixture->batch);
	}
}

static void rebuilt_tables_equal_those_written_live(void **state) {
	struct fixture *fixture = *state;
	uint64_t seed = test_seed(__func__);
	history_init(&fixture->history, seed);
	for (int round = 0; round < 6; round++) {
		grow(fixture, 60, round % 2 ? 4 : 200);
		struct digests live = digest(fixture->kv);
		assert_true(live.entries[0] > 0 && live.entries[1] > 0 && live.entries[2] > 0);
		for (int i = 0; i < 3; i++)
			clear_table(fixture->kv, derived[i]);
		assert_ok(cl_log_derive(&fixture->log));
		struct digests rebuilt = digest(fixture->kv);
		same_digests(&live, &rebuilt);
	}
	assert_true(fixture->log.head.seq > 16384); /* more than one transaction of derive */
}

/* How records were gathered in batches leaves no trace in the tables. */
static void batching_leaves_no_trace(void **state) {
	struct fixture *one = *state;
	struct fixture two = {0};
	uint64_t seed = test_seed(__func__);
	assert_ok(cl_kv_mem_open(&two.kv));
	assert_ok(open_log(&two));
	cl_batch_init(&two.batch);
	history_init(&one->history, seed);
	history_init(&two.history, seed);
	for (int i = 0; i < 20; i++) {
		uint32_t n = 1 + (uint32_t)i * 7;
		history_batch(&one->history, &one->batch, n);
		commit(&one->log, &one->batch);
		history_batch(&two.history, &two.batch, n);
		struct cl_batch single;
		cl_batch_init(&single);
		for (uint32_t r = 0; r < two.batch.record_n; r++) {
			struct cl_record record;
			assert_ok(cl_record_decode(
			        view(two.batch.bytes.p + two.batch.records[r].offset, two.batch.records[r].n),
			        &record));
			cl_batch_record(&single, &record);
			commit(&two.log, &single);
		}
		cl_batch_done(&single);
		cl_batch_clear(&two.batch);
		struct digests a = digest(one->kv), b = digest(two.kv);
		same_digests(&a, &b);
		assert_true(cl_hash_eq(one->log.head.hash, two.log.head.hash));
	}
	cl_batch_done(&two.batch);
	two.kv->ops->close(two.kv);
}

static void a_rebuild_cut_off_is_done_anew_at_opening(void **state) {
	struct fixture *fixture = *state;
	grow(fixture, 20, 50);
	struct digests live = digest(fixture->kv);
	/* As derive leaves it after its first step: tables empty, mark gone. */
	struct cl_kv_txn *txn;
	assert_ok(fixture->kv->ops->begin(fixture->kv, true, &txn));
	for (int i = 0; i < 3; i++)
		assert_ok(fixture->kv->ops->clear(txn, derived[i]));
	assert_ok(fixture->kv->ops->del(txn, CL_META, view("derived", 7)));
	assert_ok(fixture->kv->ops->commit(txn));
	assert_ok(open_log(fixture));
	struct digests rebuilt = digest(fixture->kv);
	same_digests(&live, &rebuilt);
}

static struct cl_id command_at(int64_t ms, uint8_t mark) {
	uint8_t random[10] = {mark};
	return cl_id_v7(ms, random);
}

static void add_command(struct fixture *fixture, struct cl_id command, int64_t now_ms) {
	uint8_t payload[] = {0x80};
	struct cl_record record = {.seq = fixture->log.head.seq + 1,
	                           .recorded_ms = now_ms,
	                           .type = CL_T_log_accepted,
	                           .kind = CL_KIND_LOG,
	                           .command = command,
	                           .payload = view(payload, 1)};
	cl_batch_record(&fixture->batch, &record);
	commit(&fixture->log, &fixture->batch);
}

static bool knows(struct fixture *fixture, struct cl_id command) {
	struct cl_kv_txn *txn = reading(fixture->kv);
	uint64_t first, last;
	int rc = cl_log_command(txn, fixture->kv, command, &first, &last);
	fixture->kv->ops->abort(txn);
	assert_true(rc == CL_OK || rc == CL_E_NOTFOUND);
	return rc == CL_OK;
}

static void commands_are_forgotten_by_their_time(void **state) {
	struct fixture *fixture = *state;
	uint64_t random = 3;
	struct cl_id old = command_at(START_MS, 1), later = command_at(START_MS + 1, 2), other = random_id(&random);
	struct cl_id low = other;
	low.b[0] = 0; /* sorts among the old ones */
	add_command(fixture, old, START_MS);
	add_command(fixture, later, START_MS + 1);
	add_command(fixture, other, START_MS + 1);
	add_command(fixture, low, START_MS + 1);
	add_command(fixture, command_at(START_MS + WINDOW_MS, 3), START_MS + WINDOW_MS);
	assert_true(knows(fixture, old) && knows(fixture, later));
	add_command(fixture, command_at(START_MS + WINDOW_MS, 4), START_MS + WINDOW_MS + 1);
	assert_true(!knows(fixture, old) && knows(fixture, later));
	add_command(fixture, old, START_MS + WINDOW_MS + 1); /* too old to be kept again */
	assert_false(knows(fixture, old));
	add_command(fixture, command_at(START_MS + 3 * WINDOW_MS, 5), START_MS + 3 * WINDOW_MS);
	assert_false(knows(fixture, later));
	assert_true(knows(fixture, other) && knows(fixture, low));
}

static void another_window_derives_the_commands_anew(void **state) {
	struct fixture *fixture = *state;
	struct cl_log_identity identity = test_identity(1);
	struct cl_id old = command_at(START_MS, 1);
	add_command(fixture, old, START_MS);
	add_command(fixture, command_at(START_MS, 2), START_MS + 2 * WINDOW_MS);
	assert_false(knows(fixture, old));
	assert_ok(cl_log_open(&fixture->log, fixture->kv, &identity, 3 * WINDOW_MS, START_MS, &fixture->bad_seq));
	assert_true(knows(fixture, old));
	assert_ok(open_log(fixture));
	assert_false(knows(fixture, old));
}

static void a_command_repeated_keeps_its_first_place(void **state) {
	struct fixture *fixture = *state;
	struct cl_id command = command_at(START_MS, 1);
	uint64_t first, last;
	add_command(fixture, command, START_MS);
	add_command(fixture, command_at(START_MS, 2), START_MS);
	add_command(fixture, command, START_MS);
	struct cl_kv_txn *txn = reading(fixture->kv);
	assert_ok(cl_log_command(txn, fixture->kv, command, &first, &last));
	fixture->kv->ops->abort(txn);
	assert_true(first == 2 && last == 4);
}

/* -- reading and opening -- */
static void a_reader_gives_every_record_once_in_order(void **state) {
	struct fixture *fixture = *state;
	struct cl_log_reader reader;
	struct cl_stored stored;
	grow(fixture, 20, 50);
	uint64_t head = fixture->log.head.seq;
	for (uint64_t from = 0; from <= head + 1; from += 1 + from / 3) {
		assert_ok(cl_log_reader_open(&reader, fixture->kv, from));
		for (uint64_t seq = from ? from : 1; seq <= head; seq++) {
			assert_ok(cl_log_reader_next(&reader, &stored));
			assert_true(cl_record_seq(stored.record) == seq);
		}
		assert_int_equal(cl_log_reader_next(&reader, &stored), CL_E_NOTFOUND);
		cl_log_reader_close(&reader);
	}
}

static void opening_again_finds_the_head(void **state) {
	struct fixture *fixture = *state;
	grow(fixture, 10, 20);
	struct cl_log_head head = fixture->log.head;
	assert_ok(open_log(fixture));
	assert_true(fixture->log.head.seq == head.seq && cl_hash_eq(fixture->log.head.hash, head.hash) &&
	            fixture->log.head.recorded_ms == head.recorded_ms);
	grow(fixture, 3, 20); /* and goes on behind it */
}

static void opening_names_the_bad_record(void **state) {
	struct fixture *fixture = *state;
	struct cl_buf good, bad;
	struct cl_log_reader reader;
	struct cl_stored stored;
	uint64_t random = test_seed(__func__);
	grow(fixture, 5, 20);
	cl_buf_init(&good);
	cl_buf_init(&bad);
	for (uint64_t seq = 1; seq <= fixture->log.head.seq; seq++) {
		get_stored(fixture->kv, seq, &good);
		cl_buf_clear(&bad);
		cl_buf_put(&bad, good.p, good.n);
		bad.p[below(&random, (uint32_t)bad.n)] ^= (uint8_t)(1u << below(&random, 8));
		put_stored(fixture->kv, seq, cl_buf_bytes(&bad));
		assert_int_equal(open_log(fixture), CL_E_CORRUPT);
		assert_true(fixture->bad_seq == seq);
		assert_ok(cl_log_reader_open(&reader, fixture->kv, seq));
		assert_int_equal(cl_log_reader_next(&reader, &stored), CL_E_CORRUPT);
		cl_log_reader_close(&reader);
		put_stored(fixture->kv, seq, cl_buf_bytes(&good));
	}
	assert_ok(open_log(fixture));
	get_stored(fixture->kv, 3, &good);
	del_stored(fixture->kv, 3);
	assert_int_equal(open_log(fixture), CL_E_CORRUPT);
	assert_int_equal(fixture->bad_seq, 3);
	cl_buf_done(&good);
	cl_buf_done(&bad);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(a_new_log_begins_with_its_identity),
	        TEST(another_identity_is_a_mismatch),
	        TEST(a_batch_is_found_in_every_table),
	        TEST(a_batch_may_hold_no_record),
	        TEST(streams_find_every_version),
	        TEST(a_linked_aggregate_has_few_rows),
	        TEST(a_state_with_a_flipped_bit_is_corrupt),
	        TEST(gaps_and_time_running_backwards_end_the_process),
	        TEST(rebuilt_tables_equal_those_written_live),
	        TEST(batching_leaves_no_trace),
	        TEST(a_rebuild_cut_off_is_done_anew_at_opening),
	        TEST(commands_are_forgotten_by_their_time),
	        TEST(another_window_derives_the_commands_anew),
	        TEST(a_command_repeated_keeps_its_first_place),
	        TEST(a_reader_gives_every_record_once_in_order),
	        TEST(opening_again_finds_the_head),
	        TEST(opening_names_the_bad_record),
	};
	if (cl_crypto_init() != CL_OK)
		return 1;
	return cmocka_run_group_tests_name("log_commit", tests, NULL, NULL);
}
