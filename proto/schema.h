/* The schema of everything that is stored or sent, declared once as X-macro rows in defs/ and expanded here to
 * structs and enums and (schema.c) to descriptor tables that one codec (codec.h) walks.
 *
 * A def file `defs/AREA.def` defines, for its AREA:
 *   CL_ENUMS_AREA(N)     rows N(enum_name)                     with  CL_ENUM_enum_name(E):   E(value, CONSTANT, "code", "Tiếng Việt", "English")
 *   CL_STRUCTS_AREA(S)   rows S(name, "meaning")               nested records, no type id;   children before parents
 *   CL_MESSAGES_AREA(M)  rows M(name, type_id, ROLE, version, "meaning")
 *   CL_FIELDS_name(F)    rows F(tag, TYPE, field, sub, max, flags, since, "meaning") for each struct and message
 *
 * TYPE: U32 U64 I64 BOOL TIME(ms UTC) ID STR BYTES HASH ENUM(sub = enum) ONE(sub = struct, inline) LIST(sub = struct)
 *       STRS(list of strings; max counts items, each at most CL_STRS_ITEM_MAX bytes) IDS(list of ids).
 * max:  STR, BYTES: bytes; LIST, STRS, IDS: items; U32, U64, I64: largest value (0 = the type's own); others 0.
 * flags: OR-ed CL_F_*. A field that is zero or empty is absent on the wire; CL_F_REQUIRED refuses that.
 * since: the schema version that brought the field. Tags and type ids are never reused.
 * ROLE: EVENT COMMAND STATE WIRE (frames) VIEW (answers to queries).
 */
#ifndef CL_PROTO_SCHEMA_H
#define CL_PROTO_SCHEMA_H

#include "base/hash.h"
#include "base/id.h"
#include "base/str.h"

#include "defs/common.def"
#include "defs/intake.def"
#include "defs/order.def"
#include "defs/reporting.def"
#include "defs/routing.def"
#include "defs/support.def"
#include "defs/wire.def"

#define CL_STRS_ITEM_MAX 200
#define CL_NESTING_MAX 16

enum cl_field_flag {
	CL_F_REQUIRED = 1, /* must not be zero or empty */
	CL_F_PERSONAL = 2, /* personal data (design §5): masked for consumers without leave, erasable */
	CL_F_MULTILINE = 4 /* may hold line breaks; other strings may not hold control characters */
};

enum cl_field_type {
	CL_TYPE_U32, CL_TYPE_U64, CL_TYPE_I64, CL_TYPE_BOOL, CL_TYPE_TIME, CL_TYPE_ID, CL_TYPE_STR, CL_TYPE_BYTES,
	CL_TYPE_HASH, CL_TYPE_ENUM, CL_TYPE_ONE, CL_TYPE_LIST, CL_TYPE_STRS, CL_TYPE_IDS
};

enum cl_role { CL_ROLE_STRUCT, CL_ROLE_EVENT, CL_ROLE_COMMAND, CL_ROLE_STATE, CL_ROLE_WIRE, CL_ROLE_VIEW };

/* Areas, in the order of the include list. */
#define CL_AREAS(A) A(common) A(intake) A(routing) A(order) A(support) A(reporting) A(wire)

/* -- enums: 0 is always "unset" -- */
#define CL_ENUM_VALUE(value, constant, code, vi, en) constant = (value),
#define CL_ENUM_DECL(name) enum name { name##_UNSET = 0, CL_ENUM_##name(CL_ENUM_VALUE) };
#define CL_AREA_ENUMS(area) CL_ENUMS_##area(CL_ENUM_DECL)
CL_AREAS(CL_AREA_ENUMS)

/* -- structs -- */
struct cl_strs { struct cl_str *v; uint32_t n; };
struct cl_ids { struct cl_id *v; uint32_t n; };

#define CL_DECL_U32(field, sub) uint32_t field;
#define CL_DECL_U64(field, sub) uint64_t field;
#define CL_DECL_I64(field, sub) int64_t field;
#define CL_DECL_BOOL(field, sub) bool field;
#define CL_DECL_TIME(field, sub) int64_t field;
#define CL_DECL_ID(field, sub) struct cl_id field;
#define CL_DECL_STR(field, sub) struct cl_str field;
#define CL_DECL_BYTES(field, sub) struct cl_bytes field;
#define CL_DECL_HASH(field, sub) struct cl_hash field;
#define CL_DECL_ENUM(field, sub) enum sub field;
#define CL_DECL_ONE(field, sub) struct sub field;
#define CL_DECL_LIST(field, sub) struct { struct sub *v; uint32_t n; } field;
#define CL_DECL_STRS(field, sub) struct cl_strs field;
#define CL_DECL_IDS(field, sub) struct cl_ids field;
#define CL_DECL(tag, type, field, sub, max, flags, since, meaning) CL_DECL_##type(field, sub)

