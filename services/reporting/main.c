/* The reporting process: one, partition 0. */
#include <stdlib.h>

#include "base/assert.h"
#include "self.h"
#include "uv/process.h"

struct service {
	struct cl_process process;
	struct reporting *reporting;
};

static struct service *self(struct cl_process *process) {
	return process->context;
}

static int open_reporting(struct cl_process *process) {
	struct service *service = self(process);
	const struct cl_config *config = &process->config;
	uint64_t bad_seq = 0;
	char *folder = cl_process_folder(process), *path = NULL;
	int n = asprintf(&path, "%s/read.db", folder);
	CL_ASSERT(n > 0);
	struct reporting_options options = {
	        .archive = {.identity = cl_process_identity(process),
	                    .checkpoint_records = config->checkpoint_records,
	                    .checkpoint_ms = (int64_t)config->checkpoint_seconds * 1000,
	                    .reply_to = cl_config_address(config, CL_REPORTING, process->index),
	                    .address = cl_process_address,
	                    .partitions = cl_process_partitions,
	                    .on_checkpoint = cl_process_anchor,
	                    .context = process},
	        .model_path = cl_str_from(path),
	};
	int r = reporting_open(&options, cl_env_uv_env(process->env), process->kv, &bad_seq, &service->reporting);
	free(path);
	free(folder);
	return r == CL_OK ? 0 : cl_process_log_refused(process, r, bad_seq);
}

static void message(struct cl_process *process, uint16_t type, const void *body) {
	struct reporting *reporting = self(process)->reporting;
	if (!reporting_message(reporting, type, body) && type == CL_T_wire_query)
		reporting_self_query(process, reporting, body);
}

static void idle(struct cl_process *process) {
	reporting_turn(self(process)->reporting);
}

static void wake(struct cl_process *process) {
	if (self(process)->reporting)
		reporting_wake(self(process)->reporting);
}

static void drain(struct cl_process *process, void (*done)(void *context)) {
	reporting_drain(self(process)->reporting, done, process);
}

static void close_reporting(struct cl_process *process) {
	reporting_close(self(process)->reporting);
}

static uint64_t head(struct cl_process *process) {
	return reporting_archive_log(reporting_archive_of(self(process)->reporting))->head.seq;
}

int main(int argc, char **argv) {
	static const struct cl_process_parts parts = {
	        .open = open_reporting,
	        .message = message,
	        .idle = idle,
	        .wake = wake,
	        .drain = drain,
	        .close = close_reporting,
	        .head = head,
	};
	struct service service = {.process = {.parts = &parts, .service = CL_REPORTING}};
	service.process.context = &service;
	return cl_process_main(&service.process, argc, argv);
}
