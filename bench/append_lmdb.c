/* What the log costs over the store below it: bare LMDB that writes the same tables in the same batches, against
 * cl_log_commit; and a bare cursor scan against the log's reader. Making the records is outside the time on both sides;
 * hashing, checksums, deriving the tables and syncing are inside. One JSON line per setting.
 *   append-lmdb --dir DIR [--rounds 3] [--batch N] [--events N] */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "log/be.h"
#include "log/log.h"
#include "schema.h"
#include "uv/service.h"

#define AGGREGATES 10000
#define RECORD_BYTES 300
#define STATE_BYTES 200
#define MAP_BYTES ((uint64_t)8 << 30)
#define START_MS 1767225600000
#define WINDOW_MS ((int64_t)7 * 86400000)

struct feed { /* where the made-up history stands */
	uint64_t rng, seq;
	uint32_t versions[AGGREGATES];
	uint64_t last_seqs[AGGREGATES];
};

struct row { /* one event as bare LMDB writes it */
	uint8_t seq[8], stream[21], command[16], range[16], actor[17];
	uint32_t offset, n, version;
};

struct rows {
	struct row *rows;
	struct cl_buf values;
	uint8_t state[16 + STATE_BYTES];
};

static uint64_t rng(uint64_t *state) {
	uint64_t x = *state += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

struct spent { /* by the clock on the wall, and by the processor */
	double wall_s, cpu_s;
};

static struct spent now(void) {
	struct timespec wall, cpu;
	CL_ASSERT(clock_gettime(CLOCK_MONOTONIC, &wall) == 0);
	CL_ASSERT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0);
	return (struct spent){(double)wall.tv_sec + (double)wall.tv_nsec / 1e9,
	                      (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9};
}

static void add_since(struct spent *spent, struct spent began) {
	struct spent end = now();
	spent->wall_s += end.wall_s - began.wall_s;
	spent->cpu_s += end.cpu_s - began.cpu_s;
}

static double seconds(void) {
	struct timespec now;
	CL_ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* An event of one of 10,000 aggregates, under a fresh command, caused by a record of another log. */
static void feed_batch(struct feed *feed, struct cl_batch *batch, uint32_t n) {
	uint8_t payload[RECORD_BYTES - 163] = {0x81, 0x01, 0xc4, RECORD_BYTES - 167}, random[16], state[STATE_BYTES];
	cl_batch_clear(batch);
	memset(state, 0x33, sizeof state);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t aggregate = (uint32_t)(rng(&feed->rng) % AGGREGATES);
		for (size_t at = 4; at + 8 <= sizeof payload; at += 8)
			cl_be64_put(payload + at, rng(&feed->rng));
		cl_be64_put(random, rng(&feed->rng));
		cl_be64_put(random + 8, rng(&feed->rng));
		struct cl_record record = {
		        .seq = ++feed->seq,
		        .recorded_ms = START_MS + (int64_t)feed->seq / 100,
		        .occurred_ms = START_MS,
		        .type = 0x1234,
		        .version = 1,
		        .kind = CL_KIND_CASE,
		        .aggregate = cl_id_derive("bench", &aggregate, sizeof aggregate),
		        .aggregate_version = ++feed->versions[aggregate],
		        .previous = feed->last_seqs[aggregate],
		        .command = cl_id_v7(START_MS + (int64_t)feed->seq / 100, random),
		        .cause = {.service = CL_ROUTING, .seq = feed->seq},
		        .who = CL_STR("agent-17"),
		        .payload = {payload, sizeof payload},
		};
		memset(record.cause.hash.b, 0x77, sizeof record.cause.hash.b);
		feed->last_seqs[aggregate] = record.seq;
		cl_batch_record(batch, &record);
		cl_batch_actor(batch, record.kind, record.aggregate, record.aggregate_version, record.seq,
		               (struct cl_bytes){state, sizeof state});
	}
}

static void rows_of(const struct cl_batch *batch, struct rows *rows) {
	cl_buf_clear(&rows->values);
	for (uint32_t i = 0; i < batch->record_n; i++) {
		struct cl_bytes bytes = {batch->bytes.p + batch->records[i].offset, batch->records[i].n};
		struct cl_record record;
		struct row *row = &rows->rows[i];
		CL_ASSERT(cl_record_decode(bytes, &record) == CL_OK && bytes.n == RECORD_BYTES);
		cl_be64_put(row->seq, record.seq);
		cl_be64_put(row->range, record.seq);
		cl_be64_put(row->range + 8, record.seq);
		row->actor[0] = row->stream[0] = record.kind;
		memcpy(row->actor + 1, record.aggregate.b, 16);
		memcpy(row->stream + 1, record.aggregate.b, 16);
		cl_be32_put(row->stream + 17, record.aggregate_version);
		memcpy(row->command, record.command.b, 16);
		row->version = record.aggregate_version;
		row->offset = (uint32_t)rows->values.n;
		cl_stored_put(record.cause.hash, bytes, &rows->values);
		row->n = (uint32_t)rows->values.n - row->offset;
	}
}

/* -- bare LMDB -- */
struct bare {
	MDB_env *env;
	MDB_dbi dbis[CL_TABLES];
};

static void must(int rc) {
	if (rc != 0) {
		fprintf(stderr, "append-lmdb: %s\n", mdb_strerror(rc));
		exit(1);
	}
}

static void bare_open(struct bare *bare, const char *folder) {
	MDB_txn *txn;
	must(mdb_env_create(&bare->env));
	must(mdb_env_set_maxdbs(bare->env, CL_TABLES));
	must(mdb_env_set_mapsize(bare->env, MAP_BYTES));
	must(mdb_env_open(bare->env, folder, MDB_NOTLS, 0600));
	must(mdb_txn_begin(bare->env, NULL, 0, &txn));
	for (int i = 0; i < CL_TABLES; i++)
		must(mdb_dbi_open(txn, cl_table_name((enum cl_table)i), MDB_CREATE, &bare->dbis[i]));
	must(mdb_txn_commit(txn));
}

static void bare_put(const struct bare *bare, MDB_txn *txn, enum cl_table table, void *key, size_t key_n, void *value,
                     size_t value_n, unsigned flags) {
	MDB_val k = {key_n, key}, v = {value_n, value};
	must(mdb_put(txn, bare->dbis[table], &k, &v, flags));
}

static void bare_commit(const struct bare *bare, struct rows *rows, uint32_t n) {
	MDB_txn *txn;
	uint8_t cursor_key[3] = {CL_ROUTING}, cursor[40] = {0};
	must(mdb_txn_begin(bare->env, NULL, 0, &txn));
	for (uint32_t i = 0; i < n; i++) {
		struct row *row = &rows->rows[i];
		bare_put(bare, txn, CL_EVENTS, row->seq, 8, rows->values.p + row->offset, row->n, MDB_APPEND);
		if (row->version % 64 == 0)
			bare_put(bare, txn, CL_STREAMS, row->stream, sizeof row->stream, row->seq, 8, 0);
		bare_put(bare, txn, CL_COMMANDS, row->command, sizeof row->command, row->range, 16, 0);
		bare_put(bare, txn, CL_ACTORS, row->actor, sizeof row->actor, rows->state, sizeof rows->state, 0);
	}
	bare_put(bare, txn, CL_CURSORS, cursor_key, sizeof cursor_key, cursor, sizeof cursor, 0);
	must(mdb_txn_commit(txn));
}

/* -- runs -- */
static char *fresh_folder(const char *dir) {
	char *folder;
	CL_ASSERT(asprintf(&folder, "%s/append-lmdb-XXXXXX", dir) > 0);
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		exit(1);
	}
	return folder;
}

