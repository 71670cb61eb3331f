/* What each event makes of a case: one small function per event, named after it. The dispatcher at the end is made from
 * the schema's rows, so an event without one does not compile. */
#include "case.h"

/* Most fields stay as they are from event to event (the person, the department): equal text is not copied again. */
static void keep(struct cl_arena *arena, struct cl_str *field, struct cl_str text) {
	if (field->n == text.n && (text.n == 0 || memcmp(field->p, text.p, text.n) == 0))
		return;
	*field = text.n ? cl_arena_str(arena, text) : (struct cl_str){0};
}

static void no_timer(struct case_state *state) {
	state->deadline = state->remind_at = 0;
}

static void first_response(struct case_state *state, const struct cl_event *event) {
	if (!state->first_response_at)
		state->first_response_at = event->occurred_ms;
}

static void note(struct case_state *state, const struct cl_event *event, struct cl_arena *arena, struct cl_str text) {
	keep(arena, &state->last_note, text);
	keep(arena, &state->last_note_by, event->who);
	state->last_note_at = event->occurred_ms;
}

static void evolve_case_opened(struct case_state *state, const struct case_opened *body, const struct cl_event *event,
                               struct cl_arena *arena) {
	const struct slip_created *slip = &body->slip;
	keep(arena, &state->number, slip->number);
	keep(arena, &state->title, slip->title);
	keep(arena, &state->description, slip->description);
	keep(arena, &state->customer_name, slip->customer_name);
	keep(arena, &state->phone, slip->phone);
	keep(arena, &state->email, slip->email);
	keep(arena, &state->product, slip->product);
	keep(arena, &state->received_by, slip->received_by);
	keep(arena, &state->source_key, slip->source_key);
	keep(arena, &state->department, body->department);
	state->quantity = slip->quantity;
	state->channel = slip->channel;
	state->category = slip->category;
	state->priority = slip->priority;
	state->urgency = slip->urgency;
	state->received_at = slip->received_at;
	state->imported = slip->imported;
	state->customer_id = slip->customer_id;
	state->request_id = slip->request_id;
	state->opened_at = event->occurred_ms;
	state->due_at = body->due_at;
	state->status = CASE_OPEN;
}

static void evolve_case_noted(struct case_state *state, const struct case_noted *body, const struct cl_event *event,
                              struct cl_arena *arena) {
	note(state, event, arena, body->text);
	state->notes++;
	if (body->order_status)
		state->order_status = body->order_status;
}

static void evolve_case_worked(struct case_state *state, const struct case_worked *body, const struct cl_event *event,
                               struct cl_arena *arena) {
	(void)event;
	if (state->person.n == 0) /* whoever works on a case that routing gave to someone helps them */
		keep(arena, &state->person, body->person);
	state->works++;
	/* Work under an agreement carries out what was agreed. */
	state->status = state->agreed ? CASE_AGREED : CASE_WORKING;
	no_timer(state);
}

static void evolve_case_assessed(struct case_state *state, const struct case_assessed *body,
                                 const struct cl_event *event, struct cl_arena *arena) {
	(void)event, (void)arena;
	state->priority = body->priority;
}

static void evolve_case_assigned(struct case_state *state, const struct case_assigned *body,
                                 const struct cl_event *event, struct cl_arena *arena) {
	(void)event;
	if (body->ask)
		return; /* routing's answer changes it */
	keep(arena, &state->person, body->person);
	if (body->department.n)
		keep(arena, &state->department, body->department);
}

static void evolve_case_waiting(struct case_state *state, const struct case_waiting *body, const struct cl_event *event,
                                struct cl_arena *arena) {
	keep(arena, &state->asked, body->text);
	state->status = CASE_WAITING;
	state->deadline = body->until;
	state->remind_at = body->remind_at;
	first_response(state, event);
}

