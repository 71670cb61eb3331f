#include "base/assert.h"
#include "codec.h"
#include "json_int.h"
#include "publish.h"

struct target {
	struct cl_buf *out;
	const char *ref_prefix; /* NULL: nested records inline, for what we read; else for those who read us */
};

static void write_object(const struct target *t, const struct cl_schema *schema);

static void member(struct cl_buf *out, const char *name, const char *text) {
	cl_buf_printf(out, ",\"%s\":", name);
	cl_json_string(out, cl_str_from(text));
}

static void member_number(struct cl_buf *out, const char *name, uint64_t number) {
	cl_buf_printf(out, ",\"%s\":%llu", name, (unsigned long long)number);
}

/* "type", in a form that allows null where a reader may meet a masked field. */
static void type(const struct target *t, const struct cl_field *field, const char *name) {
	bool masked = t->ref_prefix && (field->flags & CL_F_PERSONAL);
	cl_buf_printf(t->out, masked ? "\"type\":[\"%s\",\"null\"]" : "\"type\":\"%s\"", name);
}

static void write_integer(const struct target *t, const struct cl_field *field) {
	uint64_t max = field->max ? field->max : field->type == CL_TYPE_U32 ? UINT32_MAX : UINT64_MAX;
	bool sign = field->type == CL_TYPE_I64, exact = !sign && max <= JSON_EXACT_MAX;
	const char *least = sign ? "-9007199254740991" : field->flags & CL_F_REQUIRED ? "1" : "0";
	if (exact) {
		type(t, field, "integer");
		cl_buf_printf(t->out, ",\"minimum\":%s,\"maximum\":%llu", least, (unsigned long long)max);
		return;
	}
	uint64_t number_max = max < JSON_EXACT_MAX ? max : JSON_EXACT_MAX;
	cl_buf_printf(t->out, "\"oneOf\":[{\"type\":\"integer\",\"minimum\":%s,\"maximum\":%llu},", least,
	              (unsigned long long)number_max);
	cl_buf_printf(t->out, "{\"type\":\"string\",\"pattern\":\"^%s[0-9]{1,20}$\"}%s]", sign ? "-?" : "",
	              t->ref_prefix && (field->flags & CL_F_PERSONAL) ? ",{\"type\":\"null\"}" : "");
}

static void write_text(const struct target *t, const struct cl_field *field) {
	type(t, field, "string");
	if (field->flags & CL_F_REQUIRED)
		member_number(t->out, "minLength", 1);
	member_number(t->out, "maxLength", field->max);
	member_number(t->out, "x-max-bytes", field->max);
	if (field->flags & CL_F_MULTILINE)
		cl_buf_puts(t->out, ",\"x-multiline\":true");
}

static void write_bytes(const struct target *t, const struct cl_field *field) {
	type(t, field, "string");
	member(t->out, "format", "byte");
	member(t->out, "contentEncoding", "base64");
	member_number(t->out, "maxLength", (field->max + 2) / 3 * 4);
	member_number(t->out, "x-max-bytes", field->max);
}

static void write_enum(const struct target *t, const struct cl_field *field) {
	const struct cl_enum *en = field->en;
	type(t, field, "string");
	cl_buf_puts(t->out, ",\"enum\":[");
	for (uint32_t i = 0; i < en->n; i++)
		cl_buf_printf(t->out, "%s\"%s\"", i ? "," : "", en->values[i].code);
	cl_buf_puts(t->out, t->ref_prefix && (field->flags & CL_F_PERSONAL) ? ",null]" : "]");
	cl_buf_puts(t->out, ",\"x-values\":{");
	for (uint32_t i = 0; i < en->n; i++) {
		cl_buf_printf(t->out, "%s\"%s\":{\"number\":%u", i ? "," : "", en->values[i].code, en->values[i].value);
		member(t->out, "vi", en->values[i].vi);
		member(t->out, "en", en->values[i].en);
		cl_buf_putc(t->out, '}');
	}
	cl_buf_putc(t->out, '}');
}

