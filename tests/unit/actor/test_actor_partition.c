/* The partition at its edges: clocks that jump, ids used twice, crashes, floods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig.h"

#define HOUR_MS 3600000LL
#define DAY_MS (24 * HOUR_MS)

static int set_up(void **state) {
	struct rig *rig = malloc(sizeof(*rig));
	if (!rig)
		return -1;
	rig_init(rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state) {
	struct rig *rig = *state;
	rig_done(rig);
	free(rig);
	return 0;
}

static void assert_status(struct rig *rig, struct cl_id id, enum wire_status status) {
	const struct wire_reply *reply = rig_reply(rig, id);
	assert_non_null(reply);
	assert_int_equal(reply->status, status);
}

static void an_answer_waits_for_the_disk(void **state) {
	struct rig *rig = *state;
	rig_open(rig);
	struct cl_id first = rig_id(rig), second = rig_id(rig);
	rig_command(rig, first, rig_target(1), 2);
	(void)rig_run(rig, CL_LANE_READER);
	rig_command(rig, second, rig_target(1), 3); /* decided while the first is on its way */
	rig_command(rig, first, rig_target(1), 2);  /* and the first once more */
	assert_null(rig_reply(rig, first));
	assert_int_equal(rig_run(rig, CL_LANE_WRITER), 1);
	assert_status(rig, first, WIRE_ACCEPTED);
	assert_null(rig_reply(rig, second));
	rig_settle(rig);
	assert_status(rig, second, WIRE_ACCEPTED);
	rig_forget_posts(rig);
	rig_command(rig, first, rig_target(1), 2);
	rig_settle(rig);
	assert_status(rig, first, WIRE_ACCEPTED);
	assert_true(rig_reply(rig, first)->repeated);
	assert_int_equal(rig_received(rig, rig_target(1)), 5);
}

static void a_crash_before_the_disk_loses_only_what_was_not_answered(void **state) {
	struct rig *rig = *state;
	rig_open(rig);
	struct cl_id first = rig_id(rig), second = rig_id(rig);
	rig_command(rig, first, rig_target(1), 7); /* concerns a second stock too */
	(void)rig_run(rig, CL_LANE_READER);
	(void)rig_run(rig, CL_LANE_WRITER);
	assert_status(rig, first, WIRE_ACCEPTED);
	rig_command(rig, second, rig_target(2), 1);
	rig_close(rig);
	assert_null(rig_reply(rig, second));
	rig_open(rig);
	rig_pass(rig, 1);
	struct cl_id told = cl_id_derive("told", rig_target(1).b, 16);
	assert_int_equal(rig_received(rig, rig_target(1)), 7);
	assert_int_equal(rig_received(rig, told), 1);
	assert_int_equal(rig_received(rig, rig_target(2)), 0);
	rig_close(rig); /* once more: what was told is not told again */
	rig_open(rig);
	rig_pass(rig, 1);
	assert_int_equal(rig_received(rig, told), 1);
}

static void a_full_disk_is_waited_for(void **state) {
	struct rig *rig = *state;
	rig_open(rig);
	struct cl_id id = rig_id(rig);
	rig->no_space = true;
	rig_command(rig, id, rig_target(1), 2);
	rig_settle(rig);
	for (int i = 0; i < 10; i++)
		rig_pass(rig, 100);
	assert_null(rig_reply(rig, id));
	rig_command(rig, id, rig_target(1), 2);
	rig->no_space = false;
	rig_pass(rig, 300);
	assert_status(rig, id, WIRE_ACCEPTED);
	assert_int_equal(rig_received(rig, rig_target(1)), 2);
}

/* The log forgets commands by the time recorded, which stays ahead when the wall clock is set back. */
static void a_clock_set_back_does_not_run_a_command_twice(void **state) {
	static const int64_t jumps[] = {3 * HOUR_MS, 6 * DAY_MS, 30 * DAY_MS};
	struct rig *rig = *state;
	rig_open(rig);
	for (uint32_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		struct cl_id old = rig_id(rig);
		rig_command(rig, old, rig_target(i), 1);
		rig_settle(rig);
		assert_int_equal(rig_received(rig, rig_target(i)), 1);
		rig_pass(rig, 7 * DAY_MS - HOUR_MS); /* nearly too old */
		rig->wall_ms += jumps[i];
		rig_command(rig, rig_id(rig), rig_target(100), 1);
		rig_settle(rig);
		rig->wall_ms -= jumps[i];
		rig_command(rig, rig_id(rig), rig_target(100), 1);
		rig_command(rig, old, rig_target(i), 1);
		rig_settle(rig);
		assert_int_equal(rig_received(rig, rig_target(i)), 1);
		rig_pass(rig, 2 * jumps[i]);
	}
}

