/* The whole transition table of a case, and what its deadlines do. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig.h"

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

/* -- every status x every command -- */

enum { SAME = 100 }; /* accepted, status stays */

struct try {
	const char *name;
	uint16_t type;
	const void *body;
	/* By status OPEN..CLOSED: the status that follows, SAME, or minus the reject code. */
	int then[7];
};

#define TRY(command, ...)                                                                                              \
#command, CL_T_##command, &(const struct command) {                                                            \
		__VA_ARGS__                                                                                            \
	}
#define ALL(x)                                                                                                         \
	{ x, x, x, x, x, x, -CL_R_CASE_CLOSED }
#define NO_AGREEMENT                                                                                                   \
	{                                                                                                              \
		-CL_R_CASE_NOT_AGREED, -CL_R_CASE_NOT_AGREED, -CL_R_CASE_NOT_AGREED, -CL_R_CASE_NOT_AGREED,            \
		        -CL_R_CASE_NOT_AGREED, CASE_CLOSED, -CL_R_CASE_CLOSED                                          \
	}
#define ONLY_PROPOSED(x)                                                                                               \
	{                                                                                                              \
		-CL_R_CASE_NOT_PROPOSED, -CL_R_CASE_NOT_PROPOSED, -CL_R_CASE_NOT_PROPOSED, -CL_R_CASE_NOT_PROPOSED, x, \
		        -CL_R_CASE_NOT_PROPOSED, -CL_R_CASE_CLOSED                                                     \
	}

static const struct try tries[] = {
        {TRY(case_note, .text = {"a", 1}), {SAME, SAME, SAME, SAME, SAME, SAME, SAME}},
        {TRY(case_work, .text = {"a", 1}),
         {CASE_WORKING, SAME, CASE_WORKING, CASE_WORKING, CASE_WORKING, SAME, -CL_R_CASE_CLOSED}},
        {TRY(case_assess, .priority = LEVEL_HIGH), ALL(SAME)},
        {TRY(case_assign, .person = {"a", 1}), ALL(SAME)},
        {TRY(case_wait, .text = {"a", 1}), ALL(CASE_WAITING)},
        {TRY(case_hold, .text = {"a", 1}), ALL(CASE_ON_HOLD)},
        {TRY(case_propose, .text = {"a", 1}), ALL(CASE_PROPOSED)},
        {TRY(case_agree, .text = {"a", 1}), ONLY_PROPOSED(CASE_AGREED)},
        {TRY(case_disagree, .text = {"a", 1}), ONLY_PROPOSED(CASE_WORKING)},
        {TRY(case_close, .outcome = close_outcome_UNSET), NO_AGREEMENT},
        {TRY(case_close, .outcome = OUTCOME_AGREED), NO_AGREEMENT},
        {TRY(case_close, .outcome = OUTCOME_SILENT),
         {-CL_R_CASE_NOT_AGREED, -CL_R_CASE_NOT_AGREED, -CL_R_CASE_NOT_AGREED, -CL_R_CASE_NOT_AGREED, CASE_CLOSED,
          -CL_R_CASE_NOT_AGREED, -CL_R_CASE_CLOSED}},
        {TRY(case_close, .outcome = OUTCOME_DELIVERED),
         {-CL_R_CASE_NOT_AGREED, -CL_R_CASE_NOT_AGREED, -CL_R_CASE_NOT_AGREED, -CL_R_CASE_NOT_AGREED,
          -CL_R_CASE_NOT_AGREED, -CL_R_CASE_NOT_AGREED, -CL_R_CASE_CLOSED}},
        {TRY(case_close, .outcome = OUTCOME_WITHDRAWN), ALL(CASE_CLOSED)},
        {TRY(case_close, .outcome = OUTCOME_DUPLICATE), ALL(CASE_CLOSED)},
        {TRY(case_close, .outcome = OUTCOME_INVALID), ALL(CASE_CLOSED)},
        {TRY(case_close, .outcome = OUTCOME_CANCELLED), ALL(CASE_CLOSED)},
        {TRY(case_reopen, .text = {"a", 1}),
         {-CL_R_CASE_NOT_CLOSED, -CL_R_CASE_NOT_CLOSED, -CL_R_CASE_NOT_CLOSED, -CL_R_CASE_NOT_CLOSED,
          -CL_R_CASE_NOT_CLOSED, -CL_R_CASE_NOT_CLOSED, CASE_WORKING}},
};

