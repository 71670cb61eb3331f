#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actor/slip.h"
#include "world.h"

static struct cl_arena arena;
static struct world world;
static uint16_t types[64];
static uint32_t type_n;

static void note(void *context, const struct cl_event *event, const void *before) {
	(void)context;
	(void)before;
	assert_true(type_n < 64);
	types[type_n++] = event->type;
}

static int setup(void **state) {
	(void)state;
	cl_arena_init(&arena, 65536);
	world_init(&world, &arena);
	world.on_event = note;
	type_n = 0;
	return 0;
}

static int teardown(void **state) {
	(void)state;
	cl_arena_done(&arena);
	return 0;
}

static uint32_t send(uint32_t n, const struct contact_register *command, struct cl_decision *decision) {
	return world_command(&world, CL_KIND_REQUEST, world_id(n), CL_T_contact_register, command, decision);
}

static uint32_t configure_defaults(void) {
	return world_command(&world, CL_KIND_INTAKE_REGISTRY, (struct cl_id){0}, CL_T_intake_configure,
	                     intake_defaults(&arena), NULL);
}

static void a_contact_becomes_a_slip(void **state) {
	(void)state;
	struct cl_decision decision;
	assert_int_equal(configure_defaults(), CL_R_NONE);
	type_n = 0;
	world.next_number = 123;
	struct contact_register command = {.channel = CHANNEL_PHONE,
	                                   .name = CL_STR(" Nguyễn Văn An "),
	                                   .phone = CL_STR("0912 345 678"),
	                                   .email = CL_STR("An@Example.vn"),
	                                   .subject = CL_STR("Máy lọc nước"),
	                                   .text = CL_STR("Máy không lên nguồn, cần gấp"),
	                                   .product = CL_STR("ML-10"),
	                                   .quantity = 2};
	assert_int_equal(send(1, &command, &decision), CL_R_NONE);
	static const uint16_t want[] = {CL_T_contact_registered, CL_T_request_classified, CL_T_request_prioritised,
	                                CL_T_slip_created};
	assert_int_equal(type_n, 4);
	assert_memory_equal(types, want, sizeof(want));
	const struct contact_registered *contact = decision.events[0].body;
	assert_true(cl_str_eqc(contact->name, "Nguyễn Văn An"));
	assert_true(cl_str_eqc(contact->phone, "+84912345678"));
	assert_true(cl_str_eqc(contact->email, "an@example.vn"));
	assert_true(cl_id_eq(contact->phone_identity, world_identity(&world, IDENTITY_PHONE, "+84912345678")));
	assert_true(cl_id_eq(contact->email_identity, world_identity(&world, IDENTITY_EMAIL, "an@example.vn")));
	assert_true(cl_id_eq(contact->customer_id, world_id(1)));
	const struct request_classified *class = decision.events[1].body;
	assert_int_equal(class->category, CATEGORY_TECHNICAL);
	assert_int_equal(class->urgency, LEVEL_HIGH);
	assert_true(cl_str_eqc(class->decided_by, "rule:Hỏng, lỗi"));
	assert_true(cl_str_eqc(class->urgency_by, "rule:Khẩn cấp"));
	assert_true(cl_str_eqc(class->business_effect_by, "default"));
	const struct slip_created *slip = decision.events[3].body;
	assert_true(cl_str_eqc(slip->number, "PTN-2026-000123"));
	assert_true(cl_str_eqc(decision.number, "PTN-2026-000123"));
	assert_int_equal(slip->serial, 123);
	assert_true(cl_id_eq(slip->slip_id, cl_slip_id(CL_STR("PTN-2026-000123"))));
	assert_true(cl_str_eqc(slip->title, "Máy lọc nước"));
	assert_true(cl_str_eqc(slip->received_by, "an"));
	assert_int_equal(slip->priority, LEVEL_HIGH);
	assert_int_equal(slip->received_at, world.now_ms);
	assert_int_equal(world.next_number, 124);
	const struct request_state *request = WORLD_REQUEST(&world, 1);
	assert_true(cl_str_eqc(intake_domain.number_of(CL_KIND_REQUEST, request), "PTN-2026-000123"));
	assert_true(intake_domain.at_rest(CL_KIND_REQUEST, request));
	assert_int_equal(request->priority_row, 4);
	assert_int_equal(request->quantity, 2);
}

