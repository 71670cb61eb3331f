#include "order.h"

#include "base/assert.h"
#include "sale.h"
#include "stock.h"

struct cl_id order_stock_id(struct cl_str sku) {
	return cl_id_derive("sku", sku.p, sku.n);
}

bool order_sku_valid(struct cl_str sku) {
	return sku.n && cl_str_trim(sku).n == sku.n;
}

static void decide(const struct cl_ctx *ctx, const void *state, uint32_t version, const struct cl_message *message,
                   struct cl_decision *decision) {
	switch (message->kind) {
	case CL_KIND_ORDER_REGISTRY: /* nothing to configure */
		if (message->role == CL_MSG_COMMAND)
			cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
		return;
	case CL_KIND_ORDER:
		order_sale_decide(ctx, state, version, message, decision);
		return;
	case CL_KIND_STOCK:
		order_stock_decide(ctx, state, message, decision);
		return;
	}
	CL_UNREACHABLE();
}

static void evolve(uint8_t kind, void *state, const struct cl_event *event, struct cl_arena *arena) {
	switch (kind) {
	case CL_KIND_ORDER:
		order_sale_evolve(state, event, arena);
		return;
	case CL_KIND_STOCK:
		order_stock_evolve(state, event, arena);
		return;
	}
	CL_UNREACHABLE();
}

static uint32_t to_order(struct cl_target *target, struct cl_id slip_id) {
	*target = (struct cl_target){CL_KIND_ORDER, slip_id};
	return 1;
}

static uint32_t to_stock(struct cl_target *target, struct cl_str sku) {
	*target = (struct cl_target){CL_KIND_STOCK, order_stock_id(sku)};
	return 1;
}

static uint32_t targets(const struct cl_event *event, struct cl_target *targets) {
	switch (event->type) {
	case CL_T_item_routed: {
		const struct slip_created *slip = &((const struct item_routed *)event->body)->slip;
		return slip->category == CATEGORY_ORDER ? to_order(targets, slip->slip_id) : 0;
	}
	case CL_T_order_reserve_asked:
		return to_stock(targets, ((const struct order_reserve_asked *)event->body)->sku);
	case CL_T_order_reserve_dropped:
		return to_stock(targets, ((const struct order_reserve_dropped *)event->body)->sku);
	case CL_T_order_goods_sent:
		return to_stock(targets, ((const struct order_goods_sent *)event->body)->sku);
	case CL_T_stock_reserved:
		return to_order(targets, ((const struct stock_reserved *)event->body)->slip_id);
	case CL_T_stock_short:
		return to_order(targets, ((const struct stock_short *)event->body)->slip_id);
	}
	return 0;
}

static int64_t due(uint8_t kind, const void *state) {
	(void)kind;
	(void)state;
	return 0; /* every step waits for an answer that comes for certain, none for the clock */
}

static bool at_rest(uint8_t kind, const void *state) {
	if (kind != CL_KIND_ORDER)
		return false;
	const struct order_state *order = state;
	return order->status == ORDER_DELIVERED || order->status == ORDER_CANCELLED || order->imported;
}

static struct cl_str number_of(uint8_t kind, const void *state) {
	return kind == CL_KIND_ORDER ? ((const struct order_state *)state)->number : (struct cl_str){NULL, 0};
}

static const struct cl_domain_kind kinds[] = {
        {CL_KIND_ORDER_REGISTRY, &cl_schema_order_registry_state},
        {CL_KIND_ORDER, &cl_schema_order_state},
        {CL_KIND_STOCK, &cl_schema_stock_state},
};
static const uint16_t routing_types[] = {CL_T_item_routed};
static const struct cl_source sources[] = {{CL_ROUTING, routing_types, 1}};
static const uint16_t own_types[] = {CL_T_order_reserve_asked, CL_T_order_reserve_dropped, CL_T_order_goods_sent,
                                     CL_T_stock_reserved, CL_T_stock_short};

const struct cl_domain order_domain = {.service = CL_ORDER,
                                       .kinds = kinds,
                                       .kind_n = sizeof(kinds) / sizeof(*kinds),
                                       .registry_kind = CL_KIND_ORDER_REGISTRY,
                                       .sources = sources,
                                       .source_n = sizeof(sources) / sizeof(*sources),
                                       .own_types = own_types,
                                       .own_type_n = sizeof(own_types) / sizeof(*own_types),
                                       .decide = decide,
                                       .evolve = evolve,
                                       .targets = targets,
                                       .due = due,
                                       .at_rest = at_rest,
                                       .number_of = number_of};
