#include "shop.h"

#include <stdio.h>

#include "actor/slip.h"

static struct cl_str number_of(uint32_t n, char out[20]) {
	int length = snprintf(out, 20, "PTN-2026-%06u", n % 1000000);
	return (struct cl_str){out, (uint32_t)length};
}

struct cl_id shop_slip_id(uint32_t n) {
	char number[20];
	return cl_slip_id(number_of(n, number));
}

struct cl_id shop_slip(struct world *world, uint32_t n, enum category category, bool imported) {
	char number[20];
	struct item_routed body = {.slip = {.number = number_of(n, number),
	                                    .slip_id = shop_slip_id(n),
	                                    .serial = n + 1,
	                                    .request_id = {{1}},
	                                    .customer_id = {{2}},
	                                    .title = CL_STR("Đặt mua máy in"),
	                                    .description = CL_STR("Giao trong tuần."),
	                                    .product = CL_STR("Máy in LX-300"),
	                                    .quantity = 2,
	                                    .channel = CHANNEL_PHONE,
	                                    .category = category,
	                                    .priority = LEVEL_LOW,
	                                    .urgency = LEVEL_LOW,
	                                    .received_by = CL_STR("thao.vu"),
	                                    .received_at = world->now_ms,
	                                    .imported = imported},
	                           .department = CL_STR("bh")};
	world_outside(world, 0, CL_T_item_routed, CL_KIND_WORK_ITEM, body.slip.slip_id, world->now_ms, &body);
	return body.slip.slip_id;
}

uint32_t shop_receive(struct world *world, const char *sku, uint32_t quantity) {
	struct stock_receive body = {.sku = cl_str_from(sku), .quantity = quantity, .name = CL_STR("Máy in")};
	return world_command(world, CL_KIND_STOCK, order_stock_id(body.sku), 0, CL_T_stock_receive, &body);
}

uint32_t shop_lines(struct world *world, struct cl_id id, const struct shop_line *lines, uint32_t n) {
	struct order_line *v = cl_arena_array(&world->turn, struct order_line, n);
	struct order_set_lines body = {.lines = {v, n}, .address = CL_STR("12 Lê Lợi, Quận 1")};
	struct cl_arena arena = world->turn; /* the command resets the turn's memory; the lines must outlive that */
	cl_arena_init(&world->turn, 65536);
	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct order_line){.sku = cl_str_from(lines[i].sku),
		                           .quantity = lines[i].quantity,
		                           .unit_price_vnd = lines[i].price};
	uint32_t reject = world_command(world, CL_KIND_ORDER, id, 0, CL_T_order_set_lines, &body);
	cl_arena_done(&arena);
	return reject;
}

uint32_t shop_place(struct world *world, struct cl_id id) {
	struct order_place body = {.note = CL_STR("Gọi trước khi giao")};
	return world_command(world, CL_KIND_ORDER, id, 0, CL_T_order_place, &body);
}

uint32_t shop_pack(struct world *world, struct cl_id id) {
	struct order_pack body = {.note = CL_STR("2 thùng")};
	return world_command(world, CL_KIND_ORDER, id, 0, CL_T_order_pack, &body);
}

uint32_t shop_ship(struct world *world, struct cl_id id) {
	struct order_ship body = {.carrier = CL_STR("Viettel Post"), .tracking = CL_STR("VTP123")};
	return world_command(world, CL_KIND_ORDER, id, 0, CL_T_order_ship, &body);
}

uint32_t shop_deliver(struct world *world, struct cl_id id) {
	struct order_deliver body = {.note = CL_STR("Khách đã nhận")};
	return world_command(world, CL_KIND_ORDER, id, 0, CL_T_order_deliver, &body);
}

uint32_t shop_cancel(struct world *world, struct cl_id id) {
	struct order_cancel body = {.reason = CL_STR("Khách đổi ý")};
	return world_command(world, CL_KIND_ORDER, id, 0, CL_T_order_cancel, &body);
}

const struct order_state *shop_order(struct world *world, struct cl_id id) {
	return world_state(world, CL_KIND_ORDER, id);
}

const struct stock_state *shop_stock(struct world *world, const char *sku) {
	return world_state(world, CL_KIND_STOCK, order_stock_id(cl_str_from(sku)));
}
