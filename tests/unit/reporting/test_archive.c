/* The archive's promises one by one; its order under random histories is in tests/property/reporting. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../../property/reporting/archive_check.h"
#include "../../property/reporting/archive_world.h"
#include "codec.h"

static struct reporting_source source_of(const struct world *world, uint32_t service, uint32_t partition) {
	struct reporting_source source;
	for (uint32_t i = 0; i < reporting_archive_source_count(world->archive); i++) {
		reporting_archive_source_at(world->archive, i, &source);
		if (source.service == service && source.partition == partition)
			return source;
	}
	fail_msg("no source %u/%u", service, partition);
	return source;
}

static void everything_is_copied(void **state) {
	struct world world;
	(void)state;
	world_init(&world, 1);
	for (int i = 0; i < 100; i++)
		world_append(&world, &world.sources[i % WORLD_SOURCES], CL_T_log_accepted, NULL);
	world_start(&world);
	world_settle(&world);
	check_archive(&world, true);
	/* Its own log_opened, one of each source, a hundred, and the checkpoint of the first minute if it came. */
	assert_true(reporting_archive_log(world.archive)->head.seq >= 1 + WORLD_SOURCES + 100);
	world_done(&world);
}

/* -- chain -- */

static bool flip_a_bit(struct world *world, struct world_message *message) {
	struct world_source *routing = world_source(world, CL_ROUTING, 0);
	if (message->type != CL_T_wire_records || message->from != &routing->node)
		return true;
	struct wire_records *records = message->body;
	for (uint32_t i = 0; i < records->records.n; i++)
		if (cl_record_seq(records->records.v[i].record) == 5) {
			uint8_t *bytes = (uint8_t *)(uintptr_t)records->records.v[i].record.p;
			bytes[records->records.v[i].record.n - 1] ^= 1;
		}
	return true;
}

static void a_changed_record_stops_its_source(void **state) {
	struct world world;
	(void)state;
	world_init(&world, 2);
	world.tamper = flip_a_bit;
	for (int i = 0; i < 9; i++) {
		world_append(&world, world_source(&world, CL_ROUTING, 0), CL_T_log_accepted, NULL);
		world_append(&world, world_source(&world, CL_SUPPORT, 1), CL_T_log_accepted, NULL);
	}
	world_start(&world);
	world_settle(&world);
	assert_int_equal(source_of(&world, CL_ROUTING, 0).state, REPORTING_BROKEN);
	assert_int_equal(source_of(&world, CL_ROUTING, 0).archived, 4);
	assert_int_equal(source_of(&world, CL_SUPPORT, 1).state, REPORTING_FOLLOWING);
	assert_int_equal(source_of(&world, CL_SUPPORT, 1).archived, 10);
	assert_int_equal(reporting_archive_stats(world.archive)->chain_breaks, 1);
	check_archive(&world, false);
	world_done(&world);
}

static bool leave_one_out(struct world *world, struct world_message *message) {
	(void)world;
	if (message->type != CL_T_wire_records)
		return true;
	struct wire_records *records = message->body;
	if (records->records.n > 3) {
		memmove(&records->records.v[2], &records->records.v[3],
		        (records->records.n - 3) * sizeof(records->records.v[0]));
		records->records.n--;
	}
	return true;
}

static void a_gap_stops_its_source(void **state) {
	struct world world;
	(void)state;
	world_init(&world, 3);
	world.tamper = leave_one_out;
	for (int i = 0; i < 9; i++)
		world_append(&world, world_source(&world, CL_INTAKE, 0), CL_T_log_accepted, NULL);
	world_start(&world);
	world_settle(&world);
	assert_int_equal(source_of(&world, CL_INTAKE, 0).state, REPORTING_BROKEN);
	assert_int_equal(source_of(&world, CL_INTAKE, 0).archived, 2);
	world_done(&world);
}

