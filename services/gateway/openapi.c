/* The OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.0), made from the table of routes and the schema's rows. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "gateway.h"
#include "publish.h"

static json_t *must(json_t *value) {
	CL_ASSERT(value);
	return value;
}

static void set(json_t *object, const char *key, json_t *value) {
	int r = json_object_set_new(object, key, must(value));
	CL_ASSERT(r == 0);
}

static void add(json_t *array, json_t *value) {
	int r = json_array_append_new(array, must(value));
	CL_ASSERT(r == 0);
}

static json_t *ref(const char *kind, const char *name) {
	return json_pack("{s:o}", "$ref", must(json_sprintf("#/components/%s/%s", kind, name)));
}

/* The JSON form of a record. A field that the path gives need not be in the body. */
static json_t *schema_of(const struct cl_schema *schema, const char *key_field) {
	struct cl_buf text;
	cl_buf_init(&text);
	cl_schema_json_schema(schema, &text);
	json_t *json = must(json_loadb((const char *)text.p, text.n, 0, NULL));
	cl_buf_done(&text);
	json_t *required = json_object_get(json, "required"), *entry;
	size_t i;
	json_array_foreach(required, i, entry) {
		if (key_field && strcmp(json_string_value(entry), key_field) == 0) {
			json_array_remove(required, i);
			break;
		}
	}
	return json;
}

static json_t *parameter(const char *name, const char *in, bool required, const char *type, const char *about) {
	return json_pack("{s:s,s:s,s:b,s:{s:s},s:s}", "name", name, "in", in, "required", required, "schema", "type",
	                 type, "description", about);
}

static const char *about_key(enum gateway_key key) {
	switch (key) {
	case GATEWAY_KEY_SLIP:
		return "number of the slip, such as PTN-2026-000001";
	case GATEWAY_KEY_ID:
		return "its id (UUID)";
	case GATEWAY_KEY_SKU:
		return "stock keeping unit";
	case GATEWAY_KEY_DEPARTMENT:
		return "code of the department";
	case GATEWAY_KEY_PERSON:
		return "staff id";
	case GATEWAY_KEY_NONE:
		break;
	}
	return "";
}

static const char *about_parameter(const char *name) {
	static const char *const abouts[][2] = {
	        {"status", "codes, separated by commas"},
	        {"category", "codes, separated by commas"},
	        {"priority", "codes, separated by commas"},
	        {"department", "code of the department"},
	        {"person", "staff id"},
	        {"q", "words to search for, with or without diacritics"},
	        {"sort", "received, due, priority; with q also found"},
	        {"limit", "rows, at most 200"},
	        {"after", "where the last page ended (its \"next\")"},
	        {"as_of", "the state from what had occurred by this time (RFC 3339)"},
	        {"known_at", "the state from what was recorded by this time (RFC 3339)"},
	        {"history", "true: with the events of this actor"},
	        {"history_from", "first version of the history wanted (\"history_next\" of the page before)"},
	        {"min_seq", "answer only when the log has reached this sequence"},
	        {"from", "first position in the archive, from 1; default: what comes from now on"},
	        {"type", "names of event types, separated by commas"},
	};
	for (size_t i = 0; i < sizeof(abouts) / sizeof(*abouts); i++)
		if (strcmp(abouts[i][0], name) == 0)
			return abouts[i][1];
	return "";
}

static json_t *parameters_of(const struct gateway_route *route) {
	json_t *list = must(json_array());
	const char *open = strchr(route->path, '{');
	char name[40];
	if (open) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(open + 1, "}"), open + 1);
		add(list, parameter(name, "path", true, "string", about_key(route->key)));
	}
	for (const char *p = route->parameters; p && *p;) {
		size_t n = strcspn(p, " ");
		snprintf(name, sizeof(name), "%.*s", (int)n, p);
		add(list, parameter(name, "query", false, "string", about_parameter(name)));
		p += n + (p[n] == ' ');
	}
	if (route->body)
		add(list, ref("parameters", "idempotency_key"));
	if (route->handler == gateway_events)
		add(list, parameter("Last-Event-ID", "header", false, "string", "position of the last event received"));
	return list;
}

static json_t *answer_schema(const struct gateway_route *route) {
	if (route->body)
		return ref("schemas", "outcome");
	if (!route->state)
		return json_pack("{s:s}", "type", route->type ? "string" : "object");
	return json_pack("{s:s,s:[s,s,s],s:{s:{s:s},s:{s:s},s:{s:s},s:o,s:{s:s,s:{s:s}},s:{s:s}}}", "type", "object",
	                 "required", "version", "seq", "state", "properties", "number", "type", "string", "version",
	                 "type", "integer", "seq", "type", "integer", "state",
	                 must(json_pack("{s:s,s:s}", "type", "object", "description", route->state->meaning)),
	                 "history", "type", "array", "items", "type", "object", "history_next", "type", "integer");
}

