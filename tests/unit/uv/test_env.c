/* The environment on libuv: lanes, timer, log lines. */
#include "uv_help.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uv/env_uv.h"

struct world {
	uv_loop_t loop;
	struct cl_logger logger;
	struct cl_env_uv *uv;
	struct cl_env *env;
	uint32_t wakes, closed;
};

static void on_wake(void *context) {
	((struct world *)context)->wakes++;
}

static void open_world(struct world *world) {
	*world = (struct world){0};
	assert_int_equal(uv_loop_init(&world->loop), 0);
	cl_logger_init(&world->logger, "intake", 2, "info");
	assert_int_equal(cl_env_uv_open(&world->loop, &world->logger, on_wake, world, &world->uv), CL_OK);
	world->env = cl_env_uv_env(world->uv);
}

static void on_closed(void *context) {
	((struct world *)context)->closed++;
}

static void close_world(struct world *world) {
	cl_env_uv_close(world->uv, on_closed, world);
	loop_close(&world->loop);
	assert_int_equal(world->closed, 1);
}

/* -- lanes -- */

enum { JOBS = 500 };

struct job {
	struct lane *lane;
	uint32_t number;
};

struct lane {
	uv_thread_t loop_thread;
	uint32_t running, run, overlaps, disorders, wrong_thread; /* written on the lane's thread */
	uint32_t done, done_disorders, done_wrong_thread;         /* and these on the loop's */
	struct job jobs[JOBS];
	struct world *world;
};

static void run_alone(void *context) {
	struct job *job = context;
	struct lane *lane = job->lane;
	uv_thread_t self = uv_thread_self();
	lane->overlaps += __atomic_fetch_add(&lane->running, 1, __ATOMIC_SEQ_CST) != 0;
	lane->disorders += lane->run++ != job->number;
	lane->wrong_thread += uv_thread_equal(&self, &lane->loop_thread) != 0;
	__atomic_fetch_sub(&lane->running, 1, __ATOMIC_SEQ_CST);
}

static void job_done(void *context) {
	struct job *job = context;
	struct lane *lane = job->lane;
	uv_thread_t self = uv_thread_self();
	lane->done_disorders += lane->done++ != job->number;
	lane->done_wrong_thread += uv_thread_equal(&self, &lane->loop_thread) == 0;
}

static bool all_done(void *context) {
	return ((struct lane *)context)->done == JOBS;
}

static void the_writer_lane_is_one_after_another(void **unused) {
	(void)unused;
	struct world world;
	struct lane *lane = calloc(1, sizeof(*lane));
	open_world(&world);
	lane->loop_thread = uv_thread_self();
	for (uint32_t i = 0; i < JOBS; i++) {
		lane->jobs[i] = (struct job){lane, i};
		world.env->ops->work(world.env, CL_LANE_WRITER, run_alone, job_done, &lane->jobs[i]);
		assert_int_equal(lane->done, 0); /* never from within the call */
	}
	run_until(&world.loop, all_done, lane);
	assert_int_equal(lane->run, JOBS);
	assert_int_equal(lane->overlaps, 0);
	assert_int_equal(lane->disorders + lane->done_disorders, 0);
	assert_int_equal(lane->wrong_thread + lane->done_wrong_thread, 0);
	close_world(&world);
	free(lane);
}

/* Two readers that each wait for the other can only end if they run beside each other. */
static void meet(void *context) {
	uv_barrier_wait(context);
}

static uint32_t met;

static void have_met(void *context) {
	(void)context;
	met++;
}

static bool both_met(void *context) {
	(void)context;
	return met == 2;
}

static void readers_run_beside_each_other(void **unused) {
	(void)unused;
	struct world world;
	uv_barrier_t barrier;
	open_world(&world);
	assert_int_equal(uv_barrier_init(&barrier, 2), 0);
	for (int i = 0; i < 2; i++)
		world.env->ops->work(world.env, CL_LANE_READER, meet, have_met, &barrier);
	run_until(&world.loop, both_met, NULL);
	uv_barrier_destroy(&barrier);
	close_world(&world);
}

