#include "uv/net_log.h"

#include "base/error.h"
#include "uv/logger.h"

#define EVERY_MS 1000

void cl_net_log_refusal(struct cl_net_log *log, const char *name, const char *why, struct cl_str sender, int code,
                        size_t offset, int64_t steady_ms) {
	log->unlogged++;
	if (log->last_ms && steady_ms - log->last_ms < EVERY_MS)
		return;
	log->last_ms = steady_ms;
	char service[32] = {0};
	size_t n = strcspn(name, "/");
	memcpy(service, name, n < sizeof(service) ? n : sizeof(service) - 1);
	struct cl_logger logger;
	cl_logger_init(&logger, service, -1, "info");
	cl_logger_write(&logger, CL_WARN, "frame_refused",
	                "self=%s why=%s sender=" CL_STR_FMT " error=%s offset=%zu refusals=%llu", name, why,
	                CL_STR_ARG(sender), cl_error_name(code), offset, (unsigned long long)log->unlogged);
	log->unlogged = 0;
}
