/* An order (kind ORDER). It asks the stock line by line in rising byte order of the SKUs: every order asks in the same
 * order, so two orders that want the same things cannot keep each other from all of them. What it has reserved is
 * always a prefix of its lines in that order, hence one SKU (reserved_upto) says it all. */
#ifndef ORDER_SALE_H
#define ORDER_SALE_H

#include "actor/domain.h"

void order_sale_decide(const struct cl_ctx *ctx, const struct order_state *state, uint32_t version,
                       const struct cl_message *message, struct cl_decision *decision);
void order_sale_evolve(struct order_state *state, const struct cl_event *event, struct cl_arena *arena);

/* The line whose SKU comes next behind after (empty: the first); NULL at the end. */
const struct order_line *order_next_line(const struct order_state *state, struct cl_str after);

#endif
