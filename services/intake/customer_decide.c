#include "intake/customer.h"
#include "intake/events.h"

static void decide_merge(const struct cl_ctx *ctx, const struct customer_state *state, struct cl_id self,
                         const struct customer_merge *command, struct cl_decision *decision) {
	if (cl_id_zero(state->request)) {
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
	} else if (cl_id_eq(self, command->into)) {
		cl_refuse(decision, CL_R_SAME_CUSTOMER, "into");
	} else if (!cl_id_zero(state->into)) {
		cl_refuse(decision, CL_R_ALREADY_MERGED, NULL);
	} else if (!cl_id_zero(state->merging)) {
		cl_refuse(decision, CL_R_MERGE_RUNNING, NULL);
	} else {
		struct customer_merge_asked *event = CL_EMIT(decision, ctx, customer_merge_asked);
		event->customer = self;
		event->to = command->into;
		event->into = command->into;
		event->reason = command->reason;
	}
}

static void decide_unmerge(const struct cl_ctx *ctx, const struct customer_state *state,
                           const struct customer_unmerge *command, struct cl_decision *decision) {
	if (cl_id_zero(state->request)) {
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
	} else if (cl_id_zero(state->into)) {
		cl_refuse(decision, CL_R_NOT_MERGED, NULL);
	} else {
		struct customer_unmerged *event = CL_EMIT(decision, ctx, customer_unmerged);
		event->from = state->into;
		event->reason = command->reason;
	}
}

static void decline(const struct cl_ctx *ctx, struct cl_id customer, uint32_t code, struct cl_decision *decision) {
	struct customer_merge_declined *event = CL_EMIT(decision, ctx, customer_merge_declined);
	event->customer = customer;
	event->code = code;
}

/* Another customer wants to become part of this one. The root takes it in, unless it is itself on its way into another:
 * so of two links the one accepted later was asked for later, all around, and no circle of links can close. */
static void take_in(const struct cl_ctx *ctx, const struct customer_state *state, struct cl_id self,
                    const struct customer_merge_asked *asked, struct cl_decision *decision) {
	if (cl_id_zero(state->request)) {
		decline(ctx, asked->customer, CL_R_UNKNOWN_TARGET, decision);
	} else if (!cl_id_zero(state->into)) {
		struct customer_merge_asked *event = CL_EMIT(decision, ctx, customer_merge_asked);
		*event = *asked;
		event->to = state->into;
	} else if (cl_id_eq(self, asked->customer)) {
		decline(ctx, asked->customer, CL_R_SAME_CUSTOMER, decision);
	} else if (!cl_id_zero(state->merging)) {
		decline(ctx, asked->customer, CL_R_MERGE_RUNNING, decision);
	} else {
		CL_EMIT(decision, ctx, customer_merge_accepted)->customer = asked->customer;
	}
}

static void complete_merge(const struct cl_ctx *ctx, const struct customer_state *state, struct cl_id into,
                           struct cl_decision *decision) {
	struct customer_merged *event = CL_EMIT(decision, ctx, customer_merged);
	event->into = into;
	event->reason = state->merge_reason;
	event->by = state->merge_by;
}

static void fail_merge(const struct cl_ctx *ctx, const struct customer_state *state,
                       const struct customer_merge_declined *declined, struct cl_decision *decision) {
	struct customer_merge_failed *event = CL_EMIT(decision, ctx, customer_merge_failed);
	event->into = state->merging;
	event->code = declined->code;
}

static void let_in(const struct cl_ctx *ctx, const struct customer_state *state, struct cl_id self,
                   const struct cl_event *event, struct cl_decision *decision) {
	const struct customer_linked *linked = event->body;
	struct customer_joined *joined = CL_EMIT(decision, ctx, customer_joined);
	joined->customer = event->aggregate;
	joined->request = linked->request;
	intake_customer_pursue(ctx, state, self, linked->claim, decision);
}

static void decide_event(const struct cl_ctx *ctx, const struct customer_state *state, const struct cl_message *message,
                         struct cl_decision *decision) {
	struct cl_id self = message->target;
	switch ((enum intake_event)message->type) {
	case INTAKE_E_contact_registered:
		intake_customer_open(ctx, self, message->body, decision);
		break;
	case INTAKE_E_identity_claimed:
		intake_customer_claim_answered(
		        ctx, state, self, &((const struct identity_claimed *)message->body)->claim, self, decision);
		break;
	case INTAKE_E_identity_held: {
		const struct identity_held *held = message->body;
		intake_customer_claim_answered(ctx, state, self, &held->claim, held->holder, decision);
		break;
	}
	case INTAKE_E_customer_linked:
		let_in(ctx, state, self, message->event, decision);
		break;
	case INTAKE_E_customer_claim_passed:
		intake_customer_pursue(ctx, state, self, ((const struct customer_claim_passed *)message->body)->claim,
		                       decision);
		break;
	case INTAKE_E_customer_contested:
		intake_customer_contest(ctx, state, self, &((const struct customer_contested *)message->body)->claim,
		                        (struct cl_id){0}, decision);
		break;
	case INTAKE_E_customer_contest_passed: {
		const struct customer_contest_passed *passed = message->body;
		intake_customer_contest(ctx, state, self, &passed->claim, passed->other, decision);
		break;
	}
	case INTAKE_E_customer_merge_asked:
		take_in(ctx, state, self, message->body, decision);
		break;
	case INTAKE_E_customer_merge_accepted:
		complete_merge(ctx, state, message->event->aggregate, decision);
		break;
	case INTAKE_E_customer_merge_declined:
		fail_merge(ctx, state, message->body, decision);
		break;
	case INTAKE_E_customer_unmerged:
		CL_EMIT(decision, ctx, customer_left)->customer = message->event->aggregate;
		break;
	case INTAKE_E_request_classified:
	case INTAKE_E_request_prioritised:
	case INTAKE_E_slip_created:
	case INTAKE_E_customer_opened:
	case INTAKE_E_customer_identified:
	case INTAKE_E_customer_joined:
	case INTAKE_E_customer_conflict_flagged:
	case INTAKE_E_customer_identities_full:
	case INTAKE_E_customer_merged:
	case INTAKE_E_customer_merge_failed:
	case INTAKE_E_customer_left:
	case INTAKE_E_identity_claim_asked:
	case INTAKE_E_intake_configured:
		break;
	}
}

void intake_customer_decide(const struct cl_ctx *ctx, const struct customer_state *state,
                            const struct cl_message *message, struct cl_decision *decision) {
	switch (message->role) {
	case CL_MSG_COMMAND:
		if (message->type == CL_T_customer_merge)
			decide_merge(ctx, state, message->target, message->body, decision);
		else if (message->type == CL_T_customer_unmerge)
			decide_unmerge(ctx, state, message->body, decision);
		else
			cl_refuse(decision, CL_R_UNKNOWN_TARGET, "kind");
		break;
	case CL_MSG_EVENT:
		decide_event(ctx, state, message, decision);
		break;
	case CL_MSG_TICK:
		break;
	}
}
