/* A domain as small as one can be, to run the service's main on: a stock that only grows. Thirteen is refused. */
#include "actor/domain.h"
#include "base/assert.h"
#include "counter.h"

static void decide(const struct cl_ctx *ctx, const void *state, uint32_t version, const struct cl_message *message,
                   struct cl_decision *decision) {
	(void)state, (void)version;
	if (message->role != CL_MSG_COMMAND)
		return;
	const struct stock_receive *command = message->body;
	if (message->type != CL_T_stock_receive) {
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
	} else if (command->quantity == 13) {
		cl_refuse(decision, CL_R_LIMIT, "quantity");
	} else {
		struct stock_received *event = CL_EMIT(decision, ctx, stock_received);
		event->sku = command->sku;
		event->quantity = command->quantity;
	}
}

static void evolve(uint8_t kind, void *state, const struct cl_event *event, struct cl_arena *arena) {
	CL_ASSERT(kind == CL_KIND_STOCK && event->type == CL_T_stock_received);
	struct stock_state *stock = state;
	const struct stock_received *received = event->body;
	if (!stock->sku.n)
		stock->sku = cl_arena_str(arena, received->sku);
	stock->on_hand += received->quantity;
	stock->received += received->quantity;
}

static uint32_t targets(const struct cl_event *event, struct cl_target *ret_targets) {
	(void)event, (void)ret_targets;
	return 0;
}

static int64_t due(uint8_t kind, const void *state) {
	(void)kind, (void)state;
	return 0;
}

static const struct cl_domain_kind kinds[] = {{CL_KIND_ORDER_REGISTRY, &cl_schema_order_registry_state},
                                              {CL_KIND_STOCK, &cl_schema_stock_state}};

const struct cl_domain counter_domain = {
        .service = CL_ORDER,
        .kinds = kinds,
        .kind_n = 2,
        .registry_kind = CL_KIND_ORDER_REGISTRY,
        .decide = decide,
        .evolve = evolve,
        .targets = targets,
        .due = due,
};