static void drop_folder(char *folder) {
	static const char *const files[] = {"data.mdb", "lock.mdb", "writer.lock"};
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char *path;
		CL_ASSERT(asprintf(&path, "%s/%s", folder, files[i]) > 0);
		(void)unlink(path);
		free(path);
	}
	(void)rmdir(folder);
	free(folder);
}

static void feed_init(struct feed *feed) {
	memset(feed, 0, sizeof *feed);
	feed->rng = 1;
	feed->seq = 1; /* log_opened */
}

static struct spent run_bare(const char *dir, uint32_t batch_n, uint32_t events) {
	static struct feed feed;
	struct bare bare;
	struct cl_batch batch;
	struct rows rows = {.rows = calloc(batch_n, sizeof *rows.rows)};
	char *folder = fresh_folder(dir);
	struct spent spent = {0, 0};
	CL_ASSERT(rows.rows != NULL);
	cl_buf_init(&rows.values);
	feed_init(&feed);
	bare_open(&bare, folder);
	cl_batch_init(&batch);
	for (uint32_t done = 0; done < events; done += batch_n) {
		feed_batch(&feed, &batch, batch_n);
		rows_of(&batch, &rows);
		struct spent began = now();
		bare_commit(&bare, &rows, batch_n);
		add_since(&spent, began);
	}
	mdb_env_close(bare.env);
	cl_batch_done(&batch);
	cl_buf_done(&rows.values);
	free(rows.rows);
	drop_folder(folder);
	return spent;
}

