/* What tests of orders say often: slips of category order, lines, goods that come in. */
#ifndef TESTS_SHOP_H
#define TESTS_SHOP_H

#include "../routing/world.h"
#include "order/order.h"

/* A slip routed by routing; its id is returned. */
struct cl_id shop_slip(struct world *world, uint32_t n, enum category category, bool imported);
struct cl_id shop_slip_id(uint32_t n);
uint32_t shop_receive(struct world *world, const char *sku, uint32_t quantity);

struct shop_line {
	const char *sku;
	uint32_t quantity;
	uint64_t price;
};
uint32_t shop_lines(struct world *world, struct cl_id id, const struct shop_line *lines, uint32_t n);
uint32_t shop_place(struct world *world, struct cl_id id);
uint32_t shop_pack(struct world *world, struct cl_id id);
uint32_t shop_ship(struct world *world, struct cl_id id);
uint32_t shop_deliver(struct world *world, struct cl_id id);
uint32_t shop_cancel(struct world *world, struct cl_id id);

const struct order_state *shop_order(struct world *world, struct cl_id id);
const struct stock_state *shop_stock(struct world *world, const char *sku);

#endif
