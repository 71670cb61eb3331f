/* A department's queue: who gets what, what waits, what is refused, people who come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "office.h"

#define MINUTE_MS 60000

static int setup(void **state) {
	static struct world world;
	world_open(&world, &routing_domain, 1, 11);
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

static struct cl_id slip(struct world *world, uint32_t n, enum level priority) {
	struct cl_id id = office_slip(world, n, CATEGORY_FEEDBACK, priority, false);
	world_settle(world);
	world->now_ms++;
	return id;
}

static uint32_t person(struct world *world, const char *staff_id, const char *department, uint32_t capacity,
                       bool absent) {
	uint32_t reject = office_person(world, staff_id, department, NULL, capacity, absent);
	world_settle(world);
	return reject;
}

static void close_case(struct world *world, struct cl_id id) {
	office_closed(world, id, world->now_ms);
	world_settle(world);
}

static void the_least_loaded_then_longest_without_work_then_by_id(void **state) {
	struct world *world = *state;
	person(world, "ngoc.bui", "cskh", 0, false);
	person(world, "an.ho", "cskh", 0, false);
	static const char *const expected[] = {"an.ho", "ngoc.bui", "an.ho", "ngoc.bui"};
	struct cl_id ids[4];
	for (uint32_t i = 0; i < 4; i++) {
		ids[i] = slip(world, i, LEVEL_LOW);
		assert_str(office_item(world, ids[i])->person, expected[i]);
	}
	close_case(world, ids[1]); /* ngoc has one, an two */
	assert_str(office_item(world, slip(world, 5, LEVEL_LOW))->person, "ngoc.bui");
	assert_str(office_item(world, slip(world, 6, LEVEL_LOW))->person, "an.ho"); /* equal: an was given longer ago */
}

static void nobody_gets_more_than_the_capacity_or_anything_while_absent(void **state) {
	struct world *world = *state;
	person(world, "an.ho", "cskh", 1, false);
	person(world, "ngoc.bui", "cskh", 9, true);
	struct cl_id first = slip(world, 1, LEVEL_LOW);
	struct cl_id second = slip(world, 2, LEVEL_LOW), third = slip(world, 3, LEVEL_HIGH);
	assert_str(office_item(world, first)->person, "an.ho");
	assert_int_equal(office_item(world, second)->status, WORK_WAITING);
	assert_int_equal(office_queue(world, "cskh")->waiting.n, 2);
	close_case(world, first);
	assert_str(office_item(world, third)->person, "an.ho"); /* more urgent, though later */
	person(world, "ngoc.bui", "cskh", 9, false);
	assert_str(office_item(world, second)->person, "ngoc.bui");
	assert_int_equal(office_queue(world, "cskh")->waiting.n, 0);
}

static void only_who_has_the_skill(void **state) {
	struct world *world = *state;
	office_configure(world);
	office_person(world, "an.ho", "kt", NULL, 0, false);
	world_settle(world);
	struct cl_id id = office_slip(world, 1, CATEGORY_TECHNICAL, LEVEL_HIGH, false);
	world_settle(world);
	assert_int_equal(office_item(world, id)->status, WORK_WAITING);
	office_person(world, "son.dang", "kt", "mang", 0, false);
	world_settle(world);
	assert_str(office_item(world, id)->person, "son.dang");
}

static void what_waits_is_withdrawn_when_the_case_closes(void **state) {
	struct world *world = *state;
	struct cl_id id = slip(world, 1, LEVEL_LOW);
	assert_int_equal(office_queue(world, "cskh")->waiting.n, 1);
	close_case(world, id);
	assert_int_equal(office_queue(world, "cskh")->waiting.n, 0);
	person(world, "an.ho", "cskh", 1, false);
	assert_int_equal(office_member(world, "cskh", "an.ho")->load, 0);
}

/* The answer of the queue is still on its way when the case closes. */
static void an_assignment_that_comes_too_late_is_handed_back_once(void **state) {
	struct world *world = *state;
	person(world, "an.ho", "cskh", 1, false);
	struct cl_id id = office_slip(world, 1, CATEGORY_FEEDBACK, LEVEL_LOW, false);
	while (!world_count(world, CL_T_queue_assigned, NULL))
		assert_true(world_step(world));
	assert_int_equal(office_member(world, "cskh", "an.ho")->load, 1);
	office_closed(world, id, world->now_ms);
	while (office_item(world, id)->status != WORK_DONE)
		world_step_log(world, WORLD_PARTITIONS_MAX + OFFICE_SUPPORT, 0);
	assert_int_equal(office_member(world, "cskh", "an.ho")->load, 1);
	world_settle(world);
	assert_int_equal(office_member(world, "cskh", "an.ho")->load, 0);
	assert_int_equal(world_count(world, CL_T_item_assigned, NULL), 0);
	assert_int_equal(world_count(world, CL_T_queue_left, NULL), 1);
}

