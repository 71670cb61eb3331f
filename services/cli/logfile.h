/* A log file of bounded size: when it is full it becomes FILE.1, FILE.1 becomes FILE.2 …; the oldest goes. */
#ifndef CLI_LOGFILE_H
#define CLI_LOGFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define CLI_LOGFILE_BYTES (16u << 20)
#define CLI_LOGFILE_KEEP 4

struct cli_logfile {
	char *path;
	int fd; /* -1 = not open */
	uint64_t size, max;
	uint32_t keep;
};

CL_MUST_CHECK int cli_logfile_open(struct cli_logfile *file, const char *path, uint64_t max, uint32_t keep);
/* Best effort: a log line that cannot be written stops nothing. Rotates between writes only. */
void cli_logfile_write(struct cli_logfile *file, const void *p, size_t n);
void cli_logfile_close(struct cli_logfile *file);

#endif