static void must_log(int rc) {
	if (rc != CL_OK) {
		fprintf(stderr, "append-lmdb: %s\n", cl_error_text(rc));
		exit(1);
	}
}

static struct cl_kv *log_open(const char *folder, struct cl_log *log) {
	struct cl_log_identity identity = {.service = CL_SUPPORT, .partitions = 1, .log_id = {{1}}};
	struct cl_kv *kv;
	uint64_t bad_seq;
	must_log(cl_kv_lmdb_open(folder, MAP_BYTES, false, &kv));
	must_log(cl_log_open(log, kv, &identity, WINDOW_MS, START_MS, &bad_seq));
	return kv;
}

/* Leaves the folder when ret_folder is given. */
static struct spent run_log(const char *dir, uint32_t batch_n, uint32_t events, char **ret_folder) {
	static struct feed feed;
	struct cl_log log;
	struct cl_batch batch;
	char *folder = fresh_folder(dir);
	struct spent spent = {0, 0};
	feed_init(&feed);
	struct cl_kv *kv = log_open(folder, &log);
	cl_batch_init(&batch);
	for (uint32_t done = 0; done < events; done += batch_n) {
		feed_batch(&feed, &batch, batch_n);
		struct spent began = now();
		must_log(cl_log_commit(&log, &log.head, &batch, &log.head));
		add_since(&spent, began);
	}
	cl_batch_done(&batch);
	kv->ops->close(kv);
	if (ret_folder != NULL)
		*ret_folder = folder;
	else
		drop_folder(folder);
	return spent;
}

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, uint32_t n) {
	qsort(values, n, sizeof *values, by_value);
	return values[n / 2];
}

/* The two take turns, so that both see the same disk. */
static void compare_appends(const char *dir, uint32_t batch_n, uint32_t events, uint32_t rounds) {
	double bare[99], log[99], bare_cpu[99], log_cpu[99];
	for (uint32_t i = 0; i < rounds; i++) {
		struct spent bare_spent = run_bare(dir, batch_n, events);
		struct spent log_spent = run_log(dir, batch_n, events, NULL);
		bare[i] = events / bare_spent.wall_s;
		log[i] = events / log_spent.wall_s;
		bare_cpu[i] = bare_spent.cpu_s * 1e6 / events;
		log_cpu[i] = log_spent.cpu_s * 1e6 / events;
	}
	double bare_median = median(bare, rounds), log_median = median(log, rounds);
	printf("{\"bench\":\"append_lmdb\",\"batch\":%u,\"events\":%u,\"record_bytes\":%d,\"rounds\":%u,"
	       "\"bare_events_s\":%.0f,\"log_events_s\":%.0f,\"ratio\":%.3f,\"target\":0.6,"
	       "\"bare_cpu_us_event\":%.2f,\"log_cpu_us_event\":%.2f}\n",
	       batch_n, events, RECORD_BYTES, rounds, bare_median, log_median, log_median / bare_median,
	       median(bare_cpu, rounds), median(log_cpu, rounds));
	fflush(stdout);
}

static double scan_bare(const char *folder, uint64_t *ret_events) {
	struct bare bare;
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_val key, value;
	volatile uint64_t bytes = 0;
	bare_open(&bare, folder);
	must(mdb_txn_begin(bare.env, NULL, MDB_RDONLY, &txn));
	must(mdb_cursor_open(txn, bare.dbis[CL_EVENTS], &cursor));
	double began = seconds();
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	for (*ret_events = 0; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		bytes += value.mv_size;
		++*ret_events;
	}
	double spent = seconds() - began;
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	mdb_env_close(bare.env);
	return (double)*ret_events / spent;
}