/* The year is Vietnam's: at 17:00 UTC on 31 December the new year has begun. */
static void the_number_has_vietnams_year(void **state) {
	(void)state;
	struct cl_decision decision;
	struct contact_register command = {.channel = CHANNEL_WEB, .name = CL_STR("An")};
	world.next_number = 1234567;
	world.now_ms = 1767200400000 - 1;
	assert_int_equal(send(1, &command, &decision), CL_R_NONE);
	assert_true(cl_str_eqc(decision.number, "PTN-2025-1234567"));
	world.now_ms++;
	assert_int_equal(send(2, &command, &decision), CL_R_NONE);
	assert_true(cl_str_eqc(decision.number, "PTN-2026-1234568"));
}

static void without_configuration_defaults_decide(void **state) {
	(void)state;
	assert_int_equal(world_contact(&world, 1, "An", "", "", "khiếu nại"), CL_R_NONE);
	const struct request_state *request = WORLD_REQUEST(&world, 1);
	assert_int_equal(request->category, CATEGORY_QUESTION);
	assert_int_equal(request->importance, LEVEL_MEDIUM);
	assert_true(cl_str_eqc(request->category_by, "default"));
	assert_int_equal(request->priority, LEVEL_MEDIUM);
	assert_int_equal(request->priority_row, 0);
}

static void what_is_refused(void **state) {
	(void)state;
	struct cl_decision decision;
	struct contact_register command = {.channel = CHANNEL_PHONE, .name = CL_STR("  "), .text = CL_STR("alô")};
	assert_int_equal(send(1, &command, &decision), CL_R_CONTACT_EMPTY);
	assert_string_equal(decision.reject_field, "name");
	command.name = CL_STR("An");
	command.email = CL_STR("an@nowhere");
	assert_int_equal(send(1, &command, &decision), CL_R_EMAIL);
	assert_string_equal(decision.reject_field, "email");
	command.email = (struct cl_str){0};
	command.source_key = CL_STR("hd-1");
	assert_int_equal(send(1, &command, &decision), CL_R_FIELD);
	assert_string_equal(decision.reject_field, "source_key");
	assert_int_equal(world_command(&world, CL_KIND_CUSTOMER, world_id(1), CL_T_contact_register, &command, NULL),
	                 CL_R_UNKNOWN_TARGET);
	assert_int_equal(world_command(&world, CL_KIND_IDENTITY, world_id(1), CL_T_contact_register, &command, NULL),
	                 CL_R_UNKNOWN_TARGET);
	assert_int_equal(
	        world_command(&world, CL_KIND_INTAKE_REGISTRY, world_id(1), CL_T_contact_register, &command, NULL),
	        CL_R_UNKNOWN_TARGET);
	assert_int_equal(type_n, 0);
	assert_int_equal(world.next_number, 1);
}

static void a_bad_phone_is_kept_as_text(void **state) {
	(void)state;
	assert_int_equal(world_contact(&world, 1, "", "máy lẻ 12, gọi sau 17h", "", ""), CL_R_NONE);
	assert_true(cl_str_eqc(WORLD_REQUEST(&world, 1)->phone, "máy lẻ 12, gọi sau 17h"));
	world_drain(&world);
	assert_int_equal(WORLD_CUSTOMER(&world, 1)->waiting, 0);
	assert_int_equal(WORLD_CUSTOMER(&world, 1)->identities.n, 0);
}

static void the_same_key_is_the_same_request(void **state) {
	(void)state;
	struct cl_decision decision;
	struct contact_register command = {.channel = CHANNEL_IMPORT, .source_key = CL_STR("hd-1"), .imported = true};
	struct cl_id request = intake_request_id(command.source_key);
	assert_int_equal(world_command(&world, CL_KIND_REQUEST, request, CL_T_contact_register, &command, &decision),
	                 CL_R_NONE);
	type_n = 0;
	assert_int_equal(world_command(&world, CL_KIND_REQUEST, request, CL_T_contact_register, &command, &decision),
	                 CL_R_NONE);
	assert_int_equal(type_n, 0);
	assert_true(cl_str_eqc(decision.number, "PTN-2026-000001"));
	command.source_key = (struct cl_str){0};
	command.name = CL_STR("An");
	assert_int_equal(world_command(&world, CL_KIND_REQUEST, request, CL_T_contact_register, &command, NULL),
	                 CL_R_EXISTS);
	assert_int_equal(send(2, &command, NULL), CL_R_NONE);
	assert_int_equal(send(2, &command, NULL), CL_R_EXISTS);
}

