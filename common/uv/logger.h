/* Structured log lines on standard error, one write each, in logfmt:
 *   ts=2026-01-31T09:00:00.123Z level=info service=intake partition=0 event=started key=value…
 * Callers give text free of personal data (design rule 5). */
#ifndef CL_UV_LOGGER_H
#define CL_UV_LOGGER_H

#include <stdarg.h>

#include "actor/env.h"

struct cl_logger {
	char service[32];  /* "intake", "gateway" */
	int64_t partition; /* -1: not a partitioned service */
	enum cl_severity least;
	int fd;
};

/* level: "debug", "info", "warn", "error". */
void cl_logger_init(struct cl_logger *logger, const char *service, int64_t partition, const char *level);
void cl_logger_write(const struct cl_logger *logger, enum cl_severity severity, const char *event, const char *format,
                     ...) __attribute__((format(printf, 4, 5)));
void cl_logger_vwrite(const struct cl_logger *logger, enum cl_severity severity, const char *event, const char *format,
                      va_list arguments) __attribute__((format(printf, 4, 0)));

#endif