static void test_table(void **state) {
	(void)state;
	for (size_t t = 0; t < sizeof(tries) / sizeof(tries[0]); t++) {
		for (enum case_status from = CASE_OPEN; from <= CASE_CLOSED; from++) {
			struct rig rig;
			rig_init(&rig);
			rig_open(&rig, false);
			rig_bring(&rig, from);
			int then = tries[t].then[from - 1];
			uint32_t refused = rig_command(&rig, tries[t].type, tries[t].body);
			int got = refused ? -(int)refused : rig.state.status == from ? SAME : (int)rig.state.status;
			/* A command that comes to where it was is SAME for the table. */
			if (then == (int)from)
				then = SAME;
			if (got != then)
				fail_msg("%s (row %zu) from status %d: %d, expected %d", tries[t].name, t, from, got,
				         then);
			rig_done(&rig);
		}
	}
}

static void test_unknown(void **state) {
	struct rig *rig = *state;
	for (size_t t = 0; t < sizeof(tries) / sizeof(tries[0]); t++)
		assert_int_equal(rig_command(rig, tries[t].type, tries[t].body), CL_R_UNKNOWN_TARGET);
	assert_int_equal(RIG_COMMAND(rig, support_configure, .answer_min = 5), CL_R_UNKNOWN_TARGET);
	assert_int_equal(rig->version, 0);
}

/* -- opening -- */

static void test_open(void **state) {
	struct rig *rig = *state;
	rig_open(rig, false);
	const struct case_state *now = &rig->state;
	struct slip_created slip = rig_slip(false);
	assert_true(cl_str_eq(now->number, slip.number));
	assert_true(cl_str_eq(now->title, slip.title));
	assert_true(cl_str_eq(now->description, slip.description));
	assert_true(cl_str_eq(now->customer_name, slip.customer_name));
	assert_true(cl_str_eqc(now->department, "ky-thuat"));
	assert_int_equal(now->status, CASE_OPEN);
	assert_int_equal(now->priority, LEVEL_MEDIUM);
	assert_int_equal(now->due_at, RIG_NOW + RIG_DAY);
	assert_int_equal(rig_due(rig), 0);
	assert_true(cl_str_eq(support_domain.number_of(CL_KIND_CASE, now), slip.number));
	rig_open(rig, false); /* the same slip again is nothing new */
	assert_int_equal(rig->version, 1);
}

static void test_assignment(void **state) {
	struct rig *rig = *state;
	rig_open(rig, false);
	RIG_EVENT(rig, item_assigned, .number = rig->state.number, .department = CL_STR("ky-thuat"));
	assert_int_equal(rig->version, 1); /* nothing that the case does not know */
	RIG_EVENT(rig, item_assigned, .number = rig->state.number, .department = CL_STR("ky-thuat"),
	          .person = CL_STR("an"));
	assert_true(cl_str_eqc(rig->state.person, "an"));
	assert_false(((const struct case_assigned *)rig_body(rig, 0))->ask);
	/* A wish of a person is asked of routing and changes nothing until routing answers. */
	assert_int_equal(RIG_COMMAND(rig, case_assign, .person = CL_STR("binh"), .department = CL_STR("kho")), 0);
	assert_true(((const struct case_assigned *)rig_body(rig, 0))->ask);
	assert_true(cl_str_eqc(rig->state.person, "an"));
	RIG_EVENT(rig, item_assigned, .number = rig->state.number, .department = CL_STR("kho"),
	          .person = CL_STR("binh"));
	assert_true(cl_str_eqc(rig->state.person, "binh"));
	assert_true(cl_str_eqc(rig->state.department, "kho"));
	/* Help does not take the case away. */
	assert_int_equal(RIG_COMMAND(rig, case_work, .text = CL_STR("giúp")), 0);
	assert_true(cl_str_eqc(rig->state.person, "binh"));
	/* One that waits in the queue is taken by who works on it first. */
	RIG_EVENT(rig, item_assigned, .number = rig->state.number, .department = CL_STR("kho"));
	assert_int_equal(RIG_COMMAND(rig, case_work, .text = CL_STR("nhận")), 0);
	assert_true(cl_str_eqc(rig->state.person, "lan"));
	assert_int_equal(rig_command_by(rig, "mai", CL_T_case_work, &(struct case_work){.text = CL_STR("giúp")}), 0);
	assert_true(cl_str_eqc(rig->state.person, "lan"));
	RIG_EVENT(rig, item_escalated, .number = rig->state.number, .supervisor = CL_STR("truong-phong"),
	          .reason = CL_STR("overdue"), .due_at = RIG_NOW);
	assert_true(cl_str_eqc(rig->state.last_note, "Quá hạn xử lý, đã báo người giám sát truong-phong."));
}

