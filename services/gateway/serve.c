/* From a request to its handler: who asks, for what, with which parameters and body. Whatever is wrong is refused here,
 * before anything is sent to a service. */
#include <strings.h>

#include "actor/slip.h"
#include "codec.h"
#include "gateway.h"
#include "order/order.h"
#include "routing/routing.h"

#define WHO_MAX 100
#define IDEMPOTENCY_NAME "Idempotency-Key"

static struct cl_str said(struct gateway_request *request, enum cl_text id) {
	return cl_str_from(cl_text(id, request->lang));
}

static void refuse_header(struct gateway_request *request, const char *name, enum cl_text form) {
	struct cl_str detail = cl_text_printf(&request->arena, CL_TEXT_GATEWAY_HEADER_FORM, request->lang, name,
	                                      cl_text(form, request->lang));
	gateway_refuse_field(request, GATEWAY_BAD_HEADER, NULL, detail, cl_str_from(name));
}

void gateway_refuse_parameter(struct gateway_request *request, const char *name, enum cl_text form) {
	struct cl_str detail = cl_text_printf(&request->arena, CL_TEXT_GATEWAY_PARAMETER_FORM, request->lang, name,
	                                      cl_text(form, request->lang));
	gateway_refuse_field(request, GATEWAY_BAD_PARAMETER, NULL, detail, cl_str_from(name));
}

struct cl_str gateway_parameter(const struct gateway_request *request, const char *name) {
	for (uint32_t i = 0; i < request->parameter_n; i++)
		if (cl_str_eqc(request->parameters[i].name, name))
			return request->parameters[i].value;
	return (struct cl_str){NULL, 0};
}

/* -- who asks -- */

/* "localhost:8080", "127.0.0.1", "[::1]:80": a page of another site that made a name of its own point here shows that
 * name (DNS rebinding). */
static bool host_is_loopback(struct cl_str host) {
	const char *colon = host.n && host.p[0] != '[' ? memchr(host.p, ':', host.n) : NULL;
	struct cl_str name = {host.p, colon ? (uint32_t)(colon - host.p) : host.n};
	if (name.n == 9 && strncasecmp(name.p, "localhost", 9) == 0)
		return true;
	return cl_str_starts(name, CL_STR("[::1]")) ||
	       (cl_str_starts(name, CL_STR("127.")) && strspn(name.p, "0123456789.") >= name.n);
}

static bool authorise_by_token(struct gateway_request *request) {
	struct cl_str given = request->authorization;
	struct cl_str name = {NULL, 0};
	if (given.n > 7 && strncasecmp(given.p, "Bearer ", 7) == 0)
		name = gateway_tokens_find(&request->gateway->tokens,
		                           cl_str_trim((struct cl_str){given.p + 7, given.n - 7}));
	if (!name.n) {
		gateway_refuse(request, GATEWAY_UNAUTHORIZED,
		               said(request, given.n ? CL_TEXT_GATEWAY_BAD_TOKEN : CL_TEXT_GATEWAY_NO_TOKEN));
		return false;
	}
	if (request->wanted_who.p) {
		gateway_refuse(request, GATEWAY_FORBIDDEN, said(request, CL_TEXT_GATEWAY_WHO));
		return false;
	}
	request->who = cl_arena_str(&request->arena, name);
	return true;
}

static bool authorise(struct gateway_request *request) {
	struct gateway *gateway = request->gateway;
	int r = gateway_tokens_refresh(&gateway->tokens);
	if (r != CL_OK)
		cl_logger_write(&gateway->logger, CL_ERROR, "tokens_refused", "error=%s", cl_error_name(r));
	if (gateway_tokens_any(&gateway->tokens) || !gateway->loopback)
		return authorise_by_token(request);
	if (!host_is_loopback(request->host)) {
		gateway_refuse(request, GATEWAY_FORBIDDEN, said(request, CL_TEXT_GATEWAY_HOST));
		return false;
	}
	struct cl_str who = request->wanted_who;
	request->who = who.p ? who : CL_STR("api");
	bool fits = request->who.n > 0 && request->who.n <= WHO_MAX && cl_utf8_valid(request->who);
	for (uint32_t i = 0; i < request->who.n && fits; i++)
		fits = (unsigned char)request->who.p[i] >= ' ' && request->who.p[i] != 127;
	if (!fits)
		refuse_header(request, "X-Careloop-Who", CL_TEXT_GATEWAY_FORM_WHO);
	return fits;
}

