/* The pieces beneath the commands: which processes run here, rotated log files, a customer's events, what an import
 * counts. */
#include "cli_help.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/customer_filter.h"
#include "cli/import_track.h"
#include "cli/logfile.h"
#include "cli/plan.h"
#include "cli/reach.h"
#include "intake/intake.h"

static struct cl_arena arena;

static int start(void **state) {
	(void)state;
	cl_arena_init(&arena, 4096);
	return 0;
}

static int stop(void **state) {
	(void)state;
	cl_arena_done(&arena);
	return 0;
}

/* -- plan -- */
static void what_runs_here(void **state) {
	(void)state;
	char run[] = "intake,routing/1,gateway";
	struct cl_config config = {.run = run};
	for (uint32_t s = CL_INTAKE; s <= CL_REPORTING; s++)
		config.services[s].partitions = 2;
	struct cli_plan plan = cli_plan_make(&config, false, &arena);
	assert_int_equal(plan.n, 4);
	assert_string_equal(cli_plan_name(&plan.v[0], '/', &arena), "intake/0");
	assert_string_equal(cli_plan_name(&plan.v[1], '-', &arena), "intake-1");
	assert_string_equal(cli_plan_name(&plan.v[2], '/', &arena), "routing/1");
	assert_string_equal(cli_plan_name(&plan.v[3], '/', &arena), "gateway");
	assert_int_equal(cli_plan_make(&config, true, &arena).n, 11);
}