/* -- proposals and their deadlines -- */

static void test_propose(void **state) {
	struct rig *rig = *state;
	rig_open(rig, false);
	struct cl_str options[] = {CL_STR("sửa"), CL_STR("đổi")};
	assert_int_equal(RIG_COMMAND(rig, case_propose, .text = CL_STR("hai cách"), .options = {options, 2}), 0);
	assert_int_equal(rig->state.deadline, RIG_NOW + 3 * RIG_DAY);
	assert_int_equal(rig->state.remind_at, RIG_NOW + 2 * RIG_DAY);
	assert_int_equal(rig_due(rig), RIG_NOW + 2 * RIG_DAY);
	assert_int_equal(rig->state.first_response_at, RIG_NOW);
	assert_int_equal(RIG_COMMAND(rig, case_agree, .option = 3), CL_R_CASE_OPTION);
	assert_string_equal(rig->decision.reject_field, "option");
	assert_int_equal(RIG_COMMAND(rig, case_agree, .option = 2), 0);
	assert_int_equal(rig->state.option, 2);
	assert_int_equal(rig_due(rig), 0);
	assert_int_equal(RIG_COMMAND(rig, case_close, .result = CL_STR("đã đổi")), 0);
	assert_int_equal(rig->state.outcome, OUTCOME_AGREED);
	assert_true(cl_str_eqc(rig->state.result, "đã đổi"));
	assert_true(support_domain.at_rest(CL_KIND_CASE, &rig->state));
}

static void test_until(void **state) {
	struct rig *rig = *state;
	rig_open(rig, false);
	assert_int_equal(RIG_COMMAND(rig, case_propose, .text = CL_STR("a"), .until = RIG_NOW), CL_R_CASE_DEADLINE);
	assert_string_equal(rig->decision.reject_field, "until");
	assert_int_equal(RIG_COMMAND(rig, case_wait, .until = RIG_NOW - 1), CL_R_CASE_DEADLINE);
	/* Too near for a reminder: the deadline alone. */
	assert_int_equal(RIG_COMMAND(rig, case_propose, .text = CL_STR("a"), .until = RIG_NOW + RIG_MINUTE), 0);
	assert_int_equal(rig->state.remind_at, 0);
	assert_int_equal(rig_due(rig), RIG_NOW + RIG_MINUTE);
	/* Written down later, its deadline past too: no timer. */
	rig->occurred_ms = RIG_NOW - 5 * RIG_DAY;
	assert_int_equal(RIG_COMMAND(rig, case_propose, .text = CL_STR("a"), .until = RIG_NOW - RIG_DAY), 0);
	assert_int_equal(rig_due(rig), 0);
	assert_int_equal(RIG_COMMAND(rig, case_propose, .text = CL_STR("a"), .until = rig->occurred_ms),
	                 CL_R_CASE_DEADLINE);
}

static void test_silence(void **state) {
	struct rig *rig = *state;
	rig_open(rig, false);
	rig_bring(rig, CASE_PROPOSED);
	rig_tick(rig); /* before it is due: nothing */
	assert_int_equal(rig->decision.n, 0);
	rig->now_ms = rig_due(rig);
	rig_tick(rig);
	assert_int_equal(rig_emitted(rig, 0), CL_T_case_reminded);
	assert_int_equal(rig_due(rig), RIG_NOW + 3 * RIG_DAY);
	rig->now_ms = rig_due(rig);
	rig_tick(rig);
	assert_int_equal(rig_emitted(rig, 0), CL_T_case_closed);
	assert_int_equal(rig->state.status, CASE_CLOSED);
	assert_int_equal(rig->state.outcome, OUTCOME_SILENT);
	assert_int_equal(rig->state.closed_at, rig->now_ms);
	assert_int_equal(rig_due(rig), 0);
	assert_int_equal(RIG_COMMAND(rig, case_reopen, .text = CL_STR("khách gọi lại")), 0);
	assert_int_equal(rig->state.status, CASE_WORKING);
	assert_int_equal(rig->state.reopened, 1);
	assert_int_equal(rig->state.outcome, close_outcome_UNSET);
	assert_int_equal(RIG_COMMAND(rig, case_close),
	                 CL_R_CASE_NOT_AGREED); /* the agreement of before does not count */
}

