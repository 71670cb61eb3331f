#include "bench_domain.h"

static const struct cl_domain_kind kinds[] = {
        {CL_KIND_SUPPORT_REGISTRY, &cl_schema_wire_pair},
        {CL_KIND_CASE, &cl_schema_case_noted},
};

#define TEXT                                                                                                                                             \
	"Khách hàng gọi lại hỏi tiến độ, đã hẹn kỹ thuật viên đến nhà sáng thứ Năm; khách muốn được báo trước " \
	"một giờ và đổi linh kiện chính hãng."

const struct cl_str bench_text = {TEXT, sizeof(TEXT) - 1};

static void decide(const struct cl_ctx *ctx, const void *state, uint32_t version, const struct cl_message *message,
                   struct cl_decision *decision) {
	(void)state;
	(void)version;
	if (message->role != CL_MSG_COMMAND || message->type != CL_T_case_note) {
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
		return;
	}
	const struct case_note *note = message->body;
	CL_EMIT(decision, ctx, case_noted)->text = note->text;
}

static void evolve(uint8_t kind, void *state, const struct cl_event *event, struct cl_arena *arena) {
	(void)kind;
	(void)arena;
	(void)event;
	((struct case_noted *)state)->text = CL_STR("n");
}

const struct cl_domain bench_domain = {
        .service = CL_SUPPORT,
        .kinds = kinds,
        .kind_n = 2,
        .registry_kind = CL_KIND_SUPPORT_REGISTRY,
        .decide = decide,
        .evolve = evolve,
};
