#include "uv/logger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/time.h"

static const char *severity_name(enum cl_severity severity) {
	switch (severity) {
	case CL_DEBUG:
		return "debug";
	case CL_INFO:
		return "info";
	case CL_WARN:
		return "warn";
	case CL_ERROR:
		return "error";
	}
	CL_UNREACHABLE();
}

void cl_logger_init(struct cl_logger *logger, const char *service, int64_t partition, const char *level) {
	*logger = (struct cl_logger){.partition = partition, .least = CL_INFO, .fd = STDERR_FILENO};
	int n = snprintf(logger->service, sizeof(logger->service), "%s", service);
	CL_ASSERT(n > 0 && (size_t)n < sizeof(logger->service));
	for (int severity = CL_DEBUG; severity <= CL_ERROR; severity++)
		if (level && strcmp(level, severity_name((enum cl_severity)severity)) == 0)
			logger->least = (enum cl_severity)severity;
}

/* One line in one write, so that the lines of several processes do not mix. A log that cannot be written must not
 * stop the service. */
static void write_line(int fd, const uint8_t *p, size_t n) {
	while (n > 0) {
		ssize_t written = write(fd, p, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		p += written;
		n -= (size_t)written;
	}
}

static void put_formatted(struct cl_buf *line, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));

static void put_formatted(struct cl_buf *line, const char *format, va_list arguments) {
	char *text = NULL;
	int n = vasprintf(&text, format, arguments);
	CL_ASSERT(n >= 0);
	for (int i = 0; i < n; i++) /* a value must not be able to fake another line */
		cl_buf_putc(line, (unsigned char)text[i] < ' ' || text[i] == 127 ? '?' : text[i]);
	free(text);
}

void cl_logger_vwrite(const struct cl_logger *logger, enum cl_severity severity, const char *event, const char *format,
                      va_list arguments) {
	if (severity < logger->least)
		return;
	struct timespec now;
	int r = clock_gettime(CLOCK_REALTIME, &now);
	CL_ASSERT(r == 0);
	char ts[CL_TIME_TEXT_BYTES];
	cl_time_format((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, 0, ts);
	struct cl_buf line;
	cl_buf_init(&line);
	cl_buf_printf(&line, "ts=%s level=%s service=%s", ts, severity_name(severity), logger->service);
	if (logger->partition >= 0)
		cl_buf_printf(&line, " partition=%lld", (long long)logger->partition);
	cl_buf_printf(&line, " event=%s", event);
	if (format && *format) {
		cl_buf_putc(&line, ' ');
		put_formatted(&line, format, arguments);
	}
	cl_buf_putc(&line, '\n');
	write_line(logger->fd, line.p, line.n);
	cl_buf_done(&line);
}

void cl_logger_write(const struct cl_logger *logger, enum cl_severity severity, const char *event, const char *format,
                     ...) {
	va_list arguments;
	va_start(arguments, format);
	cl_logger_vwrite(logger, severity, event, format, arguments);
	va_end(arguments);
}