static void test_late_tick(void **state) {
	struct rig *rig = *state;
	rig_open(rig, false);
	rig_bring(rig, CASE_PROPOSED);
	rig->now_ms += 10 * RIG_DAY; /* the service was down over both times: one tick settles it */
	rig_tick(rig);
	assert_int_equal(rig_emitted(rig, 0), CL_T_case_closed);
	assert_int_equal(rig_emitted(rig, 1), 0);
}

static void test_waiting(void **state) {
	struct rig *rig = *state;
	rig_open(rig, false);
	rig_bring(rig, CASE_WAITING);
	rig->now_ms = rig_due(rig);
	rig_tick(rig);
	assert_int_equal(rig_emitted(rig, 0), CL_T_case_reminded);
	rig->now_ms = rig_due(rig);
	rig_tick(rig);
	assert_int_equal(rig_emitted(rig, 0), CL_T_case_worked);
	const struct case_worked *event = rig_body(rig, 0);
	assert_true(cl_str_eqc(event->text, "Khách hàng chưa phản hồi trong thời hạn, tiếp tục xử lý."));
	assert_int_equal(rig->state.status, CASE_WORKING);
	assert_int_equal(rig_due(rig), 0);
}

static void test_agreement_holds(void **state) {
	struct rig *rig = *state;
	rig_open(rig, false);
	rig_bring(rig, CASE_AGREED);
	assert_int_equal(RIG_COMMAND(rig, case_hold, .text = CL_STR("chờ hàng về")), 0);
	assert_int_equal(rig->state.status, CASE_ON_HOLD);
	assert_int_equal(RIG_COMMAND(rig, case_close, .outcome = OUTCOME_AGREED), 0); /* agreed is agreed */
	assert_int_equal(RIG_COMMAND(rig, case_reopen, .text = CL_STR("hỏng lại")), 0);
	assert_int_equal(RIG_COMMAND(rig, case_close), CL_R_CASE_NOT_AGREED); /* but not beyond a reopening */
	assert_int_equal(RIG_COMMAND(rig, case_propose, .text = CL_STR("đổi máy")), 0);
	assert_int_equal(RIG_COMMAND(rig, case_agree), 0);
	assert_int_equal(RIG_COMMAND(rig, case_work, .text = CL_STR("giao máy")), 0);
	assert_int_equal(rig->state.status, CASE_AGREED);
	assert_int_equal(RIG_COMMAND(rig, case_propose, .text = CL_STR("cách khác")), 0);
	assert_int_equal(RIG_COMMAND(rig, case_close), CL_R_CASE_NOT_AGREED); /* a new proposal needs a new answer */
}

/* -- the order of the case -- */

static void order(struct rig *rig, enum order_status status) {
	struct order_changed changed = {
	        .number = CL_STR("PTN-2026-000123"), .slip_id = rig_slip(false).slip_id, .status = status};
	if (status == ORDER_SHIPPED) {
		changed.carrier = CL_STR("GHN");
		changed.tracking = CL_STR("X1");
	}
	rig_event(rig, CL_T_order_changed, &changed, "kho");
}

static void test_order_delivered(void **state) {
	struct rig *rig = *state;
	rig_open(rig, false);
	order(rig, ORDER_SHIPPED);
	assert_true(cl_str_eqc(rig->state.last_note, "Đơn hàng chuyển sang “Đang giao”, người cập nhật: kho. "
	                                             "Đơn vị vận chuyển: GHN. Mã vận đơn: X1."));
	order(rig, ORDER_DELIVERED);
	assert_int_equal(rig->state.status, CASE_PROPOSED); /* the customer confirms receipt */
	rig->now_ms = rig->state.deadline;
	rig_tick(rig);
	assert_int_equal(rig->state.status, CASE_CLOSED);
	assert_int_equal(rig->state.outcome, OUTCOME_DELIVERED);
	order(rig, ORDER_CANCELLED); /* a closed case takes the note alone */
	assert_int_equal(rig->state.outcome, OUTCOME_DELIVERED);
	/* Opened again for something else, silence is silence. */
	assert_int_equal(RIG_COMMAND(rig, case_reopen, .text = CL_STR("khách báo thiếu")), 0);
	assert_int_equal(RIG_COMMAND(rig, case_propose, .text = CL_STR("gửi bù")), 0);
	rig->now_ms = rig->state.deadline;
	rig_tick(rig);
	assert_int_equal(rig->state.outcome, OUTCOME_SILENT);
}

