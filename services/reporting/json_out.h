/* Writing JSON (RFC 8259) into a buffer, member by member; commas come by themselves. Empty values are left out. */
#ifndef REPORTING_JSON_OUT_H
#define REPORTING_JSON_OUT_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/id.h"

void json_key(struct cl_buf *out, const char *key);
void json_item(struct cl_buf *out); /* before an element of an array */
void json_str(struct cl_buf *out, const char *key, struct cl_str value);
void json_u64(struct cl_buf *out, const char *key, uint64_t value); /* zero is written */
void json_bool(struct cl_buf *out, const char *key, bool value);
void json_time(struct cl_buf *out, const char *key, int64_t ms); /* UTC */
void json_id(struct cl_buf *out, const char *key, struct cl_id id);
void json_hash(struct cl_buf *out, const char *key, struct cl_hash hash);
void json_raw(struct cl_buf *out, const char *key, struct cl_str json); /* JSON text that we wrote earlier */
static inline void json_open(struct cl_buf *out, const char *key, char bracket) {
	json_key(out, key);
	cl_buf_putc(out, bracket);
}

#endif
