#include "order.h"
#include "sale.h"

static struct order_changed *change(const struct cl_ctx *ctx, const struct order_state *state, struct cl_id id,
                                    enum order_status status, struct cl_str note, struct cl_decision *decision) {
	struct order_changed *event = CL_EMIT(decision, ctx, order_changed);
	event->number = state->number;
	event->slip_id = id;
	event->status = status;
	event->note = note;
	event->total_vnd = state->total_vnd;
	return event;
}

static void open_order(const struct cl_ctx *ctx, const struct slip_created *slip, struct cl_decision *decision) {
	struct order_opened *event = CL_EMIT(decision, ctx, order_opened);
	event->number = slip->number;
	event->slip_id = slip->slip_id;
	event->customer_id = slip->customer_id;
	event->product = slip->product;
	event->quantity = slip->quantity;
	event->imported = slip->imported;
	struct order_state opened = {.number = slip->number};
	(void)change(ctx, &opened, slip->slip_id, ORDER_DRAFT, (struct cl_str){NULL, 0}, decision);
}

static bool total_of(const struct order_set_lines *command, uint64_t *ret_total) {
	uint64_t total = 0;
	for (uint32_t i = 0; i < command->lines.n; i++) {
		uint64_t line;
		if (__builtin_mul_overflow((uint64_t)command->lines.v[i].quantity, command->lines.v[i].unit_price_vnd,
		                           &line) ||
		    __builtin_add_overflow(total, line, &total))
			return false;
	}
	*ret_total = total;
	return true;
}

static void set_lines(const struct cl_ctx *ctx, const struct order_state *state, struct cl_id id,
                      const struct order_set_lines *command, struct cl_decision *decision) {
	uint64_t total;
	if (state->status != ORDER_DRAFT && state->status != ORDER_SHORT) {
		cl_refuse(decision, CL_R_ORDER_NOT_DRAFT, NULL);
		return;
	}
	for (uint32_t i = 0; i < command->lines.n; i++) {
		if (!order_sku_valid(command->lines.v[i].sku)) {
			cl_refuse(decision, CL_R_FIELD, "lines.sku");
			return;
		}
		for (uint32_t j = 0; j < i; j++)
			if (cl_str_eq(command->lines.v[i].sku, command->lines.v[j].sku)) {
				cl_refuse(decision, CL_R_ORDER_SAME_SKU, "lines.sku");
				return;
			}
	}
	if (!command->lines.n) {
		cl_refuse(decision, CL_R_ORDER_EMPTY, "lines");
		return;
	}
	if (!total_of(command, &total)) {
		cl_refuse(decision, CL_R_ORDER_TOTAL, "lines.unit_price_vnd");
		return;
	}
	struct order_lines_set *event = CL_EMIT(decision, ctx, order_lines_set);
	event->number = state->number;
	event->lines.v = command->lines.v;
	event->lines.n = command->lines.n;
	event->address = command->address;
	event->total_vnd = total;
	if (state->status == ORDER_SHORT) /* what was short is no longer what is wanted */
		change(ctx, state, id, ORDER_DRAFT, (struct cl_str){NULL, 0}, decision)->total_vnd = total;
}

static void ask(const struct cl_ctx *ctx, struct cl_id id, uint32_t attempt, const struct order_line *line,
                struct cl_decision *decision) {
	struct order_reserve_asked *event = CL_EMIT(decision, ctx, order_reserve_asked);
	event->slip_id = id;
	event->attempt = attempt;
	event->sku = line->sku;
	event->quantity = line->quantity;
}

static void drop(const struct cl_ctx *ctx, struct cl_id id, uint32_t attempt, struct cl_str sku, uint32_t quantity,
                 struct cl_decision *decision) {
	struct order_reserve_dropped *event = CL_EMIT(decision, ctx, order_reserve_dropped);
	event->slip_id = id;
	event->attempt = attempt;
	event->sku = sku;
	event->quantity = quantity;
}

static void drop_reserved(const struct cl_ctx *ctx, const struct order_state *state, struct cl_id id,
                          struct cl_decision *decision) {
	for (uint32_t i = 0; i < state->lines.n; i++) {
		const struct order_line *line = &state->lines.v[i];
		if (cl_str_cmp(line->sku, state->reserved_upto) <= 0)
			drop(ctx, id, state->attempt, line->sku, line->quantity, decision);
	}
}

static void place(const struct cl_ctx *ctx, const struct order_state *state, struct cl_id id,
                  const struct order_place *command, struct cl_decision *decision) {
	if (state->status != ORDER_DRAFT && state->status != ORDER_SHORT) {
		cl_refuse(decision, CL_R_ORDER_STATE, NULL);
		return;
	}
	const struct order_line *first = order_next_line(state, (struct cl_str){NULL, 0});
	if (!first) {
		cl_refuse(decision, CL_R_ORDER_EMPTY, NULL);
		return;
	}
	(void)change(ctx, state, id, ORDER_CHECKING, command->note, decision);
	ask(ctx, id, state->attempt + 1, first, decision);
}