static void work_goes_to_whom_it_is_given(void **state) {
	struct world *world = *state;
	person(world, "an.ho", "cskh", 5, false);
	person(world, "son.dang", "kt", 1, false);
	office_department(world, "kt", "minh.tran");
	struct cl_id id = slip(world, 1, LEVEL_LOW);
	assert_int_equal(office_assign(world, id, "kt", "son.dang"), 0);
	world_settle(world);
	const struct work_item_state *item = office_item(world, id);
	assert_str(item->department, "kt");
	assert_str(item->person, "son.dang");
	assert_int_equal(office_member(world, "cskh", "an.ho")->load, 0);
	assert_int_equal(office_member(world, "kt", "son.dang")->load, 1);
	assert_int_equal(office_assign(world, id, "kt", "son.dang"), 0);
	assert_int_equal(world->events, 0); /* has it already */
	struct cl_id other = slip(world, 2, LEVEL_LOW);
	office_assign(world, other, "kt", "son.dang"); /* busy: it waits for him */
	world_settle(world);
	assert_int_equal(office_item(world, other)->status, WORK_WAITING);
	person(world, "ngoc.bui", "kt", 5, false); /* free, but not asked for */
	assert_int_equal(office_item(world, other)->status, WORK_WAITING);
	close_case(world, id);
	assert_str(office_item(world, other)->person, "son.dang");
}

static void support_can_ask_for_another_person(void **state) {
	struct world *world = *state;
	person(world, "an.ho", "cskh", 5, false);
	struct cl_id id = slip(world, 1, LEVEL_LOW);
	person(world, "ngoc.bui", "cskh", 5, false);
	office_asked(world, id, NULL, "ngoc.bui", false); /* routing said so itself: no request */
	world_settle(world);
	assert_str(office_item(world, id)->person, "an.ho");
	office_asked(world, id, NULL, "ngoc.bui", true);
	world_settle(world);
	assert_str(office_item(world, id)->person, "ngoc.bui");
	assert_int_equal(office_member(world, "cskh", "an.ho")->load, 0);
}

static void a_wish_for_a_stranger_goes_to_anyone_and_says_so(void **state) {
	struct world *world = *state;
	person(world, "an.ho", "cskh", 5, false);
	struct cl_id id = slip(world, 1, LEVEL_LOW);
	office_assign(world, id, NULL, "khong.co");
	world_settle(world);
	assert_str(office_item(world, id)->person, "an.ho");
	const void *body = NULL;
	(void)world_count(world, CL_T_item_assigned, &body);
	assert_int_equal(((const struct item_assigned *)body)->why, QUEUE_NO_PERSON);
}

static void who_was_waited_for_leaves_and_others_get_it(void **state) {
	struct world *world = *state;
	person(world, "an.ho", "cskh", 1, false);
	struct cl_id first = slip(world, 1, LEVEL_LOW), second = slip(world, 2, LEVEL_LOW);
	office_assign(world, second, NULL, "an.ho");
	world_settle(world);
	person(world, "ngoc.bui", "cskh", 1, false);
	assert_int_equal(office_item(world, second)->status, WORK_WAITING);
	person(world, "an.ho", "kt", 1, false);
	assert_str(office_item(world, second)->person, "ngoc.bui");
	assert_true(office_member(world, "cskh", "an.ho")->gone); /* still has the first */
	assert_non_null(office_member(world, "kt", "an.ho"));
	close_case(world, first);
	assert_null(office_member(world, "cskh", "an.ho"));
}

static void an_older_word_about_a_person_is_not_believed(void **state) {
	struct world *world = *state;
	person(world, "an.ho", "cskh", 1, false);
	person(world, "an.ho", "cskh", 7, false);
	struct person_defined old = {
	        .staff_id = CL_STR("an.ho"), .name = CL_STR("Hồ Thúy An"), .department = CL_STR("cskh"), .capacity = 3};
	world_outside(world, OFFICE_SUPPORT, CL_T_person_defined, CL_KIND_PERSON, routing_person_id(old.staff_id), 1,
	              &old);
	world_settle(world);
	assert_int_equal(office_member(world, "cskh", "an.ho")->capacity, 7);
}

