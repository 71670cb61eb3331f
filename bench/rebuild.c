/* Rebuilding a service from its log, and a consumer catching up.
 *   rebuild --dir DIR [--events 1000000]
 * Writes a log of cases (ten events each) through cl_log_commit, then times: a bare LMDB scan, the log's reader (order
 * and checksums), the fold of all events into states. One JSON line each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "actor/partition.h"
#include "base/assert.h"
#include "case_log.h"
#include "support/support.h"
#include "uv/service.h"

static double now_s(void) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void report(const char *what, uint64_t events, double seconds) {
	printf("{\"bench\":\"rebuild\",\"what\":\"%s\",\"events\":%llu,\"seconds\":%.3f,\"per_second\":%.0f}\n", what,
	       (unsigned long long)events, seconds, (double)events / seconds);
	fflush(stdout);
}

static double best_of(int times, double (*run)(void *context, uint64_t *ret_events), void *context,
                      uint64_t *ret_events) {
	double best = 1e9;
	for (int i = 0; i < times; i++) {
		double seconds = run(context, ret_events);
		if (seconds < best)
			best = seconds;
	}
	return best;
}

/* A cursor over the events table that touches every byte's page and nothing else. */
static double scan_bare(void *context, uint64_t *ret_events) {
	struct cl_kv *kv = context;
	struct cl_kv_txn *txn;
	struct cl_kv_cursor *cursor;
	struct cl_bytes key, value;
	uint8_t zero = 0;
	uint64_t n = 0, sum = 0;
	CL_ASSERT(kv->ops->begin(kv, false, &txn) == CL_OK);
	CL_ASSERT(kv->ops->cursor_open(txn, CL_EVENTS, &cursor) == CL_OK);
	double began = now_s();
	for (int rc = kv->ops->seek(cursor, (struct cl_bytes){&zero, 1}, &key, &value); rc == CL_OK;
	     rc = kv->ops->next(cursor, &key, &value)) {
		sum += value.p[0] + value.n;
		n++;
	}
	double seconds = now_s() - began;
	kv->ops->cursor_close(cursor);
	kv->ops->abort(txn);
	CL_ASSERT(sum > 0);
	*ret_events = n;
	return seconds;
}

static double scan_reader(void *context, uint64_t *ret_events) {
	struct cl_kv *kv = context;
	struct cl_log_reader reader;
	struct cl_stored stored;
	uint64_t n = 0;
	int rc;
	CL_ASSERT(cl_log_reader_open(&reader, kv, 1) == CL_OK);
	double began = now_s();
	while ((rc = cl_log_reader_next(&reader, &stored)) == CL_OK)
		n++;
	double seconds = now_s() - began;
	CL_ASSERT(rc == CL_E_NOTFOUND);
	cl_log_reader_close(&reader);
	*ret_events = n;
	return seconds;
}

static double fold(void *context, uint64_t *ret_events) {
	struct cl_kv *kv = context;
	struct cl_replay *replay;
	struct cl_log_reader reader;
	struct cl_stored stored;
	uint64_t n = 0;
	int rc;
	CL_ASSERT(cl_replay_new(&support_domain, &replay) == CL_OK);
	CL_ASSERT(cl_log_reader_open(&reader, kv, 1) == CL_OK);
	double began = now_s();
	while ((rc = cl_log_reader_next(&reader, &stored)) == CL_OK) {
		struct cl_record record;
		CL_ASSERT(cl_record_decode(stored.record, &record) == CL_OK);
		CL_ASSERT(cl_replay_record(replay, &record) == CL_OK);
		n++;
	}
	double seconds = now_s() - began;
	CL_ASSERT(rc == CL_E_NOTFOUND);
	cl_log_reader_close(&reader);
	cl_replay_free(replay);
	*ret_events = n;
	return seconds;
}

int main(int argc, char **argv) {
	const char *dir = NULL;
	uint64_t events = 1000000, n;
	struct cl_kv *kv;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--dir"))
			dir = argv[i + 1];
		else if (!strcmp(argv[i], "--events"))
			events = strtoull(argv[i + 1], NULL, 10);
	}
	if (!dir) {
		fprintf(stderr, "usage: rebuild --dir DIR [--events N]\n");
		return 2;
	}
	CL_ASSERT(cl_crypto_init() == CL_OK);
	if (mkdir(dir, 0700) != 0)
		perror(dir);
	CL_ASSERT(cl_kv_lmdb_open(dir, 4ULL << 30, false, &kv) == CL_OK);
	struct cl_log_identity identity = {
	        .log_id = cl_id_derive("bench", "rebuild", 7), .service = CL_SUPPORT, .partitions = 1};
	double began = now_s();
	bench_write_cases(kv, &identity, events);
	report("written through cl_log_commit, batches of 4096", events, now_s() - began);
	double bare = best_of(3, scan_bare, kv, &n);
	report("bare LMDB scan", n, bare);
	double reader = best_of(3, scan_reader, kv, &n);
	report("log reader: order and checksums", n, reader);
	double folded = best_of(3, fold, kv, &n);
	report("fold into states", n, folded);
	printf("{\"bench\":\"rebuild\",\"what\":\"ratio of fold to bare scan\",\"ratio\":%.4f}\n", bare / folded);
	kv->ops->close(kv);
	return 0;
}