static void titles(void **state) {
	(void)state;
	struct cl_decision decision;
	struct contact_register command = {
	        .channel = CHANNEL_CHAT, .name = CL_STR("An"), .text = CL_STR("\n Dòng một\nDòng hai")};
	assert_int_equal(send(1, &command, &decision), CL_R_NONE);
	assert_true(cl_str_eqc(((struct slip_created *)decision.events[3].body)->title, "Dòng một"));
	command.text = (struct cl_str){0};
	assert_int_equal(send(2, &command, &decision), CL_R_NONE);
	assert_true(cl_str_eqc(((struct slip_created *)decision.events[3].body)->title, "Thắc mắc"));
	char text[400];
	for (size_t i = 0; i + 3 <= sizeof(text); i += 3)
		memcpy(text + i, "ệ", 3);
	command.text = (struct cl_str){text, 399};
	assert_int_equal(send(3, &command, &decision), CL_R_NONE);
	struct cl_str title = ((struct slip_created *)decision.events[3].body)->title;
	assert_true(title.n > 100 && title.n <= 120 && cl_utf8_valid(title));
	command.text = CL_STR("một hai ba bốn năm sáu bảy tám chín mười một hai ba bốn năm sáu bảy tám chín mười một "
	                      "hai ba bốn năm sáu bảy tám");
	assert_int_equal(send(4, &command, &decision), CL_R_NONE);
	title = ((struct slip_created *)decision.events[3].body)->title;
	assert_true(title.n <= 120 && command.text.p[title.n] == ' ');
}

static void what_the_agent_gives_stands(void **state) {
	(void)state;
	assert_int_equal(configure_defaults(), CL_R_NONE);
	struct contact_register command = {.channel = CHANNEL_PHONE,
	                                   .name = CL_STR("An"),
	                                   .text = CL_STR("khiếu nại"),
	                                   .category = CATEGORY_FEEDBACK,
	                                   .importance = LEVEL_LOW,
	                                   .received_by = CL_STR("binh")};
	assert_int_equal(send(1, &command, NULL), CL_R_NONE);
	const struct request_state *request = WORLD_REQUEST(&world, 1);
	assert_int_equal(request->category, CATEGORY_FEEDBACK);
	assert_true(cl_str_eqc(request->category_by, "agent:an"));
	assert_true(cl_str_eqc(request->importance_by, "agent:an"));
	assert_true(cl_str_eqc(request->customer_effect_by, "rule:Khiếu nại"));
	assert_true(cl_str_eqc(request->urgency_by, "default"));
	assert_true(cl_str_eqc(request->received_by, "binh"));
	assert_int_equal(request->priority, LEVEL_LOW);
}

static void an_agent_overrules(void **state) {
	(void)state;
	struct cl_decision decision;
	struct request_reclassify command = {
	        .category = CATEGORY_COMPLAINT, .urgency = LEVEL_HIGH, .reason = CL_STR("khách rất bức xúc")};
	assert_int_equal(world_command(&world, CL_KIND_REQUEST, world_id(1), CL_T_request_reclassify, &command, NULL),
	                 CL_R_UNKNOWN_TARGET);
	assert_int_equal(configure_defaults(), CL_R_NONE);
	assert_int_equal(world_contact(&world, 1, "An", "", "", "cho hỏi"), CL_R_NONE);
	world.who = CL_STR("binh");
	type_n = 0;
	assert_int_equal(
	        world_command(&world, CL_KIND_REQUEST, world_id(1), CL_T_request_reclassify, &command, &decision),
	        CL_R_NONE);
	static const uint16_t want[] = {CL_T_request_classified, CL_T_request_prioritised};
	assert_int_equal(type_n, 2);
	assert_memory_equal(types, want, sizeof(want));
	const struct request_classified *class = decision.events[0].body;
	assert_true(cl_str_eqc(class->decided_by, "agent:binh"));
	assert_int_equal(class->category_by.n, 0);
	assert_true(cl_str_eqc(class->importance_by, "default"));
	const struct request_state *request = WORLD_REQUEST(&world, 1);
	assert_int_equal(request->priority, LEVEL_HIGH);
	assert_int_equal(request->priority_row, 2);
	assert_true(cl_str_eqc(request->category_by, "agent:binh"));
	assert_true(cl_str_eqc(request->importance_by, "default"));
	assert_true(cl_str_eqc(decision.number, "PTN-2026-000001"));
	struct request_reclassify same = {.urgency = LEVEL_HIGH, .reason = CL_STR("xác nhận")};
	type_n = 0;
	assert_int_equal(world_command(&world, CL_KIND_REQUEST, world_id(1), CL_T_request_reclassify, &same, &decision),
	                 CL_R_NONE);
	assert_int_equal(type_n, 1); /* the priority stays */
	class = decision.events[0].body;
	assert_int_equal(class->category, CATEGORY_COMPLAINT);
	struct request_reclassify nothing = {.reason = CL_STR("không đổi")};
	assert_int_equal(world_command(&world, CL_KIND_REQUEST, world_id(1), CL_T_request_reclassify, &nothing, NULL),
	                 CL_R_FIELD);
}

