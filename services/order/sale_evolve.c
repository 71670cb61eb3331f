#include "base/assert.h"
#include "order.h"
#include "sale.h"

const struct order_line *order_next_line(const struct order_state *state, struct cl_str after) {
	const struct order_line *next = NULL;
	for (uint32_t i = 0; i < state->lines.n; i++) {
		const struct order_line *line = &state->lines.v[i];
		if (cl_str_cmp(line->sku, after) > 0 && (!next || cl_str_cmp(line->sku, next->sku) < 0))
			next = line;
	}
	return next;
}

static void opened(struct order_state *state, const struct order_opened *event, struct cl_arena *arena) {
	state->number = cl_arena_str(arena, event->number);
	state->status = ORDER_DRAFT;
	state->customer_id = event->customer_id;
	state->product = cl_arena_str(arena, event->product);
	state->quantity = event->quantity;
	state->imported = event->imported;
}

static void lines_set(struct order_state *state, const struct order_lines_set *event, struct cl_arena *arena) {
	struct order_line *lines = cl_arena_array(arena, struct order_line, event->lines.n);
	for (uint32_t i = 0; i < event->lines.n; i++)
		cl_copy(&cl_schema_order_line, &event->lines.v[i], arena, &lines[i]);
	state->lines.v = lines;
	state->lines.n = event->lines.n;
	state->address = cl_arena_str(arena, event->address);
	state->total_vnd = event->total_vnd;
}

static void changed(struct order_state *state, const struct order_changed *event, struct cl_arena *arena) {
	bool holds = event->status == ORDER_CONFIRMED || event->status == ORDER_PACKED;
	if (!holds) /* nothing yet, given back, or sent: this says which lines lie reserved */
		state->reserved_upto = (struct cl_str){NULL, 0};
	state->status = event->status;
	state->short_sku = event->short_sku.n ? cl_arena_str(arena, event->short_sku) : (struct cl_str){NULL, 0};
	if (event->status == ORDER_SHIPPED) {
		state->carrier = cl_arena_str(arena, event->carrier);
		state->tracking = cl_arena_str(arena, event->tracking);
	}
}

void order_sale_evolve(struct order_state *state, const struct cl_event *event, struct cl_arena *arena) {
	switch (event->type) {
	case CL_T_order_opened:
		opened(state, event->body, arena);
		return;
	case CL_T_order_lines_set:
		lines_set(state, event->body, arena);
		return;
	case CL_T_order_changed:
		changed(state, event->body, arena);
		return;
	case CL_T_order_reserve_asked:
		state->attempt = ((const struct order_reserve_asked *)event->body)->attempt;
		return;
	case CL_T_order_line_reserved:
		state->reserved_upto = cl_arena_str(arena, ((const struct order_line_reserved *)event->body)->sku);
		return;
	case CL_T_order_reserve_dropped:
	case CL_T_order_goods_sent:
		return; /* said to the stock; the change of state that goes with it says it here */
	}
	CL_UNREACHABLE();
}
