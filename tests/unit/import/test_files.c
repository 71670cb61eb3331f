/* The two real logs of ../shared/data through the shipped maps and through the rules of support: every event is
 * counted, and the outcome is pinned. Skipped where the logs are not at hand.
 *
 * helpdesk: M. Polato, 2017, doi 10.4121/uuid:0c60edf1-6f83-4e75-9367-4c63b3e9d5bb
 * BPI challenge 2013, incidents: W. Steeman, 2013, doi 10.4121/uuid:500573e6-accc-4b0c-9576-aa5468b10cee */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "import.h"
#include "support.h"

#define NOW INT64_C(1790000000000)

struct expected {
	const char *activity;
	uint64_t events;
};

struct tally {
	uint32_t traces, events, changed, noted, refused, timers;
	uint32_t by_status[CASE_CLOSED + 1], by_outcome[OUTCOME_CANCELLED + 1];
};

struct player { /* one case after another through decide and evolve */
	struct cl_arena actor, turn;
	struct case_state state;
	uint32_t version;
	struct support_state policy;
};

static void play(struct player *player, struct cl_message *message, struct cl_decision *decision) {
	struct cl_ctx ctx = {.now_ms = NOW,
	                     .occurred_ms = NOW,
	                     .who = CL_STR("nhap"),
	                     .registry = &player->policy,
	                     .partitions = 1,
	                     .arena = &player->turn};
	*decision = (struct cl_decision){.arena = &player->turn};
	message->kind = CL_KIND_CASE;
	support_domain.decide(&ctx, &player->state, player->version, message, decision);
	assert_int_equal(decision->reject, 0);
	for (uint32_t i = 0; i < decision->n; i++) {
		struct cl_event event = {.type = decision->events[i].type,
		                         .body = decision->events[i].body,
		                         .kind = CL_KIND_CASE,
		                         .version = ++player->version,
		                         .recorded_ms = NOW,
		                         .occurred_ms = decision->events[i].occurred_ms,
		                         .who = decision->events[i].who};
		support_domain.evolve(CL_KIND_CASE, &player->state, &event, &player->actor);
	}
}

static void open_case(struct player *player, const struct import_trace *trace) {
	struct item_routed routed = {.department = CL_STR("ky-thuat")};
	routed.slip.number = CL_STR("PTN-2026-000001");
	routed.slip.priority = LEVEL_MEDIUM;
	routed.slip.imported = true;
	routed.slip.source_key = trace->contact.source_key;
	struct cl_event event = {.type = CL_T_item_routed, .body = &routed};
	struct cl_message message = {.role = CL_MSG_EVENT, .event = &event};
	struct cl_decision decision;
	play(player, &message, &decision);
}

static void play_trace(struct player *player, const struct import_trace *trace, struct tally *tally) {
	cl_arena_reset(&player->actor);
	player->state = (struct case_state){0};
	player->version = 0;
	open_case(player, trace);
	struct case_import command;
	for (uint32_t from = 0, n; (n = import_batch(trace, from, &command)) > 0; from += n) {
		cl_arena_reset(&player->turn);
		struct cl_message message = {.role = CL_MSG_COMMAND, .type = CL_T_case_import, .body = &command};
		struct cl_decision decision;
		play(player, &message, &decision);
		const struct case_history_imported *imported = decision.events[decision.n - 1].body;
		tally->changed += imported->changed;
		tally->noted += imported->noted;
		tally->refused += imported->refused;
	}
	tally->traces++;
	tally->events += trace->row_n;
	tally->by_status[player->state.status]++;
	tally->by_outcome[player->state.outcome]++;
	tally->timers += support_domain.due(CL_KIND_CASE, &player->state) != 0;
}

