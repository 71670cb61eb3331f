/* Orders and stock: what each state allows, totals, reservation, shortage, cancelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "shop.h"

static int setup(void **state) {
	static struct world world;
	world_open(&world, &order_domain, 1, 3);
	*state = &world;
	return 0;
}

static int teardown(void **state) {
	struct world *world = *state;
	world_settle(world);
	world_check_replay(world);
	world_close(world);
	return 0;
}

#define assert_str(str, text) assert_true(cl_str_eqc((str), (text)))

static const struct shop_line two_lines[] = {{"MUC-85A", 2, 450000}, {"GIAY-A4", 10, 65000}};

static struct cl_id draft(struct world *world, uint32_t n) {
	struct cl_id id = shop_slip(world, n, CATEGORY_ORDER, false);
	world_settle(world);
	assert_int_equal(shop_lines(world, id, two_lines, 2), 0);
	return id;
}

static void goods(struct world *world) {
	assert_int_equal(shop_receive(world, "MUC-85A", 5), 0);
	assert_int_equal(shop_receive(world, "GIAY-A4", 15), 0);
}

static const struct order_changed *last_change(struct world *world) {
	const void *body = NULL;
	assert_true(world_count(world, CL_T_order_changed, &body) > 0);
	return body;
}

static void only_slips_of_category_order_open_one(void **state) {
	struct world *world = *state;
	struct cl_id other = shop_slip(world, 1, CATEGORY_QUESTION, false),
	             id = shop_slip(world, 2, CATEGORY_ORDER, false);
	(void)shop_slip(world, 2, CATEGORY_ORDER, false); /* told again */
	world_settle(world);
	assert_null(shop_order(world, other));
	const struct order_state *order = shop_order(world, id);
	assert_int_equal(order->status, ORDER_DRAFT);
	assert_str(order->product, "Máy in LX-300");
	assert_int_equal(order->quantity, 2);
	assert_str(order_domain.number_of(CL_KIND_ORDER, order), "PTN-2026-000002");
	assert_int_equal(world_count(world, CL_T_order_opened, NULL), 1);
	assert_int_equal(last_change(world)->status, ORDER_DRAFT);
	assert_true(cl_id_eq(last_change(world)->slip_id, id));
}

static void an_imported_order_is_a_draft_with_nothing_armed(void **state) {
	struct world *world = *state;
	struct cl_id id = shop_slip(world, 1, CATEGORY_ORDER, true);
	world_settle(world);
	assert_int_equal(shop_order(world, id)->status, ORDER_DRAFT);
	assert_true(shop_order(world, id)->imported);
	assert_int_equal(order_domain.due(CL_KIND_ORDER, shop_order(world, id)), 0);
}

static void lines_are_refused_field_by_field(void **state) {
	struct world *world = *state;
	static const struct {
		struct shop_line lines[2];
		uint32_t n, reject;
		const char *field;
	} rows[] = {
	        {{{"A", 1, 1}, {"A", 2, 1}}, 2, CL_R_ORDER_SAME_SKU, "lines.sku"},
	        {{{"A ", 1, 1}}, 1, CL_R_FIELD, "lines.sku"},
	        {{{"", 1, 1}}, 1, CL_R_FIELD, "lines.sku"},
	        {{{"A", 1, 1}}, 0, CL_R_ORDER_EMPTY, "lines"},
	        {{{"A", 4000000000u, 5000000000u}}, 1, CL_R_ORDER_TOTAL, "lines.unit_price_vnd"},
	        {{{"A", 2000000000u, 9000000000u}, {"B", 2000000000u, 9000000000u}},
	         2,
	         CL_R_ORDER_TOTAL,
	         "lines.unit_price_vnd"},
	};
	struct cl_id id = shop_slip(world, 1, CATEGORY_ORDER, false);
	assert_int_equal(shop_lines(world, id, two_lines, 2), CL_R_UNKNOWN_TARGET);
	world_settle(world);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(shop_lines(world, id, rows[i].lines, rows[i].n), rows[i].reject);
		assert_string_equal(world->reject_field, rows[i].field);
	}
	assert_int_equal(shop_place(world, id), CL_R_ORDER_EMPTY);
	assert_int_equal(shop_lines(world, id, two_lines, 2), 0);
	assert_int_equal(shop_order(world, id)->total_vnd, 2 * 450000 + 10 * 65000);
	assert_str(shop_order(world, id)->address, "12 Lê Lợi, Quận 1");
}

