/* A request: what a customer said, how it was classified, and its slip. One actor for each contact registered. */
#ifndef INTAKE_REQUEST_H
#define INTAKE_REQUEST_H

#include "actor/domain.h"

void intake_request_decide(const struct cl_ctx *ctx, const struct request_state *state,
                           const struct cl_message *message, struct cl_decision *decision);

void intake_request_registered(struct request_state *state, const struct cl_event *event, struct cl_arena *arena);
void intake_request_classified(struct request_state *state, const struct cl_event *event, struct cl_arena *arena);
void intake_request_prioritised(struct request_state *state, const struct cl_event *event);
void intake_request_slip_created(struct request_state *state, const struct cl_event *event, struct cl_arena *arena);

#endif
