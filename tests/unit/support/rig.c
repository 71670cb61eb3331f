#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec.h"

static struct cl_id case_id(void) {
	return cl_id_derive("test", "case", 4);
}

void rig_init(struct rig *rig) {
	*rig = (struct rig){.now_ms = RIG_NOW};
	cl_arena_init(&rig->actor, 1024);
	cl_arena_init(&rig->turn, 4096);
	cl_arena_init(&rig->kept, 4096);
}

void rig_done(struct rig *rig) {
	cl_arena_done(&rig->actor);
	cl_arena_done(&rig->turn);
	cl_arena_done(&rig->kept);
	free(rig->records);
}

static void keep(struct rig *rig, const struct cl_event *event) {
	if (rig->record_n == rig->record_cap) {
		rig->record_cap = rig->record_cap ? rig->record_cap * 2 : 64;
		rig->records = realloc(rig->records, rig->record_cap * sizeof(*rig->records));
		assert_non_null(rig->records);
	}
	const struct cl_schema *schema = cl_schema_by_type(event->type);
	struct cl_field_error wrong;
	if (cl_validate(schema, event->body, &wrong) != CL_OK)
		fail_msg("%s is not valid at \"%s\"", schema->name, wrong.path);
	struct cl_buf bytes;
	cl_buf_init(&bytes);
	cl_encode(schema, event->body, &bytes);
	uint8_t *p = cl_arena_alloc(&rig->kept, bytes.n);
	if (bytes.n)
		memcpy(p, bytes.p, bytes.n);
	rig->records[rig->record_n++] = (struct rig_record){event->type,
	                                                    event->version,
	                                                    event->occurred_ms,
	                                                    cl_arena_str(&rig->kept, event->who),
	                                                    {p, (uint32_t)bytes.n}};
	cl_buf_done(&bytes);
}

static uint32_t run(struct rig *rig, struct cl_message *message, const char *who) {
	cl_arena_reset(&rig->turn);
	struct cl_ctx ctx = {.now_ms = rig->now_ms,
	                     .occurred_ms = rig->occurred_ms ? rig->occurred_ms : rig->now_ms,
	                     .who = cl_str_from(who),
	                     .registry = &rig->policy,
	                     .partitions = 1,
	                     .arena = &rig->turn};
	rig->decision = (struct cl_decision){.arena = &rig->turn};
	message->kind = CL_KIND_CASE;
	message->target = case_id();
	support_domain.decide(&ctx, &rig->state, rig->version, message, &rig->decision);
	if (rig->decision.reject) {
		assert_int_equal(rig->decision.n, 0);
		return rig->decision.reject;
	}
	for (uint32_t i = 0; i < rig->decision.n; i++) {
		const struct cl_emitted *emitted = &rig->decision.events[i];
		struct cl_event event = {.type = emitted->type,
		                         .body = emitted->body,
		                         .kind = CL_KIND_CASE,
		                         .aggregate = case_id(),
		                         .version = ++rig->version,
		                         .recorded_ms = rig->now_ms,
		                         .occurred_ms = emitted->occurred_ms,
		                         .who = emitted->who};
		support_domain.evolve(CL_KIND_CASE, &rig->state, &event, &rig->actor);
		keep(rig, &event);
	}
	return CL_R_NONE;
}

uint32_t rig_command_by(struct rig *rig, const char *who, uint16_t type, const void *body) {
	struct cl_message message = {.role = CL_MSG_COMMAND, .type = type, .body = body};
	return run(rig, &message, who);
}

uint32_t rig_command(struct rig *rig, uint16_t type, const void *body) {
	return rig_command_by(rig, "lan", type, body);
}

void rig_event(struct rig *rig, uint16_t type, const void *body, const char *who) {
	struct cl_event event = {.type = type,
	                         .body = body,
	                         .aggregate = case_id(),
	                         .recorded_ms = rig->now_ms,
	                         .occurred_ms = rig->now_ms,
	                         .who = cl_str_from(who)};
	struct cl_target targets[CL_TARGETS_MAX];
	assert_int_equal(support_domain.targets(&event, targets), 1);
	assert_int_equal(targets[0].kind, CL_KIND_CASE);
	assert_true(cl_id_eq(targets[0].id, case_id()));
	struct cl_message message = {.role = CL_MSG_EVENT, .type = type, .body = body, .event = &event};
	assert_int_equal(run(rig, &message, who), CL_R_NONE);
}