static void another_log_in_the_sources_place_is_refused(void **state) {
	struct world world, other;
	(void)state;
	world_init(&world, 4);
	world_init(&other, 5);
	for (int i = 0; i < 5; i++) {
		world_append(&world, world_source(&world, CL_ORDER, 0), CL_T_log_accepted, NULL);
		world_append(&other, world_source(&other, CL_ORDER, 0), CL_T_log_accepted, NULL);
	}
	world_start(&world);
	world_settle(&world);
	world_crash(&world);
	struct world_source *order = world_source(&world, CL_ORDER, 0);
	struct cl_log kept = order->log;
	order->log = world_source(&other, CL_ORDER, 0)->log;
	order->publisher.log = &order->log;
	world_start(&world);
	world_settle(&world);
	assert_int_equal(source_of(&world, CL_ORDER, 0).state, REPORTING_DIVERGED);
	assert_int_equal(source_of(&world, CL_ORDER, 0).archived, 6);
	assert_int_equal(reporting_archive_stats(world.archive)->diverged, 1);
	order->log = kept;
	world_done(&world);
	world_done(&other);
}

/* -- held back -- */

static bool lose_routing(struct world *world, struct world_message *message) {
	return message->from != &world_source(world, CL_ROUTING, 0)->node;
}

static void an_effect_waits_for_its_cause(void **state) {
	struct world world;
	(void)state;
	world_init(&world, 6);
	struct world_source *routing = world_source(&world, CL_ROUTING, 0),
	                    *support = world_source(&world, CL_SUPPORT, 0);
	world_append(&world, routing, CL_T_log_accepted, NULL);
	struct cl_cause cause = world_position(routing, 2);
	world_append(&world, support, CL_T_log_accepted, &cause);
	world_append(&world, support, CL_T_log_accepted, NULL);
	world.tamper = lose_routing;
	world_start(&world);
	world_settle(&world);
	assert_int_equal(source_of(&world, CL_SUPPORT, 0).archived, 1);
	assert_int_equal(source_of(&world, CL_SUPPORT, 0).held, 2);
	assert_int_equal(reporting_archive_stats(world.archive)->held, 2);
	assert_int_equal(reporting_archive_stats(world.archive)->held_alarms, 0);
	world_pass(&world, 61000);
	world_settle(&world);
	assert_int_equal(reporting_archive_stats(world.archive)->held_alarms, 1);
	world.tamper = NULL;
	world_settle(&world);
	assert_int_equal(reporting_archive_stats(world.archive)->held, 0);
	assert_int_equal(reporting_archive_stats(world.archive)->held_alarms, 0);
	check_archive(&world, true);
	world_done(&world);
}

static void a_held_source_is_bounded(void **state) {
	struct world world;
	(void)state;
	world_init(&world, 7);
	world.options.credit_bytes = 2000;
	struct world_source *routing = world_source(&world, CL_ROUTING, 0),
	                    *support = world_source(&world, CL_SUPPORT, 0);
	world_append(&world, routing, CL_T_log_accepted, NULL);
	struct cl_cause cause = world_position(routing, 2);
	for (int i = 0; i < 2000; i++)
		world_append(&world, support, CL_T_log_accepted, &cause);
	world.tamper = lose_routing;
	world_start(&world);
	for (int i = 0; i < 20; i++) { /* the subscription is renewed again and again */
		world.lose_permille = 500;
		world_pass(&world, 4000);
		world_settle(&world);
	}
	assert_true(source_of(&world, CL_SUPPORT, 0).received < 500);
	world.lose_permille = 0;
	world.tamper = NULL;
	world_settle(&world);
	check_archive(&world, true);
	world_done(&world);
}

/* -- no space -- */

static struct cl_kv_ops short_ops;
static int (*real_commit)(struct cl_kv_txn *txn);
static void (*real_abort)(struct cl_kv_txn *txn);
static int commits_to_fail;

static int short_commit(struct cl_kv_txn *txn) {
	if (commits_to_fail == 0)
		return real_commit(txn);
	commits_to_fail--;
	real_abort(txn);
	return CL_E_NOSPACE;
}