/* -- what for -- */

static bool check_parameters(struct gateway_request *request) {
	for (uint32_t i = 0; i < request->parameter_n; i++) {
		struct cl_str name = request->parameters[i].name;
		enum cl_text wrong = CL_TEXT_COUNT;
		if (!cl_utf8_valid(name) || !gateway_list_has(request->route->parameters, name))
			wrong = CL_TEXT_GATEWAY_PARAMETER_UNKNOWN;
		else if (gateway_parameter(request, cl_arena_str(&request->arena, name).p).p !=
		         request->parameters[i].value.p)
			wrong = CL_TEXT_GATEWAY_PARAMETER_TWICE;
		else if (!cl_utf8_valid(request->parameters[i].value))
			wrong = CL_TEXT_GATEWAY_PARAMETER_VALUE;
		if (wrong == CL_TEXT_COUNT)
			continue;
		const char *shown = cl_utf8_valid(name) ? cl_arena_str(&request->arena, name).p : "?";
		gateway_refuse_field(request, GATEWAY_BAD_PARAMETER, NULL,
		                     cl_text_printf(&request->arena, wrong, request->lang, shown), cl_str_from(shown));
		return false;
	}
	return true;
}

static bool type_is_json(struct cl_str type) {
	const char *semicolon = type.n ? memchr(type.p, ';', type.n) : NULL;
	struct cl_str media = cl_str_trim((struct cl_str){type.p, semicolon ? (uint32_t)(semicolon - type.p) : type.n});
	if (media.n != 16 || strncasecmp(media.p, "application/json", 16) != 0)
		return false;
	if (!semicolon)
		return true;
	struct cl_str rest = cl_str_trim((struct cl_str){semicolon + 1, (uint32_t)(type.p + type.n - semicolon - 1)});
	return rest.n == 0 || (rest.n == 13 && strncasecmp(rest.p, "charset=utf-8", 13) == 0);
}

static bool prepare(struct gateway_request *request) {
	if (cl_str_starts(cl_str_from(request->route->path), CL_STR("/api/")) && !authorise(request))
		return false;
	if (request->wanted_correlation.p && cl_id_parse(request->wanted_correlation, &request->correlation) != CL_OK)
		request->correlation = cl_client_new_id(request->gateway->client);
	if (!check_parameters(request))
		return false;
	if (request->route->body && !type_is_json(request->content_type)) {
		gateway_refuse(request, GATEWAY_MEDIA_TYPE, (struct cl_str){NULL, 0});
		return false;
	}
	return true;
}

static void refuse_route(struct gateway_request *request) {
	struct gateway_trouble trouble = {.problem = GATEWAY_METHOD_NOT_ALLOWED, .lang = request->lang};
	unsigned allowed = request->allowed;
	if (!allowed) {
		gateway_refuse(request, GATEWAY_NOT_FOUND, said(request, CL_TEXT_GATEWAY_NO_PATH));
		return;
	}
	const char *get = allowed & GATEWAY_GET ? "GET, HEAD" : "", *post = allowed & GATEWAY_POST ? "POST" : "",
	           *put = allowed & GATEWAY_PUT ? "PUT" : "";
	const char *list = cl_arena_printf(&request->arena, "%s%s%s%s%s", get, *get && (*post || *put) ? ", " : "",
	                                   post, *post && *put ? ", " : "", put)
	                           .p;
	trouble.detail = cl_text_printf(&request->arena, CL_TEXT_GATEWAY_METHODS, request->lang, list);
	gateway_refuse_with(request, &trouble, cl_arena_printf(&request->arena, "Allow: %s\r\n", list).p);
}

void gateway_serve(struct gateway_request *request) {
	request->served = true;
	if (!request->route)
		refuse_route(request);
	else if (prepare(request))
		request->route->handler(request);
}

/* -- the body -- */

