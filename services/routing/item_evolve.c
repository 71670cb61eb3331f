#include "base/assert.h"
#include "item.h"
#include "routing.h"

bool routing_item_open(const struct work_item_state *state) {
	return state->status == WORK_ASKED || state->status == WORK_WAITING || state->status == WORK_DEFERRED ||
	       state->status == WORK_ASSIGNED;
}

static void earlier(int64_t *due, int64_t at) {
	if (at && (!*due || at < *due))
		*due = at;
}

int64_t routing_item_due(const struct work_item_state *state) {
	int64_t due = 0;
	if (!routing_item_open(state))
		return 0;
	if (state->status == WORK_DEFERRED)
		earlier(&due, state->retry_at);
	if (!state->overdue) {
		earlier(&due, state->due_at);
		if (!state->warned)
			earlier(&due, state->warn_at);
	}
	if (!state->acknowledged && !state->unacknowledged)
		earlier(&due, state->acknowledge_by);
	return due;
}

static void keep(struct cl_str *field, struct cl_str value, struct cl_arena *arena) {
	if (!cl_str_eq(*field, value))
		*field = cl_arena_str(arena, value);
}

static void routed(struct work_item_state *state, const struct item_routed *event, int64_t recorded_ms,
                   struct cl_arena *arena) {
	state->number = cl_arena_str(arena, event->slip.number);
	state->status = event->slip.imported ? WORK_HISTORY : WORK_ASKED;
	state->priority = event->slip.priority;
	keep(&state->department, event->department, arena);
	keep(&state->skill, event->skill, arena);
	state->routed_at = recorded_ms;
	state->due_at = event->due_at;
	state->warn_at = event->warn_at;
	state->acknowledge_by = event->acknowledge_by;
	state->imported = event->slip.imported;
}

static void requested(struct work_item_state *state, const struct queue_requested *event, struct cl_arena *arena) {
	keep(&state->department, event->department, arena);
	keep(&state->skill, event->skill, arena);
	keep(&state->wish, event->insist ? event->wish : (struct cl_str){NULL, 0}, arena);
	keep(&state->back, event->back, arena);
	state->status = WORK_ASKED;
	state->ask = event->ask;
	state->retries = event->retries;
	state->retry_at = 0;
}

static void released(struct work_item_state *state, const struct queue_released *event) {
	if (event->ask != state->ask || !state->person.n)
		return; /* an answer that came too late goes back: nothing of it is held here */
	state->last_person = state->person;
	state->person = (struct cl_str){NULL, 0};
}

static void assigned(struct work_item_state *state, const struct item_assigned *event, struct cl_arena *arena) {
	keep(&state->department, event->department, arena);
	keep(&state->person, event->person, arena);
	state->status = event->person.n ? WORK_ASSIGNED : WORK_WAITING;
	if (event->why != queue_reason_UNSET)
		state->back = (struct cl_str){NULL, 0}; /* a queue has answered: that department it is */
}

static void escalation_asked(struct work_item_state *state, const struct escalation_asked *event) {
	if (cl_str_eqc(event->reason, "overdue"))
		state->overdue = true;
	else
		state->unacknowledged = true;
}

static void reopened(struct work_item_state *state, const struct item_reopened *event) {
	state->status = event->due_at ? WORK_ASKED : WORK_HISTORY;
	state->due_at = event->due_at;
	state->warn_at = event->warn_at;
	state->acknowledge_by = event->acknowledge_by;
	state->acknowledged = state->warned = state->overdue = state->unacknowledged = false;
	state->retries = 0;
}

void routing_item_evolve(struct work_item_state *state, const struct cl_event *event, struct cl_arena *arena) {
	switch (event->type) {
	case CL_T_item_routed:
		routed(state, event->body, event->recorded_ms, arena);
		return;
	case CL_T_queue_requested:
		requested(state, event->body, arena);
		return;
	case CL_T_queue_released:
		released(state, event->body);
		return;
	case CL_T_item_assigned:
		assigned(state, event->body, arena);
		return;
	case CL_T_item_deferred:
		state->status = WORK_DEFERRED;
		state->back = (struct cl_str){NULL, 0};
		state->retry_at = ((const struct item_deferred *)event->body)->retry_at;
		return;
	case CL_T_item_acknowledged:
		state->acknowledged = true;
		return;
	case CL_T_item_warned:
		state->warned = true;
		return;
	case CL_T_escalation_asked:
		escalation_asked(state, event->body);
		return;
	case CL_T_item_escalated:
		return; /* what it follows from is in the state already */
	case CL_T_item_completed:
		state->status = WORK_DONE;
		return;
	case CL_T_item_reopened:
		reopened(state, event->body);
		return;
	}
	CL_UNREACHABLE();
}