static void test_order_cancelled(void **state) {
	struct rig *rig = *state;
	rig_open(rig, false);
	order(rig, ORDER_CANCELLED);
	assert_int_equal(rig->state.status, CASE_CLOSED);
	assert_int_equal(rig->state.outcome, OUTCOME_CANCELLED);
}

/* The logs of routing and order are followed apart: the order's may be ahead. */
static void test_order_first(void **state) {
	struct rig *rig = *state;
	order(rig, ORDER_CONFIRMED);
	order(rig, ORDER_CANCELLED);
	assert_int_equal(rig->state.status, case_status_UNSET);
	assert_int_equal(RIG_COMMAND(rig, case_note, .text = CL_STR("a")), CL_R_UNKNOWN_TARGET);
	rig_open(rig, false);
	assert_int_equal(rig_emitted(rig, 0), CL_T_case_opened);
	assert_int_equal(rig->state.status, CASE_CLOSED);
	assert_int_equal(rig->state.outcome, OUTCOME_CANCELLED);
	assert_int_equal(rig->state.notes, 2);
}

/* -- the policy -- */

static void test_policy(void **state) {
	struct rig *rig = *state;
	struct cl_arena *arena = &rig->turn;
	const struct support_configure *defaults = support_defaults(arena);
	assert_int_equal(defaults->answer_min, 3 * 24 * 60);
	assert_int_equal(defaults->remind_min, 24 * 60);
	struct support_state registry = {0};
	struct cl_ctx ctx = {.now_ms = RIG_NOW, .occurred_ms = RIG_NOW, .registry = &registry, .arena = arena};
	struct cl_decision decision = {.arena = arena};
	struct support_configure bad = {.answer_min = 10, .remind_min = 10}, good = {.answer_min = 10, .remind_min = 3};
	struct cl_message message = {
	        .role = CL_MSG_COMMAND, .type = CL_T_support_configure, .body = &bad, .kind = CL_KIND_SUPPORT_REGISTRY};
	support_domain.decide(&ctx, &registry, 0, &message, &decision);
	assert_int_equal(decision.reject, CL_R_FIELD);
	assert_string_equal(decision.reject_field, "remind_min");
	decision = (struct cl_decision){.arena = arena};
	message.body = &good;
	support_domain.decide(&ctx, &registry, 0, &message, &decision);
	assert_int_equal(decision.n, 1);
	struct cl_event event = {.type = decision.events[0].type, .body = decision.events[0].body};
	support_domain.evolve(CL_KIND_SUPPORT_REGISTRY, &registry, &event, arena);
	decision = (struct cl_decision){.arena = arena};
	support_domain.decide(&ctx, &registry, 1, &message, &decision);
	assert_int_equal(decision.n, 0); /* the same again is no event */
	rig->policy = registry;
	rig_open(rig, false);
	rig_bring(rig, CASE_PROPOSED);
	assert_int_equal(rig->state.deadline, RIG_NOW + 10 * RIG_MINUTE);
	assert_int_equal(rig->state.remind_at, RIG_NOW + 7 * RIG_MINUTE);
}

#define CASE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_table),    CASE_TEST(test_unknown),         CASE_TEST(test_open),
	        CASE_TEST(test_assignment),      CASE_TEST(test_propose),         CASE_TEST(test_until),
	        CASE_TEST(test_silence),         CASE_TEST(test_late_tick),       CASE_TEST(test_waiting),
	        CASE_TEST(test_agreement_holds), CASE_TEST(test_order_delivered), CASE_TEST(test_order_cancelled),
	        CASE_TEST(test_order_first),     CASE_TEST(test_policy),
	};
	return cmocka_run_group_tests_name("support: case", tests, NULL, NULL);
}
