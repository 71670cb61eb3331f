#include <sodium.h>

#include "base/time.h"
#include "codec_int.h"
#include "json_int.h"

struct writer {
	struct cl_buf *out;
	unsigned flags, depth;
};

static void write_schema(struct writer *w, const struct cl_schema *schema, const void *value);

/* -- strings (RFC 8259 section 7) -- */
static void write_char(struct cl_buf *out, uint8_t c) {
	static const char letters[] = "btn?fr"; /* 8 to 13; 11 has no letter */
	if (c == '"' || c == '\\')
		cl_buf_printf(out, "\\%c", c);
	else if (c >= 8 && c <= 13 && c != 11)
		cl_buf_printf(out, "\\%c", letters[c - 8]);
	else if (c < 0x20 || c == 0x7f)
		cl_buf_printf(out, "\\u%04x", c);
	else
		cl_buf_putc(out, (char)c);
}

/* The longest valid beginning; what follows it is a byte that fits nowhere. */
static uint32_t valid_prefix(struct cl_str s) {
	uint32_t n = 0;
	while (n < s.n) {
		uint32_t length = 1;
		while (length < 4 && n + length < s.n && ((uint8_t)s.p[n + length] & 0xc0) == 0x80)
			length++;
		if (s.p[n] != '\0' && !cl_utf8_valid((struct cl_str){s.p + n, length}))
			break;
		n += length;
	}
	return n;
}

static void write_chars(struct cl_buf *out, struct cl_str s) {
	uint32_t plain = 0; /* start of the run of bytes that need no escape */
	for (uint32_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		cl_buf_put(out, s.p + plain, i - plain);
		write_char(out, c);
		plain = i + 1;
	}
	if (s.n > plain)
		cl_buf_put(out, s.p + plain, s.n - plain);
}

void cl_json_string(struct cl_buf *out, struct cl_str s) {
	cl_buf_putc(out, '"');
	while (!cl_utf8_valid(s)) { /* what came unchecked from outside still gives valid JSON */
		uint32_t n = valid_prefix(s);
		write_chars(out, (struct cl_str){s.p, n});
		if (n == s.n) {
			s.n = 0;
			break;
		}
		cl_buf_puts(out, "\xef\xbf\xbd"); /* U+FFFD */
		s = (struct cl_str){s.p + n + 1, s.n - n - 1};
	}
	write_chars(out, s);
	cl_buf_putc(out, '"');
}

/* -- values -- */
static void write_base64(struct cl_buf *out, struct cl_bytes bytes) {
	size_t n = sodium_base64_encoded_len(bytes.n, sodium_base64_VARIANT_ORIGINAL); /* with its NUL */
	cl_buf_putc(out, '"');
	sodium_bin2base64((char *)cl_buf_reserve(out, n), n, bytes.p, bytes.n, sodium_base64_VARIANT_ORIGINAL);
	out->n += n - 1;
	cl_buf_putc(out, '"');
}

static void write_id(struct cl_buf *out, const struct cl_id *id) {
	char text[CL_ID_TEXT_BYTES];
	cl_id_format(*id, text);
	cl_buf_printf(out, "\"%s\"", text);
}

static void newline(struct writer *w) {
	if (!(w->flags & CL_JSON_PRETTY))
		return;
	cl_buf_putc(w->out, '\n');
	for (unsigned i = 0; i < w->depth; i++)
		cl_buf_puts(w->out, "  ");
}

static void write_items(struct writer *w, const struct cl_field *field, const void *at) {
	struct codec_list list = codec_list_at(at);
	size_t size = codec_item_size(field);
	cl_buf_putc(w->out, '[');
	w->depth++;
	for (uint32_t i = 0; i < list.n; i++) {
		const void *item = (const uint8_t *)list.v + i * size;
		if (i)
			cl_buf_putc(w->out, ',');
		newline(w);
		if (field->type == CL_TYPE_LIST)
			write_schema(w, field->sub, item);
		else if (field->type == CL_TYPE_STRS)
			cl_json_string(w->out, *(const struct cl_str *)item);
		else
			write_id(w->out, item);
	}
	w->depth--;
	newline(w);
	cl_buf_putc(w->out, ']');
}

/* Numbers that JavaScript's doubles cannot hold are written as strings of digits. */
static void write_number(struct cl_buf *out, bool negative, uint64_t magnitude) {
	const char *quote = magnitude > JSON_EXACT_MAX ? "\"" : "";
	cl_buf_printf(out, "%s%s%llu%s", quote, negative ? "-" : "", (unsigned long long)magnitude, quote);
}

static void write_field(struct writer *w, const struct cl_field *field, const void *at) {
	char text[65];
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
		write_number(w->out, false, *(const uint32_t *)at);
		return;
	case CL_TYPE_U64:
		write_number(w->out, false, *(const uint64_t *)at);
		return;
	case CL_TYPE_I64: {
		int64_t number = *(const int64_t *)at;
		write_number(w->out, number < 0, number < 0 ? -(uint64_t)number : (uint64_t)number);
		return;
	}
	case CL_TYPE_BOOL:
		cl_buf_puts(w->out, *(const bool *)at ? "true" : "false");
		return;
	case CL_TYPE_TIME:
		cl_time_format(*(const int64_t *)at, 0, text);
		cl_buf_printf(w->out, "\"%s\"", text);
		return;
	case CL_TYPE_ID:
		write_id(w->out, at);
		return;
	case CL_TYPE_STR:
		cl_json_string(w->out, *(const struct cl_str *)at);
		return;
	case CL_TYPE_BYTES:
		write_base64(w->out, *(const struct cl_bytes *)at);
		return;
	case CL_TYPE_HASH:
		cl_hash_hex(*(const struct cl_hash *)at, text);
		cl_buf_printf(w->out, "\"%s\"", text);
		return;
	case CL_TYPE_ENUM: {
		const struct cl_enum_value *value = cl_enum_find(field->en, *(const uint32_t *)at);
		cl_json_string(w->out, cl_str_from(value ? value->code : ""));
		return;
	}
	case CL_TYPE_ONE:
		write_schema(w, field->sub, at);
		return;
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		write_items(w, field, at);
		return;
	}
	CL_UNREACHABLE();
}

static void write_schema(struct writer *w, const struct cl_schema *schema, const void *value) {
	bool any = false;
	cl_buf_putc(w->out, '{');
	w->depth++;
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		if (codec_empty(field, codec_in(value, field)))
			continue;
		if (any)
			cl_buf_putc(w->out, ',');
		any = true;
		newline(w);
		cl_buf_printf(w->out, "\"%s\":%s", field->name, w->flags & CL_JSON_PRETTY ? " " : "");
		if ((w->flags & CL_JSON_MASK_PERSONAL) && (field->flags & CL_F_PERSONAL))
			cl_buf_puts(w->out, "null");
		else
			write_field(w, field, codec_in(value, field));
	}
	w->depth--;
	if (any)
		newline(w);
	cl_buf_putc(w->out, '}');
}

void cl_json_write(const struct cl_schema *schema, const void *value, unsigned flags, struct cl_buf *out) {
	struct writer w = {.out = out, .flags = flags};
	write_schema(&w, schema, value);
}
