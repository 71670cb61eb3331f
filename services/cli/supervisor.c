#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/assert.h"
#include "reach.h"

#define STOP_PATIENCE_MS 20000
#define BACKOFF_FIRST_MS 200
#define BACKOFF_MAX_MS 10000
#define HEALTHY_MS 30000 /* a run this long forgives earlier deaths */
#define READY_PATIENCE_S 120

int cli_supervisor_lock(const char *dir, int *ret_fd) {
	char *path = NULL;
	if (asprintf(&path, "%s/run/supervisor.lock", dir) < 0)
		return CL_E_NOMEM;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (fd < 0)
		return CL_E_IO;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int error = errno;
		close(fd);
		return error == EWOULDBLOCK ? CL_E_BUSY : CL_E_IO;
	}
	*ret_fd = fd;
	return CL_OK;
}

/* Pid and start time, for `down`: a pid alone may have become another process's. */
static int write_lock(int fd) {
	char text[64];
	int n = snprintf(text, sizeof(text), "%ld %" PRIu64 "\n", (long)getpid(), cli_process_start(getpid()));
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return CL_E_IO;
	return CL_OK;
}

const char *cli_service_program(struct cli *cli, uint32_t service) {
	const char *name = cl_service_name(service), *libexec = getenv("CARELOOP_LIBEXEC");
	const char *slash = strrchr(cli->program, '/');
	const char *beside = cli_fmt(cli, "%.*s", (int)(slash ? slash - cli->program : 0), cli->program);
	const char *candidates[] = {
	        libexec && *libexec ? cli_fmt(cli, "%s/careloop-%s", libexec, name) : "",
	        cli_fmt(cli, "%s/careloop-%s", beside, name),
	        cli_fmt(cli, "%s/../lib/careloop/careloop-%s", beside, name), /* deploy/install */
	        cli_fmt(cli, "%s/../libexec/careloop/careloop-%s", beside, name),
	        cli_fmt(cli, "%s/../%s/careloop-%s", beside, name, name), /* a build folder */
	};
	for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++)
		if (*candidates[i] && access(candidates[i], X_OK) == 0)
			return candidates[i];
	return NULL;
}

static const char **child_argv(struct cli *cli, const struct cli_plan_entry *entry, const char *program) {
	const char **argv = cl_arena_array(cli->arena, const char *, 12);
	uint32_t n = 0;
	argv[n++] = cli->program;
	argv[n++] = "--exec-service";
	argv[n++] = cli_fmt(cli, "%ld", (long)getpid());
	argv[n++] = program;
	argv[n++] = "--dir";
	argv[n++] = cli->config.dir;
	if (cli->config_file) {
		argv[n++] = "--config";
		argv[n++] = cli->config_file;
	}
	if (entry->service != CL_GATEWAY) {
		argv[n++] = "--partition";
		argv[n++] = cli_fmt(cli, "%" PRIu32, entry->partition);
	}
	return argv;
}

/* What the process said last, its last line. */
static const char *last_words(const struct cli_child *child) {
	const struct cli *cli = child->run->cli;
	size_t n = child->last_n;
	while (n && child->last[n - 1] == '\n')
		n--;
	size_t from = n;
	while (from && child->last[from - 1] != '\n')
		from--;
	return n > from ? cli_safe(cli, (struct cl_str){child->last + from, (uint32_t)(n - from)}) : "-";
}

static int stage_of(const struct cli_child *child) {
	return child->entry.service == CL_GATEWAY ? 0 : child->entry.service == CL_REPORTING ? 2 : 1;
}

static void go_on_stopping(struct cli_supervisor_run *run) {
	for (; run->stage < 3; run->stage++) {
		bool alive = false;
		for (uint32_t i = 0; i < run->child_n; i++)
			alive |= stage_of(&run->children[i]) == run->stage && run->children[i].process_open;
		if (alive)
			return;
		for (uint32_t i = 0; run->stage < 2 && i < run->child_n; i++)
			if (stage_of(&run->children[i]) == run->stage + 1)
				cli_child_stop(&run->children[i], STOP_PATIENCE_MS);
	}
	run->done = true;
}

static void stop_all(struct cli_supervisor_run *run) {
	if (run->stopping) { /* asked twice: at once */
		for (uint32_t i = 0; i < run->child_n; i++)
			cli_child_stop(&run->children[i], 0);
		return;
	}
	run->stopping = true;
	run->stage = 0;
	uv_timer_stop(&run->patience);
	cli_say(run->cli, CL_TEXT_CLI_STOPPING, CLI_NO_ARGS);
	fflush(stdout);
	for (uint32_t i = 0; i < run->child_n; i++)
		if (stage_of(&run->children[i]) == 0)
			cli_child_stop(&run->children[i], STOP_PATIENCE_MS);
	go_on_stopping(run);
}

