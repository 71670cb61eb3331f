/* A customer: opened by one contact, named by identities, part of another customer where both are one person. How
 * claims and merges travel is told in README.md; every step is an event, and no step is remembered elsewhere. */
#ifndef INTAKE_CUSTOMER_H
#define INTAKE_CUSTOMER_H

#include "actor/domain.h"

/* Bounds of the lists in a customer's state, as in the schema; what goes beyond is flagged, and stands in the log. */
#define INTAKE_IDENTITIES_MAX 64
#define INTAKE_PARTS_MAX 50
#define INTAKE_CONFLICTS_MAX 16

void intake_customer_decide(const struct cl_ctx *ctx, const struct customer_state *state,
                            const struct cl_message *message, struct cl_decision *decision);

/* Claims: customer_claims.c. Each decides one message that concerns customer self. */
void intake_customer_open(const struct cl_ctx *ctx, struct cl_id self, const struct contact_registered *contact,
                          struct cl_decision *decision);
void intake_customer_pursue(const struct cl_ctx *ctx, const struct customer_state *state, struct cl_id self,
                            struct identity_claim claim, struct cl_decision *decision);
void intake_customer_claim_answered(const struct cl_ctx *ctx, const struct customer_state *state, struct cl_id self,
                                    const struct identity_claim *claim, struct cl_id holder,
                                    struct cl_decision *decision);
void intake_customer_contest(const struct cl_ctx *ctx, const struct customer_state *state, struct cl_id self,
                             const struct identity_claim *claim, struct cl_id other, struct cl_decision *decision);

void intake_customer_opened(struct customer_state *state, const struct cl_event *event, struct cl_arena *arena);
void intake_customer_identified(struct customer_state *state, const struct cl_event *event, struct cl_arena *arena);
void intake_customer_asked(struct customer_state *state);
void intake_customer_linked(struct customer_state *state, const struct cl_event *event);
void intake_customer_contested(struct customer_state *state);
void intake_customer_conflict_flagged(struct customer_state *state, const struct cl_event *event,
                                      struct cl_arena *arena);
void intake_customer_identities_full(struct customer_state *state);
void intake_customer_joined(struct customer_state *state, struct cl_id part, struct cl_arena *arena);
void intake_customer_left(struct customer_state *state, const struct cl_event *event);
void intake_customer_merge_asked(struct customer_state *state, const struct cl_event *event, struct cl_arena *arena);
void intake_customer_merge_accepted(struct customer_state *state, const struct cl_event *event, struct cl_arena *arena);
void intake_customer_merged(struct customer_state *state, const struct cl_event *event, struct cl_arena *arena);
void intake_customer_merge_failed(struct customer_state *state, const struct cl_event *event);
void intake_customer_unmerged(struct customer_state *state);

#endif
