#include "rig_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 20 /* between two looks at a condition that no event announces */
#define RUN_LIMIT_MS 60000
#define STOP_LIMIT_MS 60000
#define WORDS_MAX 32

static const char *const programs[] = {INTAKE_PROGRAM, ROUTING_PROGRAM, ORDER_PROGRAM, SUPPORT_PROGRAM,
                                       REPORTING_PROGRAM};

static int64_t now_ms(void) {
	return (int64_t)(uv_hrtime() / 1000000);
}

char *rig_read_fd(int fd) {
	size_t n = 0, cap = 65536;
	char *text = malloc(cap + 1);
	assert_non_null(text);
	for (ssize_t got; (got = read(fd, text + n, cap - n)) > 0;) {
		n += (size_t)got;
		if (n == cap)
			text = realloc(text, (cap *= 2) + 1);
		assert_non_null(text);
	}
	close(fd);
	text[n] = '\0';
	return text;
}

/* Only exec follows: nanomsg must not be used in a forked child. */
static pid_t start(const char *const *arguments, int out, const char *libexec) {
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (libexec)
		setenv("CARELOOP_LIBEXEC", libexec, 1);
	setenv("CARELOOP_LANG", "vi", 1);
	if (dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0)
		execv(arguments[0], (char *const *)(uintptr_t)arguments);
	_exit(127);
}

/* The exit code, -signal, or INT32_MIN: it is still there. */
static int reap(pid_t pid, int64_t limit_ms) {
	int status = 0;
	for (int64_t end = now_ms() + limit_ms;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);
		if (got == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
		if (got < 0 || now_ms() >= end)
			return INT32_MIN;
		poll(NULL, 0, LOOK_MS);
	}
}

int rig_run(const char *const *arguments, char **ret_said) {
	char name[] = "/tmp/careloop-said-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(unlink(name), 0);
	pid_t pid = start(arguments, fd, NULL);
	int code = reap(pid, RUN_LIMIT_MS);
	bool late = code == INT32_MIN;
	if (late) {
		kill(pid, SIGKILL);
		(void)reap(pid, RUN_LIMIT_MS);
	}
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	*ret_said = rig_read_fd(fd);
	if (late)
		fprintf(stderr, "%s does not end; it said: %s\n", arguments[0], *ret_said);
	assert_false(late);
	return code;
}

int rig_careloop(const struct rig *rig, char **ret_said, ...) {
	const char *words[WORDS_MAX] = {CARELOOP_PROGRAM, "--dir", rig->dir};
	uint32_t n = 3;
	va_list arguments;
	va_start(arguments, ret_said);
	for (const char *word; (word = va_arg(arguments, const char *)) != NULL;) {
		assert_true(n < WORDS_MAX - 1);
		words[n++] = word;
	}
	va_end(arguments);
	return rig_run(words, ret_said);
}

int rig_service(const struct rig *rig, const struct rig_member *member, char **ret_said) {
	char partition[16];
	snprintf(partition, sizeof(partition), "%u", member->partition);
	const char *const words[] = {
	        programs[member->service - CL_INTAKE], "--dir", rig->dir, "--partition", partition, NULL};
	return rig_run(words, ret_said);
}

/* Starts a service without the supervisor and stops it as soon as it says that it is ready. */
int rig_try(const struct rig *rig, const struct rig_member *member, char **ret_said) {
	char partition[16], ready[16], name[] = "/tmp/careloop-said-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC), readiness[2];
	assert_true(fd >= 0);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(pipe(readiness), 0);
	assert_int_equal(fcntl(readiness[0], F_SETFD, FD_CLOEXEC), 0);
	snprintf(partition, sizeof(partition), "%u", member->partition);
	snprintf(ready, sizeof(ready), "%d", readiness[1]);
	const char *const words[] = {
	        programs[member->service - CL_INTAKE], "--dir", rig->dir, "--partition", partition, NULL};
	setenv("CL_READY_FD", ready, 1);
	pid_t pid = start(words, fd, NULL);
	unsetenv("CL_READY_FD");
	close(readiness[1]);
	struct pollfd wait = {.fd = readiness[0], .events = POLLIN};
	if (poll(&wait, 1, RUN_LIMIT_MS) == 1 && read(readiness[0], ready, sizeof(ready)) > 0)
		kill(pid, SIGTERM);
	close(readiness[0]);
	int code = reap(pid, RUN_LIMIT_MS);
	if (code == INT32_MIN) {
		kill(pid, SIGKILL);
		(void)reap(pid, RUN_LIMIT_MS);
	}
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	*ret_said = rig_read_fd(fd);
	return code;
}

