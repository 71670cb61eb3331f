/* Between http.c (connections) and http_read.c (what a request's headers say). */
#ifndef GATEWAY_HTTP_H
#define GATEWAY_HTTP_H

#include <libwebsockets.h>

#include "gateway.h"

struct gateway_connection {
	struct lws *wsi; /* NULL: nothing came on it yet */
	struct gateway_http *http;
	struct gateway_connection *next, *previous;
	struct gateway_request *request; /* being read or answered */
	struct cl_buf out;               /* GATEWAY_HTTP_ROOM bytes, then what is to be sent */
	uint64_t expected;               /* bytes of the body that is to come */
	int64_t since_ms;                /* when the request began */
	bool close, streaming;
	bool ending; /* refused before its body */
};

struct gateway_http {
	struct gateway *gateway;
	struct lws_context *context;
	struct gateway_connection *first;
	uv_timer_t timer;
	bool timer_open, closing;
};

/* A new request of what the headers say. connection->expected is set; 0 too when it is refused before its body. */
struct gateway_request *gateway_http_read(struct gateway_connection *connection, const char *path, size_t n);

#endif
