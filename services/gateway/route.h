/* The table of routes: what the HTTP API is. Dispatch, validation and the OpenAPI document follow it. */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "schema.h"

enum gateway_method { GATEWAY_GET = 1, GATEWAY_POST = 2, GATEWAY_PUT = 4 };

/* How {…} of the path names an actor. */
enum gateway_key {
	GATEWAY_KEY_NONE,
	GATEWAY_KEY_SLIP,
	GATEWAY_KEY_ID,
	GATEWAY_KEY_SKU,
	GATEWAY_KEY_DEPARTMENT,
	GATEWAY_KEY_PERSON
};

struct gateway_request;
struct gateway_route {
	enum gateway_method method;
	const char *path; /* at most one {…}, a whole segment */
	void (*handler)(struct gateway_request *request);
	uint8_t kind; /* of the actor; 0: none */
	enum gateway_key key;
	const struct cl_schema *body;  /* of the command; NULL: no body */
	const char *key_field;         /* field of the body that is the path's key; NULL: none */
	const struct cl_schema *state; /* what GET tells of; NULL: not one actor's state */
	const char *query;             /* name of the question to reporting; NULL: none */
	const char *parameters;        /* names allowed behind '?', separated by blanks; NULL: none */
	const char *type;              /* of the answer; NULL: application/json */
	const char *tag, *summary;
};

const struct gateway_route *gateway_routes(size_t *ret_n);
/* The route for a path and a method. NULL: *ret_allowed has the methods that the path knows, 0 when there is none. */
const struct gateway_route *gateway_route_find(enum gateway_method method, struct cl_str path, struct cl_str *ret_key,
                                               unsigned *ret_allowed);
const char *gateway_method_name(enum gateway_method method);
/* Whether the blank-separated list has the name. */
bool gateway_list_has(const char *list, struct cl_str name);
/* "PTN-2026-000001" of what people write for it ("ptn-2026-1"); false: no number of a slip. */
#define GATEWAY_NUMBER_BYTES 32
bool gateway_number(struct cl_str text, char out[GATEWAY_NUMBER_BYTES]);

#endif
