/* The service but for its process: projection behind the archive, questions beside it, waiting for positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../property/reporting/archive_check.h"
#include "../../property/reporting/archive_world.h"
#include "reporting/model.h"

struct answers {
	uint32_t n;
	enum wire_status status;
	char field[64], json[2048];
};

struct fixture {
	struct world world;
	struct answers answers;
	char folder[32], path[64];
};

static void on_answer(struct world *world, uint16_t type, const void *body) {
	struct answers *answers = world->context;
	const struct wire_answer *answer = body;
	if (type != CL_T_wire_answer)
		return;
	answers->n++;
	answers->status = answer->status;
	snprintf(answers->field, sizeof(answers->field), CL_STR_FMT, CL_STR_ARG(answer->field));
	assert_true(answer->json.n < sizeof(answers->json));
	snprintf(answers->json, sizeof(answers->json), "%.*s", (int)answer->json.n, (const char *)answer->json.p);
}

static void open_fixture(struct fixture *fixture, uint64_t seed) {
	memset(fixture, 0, sizeof(*fixture));
	snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/reporting-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->path, sizeof(fixture->path), "%s/read.db", fixture->folder);
	world_init(&fixture->world, seed);
	fixture->world.on_subscriber = on_answer;
	fixture->world.context = &fixture->answers;
	world_start_reporting(&fixture->world, fixture->path);
}

static void close_fixture(struct fixture *fixture) {
	world_done(&fixture->world);
	assert_int_equal(reporting_model_delete(fixture->path), CL_OK);
	assert_int_equal(rmdir(fixture->folder), 0);
}

static void ask(struct fixture *fixture, uint8_t id, const char *name, const char *key, const char *value) {
	struct wire_pair pair = {cl_str_from(key), cl_str_from(value)};
	struct wire_query query = {.id = {{id}},
	                           .reply_to = CL_STR("subscriber"),
	                           .name = cl_str_from(name),
	                           .arguments = {&pair, key != NULL}};
	world_send_archive(&fixture->world, CL_T_wire_query, &query);
}

static void projection_follows_the_archive(void **state) {
	struct fixture fixture;
	(void)state;
	open_fixture(&fixture, 1);
	for (int i = 0; i < 100; i++)
		world_append(&fixture.world, &fixture.world.sources[i % WORLD_SOURCES], CL_T_log_accepted, NULL);
	world_settle(&fixture.world);
	uint64_t head = reporting_archive_log(fixture.world.archive)->head.seq;
	assert_int_equal(reporting_projected(fixture.world.reporting), head);
	assert_true(reporting_model_figures(fixture.world.reporting)->batches > 10); /* seven records each */
	world_crash(&fixture.world);
	world_start_reporting(&fixture.world, fixture.path);
	assert_int_equal(reporting_projected(fixture.world.reporting), head);
	close_fixture(&fixture);
}

static void questions_are_answered_in_any_number(void **state) {
	struct fixture fixture;
	(void)state;
	open_fixture(&fixture, 2);
	for (uint8_t i = 1; i <= 20; i++)
		ask(&fixture, i, "figures", NULL, NULL);
	assert_int_equal(fixture.answers.n, 0); /* nothing is answered from within */
	world_settle(&fixture.world);
	assert_int_equal(fixture.answers.n, 20);
	assert_int_equal(fixture.answers.status, WIRE_ACCEPTED);
	assert_non_null(strstr(fixture.answers.json, "\"cases\":0"));
	ask(&fixture, 21, "case_list", "status", "lost");
	world_settle(&fixture.world);
	assert_int_equal(fixture.answers.status, WIRE_INVALID);
	assert_string_equal(fixture.answers.field, "status");
	close_fixture(&fixture);
}