static void a_department_that_is_none_sends_the_work_back(void **state) {
	struct world *world = *state;
	person(world, "an.ho", "cskh", 5, false);
	struct cl_id id = slip(world, 1, LEVEL_LOW);
	assert_int_equal(office_assign(world, id, "kỹ thuật", NULL), 0);
	assert_int_equal(office_assign(world, id, "kyt", NULL), 0); /* again, before the answer */
	world_settle(world);
	const struct work_item_state *item = office_item(world, id);
	assert_str(item->department, "cskh");
	assert_str(item->person, "an.ho");
	assert_int_equal(office_member(world, "cskh", "an.ho")->load, 1);
	assert_int_equal(world_count(world, CL_T_queue_refused, NULL), 2);
}

static void a_full_list_keeps_the_urgent_and_defers_the_rest(void **state) {
	struct world *world = *state;
	for (uint32_t i = 0; i < ROUTING_WAITING_MAX; i++)
		slip(world, i, LEVEL_MEDIUM);
	struct cl_id late = slip(world, ROUTING_WAITING_MAX, LEVEL_MEDIUM);
	assert_int_equal(office_item(world, late)->status, WORK_DEFERRED);
	assert_true(office_item(world, late)->retry_at >= world->now_ms + ROUTING_RETRY_MS - 1);
	struct cl_id last = office_slip_id(ROUTING_WAITING_MAX - 1);
	struct cl_id urgent = slip(world, ROUTING_WAITING_MAX + 1, LEVEL_HIGH);
	assert_int_equal(office_item(world, urgent)->status, WORK_WAITING);
	assert_int_equal(office_item(world, last)->status, WORK_DEFERRED); /* it made room */
	assert_int_equal(office_queue(world, "cskh")->waiting.n, ROUTING_WAITING_MAX);
	assert_true(cl_id_eq(office_queue(world, "cskh")->waiting.v[0].slip_id, urgent));
	person(world, "ngoc.bui", "cskh", 5, true);
	struct cl_id wished = slip(world, ROUTING_WAITING_MAX + 2, LEVEL_LOW);
	office_assign(world, wished, NULL, "ngoc.bui");
	world_settle(world);
	assert_int_equal(office_item(world, wished)->status, WORK_DEFERRED);
	person(world, "an.ho", "cskh", 500, false);
	assert_int_equal(office_member(world, "cskh", "an.ho")->load, 500);
	assert_str(office_item(world, urgent)->person, "an.ho");
	world_run_until(world, world->now_ms + 2 * ROUTING_RETRY_MS, true);
	assert_int_equal(office_item(world, late)->status, WORK_WAITING); /* there was room when it asked again */
	assert_int_equal(office_item(world, last)->status, WORK_WAITING);
	person(world, "an.ho", "cskh", 0, false);
	assert_str(office_item(world, late)->person, "an.ho");
	assert_int_equal(office_item(world, wished)->status, WORK_WAITING); /* still for nobody else */
}

static void too_many_people_are_refused_by_an_event(void **state) {
	struct world *world = *state;
	char staff_id[20];
	for (uint32_t i = 0; i < ROUTING_MEMBERS_MAX; i++) {
		(void)snprintf(staff_id, sizeof(staff_id), "nv.%u", i);
		person(world, staff_id, "cskh", 1, true);
	}
	assert_int_equal(world_count(world, CL_T_member_refused, NULL), 0);
	person(world, "an.ho", "cskh", 1, false);
	assert_int_equal(world_count(world, CL_T_member_refused, NULL), 1);
	assert_int_equal(office_queue(world, "cskh")->refused_members, 1);
	assert_int_equal(office_item(world, slip(world, 1, LEVEL_LOW))->status, WORK_WAITING);
}

