#include "intake/identity.h"

struct cl_id intake_identity_id(const struct cl_ctx *ctx, enum identity_kind kind, struct cl_str value) {
	const char *code = cl_enum_find(&cl_enum_identity_kind, kind)->code;
	struct cl_str text = cl_arena_printf(ctx->arena, "%s:" CL_STR_FMT, code, CL_STR_ARG(value));
	return cl_id_keyed(ctx->identity_key, "identity", text.p, text.n);
}

static void answer(const struct cl_ctx *ctx, const struct identity_state *state, const struct identity_claim *claim,
                   struct cl_decision *decision) {
	if (cl_id_zero(state->holder)) {
		CL_EMIT(decision, ctx, identity_claimed)->claim = *claim;
		return;
	}
	struct identity_held *held = CL_EMIT(decision, ctx, identity_held);
	held->claim = *claim;
	held->holder = state->holder;
}

void intake_identity_decide(const struct cl_ctx *ctx, const struct identity_state *state,
                            const struct cl_message *message, struct cl_decision *decision) {
	if (message->role == CL_MSG_COMMAND) {
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, "kind");
		return;
	}
	if (message->role != CL_MSG_EVENT)
		return;
	if (message->type == CL_T_customer_opened)
		answer(ctx, state, &((const struct customer_opened *)message->body)->claim, decision);
	else if (message->type == CL_T_identity_claim_asked)
		answer(ctx, state, &((const struct identity_claim_asked *)message->body)->claim, decision);
}
