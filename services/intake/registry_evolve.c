#include "intake/registry.h"

void intake_registry_configured(struct intake_registry_state *state, const struct cl_event *event,
                                struct cl_arena *arena) {
	const struct intake_configured *body = event->body;
	struct intake_registry_state view = {.since = event->occurred_ms, .by = event->who};
	view.rules.v = body->rules.v;
	view.rules.n = body->rules.n;
	view.priorities.v = body->priorities.v;
	view.priorities.n = body->priorities.n;
	cl_copy(&cl_schema_intake_registry_state, &view, arena, state);
}