static void from_draft_to_delivered(void **state) {
	struct world *world = *state;
	struct cl_id id = draft(world, 1);
	goods(world);
	assert_int_equal(shop_place(world, id), 0);
	assert_int_equal(shop_order(world, id)->status, ORDER_CHECKING);
	world_settle(world);
	assert_int_equal(shop_order(world, id)->status, ORDER_CONFIRMED);
	assert_int_equal(last_change(world)->total_vnd, 1550000);
	assert_int_equal(shop_stock(world, "MUC-85A")->reserved, 2);
	assert_int_equal(shop_stock(world, "GIAY-A4")->reserved, 10);
	assert_int_equal(shop_pack(world, id), 0);
	assert_int_equal(shop_stock(world, "GIAY-A4")->on_hand, 15);
	assert_int_equal(shop_ship(world, id), 0);
	world_settle(world);
	assert_str(shop_order(world, id)->carrier, "Viettel Post");
	assert_str(last_change(world)->tracking, "VTP123");
	assert_int_equal(shop_stock(world, "GIAY-A4")->on_hand, 5);
	assert_int_equal(shop_stock(world, "GIAY-A4")->reserved, 0);
	assert_int_equal(shop_stock(world, "GIAY-A4")->sent, 10);
	assert_int_equal(shop_deliver(world, id), 0);
	assert_int_equal(shop_order(world, id)->status, ORDER_DELIVERED);
	assert_true(order_domain.at_rest(CL_KIND_ORDER, shop_order(world, id)));
}

static void skus_are_asked_in_one_order(void **state) {
	struct world *world = *state;
	struct cl_id id = draft(world, 1); /* MUC before GIAY in its lines */
	goods(world);
	shop_place(world, id);
	const void *body = NULL;
	assert_int_equal(world_count(world, CL_T_order_reserve_asked, &body), 1);
	assert_str(((const struct order_reserve_asked *)body)->sku, "GIAY-A4");
}

static void a_shortage_gives_back_what_was_reserved(void **state) {
	struct world *world = *state;
	struct cl_id id = draft(world, 1);
	shop_receive(world, "GIAY-A4", 10);
	shop_receive(world, "MUC-85A", 1);
	shop_place(world, id);
	world_settle(world);
	assert_int_equal(shop_order(world, id)->status, ORDER_SHORT);
	assert_str(shop_order(world, id)->short_sku, "MUC-85A");
	assert_str(last_change(world)->short_sku, "MUC-85A");
	assert_int_equal(shop_stock(world, "GIAY-A4")->reserved, 0);
	assert_int_equal(shop_pack(world, id), CL_R_ORDER_STATE);
	shop_receive(world, "MUC-85A", 1);
	assert_int_equal(shop_place(world, id), 0); /* placed again */
	world_settle(world);
	assert_int_equal(shop_order(world, id)->status, ORDER_CONFIRMED);
	assert_int_equal(shop_order(world, id)->attempt, 2);
	assert_int_equal(shop_order(world, id)->short_sku.n, 0);
}

static void the_lines_of_a_short_order_can_be_changed(void **state) {
	struct world *world = *state;
	struct cl_id id = draft(world, 1);
	shop_place(world, id);
	world_settle(world);
	assert_int_equal(shop_order(world, id)->status, ORDER_SHORT);
	static const struct shop_line less[] = {{"GIAY-A4", 1, 65000}};
	assert_int_equal(shop_lines(world, id, less, 1), 0);
	assert_int_equal(shop_order(world, id)->status, ORDER_DRAFT);
	assert_int_equal(last_change(world)->total_vnd, 65000);
}