static void definitions_are_refused_field_by_field(void **state) {
	struct world *world = *state;
	struct department_define department = {
	        .code = CL_STR("kt"), .name = CL_STR("Kỹ thuật"), .supervisor = CL_STR("minh.tran")};
	assert_int_equal(world_command(world, CL_KIND_DEPARTMENT, routing_department_id(CL_STR("bh")), 0,
	                               CL_T_department_define, &department),
	                 CL_R_FIELD);
	assert_string_equal(world->reject_field, "code");
	struct person_define body = {
	        .staff_id = CL_STR("an.ho"), .name = CL_STR("Hồ Thúy An"), .department = CL_STR("kt")};
	assert_int_equal(
	        world_command(world, CL_KIND_PERSON, routing_person_id(CL_STR("khac")), 0, CL_T_person_define, &body),
	        CL_R_FIELD);
	assert_string_equal(world->reject_field, "staff_id");
	char longer[ROUTING_SKILL_BYTES + 1];
	memset(longer, 'x', sizeof(longer));
	struct cl_str skills[] = {{longer, sizeof(longer)}, {longer, 50}, {longer, 50}, {longer, 50}, {longer, 50}};
	struct cl_id id = routing_person_id(body.staff_id);
	body.skills = (struct cl_strs){skills, 1};
	assert_int_equal(world_command(world, CL_KIND_PERSON, id, 0, CL_T_person_define, &body), CL_R_LIMIT);
	skills[0].n = 50;
	body.skills.n = 5;
	assert_int_equal(world_command(world, CL_KIND_PERSON, id, 0, CL_T_person_define, &body), CL_R_LIMIT);
	assert_string_equal(world->reject_field, "skills");
	body.skills.n = 4;
	assert_int_equal(world_command(world, CL_KIND_PERSON, id, 0, CL_T_person_define, &body), 0);
	assert_int_equal(world->events, 1);
	assert_int_equal(world_command(world, CL_KIND_PERSON, id, 0, CL_T_person_define, &body), 0);
	assert_int_equal(world->events, 0);
	assert_int_equal(world_command(world, CL_KIND_PERSON, id, 0, CL_T_department_define, &department),
	                 CL_R_UNKNOWN_TARGET);
}

static void send_defaults(struct world *world, uint32_t expected_events) {
	struct cl_arena arena;
	cl_arena_init(&arena, 4096);
	struct routing_commands commands = routing_defaults(&arena);
	assert_true(commands.n > 10);
	for (uint32_t i = 0; i < commands.n; i++) {
		const struct routing_command *command = &commands.v[i];
		struct cl_field_error error;
		assert_int_equal(cl_validate(cl_schema_by_type(command->type), command->body, &error), 0);
		assert_int_equal(world_command(world, command->kind, command->target, 0, command->type, command->body),
		                 0);
		assert_int_equal(world->events, expected_events);
	}
	world_settle(world);
	cl_arena_done(&arena);
}

static void the_defaults_give_every_category_a_home(void **state) {
	struct world *world = *state;
	struct cl_id early = slip(world, 99, LEVEL_HIGH); /* before anything was defined */
	assert_int_equal(office_item(world, early)->status, WORK_WAITING);
	send_defaults(world, 1);
	send_defaults(world, 0); /* again: nothing changes */
	assert_int_equal(office_item(world, early)->status, WORK_ASSIGNED);
	static const char *const home[] = {"kt", "bh", "cskh", "cskh", "kn", "bh"};
	for (uint32_t i = 0; i < 6; i++) {
		struct cl_id id = office_slip(world, i, (enum category)(i + 1), LEVEL_LOW, false);
		world_settle(world);
		assert_str(office_item(world, id)->department, home[i]);
		assert_int_equal(office_item(world, id)->status, WORK_ASSIGNED);
		const struct department_state *queue = office_queue(world, home[i]);
		assert_true(queue->name.n > 0 && routing_domain.targets);
		bool supervised = false; /* by one of its own people */
		for (uint32_t j = 0; j < queue->members.n; j++)
			supervised |= cl_str_eq(queue->members.v[j].staff_id, queue->supervisor);
		assert_true(supervised);
	}
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(the_least_loaded_then_longest_without_work_then_by_id),
	        TEST(nobody_gets_more_than_the_capacity_or_anything_while_absent),
	        TEST(only_who_has_the_skill),
	        TEST(what_waits_is_withdrawn_when_the_case_closes),
	        TEST(an_assignment_that_comes_too_late_is_handed_back_once),
	        TEST(work_goes_to_whom_it_is_given),
	        TEST(support_can_ask_for_another_person),
	        TEST(a_wish_for_a_stranger_goes_to_anyone_and_says_so),
	        TEST(who_was_waited_for_leaves_and_others_get_it),
	        TEST(an_older_word_about_a_person_is_not_believed),
	        TEST(a_department_that_is_none_sends_the_work_back),
	        TEST(a_full_list_keeps_the_urgent_and_defers_the_rest),
	        TEST(too_many_people_are_refused_by_an_event),
	        TEST(definitions_are_refused_field_by_field),
	        TEST(the_defaults_give_every_category_a_home),
	};
	return cmocka_run_group_tests_name("routing_queue", tests, NULL, NULL);
}
