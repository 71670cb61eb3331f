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
#include "actor/slip.h"
#include "base/assert.h"
#include "support/support.h"
#include "uv/service.h"

#define BATCH 4096
#define PER_CASE 10

static double now_s(void) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

struct writer {
	struct cl_log log;
	struct cl_batch batch;
	struct cl_buf payload;
	uint64_t seq;
};

static void flush(struct writer *writer) {
	struct cl_log_head head;
	int rc;
	do
		rc = cl_log_commit(&writer->log, &writer->log.head, &writer->batch, &head);
	while (rc == CL_E_NOSPACE); /* the map grew */
	CL_ASSERT(rc == CL_OK);
	writer->log.head = head;
	cl_batch_clear(&writer->batch);
}

static void add(struct writer *writer, struct cl_id id, uint32_t version, uint16_t type, const void *body) {
	const struct cl_schema *schema = cl_schema_by_type(type);
	cl_buf_clear(&writer->payload);
	cl_encode(schema, body, &writer->payload);
	struct cl_record record = {
	        .seq = ++writer->seq,
	        .recorded_ms = 1767225600000 + (int64_t)writer->seq,
	        .occurred_ms = 1767225600000 + (int64_t)writer->seq,
	        .type = type,
	        .version = schema->version,
	        .kind = CL_KIND_CASE,
	        .aggregate = id,
	        .aggregate_version = version,
	        .correlation = id,
	        .who = CL_STR("agent-17"),
	        .payload = cl_buf_bytes(&writer->payload),
	};
	cl_batch_record(&writer->batch, &record);
	if (writer->batch.record_n == BATCH)
		flush(writer);
}

static void write_case(struct writer *writer, uint64_t n) {
	char number[32];
	snprintf(number, sizeof(number), "PTN-2026-%06llu", (unsigned long long)n);
	struct cl_str text = CL_STR("Đã gọi lại cho khách, hẹn kỹ thuật viên đến kiểm tra máy vào sáng mai.");
	struct cl_id id = cl_slip_id(cl_str_from(number));
	struct case_opened opened = {
	        .slip = {.number = cl_str_from(number),
	                 .serial = n,
	                 .slip_id = id,
	                 .request_id = id,
	                 .customer_id = id,
	                 .title = CL_STR("Máy giặt không vắt"),
	                 .description = CL_STR(
	                         "Máy giặt mua tháng trước, đang giặt thì dừng, màn hình báo lỗi E4, không vắt được."),
	                 .customer_name = CL_STR("Nguyễn Thị Hoa"),
	                 .phone = CL_STR("+84912345678"),
	                 .channel = CHANNEL_PHONE,
	                 .category = CATEGORY_TECHNICAL,
	                 .priority = LEVEL_MEDIUM,
	                 .urgency = LEVEL_MEDIUM,
	                 .received_by = CL_STR("agent-17"),
	                 .received_at = 1767225600000},
	        .department = CL_STR("kt"),
	        .due_at = 1767225600000 + 86400000,
	};
	struct case_worked worked = {.text = text, .person = CL_STR("agent-17")};
	struct case_noted noted = {.text = text};
	struct case_proposed proposed = {
	        .text = text, .until = 1767225600000 + 86400000, .remind_at = 1767225600000 + 43200000};
	struct case_agreed agreed = {.text = text};
	struct case_closed closed = {.outcome = OUTCOME_AGREED, .result = text, .number = cl_str_from(number)};
	add(writer, id, 1, CL_T_case_opened, &opened);
	add(writer, id, 2, CL_T_case_worked, &worked);
	for (uint32_t version = 3; version <= 7; version++)
		add(writer, id, version, CL_T_case_noted, &noted);
	add(writer, id, 8, CL_T_case_proposed, &proposed);
	add(writer, id, 9, CL_T_case_agreed, &agreed);
	add(writer, id, 10, CL_T_case_closed, &closed);
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
	uint64_t events = 1000000, bad_seq, n;
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
	struct writer writer = {0};
	struct cl_log_identity identity = {
	        .log_id = cl_id_derive("bench", "rebuild", 7), .service = CL_SUPPORT, .partitions = 1};
	CL_ASSERT(cl_log_open(&writer.log, kv, &identity, 86400000, 1767225600000, &bad_seq) == CL_OK);
	writer.seq = writer.log.head.seq;
	cl_batch_init(&writer.batch);
	cl_buf_init(&writer.payload);
	double began = now_s();
	for (uint64_t i = 0; i < events / PER_CASE; i++)
		write_case(&writer, i + 1);
	flush(&writer);
	report("written through cl_log_commit, batches of 4096", events, now_s() - began);
	double bare = best_of(3, scan_bare, kv, &n);
	report("bare LMDB scan", n, bare);
	double reader = best_of(3, scan_reader, kv, &n);
	report("log reader: order and checksums", n, reader);
	double folded = best_of(3, fold, kv, &n);
	report("fold into states", n, folded);
	printf("{\"bench\":\"rebuild\",\"what\":\"ratio of fold to bare scan\",\"ratio\":%.4f}\n", bare / folded);
	kv->ops->close(kv);
	cl_batch_done(&writer.batch);
	cl_buf_done(&writer.payload);
	return 0;
}