enum doing { LINES, PLACE, PACK, SHIP, DELIVER, CANCEL, DOINGS };

static uint32_t do_it(struct world *world, struct cl_id id, enum doing doing) {
	switch (doing) {
	case LINES:
		return shop_lines(world, id, two_lines, 2);
	case PLACE:
		return shop_place(world, id);
	case PACK:
		return shop_pack(world, id);
	case SHIP:
		return shop_ship(world, id);
	case DELIVER:
		return shop_deliver(world, id);
	case CANCEL:
		return shop_cancel(world, id);
	case DOINGS:
		break;
	}
	fail();
	return 0;
}

/* An order in the state wanted; numbers rise so that each is a fresh one. */
static struct cl_id order_in(struct world *world, enum order_status status) {
	static uint32_t n = 100;
	struct cl_id id = draft(world, n++);
	if (status == ORDER_SHORT) {
		static const struct shop_line absent[] = {{"KHONG-CO", 1, 1}};
		shop_lines(world, id, absent, 1);
	} else {
		goods(world);
	}
	if (status >= ORDER_CHECKING && status <= ORDER_DELIVERED)
		shop_place(world, id);
	if (status != ORDER_CHECKING)
		world_settle(world);
	if (status >= ORDER_PACKED && status <= ORDER_DELIVERED)
		shop_pack(world, id);
	if (status >= ORDER_SHIPPED && status <= ORDER_DELIVERED)
		shop_ship(world, id);
	if (status == ORDER_DELIVERED)
		shop_deliver(world, id);
	if (status == ORDER_CANCELLED)
		shop_cancel(world, id);
	assert_int_equal(shop_order(world, id)->status, status);
	return id;
}

static void each_state_allows_what_the_table_says(void **state) {
	struct world *world = *state;
	enum { DRAFT = CL_R_ORDER_NOT_DRAFT, STATE = CL_R_ORDER_STATE };
	static const uint32_t table[ORDER_CANCELLED + 1][DOINGS] = {
	        [ORDER_DRAFT] = {0, 0, STATE, STATE, STATE, 0},
	        [ORDER_CHECKING] = {DRAFT, STATE, STATE, STATE, STATE, 0},
	        [ORDER_CONFIRMED] = {DRAFT, STATE, 0, STATE, STATE, 0},
	        [ORDER_SHORT] = {0, 0, STATE, STATE, STATE, 0},
	        [ORDER_PACKED] = {DRAFT, STATE, STATE, 0, STATE, 0},
	        [ORDER_SHIPPED] = {DRAFT, STATE, STATE, STATE, 0, STATE},
	        [ORDER_DELIVERED] = {DRAFT, STATE, STATE, STATE, STATE, STATE},
	        [ORDER_CANCELLED] = {DRAFT, STATE, STATE, STATE, STATE, STATE},
	};
	for (uint32_t status = ORDER_DRAFT; status <= ORDER_CANCELLED; status++)
		for (uint32_t doing = LINES; doing < DOINGS; doing++) {
			struct cl_id id = order_in(world, (enum order_status)status);
			uint32_t reject = do_it(world, id, (enum doing)doing);
			if (reject != table[status][doing])
				fail_msg("state %u, doing %u: reject %u", status, doing, reject);
			world_settle(world);
		}
}

