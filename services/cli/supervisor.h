/* Keeps the service processes of one data folder running: starts them, waits until they are ready, starts again what
 * died, stops all in order (gateway, services, reporting) so that nothing is left between them. */
#ifndef CLI_SUPERVISOR_H
#define CLI_SUPERVISOR_H

#include "cli.h"
#include "logfile.h"
#include "plan.h"

enum cli_child_state {
	CHILD_DOWN,
	CHILD_STARTING,
	CHILD_READY,
	CHILD_WAITING /* before the next start */,
	CHILD_FAILED
};

struct cli_supervisor_run;
struct cli_child {
	struct cli_supervisor_run *run;
	struct cli_plan_entry entry;
	const char *name;  /* "intake/0" */
	const char **argv; /* of the trampoline, see cli_child_exec */
	enum cli_child_state state;
	uv_process_t process;
	uv_pipe_t ready, output;
	uv_timer_t timer; /* back-off, or the patience of a stop */
	bool process_open, ready_open, output_open, exited;
	int64_t started_ms;
	uint32_t failures; /* in a row */
	int64_t exit_status;
	int term_signal;
	struct cli_logfile log;
	char last[512]; /* what it said last: the reason, when it dies */
	size_t last_n;
};

struct cli_supervisor_run {
	struct cli *cli;
	struct cli_child *children;
	uint32_t child_n;
	bool all_ready, stopping, failed, foreground_logs, done;
	int stage;
	int lock_fd, notify_fd; /* notify: of the `up --detach` that waits; -1 */
	uv_signal_t on_term, on_int, on_hup;
	uv_timer_t patience; /* until all must be ready */
};

/* Takes the folder's lock; BUSY. */
CL_MUST_CHECK int cli_supervisor_lock(const char *dir, int *ret_fd);
/* Runs until told to stop; an exit code. */
int cli_supervise(struct cli *cli, const struct cli_plan *plan, int lock_fd, int notify_fd);
/* Path of a service's executable, in the arena; NULL if there is none. */
const char *cli_service_program(struct cli *cli, uint32_t service);

/* exec(3) and libuv take what they never change as if they might. */
static inline char **cli_argv(const char **argv) {
	char **same;
	memcpy(&same, &argv, sizeof(same));
	return same;
}

/* -- child.c -- */
int cli_child_start(struct cli_child *child); /* 0 or a libuv error */
void cli_child_stop(struct cli_child *child, int patience_ms);
void cli_child_free(struct cli_child *child);
/* The careloop executable started as `careloop --exec-service PARENT PROGRAM …` becomes PROGRAM, and dies with its
 * parent. */
int cli_child_exec(int argc, char **argv);
/* -- called by child.c -- */
void cli_supervisor_ready(struct cli_child *child);
void cli_supervisor_exited(struct cli_child *child);

#endif
