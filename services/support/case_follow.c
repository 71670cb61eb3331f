/* What a case does on its own: it follows routing and its order, and keeps its deadlines. */
#include "case.h"

#include "base/assert.h"

struct cl_str case_sentence(struct cl_arena *arena, enum cl_text text, struct cl_str first, struct cl_str second) {
	struct cl_str format = cl_str_from(cl_text(text, CL_VI));
	struct cl_str fills[2] = {first, second};
	char *out = cl_arena_alloc(arena, (size_t)format.n + first.n + second.n);
	size_t n = 0;
	uint32_t filled = 0;
	for (uint32_t i = 0; i < format.n; i++) {
		if (format.p[i] == '%' && i + 1 < format.n && format.p[i + 1] == 's' && filled < 2) {
			struct cl_str fill = fills[filled++];
			if (fill.n)
				memcpy(out + n, fill.p, fill.n);
			n += fill.n;
			i++;
		} else {
			out[n++] = format.p[i];
		}
	}
	return (struct cl_str){out, (uint32_t)n};
}

static struct cl_str plain(struct case_turn *turn, enum cl_text text) {
	return case_sentence(turn->ctx->arena, text, (struct cl_str){0}, (struct cl_str){0});
}

static void close_as(struct case_turn *turn, struct cl_str number, enum close_outcome outcome, enum cl_text result) {
	struct case_closed *event = CL_EMIT(turn->decision, turn->ctx, case_closed);
	event->outcome = outcome;
	event->result = plain(turn, result);
	event->number = number;
}

/* What the order's end means for its case. Delivered is not yet content (A7, D4): the customer is asked to confirm
 * receipt; silence until the deadline closes the case as delivered. A cancelled order needs nobody's answer. */
static void order_ended(struct case_turn *turn, struct cl_str number, enum order_status status) {
	if (status == ORDER_CANCELLED) {
		close_as(turn, number, OUTCOME_CANCELLED, CL_TEXT_SUPPORT_ORDER_CANCELLED);
	} else if (status == ORDER_DELIVERED) {
		struct case_proposed *event = CL_EMIT(turn->decision, turn->ctx, case_proposed);
		event->text = plain(turn, CL_TEXT_SUPPORT_ORDER_CONFIRM);
		uint32_t refused = case_deadlines(turn, 0, &event->until, &event->remind_at);
		CL_ASSERT(refused == CL_R_NONE);
	}
}

void case_routed(struct case_turn *turn, const struct item_routed *routed) {
	if (turn->state->status != case_status_UNSET)
		return;
	struct case_opened *event = CL_EMIT(turn->decision, turn->ctx, case_opened);
	event->slip = routed->slip;
	event->department = routed->department;
	event->due_at = routed->due_at;
	/* The order's log may be read ahead of routing's: its end has waited for the case. */
	order_ended(turn, routed->slip.number, turn->state->order_status);
}

void case_item_assigned(struct case_turn *turn, const struct item_assigned *assigned) {
	const struct case_state *state = turn->state;
	if (cl_str_eq(state->person, assigned->person) && cl_str_eq(state->department, assigned->department) &&
	    assigned->reason.n == 0)
		return;
	struct case_assigned *event = CL_EMIT(turn->decision, turn->ctx, case_assigned);
	event->person = assigned->person;
	event->department = assigned->department;
	event->text = assigned->reason;
}

void case_item_escalated(struct case_turn *turn, const struct item_escalated *escalated) {
	if (!case_is_open(turn->state))
		return;
	enum cl_text text = cl_str_eqc(escalated->reason, "unacknowledged") ? CL_TEXT_SUPPORT_UNACKNOWLEDGED
	                                                                    : CL_TEXT_SUPPORT_OVERDUE;
	CL_EMIT(turn->decision, turn->ctx, case_noted)->text =
	        case_sentence(turn->ctx->arena, text, escalated->supervisor, (struct cl_str){0});
}

static struct cl_str joined(struct cl_arena *arena, struct cl_str text, enum cl_text more, struct cl_str fill) {
	if (fill.n == 0)
		return text;
	struct cl_str tail = case_sentence(arena, more, fill, (struct cl_str){0});
	return cl_arena_printf(arena, CL_STR_FMT CL_STR_FMT, CL_STR_ARG(text), CL_STR_ARG(tail));
}

void case_order_changed(struct case_turn *turn, const struct order_changed *changed, struct cl_str who) {
	struct cl_arena *arena = turn->ctx->arena;
	const struct cl_enum_value *status = cl_enum_find(&cl_enum_order_status, changed->status);
	CL_ASSERT(status);
	struct cl_str text = case_sentence(arena, CL_TEXT_SUPPORT_ORDER_CHANGED, cl_str_from(status->vi), who);
	text = joined(arena, text, CL_TEXT_SUPPORT_ORDER_CARRIER, changed->carrier);
	text = joined(arena, text, CL_TEXT_SUPPORT_ORDER_TRACKING, changed->tracking);
	text = joined(arena, text, CL_TEXT_SUPPORT_ORDER_NOTE, changed->note);
	struct case_noted *event = CL_EMIT(turn->decision, turn->ctx, case_noted);
	event->text = text;
	event->order_status = changed->status;
	if (case_is_open(turn->state))
		order_ended(turn, turn->state->number, changed->status);
}

void case_tick(struct case_turn *turn) {
	const struct case_state *state = turn->state;
	int64_t due = case_due(state);
	if (!due || due > turn->ctx->now_ms)
		return;
	if (!state->deadline || state->deadline > turn->ctx->now_ms) {
		CL_EMIT(turn->decision, turn->ctx, case_reminded)->until = state->deadline;
	} else if (state->status == CASE_WAITING) {
		struct case_worked *event = CL_EMIT(turn->decision, turn->ctx, case_worked);
		event->text = plain(turn, CL_TEXT_SUPPORT_WAIT_OVER);
		event->person = state->person.n ? state->person : CL_STR("system");
	} else if (state->order_status == ORDER_DELIVERED && !state->reopened) {
		close_as(turn, state->number, OUTCOME_DELIVERED, CL_TEXT_SUPPORT_ORDER_RECEIVED);
	} else {
		close_as(turn, state->number, OUTCOME_SILENT, CL_TEXT_SUPPORT_SILENT);
	}
}