/* -- log files -- */
static off_t size_of(const char *path) {
	struct stat st;
	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void log_files_stay_bounded(void **state) {
	(void)state;
	char folder[] = "/tmp/careloop-log-XXXXXX";
	assert_non_null(mkdtemp(folder));
	const char *path = cl_arena_printf(&arena, "%s/a.log", folder).p;
	struct cli_logfile file;
	assert_int_equal(cli_logfile_open(&file, path, 100, 2), CL_OK);
	for (int i = 0; i < 60; i++)
		cli_logfile_write(&file, "0123456789", 10);
	cli_logfile_close(&file);
	assert_int_equal(size_of(path), 100);
	assert_int_equal(size_of(cl_arena_printf(&arena, "%s.1", path).p), 100);
	assert_int_equal(size_of(cl_arena_printf(&arena, "%s.2", path).p), 100);
	assert_int_equal(size_of(cl_arena_printf(&arena, "%s.3", path).p), -1);
	/* It goes on where it was. */
	assert_int_equal(cli_logfile_open(&file, path, 200, 2), CL_OK);
	assert_int_equal(file.size, 100);
	cli_logfile_close(&file);
	unlink(path);
	unlink(cl_arena_printf(&arena, "%s.1", path).p);
	unlink(cl_arena_printf(&arena, "%s.2", path).p);
	assert_int_equal(rmdir(folder), 0);
}

/* -- processes -- */
static void processes_are_told_apart(void **state) {
	(void)state;
	assert_true(cli_process_start(getpid()) > 0);
	assert_int_equal(cli_process_start(getpid()), cli_process_start(getpid()));
	assert_int_equal(cli_process_start((pid_t)0x3fffffff), 0);
	assert_false(cli_supervised("/nonexistent"));
	assert_false(cli_reach(CL_STR("ipc:///nonexistent/socket")));
	assert_false(cli_reach(CL_STR("tcp://127.0.0.1:1")));
	assert_false(cli_reach(CL_STR("udp://127.0.0.1:1")));
}

/* -- records for the tests below -- */
static struct cl_id id_of(uint8_t n) {
	return (struct cl_id){{n}};
}

static struct cl_record record_of(uint16_t type, uint8_t kind, struct cl_id aggregate, struct cl_id command,
                                  const void *body) {
	const struct cl_schema *schema = cl_schema_by_type(type);
	struct cl_buf payload;
	cl_buf_init(&payload);
	cl_encode(schema, body, &payload);
	struct cl_str copy = cl_arena_str(&arena, (struct cl_str){(const char *)payload.p, (uint32_t)payload.n});
	cl_buf_done(&payload);
	return (struct cl_record){.seq = 1,
	                          .type = type,
	                          .version = schema->version,
	                          .kind = kind,
	                          .aggregate = aggregate,
	                          .command = command,
	                          .aggregate_version = 1,
	                          .payload = {(const uint8_t *)copy.p, copy.n}};
}

/* -- a customer's events -- */
static bool concerns(struct cli_customer_filter *filter, struct cl_record record) {
	return cli_customer_filter_match(filter, &record, &arena);
}

static struct slip_created slip_of(uint8_t slip, uint8_t request, uint8_t customer) {
	return (struct slip_created){.number = CL_STR("PTN-2026-000001"),
	                             .slip_id = id_of(slip),
	                             .request_id = id_of(request),
	                             .customer_id = id_of(customer),
	                             .title = CL_STR("x"),
	                             .channel = CHANNEL_PHONE,
	                             .category = CATEGORY_QUESTION,
	                             .priority = LEVEL_LOW,
	                             .urgency = LEVEL_LOW,
	                             .received_by = CL_STR("an"),
	                             .received_at = 1,
	                             .serial = 1};
}

static void a_customers_events(void **state) {
	(void)state;
	struct cli_customer_filter filter;
	struct cl_id customer = id_of(1);
	cli_customer_filter_init(&filter, &customer, 1);
	struct case_noted note = {.text = CL_STR("x")};
	struct slip_created mine = slip_of(20, 10, 1), other = slip_of(21, 11, 2);
	/* A case is the customer's once its slip was seen; a stranger's never is. */
	assert_false(concerns(&filter, record_of(CL_T_case_noted, CL_KIND_CASE, id_of(20), id_of(90), &note)));
	assert_true(concerns(&filter, record_of(CL_T_slip_created, CL_KIND_REQUEST, id_of(10), id_of(91), &mine)));
	assert_false(concerns(&filter, record_of(CL_T_slip_created, CL_KIND_REQUEST, id_of(11), id_of(92), &other)));
	assert_true(concerns(&filter, record_of(CL_T_case_noted, CL_KIND_CASE, id_of(20), id_of(93), &note)));
	assert_false(concerns(&filter, record_of(CL_T_case_noted, CL_KIND_CASE, id_of(21), id_of(94), &note)));
	/* The stranger turns out to be part of the customer: from here on theirs count, and the filter says that there
	 * is a past. */
	assert_int_equal(filter.customer_n, 1);
	struct customer_merged merged = {.into = id_of(1), .reason = CL_STR("một người"), .by = CL_STR("an")};
	assert_true(concerns(&filter, record_of(CL_T_customer_merged, CL_KIND_CUSTOMER, id_of(2), id_of(95), &merged)));
	assert_int_equal(filter.customer_n, 2);
	/* Told again from the start, nothing of the past is missing. */
	struct cli_customer_filter again;
	cli_customer_filter_init(&again, filter.customers, filter.customer_n);
	assert_true(concerns(&again, record_of(CL_T_slip_created, CL_KIND_REQUEST, id_of(11), id_of(92), &other)));
	assert_true(concerns(&again, record_of(CL_T_case_noted, CL_KIND_CASE, id_of(21), id_of(94), &note)));
	cli_customer_filter_done(&filter);
	cli_customer_filter_done(&again);
}

/* -- what an import counts -- */
static void an_import_is_counted_apart(void **state) {
	(void)state;
	struct import_tracks tracks;
	struct history_row rows[] = {
	        {.row = 1, .at = 1, .activity = CL_STR("a"), .act = ACT_WORK},
	        {.row = 2, .at = 2, .activity = CL_STR("b"), .act = ACT_CLOSE},
	        {.row = 3, .at = 3, .activity = CL_STR("c"), .act = ACT_SETTLE},
	};
	const struct import_trace trace = {
	        .name = CL_STR("x"), .contact = {.source_key = CL_STR("s/x")}, .rows = rows, .row_n = 3};
	struct cl_id request = intake_request_id(CL_STR("s/x")), slip = id_of(20), command = id_of(30);
	import_tracks_init(&tracks);
	struct import_trace_track *track = import_tracks_read(&tracks, &trace);
	assert_int_equal(tracks.traces, 1);
	assert_int_equal(tracks.rows, 3);
	struct case_opened opened = {.slip = slip_of(20, 0, 0), .department = CL_STR("kt")};
	opened.slip.request_id = opened.slip.customer_id = request;
	opened.slip.imported = true;
	struct cl_record record = record_of(CL_T_case_opened, CL_KIND_CASE, slip, id_of(29), &opened);
	assert_int_equal(import_tracks_archive(&tracks, &record, &arena), CL_OK);
	assert_int_equal(tracks.complete, 0);
	/* Row 1 worked, row 2 was refused, row 3 settled: three events; then a person's note, which is not the
	 * import's. */
	struct case_worked worked = {.person = CL_STR("an")};
	struct case_history_noted noted = {
	        .row = 2, .activity = CL_STR("b"), .act = ACT_CLOSE, .reason = CL_R_CASE_NOT_AGREED};
	struct case_proposed proposed = {.text = CL_STR("x")};
	struct case_agreed agreed = {0};
	struct case_closed closed = {.outcome = OUTCOME_AGREED, .number = CL_STR("PTN-2026-000001")};
	struct case_history_imported summary = {
	        .source_key = CL_STR("s/x"), .upto_row = 3, .changed = 2, .noted = 1, .refused = 1};
	struct case_noted note = {.text = CL_STR("x")};
	const struct cl_record told[] = {
	        record_of(CL_T_case_worked, CL_KIND_CASE, slip, command, &worked),
	        record_of(CL_T_case_history_noted, CL_KIND_CASE, slip, command, &noted),
	        record_of(CL_T_case_proposed, CL_KIND_CASE, slip, command, &proposed),
	        record_of(CL_T_case_agreed, CL_KIND_CASE, slip, command, &agreed),
	        record_of(CL_T_case_closed, CL_KIND_CASE, slip, command, &closed),
	        record_of(CL_T_case_history_imported, CL_KIND_CASE, slip, command, &summary),
	        record_of(CL_T_case_noted, CL_KIND_CASE, slip, id_of(31), &note),
	};
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
		assert_int_equal(import_tracks_archive(&tracks, &told[i], &arena), CL_OK);
	assert_int_equal(tracks.complete, 1);
	assert_int_equal(import_tracks_found(track), 3);
	assert_int_equal(track->noted, 1);
	assert_int_equal(track->refused, 1);
	assert_int_equal(track->outcome, OUTCOME_AGREED);
	import_tracks_done(&tracks);
}

/* An event that is missing in the archive shows, although the summary says that all was taken. */
static void a_missing_event_shows(void **state) {
	(void)state;
	struct import_tracks tracks;
	struct history_row rows[] = {{.row = 1, .at = 1, .activity = CL_STR("a"), .act = ACT_WORK},
	                             {.row = 2, .at = 2, .activity = CL_STR("a"), .act = ACT_WORK}};
	const struct import_trace trace = {
	        .name = CL_STR("x"), .contact = {.source_key = CL_STR("s/x")}, .rows = rows, .row_n = 2};
	struct cl_id slip = id_of(20), command = id_of(30);
	import_tracks_init(&tracks);
	struct import_trace_track *track = import_tracks_read(&tracks, &trace);
	struct case_opened opened = {.slip = slip_of(20, 0, 0), .department = CL_STR("kt")};
	opened.slip.request_id = opened.slip.customer_id = intake_request_id(CL_STR("s/x"));
	opened.slip.imported = true;
	struct case_worked worked = {.person = CL_STR("an")};
	struct case_history_imported summary = {.source_key = CL_STR("s/x"), .upto_row = 2, .changed = 2};
	const struct cl_record told[] = {record_of(CL_T_case_opened, CL_KIND_CASE, slip, id_of(29), &opened),
	                                 record_of(CL_T_case_worked, CL_KIND_CASE, slip, command, &worked),
	                                 record_of(CL_T_case_history_imported, CL_KIND_CASE, slip, command, &summary)};
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
		assert_int_equal(import_tracks_archive(&tracks, &told[i], &arena), CL_OK);
	assert_int_equal(import_tracks_found(track), 1);
	struct cli cli;
	cli_start(&cli);
	cli.quiet = true;
	assert_int_equal(import_report(&cli, &tracks, &(struct import_result){.ns = 1000000}), CLI_CHECK_FAILED);
	cl_arena_done(cli.arena);
	import_tracks_done(&tracks);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_runs_here, start, stop),
	        cmocka_unit_test_setup_teardown(log_files_stay_bounded, start, stop),
	        cmocka_unit_test_setup_teardown(processes_are_told_apart, start, stop),
	        cmocka_unit_test_setup_teardown(a_customers_events, start, stop),
	        cmocka_unit_test_setup_teardown(an_import_is_counted_apart, start, stop),
	        cmocka_unit_test_setup_teardown(a_missing_event_shows, start, stop),
	};
	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
