/* The published documents, written from the rows: what outsiders read instead of the rows. cl_proto has the JSON Schema
 * of one record, for the gateway's OpenAPI document too; the others belong to the program careloop-schema. */
#ifndef CL_PROTO_PUBLISH_H
#define CL_PROTO_PUBLISH_H

#include "base/arena.h"
#include "base/buf.h"
#include "schema.h"

/* One JSON Schema object for the JSON form of a record as cl_json_read takes it, nested records inline. In the common
 * part of JSON Schema and OpenAPI 3.0 and 3.1; members it does not know are refused. */
void cl_schema_json_schema(const struct cl_schema *schema, struct cl_buf *out);

/* The same for readers: nested records are references "PREFIXname", other members may come from a newer writer, and
 * personal fields may be null. */
void cl_schema_json_schema_open(const struct cl_schema *schema, const char *ref_prefix, struct cl_buf *out);

void cl_publish_asyncapi(struct cl_buf *out);   /* AsyncAPI 2.6, all events */
void cl_publish_typescript(struct cl_buf *out); /* types of the JSON forms of all messages, and the enums' labels */
void cl_publish_fields(struct cl_buf *out);     /* Markdown: every message with its tags, to decode without our code */

void cl_publish_speed(struct cl_buf *out); /* a table of what the codec takes for one event */

/* A value with every field set, made of the names and tags only, so that it stays as it is while the row does. */
void cl_publish_example(const struct cl_schema *schema, struct cl_arena *arena, void *ret_value);
/* The text of a golden file: name, type, version, JSON and bytes of the example. */
void cl_publish_golden(const struct cl_schema *schema, const char *name, unsigned version, struct cl_buf *out);

#endif
