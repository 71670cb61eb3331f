/* The configuration of one partition of routing: rules and due times, and what holds without any. */
#ifndef ROUTING_REGISTRY_H
#define ROUTING_REGISTRY_H

#include "actor/domain.h"

void routing_registry_decide(const struct cl_ctx *ctx, const struct cl_message *message, struct cl_decision *decision);
void routing_registry_evolve(struct routing_registry_state *state, const struct cl_event *event,
                             struct cl_arena *arena);

/* The first rule that matches decides. Strings borrow from the registry or lie in the arena. */
struct routing_choice {
	struct cl_str department, skill;
	struct cl_str rule; /* "rule:N", N from 1, or "default" */
};
struct routing_choice routing_choose(const struct routing_registry_state *registry, enum category category,
                                     struct cl_str product, struct cl_arena *arena);

/* Due times of work that begins at from_ms. */
struct routing_times {
	int64_t due_at, warn_at, acknowledge_by; /* the last two may be 0 = none */
};
struct routing_times routing_due_times(const struct routing_registry_state *registry, enum level priority,
                                       int64_t from_ms);

#endif
