/* What only the LMDB store promises: durability across kill -9, one writing process, growth of the map, a full disk
 * that loses nothing, readers in other processes, damaged files that end in an error code. */
#include "log_support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/be.h"
#include "uv/service.h"

#define MAP (64 << 20)

struct fixture {
	char *folder;
	struct cl_kv *kv;
};

static int setup(void **state) {
	struct fixture *fixture = calloc(1, sizeof *fixture);
	*state = fixture;
	if (fixture == NULL)
		return -1;
	fixture->folder = temp_folder();
	return 0;
}

static int teardown(void **state) {
	struct fixture *fixture = *state;
	if (fixture->kv != NULL)
		fixture->kv->ops->close(fixture->kv);
	drop_folder(fixture->folder);
	free(fixture);
	return 0;
}

static int open_at(struct fixture *fixture, struct cl_log *log, uint64_t *ret_bad_seq) {
	struct cl_log_identity identity = test_identity(1);
	return cl_log_open(log, fixture->kv, &identity, WINDOW_MS, START_MS, ret_bad_seq);
}

static int wait_for(pid_t child) {
	int status;
	assert_true(waitpid(child, &status, 0) == child);
	return status;
}

static void assert_child_ok(pid_t child) {
	int status = wait_for(child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* In a child: fails by its exit code, since an assertion of cmocka would run on in two processes. */
#define REQUIRE(expression)                                                                                            \
	do {                                                                                                           \
		if (!(expression)) {                                                                                   \
			fprintf(stderr, "child: line %d: %s\n", __LINE__, #expression);                                \
			_exit(1);                                                                                      \
		}                                                                                                      \
	} while (0)

/* -- kill -9 -- */
static void commit_for_ever(struct fixture *fixture, int acknowledge, uint64_t seed) {
	struct cl_log log;
	struct cl_batch batch;
	struct history history;
	uint64_t bad_seq;
	REQUIRE(cl_kv_lmdb_open(fixture->folder, MAP, false, &fixture->kv) == CL_OK);
	REQUIRE(open_at(fixture, &log, &bad_seq) == CL_OK);
	cl_batch_init(&batch);
	history_init(&history, seed);
	history.seq = log.head.seq;
	history.now_ms = log.head.recorded_ms;
	for (uint64_t number = 1;; number++) {
		history_batch(&history, &batch, 1 + below(&history.rng, 64));
		batch.number = log.head.seq + batch.record_n;
		REQUIRE(cl_log_commit(&log, &log.head, &batch, &log.head) == CL_OK);
		cl_batch_clear(&batch);
		uint8_t line[40];
		cl_be64_put(line, log.head.seq);
		memcpy(line + 8, log.head.hash.b, 32);
		REQUIRE(write(acknowledge, line, sizeof line) == sizeof line);
	}
}

/* Reads acknowledgements until the number wanted, kills, reads those that were still under way. */
static struct cl_anchor kill_after(struct fixture *fixture, uint64_t seed, uint32_t acknowledgements) {
	int pipe_fds[2];
	struct cl_anchor last = {.seq = 0};
	uint8_t line[40];
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(pipe_fds[0]);
		commit_for_ever(fixture, pipe_fds[1], seed);
	}
	close(pipe_fds[1]);
	for (uint32_t i = 0; read(pipe_fds[0], line, sizeof line) == sizeof line; i++) {
		last.seq = cl_be64_get(line);
		memcpy(last.hash.b, line + 8, 32);
		if (i == acknowledgements)
			assert_int_equal(kill(child, SIGKILL), 0);
	}
	close(pipe_fds[0]);
	int status = wait_for(child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return last;
}

static void whatever_was_acknowledged_survives_kill_9(void **state) {
	struct fixture *fixture = *state;
	uint64_t random = test_seed(__func__);
	for (int round = 0; round < 12; round++) {
		struct cl_anchor last = kill_after(fixture, rng(&random), below(&random, 40));
		struct cl_log log;
		struct cl_verify_report report;
		struct cl_kv_txn *txn;
		uint64_t bad_seq, number;
		assert_true(last.seq > 0);
		assert_ok(cl_kv_lmdb_open(fixture->folder, MAP, false, &fixture->kv));
		assert_ok(open_at(fixture, &log, &bad_seq));
		assert_true(log.head.seq >= last.seq);
		last.log_id = log.identity.log_id;
		assert_ok(cl_log_check_anchor(fixture->kv, &last));
		/* A batch is there as a whole or not at all: its number was written with its last record. */
		assert_ok(fixture->kv->ops->begin(fixture->kv, false, &txn));
		assert_ok(cl_log_number(txn, fixture->kv, &number));
		fixture->kv->ops->abort(txn);
		assert_true(number == log.head.seq);
		/* Each round's history counts versions from one again, which is all that verify may find. */
		int rc = cl_log_verify(fixture->kv, NULL, NULL, NULL, &report);
		assert_true(rc == CL_OK || rc == CL_E_MISMATCH);
		fixture->kv->ops->close(fixture->kv);
		fixture->kv = NULL;
	}
}

/* -- one writer -- */
static void a_second_writer_is_refused_and_readers_are_not(void **state) {
	struct fixture *fixture = *state;
	struct cl_kv *second;
	struct cl_log log;
	uint64_t bad_seq;
	assert_ok(cl_kv_lmdb_open(fixture->folder, MAP, false, &fixture->kv));
	assert_ok(open_at(fixture, &log, &bad_seq));
	assert_int_equal(cl_kv_lmdb_open(fixture->folder, MAP, false, &second), CL_E_BUSY);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct cl_verify_report report;
		REQUIRE(cl_kv_lmdb_open(fixture->folder, MAP, false, &second) == CL_E_BUSY);
		REQUIRE(cl_kv_lmdb_open(fixture->folder, MAP, true, &second) == CL_OK);
		REQUIRE(cl_log_verify(second, NULL, NULL, NULL, &report) == CL_OK && report.records == 1);
		second->ops->close(second);
		_exit(0);
	}
	assert_child_ok(child);
	fixture->kv->ops->close(fixture->kv);
	fixture->kv = NULL;
	assert_ok(cl_kv_lmdb_open(fixture->folder, MAP, false, &fixture->kv)); /* the lock went with it */
}

static void a_read_only_opener_makes_nothing(void **state) {
	struct fixture *fixture = *state;
	struct cl_kv *kv;
	struct stat file;
	char missing[512], made[512];
	assert_true(snprintf(missing, sizeof missing, "%s/a/b", fixture->folder) > 0);
	assert_int_equal(cl_kv_lmdb_open(missing, MAP, true, &kv), CL_E_NOTFOUND);
	assert_int_equal(cl_kv_lmdb_open(fixture->folder, MAP, true, &kv), CL_E_NOTFOUND);
	assert_ok(cl_kv_lmdb_open(missing, MAP, false, &kv)); /* a writer makes the folders */
	kv->ops->close(kv);
	static const char *const files[] = {"data.mdb", "lock.mdb", "writer.lock"};
	for (int i = 0; i < 3; i++) {
		assert_true(snprintf(made, sizeof made, "%s/%s", missing, files[i]) > 0);
		assert_int_equal(stat(made, &file), 0);
		assert_int_equal(file.st_mode & 0777, 0600);
		assert_int_equal(unlink(made), 0);
	}
	assert_int_equal(stat(missing, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0700);
	assert_int_equal(rmdir(missing), 0);
	assert_true(snprintf(missing, sizeof missing, "%s/a", fixture->folder) > 0);
	assert_int_equal(rmdir(missing), 0);
}

/* -- the map -- */
static void put_megabyte(struct cl_kv_txn *txn, struct cl_kv *kv, uint64_t number, int *ret_rc) {
	static uint8_t megabyte[1 << 20];
	uint8_t key[8];
	cl_be64_put(key, number);
	memset(megabyte, (int)number, sizeof megabyte);
	*ret_rc = kv->ops->put(txn, CL_EVENTS, view(key, 8), view(megabyte, sizeof megabyte), true);
}

static void a_full_map_says_so_and_grows(void **state) {
	struct fixture *fixture = *state;
	struct cl_kv_txn *txn;
	uint32_t refused = 0;
	assert_ok(cl_kv_lmdb_open(fixture->folder, 1 << 20, false, &fixture->kv));
	struct cl_kv *kv = fixture->kv;
	for (uint64_t number = 1; number <= 20;) {
		int rc;
		assert_ok(kv->ops->begin(kv, true, &txn));
		put_megabyte(txn, kv, number, &rc);
		if (rc == CL_OK) {
			assert_ok(kv->ops->commit(txn));
			number++;
		} else {
			assert_int_equal(rc, CL_E_NOSPACE);
			kv->ops->abort(txn);
			assert_true(++refused < 40);
		}
	}
	assert_true(refused >= 3); /* 1 MiB became 32 */
	uint64_t entries;
	table_digest(kv, CL_EVENTS, &entries);
	assert_int_equal(entries, 20);
}

static void growing_waits_for_readers_but_not_for_ever(void **state) {
	struct fixture *fixture = *state;
	struct cl_kv_txn *txn, *reader;
	struct cl_bytes got;
	uint8_t key[8];
	int rc;
	assert_ok(cl_kv_lmdb_open(fixture->folder, 2 << 20, false, &fixture->kv));
	struct cl_kv *kv = fixture->kv;
	assert_ok(kv->ops->begin(kv, true, &txn));
	put_megabyte(txn, kv, 1, &rc);
	assert_ok(rc);
	assert_ok(kv->ops->commit(txn));
	assert_ok(kv->ops->begin(kv, false, &reader));
	cl_be64_put(key, 1);
	assert_ok(kv->ops->get(reader, CL_EVENTS, view(key, 8), &got));
	assert_ok(kv->ops->begin(kv, true, &txn));
	put_megabyte(txn, kv, 2, &rc);
	assert_int_equal(rc, CL_E_NOSPACE);
	kv->ops->abort(txn);
	assert_int_equal(kv->ops->begin(kv, true, &txn), CL_E_NOSPACE);
	assert_int_equal(got.p[got.n - 1], 1); /* the reader's view was not taken away */
	kv->ops->abort(reader);
	assert_ok(kv->ops->begin(kv, true, &txn));
	put_megabyte(txn, kv, 2, &rc);
	assert_ok(rc);
	assert_ok(kv->ops->commit(txn));
}

static void a_reader_in_another_process_follows_the_growth(void **state) {
	struct fixture *fixture = *state;
	int go[2], ready[2];
	char byte = 0;
	assert_ok(cl_kv_lmdb_open(fixture->folder, 2 << 20, false, &fixture->kv));
	fixture->kv->ops->close(fixture->kv);
	fixture->kv = NULL;
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct cl_kv *kv;
		struct cl_kv_txn *txn;
		struct cl_bytes got;
		uint8_t key[8];
		cl_be64_put(key, 20);
		REQUIRE(cl_kv_lmdb_open(fixture->folder, 2 << 20, true, &kv) == CL_OK);
		REQUIRE(kv->ops->begin(kv, false, &txn) == CL_OK);
		REQUIRE(kv->ops->get(txn, CL_EVENTS, view(key, 8), &got) == CL_E_NOTFOUND);
		kv->ops->abort(txn);
		REQUIRE(write(ready[1], "r", 1) == 1 && read(go[0], &byte, 1) == 1);
		REQUIRE(kv->ops->begin(kv, false, &txn) == CL_OK);
		REQUIRE(kv->ops->get(txn, CL_EVENTS, view(key, 8), &got) == CL_OK && got.n == 1 << 20);
		kv->ops->abort(txn);
		kv->ops->close(kv);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	a_full_map_says_so_and_grows(state);
	assert_int_equal(write(go[1], "g", 1), 1);
	assert_child_ok(child);
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(ready[i]);
	}
}

/* -- a full disk, as a limit on the size of files -- */
static void fill_up(struct fixture *fixture) {
	struct cl_log log;
	struct cl_batch batch;
	struct history history;
	struct rlimit limit;
	uint64_t bad_seq;
	int rc = CL_OK;
	REQUIRE(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	REQUIRE(cl_kv_lmdb_open(fixture->folder, MAP, false, &fixture->kv) == CL_OK);
	REQUIRE(open_at(fixture, &log, &bad_seq) == CL_OK);
	REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	rlim_t hard = limit.rlim_max;
	limit.rlim_cur = 3000000; /* no multiple of a page: writes come out short */
	REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	cl_batch_init(&batch);
	history_init(&history, 7);
	for (int i = 0; i < 1000 && rc == CL_OK; i++) {
		cl_batch_clear(&batch);
		history_batch(&history, &batch, 200);
		rc = cl_log_commit(&log, &log.head, &batch, &log.head);
	}
	REQUIRE(rc == CL_E_NOSPACE);
	REQUIRE(fixture->kv->ops->space(fixture->kv) < 3000000);
	struct cl_log_head head = log.head;
	REQUIRE(cl_log_commit(&log, &log.head, &batch, &log.head) == CL_E_NOSPACE); /* again: still nothing happened */
	REQUIRE(head.seq == log.head.seq);
	limit.rlim_cur = hard;
	REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	REQUIRE(cl_log_commit(&log, &log.head, &batch, &log.head) == CL_OK); /* there is room: the same batch goes in */
	REQUIRE(log.head.seq == head.seq + 200);
	struct cl_verify_report report;
	REQUIRE(cl_log_verify(fixture->kv, NULL, NULL, NULL, &report) == CL_OK);
	REQUIRE(report.head.seq == log.head.seq);
	cl_batch_done(&batch);
	fixture->kv->ops->close(fixture->kv);
	_exit(0);
}

static void a_full_disk_refuses_and_loses_nothing(void **state) {
	struct fixture *fixture = *state;
	struct cl_log log;
	struct cl_verify_report report;
	uint64_t bad_seq;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		fill_up(fixture);
	assert_child_ok(child);
	assert_ok(cl_kv_lmdb_open(fixture->folder, MAP, false, &fixture->kv));
	assert_ok(open_at(fixture, &log, &bad_seq));
	assert_ok(cl_log_verify(fixture->kv, NULL, NULL, NULL, &report));
}

/* -- the log on LMDB -- */
static void a_log_lives_on_across_openings(void **state) {
	struct fixture *fixture = *state;
	struct cl_batch batch;
	struct history history;
	struct cl_log_head head = {0};
	cl_batch_init(&batch);
	history_init(&history, 3);
	for (int round = 0; round < 5; round++) {
		struct cl_log log;
		struct cl_verify_report report;
		uint64_t bad_seq;
		/* A map too small at each opening: commit grows it by itself. */
		assert_ok(cl_kv_lmdb_open(fixture->folder, 0, false, &fixture->kv));
		assert_ok(open_at(fixture, &log, &bad_seq));
		if (round > 0)
			assert_true(log.head.seq == head.seq && cl_hash_eq(log.head.hash, head.hash));
		for (int i = 0; i < 4; i++) {
			history_batch(&history, &batch, 1000);
			commit(&log, &batch);
		}
		history_checkpoint(&history, &batch, &log);
		commit(&log, &batch);
		head = log.head;
		assert_ok(cl_log_verify(fixture->kv, NULL, NULL, NULL, &report));
		assert_true(report.last_signed_seq == head.seq - 1);
		fixture->kv->ops->close(fixture->kv);
		fixture->kv = NULL;
	}
	cl_batch_done(&batch);
}

/* -- damage to the file -- */
#define MADE 3001
static void make_log(struct fixture *fixture) {
	struct cl_log log;
	struct cl_batch batch;
	struct history history;
	uint64_t bad_seq;
	assert_ok(cl_kv_lmdb_open(fixture->folder, MAP, false, &fixture->kv));
	assert_ok(open_at(fixture, &log, &bad_seq));
	cl_batch_init(&batch);
	history_init(&history, 5);
	for (int i = 0; i < 30; i++) {
		history_batch(&history, &batch, 100);
		commit(&log, &batch);
	}
	cl_batch_done(&batch);
	fixture->kv->ops->close(fixture->kv);
	fixture->kv = NULL;
}

static int data_file(struct fixture *fixture) {
	char path[512];
	assert_true(snprintf(path, sizeof path, "%s/data.mdb", fixture->folder) > 0);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* In a child: opens and scans; the exit code is the error, negated. */
static int open_in_child(struct fixture *fixture) {
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct cl_log log;
		uint64_t bad_seq;
		int rc = cl_kv_lmdb_open(fixture->folder, MAP, false, &fixture->kv);
		if (rc == CL_OK)
			rc = open_at(fixture, &log, &bad_seq);
		REQUIRE(rc != CL_OK || log.head.seq == 1 || log.head.seq == MADE);
		_exit(-rc);
	}
	int status = wait_for(child);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

/* A file cut short must end in an error code, not in SIGBUS. */
static void a_file_cut_short_is_corrupt(void **state) {
	struct fixture *fixture = *state;
	struct stat file;
	make_log(fixture);
	int fd = data_file(fixture);
	assert_int_equal(fstat(fd, &file), 0);
	assert_int_equal(ftruncate(fd, file.st_size / 2), 0);
	assert_int_equal(open_in_child(fixture), CL_E_CORRUPT);
	assert_int_equal(ftruncate(fd, 0), 0); /* an empty file is a new store: only an anchor knows better */
	assert_ok(open_in_child(fixture));
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_not_equal(open_in_child(fixture), CL_OK);
	close(fd);
}

static void a_file_of_something_else_is_corrupt(void **state) {
	struct fixture *fixture = *state;
	make_log(fixture);
	int fd = data_file(fixture);
	uint8_t garbage[8192];
	memset(garbage, 0x55, sizeof garbage);
	assert_int_equal(pwrite(fd, garbage, sizeof garbage, 0), sizeof garbage);
	close(fd);
	assert_int_equal(open_in_child(fixture), CL_E_CORRUPT);
}

/* Half of the flips hit the first bytes of a page, which LMDB believes; without a look at them first they end it in an
 * assertion, a wild read or a loop. Whatever opens must hold all the records, unchanged. */
static void no_flipped_bit_in_the_file_ends_the_process(void **state) {
	struct fixture *fixture = *state;
	uint64_t random = test_seed(__func__);
	struct stat file;
	uint32_t corrupt = 0;
	make_log(fixture);
	int fd = data_file(fixture);
	assert_int_equal(fstat(fd, &file), 0);
	for (int i = 0; i < 150; i++) {
		off_t at = (off_t)(rng(&random) % (uint64_t)file.st_size);
		uint8_t byte, flipped;
		if (i % 2)
			at = at / 4096 * 4096 + below(&random, 48);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		flipped = byte ^ (uint8_t)(1u << below(&random, 8));
		assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
		int rc = open_in_child(fixture);
		assert_true(rc == CL_OK || rc == CL_E_CORRUPT || rc == CL_E_UNSUPPORTED || rc == CL_E_IO);
		corrupt += rc != CL_OK;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_true(corrupt > 30);
	assert_ok(open_in_child(fixture));
	close(fd);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(whatever_was_acknowledged_survives_kill_9),
	        TEST(a_second_writer_is_refused_and_readers_are_not),
	        TEST(a_read_only_opener_makes_nothing),
	        TEST(a_full_map_says_so_and_grows),
	        TEST(growing_waits_for_readers_but_not_for_ever),
	        TEST(a_reader_in_another_process_follows_the_growth),
	        TEST(a_full_disk_refuses_and_loses_nothing),
	        TEST(a_log_lives_on_across_openings),
	        TEST(a_file_cut_short_is_corrupt),
	        TEST(a_file_of_something_else_is_corrupt),
	        TEST(no_flipped_bit_in_the_file_ends_the_process),
	};
	if (cl_crypto_init() != CL_OK)
		return 1;
	return cmocka_run_group_tests_name("log_lmdb", tests, NULL, NULL);
}
