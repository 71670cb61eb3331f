#include "uv_help.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

char *textf(const char *format, ...) {
	char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int n = vasprintf(&text, format, arguments);
	va_end(arguments);
	assert_true(n >= 0);
	return text;
}

char *folder_new(void) {
	const char *base = getenv("TMPDIR");
	char *folder = textf("%s/careloop-uv-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(folder));
	return folder;
}

static int drop_one(const char *path, const struct stat *stat, int flag, struct FTW *ftw) {
	(void)stat, (void)flag, (void)ftw;
	return remove(path);
}

void folder_drop(char *folder) {
	assert_int_equal(nftw(folder, drop_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(folder);
}

void file_write(const char *name, const char *text) {
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

uint64_t seed_of(const char *test) {
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

uint64_t rng(uint64_t *state) { /* splitmix64 */
	uint64_t x = *state += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* Also wakes the loop, so that a condition which no event announces is looked at. */
#define LOOK_MS 10
#define LOOKS_MAX 6000

static void look(uv_timer_t *timer) {
	++*(int *)timer->data;
}

static void limit_closed(uv_handle_t *handle) {
	*(bool *)handle->data = true;
}

void run_until(uv_loop_t *loop, bool (*condition)(void *context), void *context) {
	int looks = 0;
	uv_timer_t limit;
	assert_int_equal(uv_timer_init(loop, &limit), 0);
	limit.data = &looks;
	assert_int_equal(uv_timer_start(&limit, look, LOOK_MS, LOOK_MS), 0);
	while (!condition(context) && looks < LOOKS_MAX)
		uv_run(loop, UV_RUN_ONCE);
	bool closed = false;
	limit.data = &closed;
	uv_close((uv_handle_t *)&limit, limit_closed);
	while (!closed)
		uv_run(loop, UV_RUN_NOWAIT);
	assert_true(looks < LOOKS_MAX);
}

void loop_close(uv_loop_t *loop) {
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(loop), 0);
}

static void child(const char *const *arguments, const char *environment, int ready, int err) {
	char number[16];
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves no child behind */
	if (ready >= 0) {
		snprintf(number, sizeof(number), "%d", ready);
		setenv("CL_READY_FD", number, 1);
	}
	if (environment)
		putenv((char *)(uintptr_t)environment);
	if (err >= 0)
		dup2(err, STDERR_FILENO);
	execv(arguments[0], (char *const *)(uintptr_t)arguments);
	_exit(127);
}

pid_t spawn(const char *const *arguments, const char *environment, bool ready, int *ret_stderr) {
	int readiness[2], said[2] = {-1, -1};
	assert_int_equal(pipe(readiness), 0);
	assert_int_equal(fcntl(readiness[0], F_SETFD, FD_CLOEXEC), 0);
	if (ret_stderr) {
		assert_int_equal(pipe2(said, O_CLOEXEC), 0);
		*ret_stderr = said[0];
	}
	pid_t pid = fork(); /* only exec follows: nanomsg must not be used in a forked child */
	assert_true(pid >= 0);
	if (pid == 0)
		child(arguments, environment, ready ? readiness[1] : -1, said[1]);
	close(readiness[1]);
	if (ret_stderr)
		close(said[1]);
	if (ready) {
		char text[16] = {0};
		assert_int_equal(read(readiness[0], text, sizeof(text)), 8);
		assert_string_equal(text, "READY=1\n");
	}
	close(readiness[0]);
	return pid;
}

int wait_exit(pid_t pid) {
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

char *read_all(int fd) {
	size_t n = 0;
	char *text = calloc(1, 65536);
	assert_non_null(text);
	for (ssize_t got; n < 65535 && (got = read(fd, text + n, 65535 - n)) > 0;)
		n += (size_t)got;
	close(fd);
	return text;
}
