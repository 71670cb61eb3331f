#include "base/assert.h"
#include "codec.h"
#include "json_int.h"
#include "publish.h"

static const char *const roles[] = {"nested record", "event", "command", "state", "wire", "view"};

/* "contact_registered" to "ContactRegistered". */
static void type_name(struct cl_buf *out, const char *name) {
	bool upper = true;
	for (; *name; name++) {
		if (*name == '_') {
			upper = true;
			continue;
		}
		cl_buf_putc(out, upper && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name);
		upper = false;
	}
}

static void type_of(struct cl_buf *out, const struct cl_field *field) {
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
		cl_buf_puts(out, "number");
		return;
	case CL_TYPE_U64:
		cl_buf_puts(out, field->max && field->max <= JSON_EXACT_MAX ? "number" : "number | string");
		return;
	case CL_TYPE_I64:
		cl_buf_puts(out, "number | string");
		return;
	case CL_TYPE_BOOL:
		cl_buf_puts(out, "boolean");
		return;
	case CL_TYPE_TIME:
	case CL_TYPE_ID:
	case CL_TYPE_STR:
	case CL_TYPE_BYTES:
	case CL_TYPE_HASH:
		cl_buf_puts(out, "string");
		return;
	case CL_TYPE_ENUM:
		type_name(out, field->en->name);
		return;
	case CL_TYPE_ONE:
		type_name(out, field->sub->name);
		return;
	case CL_TYPE_LIST:
		type_name(out, field->sub->name);
		cl_buf_puts(out, "[]");
		return;
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		cl_buf_puts(out, "string[]");
		return;
	}
	CL_UNREACHABLE();
}

static void write_enum(struct cl_buf *out, const struct cl_enum *en) {
	cl_buf_puts(out, "export type ");
	type_name(out, en->name);
	cl_buf_puts(out, " =");
	for (uint32_t i = 0; i < en->n; i++)
		cl_buf_printf(out, "%s\"%s\"", i ? " | " : " ", en->values[i].code);
	cl_buf_puts(out, ";\nexport const ");
	cl_buf_printf(out, "%s_labels: Record<", en->name);
	type_name(out, en->name);
	cl_buf_puts(out, ", { vi: string; en: string }> = {\n");
	for (uint32_t i = 0; i < en->n; i++) {
		cl_buf_printf(out, "\t%s: { vi: ", en->values[i].code);
		cl_json_string(out, cl_str_from(en->values[i].vi));
		cl_buf_puts(out, ", en: ");
		cl_json_string(out, cl_str_from(en->values[i].en));
		cl_buf_puts(out, " },\n");
	}
	cl_buf_puts(out, "};\n\n");
}

static void write_record(struct cl_buf *out, const struct cl_schema *schema) {
	cl_buf_printf(out, "/** %s (%s) */\nexport interface ", schema->meaning, roles[schema->role]);
	type_name(out, schema->name);
	cl_buf_puts(out, " {\n");
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		cl_buf_printf(out, "\t/** %s */\n\t%s%s: ", field->meaning, field->name,
		              field->flags & CL_F_REQUIRED ? "" : "?");
		type_of(out, field);
		cl_buf_puts(out, field->flags & CL_F_PERSONAL ? " | null;\n" : ";\n");
	}
	cl_buf_puts(out, "}\n\n");
}

void cl_publish_typescript(struct cl_buf *out) {
	cl_buf_puts(out, "// Written by careloop-schema from proto/defs; change the rows, not this file.\n\n");
#define ENUM(name) write_enum(out, &cl_enum_##name);
#define STRUCT(name, meaning) write_record(out, &cl_schema_##name);
#define MESSAGE(name, type_id, role, version, meaning) write_record(out, &cl_schema_##name);
#define AREA(area) CL_ENUMS_##area(ENUM) CL_STRUCTS_##area(STRUCT) CL_MESSAGES_##area(MESSAGE)
	CL_AREAS(AREA)
	cl_buf_puts(out, "export interface Messages {\n");
	for (size_t i = 0; i < cl_schema_count(); i++) {
		cl_buf_printf(out, "\t%s: ", cl_schema_at(i)->name);
		type_name(out, cl_schema_at(i)->name);
		cl_buf_puts(out, ";\n");
	}
	cl_buf_puts(out, "}\nexport const typeIds: Record<keyof Messages, number> = {\n");
	for (size_t i = 0; i < cl_schema_count(); i++)
		cl_buf_printf(out, "\t%s: 0x%04x,\n", cl_schema_at(i)->name, cl_schema_at(i)->type);
	cl_buf_puts(out, "};\n");
}

/* -- the table of fields -- */
static void field_type(struct cl_buf *out, const struct cl_field *field) {
	static const char *const names[] = {
	        "uint", "uint",   "int",   "bool",  "int (ms UTC)",   "bin 16",       "str",
	        "bin",  "bin 32", "uint ", "map: ", "array of map: ", "array of str", "array of bin 16"};
	cl_buf_puts(out, names[field->type]);
	if (field->sub)
		cl_buf_puts(out, field->sub->name);
	for (uint32_t i = 0; field->en && i < field->en->n; i++)
		cl_buf_printf(out, "%s%u %s", i ? ", " : "", field->en->values[i].value, field->en->values[i].code);
}

static void write_fields(struct cl_buf *out, const struct cl_schema *schema) {
	cl_buf_printf(out, "\n## %s\n\n%s: %s.", schema->name, roles[schema->role], schema->meaning);
	if (schema->type)
		cl_buf_printf(out, " Type 0x%04x (%u), version %u.", schema->type, schema->type, schema->version);
	cl_buf_puts(out, "\n\n| tag | field | type | at most | marks | meaning |\n|---|---|---|---|---|---|\n");
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		cl_buf_printf(out, "| %u | %s | ", field->tag, field->name);
		field_type(out, field);
		if (field->max)
			cl_buf_printf(out, " | %llu |", (unsigned long long)field->max);
		else
			cl_buf_puts(out, " | |");
		cl_buf_printf(out, "%s%s%s | %s |\n", field->flags & CL_F_REQUIRED ? " required" : "",
		              field->flags & CL_F_PERSONAL ? " personal" : "",
		              field->flags & CL_F_MULTILINE ? " multiline" : "", field->meaning);
	}
}

void cl_publish_fields(struct cl_buf *out) {
	cl_buf_puts(out, "# Messages and their fields\n");
#undef STRUCT
#undef MESSAGE
#undef AREA
#define STRUCT(name, meaning) write_fields(out, &cl_schema_##name);
#define MESSAGE(name, type_id, role, version, meaning) write_fields(out, &cl_schema_##name);
#define AREA(area) CL_STRUCTS_##area(STRUCT) CL_MESSAGES_##area(MESSAGE)
	CL_AREAS(AREA)
}