static void read_all(const char *name, const struct expected *expected, uint32_t expected_n, struct tally *tally) {
	char log[512], map_file[512];
	snprintf(log, sizeof(log), "%s/%s.xes.gz", CL_TEST_DATA, name);
	snprintf(map_file, sizeof(map_file), "%s/%s.yaml", CL_TEST_MAPS, name);
	struct import_error error = {0};
	struct import_map *map = NULL;
	struct import *import;
	const struct import_trace *trace;
	if (import_map_open(map_file, &map, &error) != CL_OK)
		fail_msg("%s", error.text[CL_EN]);
	if (access(log, R_OK) != 0) {
		printf("%s is not there: the log itself is not read\n", log);
		import_map_close(map);
		skip();
	}
	assert_int_equal(import_open(log, map, &import, &error), CL_OK);
	struct player player = {.version = 0};
	cl_arena_init(&player.actor, 4096);
	cl_arena_init(&player.turn, 65536);
	int rc;
	while ((rc = import_next(import, &trace, &error)) == CL_OK && trace)
		play_trace(&player, trace, tally);
	if (rc != CL_OK)
		fail_msg("%s", error.text[CL_EN]);
	uint32_t n;
	const struct import_count *counts = import_counts(import, &n);
	assert_int_equal(n, expected_n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = 0;
		while (k < expected_n && !cl_str_eqc(counts[i].activity, expected[k].activity))
			k++;
		assert_true(k < expected_n);
		if (counts[i].events != expected[k].events)
			fail_msg("%s: %llu", expected[k].activity, (unsigned long long)counts[i].events);
	}
	printf("%s: %u traces, %u events: %u changed, %u noted, %u of these refused\n", name, tally->traces,
	       tally->events, tally->changed, tally->noted, tally->refused);
	cl_arena_done(&player.actor);
	cl_arena_done(&player.turn);
	import_close(import);
	import_map_close(map);
	assert_int_equal(tally->changed + tally->noted, tally->events); /* nothing dropped */
	assert_int_equal(tally->timers, 0);
}

static void test_helpdesk(void **state) {
	(void)state;
	static const struct expected expected[] = {
	        {"Take in charge ticket", 5060},
	        {"Resolve ticket", 4983},
	        {"Assign seriousness", 4938},
	        {"Closed", 4574},
	        {"Wait", 1463},
	        {"Require upgrade", 119},
	        {"Insert ticket", 118},
	        {"Create SW anomaly", 67},
	        {"Resolve SW anomaly", 13},
	        {"Schedule intervention", 5},
	        {"VERIFIED", 3},
	        {"RESOLVED", 2},
	        {"INVALID", 2},
	        {"DUPLICATE", 1},
	};
	struct tally tally = {0};
	read_all("helpdesk", expected, sizeof(expected) / sizeof(expected[0]), &tally);
	assert_int_equal(tally.traces, 4580);
	assert_int_equal(tally.events, 21348);
	/* By map 118 notes ("Insert ticket": the contact itself); the others are what the rules refuse. */
	assert_int_equal(tally.noted - tally.refused, 118);
	assert_int_equal(tally.refused, 20);
	assert_int_equal(tally.by_outcome[OUTCOME_SILENT], 4555);
	assert_int_equal(tally.by_outcome[OUTCOME_INVALID], 2);
	assert_int_equal(tally.by_status[CASE_CLOSED], 4557); /* those whose last event is "Closed" */
}

static void test_incidents(void **state) {
	(void)state;
	static const struct expected expected[] = {
	        {"Accepted/In Progress", 30239},
	        {"Queued/Awaiting Assignment", 11544},
	        {"Completed/Resolved", 6115},
	        {"Completed/Closed", 5716},
	        {"Accepted/Wait - User", 4217},
	        {"Accepted/Assigned", 3221},
	        {"Completed/In Call", 2035},
	        {"Accepted/Wait", 1533},
	        {"Accepted/Wait - Implementation", 493},
	        {"Accepted/Wait - Vendor", 313},
	        {"Accepted/Wait - Customer", 101},
	        {"Unmatched/Unmatched", 5},
	        {"Completed/Cancelled", 1},
	};
	struct tally tally = {0};
	read_all("bpi_challenge_2013_incidents", expected, sizeof(expected) / sizeof(expected[0]), &tally);
	assert_int_equal(tally.traces, 7554);
	assert_int_equal(tally.events, 65533);
	assert_int_equal(tally.noted - tally.refused, 5);
	assert_int_equal(tally.refused, 29);
	assert_int_equal(tally.by_outcome[OUTCOME_SILENT], 5573);
	assert_int_equal(tally.by_outcome[OUTCOME_AGREED], 1882);
	assert_int_equal(tally.by_status[CASE_CLOSED], 7456); /* last: Closed 5573, In Call 1882, Cancelled 1 */
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_helpdesk), cmocka_unit_test(test_incidents)};
	return cmocka_run_group_tests_name("import: real logs", tests, NULL, NULL);
}
