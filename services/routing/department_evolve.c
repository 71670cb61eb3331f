#include "base/assert.h"
#include "department.h"
#include "routing.h"

struct queue_member *routing_member(const struct department_state *state, struct cl_str staff_id) {
	for (uint32_t i = 0; i < state->members.n; i++)
		if (cl_str_eq(state->members.v[i].staff_id, staff_id))
			return &state->members.v[i];
	return NULL;
}

bool routing_entry_before(const struct queue_entry *a, const struct queue_entry *b) {
	if (a->priority != b->priority)
		return a->priority > b->priority;
	if (a->since != b->since)
		return a->since < b->since;
	return cl_str_cmp(a->number, b->number) < 0;
}

static void named(struct department_state *state, struct cl_str code, struct cl_arena *arena) {
	if (!state->code.n)
		state->code = cl_arena_str(arena, code);
}

static void stop_waiting(struct department_state *state, struct cl_id slip_id, uint32_t ask) {
	for (uint32_t i = 0; i < state->waiting.n; i++) {
		struct queue_entry *entry = &state->waiting.v[i];
		if (!cl_id_eq(entry->slip_id, slip_id) || entry->ask != ask)
			continue;
		memmove(entry, entry + 1, (state->waiting.n - i - 1) * sizeof(*entry));
		state->waiting.n--;
		return;
	}
}

static void waiting(struct department_state *state, const struct queue_waiting *event, struct cl_arena *arena) {
	CL_ASSERT(state->waiting.n < ROUTING_WAITING_MAX);
	uint32_t at = 0, n = state->waiting.n;
	while (at < n && !routing_entry_before(&event->entry, &state->waiting.v[at]))
		at++;
	struct queue_entry *v = cl_arena_array(arena, struct queue_entry, n + 1);
	if (n) {
		memcpy(v, state->waiting.v, at * sizeof(*v));
		memcpy(v + at + 1, state->waiting.v + at, (n - at) * sizeof(*v));
	}
	cl_copy(&cl_schema_queue_entry, &event->entry, arena, &v[at]);
	state->waiting.v = v;
	state->waiting.n = n + 1;
}

static void assigned(struct department_state *state, const struct queue_assigned *event, int64_t recorded_ms) {
	struct queue_member *member = routing_member(state, event->person);
	CL_ASSERT(member);
	member->load++;
	member->given_at = recorded_ms;
	stop_waiting(state, event->slip_id, event->ask);
}

static void drop_if_gone(struct department_state *state, struct queue_member *member) {
	if (!member->gone || member->load)
		return;
	uint32_t at = (uint32_t)(member - state->members.v);
	memmove(member, member + 1, (state->members.n - at - 1) * sizeof(*member));
	state->members.n--;
}

static void left(struct department_state *state, const struct queue_left *event) {
	if (!event->person.n) {
		stop_waiting(state, event->slip_id, event->ask);
		return;
	}
	struct queue_member *member = routing_member(state, event->person);
	CL_ASSERT(member && member->load);
	member->load--;
	drop_if_gone(state, member);
}

static void member_changed(struct department_state *state, const struct member_changed *event, struct cl_arena *arena) {
	struct queue_member *member = routing_member(state, event->staff_id);
	if (!member) {
		uint32_t n = state->members.n;
		struct queue_member *v = cl_arena_array(arena, struct queue_member, n + 1);
		if (n)
			memcpy(v, state->members.v, n * sizeof(*v));
		state->members.v = v;
		state->members.n = n + 1;
		member = &v[n];
		member->staff_id = cl_arena_str(arena, event->staff_id);
	}
	struct queue_member changed = {.staff_id = member->staff_id,
	                               .skills = event->skills,
	                               .capacity = event->capacity,
	                               .load = member->load,
	                               .absent = event->absent,
	                               .gone = event->gone,
	                               .given_at = member->given_at,
	                               .person_version = event->person_version};
	cl_copy(&cl_schema_queue_member, &changed, arena, member);
	drop_if_gone(state, member);
}

static void defined(struct department_state *state, const struct department_defined *event, struct cl_arena *arena) {
	named(state, event->code, arena);
	state->name = cl_arena_str(arena, event->name);
	state->supervisor = cl_arena_str(arena, event->supervisor);
}

void routing_department_evolve(struct department_state *state, const struct cl_event *event, struct cl_arena *arena) {
	switch (event->type) {
	case CL_T_department_defined:
		defined(state, event->body, arena);
		return;
	case CL_T_queue_assigned:
		named(state, ((const struct queue_assigned *)event->body)->department, arena);
		assigned(state, event->body, event->recorded_ms);
		return;
	case CL_T_queue_waiting:
		named(state, ((const struct queue_waiting *)event->body)->department, arena);
		waiting(state, event->body, arena);
		return;
	case CL_T_queue_deferred: {
		const struct queue_deferred *deferred = event->body;
		stop_waiting(state, deferred->slip_id, deferred->ask);
		state->deferred++;
		return;
	}
	case CL_T_queue_left:
		left(state, event->body);
		return;
	case CL_T_queue_refused:
		named(state, ((const struct queue_refused *)event->body)->department, arena);
		return;
	case CL_T_member_changed:
		named(state, ((const struct member_changed *)event->body)->department, arena);
		member_changed(state, event->body, arena);
		return;
	case CL_T_member_refused:
		state->refused_members++;
		return;
	case CL_T_escalation_answered:
		return; /* an answer, nothing of it is held */
	}
	CL_UNREACHABLE();
}
