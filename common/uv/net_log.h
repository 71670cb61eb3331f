/* Refused input is counted always and logged at most once a second, so that a noisy peer cannot fill the disk. */
#ifndef CL_UV_NET_LOG_H
#define CL_UV_NET_LOG_H

#include "base/str.h"

struct cl_net_log {
	int64_t last_ms;
	uint64_t unlogged;
};
void cl_net_log_refusal(struct cl_net_log *log, const char *name, const char *why, struct cl_str sender, int code,
                        size_t offset, int64_t steady_ms);

#endif
