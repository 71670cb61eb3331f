/* The consuming half: positions, retries, credit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig.h"

struct consumer {
	struct rig rig;
	struct cl_subscription subscription;
	uint64_t seen; /* records told */
	bool hold;     /* grants nothing by itself */
};

static uint32_t on_records(struct cl_subscription *subscription, const struct wire_records *records, uint32_t bytes) {
	struct consumer *consumer = subscription->context;
	consumer->seen += records->records.n;
	return consumer->hold ? 0 : bytes;
}

static int set_up(void **state) {
	struct consumer *consumer = calloc(1, sizeof(*consumer));
	if (!consumer)
		return -1;
	rig_init(&consumer->rig);
	consumer->subscription = (struct cl_subscription){.env = &consumer->rig.env,
	                                                  .address = CL_STR("rig://producer"),
	                                                  .reply_to = CL_STR("rig://self"),
	                                                  .service = CL_INTAKE,
	                                                  .on_records = on_records,
	                                                  .context = consumer};
	cl_subscription_start(&consumer->subscription, 0, (struct cl_hash){{0}});
	*state = consumer;
	return 0;
}

static int tear_down(void **state) {
	struct consumer *consumer = *state;
	rig_done(&consumer->rig);
	free(consumer);
	return 0;
}

static const struct wire_subscribe *asked(struct consumer *consumer) {
	const struct wire_subscribe *subscribe = rig_last(&consumer->rig, CL_T_wire_subscribe);
	assert_non_null(subscribe);
	assert_false(subscribe->stop);
	return subscribe;
}

/* One record of so many bytes that stands for (after, upto]. */
static bool tell(struct consumer *consumer, struct cl_id id, uint64_t after, uint64_t upto, uint32_t bytes) {
	static const uint8_t zeros[1 << 20];
	struct wire_record record = {.record = {zeros, bytes - CL_HASH_BYTES}};
	struct wire_records records = {.id = id, .after = after, .upto = upto, .upto_hash = {{(uint8_t)upto}}};
	records.records.v = &record;
	records.records.n = 1;
	return cl_subscription_records(&consumer->subscription, &records);
}

static void a_gap_and_a_repeat_are_asked_for_again(void **state) {
	struct consumer *consumer = *state;
	struct cl_id first = asked(consumer)->id;
	assert_true(tell(consumer, first, 0, 5, 1000));
	assert_true(tell(consumer, first, 8, 9, 1000)); /* 6..8 were lost */
	assert_int_equal(consumer->seen, 1);
	const struct wire_subscribe *again = asked(consumer);
	assert_false(cl_id_eq(again->id, first));
	assert_int_equal(again->after, 5);
	assert_int_equal(again->hash.b[0], 5);
	assert_false(tell(consumer, first, 5, 6, 1000)); /* of the former try, on its way still */
	struct cl_id second = again->id;
	assert_true(tell(consumer, second, 5, 9, 1000));
	assert_true(tell(consumer, second, 5, 9, 1000)); /* the same once more */
	assert_int_equal(consumer->seen, 2);
	assert_int_equal(asked(consumer)->after, 9);
}

/* Whatever is lost and asked for again: what was granted and what is held never exceed the window. */
static void retries_do_not_widen_the_window(void **state) {
	struct consumer *consumer = *state;
	consumer->hold = true;
	uint64_t held = 0, seq = 0;
	uint32_t window = asked(consumer)->credit;
	for (int round = 0; round < 8; round++) {
		const struct wire_subscribe *subscribe = asked(consumer);
		assert_true(held + subscribe->credit <= window + 1);
		struct cl_id id = subscribe->id;
		for (uint64_t left = subscribe->credit; left >= 500000; left -= 500000, seq++) {
			assert_true(tell(consumer, id, seq, seq + 1, 500000));
			held += 500000;
		}
		rig_forget_posts(&consumer->rig);
		assert_true(tell(consumer, id, seq + 7, seq + 8, 1000)); /* a gap */
	}
	/* All of it comes back once it is decided. */
	rig_forget_posts(&consumer->rig);
	uint64_t granted = 0;
	for (uint64_t i = 0; i < held / 500000; i++)
		cl_subscription_grant(&consumer->subscription, 500000);
	for (uint32_t i = 0; i < consumer->rig.post_n; i++)
		if (consumer->rig.posts[i].type == CL_T_wire_credit)
			granted += ((const struct wire_credit *)consumer->rig.posts[i].body)->credit;
	assert_int_equal(granted + consumer->subscription.owed, held);
}

static void silence_is_asked_into(void **state) {
	struct consumer *consumer = *state;
	struct cl_id first = asked(consumer)->id;
	consumer->rig.steady_ms += 2999;
	cl_subscription_tick(&consumer->subscription);
	assert_true(cl_id_eq(asked(consumer)->id, first));
	consumer->rig.steady_ms += 1;
	cl_subscription_tick(&consumer->subscription);
	assert_false(cl_id_eq(asked(consumer)->id, first));
}

static void a_refusal_is_final_unless_the_producer_is_busy(void **state) {
	struct consumer *consumer = *state;
	struct wire_subscription_ended ended = {.id = asked(consumer)->id, .status = WIRE_BUSY};
	assert_true(cl_subscription_ended(&consumer->subscription, &ended));
	rig_forget_posts(&consumer->rig);
	cl_subscription_tick(&consumer->subscription);
	ended.id = asked(consumer)->id;
	ended.status = WIRE_DIVERGED;
	assert_true(cl_subscription_ended(&consumer->subscription, &ended));
	rig_forget_posts(&consumer->rig);
	consumer->rig.steady_ms += 60000;
	cl_subscription_tick(&consumer->subscription);
	assert_int_equal(consumer->rig.post_n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(a_gap_and_a_repeat_are_asked_for_again),
	        TEST(retries_do_not_widen_the_window),
	        TEST(silence_is_asked_into),
	        TEST(a_refusal_is_final_unless_the_producer_is_busy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
