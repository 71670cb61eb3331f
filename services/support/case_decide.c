/* The rules of a case, one function per command, named after it: the dispatcher at the end is made from the schema's
 * rows, so a command without a rule does not compile. */
#include "case.h"

#define MINUTE_MS INT64_C(60000)

static uint32_t need_open(const struct case_turn *turn) {
	if (turn->state->status == case_status_UNSET)
		return CL_R_UNKNOWN_TARGET;
	return turn->state->status == CASE_CLOSED ? CL_R_CASE_CLOSED : CL_R_NONE;
}

uint32_t case_deadlines(struct case_turn *turn, int64_t until, int64_t *ret_until, int64_t *ret_remind_at) {
	const struct support_state *policy = turn->ctx->registry;
	int64_t now = turn->ctx->now_ms;
	*ret_until = *ret_remind_at = 0;
	if (turn->history)
		return CL_R_NONE;
	uint32_t answer_min = policy->answer_min ? policy->answer_min : SUPPORT_ANSWER_MIN;
	uint32_t remind_min = policy->answer_min ? policy->remind_min : SUPPORT_REMIND_MIN;
	if (!until) {
		until = now + answer_min * MINUTE_MS;
	} else if (until <= now) {
		/* Something of the past written down now may have had a deadline that is past too: it arms nothing. */
		if (turn->ctx->occurred_ms < now && until > turn->ctx->occurred_ms)
			return CL_R_NONE;
		turn->field = "until";
		return CL_R_CASE_DEADLINE;
	}
	*ret_until = until;
	if (remind_min && until - remind_min * MINUTE_MS > now)
		*ret_remind_at = until - remind_min * MINUTE_MS;
	return CL_R_NONE;
}

static uint32_t decide_case_note(struct case_turn *turn, const struct case_note *command) {
	if (turn->state->status == case_status_UNSET)
		return CL_R_UNKNOWN_TARGET;
	CL_EMIT(turn->decision, turn->ctx, case_noted)->text = command->text;
	return CL_R_NONE;
}

static uint32_t decide_case_work(struct case_turn *turn, const struct case_work *command) {
	uint32_t refused = need_open(turn);
	if (refused)
		return refused;
	struct case_worked *event = CL_EMIT(turn->decision, turn->ctx, case_worked);
	event->text = command->text;
	event->person = turn->ctx->who;
	return CL_R_NONE;
}

static uint32_t decide_case_assess(struct case_turn *turn, const struct case_assess *command) {
	uint32_t refused = need_open(turn);
	if (refused)
		return refused;
	struct case_assessed *event = CL_EMIT(turn->decision, turn->ctx, case_assessed);
	event->priority = command->priority;
	event->text = command->text;
	return CL_R_NONE;
}

static uint32_t decide_case_assign(struct case_turn *turn, const struct case_assign *command) {
	uint32_t refused = need_open(turn);
	if (refused)
		return refused;
	struct case_assigned *event = CL_EMIT(turn->decision, turn->ctx, case_assigned);
	event->person = command->person;
	event->department = command->department;
	event->text = command->text;
	event->ask = !turn->history;
	return CL_R_NONE;
}

static uint32_t decide_case_wait(struct case_turn *turn, const struct case_wait *command) {
	int64_t until, remind_at;
	uint32_t refused = need_open(turn);
	if (!refused)
		refused = case_deadlines(turn, command->until, &until, &remind_at);
	if (refused)
		return refused;
	struct case_waiting *event = CL_EMIT(turn->decision, turn->ctx, case_waiting);
	event->text = command->text;
	event->until = until;
	event->remind_at = remind_at;
	return CL_R_NONE;
}

static uint32_t decide_case_hold(struct case_turn *turn, const struct case_hold *command) {
	uint32_t refused = need_open(turn);
	if (refused)
		return refused;
	CL_EMIT(turn->decision, turn->ctx, case_held)->text = command->text;
	return CL_R_NONE;
}