static void on_signal(uv_signal_t *handle, int signal_number) {
	(void)signal_number;
	stop_all(handle->data);
}

/* A terminal that goes away is no reason to stop a supervisor that was detached; uv needs a handler to ignore it. */
static void on_hangup(uv_signal_t *handle, int signal_number) {
	struct cli_supervisor_run *run = handle->data;
	(void)signal_number;
	if (run->notify_fd < 0)
		stop_all(run);
}

static void start_failed(struct cli_supervisor_run *run) {
	run->failed = true;
	if (!run->stopping)
		stop_all(run);
}

static void backoff_over(uv_timer_t *timer) {
	struct cli_child *child = timer->data;
	int result = cli_child_start(child);
	if (result != 0)
		cli_error(child->run->cli, CL_TEXT_CLI_CANNOT_START, CLI_ARGS(child->name, uv_strerror(result)));
}

/* Codes of service.h that another start would only repeat. */
static bool hopeless(const struct cli_child *child) {
	return child->term_signal == 0 && child->exit_status >= 2 && child->exit_status <= 4;
}

static enum cl_text why(const struct cli_child *child) {
	if (child->exit_status == 2)
		return CL_TEXT_CLI_DIED_CONFIG;
	return child->exit_status == 3 ? CL_TEXT_CLI_DIED_CORRUPT : CL_TEXT_CLI_DIED_BUSY;
}

void cli_supervisor_exited(struct cli_child *child) {
	struct cli_supervisor_run *run = child->run;
	struct cli *cli = run->cli;
	if (run->stopping) {
		/* One that was still starting ends as it can. */
		bool unclean = child->state == CHILD_READY && (child->exit_status != 0 || child->term_signal != 0);
		child->state = CHILD_DOWN;
		if (unclean) {
			run->failed = true;
			cli_error(cli, CL_TEXT_CLI_DIED_STOPPING,
			          CLI_ARGS(child->name,
			                   cli_fmt(cli, "%" PRId64,
			                           child->term_signal ? (int64_t)-child->term_signal
			                                              : child->exit_status),
			                   last_words(child)));
		}
		go_on_stopping(run);
		return;
	}
	if (hopeless(child)) {
		child->state = CHILD_FAILED;
		cli_error(cli, why(child), CLI_ARGS(child->name, last_words(child)));
		if (!run->all_ready)
			start_failed(run);
		return;
	}
	if ((int64_t)uv_now(cli_loop(cli)) - child->started_ms > HEALTHY_MS)
		child->failures = 0;
	uint64_t wait = BACKOFF_FIRST_MS << (child->failures < 8 ? child->failures : 8);
	wait = wait > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : wait;
	child->failures++;
	child->state = CHILD_WAITING;
	cli_error(cli, child->term_signal ? CL_TEXT_CLI_DIED_SIGNAL : CL_TEXT_CLI_DIED,
	          CLI_ARGS(child->name,
	                   cli_fmt(cli, "%" PRId64,
	                           child->term_signal ? (int64_t)child->term_signal : child->exit_status),
	                   cli_fmt(cli, "%" PRIu64, wait), last_words(child)));
	uv_timer_start(&child->timer, backoff_over, wait, 0);
}

/* The parent that waits is told; from here on nothing of its terminal is held. */
static void detach_output(struct cli_supervisor_run *run) {
	const char *path = cli_fmt(run->cli, "%s/logs/supervisor.log", run->cli->config.dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	fflush(stdout);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) {
		cli_error(run->cli, CL_TEXT_CLI_CANNOT_WRITE, CLI_ARGS(path, strerror(errno)));
		start_failed(run);
		return;
	}
	close(fd);
	if (write(run->notify_fd, "R", 1) != 1)
		start_failed(run); /* whoever asked for it is gone */
	close(run->notify_fd);
}

void cli_supervisor_ready(struct cli_child *child) {
	struct cli_supervisor_run *run = child->run;
	cli_say(run->cli, CL_TEXT_CLI_CHILD_READY, CLI_ARGS(child->name, cli_fmt(run->cli, "%d", child->process.pid)));
	fflush(stdout);
	for (uint32_t i = 0; i < run->child_n; i++)
		if (run->children[i].state != CHILD_READY)
			return;
	if (run->all_ready || run->stopping)
		return;
	run->all_ready = true;
	uv_timer_stop(&run->patience);
	if (run->notify_fd >= 0)
		detach_output(run);
	else
		cli_say(run->cli, CL_TEXT_CLI_UP, CLI_ARGS(run->cli->config.dir, run->cli->config.gateway_listen));
	fflush(stdout);
}

