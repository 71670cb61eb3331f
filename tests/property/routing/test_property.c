/* Routing under random interleavings of several partitions: work comes, is given, taken away, finished and reopened
 * while people come, go, fall ill and change department. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "office.h"

#define SEEDS 400
#define STEPS 500
#define SLIPS 24
#define PEOPLE 6
#define MINUTE_MS 60000

static const char *const departments[] = {"cskh", "kt", "bh", "khong.co"};
static const char *const people[PEOPLE] = {"an.ho", "son.dang", "ngoc.bui", "tuan.do", "mai.ly", "thao.vu"};

static uint64_t seed; /* printed when something fails */

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg("seed %" PRIu64 ": %s", seed, #condition);                                            \
	} while (0)

struct run {
	struct world world;
	uint32_t slips;
	bool closed[SLIPS]; /* as support has it */
};

static void change_person(struct run *run) {
	struct world *w = &run->world;
	const char *skill = world_random(w, 2) ? "mang" : NULL;
	(void)office_person(w, people[world_random(w, PEOPLE)], departments[world_random(w, 3)], skill,
	                    (uint32_t)world_random(w, 4), world_random(w, 4) == 0);
}

static void change_work(struct run *run) {
	struct world *w = &run->world;
	uint32_t n = (uint32_t)world_random(w, run->slips);
	struct cl_id id = office_slip_id(n);
	if (!office_item(w, id)) /* support has no case before routing has routed */
		return;
	const char *department = world_random(w, 2) ? departments[world_random(w, 4)] : NULL;
	const char *person = world_random(w, 2) ? people[world_random(w, PEOPLE)] : NULL;
	int64_t past = w->now_ms - 100 * MINUTE_MS;
	switch (world_random(w, 6)) {
	case 0:
		(void)office_assign(w, id, department, person);
		break;
	case 1:
		office_asked(w, id, department, person, world_random(w, 3) > 0);
		break;
	case 2:
		(void)office_acknowledge(w, id);
		break;
	case 3:
		office_worked(w, id);
		break;
	default: {
		int64_t at = world_random(w, 2) && office_item(w, id)->imported ? past : w->now_ms;
		if (run->closed[n])
			office_reopened(w, id, at);
		else
			office_closed(w, id, at);
		run->closed[n] = !run->closed[n];
	}
	}
}

static void act(struct run *run) {
	struct world *w = &run->world;
	uint64_t what = world_random(w, 20);
	if (what < 2 && run->slips < SLIPS)
		(void)office_slip(w, run->slips++, (enum category)(1 + world_random(w, 6)),
		                  (enum level)(1 + world_random(w, 3)), world_random(w, 6) == 0);
	else if (what < 4)
		change_person(run);
	else if (what == 4)
		(void)office_department(w, departments[world_random(w, 3)], people[world_random(w, PEOPLE)]);
	else if (what < 8 && run->slips)
		change_work(run);
	else if (what == 8)
		world_run_until(w, w->now_ms + (int64_t)world_random(w, 40) * MINUTE_MS, false);
	else
		(void)world_step(w);
}

/* -- what a department's own events say, followed apart from its evolve -- */

struct seat {
	bool present;
	uint32_t capacity, load;
};

static void follow(struct seat *seats, const struct cl_id *department, const struct world_event *event,
                   struct cl_arena *arena) {
	const struct cl_schema *schema = cl_schema_by_type(event->type);
	void *body = cl_arena_alloc(arena, schema->size);
	if (event->kind != CL_KIND_DEPARTMENT || !cl_id_eq(event->aggregate, *department))
		return;
	assert_int_equal(cl_decode(schema, cl_buf_bytes(&event->payload), arena, body, NULL), 0);
	for (uint32_t i = 0; i < PEOPLE; i++) {
		const struct member_changed *changed = body;
		const struct queue_assigned *assigned = body;
		const struct queue_left *left = body;
		struct seat *seat = &seats[i];
		if (event->type == CL_T_member_changed && cl_str_eqc(changed->staff_id, people[i])) {
			seat->present = !changed->absent && !changed->gone;
			seat->capacity = changed->capacity;
		} else if (event->type == CL_T_queue_assigned && cl_str_eqc(assigned->person, people[i])) {
			HOLDS(seat->present);
			HOLDS(!seat->capacity || seat->load < seat->capacity);
			seat->load++;
		} else if (event->type == CL_T_queue_left && cl_str_eqc(left->person, people[i])) {
			HOLDS(seat->load > 0);
			seat->load--;
		}
	}
}