#define CL_STRUCT_DECL(name, meaning) struct name { CL_FIELDS_##name(CL_DECL) };
#define CL_MESSAGE_DECL(name, type_id, role, version, meaning) struct name { CL_FIELDS_##name(CL_DECL) };
#define CL_AREA_DECLS(area) CL_STRUCTS_##area(CL_STRUCT_DECL) CL_MESSAGES_##area(CL_MESSAGE_DECL)
CL_AREAS(CL_AREA_DECLS)

/* -- type ids: CL_T_name -- */
#define CL_MESSAGE_TYPE(name, type_id, role, version, meaning) CL_T_##name = (type_id),
#define CL_AREA_TYPES(area) CL_MESSAGES_##area(CL_MESSAGE_TYPE)
enum cl_type_id { CL_AREAS(CL_AREA_TYPES) };

/* -- descriptors -- */
struct cl_enum_value { uint32_t value; const char *code, *vi, *en; };
struct cl_enum { const char *name; const struct cl_enum_value *values; uint32_t n; };

struct cl_schema;
struct cl_field {
	uint16_t tag, since;
	uint8_t type, flags; /* enum cl_field_type, enum cl_field_flag */
	uint32_t offset;
	uint64_t max;
	const char *name, *meaning;
	const struct cl_schema *sub; /* ONE, LIST */
	const struct cl_enum *en;    /* ENUM */
};

struct cl_schema {
	const char *name, *meaning;
	uint16_t type; /* 0 for nested structs */
	uint8_t role, version;
	uint32_t size;
	uint32_t n;
	const struct cl_field *fields; /* by rising tag */
};

/* cl_schema_NAME for every struct and message, cl_enum_NAME for every enum. */
#define CL_STRUCT_EXTERN(name, meaning) extern const struct cl_schema cl_schema_##name;
#define CL_MESSAGE_EXTERN(name, type_id, role, version, meaning) extern const struct cl_schema cl_schema_##name;
#define CL_ENUM_EXTERN(name) extern const struct cl_enum cl_enum_##name;
#define CL_AREA_EXTERNS(area) CL_ENUMS_##area(CL_ENUM_EXTERN) CL_STRUCTS_##area(CL_STRUCT_EXTERN) CL_MESSAGES_##area(CL_MESSAGE_EXTERN)
CL_AREAS(CL_AREA_EXTERNS)

const struct cl_schema *cl_schema_by_type(uint16_t type);        /* NULL if unknown; O(1) */
const struct cl_schema *cl_schema_by_name(struct cl_str name);   /* messages only; NULL if unknown */
size_t cl_schema_count(void);                                    /* messages */
const struct cl_schema *cl_schema_at(size_t index);
/* Hash of all rows of events and states: changes when any of them does. */
struct cl_hash cl_schema_hash(void);

const struct cl_enum_value *cl_enum_find(const struct cl_enum *en, uint32_t value); /* NULL if unknown */
const struct cl_enum_value *cl_enum_by_code(const struct cl_enum *en, struct cl_str code);

/* -- actors: services and kinds -- */
enum cl_service_id { CL_INTAKE = 1, CL_ROUTING, CL_ORDER, CL_SUPPORT, CL_REPORTING, CL_GATEWAY, CL_CLIENT };
#define CL_SERVICE_COUNT 5 /* those with logs */
const char *cl_service_name(uint32_t service); /* "intake"; NULL if unknown */
uint32_t cl_service_by_name(struct cl_str name); /* 0 if unknown */

#define CL_KINDS(K)                                                                                                    \
	K(INTAKE_REGISTRY, 0x10, CL_INTAKE, "intake_registry")                                                         \
	K(REQUEST, 0x11, CL_INTAKE, "request")                                                                         \
	K(CUSTOMER, 0x12, CL_INTAKE, "customer")                                                                       \
	K(IDENTITY, 0x13, CL_INTAKE, "identity")                                                                       \
	K(ROUTING_REGISTRY, 0x20, CL_ROUTING, "routing_registry")                                                      \
	K(WORK_ITEM, 0x21, CL_ROUTING, "work_item")                                                                    \
	K(DEPARTMENT, 0x22, CL_ROUTING, "department")                                                                  \
	K(PERSON, 0x23, CL_ROUTING, "person")                                                                          \
	K(ORDER_REGISTRY, 0x30, CL_ORDER, "order_registry")                                                            \
	K(ORDER, 0x31, CL_ORDER, "order")                                                                              \
	K(STOCK, 0x32, CL_ORDER, "stock")                                                                              \
	K(SUPPORT_REGISTRY, 0x40, CL_SUPPORT, "support_registry")                                                      \
	K(CASE, 0x41, CL_SUPPORT, "case")                                                                              \
	K(ARCHIVE, 0x50, CL_REPORTING, "archive")                                                                      \
	K(LOG, 0x01, 0, "log")

enum cl_kind {
#define CL_KIND_VALUE(name, number, service, text) CL_KIND_##name = (number),
	CL_KINDS(CL_KIND_VALUE)
#undef CL_KIND_VALUE
};
const char *cl_kind_name(uint32_t kind);    /* NULL if unknown */
uint32_t cl_kind_service(uint32_t kind);    /* 0 if unknown */

#endif