static void evolve_case_held(struct case_state *state, const struct case_held *body, const struct cl_event *event,
                             struct cl_arena *arena) {
	note(state, event, arena, body->text);
	state->status = CASE_ON_HOLD;
	no_timer(state);
}

static void evolve_case_proposed(struct case_state *state, const struct case_proposed *body,
                                 const struct cl_event *event, struct cl_arena *arena) {
	keep(arena, &state->proposal, body->text);
	state->options = (struct cl_strs){0};
	if (body->options.n) {
		state->options.v = cl_arena_array(arena, struct cl_str, body->options.n);
		for (uint32_t i = 0; i < body->options.n; i++)
			state->options.v[i] = cl_arena_str(arena, body->options.v[i]);
		state->options.n = body->options.n;
	}
	state->option = 0;
	state->answer = (struct cl_str){0};
	state->agreed = false;
	state->proposals++;
	state->status = CASE_PROPOSED;
	state->deadline = body->until;
	state->remind_at = body->remind_at;
	first_response(state, event);
}

static void evolve_case_reminded(struct case_state *state, const struct case_reminded *body,
                                 const struct cl_event *event, struct cl_arena *arena) {
	(void)body, (void)event, (void)arena;
	state->remind_at = 0;
}

static void evolve_case_agreed(struct case_state *state, const struct case_agreed *body, const struct cl_event *event,
                               struct cl_arena *arena) {
	(void)event;
	keep(arena, &state->answer, body->text);
	state->option = body->option;
	state->agreed = true;
	state->status = CASE_AGREED;
	no_timer(state);
}

static void evolve_case_disagreed(struct case_state *state, const struct case_disagreed *body,
                                  const struct cl_event *event, struct cl_arena *arena) {
	(void)event;
	keep(arena, &state->answer, body->text);
	state->status = CASE_WORKING;
	no_timer(state);
}

static void evolve_case_closed(struct case_state *state, const struct case_closed *body, const struct cl_event *event,
                               struct cl_arena *arena) {
	keep(arena, &state->result, body->result);
	state->outcome = body->outcome;
	state->closed_at = event->occurred_ms;
	state->status = CASE_CLOSED;
	first_response(state, event);
	no_timer(state);
}

static void evolve_case_reopened(struct case_state *state, const struct case_reopened *body,
                                 const struct cl_event *event, struct cl_arena *arena) {
	note(state, event, arena, body->text);
	state->outcome = close_outcome_UNSET;
	state->closed_at = 0;
	state->agreed = false;
	state->reopened++;
	state->status = CASE_WORKING;
}

static void evolve_case_history_noted(struct case_state *state, const struct case_history_noted *body,
                                      const struct cl_event *event, struct cl_arena *arena) {
	note(state, event, arena, body->text.n ? body->text : body->activity);
	state->history_notes++;
}

static void evolve_case_history_imported(struct case_state *state, const struct case_history_imported *body,
                                         const struct cl_event *event, struct cl_arena *arena) {
	(void)event;
	keep(arena, &state->source_key, body->source_key);
	state->upto_row = body->upto_row;
}

/* The registry's, not a case's. */
static void evolve_support_configured(struct case_state *state, const struct support_configured *body,
                                      const struct cl_event *event, struct cl_arena *arena) {
	(void)state, (void)body, (void)event, (void)arena;
}

#define APPLY_EVENT(name)                                                                                              \
	case CL_T_##name:                                                                                              \
		evolve_##name(state, event->body, event, arena);                                                       \
		break;
#define APPLY_COMMAND(name)
#define APPLY_STATE(name)
#define APPLY(name, type_id, role, version, meaning) APPLY_##role(name)

void case_evolve(struct case_state *state, const struct cl_event *event, struct cl_arena *arena) {
	switch (event->type) { CL_MESSAGES_support(APPLY) }
}

int64_t case_due(const struct case_state *state) {
	if (state->status != CASE_PROPOSED && state->status != CASE_WAITING)
		return 0;
	return state->remind_at ? state->remind_at : state->deadline;
}
