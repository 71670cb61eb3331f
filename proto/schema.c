#include "schema.h"

#include "base/assert.h"
#include "base/buf.h"
#include "schema_tables.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */
#define ENUM_ROW(value, constant, code, vi, en) {(value), (code), (vi), (en)},
#define ENUM_TABLE(name)                                                                                               \
	static const struct cl_enum_value values_##name[] = {CL_ENUM_##name(ENUM_ROW)};                                \
	const struct cl_enum cl_enum_##name = {#name, values_##name, COUNT(values_##name)};
#define AREA_ENUMS(area) CL_ENUMS_##area(ENUM_TABLE)
CL_AREAS(AREA_ENUMS)

#define STRUCT_TABLE(name, meaning) CL_TABLE(, name, meaning, 0, CL_ROLE_STRUCT, 1)
#define MESSAGE_TABLE(name, type_id, role, version, meaning) CL_TABLE(, name, meaning, type_id, CL_ROLE_##role, version)
#define AREA_TABLES(area) CL_STRUCTS_##area(STRUCT_TABLE) CL_MESSAGES_##area(MESSAGE_TABLE)
CL_AREAS(AREA_TABLES)

#define MESSAGE_POINTER(name, type_id, role, version, meaning) &cl_schema_##name,
#define AREA_POINTERS(area) CL_MESSAGES_##area(MESSAGE_POINTER)
static const struct cl_schema *const messages[] = {CL_AREAS(AREA_POINTERS)};
/* clang-format on */

/* A switch, so that two messages of one type id do not compile. */
const struct cl_schema *cl_schema_by_type(uint16_t type) {
	switch (type) {
#define MESSAGE_CASE(name, type_id, role, version, meaning)                                                            \
	case (type_id):                                                                                                \
		return &cl_schema_##name;
#define AREA_CASES(area) CL_MESSAGES_##area(MESSAGE_CASE)
		CL_AREAS(AREA_CASES)
	}
	return NULL;
}

const struct cl_schema *cl_schema_by_name(struct cl_str name) {
	for (size_t i = 0; i < COUNT(messages); i++) {
		if (cl_str_eqc(name, messages[i]->name))
			return messages[i];
	}
	return NULL;
}

size_t cl_schema_count(void) {
	return COUNT(messages);
}

const struct cl_schema *cl_schema_at(size_t index) {
	CL_ASSERT(index < COUNT(messages));
	return messages[index];
}

const struct cl_enum_value *cl_enum_find(const struct cl_enum *en, uint32_t value) {
	if (value && value <= en->n && en->values[value - 1].value == value) /* values mostly count from 1 */
		return &en->values[value - 1];
	for (uint32_t i = 0; i < en->n; i++) {
		if (en->values[i].value == value)
			return &en->values[i];
	}
	return NULL;
}

const struct cl_enum_value *cl_enum_by_code(const struct cl_enum *en, struct cl_str code) {
	for (uint32_t i = 0; i < en->n; i++) {
		if (cl_str_eqc(code, en->values[i].code))
			return &en->values[i];
	}
	return NULL;
}

/* One line per row, with all that the meaning of stored bytes hangs on; nested records and enums in full. Texts for
 * people do not count. */
static void describe(const struct cl_schema *schema, struct cl_buf *out) {
	cl_buf_printf(out, "%s %u %u %u {\n", schema->name, schema->type, schema->role, schema->version);
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		cl_buf_printf(out, "%u %u %s %llu %u %u", field->tag, field->type, field->name,
		              (unsigned long long)field->max, field->flags, field->since);
		for (uint32_t k = 0; field->en && k < field->en->n; k++)
			cl_buf_printf(out, " %u=%s", field->en->values[k].value, field->en->values[k].code);
		cl_buf_putc(out, '\n');
		if (field->sub)
			describe(field->sub, out);
	}
	cl_buf_puts(out, "}\n");
}

struct cl_hash cl_schema_hash(void) {
	struct cl_buf text;
	cl_buf_init(&text);
	for (size_t i = 0; i < COUNT(messages); i++) {
		if (messages[i]->role == CL_ROLE_EVENT || messages[i]->role == CL_ROLE_STATE)
			describe(messages[i], &text);
	}
	struct cl_hash hash = cl_hash_of(text.p, text.n);
	cl_buf_done(&text);
	return hash;
}

static const char *const services[] = {
        [CL_INTAKE] = "intake",       [CL_ROUTING] = "routing", [CL_ORDER] = "order",   [CL_SUPPORT] = "support",
        [CL_REPORTING] = "reporting", [CL_GATEWAY] = "gateway", [CL_CLIENT] = "client",
};

const char *cl_service_name(uint32_t service) {
	return service < COUNT(services) ? services[service] : NULL;
}

uint32_t cl_service_by_name(struct cl_str name) {
	for (uint32_t i = CL_INTAKE; i < COUNT(services); i++) {
		if (cl_str_eqc(name, services[i]))
			return i;
	}
	return 0;
}

static const struct {
	uint32_t kind, service;
	const char *name;
} kinds[] = {
#define KIND_ROW(name, number, service, text) {(number), (service), (text)},
        CL_KINDS(KIND_ROW)
#undef KIND_ROW
};

const char *cl_kind_name(uint32_t kind) {
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (kinds[i].kind == kind)
			return kinds[i].name;
	}
	return NULL;
}

uint32_t cl_kind_service(uint32_t kind) {
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (kinds[i].kind == kind)
			return kinds[i].service;
	}
	return 0;
}
