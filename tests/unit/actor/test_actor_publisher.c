/* The producing half: filters, credit, lost posts, positions it lacks, consumers that do not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig.h"

static int set_up(void **state) {
	struct rig *rig = malloc(sizeof(*rig));
	if (!rig)
		return -1;
	rig_init(rig);
	rig_open(rig);
	for (uint32_t i = 0; i < 50; i++)
		rig_command(rig, rig_id(rig), rig_target(1), 1);
	rig_settle(rig);
	rig_forget_posts(rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state) {
	struct rig *rig = *state;
	rig_done(rig);
	free(rig);
	return 0;
}

static struct cl_id subscribe(struct rig *rig, uint64_t after, struct cl_hash hash, uint32_t credit) {
	struct wire_subscribe message = {.id = rig_id(rig),
	                                 .reply_to = CL_STR("rig://consumer"),
	                                 .after = after,
	                                 .hash = hash,
	                                 .credit = credit};
	cl_partition_message(rig->partition, CL_T_wire_subscribe, &message);
	cl_partition_turn(rig->partition);
	return message.id;
}

static void grant(struct rig *rig, struct cl_id id, uint32_t credit) {
	struct wire_credit message = {.id = id, .credit = credit};
	cl_partition_message(rig->partition, CL_T_wire_credit, &message);
	cl_partition_turn(rig->partition);
}

/* Records told from the start, which must follow one another. */
static uint64_t told(struct rig *rig, uint64_t from) {
	uint64_t at = from;
	for (uint32_t i = 0; i < rig->post_n; i++) {
		const struct wire_records *records = rig->posts[i].body;
		if (rig->posts[i].type != CL_T_wire_records)
			continue;
		assert_int_equal(records->after, at);
		for (uint32_t j = 0; j < records->records.n; j++)
			assert_int_equal(cl_record_seq(records->records.v[j].record), ++at);
		assert_int_equal(records->upto, at);
	}
	return at;
}

static void credit_is_kept_to(void **state) {
	struct rig *rig = *state;
	struct cl_id id = subscribe(rig, 0, (struct cl_hash){{0}}, 1);
	assert_int_equal(told(rig, 0), 1);
	for (int i = 0; i < 20; i++)
		rig_pass(rig, 1000); /* heartbeats only */
	assert_int_equal(told(rig, 0), 1);
	grant(rig, id, 1 << 20);
	for (int i = 0; i < 5; i++)
		rig_pass(rig, 1000);
	assert_int_equal(told(rig, 0), cl_partition_log(rig->partition)->head.seq);
}

static void a_post_that_is_refused_is_made_again(void **state) {
	struct rig *rig = *state;
	rig->post_rc = CL_E_AGAIN;
	(void)subscribe(rig, 0, (struct cl_hash){{0}}, 1 << 20);
	rig_pass(rig, 100);
	rig->post_rc = CL_OK;
	rig_pass(rig, 1000);
	rig_pass(rig, 1000);
	assert_int_equal(told(rig, 0), cl_partition_log(rig->partition)->head.seq);
}

/* Turns come by the thousand a second; a peer that takes nothing must not cost each of them a frame. */
static void a_peer_that_takes_nothing_is_left_alone_for_a_while(void **state) {
	struct rig *rig = *state;
	(void)subscribe(rig, 1, (struct cl_hash){{0}}, 1);
	rig_forget_posts(rig);
	rig->post_rc = CL_E_AGAIN;
	(void)subscribe(rig, 0, (struct cl_hash){{0}}, 1 << 20);
	rig->tries = 0;
	for (int i = 0; i < 1000; i++)
		cl_partition_turn(rig->partition);
	uint32_t tries = rig->tries;
	rig->post_rc = CL_OK;
	rig_pass(rig, 50);
	assert_in_range(tries, 0, 1000); /* greetings only, without records */
	assert_int_equal(told(rig, 0), cl_partition_log(rig->partition)->head.seq);
}

static void a_silent_consumer_is_dropped(void **state) {
	struct rig *rig = *state;
	(void)subscribe(rig, 0, (struct cl_hash){{0}}, 1);
	for (int i = 0; i < 31; i++)
		rig_pass(rig, 1000);
	rig_forget_posts(rig);
	rig_pass(rig, 5000);
	assert_int_equal(rig_posted(rig, CL_T_wire_records), 0);
}

static void a_position_that_the_log_lacks_is_refused(void **state) {
	struct rig *rig = *state;
	uint64_t head = cl_partition_log(rig->partition)->head.seq;
	struct cl_hash hash = cl_partition_log(rig->partition)->head.hash;
	(void)subscribe(rig, head, hash, 1000);
	assert_int_equal(rig_posted(rig, CL_T_wire_subscription_ended), 0);
	hash.b[0] ^= 1;
	(void)subscribe(rig, head, hash, 1000);
	const struct wire_subscription_ended *ended = rig_last(rig, CL_T_wire_subscription_ended);
	assert_non_null(ended);
	assert_int_equal(ended->status, WIRE_DIVERGED);
	assert_int_equal(ended->head, head);
	rig_forget_posts(rig);
	(void)subscribe(rig, head + 1, (struct cl_hash){{0}}, 1000);
	ended = rig_last(rig, CL_T_wire_subscription_ended);
	assert_non_null(ended);
	assert_int_equal(ended->status, WIRE_DIVERGED);
}

/* What is not durable is nobody's to know. */
static void only_what_is_durable_is_told(void **state) {
	struct rig *rig = *state;
	uint64_t head = cl_partition_log(rig->partition)->head.seq;
	(void)subscribe(rig, 0, (struct cl_hash){{0}}, 1 << 20);
	rig_command(rig, rig_id(rig), rig_target(1), 1);
	cl_partition_turn(rig->partition);
	assert_int_equal(told(rig, 0), head);
	(void)rig_run(rig, CL_LANE_WRITER);
	assert_int_equal(told(rig, 0), head + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(credit_is_kept_to),
	        TEST(a_post_that_is_refused_is_made_again),
	        TEST(a_peer_that_takes_nothing_is_left_alone_for_a_while),
	        TEST(a_silent_consumer_is_dropped),
	        TEST(a_position_that_the_log_lacks_is_refused),
	        TEST(only_what_is_durable_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
