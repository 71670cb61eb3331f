/* A person who works: what is known of them. Their department learns of each change by the event. */
#ifndef ROUTING_PERSON_H
#define ROUTING_PERSON_H

#include "actor/domain.h"

void routing_person_decide(const struct cl_ctx *ctx, const struct person_state *state, const struct cl_message *message,
                           struct cl_decision *decision);
void routing_person_evolve(struct person_state *state, const struct cl_event *event, struct cl_arena *arena);

#endif
