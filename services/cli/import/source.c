#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "import_int.h"

#define PACKED_BYTES 65536

struct import_source {
	char *file;
	int fd;
	bool packed, member_open, ended;
	uint64_t read, total; /* bytes of the file */
	z_stream z;
	uint8_t in[PACKED_BYTES];
	size_t in_at, in_n;
};

static int refill(struct import_source *source, struct import_error *error) {
	source->in_at = source->in_n = 0;
	ssize_t n;
	do
		n = read(source->fd, source->in, sizeof(source->in));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return import_fail_at(error, CL_E_IO, source->file, 0, source->read, CL_TEXT_CLI_IMPORT_READ,
		                      strerror(errno), NULL);
	source->in_n = (size_t)n;
	source->read += (uint64_t)n;
	return CL_OK;
}

int import_source_open(const char *file, struct import_source **ret_source, struct import_error *ret_error) {
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0) {
		int code = errno == ENOENT ? CL_E_NOTFOUND : CL_E_IO;
		import_fail(ret_error, code, CL_TEXT_CLI_IMPORT_OPEN, file, strerror(errno), NULL);
		if (fd >= 0)
			close(fd);
		return code;
	}
	struct import_source *source = calloc(1, sizeof(*source));
	if (!source) {
		close(fd);
		return import_fail(ret_error, CL_E_NOMEM, CL_TEXT_CLI_IMPORT_OPEN, file, strerror(ENOMEM), NULL);
	}
	source->fd = fd;
	source->file = strdup(file);
	source->total = (uint64_t)st.st_size;
	int rc = refill(source, ret_error);
	if (rc == CL_OK && source->in_n >= 2 && source->in[0] == 0x1f && source->in[1] == 0x8b) {
		source->packed = true;
		if (!source->file || inflateInit2(&source->z, 15 + 16) != Z_OK)
			rc = import_fail(ret_error, CL_E_NOMEM, CL_TEXT_CLI_IMPORT_OPEN, file, strerror(ENOMEM), NULL);
		else
			source->member_open = true;
	}
	if (rc != CL_OK) {
		import_source_close(source);
		return rc;
	}
	*ret_source = source;
	return CL_OK;
}

void import_source_close(struct import_source *source) {
	if (!source)
		return;
	if (source->packed)
		inflateEnd(&source->z);
	close(source->fd);
	free(source->file);
	free(source);
}

static int read_plain(struct import_source *source, void *p, size_t cap, size_t *ret_n, struct import_error *error) {
	if (source->in_at == source->in_n) {
		int rc = refill(source, error);
		if (rc != CL_OK)
			return rc;
	}
	size_t n = source->in_n - source->in_at;
	if (n > cap)
		n = cap;
	memcpy(p, source->in + source->in_at, n);
	source->in_at += n;
	*ret_n = n;
	return CL_OK;
}

static uint64_t packed_at(const struct import_source *source) {
	return source->read - (source->in_n - source->in_at);
}

/* The next member begins, or the file has ended properly. */
static int next_member(struct import_source *source, struct import_error *error) {
	if (source->in_at == source->in_n) {
		int rc = refill(source, error);
		if (rc != CL_OK)
			return rc;
	}
	if (source->in_n == 0) {
		source->ended = true;
	} else {
		inflateReset(&source->z);
		source->member_open = true;
	}
	return CL_OK;
}

static int inflate_some(struct import_source *source, struct import_error *error) {
	if (source->in_at == source->in_n) {
		int rc = refill(source, error);
		if (rc != CL_OK)
			return rc;
		if (source->in_n == 0)
			return import_fail_at(error, CL_E_TRUNCATED, source->file, 0, source->read,
			                      CL_TEXT_CLI_IMPORT_GZIP_CUT, NULL);
	}
	source->z.next_in = source->in + source->in_at;
	source->z.avail_in = (uInt)(source->in_n - source->in_at);
	int rc = inflate(&source->z, Z_NO_FLUSH);
	source->in_at = source->in_n - source->z.avail_in;
	if (rc == Z_STREAM_END)
		source->member_open = false;
	else if (rc != Z_OK && rc != Z_BUF_ERROR)
		return import_fail_at(error, CL_E_CORRUPT, source->file, 0, packed_at(source),
		                      CL_TEXT_CLI_IMPORT_GZIP_BAD, source->z.msg ? source->z.msg : zError(rc), NULL);
	return CL_OK;
}

int import_source_read(struct import_source *source, void *p, size_t cap, size_t *ret_n,
                       struct import_error *ret_error) {
	if (!source->packed)
		return read_plain(source, p, cap, ret_n, ret_error);
	source->z.next_out = p;
	source->z.avail_out = (uInt)cap;
	while (source->z.avail_out == cap && !source->ended) {
		int rc = source->member_open ? inflate_some(source, ret_error) : next_member(source, ret_error);
		if (rc != CL_OK)
			return rc;
	}
	*ret_n = cap - source->z.avail_out;
	return CL_OK;
}

void import_source_progress(const struct import_source *source, uint64_t *ret_read, uint64_t *ret_total) {
	*ret_read = packed_at(source);
	*ret_total = source->total;
}
