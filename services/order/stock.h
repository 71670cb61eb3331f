/* The stock of one SKU (kind STOCK): pieces in the warehouse and how many of them are set aside. Always reserved <=
 * on_hand and received = on_hand + sent. Which order has what is the orders' knowledge. */
#ifndef ORDER_STOCK_H
#define ORDER_STOCK_H

#include "actor/domain.h"

void order_stock_decide(const struct cl_ctx *ctx, const struct stock_state *state, const struct cl_message *message,
                        struct cl_decision *decision);
void order_stock_evolve(struct stock_state *state, const struct cl_event *event, struct cl_arena *arena);

#endif