static void a_command_that_grew_too_old_while_it_waited_is_not_run(void **state) {
	struct rig *rig = *state;
	rig_open(rig);
	struct cl_id old = rig_id(rig);
	rig_command(rig, old, rig_target(1), 1);
	rig_settle(rig);
	rig_close(rig); /* so that the stock has to be loaded */
	rig->wall_ms += 7 * DAY_MS - HOUR_MS;
	rig_open(rig);
	rig_command(rig, rig_id(rig), rig_target(2), 1);
	rig_settle(rig);
	rig_command(rig, old, rig_target(1), 1); /* waits for the load */
	rig->wall_ms += 2 * HOUR_MS;
	rig_command(rig, rig_id(rig), rig_target(2), 1);
	(void)rig_run(rig, CL_LANE_WRITER); /* with this the log has forgotten it */
	rig_settle(rig);
	assert_status(rig, old, WIRE_EXPIRED);
	assert_int_equal(rig_received(rig, rig_target(1)), 1);
}

/* Drawn before the clock was set back, it seems to come from the future: its outcome is recorded all the same. */
static void a_repeat_after_a_clock_set_back_gets_its_outcome(void **state) {
	struct rig *rig = *state;
	rig_open(rig);
	struct cl_id id = rig_id(rig);
	rig_command(rig, id, rig_target(1), 1);
	rig_settle(rig);
	rig_forget_posts(rig);
	rig->wall_ms -= 5 * HOUR_MS;
	rig_command(rig, id, rig_target(1), 1);
	rig_settle(rig);
	assert_status(rig, id, WIRE_ACCEPTED);
	assert_true(rig_reply(rig, id)->repeated);
	assert_int_equal(rig_received(rig, rig_target(1)), 1);
}

static void an_id_used_for_another_target_is_refused(void **state) {
	struct rig *rig = *state;
	rig_open(rig);
	struct cl_id id = rig_id(rig);
	rig_command(rig, id, rig_target(1), 1);
	rig_settle(rig);
	rig_command(rig, id, rig_target(2), 1);
	rig_settle(rig);
	assert_status(rig, id, WIRE_INVALID);
	assert_int_equal(rig_received(rig, rig_target(2)), 0);
}

static uint64_t signed_upto(struct rig *rig, struct cl_verify_report *ret_report) {
	assert_int_equal(cl_log_verify(rig->store, rig->sign_key.public_key, NULL, NULL, ret_report), CL_OK);
	return ret_report->last_signed_seq;
}

/* A checkpoint states what was durable when it was decided: what is in the batch with it needs the next one. */
static void the_end_of_a_burst_is_signed_within_a_minute(void **state) {
	struct rig *rig = *state;
	struct cl_verify_report report;
	for (int crash = 0; crash < 2; crash++) {
		rig_open(rig);
		rig_command(rig, rig_id(rig), rig_target(1), 1);
		rig_settle(rig);
		rig->wall_ms += 61000;
		rig->steady_ms += 61000;
		rig_command(rig, rig_id(rig), rig_target(1), 1); /* in one batch with the checkpoint */
		rig_settle(rig);
		uint64_t last = cl_partition_log(rig->partition)->head.seq;
		if (crash) {
			rig_close(rig);
			rig_open(rig);
		}
		for (int i = 0; i < 70; i++)
			rig_pass(rig, 1000);
		assert_true(signed_upto(rig, &report) + 1 >= last);
		uint64_t head = report.head.seq;
		for (int i = 0; i < 300; i++) /* and silence adds nothing */
			rig_pass(rig, 1000);
		(void)signed_upto(rig, &report);
		assert_int_equal(report.head.seq, head);
		rig_close(rig);
	}
}

/* -- floods -- */

static void what_is_loaded_for_nothing_stays_within_the_budget(void **state) {
	struct rig *rig = *state;
	rig->options.memory_bytes = 64 << 10;
	rig_open(rig);
	for (uint32_t i = 0; i < 2000; i++) {
		rig_command_bytes(rig, rig_id(rig), rig_target(i), (struct cl_bytes){(const uint8_t *)"\xc1", 1});
		rig_settle(rig);
	}
	assert_int_equal(rig_posted(rig, CL_T_wire_reply), 2000);
	assert_in_range(cl_partition_stats(rig->partition)->resident_bytes, 0, 80 << 10);
}

static void commands_that_wait_are_bounded_by_their_bytes_too(void **state) {
	struct rig *rig = *state;
	uint8_t *body = calloc(1, 262144);
	assert_non_null(body);
	rig_open(rig);
	uint32_t n = 0, last = 4096;
	for (; n < last; n++) { /* nothing is loaded: all of them wait */
		struct cl_id id = rig_id(rig);
		rig_command_bytes(rig, id, rig_target(1), (struct cl_bytes){body, 262144});
		if (rig_reply(rig, id))
			break;
	}
	assert_in_range(n, 64, 1024); /* at most 256 MiB */
	rig_settle(rig);
	assert_int_equal(rig_posted(rig, CL_T_wire_reply), n + 1);
	struct cl_id id = rig_id(rig);
	rig_command(rig, id, rig_target(1), 1); /* and there is room again */
	rig_settle(rig);
	assert_status(rig, id, WIRE_ACCEPTED);
	free(body);
}

