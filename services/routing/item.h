/* A work item: one slip in the hands of a department. It alone knows who has it; the department's queue knows how much
 * each of its people has. Every request to a queue has a number (ask): an answer to an older request is handed back, so
 * the two agree whatever the order in which their events cross. */
#ifndef ROUTING_ITEM_H
#define ROUTING_ITEM_H

#include "actor/domain.h"

void routing_item_decide(const struct cl_ctx *ctx, const struct work_item_state *state, uint32_t version,
                         const struct cl_message *message, struct cl_decision *decision);
void routing_item_evolve(struct work_item_state *state, const struct cl_event *event, struct cl_arena *arena);
int64_t routing_item_due(const struct work_item_state *state);

/* Given to someone, or on the way there: due times run. */
bool routing_item_open(const struct work_item_state *state);

#endif