static json_t *responses_of(const struct gateway_route *route) {
	bool created = route->handler == gateway_contact;
	json_t *responses = must(json_object());
	json_t *content = must(json_pack("{s:{s:o}}", route->type ? route->type : "application/json", "schema",
	                                 must(answer_schema(route))));
	set(responses, created ? "201" : "200",
	    json_pack("{s:s,s:o}", "description", created ? "Created" : "OK", "content", content));
	if (created)
		set(json_object_get(responses, "201"), "headers",
		    json_pack("{s:{s:s,s:{s:s}}}", "Location", "description", "the case", "schema", "type", "string"));
	set(responses, "default", ref("responses", "problem"));
	return responses;
}

static json_t *operation_of(const struct gateway_route *route) {
	json_t *operation =
	        must(json_pack("{s:s,s:[s],s:o,s:o}", "summary", route->summary, "tags", route->tag, "parameters",
	                       must(parameters_of(route)), "responses", must(responses_of(route))));
	if (route->body) {
		set(operation, "operationId", json_string(route->body->name));
		set(operation, "requestBody",
		    json_pack("{s:b,s:{s:{s:o}}}", "required", 1, "content", "application/json", "schema",
		              must(schema_of(route->body, route->key_field))));
	}
	if (strncmp(route->path, "/api/", 5) != 0)
		set(operation, "security", json_array());
	return operation;
}

static json_t *components(void) {
	json_t *problem = must(json_pack(
	        "{s:s,s:[s,s,s,s,s],s:{s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:{s:s,s:{s:s,s:{s:{s:s},s:{s:s}}}}}}",
	        "type", "object", "required", "type", "title", "status", "detail", "code", "properties", "type", "type",
	        "string", "title", "type", "string", "status", "type", "integer", "detail", "type", "string", "code",
	        "type", "string", "errors", "type", "array", "items", "type", "object", "properties", "field", "type",
	        "string", "detail", "type", "string"));
	json_t *outcome = must(
	        json_pack("{s:s,s:[s,s,s,s],s:{s:{s:s},s:{s:s},s:{s:s,s:{s:{s:s},s:{s:s},s:{s:s}}},s:{s:s},s:{s:s}}}",
	                  "type", "object", "required", "id", "seq", "version", "repeated", "properties", "number",
	                  "type", "string", "id", "type", "string", "seq", "type", "object", "properties", "service",
	                  "type", "string", "partition", "type", "integer", "seq", "type", "integer", "version", "type",
	                  "integer", "repeated", "type", "boolean"));
	json_t *key = must(parameter("Idempotency-Key", "header", false, "string",
	                             "A UUIDv7 is the command's id: repeated within the window of days, the recorded "
	                             "outcome is answered with "
	                             "Idempotent-Replayed: true. For a contact any other text of up to 150 bytes makes "
	                             "it the same request for ever."));
	return json_pack("{s:{s:o,s:o},s:{s:o},s:{s:{s:s,s:{s:{s:o}}}},s:{s:{s:s,s:s}}}", "schemas", "problem", problem,
	                 "outcome", outcome, "parameters", "idempotency_key", key, "responses", "problem",
	                 "description", "A problem (RFC 9457), in the language of Accept-Language", "content",
	                 "application/problem+json", "schema", must(ref("schemas", "problem")), "securitySchemes",
	                 "token", "type", "http", "scheme", "bearer");
}

void gateway_openapi_write(struct cl_buf *out) {
	size_t n;
	const struct gateway_route *routes = gateway_routes(&n);
	json_t *paths = must(json_object());
	for (size_t i = 0; i < n; i++) {
		if (!json_object_get(paths, routes[i].path))
			set(paths, routes[i].path, json_object());
		const char *method = routes[i].method == GATEWAY_GET    ? "get"
		                     : routes[i].method == GATEWAY_POST ? "post"
		                                                        : "put";
		set(json_object_get(paths, routes[i].path), method, operation_of(&routes[i]));
	}
	json_t *document = must(json_pack("{s:s,s:{s:s,s:s,s:s},s:o,s:o,s:[{s:[]},{}]}", "openapi", "3.1.0", "info",
	                                  "title", "Careloop", "version", CL_VERSION, "description",
	                                  "Customer care in a closed loop: contacts, cases, orders, the event stream. "
	                                  "Times are RFC 3339; errors are "
	                                  "problem documents (RFC 9457).",
	                                  "paths", paths, "components", must(components()), "security", "token"));
	char *text = json_dumps(document, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	CL_ASSERT(text);
	cl_buf_puts(out, text);
	cl_buf_putc(out, '\n');
	free(text);
	json_decref(document);
}
