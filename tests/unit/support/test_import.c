/* Imported history goes through the rules of the case, loses nothing and can be repeated. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"

#define PAST (RIG_NOW - 900 * RIG_DAY)

static int setup(void **state) {
	static struct rig rig;
	rig_init(&rig);
	*state = &rig;
	return 0;
}

static int teardown(void **state) {
	rig_done(*state);
	return 0;
}

struct rows {
	struct history_row v[16];
	uint32_t n;
};

static struct history_row *add(struct rows *rows, enum case_act act, const char *activity) {
	struct history_row *row = &rows->v[rows->n++];
	*row = (struct history_row){.row = rows->n,
	                            .at = PAST + rows->n * RIG_DAY,
	                            .activity = cl_str_from(activity),
	                            .act = act,
	                            .who = CL_STR("Value 2")};
	return row;
}

static uint32_t import(struct rig *rig, struct rows *rows, const char *source_key) {
	struct case_import command = {.source_key = cl_str_from(source_key), .rows = {rows->v, rows->n}};
	return rig_command_by(rig, "nhap", CL_T_case_import, &command);
}

/* A ticket as the helpdesk log has it: closed twice. */
static struct rows ticket(void) {
	struct rows rows = {.n = 0};
	add(&rows, ACT_ASSESS, "Assign seriousness");
	add(&rows, ACT_WORK, "Take in charge ticket");
	add(&rows, ACT_PROPOSE, "Resolve ticket");
	add(&rows, ACT_CLOSE, "Closed")->outcome = OUTCOME_SILENT;
	add(&rows, ACT_CLOSE, "Closed")->outcome = OUTCOME_SILENT;
	return rows;
}

static void test_through_the_rules(void **state) {
	struct rig *rig = *state;
	struct rows rows = ticket();
	rig_open(rig, true);
	assert_int_equal(import(rig, &rows, "cu/1"), 0);
	const uint16_t types[] = {CL_T_case_assessed, CL_T_case_worked,        CL_T_case_proposed,
	                          CL_T_case_closed,   CL_T_case_history_noted, CL_T_case_history_imported};
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(rig_emitted(rig, i), types[i]);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(rig->decision.events[i].occurred_ms, rows.v[i].at);
		assert_true(cl_str_eqc(rig->decision.events[i].who, "Value 2"));
	}
	assert_int_equal(((const struct case_assessed *)rig_body(rig, 0))->priority, LEVEL_MEDIUM); /* as it was */
	assert_true(cl_str_eqc(((const struct case_worked *)rig_body(rig, 1))->person, "Value 2"));
	const struct case_proposed *proposed = rig_body(rig, 2);
	assert_int_equal(proposed->until, 0);
	assert_int_equal(proposed->remind_at, 0);
	assert_true(cl_str_eqc(proposed->text, "Resolve ticket"));
	const struct case_history_noted *noted = rig_body(rig, 4);
	assert_int_equal(noted->row, 5);
	assert_int_equal(noted->reason, CL_R_CASE_CLOSED);
	assert_int_equal(noted->act, ACT_CLOSE);
	assert_true(cl_str_eqc(noted->activity, "Closed"));
	const struct case_history_imported *imported = rig_body(rig, 5);
	assert_int_equal(imported->upto_row, 5);
	assert_int_equal(imported->changed, 4);
	assert_int_equal(imported->noted, 1);
	assert_int_equal(imported->refused, 1);
	assert_int_equal(rig->decision.events[5].occurred_ms, RIG_NOW);
	assert_true(cl_str_eqc(rig->decision.events[5].who, "nhap"));
	assert_int_equal(rig->state.status, CASE_CLOSED);
	assert_int_equal(rig->state.closed_at, rows.v[3].at);
	assert_int_equal(rig->state.first_response_at, rows.v[2].at);
}

static void test_again(void **state) {
	struct rig *rig = *state;
	struct rows rows = ticket();
	rig_open(rig, true);
	assert_int_equal(import(rig, &rows, "cu/1"), 0);
	uint32_t version = rig->version;
	assert_int_equal(import(rig, &rows, "cu/1"), 0);
	assert_int_equal(rig->version, version);
	assert_int_equal(import(rig, &rows, "cu/2"), CL_R_IMPORT_SOURCE);
	assert_string_equal(rig->decision.reject_field, "source_key");
}

/* Cut anywhere, sent with what was sent before: the events are the same. */
static void test_in_pieces(void **state) {
	struct rig *rig = *state;
	struct rows rows = ticket();
	rig_open(rig, true);
	for (uint32_t n = 1; n <= 5; n++) {
		struct rows part = rows;
		part.n = n;
		assert_int_equal(import(rig, &part, "cu/1"), 0);
		assert_int_equal(rig->decision.n, 2);
	}
	assert_int_equal(rig->state.status, CASE_CLOSED);
	assert_int_equal(rig->state.upto_row, 5);
	assert_int_equal(rig->state.history_notes, 1);
}

static void test_gap(void **state) {
	struct rig *rig = *state;
	struct rows rows = ticket();
	rig_open(rig, true);
	struct rows later = rows;
	later.n = 2;
	later.v[0] = rows.v[2];
	later.v[1] = rows.v[3];
	assert_int_equal(import(rig, &later, "cu/1"), CL_R_IMPORT_GAP);
	assert_int_equal(rig->version, 1);
	struct rows hole = rows;
	hole.v[2].row = 9;
	assert_int_equal(import(rig, &hole, "cu/1"), CL_R_IMPORT_GAP);
}