static void refuse_body(struct gateway_request *request, const struct cl_field_error *error) {
	struct cl_str detail = cl_field_error_text(error, request->lang == CL_EN ? "en" : "vi", &request->arena);
	struct cl_str path = cl_str_from(error->path);
	bool syntax = !error->field && path.n == 0;
	if (syntax && error->code == CL_E_MALFORMED && request->body.n == 0)
		detail = (struct cl_str){NULL, 0};
	gateway_refuse_field(request, syntax ? GATEWAY_MALFORMED_JSON : GATEWAY_FIELDS, NULL, detail, path);
}

/* The body with the path's key as a member, for a sender who did not repeat it there. */
static struct cl_bytes body_with_key(struct gateway_request *request, const char *name) {
	struct cl_buf text;
	const uint8_t *open = memchr(request->body.p, '{', request->body.n);
	size_t before = (size_t)(open - request->body.p) + 1;
	cl_buf_init(&text);
	cl_buf_put(&text, request->body.p, before);
	cl_buf_printf(&text, "\"%s\":", name);
	cl_json_string(&text, request->key);
	size_t next = before;
	while (next < request->body.n && strchr(" \t\r\n", request->body.p[next]))
		next++;
	if (next < request->body.n && request->body.p[next] != '}')
		cl_buf_putc(&text, ',');
	cl_buf_put(&text, request->body.p + before, request->body.n - before);
	cl_buf_done(&request->body);
	request->body = text;
	return cl_buf_bytes(&request->body);
}

static const struct cl_field *field_named(const struct cl_schema *schema, const char *name) {
	for (uint32_t i = 0; i < schema->n; i++)
		if (strcmp(schema->fields[i].name, name) == 0)
			return &schema->fields[i];
	return NULL;
}

void *gateway_read_body(struct gateway_request *request) {
	const struct gateway_route *route = request->route;
	void *value = cl_arena_alloc(&request->arena, route->body->size);
	struct cl_field_error error = {0};
	int r = cl_json_read(route->body, cl_buf_bytes(&request->body), &request->arena, value, &error);
	if (r != CL_OK && route->key_field && error.missing && strcmp(error.path, route->key_field) == 0) {
		error = (struct cl_field_error){0};
		r = cl_json_read(route->body, body_with_key(request, route->key_field), &request->arena, value, &error);
	}
	if (r != CL_OK) {
		refuse_body(request, &error);
		return NULL;
	}
	const struct cl_field *field = route->key_field ? field_named(route->body, route->key_field) : NULL;
	if (field) {
		const struct cl_str *given = (const void *)((const uint8_t *)value + field->offset);
		if (!cl_str_eq(*given, request->key)) {
			gateway_refuse_field(request, GATEWAY_FIELDS, NULL,
			                     cl_text_printf(&request->arena, CL_TEXT_GATEWAY_PATH_FIELD, request->lang,
			                                    route->key_field),
			                     cl_str_from(route->key_field));
			return NULL;
		}
	}
	return value;
}

/* -- the actor -- */

static void no_thing(struct gateway_request *request) {
	const char *shown = cl_utf8_valid(request->key) ? request->key.p : "?";
	gateway_refuse_field(request, GATEWAY_NOT_FOUND, "UNKNOWN_TARGET",
	                     cl_text_printf(&request->arena, CL_TEXT_GATEWAY_NO_THING, request->lang, shown),
	                     (struct cl_str){NULL, 0});
}

bool gateway_target(struct gateway_request *request, struct cl_id *ret_target) {
	struct cl_str key = request->key;
	char number[GATEWAY_NUMBER_BYTES];
	bool good = cl_utf8_valid(key);
	switch (request->route->key) {
	case GATEWAY_KEY_NONE:
		*ret_target = (struct cl_id){{0}};
		return true;
	case GATEWAY_KEY_SLIP:
		good = good && gateway_number(key, number);
		if (good) {
			request->key = cl_arena_str(&request->arena, cl_str_from(number));
			*ret_target = cl_slip_id(request->key);
		}
		break;
	case GATEWAY_KEY_ID:
		good = good && cl_id_parse(key, ret_target) == CL_OK && !cl_id_zero(*ret_target);
		break;
	case GATEWAY_KEY_SKU:
		*ret_target = order_stock_id(key);
		break;
	case GATEWAY_KEY_DEPARTMENT:
		*ret_target = routing_department_id(key);
		break;
	case GATEWAY_KEY_PERSON:
		*ret_target = routing_person_id(key);
		break;
	}
	if (!good)
		no_thing(request);
	return good;
}