/* -- processes under the supervisor -- */

/* A process of this data folder still: ids are given again to others. */
static bool is_ours(const struct rig *rig, pid_t pid) {
	char path[64], words[8192];
	snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, words, sizeof(words));
	close(fd);
	return n > 0 && memmem(words, (size_t)n, rig->dir, strlen(rig->dir)) != NULL;
}

pid_t rig_pid(const struct rig *rig, const struct rig_member *member) {
	char *path = rig_text("%s/run/%s.pid", rig->dir, member->name), text[32] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	pid_t pid = n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
	return pid > 1 && is_ours(rig, pid) ? pid : 0;
}

void rig_kill_all(struct rig *rig) {
	if (!rig->supervisor)
		return;
	kill(rig->supervisor, SIGTERM);
	bool gone = reap(rig->supervisor, STOP_LIMIT_MS) != INT32_MIN;
	for (uint32_t i = 0; !gone && i < rig->member_n; i++) {
		pid_t pid = rig_pid(rig, &rig->members[i]);
		if (pid)
			kill(pid, SIGKILL);
	}
	if (!gone) {
		kill(rig->supervisor, SIGKILL);
		(void)reap(rig->supervisor, STOP_LIMIT_MS);
	}
	rig->supervisor = 0;
}

static bool answers(struct rig *rig, const struct rig_member *member, int64_t end_ms) {
	while (now_ms() < end_ms && waitpid(rig->supervisor, NULL, WNOHANG) == 0) {
		char *json = rig_query(rig, member, "status", 2000);
		free(json);
		if (json)
			return true;
	}
	return false;
}

void rig_up(struct rig *rig) {
	char *out = rig_text("%s/supervisor.out", rig->base), *libexec = rig_text("%s/libexec", rig->base);
	const char *const arguments[] = {CARELOOP_PROGRAM, "--dir", rig->dir, "up", NULL};
	int fd = open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	rig->supervisor = start(arguments, fd, libexec);
	close(fd);
	free(libexec);
	rig_connect(rig);
	int64_t end_ms = now_ms() + RUN_LIMIT_MS;
	for (uint32_t i = 0; i < rig->member_n; i++)
		if (!answers(rig, &rig->members[i], end_ms)) {
			rig_show(out);
			fail_msg("%s does not answer", rig->members[i].name);
		}
	free(out);
}

/* A service that ended by its own fault looks like one that was killed: what it said tells them apart. */
static void sane(const struct rig *rig, const struct rig_member *member) {
	static const char *const faults[] = {"Sanitizer", "runtime error:", "assertion failed"};
	char *path = rig_text("%s/logs/%s.log", rig->dir, member->name), *said = rig_read(path);
	bool fault = false;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		fault |= strstr(said, faults[i]) != NULL;
	free(said);
	if (fault)
		rig_show(path);
	free(path);
	assert_false(fault);
}

void rig_down(struct rig *rig) {
	rig_disconnect(rig);
	assert_int_equal(kill(rig->supervisor, SIGTERM), 0);
	int code = reap(rig->supervisor, STOP_LIMIT_MS);
	if (code != 0) {
		char *out = rig_text("%s/supervisor.out", rig->base);
		rig_show(out);
		free(out);
	}
	if (code != INT32_MIN)
		rig->supervisor = 0;
	assert_int_equal(code, 0);
	for (uint32_t i = 0; i < rig->member_n; i++)
		sane(rig, &rig->members[i]);
}
