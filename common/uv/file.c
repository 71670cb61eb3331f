#include "uv/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"

int cl_file_error(int error) {
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return CL_E_NOTFOUND;
	case EEXIST:
		return CL_E_EXISTS;
	case ENOSPC:
	case EDQUOT:
		return CL_E_NOSPACE;
	case EACCES:
	case EPERM:
	case EROFS:
		return CL_E_DENIED;
	case ENAMETOOLONG:
		return CL_E_TOOBIG;
	default:
		return CL_E_IO;
	}
}

static int read_all(int fd, size_t max, char **ret_text, size_t *ret_n) {
	struct stat stat;
	if (fstat(fd, &stat) < 0)
		return cl_file_error(errno);
	if (!S_ISREG(stat.st_mode))
		return CL_E_INVALID;
	if (stat.st_size < 0 || (size_t)stat.st_size > max)
		return CL_E_TOOBIG;
	size_t n = 0, size = (size_t)stat.st_size;
	char *text = malloc(size + 1);
	CL_ASSERT(text);
	while (n < size) {
		ssize_t got = read(fd, text + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(text);
			return CL_E_IO;
		}
		if (got == 0)
			break; /* it shrank meanwhile */
		n += (size_t)got;
	}
	text[n] = '\0';
	*ret_text = text;
	*ret_n = n;
	return CL_OK;
}

int cl_file_read(const char *name, size_t max, char **ret_text, size_t *ret_n) {
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cl_file_error(errno);
	int r = read_all(fd, max, ret_text, ret_n);
	close(fd);
	return r;
}

static int write_all(int fd, const uint8_t *p, size_t n) {
	while (n > 0) {
		ssize_t written = write(fd, p, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return cl_file_error(errno);
		p += written;
		n -= (size_t)written;
	}
	return fsync(fd) < 0 ? cl_file_error(errno) : CL_OK;
}

static int sync_folder_of(const char *name) {
	const char *slash = strrchr(name, '/');
	char *folder = slash ? strndup(name, slash == name ? 1 : (size_t)(slash - name)) : strdup(".");
	CL_ASSERT(folder);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return cl_file_error(errno);
	int r = fsync(fd) < 0 ? cl_file_error(errno) : CL_OK;
	close(fd);
	return r;
}

/* Writes a file beside the wanted one under a name that no other process or thread uses. */
static int write_beside(const char *name, const void *p, size_t n, char **ret_beside) {
	static atomic_uint count;
	char *beside = NULL;
	int length = asprintf(&beside, "%s.%ld.%u.new", name, (long)getpid(), atomic_fetch_add(&count, 1));
	CL_ASSERT(length >= 0);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r = fd < 0 ? cl_file_error(errno) : write_all(fd, p, n);
	if (fd >= 0 && close(fd) < 0 && r == CL_OK)
		r = cl_file_error(errno);
	if (r < 0) {
		unlink(beside);
		free(beside);
		return r;
	}
	*ret_beside = beside;
	return CL_OK;
}

int cl_file_create(const char *name, const void *p, size_t n) {
	char *beside = NULL;
	int r = write_beside(name, p, n, &beside);
	if (r < 0)
		return r;
	if (link(beside, name) < 0) /* unlike rename, it never replaces what another process made first */
		r = cl_file_error(errno);
	unlink(beside);
	free(beside);
	int synced = sync_folder_of(name);
	return r < 0 ? r : synced;
}

int cl_file_replace(const char *name, const void *p, size_t n) {
	char *beside = NULL;
	int r = write_beside(name, p, n, &beside);
	if (r < 0)
		return r;
	if (rename(beside, name) < 0) {
		r = cl_file_error(errno);
		unlink(beside);
	}
	free(beside);
	return r < 0 ? r : sync_folder_of(name);
}

int cl_file_append(const char *name, const void *p, size_t n) {
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return cl_file_error(errno);
	int r = write_all(fd, p, n);
	if (close(fd) < 0 && r == CL_OK)
		r = cl_file_error(errno);
	return r;
}

/* Makes the parents with the usual mode: they may be shared; only the last one is private. */
static int make_parents(char *name) {
	for (char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int r = mkdir(name, 0755) < 0 && errno != EEXIST ? cl_file_error(errno) : CL_OK;
		*slash = '/';
		if (r < 0)
			return r;
	}
	return CL_OK;
}

int cl_folder_make(const char *name, unsigned forbidden) {
	char *path = strdup(name);
	CL_ASSERT(path);
	int r = make_parents(path);
	if (r == CL_OK && mkdir(path, 0700) < 0 && errno != EEXIST)
		r = cl_file_error(errno);
	struct stat found;
	if (r == CL_OK && stat(path, &found) < 0)
		r = cl_file_error(errno);
	if (r == CL_OK && (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & forbidden) != 0))
		r = CL_E_DENIED;
	free(path);
	return r;
}
