/* What the files of the service's main share. */
#ifndef CL_UV_SERVICE_PARTS_H
#define CL_UV_SERVICE_PARTS_H

#include "actor/partition.h"
#include "uv/env_uv.h"
#include "uv/service.h"

struct cl_service {
	const struct cl_domain *domain;
	const char *name; /* "intake" */
	uint32_t index;   /* partition */
	struct cl_config config;
	struct cl_keys keys;
	struct cl_logger logger;
	uv_loop_t loop;
	bool loop_open, signals_open, pid_written;
	uv_signal_t terminate, interrupt;
	uv_timer_t deadline; /* of the drain */
	struct cl_kv *kv;
	struct cl_env_uv *env;
	struct cl_net *net;
	struct cl_partition *partition;
	int64_t started_ms; /* steady */
	uint64_t anchor_failures;
	bool stopping;
	int exit_code;
};

/* Answers a query; every service knows "status" and "metrics". */
void cl_service_query(struct cl_service *service, const struct wire_query *query);
/* Hands a durable checkpoint to the anchors' folder, on another thread. */
void cl_service_anchor(struct cl_service *service, const struct log_checkpoint *checkpoint);
/* Tells whoever started us that we answer: "READY=1\n" to the descriptor CL_READY_FD, "READY=1" to systemd's
 * NOTIFY_SOCKET. */
void cl_service_ready(void);

#endif