static void not_ready_in_time(uv_timer_t *timer) {
	struct cli_supervisor_run *run = timer->data;
	for (uint32_t i = 0; i < run->child_n; i++)
		if (run->children[i].state != CHILD_READY)
			cli_error(run->cli, CL_TEXT_CLI_NOT_READY,
			          CLI_ARGS(run->children[i].name, run->cli->config.dir));
	start_failed(run);
}

static int prepare_child(struct cli_supervisor_run *run, const struct cli_plan_entry *entry) {
	struct cli *cli = run->cli;
	const char *program = cli_service_program(cli, entry->service);
	struct cli_child *child = &run->children[run->child_n];
	if (!program && entry->service == CL_GATEWAY) {
		cli_error(cli, CL_TEXT_CLI_NO_GATEWAY, CLI_NO_ARGS);
		return CLI_OK;
	}
	if (!program) {
		cli_error(cli, CL_TEXT_CLI_NO_PROGRAM, CLI_ARGS(cl_service_name(entry->service), cli->program));
		return CLI_FAILED;
	}
	*child = (struct cli_child){.run = run, .entry = *entry, .log = {.fd = -1}};
	child->name = cli_plan_name(entry, '/', cli->arena);
	child->argv = child_argv(cli, entry, program);
	const char *path = cli_fmt(cli, "%s/logs/%s.log", cli->config.dir, cli_plan_name(entry, '-', cli->arena));
	if (!run->foreground_logs &&
	    cli_logfile_open(&child->log, path, CLI_LOGFILE_BYTES, CLI_LOGFILE_KEEP) != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_CANNOT_WRITE, CLI_ARGS(path, strerror(errno)));
		return CLI_FAILED;
	}
	int result = uv_timer_init(cli_loop(cli), &child->timer);
	CL_ASSERT(result == 0);
	child->timer.data = child;
	run->child_n++;
	return CLI_OK;
}

static void listen_for_signals(struct cli_supervisor_run *run) {
	uv_loop_t *loop = cli_loop(run->cli);
	run->on_term.data = run->on_int.data = run->on_hup.data = run->patience.data = run;
	int result = uv_signal_init(loop, &run->on_term) | uv_signal_init(loop, &run->on_int) |
	             uv_signal_init(loop, &run->on_hup) | uv_timer_init(loop, &run->patience);
	CL_ASSERT(result == 0);
	result = uv_signal_start(&run->on_term, on_signal, SIGTERM) | uv_signal_start(&run->on_int, on_signal, SIGINT) |
	         uv_signal_start(&run->on_hup, on_hangup, SIGHUP);
	CL_ASSERT(result == 0);
	signal(SIGPIPE, SIG_IGN);
}

int cli_supervise(struct cli *cli, const struct cli_plan *plan, int lock_fd, int notify_fd) {
	struct cli_supervisor_run run = {.cli = cli,
	                                 .lock_fd = lock_fd,
	                                 .notify_fd = notify_fd,
	                                 .foreground_logs = cli_flag(cli, "foreground-logs")};
	uint64_t patience_s;
	if (!cli_opt_u64(cli, "timeout", READY_PATIENCE_S, 86400, &patience_s))
		return CLI_USAGE;
	if (write_lock(lock_fd) != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_CANNOT_WRITE, CLI_ARGS("supervisor.lock", strerror(errno)));
		return CLI_FAILED;
	}
	run.children = cl_arena_array(cli->arena, struct cli_child, plan->n);
	for (uint32_t i = 0; i < plan->n; i++) {
		int result = prepare_child(&run, &plan->v[i]);
		if (result != CLI_OK)
			return result;
	}
	listen_for_signals(&run);
	uv_timer_start(&run.patience, not_ready_in_time, patience_s * 1000, 0);
	for (uint32_t i = 0; i < run.child_n && !run.failed; i++) {
		int result = cli_child_start(&run.children[i]);
		if (result != 0) {
			cli_error(cli, CL_TEXT_CLI_CANNOT_START, CLI_ARGS(run.children[i].name, uv_strerror(result)));
			start_failed(&run);
		}
	}
	cli_run_until(cli, &run.done);
	for (uint32_t i = 0; i < run.child_n; i++)
		cli_child_free(&run.children[i]);
	/* Handles lie in this frame: they must be closed before it goes. */
	uv_close((uv_handle_t *)&run.on_term, NULL);
	uv_close((uv_handle_t *)&run.on_int, NULL);
	uv_close((uv_handle_t *)&run.on_hup, NULL);
	uv_close((uv_handle_t *)&run.patience, NULL);
	for (uint32_t i = 0; i < run.child_n; i++)
		uv_close((uv_handle_t *)&run.children[i].timer, NULL);
	uv_run(cli_loop(cli), UV_RUN_DEFAULT);
	if (ftruncate(lock_fd, 0) == 0)
		cli_say(cli, CL_TEXT_CLI_DOWN, CLI_NO_ARGS);
	return run.failed ? CLI_FAILED : CLI_OK;
}
