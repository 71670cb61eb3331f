/* Random histories of eight logs that cause each other, delivered in random order with losses while the archive crashes
 * at random: what check_archive demands holds at every moment, and at the end everything is there exactly once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "archive_check.h"
#include "archive_world.h"

static void append_random(struct world *world) {
	struct world_source *source = &world->sources[world_random(world, WORLD_SOURCES)];
	for (uint64_t n = 1 + world_random(world, 5); n; n--) {
		struct world_source *other = &world->sources[world_random(world, WORLD_SOURCES)];
		/* Mostly what is new there: that is what the archive is likely not to have yet. */
		uint64_t back = world_random(world, 4) ? world_random(world, 3) : world_random(world, 50);
		uint64_t seq = other->log.head.seq > back ? other->log.head.seq - back : 1;
		struct cl_cause cause = world_position(other, seq);
		if (other == source)
			cause.hash = (struct cl_hash){{0}};
		switch (world_random(world, 4)) {
		case 0:
			world_append(world, source, CL_T_log_accepted, NULL);
			break;
		case 1:
			world_append(world, source, CL_T_log_consumed, &cause);
			break;
		case 2:
		case 3:
			world_append(world, source, CL_T_log_accepted, &cause);
			break;
		}
	}
}

static void step(struct world *world) {
	uint64_t what = world_random(world, 1000);
	if (what < 200)
		append_random(world);
	else if (what < 700)
		(void)world_deliver(world);
	else if (what < 850)
		(void)world_work(world);
	else if (what < 990)
		world_pass(world, (int64_t)world_random(world, 40));
	else if (what < 995)
		world_pass(world, 4000); /* longer than a subscription waits */
	else if (world->archive)
		world_crash(world);
	else
		world_start(world);
}

static void run(uint64_t seed) {
	struct world world;
	printf("seed %llu\n", (unsigned long long)seed);
	world_init(&world, seed);
	world.lose_permille = 20;
	world.options.checkpoint_records = 100;
	world.options.batch_records = 1 + (uint32_t)world_random(&world, 64);
	world.options.credit_bytes = 500 + (uint32_t)world_random(&world, 20000);
	world_start(&world);
	for (int i = 0; i < 20000; i++) {
		step(&world);
		if (i % 5000 == 0)
			check_archive(&world, false);
	}
	world.lose_permille = 0;
	if (!world.archive)
		world_start(&world);
	world_settle(&world);
	check_archive(&world, true);
	assert_null(world.died);
	assert_true(world.crashes > 0 && world.lost > 0);
	assert_true(reporting_archive_log(world.archive)->head.seq > 5000);
	world_done(&world);
}

static void random_histories(void **state) {
	(void)state;
	const char *one = getenv("SEED");
	if (one) {
		run(strtoull(one, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= 4; seed++)
		run(seed);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_histories)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