static void write_nested(const struct target *t, const struct cl_schema *sub) {
	if (t->ref_prefix)
		cl_buf_printf(t->out, "{\"$ref\":\"%s%s\"}", t->ref_prefix, sub->name);
	else
		write_object(t, sub);
}

static void write_array(const struct target *t, const struct cl_field *field) {
	type(t, field, "array");
	if (field->flags & CL_F_REQUIRED)
		member_number(t->out, "minItems", 1);
	member_number(t->out, "maxItems", field->max);
	cl_buf_puts(t->out, ",\"items\":");
	if (field->type == CL_TYPE_LIST)
		write_nested(t, field->sub);
	else if (field->type == CL_TYPE_IDS)
		cl_buf_puts(t->out, "{\"type\":\"string\",\"format\":\"uuid\"}");
	else
		cl_buf_printf(t->out, "{\"type\":\"string\",\"maxLength\":%d}", CL_STRS_ITEM_MAX);
}

static void write_type(const struct target *t, const struct cl_field *field) {
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
	case CL_TYPE_U64:
	case CL_TYPE_I64:
		write_integer(t, field);
		return;
	case CL_TYPE_BOOL:
		type(t, field, "boolean");
		return;
	case CL_TYPE_TIME:
		type(t, field, "string");
		member(t->out, "format", "date-time");
		return;
	case CL_TYPE_ID:
		type(t, field, "string");
		member(t->out, "format", "uuid");
		return;
	case CL_TYPE_STR:
		write_text(t, field);
		return;
	case CL_TYPE_BYTES:
		write_bytes(t, field);
		return;
	case CL_TYPE_HASH:
		type(t, field, "string");
		member(t->out, "pattern", "^[0-9a-f]{64}$");
		return;
	case CL_TYPE_ENUM:
		write_enum(t, field);
		return;
	case CL_TYPE_ONE:
		cl_buf_puts(t->out, "\"allOf\":[");
		write_nested(t, field->sub);
		cl_buf_putc(t->out, ']');
		return;
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		write_array(t, field);
		return;
	}
	CL_UNREACHABLE();
}

static void write_property(const struct target *t, const struct cl_field *field) {
	cl_buf_printf(t->out, "\"%s\":{", field->name);
	write_type(t, field);
	member(t->out, "description", field->meaning);
	member_number(t->out, "x-tag", field->tag);
	if (field->since > 1)
		member_number(t->out, "x-since", field->since);
	if (field->flags & CL_F_PERSONAL)
		cl_buf_puts(t->out, ",\"x-personal\":true");
	cl_buf_putc(t->out, '}');
}

static void write_object(const struct target *t, const struct cl_schema *schema) {
	bool any = false;
	cl_buf_puts(t->out, "{\"type\":\"object\"");
	member(t->out, "description", schema->meaning);
	cl_buf_puts(t->out, ",\"properties\":{");
	for (uint32_t i = 0; i < schema->n; i++) {
		if (i)
			cl_buf_putc(t->out, ',');
		write_property(t, &schema->fields[i]);
	}
	cl_buf_putc(t->out, '}');
	for (uint32_t i = 0; i < schema->n; i++) {
		if (!(schema->fields[i].flags & CL_F_REQUIRED))
			continue;
		cl_buf_printf(t->out, "%s\"%s\"", any ? "," : ",\"required\":[", schema->fields[i].name);
		any = true;
	}
	if (any)
		cl_buf_putc(t->out, ']');
	cl_buf_puts(t->out, t->ref_prefix ? "}" : ",\"additionalProperties\":false}");
}

void cl_schema_json_schema(const struct cl_schema *schema, struct cl_buf *out) {
	write_object(&(struct target){out, NULL}, schema);
}

void cl_schema_json_schema_open(const struct cl_schema *schema, const char *ref_prefix, struct cl_buf *out) {
	write_object(&(struct target){out, ref_prefix}, schema);
}
