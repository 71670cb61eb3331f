/* An identity: one phone number or one email address. It names one customer, the first who claimed it, for ever; all
 * others are told who that is. Its id is a keyed hash, so that ids, keys and log lines tell nobody's number. */
#ifndef INTAKE_IDENTITY_H
#define INTAKE_IDENTITY_H

#include "actor/domain.h"

struct cl_id intake_identity_id(const struct cl_ctx *ctx, enum identity_kind kind, struct cl_str value);

void intake_identity_decide(const struct cl_ctx *ctx, const struct identity_state *state,
                            const struct cl_message *message, struct cl_decision *decision);
void intake_identity_claimed(struct identity_state *state, const struct cl_event *event, struct cl_arena *arena);

#endif