static uint32_t decide_case_propose(struct case_turn *turn, const struct case_propose *command) {
	int64_t until, remind_at;
	uint32_t refused = need_open(turn);
	if (!refused)
		refused = case_deadlines(turn, command->until, &until, &remind_at);
	if (refused)
		return refused;
	struct case_proposed *event = CL_EMIT(turn->decision, turn->ctx, case_proposed);
	event->text = command->text;
	event->options = command->options;
	event->until = until;
	event->remind_at = remind_at;
	return CL_R_NONE;
}

static uint32_t need_proposed(const struct case_turn *turn) {
	uint32_t refused = need_open(turn);
	if (!refused && turn->state->status != CASE_PROPOSED)
		refused = CL_R_CASE_NOT_PROPOSED;
	return refused;
}

static uint32_t decide_case_agree(struct case_turn *turn, const struct case_agree *command) {
	uint32_t refused = need_proposed(turn);
	if (refused)
		return refused;
	if (command->option > turn->state->options.n) {
		turn->field = "option";
		return CL_R_CASE_OPTION;
	}
	struct case_agreed *event = CL_EMIT(turn->decision, turn->ctx, case_agreed);
	event->option = command->option;
	event->text = command->text;
	return CL_R_NONE;
}

static uint32_t decide_case_disagree(struct case_turn *turn, const struct case_disagree *command) {
	uint32_t refused = need_proposed(turn);
	if (refused)
		return refused;
	CL_EMIT(turn->decision, turn->ctx, case_disagreed)->text = command->text;
	return CL_R_NONE;
}

/* Which outcomes the case allows now: those that claim something of the customer or the order need it to be so. */
static bool may_close_as(const struct case_state *state, enum close_outcome outcome) {
	switch (outcome) {
	case close_outcome_UNSET:
	case OUTCOME_AGREED:
		return state->agreed;
	case OUTCOME_SILENT:
		return state->status == CASE_PROPOSED;
	case OUTCOME_DELIVERED:
		return state->order_status == ORDER_DELIVERED;
	case OUTCOME_WITHDRAWN:
	case OUTCOME_DUPLICATE:
	case OUTCOME_INVALID:
	case OUTCOME_CANCELLED:
		return true;
	}
	return false;
}

static uint32_t decide_case_close(struct case_turn *turn, const struct case_close *command) {
	uint32_t refused = need_open(turn);
	if (refused)
		return refused;
	if (!may_close_as(turn->state, command->outcome))
		return CL_R_CASE_NOT_AGREED;
	struct case_closed *event = CL_EMIT(turn->decision, turn->ctx, case_closed);
	event->outcome = command->outcome ? command->outcome : OUTCOME_AGREED;
	event->result = command->result;
	event->number = turn->state->number;
	return CL_R_NONE;
}

static uint32_t decide_case_reopen(struct case_turn *turn, const struct case_reopen *command) {
	if (turn->state->status == case_status_UNSET)
		return CL_R_UNKNOWN_TARGET;
	if (turn->state->status != CASE_CLOSED)
		return CL_R_CASE_NOT_CLOSED;
	struct case_reopened *event = CL_EMIT(turn->decision, turn->ctx, case_reopened);
	event->text = command->text;
	event->number = turn->state->number;
	return CL_R_NONE;
}

/* Not a rule of the case: an import is taken apart in case_import.c, and the policy is the registry's. */
static uint32_t decide_case_import(struct case_turn *turn, const struct case_import *command) {
	(void)turn, (void)command;
	return CL_R_FIELD;
}

static uint32_t decide_support_configure(struct case_turn *turn, const struct support_configure *command) {
	(void)turn, (void)command;
	return CL_R_UNKNOWN_TARGET;
}

#define RULE_COMMAND(name)                                                                                             \
	case CL_T_##name:                                                                                              \
		return decide_##name(turn, body);
#define RULE_EVENT(name)
#define RULE_STATE(name)
#define RULE(name, type_id, role, version, meaning) RULE_##role(name)

uint32_t case_command(struct case_turn *turn, uint16_t type, const void *body) {
	switch (type) { CL_MESSAGES_support(RULE) }
	return CL_R_FIELD;
}
