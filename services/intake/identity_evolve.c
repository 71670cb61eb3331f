#include "intake/identity.h"

void intake_identity_claimed(struct identity_state *state, const struct cl_event *event, struct cl_arena *arena) {
	const struct identity_claim *claim = &((const struct identity_claimed *)event->body)->claim;
	state->holder = claim->customer;
	state->kind = claim->kind;
	state->value = cl_arena_str(arena, claim->value);
	state->request = claim->request;
	state->since = event->occurred_ms;
}
