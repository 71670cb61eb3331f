/* Whatever is thrown at a case: the fold of its recorded bytes is its live state, events are valid, refusals change
 * nothing, a due time that has come moves on, and an import loses no row. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec.h"
#include "rig.h"

#define CASES 400
#define STEPS 120

static uint64_t draw(uint64_t *rng) { /* splitmix64, Steele, Lea, Flood 2014 */
	uint64_t z = (*rng += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static const uint16_t commands[] = {CL_T_case_note,     CL_T_case_work,  CL_T_case_assess,  CL_T_case_assign,
                                    CL_T_case_wait,     CL_T_case_hold,  CL_T_case_propose, CL_T_case_agree,
                                    CL_T_case_disagree, CL_T_case_close, CL_T_case_reopen};

static void random_command(struct rig *rig, uint64_t *rng, struct cl_arena *arena) {
	uint16_t type = commands[draw(rng) % (sizeof(commands) / sizeof(commands[0]))];
	const struct cl_schema *schema = cl_schema_by_type(type);
	void *body = cl_arena_alloc(arena, schema->size);
	cl_random_value(schema, rng, arena, body);
	/* Random deadlines and options would nearly always be refused. */
	if (type == CL_T_case_propose)
		((struct case_propose *)body)->until = draw(rng) % 2 ? 0 : rig->now_ms + RIG_DAY;
	if (type == CL_T_case_wait)
		((struct case_wait *)body)->until = 0;
	if (type == CL_T_case_agree && draw(rng) % 2)
		((struct case_agree *)body)->option = 0;
	rig_command(rig, type, body);
}

static void random_import(struct rig *rig, uint64_t *rng, struct cl_arena *arena) {
	uint32_t n = 1 + (uint32_t)(draw(rng) % 12), first = 1;
	if (rig->state.upto_row)
		first = 1 + (uint32_t)(draw(rng) % (rig->state.upto_row + 1)); /* rows taken before come again */
	struct case_import command = {.source_key = CL_STR("cu/1")};
	command.rows.v = cl_arena_alloc(arena, n * sizeof(struct history_row));
	command.rows.n = n;
	for (uint32_t i = 0; i < n; i++) {
		cl_random_value(&cl_schema_history_row, rng, arena, &command.rows.v[i]);
		command.rows.v[i].row = first + i;
	}
	uint32_t before = rig->state.upto_row, last = first + n - 1, expected = last > before ? last - before : 0;
	assert_int_equal(rig_command_by(rig, "nhap", CL_T_case_import, &command), CL_R_NONE);
	uint32_t told = 0;
	if (rig->decision.n) {
		const struct case_history_imported *imported = rig_body(rig, rig->decision.n - 1);
		told = imported->changed + imported->noted;
		assert_true(imported->refused <= imported->noted);
	}
	assert_int_equal(told, expected);
	assert_int_equal(rig->state.upto_row, last > before ? last : before);
}

static void step(struct rig *rig, uint64_t *rng, struct cl_arena *arena) {
	uint64_t dice = draw(rng) % 100;
	if (dice < 60) {
		random_command(rig, rng, arena);
	} else if (dice < 72) {
		random_import(rig, rng, arena);
	} else if (dice < 80) {
		struct order_changed changed = {.number = rig->state.number,
		                                .slip_id = rig_slip(true).slip_id,
		                                .status = 1 + draw(rng) % ORDER_CANCELLED};
		rig_event(rig, CL_T_order_changed, &changed, "kho");
	} else if (dice < 86) {
		struct item_assigned assigned = {.number = rig->state.number, .department = CL_STR("kho")};
		if (draw(rng) % 2)
			assigned.person = CL_STR("an");
		rig_event(rig, CL_T_item_assigned, &assigned, "system");
	} else {
		int64_t due = rig_due(rig);
		rig->now_ms += (int64_t)(draw(rng) % (uint64_t)RIG_DAY);
		rig_tick(rig);
		if (due && due <= rig->now_ms)
			assert_true(rig_due(rig) == 0 || rig_due(rig) > due); /* else it would tick for ever */
	}
}

static void check_fold(const struct rig *rig, uint64_t seed, int at) {
	struct cl_arena arena;
	struct case_state folded;
	cl_arena_init(&arena, 4096);
	rig_fold(rig, &arena, &folded);
	if (!cl_equal(&cl_schema_case_state, &folded, &rig->state))
		fail_msg("seed %llu, step %d: the fold differs from the live state", (unsigned long long)seed, at);
	struct cl_field_error wrong;
	if (cl_validate(&cl_schema_case_state, &rig->state, &wrong) != CL_OK)
		fail_msg("seed %llu, step %d: state not valid at \"%s\"", (unsigned long long)seed, at, wrong.path);
	cl_arena_done(&arena);
}

static void test_fold_is_live(void **state) {
	(void)state;
	const char *given = getenv("CL_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : UINT64_C(20261123);
	printf("seed %llu (CL_SEED=%llu repeats it)\n", (unsigned long long)seed, (unsigned long long)seed);
	for (int i = 0; i < CASES; i++) {
		uint64_t rng = seed + (uint64_t)i;
		struct rig rig;
		struct cl_arena arena;
		rig_init(&rig);
		cl_arena_init(&arena, 65536);
		rig_open(&rig, i % 2);
		for (int k = 0; k < STEPS; k++) {
			step(&rig, &rng, &arena);
			cl_arena_reset(&arena);
			if (k % 17 == 0)
				check_fold(&rig, seed + (uint64_t)i, k);
		}
		check_fold(&rig, seed + (uint64_t)i, STEPS);
		cl_arena_done(&arena);
		rig_done(&rig);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_fold_is_live)};
	return cmocka_run_group_tests_name("support: replay", tests, NULL, NULL);
}