static void a_position_is_waited_for(void **state) {
	struct fixture fixture;
	(void)state;
	open_fixture(&fixture, 3);
	world_settle(&fixture.world);
	ask(&fixture, 1, "min_seq", "archived_at_least", "support/0:3");
	ask(&fixture, 1, "min_seq", "archived_at_least", "support/0:3"); /* the client asks again */
	world_settle(&fixture.world);
	assert_int_equal(fixture.answers.n, 0);
	for (int i = 0; i < 2; i++)
		world_append(&fixture.world, world_source(&fixture.world, CL_SUPPORT, 0), CL_T_log_accepted, NULL);
	while (!fixture.answers.n) {
		if (!world_deliver(&fixture.world) && !world_work(&fixture.world))
			world_pass(&fixture.world, 10);
	}
	assert_int_equal(fixture.answers.status, WIRE_ACCEPTED);
	uint64_t archived;
	assert_true(reporting_archive_position(fixture.world.archive, CL_SUPPORT, 0, &archived));
	assert_int_equal(archived, 3);
	assert_int_equal(reporting_projected(fixture.world.reporting),
	                 reporting_archive_log(fixture.world.archive)->head.seq);
	world_settle(&fixture.world);
	assert_int_equal(fixture.answers.n, 1);
	ask(&fixture, 2, "min_seq", "archived_at_least", "support/0:3"); /* reached already */
	world_settle(&fixture.world);
	assert_int_equal(fixture.answers.n, 2);
	ask(&fixture, 3, "min_seq", "archived_at_least", "support/0:4");
	world_pass(&fixture.world, 31000);
	world_settle(&fixture.world);
	assert_int_equal(fixture.answers.n, 3);
	assert_int_equal(fixture.answers.status, WIRE_EXPIRED);
	close_fixture(&fixture);
}

static void bad_positions_are_named(void **state) {
	static const char *const bad[] = {
	        "",           "support",     "support/0",   "support/0:", "support/2:1", "reporting/0:1",
	        "nobody/0:1", "support/x:1", "support/0:x", "/0:1",       ":",           "support:0/1"};
	struct fixture fixture;
	(void)state;
	open_fixture(&fixture, 4);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fixture.answers.status = wire_status_UNSET;
		ask(&fixture, (uint8_t)(i + 1), "min_seq", "archived_at_least", bad[i]);
		world_settle(&fixture.world);
		if (fixture.answers.status != WIRE_INVALID || strcmp(fixture.answers.field, "archived_at_least") != 0)
			fail_msg("%s", bad[i]);
	}
	ask(&fixture, 100, "min_seq", "until", "1");
	world_settle(&fixture.world);
	assert_string_equal(fixture.answers.field, "until");
	ask(&fixture, 101, "min_seq", NULL, NULL);
	world_settle(&fixture.world);
	assert_string_equal(fixture.answers.field, "archived_at_least");
	close_fixture(&fixture);
}

/* The read model is behind when the process ends: it goes on from where it was. */
static void a_crash_between_archive_and_model(void **state) {
	struct fixture fixture;
	(void)state;
	open_fixture(&fixture, 5);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 20; i++)
			world_append(&fixture.world, &fixture.world.sources[i % WORLD_SOURCES], CL_T_log_accepted,
			             NULL);
		for (int i = 0; i < 60; i++)
			if (!world_deliver(&fixture.world) && !world_work(&fixture.world))
				world_pass(&fixture.world, 9);
		world_crash(&fixture.world);
		world_start_reporting(&fixture.world, fixture.path);
		assert_false(reporting_model_figures(fixture.world.reporting)->rebuilt);
	}
	world_settle(&fixture.world);
	check_archive(&fixture.world, true);
	assert_int_equal(reporting_projected(fixture.world.reporting),
	                 reporting_archive_log(fixture.world.archive)->head.seq);
	close_fixture(&fixture);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(projection_follows_the_archive),
	        cmocka_unit_test(questions_are_answered_in_any_number),
	        cmocka_unit_test(a_position_is_waited_for),
	        cmocka_unit_test(bad_positions_are_named),
	        cmocka_unit_test(a_crash_between_archive_and_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
