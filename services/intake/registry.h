/* The registry: the rules and the priority table that a partition decides by. Replaced as a whole. */
#ifndef INTAKE_REGISTRY_H
#define INTAKE_REGISTRY_H

#include "actor/domain.h"

void intake_registry_decide(const struct cl_ctx *ctx, const struct cl_message *message, struct cl_decision *decision);
void intake_registry_configured(struct intake_registry_state *state, const struct cl_event *event,
                                struct cl_arena *arena);

#endif
