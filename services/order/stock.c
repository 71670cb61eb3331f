#include "stock.h"

#include "base/assert.h"
#include "order.h"

static void receive(const struct cl_ctx *ctx, const struct stock_state *state, const struct cl_message *message,
                    struct cl_decision *decision) {
	const struct stock_receive *command = message->body;
	if (!order_sku_valid(command->sku) || !cl_id_eq(order_stock_id(command->sku), message->target)) {
		cl_refuse(decision, CL_R_FIELD, "sku");
		return;
	}
	if (state->received > ORDER_STOCK_MAX - command->quantity) {
		cl_refuse(decision, CL_R_LIMIT, "quantity");
		return;
	}
	struct stock_received *event = CL_EMIT(decision, ctx, stock_received);
	event->sku = command->sku;
	event->quantity = command->quantity;
	event->name = command->name;
}

static void reserve(const struct cl_ctx *ctx, const struct stock_state *state, const struct order_reserve_asked *asked,
                    struct cl_decision *decision) {
	uint64_t available = state->on_hand - state->reserved;
	if (asked->quantity <= available) {
		struct stock_reserved *event = CL_EMIT(decision, ctx, stock_reserved);
		event->slip_id = asked->slip_id;
		event->attempt = asked->attempt;
		event->sku = asked->sku;
		event->quantity = asked->quantity;
		return;
	}
	struct stock_short *event = CL_EMIT(decision, ctx, stock_short);
	event->slip_id = asked->slip_id;
	event->attempt = asked->attempt;
	event->sku = asked->sku;
	event->quantity = asked->quantity;
	event->available = available;
}

/* Fewer reserved than an order gives back can only be after a repair that lost records: then there is nothing to
 * change. */
static void give_back(const struct cl_ctx *ctx, const struct stock_state *state,
                      const struct order_reserve_dropped *dropped, struct cl_decision *decision) {
	if (state->reserved < dropped->quantity)
		return;
	struct stock_released *event = CL_EMIT(decision, ctx, stock_released);
	event->slip_id = dropped->slip_id;
	event->sku = dropped->sku;
	event->quantity = dropped->quantity;
}

static void send_out(const struct cl_ctx *ctx, const struct stock_state *state, const struct order_goods_sent *sent,
                     struct cl_decision *decision) {
	if (state->reserved < sent->quantity)
		return;
	struct stock_sent *event = CL_EMIT(decision, ctx, stock_sent);
	event->slip_id = sent->slip_id;
	event->sku = sent->sku;
	event->quantity = sent->quantity;
}

void order_stock_decide(const struct cl_ctx *ctx, const struct stock_state *state, const struct cl_message *message,
                        struct cl_decision *decision) {
	switch (message->type) {
	case CL_T_stock_receive:
		receive(ctx, state, message, decision);
		return;
	case CL_T_order_reserve_asked:
		reserve(ctx, state, message->body, decision);
		return;
	case CL_T_order_reserve_dropped:
		give_back(ctx, state, message->body, decision);
		return;
	case CL_T_order_goods_sent:
		send_out(ctx, state, message->body, decision);
		return;
	}
	if (message->role == CL_MSG_COMMAND)
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
}

static void named(struct stock_state *state, struct cl_str sku, struct cl_arena *arena) {
	if (!state->sku.n)
		state->sku = cl_arena_str(arena, sku);
}

static void received(struct stock_state *state, const struct stock_received *event, struct cl_arena *arena) {
	named(state, event->sku, arena);
	if (event->name.n && !cl_str_eq(event->name, state->name))
		state->name = cl_arena_str(arena, event->name);
	state->on_hand += event->quantity;
	state->received += event->quantity;
}

void order_stock_evolve(struct stock_state *state, const struct cl_event *event, struct cl_arena *arena) {
	switch (event->type) {
	case CL_T_stock_received:
		received(state, event->body, arena);
		return;
	case CL_T_stock_reserved:
		state->reserved += ((const struct stock_reserved *)event->body)->quantity;
		CL_ASSERT(state->reserved <= state->on_hand);
		return;
	case CL_T_stock_short:
		named(state, ((const struct stock_short *)event->body)->sku, arena);
		return;
	case CL_T_stock_released:
		state->reserved -= ((const struct stock_released *)event->body)->quantity;
		CL_ASSERT(state->reserved <= state->on_hand);
		return;
	case CL_T_stock_sent: {
		uint32_t quantity = ((const struct stock_sent *)event->body)->quantity;
		state->reserved -= quantity;
		state->on_hand -= quantity;
		state->sent += quantity;
		CL_ASSERT(state->reserved <= state->on_hand);
		return;
	}
	}
	CL_UNREACHABLE();
}
