/* Several orders that want the same few things, in random interleavings over several partitions: no piece is lost, made
 * or promised twice. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shop.h"

#define SEEDS 600
#define STEPS 800
#define ORDERS 16
#define SKUS 5

static const char *const skus[SKUS] = {"MI-LX300", "GIAY-A4", "MUC-85A", "CAP-USB", "HOP-QUA"};

static uint64_t seed; /* printed when something fails */

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg("seed %" PRIu64 ": %s", seed, #condition);                                            \
	} while (0)

static void random_lines(struct world *w, struct cl_id id) {
	struct shop_line lines[SKUS];
	uint32_t n = 0, from = (uint32_t)world_random(w, SKUS), count = 1 + (uint32_t)world_random(w, SKUS);
	for (; n < count; n++)
		lines[n] = (struct shop_line){skus[(from + n) % SKUS], 1 + (uint32_t)world_random(w, 4),
		                              1000 * world_random(w, 500)};
	(void)shop_lines(w, id, lines, n);
}

static void act(struct world *w, uint32_t *orders) {
	struct cl_id id = shop_slip_id(*orders ? (uint32_t)world_random(w, *orders) : 0);
	switch (world_random(w, 20)) {
	case 0:
	case 1:
		if (*orders < ORDERS)
			(void)shop_slip(w, (*orders)++, CATEGORY_ORDER, world_random(w, 5) == 0);
		break;
	case 2:
		if (world_random(w, 2))
			(void)shop_receive(w, skus[world_random(w, SKUS)], 1 + (uint32_t)world_random(w, 6));
		break;
	case 3:
	case 4:
		random_lines(w, id);
		break;
	case 5:
	case 6:
	case 7:
		(void)shop_place(w, id);
		break;
	case 8:
		(void)(world_random(w, 3) ? shop_pack(w, id) : shop_ship(w, id));
		break;
	case 9: /* nothing left of something: what was reserved before it has to be given back */
		(void)shop_place(w, shop_slip_id((uint32_t)world_random(w, ORDERS)));
		break;
	case 10:
		(void)shop_deliver(w, id);
		break;
	case 11:
		if (world_random(w, 4) == 0) /* seldom: it is the end of an order */
			(void)shop_cancel(w, id);
		break;
	default:
		(void)world_step(w);
	}
}

static void check_stock(void *context, const struct world_actor *actor) {
	const struct stock_state *stock = actor->state;
	(void)context;
	HOLDS(stock->reserved <= stock->on_hand);
	HOLDS(stock->received == stock->on_hand + stock->sent);
}

static uint32_t wanted(const struct order_state *order, const char *sku) {
	for (uint32_t i = 0; i < order->lines.n; i++)
		if (cl_str_eqc(order->lines.v[i].sku, sku))
			return order->lines.v[i].quantity;
	return 0;
}

/* When nothing is under way, the stocks say what the orders say. */
static void check_settled(struct world *w, uint32_t orders) {
	for (uint32_t s = 0; s < SKUS; s++) {
		uint64_t reserved = 0, sent = 0;
		for (uint32_t n = 0; n < orders; n++) {
			const struct order_state *order = shop_order(w, shop_slip_id(n));
			HOLDS(order && order->status != ORDER_CHECKING);
			if (order->status == ORDER_CONFIRMED || order->status == ORDER_PACKED)
				reserved += wanted(order, skus[s]);
			if (order->status == ORDER_SHIPPED || order->status == ORDER_DELIVERED)
				sent += wanted(order, skus[s]);
		}
		const struct stock_state *stock = shop_stock(w, skus[s]);
		HOLDS((stock ? stock->reserved : 0) == reserved);
		HOLDS((stock ? stock->sent : 0) == sent);
	}
}

/* With goods enough, whatever is still a draft or was short can be placed. */
static void check_relief(struct world *w, uint32_t orders) {
	for (uint32_t s = 0; s < SKUS; s++)
		(void)shop_receive(w, skus[s], 1000);
	for (uint32_t n = 0; n < orders; n++) {
		struct cl_id id = shop_slip_id(n);
		if (shop_place(w, id))
			continue;
		world_settle(w);
		HOLDS(shop_order(w, id)->status == ORDER_CONFIRMED);
	}
}

static void run_seed(uint64_t number) {
	struct world world, *w = &world;
	uint32_t orders = 0;
	seed = number;
	world_open(w, &order_domain, 1 + (uint32_t)(number % WORLD_PARTITIONS_MAX), number);
	for (uint32_t s = 0; s < SKUS; s++)
		(void)shop_receive(w, skus[s], 8);
	for (uint32_t i = 0; i < STEPS; i++) {
		act(w, &orders);
		world_each(w, CL_KIND_STOCK, check_stock, NULL);
	}
	world_settle(w);
	world_each(w, CL_KIND_STOCK, check_stock, NULL);
	check_settled(w, orders);
	check_relief(w, orders);
	check_settled(w, orders);
	world_check_replay(w);
	world_close(w);
}

static void no_piece_is_lost_made_or_promised_twice(void **state) {
	(void)state;
	const char *only = getenv("SEED");
	if (only) {
		run_seed(strtoull(only, NULL, 10));
		return;
	}
	for (uint64_t i = 1; i <= SEEDS; i++)
		run_seed(i);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(no_piece_is_lost_made_or_promised_twice)};
	return cmocka_run_group_tests_name("order_property", tests, NULL, NULL);
}
