#include "case_log.h"

#include <stdio.h>

#include "actor/slip.h"
#include "base/assert.h"
#include "codec.h"
#include "schema.h"
#include "support/support.h"

#define BATCH 4096
#define BATCH_WHOLE 20480 /* with states: many rows at random places, so fewer and larger transactions */
#define NOTES 5           /* ten events a case */

#define WINDOW_MS ((int64_t)7 * 86400000)
#define START_MS 1767225600000
#define FAR_MS 4102444800000 /* in 2100: deadlines that no run of a bench reaches */

struct writer {
	struct cl_log log;
	struct cl_batch batch;
	struct cl_buf payload;
	uint64_t seq, previous;
	uint32_t version, batch_n;
	struct case_state *state; /* of the case being written; NULL: no states are wanted */
	struct cl_arena arena;
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

static void add(struct writer *writer, struct cl_id id, uint16_t type, const void *body) {
	const struct cl_schema *schema = cl_schema_by_type(type);
	cl_buf_clear(&writer->payload);
	cl_encode(schema, body, &writer->payload);
	uint32_t version = ++writer->version;
	struct cl_record record = {
	        .seq = ++writer->seq,
	        .recorded_ms = START_MS + (int64_t)writer->seq,
	        .occurred_ms = START_MS + (int64_t)writer->seq,
	        .type = type,
	        .version = schema->version,
	        .kind = CL_KIND_CASE,
	        .aggregate = id,
	        .aggregate_version = version,
	        .previous = writer->previous,
	        .correlation = id,
	        .who = CL_STR("agent-17"),
	        .payload = cl_buf_bytes(&writer->payload),
	};
	cl_batch_record(&writer->batch, &record);
	writer->previous = record.seq;
	if (!writer->state)
		return;
	struct cl_event event;
	cl_event_head(&record, &event);
	event.body = body;
	support_domain.evolve(CL_KIND_CASE, writer->state, &event, &writer->arena);
}

/* The case is whole: its state goes into the batch, as a partition would have put it. */
static void end_case(struct writer *writer, struct cl_id id) {
	if (writer->state) {
		cl_buf_clear(&writer->payload);
		cl_encode(&cl_schema_case_state, writer->state, &writer->payload);
		cl_batch_actor(&writer->batch, CL_KIND_CASE, id, writer->version, writer->seq,
		               cl_buf_bytes(&writer->payload));
		cl_batch_due(&writer->batch, CL_KIND_CASE, id, 0, support_domain.due(CL_KIND_CASE, writer->state));
		*writer->state = (struct case_state){0};
		cl_arena_reset(&writer->arena);
	}
	writer->version = 0;
	writer->previous = 0;
	if (writer->batch.record_n >= writer->batch_n)
		flush(writer);
}

static void write_case(struct writer *writer, uint64_t n, uint32_t notes, bool closed_too) {
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
	struct case_proposed proposed = {.text = text, .until = FAR_MS, .remind_at = FAR_MS - 86400000};
	struct case_agreed agreed = {.text = text};
	struct case_closed closed = {.outcome = OUTCOME_AGREED, .result = text, .number = cl_str_from(number)};
	add(writer, id, CL_T_case_opened, &opened);
	add(writer, id, CL_T_case_worked, &worked);
	for (uint32_t i = 0; i < notes; i++)
		add(writer, id, CL_T_case_noted, &noted);
	add(writer, id, CL_T_case_proposed, &proposed);
	if (closed_too) {
		add(writer, id, CL_T_case_agreed, &agreed);
		add(writer, id, CL_T_case_closed, &closed);
	}
	end_case(writer, id);
}

static void writer_init(struct writer *writer, struct cl_kv *kv, const struct cl_log_identity *identity) {
	uint64_t bad_seq;
	CL_ASSERT(cl_log_open(&writer->log, kv, identity, WINDOW_MS, START_MS, &bad_seq) == CL_OK);
	writer->seq = writer->log.head.seq;
	writer->batch_n = BATCH;
	cl_batch_init(&writer->batch);
	cl_buf_init(&writer->payload);
	cl_arena_init(&writer->arena, 8192);
}

static void writer_done(struct writer *writer) {
	flush(writer);
	cl_batch_done(&writer->batch);
	cl_buf_done(&writer->payload);
	cl_arena_done(&writer->arena);
}

void bench_write_cases(struct cl_kv *kv, const struct cl_log_identity *identity, uint64_t events) {
	struct writer writer = {0};
	writer_init(&writer, kv, identity);
	for (uint64_t i = 0; i < events / (NOTES + 5); i++)
		write_case(&writer, i + 1, NOTES, true);
	writer_done(&writer);
}

struct cl_id bench_case_id(uint64_t n) {
	char number[32];
	snprintf(number, sizeof(number), "PTN-2026-%06llu", (unsigned long long)n);
	return cl_slip_id(cl_str_from(number));
}

void bench_write_folder(struct cl_kv *kv, const struct cl_log_identity *identity, uint64_t closed, uint64_t open) {
	struct case_state state = {0};
	struct writer writer = {.state = &state};
	writer_init(&writer, kv, identity);
	writer.batch_n = BATCH_WHOLE;
	for (uint64_t i = 0; i < closed + open; i++)
		write_case(&writer, i + 1, 0, i < closed);
	writer_done(&writer);
}
