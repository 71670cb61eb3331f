/* Turns rows into a descriptor table: for schema.c, and for upcast.c with the shapes of the past. */
#ifndef CL_PROTO_SCHEMA_TABLES_H
#define CL_PROTO_SCHEMA_TABLES_H

#include "schema.h"

/* clang-format off */
#define CL_SUB_U32(sub) NULL
#define CL_SUB_U64(sub) NULL
#define CL_SUB_I64(sub) NULL
#define CL_SUB_BOOL(sub) NULL
#define CL_SUB_TIME(sub) NULL
#define CL_SUB_ID(sub) NULL
#define CL_SUB_STR(sub) NULL
#define CL_SUB_BYTES(sub) NULL
#define CL_SUB_HASH(sub) NULL
#define CL_SUB_ENUM(sub) NULL
#define CL_SUB_ONE(sub) &cl_schema_##sub
#define CL_SUB_LIST(sub) &cl_schema_##sub
#define CL_SUB_STRS(sub) NULL
#define CL_SUB_IDS(sub) NULL

#define CL_EN_U32(sub) NULL
#define CL_EN_U64(sub) NULL
#define CL_EN_I64(sub) NULL
#define CL_EN_BOOL(sub) NULL
#define CL_EN_TIME(sub) NULL
#define CL_EN_ID(sub) NULL
#define CL_EN_STR(sub) NULL
#define CL_EN_BYTES(sub) NULL
#define CL_EN_HASH(sub) NULL
#define CL_EN_ENUM(sub) &cl_enum_##sub
#define CL_EN_ONE(sub) NULL
#define CL_EN_LIST(sub) NULL
#define CL_EN_STRS(sub) NULL
#define CL_EN_IDS(sub) NULL

/* A row does not know its struct. So what stands before a row's arguments is CL_ROW_OF(struct), which opens the
 * initialiser up to the field's name and leaves CL_ROW to be applied to the arguments and to close it. */
#define CL_ROW_OF(name) {.offset = __builtin_offsetof(struct name, CL_ROW
#define CL_ROW(tag_, type_, field_, sub_, max_, flags_, since_, meaning_)                                              \
	field_), .tag = (tag_), .since = (since_), .type = CL_TYPE_##type_, .flags = (flags_), .max = (uint64_t)(max_),  \
	.name = #field_, .meaning = (meaning_), .sub = CL_SUB_##type_(sub_), .en = CL_EN_##type_(sub_)},

#define CL_TABLE(linkage, name_, meaning_, type_, role_, version_)                                                     \
	static const struct cl_field cl_fields_##name_[] = {CL_FIELDS_##name_(CL_ROW_OF(name_))};                      \
	linkage const struct cl_schema cl_schema_##name_ = {                                                           \
		.name = #name_, .meaning = (meaning_), .type = (type_), .role = (role_), .version = (version_),        \
		.size = sizeof(struct name_), .n = sizeof(cl_fields_##name_) / sizeof(cl_fields_##name_[0]),           \
		.fields = cl_fields_##name_};
/* clang-format on */

#endif
