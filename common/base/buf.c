#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

#define FIRST_CAP 256

void cl_buf_init(struct cl_buf *buf) {
	*buf = (struct cl_buf){0};
}

void cl_buf_done(struct cl_buf *buf) {
	free(buf->p);
	*buf = (struct cl_buf){0};
}

void cl_buf_clear(struct cl_buf *buf) {
	buf->n = 0;
}

uint8_t *cl_buf_reserve(struct cl_buf *buf, size_t extra) {
	if (!buf->p || buf->cap - buf->n < extra) {
		CL_ASSERT(extra <= SIZE_MAX / 4 && buf->n <= SIZE_MAX / 4);
		size_t need = buf->n + extra, cap = buf->cap ? buf->cap : FIRST_CAP;
		while (cap < need)
			cap *= 2;
		uint8_t *p = realloc(buf->p, cap);
		CL_ASSERT(p);
		buf->p = p;
		buf->cap = cap;
	}
	return buf->p + buf->n;
}

void cl_buf_put(struct cl_buf *buf, const void *p, size_t n) {
	if (!n)
		return;
	memcpy(cl_buf_reserve(buf, n), p, n);
	buf->n += n;
}

void cl_buf_puts(struct cl_buf *buf, const char *c_string) {
	cl_buf_put(buf, c_string, strlen(c_string));
}

void cl_buf_putc(struct cl_buf *buf, char c) {
	*cl_buf_reserve(buf, 1) = (uint8_t)c;
	buf->n++;
}

void cl_buf_str(struct cl_buf *buf, struct cl_str s) {
	cl_buf_put(buf, s.p, s.n);
}

void cl_buf_printf(struct cl_buf *buf, const char *format, ...) {
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	CL_ASSERT(n >= 0);
	char *end = (char *)cl_buf_reserve(buf, (size_t)n + 1);
	va_start(args, format);
	CL_ASSERT(vsnprintf(end, (size_t)n + 1, format, args) == n);
	va_end(args);
	buf->n += (size_t)n;
}