static void check_department(struct run *run, const char *code) {
	struct world *w = &run->world;
	struct cl_id id = routing_department_id(cl_str_from(code));
	struct seat seats[PEOPLE] = {{0}};
	for (uint32_t i = 0; i < w->partitions; i++)
		for (size_t j = 0; j < w->logs[i].n; j++)
			follow(seats, &id, &w->logs[i].events[j], &w->turn);
	const struct department_state *queue = office_queue(w, code);
	uint32_t waiting = 0;
	for (uint32_t i = 0; i < PEOPLE; i++) {
		const struct queue_member *member = office_member(w, code, people[i]);
		HOLDS((member ? member->load : 0) == seats[i].load);
		for (uint32_t n = 0; n < run->slips; n++) {
			const struct work_item_state *item = office_item(w, office_slip_id(n));
			if (item->status == WORK_ASSIGNED && cl_str_eqc(item->department, code) &&
			    cl_str_eqc(item->person, people[i])) {
				HOLDS(seats[i].load > 0);
				seats[i].load--;
			}
		}
		HOLDS(seats[i].load == 0);
	}
	for (uint32_t n = 0; n < run->slips; n++) {
		const struct work_item_state *item = office_item(w, office_slip_id(n));
		if (item->status != WORK_WAITING || !cl_str_eqc(item->department, code))
			continue;
		uint32_t found = 0;
		for (uint32_t i = 0; queue && i < queue->waiting.n; i++)
			found += cl_id_eq(queue->waiting.v[i].slip_id, office_slip_id(n)) &&
			         queue->waiting.v[i].ask == item->ask;
		HOLDS(found == 1);
		waiting++;
	}
	HOLDS((queue ? queue->waiting.n : 0) == waiting);
}

static bool could_take(const struct department_state *queue, const struct queue_member *member,
                       const struct queue_entry *entry) {
	bool skilled = !entry->skill.n, wish_here = false;
	for (uint32_t i = 0; i < member->skills.n; i++)
		skilled |= cl_str_eq(member->skills.v[i], entry->skill);
	for (uint32_t i = 0; i < queue->members.n; i++)
		wish_here |= entry->wish.n && !queue->members.v[i].gone &&
		             cl_str_eq(queue->members.v[i].staff_id, entry->wish);
	bool allowed = wish_here ? cl_str_eq(entry->wish, member->staff_id) : skilled;
	return allowed && !member->absent && !member->gone && (!member->capacity || member->load < member->capacity);
}

static void check_nobody_idle(struct run *run, const char *code) {
	const struct department_state *queue = office_queue(&run->world, code);
	for (uint32_t i = 0; queue && i < queue->waiting.n; i++)
		for (uint32_t j = 0; j < queue->members.n; j++)
			HOLDS(!could_take(queue, &queue->members.v[j], &queue->waiting.v[i]));
}

static void check_items(struct run *run) {
	for (uint32_t n = 0; n < run->slips; n++) {
		const struct work_item_state *item = office_item(&run->world, office_slip_id(n));
		HOLDS(item);
		HOLDS(item->status != WORK_ASKED);
		bool given_out = item->status != WORK_DONE && item->status != WORK_HISTORY;
		HOLDS(!given_out || !cl_str_eqc(item->department, "khong.co"));
		HOLDS(item->status != WORK_DEFERRED || (item->retry_at && routing_domain.due(CL_KIND_WORK_ITEM, item)));
		HOLDS((item->status == WORK_DONE) == run->closed[n]);
		HOLDS((item->person.n > 0) == (item->status == WORK_ASSIGNED));
		HOLDS(item->status != WORK_HISTORY || item->imported);
	}
}

/* People enough for all: then what waited or was put off is given out too. */
static void check_relief(struct run *run) {
	struct world *w = &run->world;
	for (uint32_t i = 0; i < PEOPLE; i++)
		(void)office_person(w, people[i], departments[i % 3], "mang", 0, false);
	world_settle(w);
	world_run_until(w, w->now_ms + 8 * ROUTING_RETRY_MS, true);
	for (uint32_t n = 0; n < run->slips; n++) {
		const struct work_item_state *item = office_item(w, office_slip_id(n));
		bool open = item->status != WORK_DONE && item->status != WORK_HISTORY;
		HOLDS(!open || item->status == WORK_ASSIGNED);
	}
}

/* Each reason at most once for each time that was missed. */
static void check_escalations(struct run *run) {
	struct world *w = &run->world;
	for (uint32_t i = 0; i < w->partitions; i++)
		for (size_t j = 0; j < w->logs[i].n; j++)
			for (size_t k = 0; k < j; k++) {
				const struct world_event *a = &w->logs[i].events[j], *b = &w->logs[i].events[k];
				if (a->type == CL_T_item_escalated && b->type == a->type &&
				    cl_id_eq(a->aggregate, b->aggregate))
					HOLDS(a->payload.n != b->payload.n ||
					      memcmp(a->payload.p, b->payload.p, a->payload.n) != 0);
			}
}

static void run_seed(uint64_t number) {
	struct run *run = calloc(1, sizeof(*run));
	assert_non_null(run);
	seed = number;
	world_open(&run->world, &routing_domain, 1 + (uint32_t)(number % WORLD_PARTITIONS_MAX), number);
	if (number % 3)
		office_configure(&run->world);
	for (uint32_t i = 0; i < STEPS; i++)
		act(run);
	world_settle(&run->world);
	check_items(run);
	for (uint32_t i = 0; i < 4; i++) {
		check_department(run, departments[i]);
		check_nobody_idle(run, departments[i]);
	}
	check_relief(run);
	check_escalations(run);
	world_check_replay(&run->world);
	world_close(&run->world);
	free(run);
}

static void loads_and_queues_agree_with_the_items(void **state) {
	(void)state;
	const char *only = getenv("SEED");
	if (only) {
		run_seed(strtoull(only, NULL, 10));
		return;
	}
	for (uint64_t i = 1; i <= SEEDS; i++)
		run_seed(i);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(loads_and_queues_agree_with_the_items)};
	return cmocka_run_group_tests_name("routing_property", tests, NULL, NULL);
}
