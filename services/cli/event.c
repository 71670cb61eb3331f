/* Events and states for people: titles, labels, one line of what matters; and records as JSON for programs. */
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
