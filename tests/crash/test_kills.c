/* kill -9 under load: at every failpoint of every service, and at random. Nothing acknowledged is lost, nothing takes
 * effect twice, everything drains into the archive. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "audit.h"

struct scene {
	struct rig rig;
	struct load *load;
	/* random kills */
	uint32_t kills, wanted;
	uint64_t next_at; /* acknowledged commands at which the next one comes */
};

static int setup(void **state) {
	*state = calloc(1, sizeof(struct scene));
	return *state ? 0 : -1;
}

static int teardown(void **state) {
	struct scene *scene = *state;
	rig_close(&scene->rig);
	load_free(scene->load);
	free(scene);
	return 0;
}

static void prepare(struct scene *scene, const char *yaml, uint32_t width) {
	rig_open(&scene->rig, yaml);
	scene->load = load_new(&scene->rig, width);
}

/* Departments, rules and policies, before anything goes wrong. */
static void defaults(struct scene *scene) {
	char *said = NULL;
	int code = rig_careloop(&scene->rig, &said, "configure", "defaults", NULL);
	if (code != 0)
		fprintf(stderr, "%s\n", said);
	free(said);
	assert_int_equal(code, 0);
}

/* Nobody died of anything but a kill: a crash would be started again just like one. */
static void all_deaths_were_kills(const struct scene *scene, size_t kills) {
	char *path = rig_text("%s/supervisor.out", scene->rig.base), *said = rig_read(path);
	size_t deaths = 0, by_kill = 0;
	for (const char *p = said; (p = strstr(p, "sẽ chạy lại sau")) != NULL; p++)
		deaths++;
	for (const char *p = said; (p = strstr(p, "vì tín hiệu 9, sẽ chạy lại sau")) != NULL; p++)
		by_kill++;
	if (deaths != kills || by_kill != kills)
		rig_show(path);
	free(said);
	free(path);
	assert_int_equal(deaths, kills);
	assert_int_equal(by_kill, kills);
}

/* -- at every failpoint -- */

static const char *const points[] = {"before_commit", "after_commit", "before_reply", "mid_frame", "before_post"};
#define POINTS (sizeof(points) / sizeof(*points))

/* All have died at all of their points and are there again. */
static bool all_died(void *context) {
	struct scene *scene = context;
	load_push(scene->load);
	if (scene->load->wrong)
		return true;
	for (uint32_t i = 0; i < scene->rig.member_n; i++)
		if (rig_starts(&scene->rig, &scene->rig.members[i]) < 1 + POINTS)
			return false;
	return true;
}

static void arm_all(struct scene *scene, uint64_t *seed) {
	for (uint32_t i = 0; i < scene->rig.member_n; i++)
		for (uint32_t k = 0; k < POINTS; k++) {
			/* Each service meets the points in another order, and each at another pass. */
			char *point =
			        rig_text("%s:%u", points[(k + i) % POINTS], 6 + (uint32_t)(rig_random(seed) % 14));
			rig_arm(&scene->rig, &scene->rig.members[i], k, point);
			free(point);
		}
}

static void killed_at_every_failpoint(void **state) {
#ifdef CL_FAILPOINTS
	struct scene *scene = *state;
	uint64_t seed = rig_seed("killed_at_every_failpoint");
	prepare(scene, "checkpoint_records: 200\n", 12);
	arm_all(scene, &seed);
	rig_up(&scene->rig);
	defaults(scene);
	rig_until(&scene->rig, all_died, scene, 70, "every service died at every failpoint");
	load_finish(scene->load, 40);
	rig_drained(&scene->rig);
	rig_down(&scene->rig);
	printf("%zu kills: each of %u services at", POINTS * scene->rig.member_n, scene->rig.member_n);
	for (size_t i = 0; i < POINTS; i++)
		printf(" %s", points[i]);
	printf("\n");
	for (uint32_t i = 0; i < scene->rig.member_n; i++) /* and at nothing else */
		assert_int_equal(rig_starts(&scene->rig, &scene->rig.members[i]), 1 + POINTS);
	all_deaths_were_kills(scene, POINTS * scene->rig.member_n);
	audit(&scene->rig, scene->load);
#else
	(void)state;
	(void)arm_all;
	(void)all_died;
	skip();
#endif
}

/* -- at random -- */

/* Somebody who has come back from the last kill, from a random place on. */
static struct rig_member *victim(struct scene *scene, pid_t *ret_pid) {
	uint32_t from = (uint32_t)(rig_random(&scene->rig.seed) % scene->rig.member_n);
	for (uint32_t i = 0; i < scene->rig.member_n; i++) {
		struct rig_member *member = &scene->rig.members[(from + i) % scene->rig.member_n];
		pid_t pid = rig_pid(&scene->rig, member);
		if (pid && pid != member->pid) {
			*ret_pid = pid;
			return member;
		}
	}
	return NULL;
}

static bool all_killed(void *context) {
	struct scene *scene = context;
	load_push(scene->load);
	if (scene->load->wrong || scene->kills == scene->wanted)
		return true;
	if (scene->load->acknowledged < scene->next_at)
		return false;
	pid_t pid = 0;
	struct rig_member *member = victim(scene, &pid);
	if (!member || kill(pid, SIGKILL) != 0)
		return false;
	member->pid = pid;
	member->kills++;
	scene->kills++;
	scene->next_at = scene->load->acknowledged + 1 + rig_random(&scene->rig.seed) % 20;
	return false;
}

static void random_kills(struct scene *scene, uint32_t kills) {
	scene->wanted = kills;
	scene->next_at = 10;
	rig_up(&scene->rig);
	defaults(scene);
	rig_until(&scene->rig, all_killed, scene, 70, "all kills");
	load_finish(scene->load, 40);
	rig_drained(&scene->rig);
	rig_down(&scene->rig);
	printf("%u kills:", scene->kills);
	for (uint32_t i = 0; i < scene->rig.member_n; i++) {
		const struct rig_member *member = &scene->rig.members[i];
		printf(" %s %u", member->name, member->kills);
		assert_int_equal(rig_starts(&scene->rig, member), 1 + member->kills);
	}
	printf("\n");
	all_deaths_were_kills(scene, kills);
	audit(&scene->rig, scene->load);
}

static void killed_at_random(void **state) {
	struct scene *scene = *state;
	uint64_t seed = rig_seed("killed_at_random");
	prepare(scene, "checkpoint_records: 200\n", 40);
	scene->rig.seed = seed;
	random_kills(scene, 20);
}

static void killed_at_random_over_tcp(void **state) {
	struct scene *scene = *state;
	uint64_t seed = rig_seed("killed_at_random_over_tcp");
	/* Ports of this process's own, below those of replies (20000) and the ephemeral ones. */
	char *yaml = rig_text("transport: tcp\nbase_port: %d\nservices:\n  intake:\n    partitions: 2\n  support:\n"
	                      "    partitions: 2\n  routing:\n    partitions: 2\n",
	                      10000 + (int)(getpid() % 900) * 10);
	prepare(scene, yaml, 40);
	free(yaml);
	scene->rig.seed = seed;
	random_kills(scene, 20);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(killed_at_every_failpoint, setup, teardown),
	        cmocka_unit_test_setup_teardown(killed_at_random, setup, teardown),
	        cmocka_unit_test_setup_teardown(killed_at_random_over_tcp, setup, teardown),
	};
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
