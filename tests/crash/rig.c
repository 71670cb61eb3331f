#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "rig_process.h"

static const char *const names[] = {"intake", "routing", "order", "support", "reporting"};
static const char *const programs[] = {INTAKE_PROGRAM, ROUTING_PROGRAM, ORDER_PROGRAM, SUPPORT_PROGRAM,
                                       REPORTING_PROGRAM};

/* -- texts and files -- */

char *rig_text(const char *format, ...) {
	char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int n = vasprintf(&text, format, arguments);
	va_end(arguments);
	assert_true(n >= 0);
	return text;
}

uint64_t rig_seed(const char *test) {
	const char *given = getenv("CL_TEST_SEED");
	uint64_t seed = 0;
	if (given)
		seed = strtoull(given, NULL, 10);
	else
		assert_int_equal(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
	printf("%s: CL_TEST_SEED=%llu\n", test, (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

uint64_t rig_random(uint64_t *state) { /* splitmix64 */
	uint64_t x = *state += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

void rig_write(const char *path, const char *text, mode_t mode) {
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

char *rig_read(const char *path) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return rig_read_fd(fd);
}

void rig_show(const char *path) {
	char *text = access(path, R_OK) == 0 ? rig_read(path) : NULL;
	if (text && *text)
		fprintf(stderr, "-- %s\n%s\n", path, text);
	free(text);
}

static void folder(const char *path) {
	assert_int_equal(mkdir(path, 0700), 0);
}

static int drop_one(const char *path, const struct stat *stat, int flag, struct FTW *ftw) {
	(void)stat, (void)flag, (void)ftw;
	return remove(path);
}

/* -- the folder -- */

/* Every start of a service goes through this script: it counts the start and takes the failpoint that the test has
 * laid ready for it. The supervisor gives the partition last. */
static void write_wrapper(const struct rig *rig, uint32_t at) {
	char *path = rig_text("%s/libexec/careloop-%s", rig->base, names[at]);
	char *text = rig_text("#!/bin/sh\n"
	                      "for last; do :; done\n"
	                      "n=0\n"
	                      "while ! mkdir \"%s/starts/%s-$last.$n\" 2>/dev/null; do n=$((n + 1)); done\n"
	                      "arm=\"%s/arm/%s-$last.$n\"\n"
	                      "if [ -f \"$arm\" ]; then CL_FAILPOINT=$(cat \"$arm\"); export CL_FAILPOINT; fi\n"
	                      "exec \"%s\" \"$@\"\n",
	                      rig->base, names[at], rig->base, names[at], programs[at]);
	rig_write(path, text, 0700);
	free(text);
	free(path);
}

static void write_config(const struct rig *rig, const char *yaml) {
	char *path = rig_text("%s/careloop.yaml", rig->dir);
	char *text = rig_text("run: intake,routing,order,support,reporting\nanchors: %s\nmap_gib: 1\n%s", rig->anchors,
	                      yaml ? yaml : "");
	rig_write(path, text, 0600);
	free(text);
	free(path);
}

void rig_open(struct rig *rig, const char *yaml) {
	const char *tmp = getenv("TMPDIR");
	char *error = NULL;
	*rig = (struct rig){.base = rig_text("%s/careloop-crash-XXXXXX", tmp ? tmp : "/tmp")};
	assert_non_null(mkdtemp(rig->base));
	rig->dir = rig_text("%s/data", rig->base);
	rig->anchors = rig_text("%s/anchors", rig->base);
	static const char *const parts[] = {"data", "anchors", "libexec", "starts", "arm"};
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		char *path = rig_text("%s/%s", rig->base, parts[i]);
		folder(path);
		free(path);
	}
	for (uint32_t i = 0; i < 5; i++)
		write_wrapper(rig, i);
	write_config(rig, yaml);
	assert_int_equal(cl_crypto_init(), CL_OK);
	int r = cl_config_load(rig->dir, NULL, &rig->config, &error);
	if (r == CL_OK) {
		rig->config_open = true;
		r = cl_config_prepare(&rig->config, &error);
	}
	if (r != CL_OK)
		fail_msg("%s", error ? error : cl_error_text(r));
	for (uint32_t i = 0; i < 5; i++)
		for (uint32_t k = 0; k < rig->config.services[CL_INTAKE + i].partitions; k++) {
			struct rig_member *member = &rig->members[rig->member_n++];
			assert_true(rig->member_n <= sizeof(rig->members) / sizeof(*rig->members));
			*member = (struct rig_member){.service = CL_INTAKE + i, .partition = k};
			snprintf(member->name, sizeof(member->name), "%s-%u", names[i], k);
		}
	assert_int_equal(uv_loop_init(&rig->loop), 0);
	rig->loop_open = true;
}

void rig_close(struct rig *rig) {
	rig_disconnect(rig);
	rig_kill_all(rig);
	if (rig->loop_open) {
		uv_run(&rig->loop, UV_RUN_DEFAULT);
		uv_loop_close(&rig->loop);
	}
	if (rig->config_open)
		cl_config_done(&rig->config);
	if (rig->base && !getenv("CL_TEST_KEEP"))
		nftw(rig->base, drop_one, 16, FTW_DEPTH | FTW_PHYS);
	free(rig->dir);
	free(rig->anchors);
	free(rig->base);
	*rig = (struct rig){0};
}

void rig_arm(struct rig *rig, const struct rig_member *member, uint32_t start, const char *point) {
	char *path = rig_text("%s/arm/%s.%u", rig->base, member->name, start);
	rig_write(path, point, 0600);
	free(path);
}

uint32_t rig_starts(const struct rig *rig, const struct rig_member *member) {
	for (uint32_t n = 0;; n++) {
		char *path = rig_text("%s/starts/%s.%u", rig->base, member->name, n);
		bool there = access(path, F_OK) == 0;
		free(path);
		if (!there)
			return n;
	}
}
