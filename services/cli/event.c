/* Events and states for people: titles, labels, one line of what matters; and records as JSON for programs. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/time.h"
#include "cli.h"
#include "titles.h"

/* Titles in the language of the user; the schema's own meaning stands in for an event that has none yet. */
static const struct {
	uint16_t type;
	enum cl_text title;
} titles[] = {
#define TITLE(name) {CL_T_##name, CL_TEXT_CLI_EV_##name},
        CLI_EVENTS_TITLED(TITLE)
#undef TITLE
};

static const struct {
	const char *field;
	enum cl_text label;
} labels[] = {
#define LABEL(name) {#name, CL_TEXT_CLI_L_##name},
        CLI_FIELDS_LABELLED(LABEL)
#undef LABEL
};

const char *cli_event_title(const struct cli *cli, uint16_t type) {
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		if (titles[i].type == type)
			return cl_text(titles[i].title, cli->lang);
	const struct cl_schema *schema = cl_schema_by_type(type);
	return schema ? schema->meaning : NULL;
}

const char *cli_label(const struct cli *cli, const char *field) {
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (strcmp(labels[i].field, field) == 0)
			return cl_text(labels[i].label, cli->lang);
	return NULL;
}

static const char *join(const struct cli *cli, const struct cl_strs *list) {
	const char *text = "";
	for (uint32_t i = 0; i < list->n; i++)
		text = cli_fmt(cli, "%s%s%s", text, i ? "; " : "", cli_safe(cli, list->v[i]));
	return text;
}

/* A field's value for people; "" when it is absent or nothing that a person reads. */
static const char *value_text(const struct cli *cli, const struct cl_field *field, const void *at) {
	uint32_t small;
	uint64_t large;
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_STR:
		return cli_safe(cli, *(const struct cl_str *)at);
	case CL_TYPE_ENUM:
		memcpy(&small, at, sizeof(small));
		return cli_enum_text(cli, field->en, small);
	case CL_TYPE_U32:
		small = *(const uint32_t *)at;
		if (small && (strcmp(field->name, "reason") == 0 || strcmp(field->name, "code") == 0))
			return cl_reject_text(small, cli->lang);
		return small ? cli_num(cli, small) : "";
	case CL_TYPE_U64:
	case CL_TYPE_I64:
		memcpy(&large, at, sizeof(large));
		return large ? cli_num(cli, large) : "";
	case CL_TYPE_TIME:
		return cli_when(cli, *(const int64_t *)at);
	case CL_TYPE_BOOL:
		return *(const bool *)at ? cl_text(CL_TEXT_CLI_YES, cli->lang) : "";
	case CL_TYPE_STRS:
		return join(cli, at);
	case CL_TYPE_ID:
	case CL_TYPE_BYTES:
	case CL_TYPE_HASH:
	case CL_TYPE_ONE:
	case CL_TYPE_LIST:
	case CL_TYPE_IDS:
		break;
	}
	return "";
}

/* What is said or written needs no label in front of it. */
static bool speaks_for_itself(const char *name) {
	static const char *const names[] = {"text", "note", "reason", "result", "activity"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

const char *cli_event_detail(const struct cli *cli, const struct cl_schema *schema, const void *value) {
	const char *line = "";
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		const char *label = cli_label(cli, field->name);
		if (!label || strcmp(field->name, "number") == 0 || strcmp(field->name, "source_key") == 0)
			continue;
		const char *text = value_text(cli, field, (const uint8_t *)value + field->offset);
		if (!*text)
			continue;
		const char *gap = *line ? " · " : "";
		line = speaks_for_itself(field->name) ? cli_fmt(cli, "%s%s%s", line, gap, text)
		                                      : cli_fmt(cli, "%s%s%s: %s", line, gap, label, text);
	}
	return line;
}

void cli_print_value(const struct cli *cli, const struct cl_schema *schema, const void *value, FILE *to) {
	uint32_t width = 0;
	for (uint32_t i = 0; i < schema->n; i++) {
		const char *label = cli_label(cli, schema->fields[i].name);
		uint32_t own = label ? cli_width(label) : 0;
		width = own > width ? own : width;
	}
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		const char *label = cli_label(cli, field->name);
		const char *text = label ? value_text(cli, field, (const uint8_t *)value + field->offset) : "";
		if (*text)
			fprintf(to, "%s:%*s %s\n", label, (int)(width - cli_width(label)), "", text);
	}
}

/* -- JSON -- */
static void put_id(struct cl_buf *out, const char *name, struct cl_id id) {
	char text[CL_ID_TEXT_BYTES];
	if (cl_id_zero(id))
		return;
	cl_id_format(id, text);
	cl_buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

static void put_time(struct cl_buf *out, const char *name, int64_t ms) {
	char text[CL_TIME_TEXT_BYTES];
	cl_time_format(ms, 0, text);
	cl_buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

static void put_payload(struct cl_arena *arena, const struct cl_record *record, const struct cl_schema *schema,
                        struct cl_buf *out) {
	const void *value;
	if (schema && cl_decode_version(record->type, record->version, record->payload, arena, &value, NULL) == CL_OK) {
		cl_buf_puts(out, ",\"data\":");
		cl_json_write(schema, value, 0, out);
		return;
	}
	/* Of a newer version, or of a type this program does not know: its bytes, so that nothing is missing. */
	cl_buf_puts(out, ",\"payload_hex\":\"");
	for (uint32_t i = 0; i < record->payload.n; i++)
		cl_buf_printf(out, "%02x", record->payload.p[i]);
	cl_buf_putc(out, '"');
}

int cli_event_json(struct cl_arena *arena, const struct cl_record *record, struct cl_hash hash, uint64_t position,
                   uint32_t service, uint32_t partition, struct cl_buf *out) {
	const struct cl_schema *schema = cl_schema_by_type(record->type);
	const char *kind = cl_kind_name(record->kind), *name = cl_service_name(service),
	           *cause = cl_service_name(record->cause.service);
	char hex[65];
	cl_buf_putc(out, '{');
	if (position)
		cl_buf_printf(out, "\"position\":%" PRIu64 ",", position);
	cl_buf_printf(out, "\"service\":\"%s\",\"partition\":%" PRIu32 ",\"seq\":%" PRIu64, name ? name : "unknown",
	              partition, record->seq);
	if (schema)
		cl_buf_printf(out, ",\"type\":\"%s\"", schema->name);
	cl_buf_printf(out, ",\"type_id\":%u,\"schema_version\":%u", record->type, record->version);
	put_time(out, "recorded", record->recorded_ms);
	put_time(out, "occurred", record->occurred_ms);
	if (kind)
		cl_buf_printf(out, ",\"kind\":\"%s\"", kind);
	put_id(out, "aggregate", record->aggregate);
	if (record->aggregate_version)
		cl_buf_printf(out, ",\"version\":%" PRIu32, record->aggregate_version);
	put_id(out, "command", record->command);
	put_id(out, "correlation", record->correlation);
	if (cause) {
		cl_buf_printf(out, ",\"cause\":{\"service\":\"%s\",\"partition\":%" PRIu32 ",\"seq\":%" PRIu64 "}",
		              cause, record->cause.partition, record->cause.seq);
	}
	if (record->who.n) {
		cl_buf_puts(out, ",\"who\":");
		cl_json_string(out, record->who);
	}
	cl_hash_hex(hash, hex);
	cl_buf_printf(out, ",\"hash\":\"%s\"", hex);
	put_payload(arena, record, schema, out);
	cl_buf_putc(out, '}');
	return CL_OK;
}