static void test_before_the_case(void **state) {
	struct rows rows = ticket();
	assert_int_equal(import(*state, &rows, "cu/1"), CL_R_UNKNOWN_TARGET);
}

static void test_no_timer(void **state) {
	struct rig *rig = *state;
	struct rows rows = {.n = 0};
	rig_open(rig, true);
	add(&rows, ACT_WAIT, "Wait");
	assert_int_equal(import(rig, &rows, "cu/1"), 0);
	assert_int_equal(rig->state.status, CASE_WAITING);
	assert_int_equal(rig_due(rig), 0);
	add(&rows, ACT_PROPOSE, "Resolve ticket");
	assert_int_equal(import(rig, &rows, "cu/1"), 0);
	assert_int_equal(rig->state.status, CASE_PROPOSED);
	assert_int_equal(rig_due(rig), 0);
	/* A tick that should not come finds nothing to do. */
	rig->now_ms += 100 * RIG_DAY;
	rig_tick(rig);
	assert_int_equal(rig->decision.n, 0);
	assert_int_equal(RIG_COMMAND(rig, case_note, .text = CL_STR("a")), 0);
	assert_int_equal(rig_due(rig), 0);
	/* A live proposal is a matter of today. */
	assert_int_equal(RIG_COMMAND(rig, case_propose, .text = CL_STR("a")), 0);
	assert_int_equal(rig->state.deadline, rig->now_ms + 3 * RIG_DAY);
	assert_true(rig_due(rig) > 0);
}

static void test_assign(void **state) {
	struct rig *rig = *state;
	struct rows rows = {.n = 0};
	rig_open(rig, true);
	struct history_row *row = add(&rows, ACT_ASSIGN, "Accepted/Assigned");
	row->department = CL_STR("V5 3rd");
	row->person = CL_STR("Sarah");
	assert_int_equal(import(rig, &rows, "cu/1"), 0);
	assert_false(((const struct case_assigned *)rig_body(rig, 0))->ask); /* routing is not asked */
	assert_true(cl_str_eqc(rig->state.person, "Sarah"));
	assert_true(cl_str_eqc(rig->state.department, "V5 3rd"));
}

static void test_settle(void **state) {
	struct rig *rig = *state;
	struct rows rows = {.n = 0};
	rig_open(rig, true);
	add(&rows, ACT_SETTLE, "Completed/In Call");
	add(&rows, ACT_SETTLE, "Completed/In Call");
	assert_int_equal(import(rig, &rows, "cu/1"), 0);
	assert_int_equal(rig_emitted(rig, 0), CL_T_case_proposed);
	assert_int_equal(rig_emitted(rig, 1), CL_T_case_agreed);
	assert_int_equal(rig_emitted(rig, 2), CL_T_case_closed);
	assert_int_equal(rig_emitted(rig, 3), CL_T_case_history_noted);
	const struct case_history_imported *imported = rig_body(rig, 4);
	assert_int_equal(imported->changed, 1); /* one row, though three events */
	assert_int_equal(imported->refused, 1);
	assert_int_equal(rig->state.outcome, OUTCOME_AGREED);
}

static void test_notes_and_the_rest(void **state) {
	struct rig *rig = *state;
	struct rows rows = {.n = 0};
	rig_open(rig, true);
	add(&rows, ACT_NOTE, "Unmatched")->text = CL_STR("không rõ");
	add(&rows, ACT_AGREE, "VERIFIED");  /* nothing proposed */
	add(&rows, ACT_REOPEN, "Reopened"); /* not closed */
	add(&rows, ACT_HOLD, "Require upgrade");
	add(&rows, ACT_PROPOSE, "Resolve ticket");
	add(&rows, ACT_DISAGREE, "Rejected");
	add(&rows, ACT_CLOSE, "INVALID")->outcome = OUTCOME_INVALID;
	add(&rows, ACT_REOPEN, "Reopened");
	rows.v[0].who = (struct cl_str){0};
	assert_int_equal(import(rig, &rows, "cu/1"), 0);
	const struct case_history_noted *note = rig_body(rig, 0);
	assert_int_equal(note->reason, 0);
	assert_true(cl_str_eqc(note->text, "không rõ"));
	assert_true(cl_str_eqc(rig->decision.events[0].who, "nhap")); /* a row without a name: who imports */
	assert_int_equal(((const struct case_history_noted *)rig_body(rig, 1))->reason, CL_R_CASE_NOT_PROPOSED);
	assert_int_equal(((const struct case_history_noted *)rig_body(rig, 2))->reason, CL_R_CASE_NOT_CLOSED);
	const struct case_history_imported *imported = rig_body(rig, 8);
	assert_int_equal(imported->changed, 5);
	assert_int_equal(imported->noted, 3);
	assert_int_equal(imported->refused, 2);
	assert_int_equal(rig->state.status, CASE_WORKING);
	assert_int_equal(rig->state.reopened, 1);
}

#define IMPORT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
	        IMPORT_TEST(test_through_the_rules),
	        IMPORT_TEST(test_again),
	        IMPORT_TEST(test_in_pieces),
	        IMPORT_TEST(test_gap),
	        IMPORT_TEST(test_before_the_case),
	        IMPORT_TEST(test_no_timer),
	        IMPORT_TEST(test_assign),
	        IMPORT_TEST(test_settle),
	        IMPORT_TEST(test_notes_and_the_rest),
	};
	return cmocka_run_group_tests_name("support: import", tests, NULL, NULL);
}
