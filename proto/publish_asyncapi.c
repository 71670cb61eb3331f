#include <jansson.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec.h"
#include "publish.h"

#define SCHEMA_PREFIX "#/components/schemas/"

static const char about[] =
        "Every change in careloop is an event in the append-only log of the service that decided it. "
        "A consumer subscribes to a log from any sequence on and gets every record once and in order. "
        "On the wire and in the log an event is a msgpack map whose keys are the integers given as x-tag; a field that "
        "is "
        "zero or empty is absent; ids are bin of 16 bytes, hashes bin of 32, times milliseconds since 1970 in UTC, "
        "enums "
        "their numbers. The schemas here describe the JSON form of the same values. Consumers pass over members they "
        "do not "
        "know: a newer version may have brought them. Fields marked x-personal are personal data, null for consumers "
        "without leave to see them.";

static bool is_event(const struct cl_schema *schema, uint32_t service) {
	/* Ids of events are 0x0Sxx with S the service; 0x00xx stand in every log (schema.h, defs). */
	return schema->role == CL_ROLE_EVENT &&
	       (service == 0 || schema->type >> 8 == service || schema->type >> 8 == 0);
}

static void write_channels(struct cl_buf *out) {
	cl_buf_puts(out, "\"channels\":{");
	for (uint32_t service = 1; service <= CL_SERVICE_COUNT; service++) {
		const char *name = cl_service_name(service), *comma = "";
		cl_buf_printf(out, "%s\"%s\":{\"description\":\"The log of the %s service.\",\"x-service\":%u,",
		              service > 1 ? "," : "", name, name, service);
		cl_buf_printf(out, "\"subscribe\":{\"operationId\":\"%sEvents\",\"message\":{\"oneOf\":[", name);
		for (size_t i = 0; i < cl_schema_count(); i++) {
			if (!is_event(cl_schema_at(i), service))
				continue;
			cl_buf_printf(out, "%s{\"$ref\":\"#/components/messages/%s\"}", comma, cl_schema_at(i)->name);
			comma = ",";
		}
		cl_buf_puts(out, "]}}}");
	}
	cl_buf_putc(out, '}');
}

static void write_message(struct cl_buf *out, const struct cl_schema *schema) {
	struct cl_arena arena;
	cl_arena_init(&arena, 4096);
	void *example = cl_arena_alloc(&arena, schema->size);
	cl_publish_example(schema, &arena, example);
	cl_buf_printf(out, "\"%s\":{\"messageId\":\"%s\",\"name\":\"%s\",\"summary\":", schema->name, schema->name,
	              schema->name);
	cl_json_string(out, cl_str_from(schema->meaning));
	cl_buf_printf(out, ",\"x-type-id\":%u,\"x-version\":%u,\"payload\":{\"$ref\":\"" SCHEMA_PREFIX "%s\"}",
	              schema->type, schema->version, schema->name);
	cl_buf_puts(out, ",\"examples\":[{\"payload\":");
	cl_json_write(schema, example, 0, out);
	cl_buf_puts(out, "}]}");
	cl_arena_done(&arena);
}

/* Each record once, however often it is referred to: `done` holds those written. */
static void write_schemas(struct cl_buf *out, const struct cl_schema *schema, const struct cl_schema **done,
                          size_t *count, size_t cap) {
	for (size_t i = 0; i < *count; i++) {
		if (done[i] == schema)
			return;
	}
	CL_ASSERT(*count < cap);
	cl_buf_printf(out, "%s\"%s\":", *count ? "," : "", schema->name);
	done[(*count)++] = schema;
	cl_schema_json_schema_open(schema, SCHEMA_PREFIX, out);
	for (uint32_t i = 0; i < schema->n; i++) {
		if (schema->fields[i].sub)
			write_schemas(out, schema->fields[i].sub, done, count, cap);
	}
}

static void write_components(struct cl_buf *out) {
	enum { NESTED_MAX = 256 };
	size_t cap = cl_schema_count() + NESTED_MAX, count = 0;
	struct cl_arena arena;
	const char *comma = "";
	cl_arena_init(&arena, 4096);
	const struct cl_schema **done = cl_arena_array(&arena, const struct cl_schema *, cap);
	cl_buf_puts(out, "\"components\":{\"messages\":{");
	for (size_t i = 0; i < cl_schema_count(); i++) {
		if (!is_event(cl_schema_at(i), 0))
			continue;
		cl_buf_puts(out, comma);
		write_message(out, cl_schema_at(i));
		comma = ",";
	}
	cl_buf_puts(out, "},\"schemas\":{");
	for (size_t i = 0; i < cl_schema_count(); i++) {
		if (is_event(cl_schema_at(i), 0))
			write_schemas(out, cl_schema_at(i), done, &count, cap);
	}
	cl_buf_puts(out, "}}");
	cl_arena_done(&arena);
}

void cl_publish_asyncapi(struct cl_buf *out) {
	struct cl_buf compact;
	json_error_t error;
	cl_buf_init(&compact);
	cl_buf_puts(&compact,
	            "{\"asyncapi\":\"2.6.0\",\"id\":\"urn:careloop:events\",\"info\":{\"title\":\"careloop events\","
	            "\"version\":\"" CL_VERSION "\",\"description\":");
	cl_json_string(&compact, CL_STR(about));
	cl_buf_puts(&compact, "},\"defaultContentType\":\"application/json\",");
	write_channels(&compact);
	cl_buf_putc(&compact, ',');
	write_components(&compact);
	cl_buf_putc(&compact, '}');
	/* Indented so that a change of the rows shows as changed lines. */
	json_t *root = json_loadb((const char *)compact.p, compact.n, JSON_REJECT_DUPLICATES, &error);
	CL_ASSERT(root);
	char *text = json_dumps(root, JSON_INDENT(1));
	CL_ASSERT(text);
	cl_buf_puts(out, text);
	cl_buf_putc(out, '\n');
	free(text);
	json_decref(root);
	cl_buf_done(&compact);
}
