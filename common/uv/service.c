/* A partitioned service: a domain's partition in a process. */
#include "uv/service.h"

#include "uv/service_parts.h"

#define DAY_MS 86400000

static struct cl_service *self(struct cl_process *process) {
	return process->context;
}

static struct cl_partition_options partition_options(struct cl_process *process) {
	const struct cl_config *config = &process->config;
	struct cl_partition_options options = {
	        .identity = cl_process_identity(process),
	        .command_window_ms = (int64_t)config->command_window_days * DAY_MS,
	        .memory_bytes = (uint64_t)config->memory_mib << 20,
	        .reserve_bytes = (uint64_t)config->reserve_mib << 20,
	        .checkpoint_records = config->checkpoint_records,
	        .checkpoint_ms = (int64_t)config->checkpoint_seconds * 1000,
	        .address = cl_process_address,
	        .partitions = cl_process_partitions,
	        .on_checkpoint = cl_process_anchor,
	        .context = process,
	};
	memcpy(options.identity_key, process->keys.identity, sizeof(options.identity_key));
	return options;
}

static int open_partition(struct cl_process *process) {
	struct cl_service *service = self(process);
	struct cl_partition_options options = partition_options(process);
	uint64_t bad_seq = 0;
	int r = cl_partition_open(service->domain, &options, cl_env_uv_env(process->env), process->kv, &bad_seq,
	                          &service->partition);
	return r == CL_OK ? 0 : cl_process_log_refused(process, r, bad_seq);
}

static void message(struct cl_process *process, uint16_t type, const void *body) {
	if (type == CL_T_wire_query)
		cl_service_query(self(process), body);
	else
		cl_partition_message(self(process)->partition, type, body);
}

static void idle(struct cl_process *process) {
	cl_partition_turn(self(process)->partition);
}

static void wake(struct cl_process *process) {
	if (self(process)->partition)
		cl_partition_wake(self(process)->partition);
}

static void drain(struct cl_process *process, void (*done)(void *context)) {
	cl_partition_drain(self(process)->partition, done, process);
}

static void close_partition(struct cl_process *process) {
	if (self(process)->partition)
		cl_partition_close(self(process)->partition);
}

static uint64_t head(struct cl_process *process) {
	return cl_partition_log(self(process)->partition)->head.seq;
}

int cl_service_main(const struct cl_domain *domain, int argc, char **argv) {
	static const struct cl_process_parts parts = {
	        .open = open_partition,
	        .message = message,
	        .idle = idle,
	        .wake = wake,
	        .drain = drain,
	        .close = close_partition,
	        .head = head,
	};
	struct cl_service service = {.domain = domain, .process = {.parts = &parts, .service = domain->service}};
	service.process.context = &service;
	return cl_process_main(&service.process, argc, argv);
}
