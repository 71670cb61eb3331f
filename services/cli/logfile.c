#include "logfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_at_end(struct cli_logfile *file) {
	struct stat st;
	file->fd = open(file->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (file->fd < 0)
		return CL_E_IO;
	file->size = fstat(file->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	return CL_OK;
}

int cli_logfile_open(struct cli_logfile *file, const char *path, uint64_t max, uint32_t keep) {
	*file = (struct cli_logfile){.path = strdup(path), .fd = -1, .max = max, .keep = keep};
	if (!file->path)
		return CL_E_NOMEM;
	return open_at_end(file);
}

static void rotate(struct cli_logfile *file) {
	char *from = NULL, *to = NULL;
	close(file->fd);
	file->fd = -1;
	for (uint32_t i = file->keep; i > 0; i--) {
		int n = i > 1 ? asprintf(&from, "%s.%u", file->path, i - 1) : asprintf(&from, "%s", file->path);
		if (n < 0)
			return;
		if (asprintf(&to, "%s.%u", file->path, i) < 0) {
			free(from);
			return;
		}
		/* Missing ones are as good as moved; anything else shows when the file is opened again. */
		(void)!rename(from, to);
		free(from);
		free(to);
	}
}

void cli_logfile_write(struct cli_logfile *file, const void *p, size_t n) {
	const char *at = p;
	if (file->size >= file->max && file->fd >= 0)
		rotate(file);
	if (file->fd < 0 && open_at_end(file) != CL_OK)
		return;
	while (n) {
		ssize_t done = write(file->fd, at, n);
		if (done <= 0)
			return;
		at += done;
		n -= (size_t)done;
		file->size += (uint64_t)done;
	}
}

void cli_logfile_close(struct cli_logfile *file) {
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	*file = (struct cli_logfile){.fd = -1};
}