static void the_configuration_is_checked_and_replaced(void **state) {
	(void)state;
	struct cl_field_error error;
	const struct intake_configure *defaults = intake_defaults(&arena);
	assert_int_equal(cl_validate(&cl_schema_intake_configure, defaults, &error), CL_OK);
	assert_int_equal(configure_defaults(), CL_R_NONE);
	const struct intake_registry_state *registry = world_state(&world, CL_KIND_INTAKE_REGISTRY, (struct cl_id){0});
	assert_int_equal(registry->rules.n, defaults->rules.n);
	assert_true(cl_str_eqc(registry->by, "an"));
	struct priority_row high = {.priority = LEVEL_HIGH};
	struct classification_rule idle = {.name = CL_STR("R")};
	struct intake_configure command = {.rules = {&idle, 1}, .priorities = {&high, 1}};
	struct cl_decision decision;
	assert_int_equal(world_command(&world, CL_KIND_INTAKE_REGISTRY, (struct cl_id){0}, CL_T_intake_configure,
	                               &command, &decision),
	                 CL_R_FIELD);
	assert_string_equal(decision.reject_field, "rules");
	command.rules.n = 0;
	assert_int_equal(world_command(&world, CL_KIND_INTAKE_REGISTRY, (struct cl_id){0}, CL_T_intake_configure,
	                               &command, NULL),
	                 CL_R_NONE);
	assert_int_equal(world_contact(&world, 1, "An", "", "", "khiếu nại"), CL_R_NONE);
	assert_int_equal(WORLD_REQUEST(&world, 1)->category, CATEGORY_QUESTION);
	assert_int_equal(WORLD_REQUEST(&world, 1)->priority, LEVEL_HIGH);
	assert_int_equal(WORLD_REQUEST(&world, 1)->priority_row, 1);
}

/* targets() and own_types say the same, for a random event of every type of intake. */
static void followed_types_are_those_with_targets(void **state) {
	(void)state;
	uint64_t rng = 1;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *schema = cl_schema_at(i);
		if (schema->role != CL_ROLE_EVENT || schema->type >> 8 != 1)
			continue;
		bool followed = false, aims = false;
		for (uint32_t k = 0; k < intake_domain.own_type_n; k++)
			followed = followed || intake_domain.own_types[k] == schema->type;
		for (int round = 0; round < 50; round++) {
			void *body = cl_arena_alloc(&arena, schema->size);
			cl_random_value(schema, &rng, &arena, body);
			struct cl_event event = {.type = schema->type, .body = body};
			struct cl_target targets[CL_TARGETS_MAX];
			aims = aims || intake_domain.targets(&event, targets) > 0;
		}
		if (followed != aims)
			fail_msg("%s: followed %d, has targets %d", schema->name, followed, aims);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(a_contact_becomes_a_slip),
	        TEST(the_number_has_vietnams_year),
	        TEST(without_configuration_defaults_decide),
	        TEST(what_is_refused),
	        TEST(a_bad_phone_is_kept_as_text),
	        TEST(the_same_key_is_the_same_request),
	        TEST(titles),
	        TEST(what_the_agent_gives_stands),
	        TEST(an_agent_overrules),
	        TEST(the_configuration_is_checked_and_replaced),
	        TEST(followed_types_are_those_with_targets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
