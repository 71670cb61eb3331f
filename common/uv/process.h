/* What every service process is, whatever it serves: options, configuration, keys, the loop, the store, the net, the
 * env, signals, the pid file, readiness, anchors, exit codes (service.h). Partitioned domains run in it through
 * cl_service_main; a service of another shape (reporting) gives its own parts. */
#ifndef CL_UV_PROCESS_H
#define CL_UV_PROCESS_H

#include "log/log.h"
#include "uv/env_uv.h"
#include "uv/service.h"

struct cl_process;
struct cl_process_parts {
	/* Opens what serves; config, kv, env and net are there. 0 or the exit code, the reason told. */
	int (*open)(struct cl_process *process);
	void (*message)(struct cl_process *process, uint16_t type, const void *body);
	void (*idle)(struct cl_process *process); /* all that had arrived was delivered */
	void (*wake)(struct cl_process *process); /* the env's timer; may come before open */
	/* Stops; done (with the process) when nothing is in flight. */
	void (*drain)(struct cl_process *process, void (*done)(void *context));
	void (*close)(struct cl_process *process); /* after the loop ended; also when open failed or was not reached */
	uint64_t (*head)(struct cl_process *process);
};

struct cl_process {
	const struct cl_process_parts *parts;
	void *context;    /* of the parts */
	uint32_t service; /* cl_service_id */
	const char *name; /* "intake" */
	uint32_t index;   /* partition */
	struct cl_config config;
	struct cl_keys keys;
	struct cl_logger logger;
	uv_loop_t loop;
	bool loop_open, signals_open, pid_written, opened;
	uv_signal_t terminate, interrupt;
	uv_timer_t deadline; /* of the drain */
	struct cl_kv *kv;
	struct cl_env_uv *env;
	struct cl_net *net;
	int64_t started_ms; /* steady */
	uint64_t anchor_failures;
	bool stopping;
};

/* parts, context and service are set, the rest is zero. Returns the exit code. */
int cl_process_main(struct cl_process *process, int argc, char **argv);

/* -- for the parts -- */
char *cl_process_folder(const struct cl_process *process); /* of the store; caller frees */
/* Service, partition, keys, and a fresh log id for a new log. */
struct cl_log_identity cl_process_identity(struct cl_process *process);
/* Tells why a log could not be opened and gives the exit code. */
int cl_process_log_refused(struct cl_process *process, int code, uint64_t bad_seq);
/* Address and partition count by configuration; context: the process. */
struct cl_str cl_process_address(void *context, uint32_t service, uint32_t partition);
uint32_t cl_process_partitions(void *context, uint32_t service);
/* Hands a durable checkpoint to the anchors' folder, on another thread. context: the process. */
void cl_process_anchor(void *context, const struct log_checkpoint *checkpoint);
/* Tells whoever started us that we answer: "READY=1\n" to the descriptor CL_READY_FD, "READY=1" to systemd's
 * NOTIFY_SOCKET. */
void cl_process_ready(void);

/* Parts of "status": the members that all services share, from service to head, ending with a comma; then net's figures
 * as members, ending with anchor_failures and no comma. */
void cl_process_put_status(const struct cl_process *process, const struct cl_log *log, struct cl_buf *out);
void cl_process_put_net(const struct cl_process *process, struct cl_buf *out);
/* Parts of "metrics" (Prometheus text exposition format 0.0.4). */
void cl_process_put_metric(const struct cl_process *process, struct cl_buf *out, const char *name, bool counter,
                           const char *meaning, uint64_t value);
void cl_process_put_metrics(const struct cl_process *process, uint64_t head,
                            struct cl_buf *out); /* net, head, uptime */
/* {"text": …} around them. */
void cl_process_put_metrics_json(const struct cl_buf *text, struct cl_buf *out);
void cl_process_answer(struct cl_process *process, const struct wire_query *query, const struct wire_answer *answer);

#endif