static void a_full_disk_is_waited_out(void **state) {
	struct world world;
	(void)state;
	world_init(&world, 8);
	world_start(&world);
	short_ops = *world.archive_node.kv->ops;
	real_commit = short_ops.commit;
	real_abort = short_ops.abort;
	short_ops.commit = short_commit;
	world.archive_node.kv->ops = &short_ops;
	commits_to_fail = 40;
	for (int i = 0; i < 50; i++)
		world_append(&world, &world.sources[i % WORLD_SOURCES], CL_T_log_accepted, NULL);
	world_settle(&world);
	assert_int_equal(commits_to_fail, 0);
	assert_true(reporting_archive_stats(world.archive)->stalls > 1);
	assert_null(world.died);
	check_archive(&world, true);
	world_done(&world);
}

/* -- as a stream -- */

struct reader {
	uint64_t n, last;
};

static void to_reader(struct world *world, uint16_t type, const void *body) {
	struct reader *reader = world->context;
	const struct wire_records *records = body;
	if (type != CL_T_wire_records)
		return;
	for (uint32_t i = 0; i < records->records.n; i++) {
		struct reporting_copy copy;
		struct cl_bytes record = records->records.v[i].record;
		assert_int_equal(reporting_copy_open(record, &copy), CL_OK);
		assert_int_equal(cl_record_type(copy.record), CL_T_log_consumed);
		assert_true(cl_record_seq(record) > reader->last);
		reader->last = cl_record_seq(record);
		reader->n++;
	}
}

static void subscribers_choose_by_the_originals_type(void **state) {
	struct world world;
	struct reader reader = {.n = 0};
	const uint8_t types[] = {CL_T_log_consumed >> 8, CL_T_log_consumed & 0xff};
	struct wire_subscribe subscribe = {
	        .id = {{1}}, .reply_to = CL_STR("subscriber"), .credit = 1u << 20, .types = {types, sizeof(types)}};
	(void)state;
	world_init(&world, 9);
	struct world_source *routing = world_source(&world, CL_ROUTING, 0),
	                    *support = world_source(&world, CL_SUPPORT, 0);
	struct cl_cause cause = world_position(routing, 1);
	for (int i = 0; i < 20; i++)
		world_append(&world, support, i % 4 ? CL_T_log_accepted : CL_T_log_consumed, i % 4 ? NULL : &cause);
	world.on_subscriber = to_reader;
	world.context = &reader;
	world_start(&world);
	world_send_archive(&world, CL_T_wire_subscribe, &subscribe);
	world_settle(&world);
	assert_int_equal(reader.n, 5);
	world_append(&world, support, CL_T_log_consumed, &cause); /* live */
	world_settle(&world);
	assert_int_equal(reader.n, 6);
	world_done(&world);
}

/* -- draining -- */

static void note_drained(void *context) {
	*(bool *)context = true;
}

static void drains_what_was_decided(void **state) {
	struct world world;
	bool drained = false;
	(void)state;
	world_init(&world, 10);
	world.options.linger_ms = 1000000; /* nothing would be written without the drain */
	for (int i = 0; i < 50; i++)
		world_append(&world, &world.sources[i % WORLD_SOURCES], CL_T_log_accepted, NULL);
	world_start(&world);
	while (world_deliver(&world))
		;
	assert_int_equal(reporting_archive_log(world.archive)->head.seq, 1);
	reporting_archive_drain(world.archive, note_drained, &drained);
	assert_false(drained);
	while (world_work(&world))
		;
	assert_true(drained);
	assert_int_equal(reporting_archive_log(world.archive)->head.seq, 1 + WORLD_SOURCES + 50);
	check_archive(&world, true);
	world_done(&world);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(everything_is_copied),
	        cmocka_unit_test(a_changed_record_stops_its_source),
	        cmocka_unit_test(a_gap_stops_its_source),
	        cmocka_unit_test(another_log_in_the_sources_place_is_refused),
	        cmocka_unit_test(an_effect_waits_for_its_cause),
	        cmocka_unit_test(a_held_source_is_bounded),
	        cmocka_unit_test(a_full_disk_is_waited_out),
	        cmocka_unit_test(subscribers_choose_by_the_originals_type),
	        cmocka_unit_test(drains_what_was_decided),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
