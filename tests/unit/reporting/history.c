#include "history.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "codec.h"
#include "text.h"

static const char *const titles[] = {
        "Máy giặt không vắt được", "Hoàn tiền đơn hàng bị hủy",    "Giao hàng chậm ba ngày",
        "Hỏi giá tủ lạnh 300 lít", "Tien ich cua ung dung bi loi", "Điều hòa chảy nước",
        "Góp ý về nhân viên",      "Đổi sản phẩm bị trầy xước",
};
static const char *const names[] = {"Nguyễn Văn An", "Trần Thị Bích", "Lê Đình Đức", "Phạm Thuỳ Dương", "Vũ Ngọc Ánh"};
static const char *const people[] = {"nv01", "nv02", "nv03", "nv04"};
static const char *const departments[] = {"kythuat", "giaohang", "cskh"};
#define PICK(history, list) (list)[history_random((history), sizeof(list) / sizeof((list)[0]))]

uint64_t history_random(struct history *history, uint64_t below) {
	uint64_t z = (history->rng += 0x9e3779b97f4a7c15u); /* splitmix64 (Steele, Lea, Flood 2014) */
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

static struct cl_id random_id(struct history *history) {
	struct cl_id id;
	for (size_t i = 0; i < sizeof(id.b); i++)
		id.b[i] = (uint8_t)history_random(history, 256);
	return id;
}

void history_init(struct history *history, uint64_t seed) {
	struct cl_log_identity identity = {.service = CL_REPORTING, .partitions = 1};
	uint64_t bad;
	*history = (struct history){.rng = seed, .now_ms = 1750000000000};
	int rc = cl_crypto_init();
	CL_ASSERT(rc == CL_OK);
	identity.log_id = random_id(history);
	rc = cl_kv_mem_open(&history->kv);
	CL_ASSERT(rc == CL_OK);
	rc = cl_log_open(&history->log, history->kv, &identity, 1000000, history->now_ms, &bad);
	CL_ASSERT(rc == CL_OK);
	cl_batch_init(&history->batch);
	history->next = history->log.head;
}

void history_done(struct history *history) {
	cl_batch_done(&history->batch);
	history->kv->ops->close(history->kv);
	free(history->cases);
}

void history_write(struct history *history) {
	struct cl_log_head head;
	int rc = cl_log_commit(&history->log, &history->log.head, &history->batch, &head);
	CL_ASSERT(rc == CL_OK);
	history->log.head = history->next = head;
	cl_batch_clear(&history->batch);
}

static void archive(struct history *history, const struct cl_record *inner, uint32_t service) {
	struct cl_buf bytes, payload;
	cl_buf_init(&bytes);
	cl_buf_init(&payload);
	cl_record_encode(inner, &bytes);
	struct record_archived body = {.record = cl_buf_bytes(&bytes), .hash = cl_hash_of(bytes.p, bytes.n)};
	cl_encode(&cl_schema_record_archived, &body, &payload);
	struct cl_record outer = {
	        .seq = ++history->next.seq,
	        .recorded_ms = history->now_ms,
	        .occurred_ms = inner->occurred_ms,
	        .type = CL_T_record_archived,
	        .version = 1,
	        .kind = CL_KIND_ARCHIVE,
	        .aggregate = {{(uint8_t)service}},
	        .aggregate_version = (uint32_t)inner->seq,
	        .cause = {service, 0, inner->seq, body.hash},
	        .who = CL_STR("system"),
	        .payload = cl_buf_bytes(&payload),
	};
	cl_batch_record(&history->batch, &outer);
	cl_buf_done(&bytes);
	cl_buf_done(&payload);
	if (history->batch.record_n >= 1000)
		history_write(history);
}

void history_event(struct history *history, uint8_t kind, struct cl_id aggregate, uint16_t type, const void *body,
                   int64_t occurred_ms, struct cl_str who) {
	const struct cl_schema *schema = cl_schema_by_type(type);
	uint32_t service = cl_kind_service(kind);
	struct cl_buf payload;
	cl_buf_init(&payload);
	int rc = cl_validate(schema, body, NULL);
	CL_ASSERT(rc == CL_OK);
	cl_encode(schema, body, &payload);
	struct cl_record record = {
	        .seq = ++history->seqs[service],
	        .recorded_ms = ++history->now_ms,
	        .occurred_ms = occurred_ms,
	        .type = type,
	        .version = schema->version,
	        .kind = kind,
	        .aggregate = aggregate,
	        .who = who,
	        .payload = cl_buf_bytes(&payload),
	};
	archive(history, &record, service);
	cl_buf_done(&payload);
}

/* -- cases -- */

static struct history_case *new_case(struct history *history) {
	if (history->case_n == history->case_cap) {
		history->case_cap = history->case_cap ? history->case_cap * 2 : 64;
		history->cases = realloc(history->cases, history->case_cap * sizeof(*history->cases));
		CL_ASSERT(history->cases);
	}
	struct history_case *one = &history->cases[history->case_n];
	*one = (struct history_case){.request_id = random_id(history), .slip_id = random_id(history)};
	snprintf(one->number, sizeof(one->number), "PTN-2026-%06u", ++history->case_n);
	return one;
}

static struct slip_created make_slip(struct history *history, const struct history_case *one, const char *title,
                                     const char *name, const char *phone, const char *source_key) {
	return (struct slip_created){
	        .number = cl_str_from(one->number),
	        .slip_id = one->slip_id,
	        .request_id = one->request_id,
	        .customer_id = random_id(history),
	        .title = cl_str_from(title ? title : PICK(history, titles)),
	        .description = CL_STR("Khách gọi lúc sáng.\nĐã hẹn gọi lại."),
	        .customer_name = cl_str_from(name ? name : PICK(history, names)),
	        .phone = cl_str_from(phone ? phone : "+84912345678"),
	        .email = CL_STR("khach@example.vn"),
	        .product = CL_STR("Máy giặt"),
	        .channel = CHANNEL_PHONE,
	        .category = (enum category)(1 + history_random(history, 6)),
	        .priority = (enum level)(1 + history_random(history, 3)),
	        .urgency = LEVEL_MEDIUM,
	        .received_by = CL_STR("nv01"),
	        .received_at = history->now_ms - (int64_t)history_random(history, 100000000),
	        .imported = source_key != NULL,
	        .source_key = cl_str_from(source_key),
	        .serial = history->case_n,
	};
}

static void tell_intake(struct history *history, const struct slip_created *slip) {
	struct contact_registered contact = {
	        .channel = slip->channel,
	        .name = slip->customer_name,
	        .phone = slip->phone,
	        .subject = slip->title,
	        .text = slip->description,
	        .customer_id = slip->customer_id,
	        .received_by = slip->received_by,
	        .source_key = slip->source_key,
	        .imported = slip->imported,
	};
	struct customer_opened customer = {.request = slip->request_id,
	                                   .name = slip->customer_name,
	                                   .phone = slip->phone,
	                                   .channel = slip->channel};
	struct request_prioritised priority = {.priority = slip->priority};
	struct cl_str who = slip->received_by;
	history_event(history, CL_KIND_REQUEST, slip->request_id, CL_T_contact_registered, &contact, slip->received_at,
	              who);
	history_event(history, CL_KIND_CUSTOMER, slip->customer_id, CL_T_customer_opened, &customer, slip->received_at,
	              who);
	history_event(history, CL_KIND_REQUEST, slip->request_id, CL_T_request_prioritised, &priority,
	              slip->received_at, who);
	history_event(history, CL_KIND_REQUEST, slip->request_id, CL_T_slip_created, slip, slip->received_at, who);
}

uint32_t history_open_case(struct history *history, const char *title, const char *name, const char *phone,
                           const char *source_key) {
	struct history_case *one = new_case(history);
	uint32_t of = history->case_n - 1;
	struct slip_created slip = make_slip(history, one, title, name, phone, source_key);
	struct cl_str department = cl_str_from(PICK(history, departments));
	int64_t due = source_key ? 0 : history->now_ms + (int64_t)history_random(history, 1000000) - 500000;
	struct item_routed routed = {.slip = slip, .department = department, .due_at = due};
	struct case_opened opened = {.slip = slip, .department = department, .due_at = due};
	tell_intake(history, &slip);
	history_event(history, CL_KIND_WORK_ITEM, slip.slip_id, CL_T_item_routed, &routed, history->now_ms,
	              CL_STR("system"));
	history_case_event(history, of, CL_T_case_opened, &opened);
	return of;
}

void history_case_event(struct history *history, uint32_t of, uint16_t type, const void *body) {
	int64_t occurred_ms = history->now_ms - (int64_t)history_random(history, 1000);
	struct cl_str who = CL_STR("nv02");
	if (history->on_event)
		history->on_event(history->context, of, type, body, occurred_ms, who);
	history_event(history, CL_KIND_CASE, history->cases[of].slip_id, type, body, occurred_ms, who);
}

static void random_ending(struct history *history, uint32_t of) {
	struct history_case *one = &history->cases[of];
	struct case_closed closed = {.outcome = (enum close_outcome)(1 + history_random(history, 7)),
	                             .result = CL_STR("Đã xong"),
	                             .number = cl_str_from(one->number)};
	struct case_reopened reopened = {.text = CL_STR("Khách gọi lại"), .number = cl_str_from(one->number)};
	if (one->closed)
		history_case_event(history, of, CL_T_case_reopened, &reopened);
	else
		history_case_event(history, of, CL_T_case_closed, &closed);
	one->closed = !one->closed;
}

static void random_row(struct history *history, uint32_t of) {
	struct case_history_noted noted = {.row = 1, .activity = CL_STR("Accepted"), .act = ACT_NOTE};
	noted.reason = history_random(history, 2) ? CL_R_CASE_CLOSED : 0;
	struct case_history_imported imported = {
	        .source_key = CL_STR("bpi2013/1-1"), .upto_row = 1, .changed = 2, .noted = 1};
	history_case_event(history, of, CL_T_case_history_noted, &noted);
	history_case_event(history, of, CL_T_case_history_imported, &imported);
}

static void random_assignment(struct history *history, uint32_t of) {
	struct case_assigned assigned = {.person = cl_str_from(PICK(history, people)),
	                                 .ask = history_random(history, 3) == 0};
	if (history_random(history, 3) == 0)
		assigned.department = cl_str_from(PICK(history, departments));
	if (!assigned.ask && history_random(history, 4) == 0)
		assigned.person = (struct cl_str){NULL, 0};
	history_case_event(history, of, CL_T_case_assigned, &assigned);
}

void history_random_event(struct history *history, uint32_t of) {
	struct case_worked worked = {.text = CL_STR("Đã gọi cho khách"), .person = cl_str_from(PICK(history, people))};
	struct case_assessed assessed = {.priority = (enum level)(1 + history_random(history, 3))};
	struct case_waiting waiting = {.text = CL_STR("Chờ ảnh"), .until = history->now_ms + 1000};
	struct case_held held = {.text = CL_STR("Chờ linh kiện")};
	struct case_proposed proposed = {.text = CL_STR("Đổi máy mới"), .until = history->now_ms + 1000};
	struct case_agreed agreed = {.text = CL_STR("Đồng ý")};
	struct case_disagreed disagreed = {.text = CL_STR("Không")};
	struct case_noted noted = {.text = CL_STR("Ghi chú: “gấp”")};
	static const uint16_t types[] = {CL_T_case_worked,   CL_T_case_assessed, CL_T_case_waiting,   CL_T_case_held,
	                                 CL_T_case_proposed, CL_T_case_agreed,   CL_T_case_disagreed, CL_T_case_noted};
	const void *bodies[] = {&worked, &assessed, &waiting, &held, &proposed, &agreed, &disagreed, &noted};
	uint64_t what = history_random(history, 12);
	if (history->cases[of].closed && what < 8)
		what = 8;
	if (what < 8)
		history_case_event(history, of, types[what], bodies[what]);
	else if (what == 8)
		random_ending(history, of);
	else if (what == 9)
		random_row(history, of);
	else
		random_assignment(history, of);
}

void history_random_cases(struct history *history, uint32_t n) {
	uint64_t end = history->next.seq + n;
	while (history->next.seq < end) {
		if (history->case_n == 0 || history_random(history, 12) == 0)
			(void)history_open_case(history, NULL, NULL, NULL,
			                        history_random(history, 2) ? "bpi2013/1-1" : NULL);
		else
			history_random_event(history, (uint32_t)history_random(history, history->case_n));
	}
	history_write(history);
}

/* -- the model -- */

void history_model_open(struct history_model *model, const struct history *history) {
	if (!model->folder[0]) {
		snprintf(model->folder, sizeof(model->folder), "/tmp/reporting-XXXXXX");
		char *made = mkdtemp(model->folder);
		CL_ASSERT(made);
		snprintf(model->path, sizeof(model->path), "%s/read.db", model->folder);
		cl_buf_init(&model->answer.json);
	}
	int rc = reporting_model_open(model->path, history->log.identity.log_id, history->log.head.seq, &model->model);
	CL_ASSERT(rc == CL_OK);
	rc = reporting_reader_open(model->model, &model->reader);
	CL_ASSERT(rc == CL_OK);
}

void history_model_follow(struct history_model *model, const struct history *history, uint32_t most) {
	uint32_t n;
	do {
		int rc = reporting_model_follow(model->model, history->kv, most, &n);
		CL_ASSERT(rc == CL_OK);
	} while (n);
	CL_ASSERT(reporting_model_seq(model->model) == history->log.head.seq);
}

void history_model_close(struct history_model *model, bool delete) {
	reporting_reader_close(model->reader);
	reporting_model_close(model->model);
	model->reader = NULL;
	model->model = NULL;
	if (!delete)
		return;
	int rc = reporting_model_delete(model->path);
	CL_ASSERT(rc == CL_OK);
	rc = rmdir(model->folder);
	CL_ASSERT(rc == 0);
	cl_buf_done(&model->answer.json);
	*model = (struct history_model){.model = NULL};
}

const char *history_ask(struct history_model *model, const struct history *history, enum wire_status *ret_status,
                        const char *name, ...) {
	struct wire_pair pairs[20];
	struct wire_query query = {.name = cl_str_from(name), .arguments = {pairs, 0}};
	va_list arguments;
	const char *key;
	va_start(arguments, name);
	while ((key = va_arg(arguments, const char *)) != NULL) {
		const char *value = va_arg(arguments, const char *);
		if (value)
			pairs[query.arguments.n++] = (struct wire_pair){cl_str_from(key), cl_str_from(value)};
	}
	va_end(arguments);
	struct reporting_question question = {
	        .query = &query,
	        .now_ms = history->now_ms,
	        .archive_id = history->log.identity.log_id,
	        .archive_head = history->log.head,
	};
	reporting_reader_answer(model->reader, &question, &model->answer);
	*ret_status = model->answer.status;
	cl_buf_putc(&model->answer.json, '\0');
	return (const char *)model->answer.json.p;
}
