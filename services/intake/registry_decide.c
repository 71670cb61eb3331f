#include "intake/classify.h"
#include "intake/registry.h"

void intake_registry_decide(const struct cl_ctx *ctx, const struct cl_message *message, struct cl_decision *decision) {
	if (message->role != CL_MSG_COMMAND)
		return;
	if (message->type != CL_T_intake_configure) {
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, "kind");
		return;
	}
	const struct intake_configure *command = message->body;
	for (uint32_t i = 0; i < command->rules.n; i++) {
		if (!intake_rule_valid(&command->rules.v[i], ctx->arena)) {
			cl_refuse(decision, CL_R_FIELD, "rules");
			return;
		}
	}
	struct intake_configured *event = CL_EMIT(decision, ctx, intake_configured);
	event->rules.v = command->rules.v;
	event->rules.n = command->rules.n;
	event->priorities.v = command->priorities.v;
	event->priorities.n = command->priorities.n;
}