static void cancel(const struct cl_ctx *ctx, const struct order_state *state, struct cl_id id,
                   const struct order_cancel *command, struct cl_decision *decision) {
	if (state->status == ORDER_SHIPPED || state->status == ORDER_DELIVERED || state->status == ORDER_CANCELLED) {
		cl_refuse(decision, CL_R_ORDER_STATE, NULL);
		return;
	}
	drop_reserved(ctx, state, id, decision);
	(void)change(ctx, state, id, ORDER_CANCELLED, command->reason, decision);
}

static void ship(const struct cl_ctx *ctx, const struct order_state *state, struct cl_id id,
                 const struct order_ship *command, struct cl_decision *decision) {
	if (state->status != ORDER_PACKED) {
		cl_refuse(decision, CL_R_ORDER_STATE, NULL);
		return;
	}
	struct order_changed *changed = change(ctx, state, id, ORDER_SHIPPED, (struct cl_str){NULL, 0}, decision);
	changed->carrier = command->carrier;
	changed->tracking = command->tracking;
	for (uint32_t i = 0; i < state->lines.n; i++) {
		struct order_goods_sent *event = CL_EMIT(decision, ctx, order_goods_sent);
		event->slip_id = id;
		event->attempt = state->attempt;
		event->sku = state->lines.v[i].sku;
		event->quantity = state->lines.v[i].quantity;
	}
}

static void step(const struct cl_ctx *ctx, const struct order_state *state, struct cl_id id, enum order_status from,
                 enum order_status to, struct cl_str note, struct cl_decision *decision) {
	if (state->status == from)
		(void)change(ctx, state, id, to, note, decision);
	else
		cl_refuse(decision, CL_R_ORDER_STATE, NULL);
}

static void on_command(const struct cl_ctx *ctx, const struct order_state *state, const struct cl_message *message,
                       struct cl_decision *decision) {
	struct cl_id id = message->target;
	switch (message->type) {
	case CL_T_order_set_lines:
		set_lines(ctx, state, id, message->body, decision);
		return;
	case CL_T_order_place:
		place(ctx, state, id, message->body, decision);
		return;
	case CL_T_order_pack:
		step(ctx, state, id, ORDER_CONFIRMED, ORDER_PACKED, ((const struct order_pack *)message->body)->note,
		     decision);
		return;
	case CL_T_order_ship:
		ship(ctx, state, id, message->body, decision);
		return;
	case CL_T_order_deliver:
		step(ctx, state, id, ORDER_SHIPPED, ORDER_DELIVERED,
		     ((const struct order_deliver *)message->body)->note, decision);
		return;
	case CL_T_order_cancel:
		cancel(ctx, state, id, message->body, decision);
		return;
	}
	cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
}

static void on_reserved(const struct cl_ctx *ctx, const struct order_state *state, const struct stock_reserved *answer,
                        struct cl_decision *decision) {
	if (state->status != ORDER_CHECKING || answer->attempt != state->attempt) { /* cancelled meanwhile */
		drop(ctx, answer->slip_id, answer->attempt, answer->sku, answer->quantity, decision);
		return;
	}
	struct order_line_reserved *event = CL_EMIT(decision, ctx, order_line_reserved);
	event->attempt = answer->attempt;
	event->sku = answer->sku;
	const struct order_line *next = order_next_line(state, answer->sku);
	if (next)
		ask(ctx, answer->slip_id, state->attempt, next, decision);
	else
		(void)change(ctx, state, answer->slip_id, ORDER_CONFIRMED, (struct cl_str){NULL, 0}, decision);
}

static void on_short(const struct cl_ctx *ctx, const struct order_state *state, const struct stock_short *answer,
                     struct cl_decision *decision) {
	if (state->status != ORDER_CHECKING || answer->attempt != state->attempt)
		return;
	drop_reserved(ctx, state, answer->slip_id, decision);
	change(ctx, state, answer->slip_id, ORDER_SHORT, (struct cl_str){NULL, 0}, decision)->short_sku = answer->sku;
}

void order_sale_decide(const struct cl_ctx *ctx, const struct order_state *state, uint32_t version,
                       const struct cl_message *message, struct cl_decision *decision) {
	if (message->role == CL_MSG_COMMAND) {
		if (version)
			on_command(ctx, state, message, decision);
		else
			cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
	} else if (message->type == CL_T_item_routed && !version) {
		open_order(ctx, &((const struct item_routed *)message->body)->slip, decision);
	} else if (message->type == CL_T_stock_reserved && version) {
		on_reserved(ctx, state, message->body, decision);
	} else if (message->type == CL_T_stock_short && version) {
		on_short(ctx, state, message->body, decision);
	}
}