static double scan_log(const char *folder, bool decode) {
	struct cl_log log;
	struct cl_log_reader reader;
	struct cl_stored stored;
	struct cl_record record;
	uint64_t events = 0;
	int rc;
	struct cl_kv *kv = log_open(folder, &log);
	must_log(cl_log_reader_open(&reader, kv, 1));
	double began = seconds();
	while ((rc = cl_log_reader_next(&reader, &stored)) == CL_OK) {
		if (decode)
			must_log(cl_record_decode(stored.record, &record));
		events++;
	}
	double spent = seconds() - began;
	CL_ASSERT(rc == CL_E_NOTFOUND);
	cl_log_reader_close(&reader);
	kv->ops->close(kv);
	return (double)events / spent;
}

static double timed_verify(const char *folder) {
	struct cl_log log;
	struct cl_verify_report report;
	struct cl_kv *kv = log_open(folder, &log);
	double began = seconds();
	must_log(cl_log_verify(kv, NULL, NULL, NULL, &report));
	double spent = seconds() - began;
	kv->ops->close(kv);
	return (double)report.records / spent;
}

static double timed_open(const char *folder) {
	struct cl_log log;
	double began = seconds();
	struct cl_kv *kv = log_open(folder, &log);
	double spent = seconds() - began;
	kv->ops->close(kv);
	return spent;
}

static double timed_derive(const char *folder) {
	struct cl_log log;
	struct cl_kv *kv = log_open(folder, &log);
	double began = seconds();
	must_log(cl_log_derive(&log));
	double spent = seconds() - began;
	kv->ops->close(kv);
	return (double)log.head.seq / spent;
}

static void compare_scans(const char *dir, uint32_t events, uint32_t rounds) {
	char *folder;
	double bare[99], log[99], decoded[99];
	uint64_t found = 0;
	(void)run_log(dir, 512, events, &folder);
	for (uint32_t i = 0; i < rounds; i++) {
		bare[i] = scan_bare(folder, &found);
		log[i] = scan_log(folder, false);
		decoded[i] = scan_log(folder, true);
	}
	double bare_median = median(bare, rounds), log_median = median(log, rounds);
	printf("{\"bench\":\"scan_lmdb\",\"events\":%llu,\"record_bytes\":%d,\"bare_events_s\":%.0f,"
	       "\"reader_events_s\":%.0f,\"ratio\":%.3f,\"reader_decode_events_s\":%.0f,\"verify_events_s\":%.0f,"
	       "\"open_s\":%.3f,\"derive_events_s\":%.0f}\n",
	       (unsigned long long)found, RECORD_BYTES, bare_median, log_median, log_median / bare_median,
	       median(decoded, rounds), timed_verify(folder), timed_open(folder), timed_derive(folder));
	drop_folder(folder);
}

static uint32_t number(const char *text, uint32_t most) {
	uint64_t value;
	if (text == NULL || cl_str_u64(cl_str_from(text), &value) != CL_OK || value == 0 || value > most) {
		fprintf(stderr, "append-lmdb: not a number from 1 to %u: %s\n", most,
		        text != NULL ? text : "(nothing)");
		exit(2);
	}
	return (uint32_t)value;
}

int main(int argc, char **argv) {
	static const uint32_t batches[] = {1, 8, 64, 512}, counts[] = {2000, 16000, 64000, 153600};
	const char *dir = NULL;
	uint32_t rounds = 3, only = 0, events = 0;
	for (int i = 1; i + 1 < argc + (argc % 2 == 0); i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (strcmp(argv[i], "--dir") == 0)
			dir = value;
		else if (strcmp(argv[i], "--rounds") == 0)
			rounds = number(value, 99);
		else if (strcmp(argv[i], "--batch") == 0)
			only = number(value, 65536);
		else if (strcmp(argv[i], "--events") == 0)
			events = number(value, 100000000);
	}
	if (dir == NULL || cl_crypto_init() != CL_OK) {
		fprintf(stderr, "append-lmdb --dir DIR [--rounds 3] [--batch N] [--events N]\n");
		return 2;
	}
	if (only != 0) {
		compare_appends(dir, only, events != 0 ? events : 100 * only, rounds);
		return 0;
	}
	for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++)
		compare_appends(dir, batches[i], events != 0 ? events : counts[i], rounds);
	compare_scans(dir, 512000, rounds);
	return 0;
}