static void cancelling_gives_everything_back(void **state) {
	struct world *world = *state;
	goods(world);
	static const enum order_status cases[] = {ORDER_CHECKING, ORDER_CONFIRMED, ORDER_PACKED};
	for (uint32_t i = 0; i < 3; i++) {
		struct cl_id id = order_in(world, cases[i]);
		shop_cancel(world, id); /* while checking, an answer is under way */
		world_settle(world);
		assert_int_equal(shop_order(world, id)->status, ORDER_CANCELLED);
		assert_str(last_change(world)->note, "Khách đổi ý");
		assert_int_equal(shop_stock(world, "MUC-85A")->reserved, 0);
		assert_int_equal(shop_stock(world, "GIAY-A4")->reserved, 0);
	}
	assert_int_equal(shop_stock(world, "GIAY-A4")->on_hand, shop_stock(world, "GIAY-A4")->received);
}

static void goods_received_are_checked(void **state) {
	struct world *world = *state;
	struct stock_receive body = {.sku = CL_STR("A"), .quantity = 1};
	assert_int_equal(world_command(world, CL_KIND_STOCK, order_stock_id(CL_STR("B")), 0, CL_T_stock_receive, &body),
	                 CL_R_FIELD);
	assert_string_equal(world->reject_field, "sku");
	assert_int_equal(shop_receive(world, " A", 1), CL_R_FIELD);
	struct stock_state full = {
	        .sku = CL_STR("A"), .on_hand = 3, .received = ORDER_STOCK_MAX - 1, .sent = ORDER_STOCK_MAX - 4};
	struct cl_message message = {.role = CL_MSG_COMMAND,
	                             .type = CL_T_stock_receive,
	                             .body = &body,
	                             .kind = CL_KIND_STOCK,
	                             .target = order_stock_id(body.sku)};
	struct cl_ctx ctx = {.arena = &world->turn};
	struct cl_decision decision = {.arena = &world->turn};
	order_domain.decide(&ctx, &full, 1, &message, &decision);
	assert_int_equal(decision.reject, 0);
	body.quantity = 2;
	decision.n = 0;
	order_domain.decide(&ctx, &full, 1, &message, &decision);
	assert_int_equal(decision.reject, CL_R_LIMIT);
	assert_string_equal(decision.reject_field, "quantity");
	assert_int_equal(
	        world_command(world, CL_KIND_ORDER_REGISTRY, (struct cl_id){{0}}, 0, CL_T_stock_receive, &body),
	        CL_R_UNKNOWN_TARGET);
}

static void every_event_has_an_applier(void **state) {
	struct world *world = *state;
	uint64_t rng = 1;
	uint32_t events = 0;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *schema = cl_schema_at(i);
		if (schema->role != CL_ROLE_EVENT || schema->type >> 8 != 3)
			continue;
		uint8_t kind = schema->type >= 0x0310 ? CL_KIND_STOCK : CL_KIND_ORDER;
		void *body = cl_arena_alloc(&world->turn, schema->size);
		struct stock_state stock = {.on_hand = 1u << 31, .reserved = 1u << 30, .received = 1u << 31};
		void *actor = kind == CL_KIND_STOCK ? (void *)&stock : cl_arena_new(&world->turn, struct order_state);
		cl_random_value(schema, &rng, &world->turn, body);
		struct cl_event event = {.type = schema->type, .body = body, .kind = kind, .version = 1};
		order_domain.evolve(kind, actor, &event, &world->turn);
		events++;
	}
	assert_int_equal(events, 12);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(only_slips_of_category_order_open_one),
	        TEST(an_imported_order_is_a_draft_with_nothing_armed),
	        TEST(lines_are_refused_field_by_field),
	        TEST(from_draft_to_delivered),
	        TEST(skus_are_asked_in_one_order),
	        TEST(a_shortage_gives_back_what_was_reserved),
	        TEST(the_lines_of_a_short_order_can_be_changed),
	        TEST(each_state_allows_what_the_table_says),
	        TEST(cancelling_gives_everything_back),
	        TEST(goods_received_are_checked),
	        TEST(every_event_has_an_applier),
	};
	return cmocka_run_group_tests_name("order_domain", tests, NULL, NULL);
}