void rig_tick(struct rig *rig) {
	struct cl_message message = {.role = CL_MSG_TICK};
	assert_int_equal(run(rig, &message, "system"), CL_R_NONE);
}

struct slip_created rig_slip(bool imported) {
	return (struct slip_created){.number = CL_STR("PTN-2026-000123"),
	                             .serial = 123,
	                             .slip_id = case_id(),
	                             .request_id = cl_id_derive("test", "request", 7),
	                             .customer_id = cl_id_derive("test", "customer", 8),
	                             .title = CL_STR("Máy không lên nguồn"),
	                             .description = CL_STR("Bấm nút không lên đèn.\nĐã thử ổ điện khác."),
	                             .customer_name = CL_STR("Nguyễn Thị Hoa"),
	                             .phone = CL_STR("+84912345678"),
	                             .email = CL_STR("hoa@example.vn"),
	                             .product = CL_STR("Nồi cơm"),
	                             .quantity = 1,
	                             .channel = imported ? CHANNEL_IMPORT : CHANNEL_PHONE,
	                             .category = CATEGORY_TECHNICAL,
	                             .priority = LEVEL_MEDIUM,
	                             .urgency = LEVEL_LOW,
	                             .received_by = CL_STR("minh"),
	                             .received_at = RIG_NOW - RIG_MINUTE,
	                             .imported = imported,
	                             .source_key = imported ? CL_STR("cu/1") : (struct cl_str){0}};
}

void rig_open(struct rig *rig, bool imported) {
	struct item_routed routed = {.slip = rig_slip(imported),
	                             .department = CL_STR("ky-thuat"),
	                             .due_at = imported ? 0 : RIG_NOW + RIG_DAY};
	rig_event(rig, CL_T_item_routed, &routed, "system");
}

static void must(uint32_t refused) {
	assert_int_equal(refused, CL_R_NONE);
}

void rig_bring(struct rig *rig, enum case_status status) {
	switch (status) {
	case case_status_UNSET:
	case CASE_OPEN:
		break;
	case CASE_WORKING:
		must(RIG_COMMAND(rig, case_work, .text = CL_STR("kiểm tra")));
		break;
	case CASE_ON_HOLD:
		must(RIG_COMMAND(rig, case_hold, .text = CL_STR("chờ linh kiện")));
		break;
	case CASE_WAITING:
		must(RIG_COMMAND(rig, case_wait, .text = CL_STR("xin số máy")));
		break;
	case CASE_PROPOSED:
	case CASE_AGREED:
	case CASE_CLOSED:
		must(RIG_COMMAND(rig, case_propose, .text = CL_STR("đổi máy mới")));
		if (status != CASE_PROPOSED)
			must(RIG_COMMAND(rig, case_agree, .text = CL_STR("đồng ý")));
		if (status == CASE_CLOSED)
			must(RIG_COMMAND(rig, case_close, .result = CL_STR("đã đổi")));
		break;
	}
	assert_int_equal(rig->state.status, status);
}

uint16_t rig_emitted(const struct rig *rig, uint32_t i) {
	return i < rig->decision.n ? rig->decision.events[i].type : 0;
}

const void *rig_body(const struct rig *rig, uint32_t i) {
	assert_true(i < rig->decision.n);
	return rig->decision.events[i].body;
}

int64_t rig_due(const struct rig *rig) {
	return support_domain.due(CL_KIND_CASE, &rig->state);
}

void rig_fold(const struct rig *rig, struct cl_arena *arena, struct case_state *ret_state) {
	*ret_state = (struct case_state){0};
	for (uint32_t i = 0; i < rig->record_n; i++) {
		const struct rig_record *record = &rig->records[i];
		struct cl_event event = {.type = record->type,
		                         .kind = CL_KIND_CASE,
		                         .aggregate = case_id(),
		                         .version = record->version,
		                         .occurred_ms = record->occurred_ms,
		                         .who = record->who};
		const struct cl_schema *schema = cl_schema_by_type(record->type);
		assert_int_equal(
		        cl_decode_version(record->type, schema->version, record->payload, arena, &event.body, NULL),
		        CL_OK);
		support_domain.evolve(CL_KIND_CASE, ret_state, &event, arena);
	}
}
