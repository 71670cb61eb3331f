#include "base/assert.h"
#include "intake/customer.h"

void intake_customer_opened(struct customer_state *state, const struct cl_event *event, struct cl_arena *arena) {
	const struct customer_opened *body = event->body;
	state->request = body->request;
	state->name = cl_arena_str(arena, body->name);
	state->phone = cl_arena_str(arena, body->phone);
	state->email = cl_arena_str(arena, body->email);
	state->channel = body->channel;
	state->since = event->occurred_ms;
	if (!cl_id_zero(body->claim.identity))
		intake_customer_asked(state);
}

void intake_customer_asked(struct customer_state *state) {
	state->waiting++;
}

static void answered(struct customer_state *state) {
	CL_ASSERT(state->waiting > 0);
	state->waiting--;
}

void intake_customer_identified(struct customer_state *state, const struct cl_event *event, struct cl_arena *arena) {
	const struct customer_identified *body = event->body;
	answered(state);
	for (uint32_t i = 0; i < state->identities.n; i++) {
		if (cl_id_eq(state->identities.v[i].identity, body->identity))
			return; /* asked for twice before the first answer came */
	}
	CL_ASSERT(state->identities.n < INTAKE_IDENTITIES_MAX);
	struct customer_identity *list = cl_arena_array(arena, struct customer_identity, state->identities.n + 1);
	if (state->identities.n)
		memcpy(list, state->identities.v, state->identities.n * sizeof(*list));
	list[state->identities.n++] = (struct customer_identity){
	        .identity = body->identity, .kind = body->kind, .value = cl_arena_str(arena, body->value)};
	state->identities.v = list;
}

void intake_customer_linked(struct customer_state *state, const struct cl_event *event) {
	const struct customer_linked *body = event->body;
	answered(state);
	state->into = body->into;
	state->merged = false;
}

void intake_customer_contested(struct customer_state *state) {
	answered(state);
}

void intake_customer_conflict_flagged(struct customer_state *state, const struct cl_event *event,
                                      struct cl_arena *arena) {
	const struct customer_conflict_flagged *body = event->body;
	if (state->conflicts.n == INTAKE_CONFLICTS_MAX) {
		state->conflicts_more = true;
		return;
	}
	struct customer_conflict *list = cl_arena_array(arena, struct customer_conflict, state->conflicts.n + 1);
	if (state->conflicts.n)
		memcpy(list, state->conflicts.v, state->conflicts.n * sizeof(*list));
	list[state->conflicts.n++] = (struct customer_conflict){.other = body->other,
	                                                        .identity = body->identity,
	                                                        .kind = body->kind,
	                                                        .request = body->request,
	                                                        .since = event->occurred_ms};
	state->conflicts.v = list;
}

void intake_customer_identities_full(struct customer_state *state) {
	state->identities_full = true;
}

/* The two are one now: nothing is left to decide between them. */
static void settle_conflicts(struct customer_state *state, struct cl_id other) {
	uint32_t n = 0;
	for (uint32_t i = 0; i < state->conflicts.n; i++) {
		if (!cl_id_eq(state->conflicts.v[i].other, other))
			state->conflicts.v[n++] = state->conflicts.v[i];
	}
	state->conflicts.n = n;
}

/* Keeps the latest parts, counts all. */
void intake_customer_joined(struct customer_state *state, struct cl_id part, struct cl_arena *arena) {
	state->part_count++;
	if (state->parts.n == INTAKE_PARTS_MAX) {
		memmove(state->parts.v, state->parts.v + 1, (INTAKE_PARTS_MAX - 1) * sizeof(*state->parts.v));
		state->parts.v[INTAKE_PARTS_MAX - 1] = part;
		return;
	}
	struct cl_id *list = cl_arena_array(arena, struct cl_id, state->parts.n + 1);
	if (state->parts.n)
		memcpy(list, state->parts.v, state->parts.n * sizeof(*list));
	list[state->parts.n++] = part;
	state->parts.v = list;
}

/* One entry only: who left may have come back by another way before this was heard of. */
void intake_customer_left(struct customer_state *state, const struct cl_event *event) {
	const struct customer_left *body = event->body;
	CL_ASSERT(state->part_count > 0);
	state->part_count--;
	for (uint32_t i = 0; i < state->parts.n; i++) {
		if (!cl_id_eq(state->parts.v[i], body->customer))
			continue;
		state->parts.n--;
		memmove(&state->parts.v[i], &state->parts.v[i + 1], (state->parts.n - i) * sizeof(*state->parts.v));
		return;
	}
}

/* Of the customer to be merged; others only pass the question on. */
void intake_customer_merge_asked(struct customer_state *state, const struct cl_event *event, struct cl_arena *arena) {
	const struct customer_merge_asked *body = event->body;
	if (!cl_id_eq(event->aggregate, body->customer))
		return;
	state->merging = body->into;
	state->merge_reason = cl_arena_str(arena, body->reason);
	state->merge_by = cl_arena_str(arena, event->who);
	state->merge_code = CL_R_NONE;
}

void intake_customer_merge_accepted(struct customer_state *state, const struct cl_event *event,
                                    struct cl_arena *arena) {
	const struct customer_merge_accepted *body = event->body;
	intake_customer_joined(state, body->customer, arena);
	settle_conflicts(state, body->customer);
}

void intake_customer_merged(struct customer_state *state, const struct cl_event *event, struct cl_arena *arena) {
	const struct customer_merged *body = event->body;
	state->into = body->into;
	state->merged = true;
	state->merging = (struct cl_id){0};
	state->merge_reason = cl_arena_str(arena, body->reason);
	state->merge_by = cl_arena_str(arena, body->by);
	settle_conflicts(state, body->into);
}

void intake_customer_merge_failed(struct customer_state *state, const struct cl_event *event) {
	const struct customer_merge_failed *body = event->body;
	state->merging = (struct cl_id){0};
	state->merge_reason = (struct cl_str){0};
	state->merge_by = (struct cl_str){0};
	state->merge_code = body->code;
}

/* Its identities were never taken from it: they name it alone again. */
void intake_customer_unmerged(struct customer_state *state) {
	state->into = (struct cl_id){0};
	state->merged = false;
	state->merge_reason = (struct cl_str){0};
	state->merge_by = (struct cl_str){0};
}