static void a_close_waits_for_the_jobs(void **unused) {
	(void)unused;
	struct world world;
	struct lane *lane = calloc(1, sizeof(*lane));
	open_world(&world);
	lane->loop_thread = uv_thread_self();
	for (uint32_t i = 0; i < JOBS; i++) {
		lane->jobs[i] = (struct job){lane, i};
		world.env->ops->work(world.env, CL_LANE_WRITER, run_alone, job_done, &lane->jobs[i]);
	}
	close_world(&world); /* at once */
	assert_int_equal(lane->done, JOBS);
	free(lane);
}

/* -- timer -- */

static bool woken(void *context) {
	return ((struct world *)context)->wakes > 0;
}

static void the_timer(void **unused) {
	(void)unused;
	struct world world;
	open_world(&world);
	int64_t now = world.env->ops->steady_ms(world.env);
	world.env->ops->wake_at(world.env, now - 1000); /* past: as soon as may be, but not from within the call */
	assert_int_equal(world.wakes, 0);
	run_until(&world.loop, woken, &world);
	assert_int_equal(world.wakes, 1);
	/* once only, the later wish replaces the former, none at all cancels */
	world.env->ops->wake_at(world.env, now + 3600000);
	world.env->ops->wake_at(world.env, now);
	world.wakes = 0;
	run_until(&world.loop, woken, &world);
	world.env->ops->wake_at(world.env, now + 1);
	world.env->ops->wake_at(world.env, 0);
	world.wakes = 0;
	for (int i = 0; i < 100; i++)
		uv_run(&world.loop, UV_RUN_NOWAIT);
	assert_int_equal(world.wakes, 0);
	close_world(&world);
}

static void random_is_random(void **unused) {
	(void)unused;
	struct world world;
	uint8_t one[32] = {0}, two[32] = {0};
	open_world(&world);
	world.env->ops->random(world.env, one, sizeof(one));
	world.env->ops->random(world.env, two, sizeof(two));
	assert_memory_not_equal(one, two, sizeof(one));
	assert_true(world.env->ops->now_ms(world.env) > 1600000000000);
	assert_int_equal(world.env->ops->post(world.env, CL_STR("ipc:///x"), CL_T_wire_credit, NULL), CL_E_CLOSED);
	close_world(&world);
}

/* -- log lines -- */

static void log_lines(void **unused) {
	(void)unused;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	struct cl_logger logger;
	cl_logger_init(&logger, "intake", 2, "info");
	logger.fd = ends[1];
	cl_logger_write(&logger, CL_DEBUG, "unheard", "n=%d", 1);
	cl_logger_write(&logger, CL_WARN, "loud", "n=%d text=%s", 7, "a\nts=forged level=info");
	cl_logger_write(&logger, CL_INFO, "bare", "%s", "");
	close(ends[1]);
	char *text = read_all(ends[0]);
	assert_null(strstr(text, "unheard"));
	char *line =
	        strstr(text, " level=warn service=intake partition=2 event=loud n=7 text=a?ts=forged level=info\n");
	assert_non_null(line);
	assert_int_equal(line - text, strlen("ts=2026-01-31T09:00:00.123Z")); /* nothing before but the time */
	assert_memory_equal(text, "ts=2", 4);
	int lines = 0;
	for (char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 2);
	free(text);
}

static void die_ends_with_its_own_code(void **unused) {
	(void)unused;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct world world;
		open_world(&world);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		world.env->ops->die(world.env, "test");
		_exit(0);
	}
	assert_int_equal(wait_exit(pid), 5);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_writer_lane_is_one_after_another),
	        cmocka_unit_test(readers_run_beside_each_other),
	        cmocka_unit_test(a_close_waits_for_the_jobs),
	        cmocka_unit_test(the_timer),
	        cmocka_unit_test(random_is_random),
	        cmocka_unit_test(log_lines),
	        cmocka_unit_test(die_ends_with_its_own_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