static void questions_that_wait_are_bounded(void **state) {
	struct rig *rig = *state;
	rig_open(rig);
	struct wire_get get = {.reply_to = CL_STR("rig://client"), .kind = CL_KIND_STOCK, .target = rig_target(1)};
	for (int i = 0; i < 8000 && !rig_posted(rig, CL_T_wire_state); i++) {
		get.id = rig_id(rig);
		cl_partition_message(rig->partition, CL_T_wire_get, &get);
	}
	const struct wire_state *answer = rig_last(rig, CL_T_wire_state);
	assert_non_null(answer);
	assert_int_equal(answer->status, WIRE_BUSY);
	rig_settle(rig);
	get.id = rig_id(rig);
	cl_partition_message(rig->partition, CL_T_wire_get, &get);
	rig_settle(rig);
	answer = rig_last(rig, CL_T_wire_state);
	assert_int_equal(answer->status, WIRE_NOT_FOUND);
}

/* An event for an actor that is not resident waits for its load; commands must not run ahead of it without end. */
static void commands_wait_for_the_events_that_they_cause(void **state) {
	struct rig *rig = *state;
	rig_open(rig);
	rig_command(rig, rig_id(rig), rig_target(1), 1);
	rig_settle(rig);
	rig_command(rig, rig_id(rig), rig_target(1), 7);
	for (uint32_t i = 0; i < 20000; i++) { /* the load of the stock that is told never ends */
		rig_command(rig, rig_id(rig), rig_target(1), 7);
		(void)rig_run(rig, CL_LANE_WRITER);
		rig_forget_posts(rig);
	}
	assert_in_range(cl_partition_stats(rig->partition)->accepted, 1, 18000);
	rig_settle(rig);
	for (int i = 0; i < 100; i++)
		rig_pass(rig, 10);
	assert_int_equal(rig_received(rig, rig_target(1)), 7 * 20001 + 1);
	assert_int_equal(rig_received(rig, cl_id_derive("told", rig_target(1).b, 16)), 20001);
}

/* A full batch goes to the disk: what waited is decided meanwhile, not when the disk is done. */
static void deciding_goes_on_while_a_full_batch_is_written(void **state) {
	struct rig *rig = *state;
	rig_open(rig);
	rig_command(rig, rig_id(rig), rig_target(1), 1);
	rig_pass(rig, 1); /* housekeeping is a second away */
	for (uint32_t i = 0; i < 9000; i++)
		rig_command(rig, rig_id(rig), rig_target(1), 1);
	uint64_t accepted = cl_partition_stats(rig->partition)->accepted;
	assert_in_range(accepted, 8000, 8999); /* one batch on its way, one full */
	rig->steady_ms += 3;
	assert_int_equal(rig_run(rig, CL_LANE_WRITER), 1);
	assert_in_range(rig->wake_ms, 0, rig->steady_ms);
	cl_partition_wake(rig->partition);
	assert_int_equal(cl_partition_stats(rig->partition)->accepted, 9001);
	rig_settle(rig);
	rig_pass(rig, 10);
	assert_int_equal(rig_received(rig, rig_target(1)), 9001);
}

/* What events wait for is asked for together. */
static void loads_for_own_events_are_made_together(void **state) {
	struct rig *rig = *state;
	rig_open(rig);
	for (uint32_t i = 0; i < 100; i++)
		rig_command(rig, rig_id(rig), rig_target(i), 7);
	uint32_t rounds = 0;
	while (rig_run(rig, CL_LANE_READER))
		rounds++;
	rig_settle(rig);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(rig_received(rig, cl_id_derive("told", rig_target(i).b, 16)), 1);
	assert_in_range(rounds, 1, 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(an_answer_waits_for_the_disk),
	        TEST(a_crash_before_the_disk_loses_only_what_was_not_answered),
	        TEST(a_full_disk_is_waited_for),
	        TEST(a_clock_set_back_does_not_run_a_command_twice),
	        TEST(a_command_that_grew_too_old_while_it_waited_is_not_run),
	        TEST(a_repeat_after_a_clock_set_back_gets_its_outcome),
	        TEST(an_id_used_for_another_target_is_refused),
	        TEST(the_end_of_a_burst_is_signed_within_a_minute),
	        TEST(what_is_loaded_for_nothing_stays_within_the_budget),
	        TEST(commands_that_wait_are_bounded_by_their_bytes_too),
	        TEST(questions_that_wait_are_bounded),
	        TEST(commands_wait_for_the_events_that_they_cause),
	        TEST(deciding_goes_on_while_a_full_batch_is_written),
	        TEST(loads_for_own_events_are_made_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
