/* Imported history: each row goes through the rule of the command that it means, as of the moment it happened, on a
 * state that the rows before it have made. What a rule refuses is kept as a note with the rule's code: nothing is
 * dropped. */
#include "case.h"

struct import_run {
	struct cl_ctx ctx;       /* the command's, with the row's time and person */
	struct case_state state; /* scratch: the actor's own is changed by evolve alone */
	struct case_turn turn;
	uint32_t version, applied; /* events of the decision that the scratch state has seen */
};

static void apply_new(struct import_run *run) {
	struct cl_decision *decision = run->turn.decision;
	for (; run->applied < decision->n; run->applied++) {
		const struct cl_emitted *emitted = &decision->events[run->applied];
		struct cl_event event = {.type = emitted->type,
		                         .body = emitted->body,
		                         .kind = CL_KIND_CASE,
		                         .version = run->version + run->applied + 1,
		                         .recorded_ms = run->ctx.now_ms,
		                         .occurred_ms = emitted->occurred_ms,
		                         .who = emitted->who};
		case_evolve(&run->state, &event, decision->arena);
	}
}

static uint32_t step(struct import_run *run, uint16_t type, const void *body) {
	uint32_t refused = case_command(&run->turn, type, body);
	if (!refused)
		apply_new(run);
	return refused;
}

/* Proposed, agreed and closed in one contact. After the first step the others cannot be refused. */
static uint32_t settle(struct import_run *run, struct cl_str text) {
	uint32_t refused = step(run, CL_T_case_propose, &(struct case_propose){.text = text});
	if (!refused)
		refused = step(run, CL_T_case_agree, &(struct case_agree){0});
	if (!refused)
		refused = step(run, CL_T_case_close, &(struct case_close){.result = text});
	return refused;
}

static uint32_t run_row(struct import_run *run, const struct history_row *row, struct cl_str text) {
	switch (row->act) {
	case ACT_WORK:
		return step(run, CL_T_case_work, &(struct case_work){.text = text});
	case ACT_ASSESS: {
		/* A source that says only that it was assessed leaves the priority as it is. */
		enum level priority = row->priority ? row->priority : run->state.priority;
		return step(run, CL_T_case_assess, &(struct case_assess){.priority = priority, .text = text});
	}
	case ACT_ASSIGN:
		return step(run, CL_T_case_assign,
		            &(struct case_assign){.person = row->person, .department = row->department, .text = text});
	case ACT_WAIT:
		return step(run, CL_T_case_wait, &(struct case_wait){.text = text});
	case ACT_HOLD:
		return step(run, CL_T_case_hold, &(struct case_hold){.text = text});
	case ACT_PROPOSE:
		return step(run, CL_T_case_propose, &(struct case_propose){.text = text});
	case ACT_AGREE:
		return step(run, CL_T_case_agree, &(struct case_agree){.text = text});
	case ACT_DISAGREE:
		return step(run, CL_T_case_disagree, &(struct case_disagree){.text = text});
	case ACT_CLOSE:
		return step(run, CL_T_case_close, &(struct case_close){.outcome = row->outcome, .result = text});
	case ACT_REOPEN:
		return step(run, CL_T_case_reopen, &(struct case_reopen){.text = text});
	case ACT_SETTLE:
		return settle(run, text);
	case ACT_NOTE:
	case case_act_UNSET:
		break;
	}
	return CL_R_NONE;
}

static void history_note(struct import_run *run, const struct history_row *row, uint32_t reason) {
	struct case_history_noted *event = CL_EMIT(run->turn.decision, &run->ctx, case_history_noted);
	event->row = row->row;
	event->activity = row->activity;
	event->act = row->act;
	event->reason = reason;
	event->text = row->text;
	apply_new(run);
}

/* Rows are taken in order and without a gap: a row left out could never come in later. */
static uint32_t check_rows(const struct case_import *command, uint32_t upto) {
	for (uint32_t i = 0; i < command->rows.n; i++) {
		uint32_t row = command->rows.v[i].row;
		if (row <= upto)
			continue;
		if (row != upto + 1)
			return CL_R_IMPORT_GAP;
		upto = row;
	}
	return CL_R_NONE;
}

uint32_t case_import_rows(struct case_turn *turn, const struct case_import *command, uint32_t version) {
	const struct case_state *state = turn->state;
	if (state->status == case_status_UNSET)
		return CL_R_UNKNOWN_TARGET;
	if (state->source_key.n && !cl_str_eq(state->source_key, command->source_key)) {
		turn->field = "source_key";
		return CL_R_IMPORT_SOURCE;
	}
	uint32_t refused = check_rows(command, state->upto_row);
	if (refused) {
		turn->field = "rows";
		return refused;
	}
	/* A flat copy: evolve replaces what the state points to and never writes through it. */
	struct import_run run = {.ctx = *turn->ctx, .state = *state, .version = version};
	run.turn =
	        (struct case_turn){.ctx = &run.ctx, .state = &run.state, .decision = turn->decision, .history = true};
	uint32_t upto = state->upto_row, changed = 0, noted = 0, unlawful = 0;
	for (uint32_t i = 0; i < command->rows.n; i++) {
		const struct history_row *row = &command->rows.v[i];
		if (row->row <= upto)
			continue;
		upto = row->row;
		run.ctx.occurred_ms = row->at;
		run.ctx.who = row->who.n ? row->who : turn->ctx->who;
		uint32_t before = turn->decision->n;
		uint32_t reason = run_row(&run, row, row->text.n ? row->text : row->activity);
		if (turn->decision->n > before) {
			changed++;
			continue;
		}
		noted++;
		unlawful += reason != CL_R_NONE;
		history_note(&run, row, reason);
	}
	if (changed + noted == 0)
		return CL_R_NONE; /* all of it was taken before */
	struct case_history_imported *event = CL_EMIT(turn->decision, turn->ctx, case_history_imported);
	event->source_key = command->source_key;
	event->upto_row = upto;
	event->changed = changed;
	event->noted = noted;
	event->refused = unlawful;
	return CL_R_NONE;
}
