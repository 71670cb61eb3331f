#include "case_log.h"

#include <stdio.h>

#include "actor/slip.h"
#include "base/assert.h"
#include "codec.h"
#include "schema.h"

#define BATCH 4096
#define PER_CASE 10

#define START_MS 1767225600000

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
	        .recorded_ms = START_MS + (int64_t)writer->seq,
	        .occurred_ms = START_MS + (int64_t)writer->seq,
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
	                 .received_at = START_MS},
	        .department = CL_STR("kt"),
	        .due_at = START_MS + 86400000,
	};
	struct case_worked worked = {.text = text, .person = CL_STR("agent-17")};
	struct case_noted noted = {.text = text};
	struct case_proposed proposed = {.text = text, .until = START_MS + 86400000, .remind_at = START_MS + 43200000};
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

void bench_write_cases(struct cl_kv *kv, const struct cl_log_identity *identity, uint64_t events) {
	struct writer writer = {0};
	uint64_t bad_seq;
	CL_ASSERT(cl_log_open(&writer.log, kv, identity, 86400000, START_MS, &bad_seq) == CL_OK);
	writer.seq = writer.log.head.seq;
	cl_batch_init(&writer.batch);
	cl_buf_init(&writer.payload);
	for (uint64_t i = 0; i < events / PER_CASE; i++)
		write_case(&writer, i + 1);
	flush(&writer);
	cl_batch_done(&writer.batch);
	cl_buf_done(&writer.payload);
}
