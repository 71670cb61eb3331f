/* Is anybody there? Answers at once what a message to a service would only learn by silence. */
#ifndef CLI_REACH_H
#define CLI_REACH_H

#include <sys/types.h>

#include "base/str.h"

/* Somebody listens at the address ("ipc://…", "tcp://host:port"). */
bool cli_reach(struct cl_str address);
/* Connects a stream socket to "host:port" within the time; -1. */
int cli_tcp_connect(const char *host_port, int timeout_ms);

/* The supervisor of a data folder, from DIR/run/supervisor.lock: locked while it lives, holds its pid and start time.
 */
struct cli_supervisor {
	bool running;
	pid_t pid;
	uint64_t start;
};
struct cli_supervisor cli_supervisor_find(const char *dir);
bool cli_supervised(const char *dir);
/* Start time of a process in clock ticks since boot (proc(5), field 22 of stat); 0 if there is none. */
uint64_t cli_process_start(pid_t pid);

#endif
