#include "json_out.h"

#include <inttypes.h>

#include "base/time.h"
#include "codec.h"

void json_item(struct cl_buf *out) {
	if (out->n && !strchr("{[:", (char)out->p[out->n - 1]))
		cl_buf_putc(out, ',');
}

void json_key(struct cl_buf *out, const char *key) {
	json_item(out);
	cl_buf_printf(out, "\"%s\":", key);
}

void json_str(struct cl_buf *out, const char *key, struct cl_str value) {
	if (!value.n)
		return;
	json_key(out, key);
	cl_json_string(out, value);
}

void json_u64(struct cl_buf *out, const char *key, uint64_t value) {
	json_key(out, key);
	cl_buf_printf(out, "%" PRIu64, value);
}

void json_bool(struct cl_buf *out, const char *key, bool value) {
	json_key(out, key);
	cl_buf_puts(out, value ? "true" : "false");
}

void json_time(struct cl_buf *out, const char *key, int64_t ms) {
	char text[CL_TIME_TEXT_BYTES];
	if (!ms)
		return;
	cl_time_format(ms, 0, text);
	json_str(out, key, cl_str_from(text));
}

void json_id(struct cl_buf *out, const char *key, struct cl_id id) {
	char text[CL_ID_TEXT_BYTES];
	if (cl_id_zero(id))
		return;
	cl_id_format(id, text);
	json_str(out, key, cl_str_from(text));
}

void json_hash(struct cl_buf *out, const char *key, struct cl_hash hash) {
	char text[65];
	cl_hash_hex(hash, text);
	json_str(out, key, cl_str_from(text));
}

void json_raw(struct cl_buf *out, const char *key, struct cl_str json) {
	json_key(out, key);
	if (json.n)
		cl_buf_str(out, json);
	else
		cl_buf_puts(out, "null");
}
