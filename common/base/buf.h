/* A growable byte buffer that owns its memory. Growth that fails is an assertion (see arena.h). */
#ifndef CL_BASE_BUF_H
#define CL_BASE_BUF_H

#include "base/str.h"

struct cl_buf {
	uint8_t *p;
	size_t n, cap;
};

void cl_buf_init(struct cl_buf *buf);
void cl_buf_done(struct cl_buf *buf);
void cl_buf_clear(struct cl_buf *buf);                     /* keeps the memory */
uint8_t *cl_buf_reserve(struct cl_buf *buf, size_t extra); /* room for extra bytes behind n; returns the end */
void cl_buf_put(struct cl_buf *buf, const void *p, size_t n);
void cl_buf_puts(struct cl_buf *buf, const char *c_string);
void cl_buf_putc(struct cl_buf *buf, char c);
void cl_buf_str(struct cl_buf *buf, struct cl_str s);
void cl_buf_printf(struct cl_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline struct cl_bytes cl_buf_bytes(const struct cl_buf *buf) {
	return (struct cl_bytes){buf->p, (uint32_t)buf->n};
}

#endif
