/* A department: its people with what each has in hand, and the list of what waits for one of them. It alone decides who
 * gets what, so nobody is given more than the capacity or anything while absent.
 *
 * Between two messages this holds: nothing waits that a free person could take. Hence a change of one person only
 * needs a look at what waits for that person. */
#ifndef ROUTING_DEPARTMENT_H
#define ROUTING_DEPARTMENT_H

#include "actor/domain.h"

void routing_department_decide(const struct cl_ctx *ctx, const struct department_state *state,
                               const struct cl_message *message, struct cl_decision *decision);
void routing_department_evolve(struct department_state *state, const struct cl_event *event, struct cl_arena *arena);

/* NULL if the person is not in the list (those who left but still have work are). */
struct queue_member *routing_member(const struct department_state *state, struct cl_str staff_id);
/* Is a to be given out before b: more urgent, else older, else by number. */
bool routing_entry_before(const struct queue_entry *a, const struct queue_entry *b);

#endif
