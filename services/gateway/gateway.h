/* The gateway: HTTP in front of the services. It holds nothing but connections, so any number of them may run. One
 * table of routes (route.h) drives dispatch, validation and the OpenAPI document. http.c knows libwebsockets and
 * nothing of what requests mean; handlers know the client (uv/client.h) and nothing of HTTP's bytes. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <uv.h>

#include "base/arena.h"
#include "base/buf.h"
#include "log/record.h"
#include "problem.h"
#include "route.h"
#include "text.h"
#include "tokens.h"
#include "uv/client.h"
#include "uv/logger.h"

#define GATEWAY_BODY_MAX 262144
#define GATEWAY_CONNECTIONS_MAX 1024
#define GATEWAY_STREAMS_MAX 100
#define GATEWAY_PARAMETERS_MAX 20
#define GATEWAY_PARAMETER_BYTES 4000
#define GATEWAY_CALL_MS 10000 /* a service answers within that, or the client is told that it did not */

/* F(name, is it a counter?, meaning) */
#define GATEWAY_FIGURES(F)                                                                                             \
	F(connections, 0, "HTTP connections open")                                                                     \
	F(connections_refused, 1, "HTTP connections refused because there were too many")                              \
	F(requests, 1, "HTTP requests")                                                                                \
	F(requests_open, 0, "HTTP requests being answered")                                                            \
	F(responses_2xx, 1, "HTTP responses 200 to 299")                                                               \
	F(responses_4xx, 1, "HTTP responses 400 to 499")                                                               \
	F(responses_5xx, 1, "HTTP responses 500 to 599")                                                               \
	F(clients_gone, 1, "HTTP clients that went away before their answer")                                          \
	F(timed_out, 1, "HTTP clients that were too slow")                                                             \
	F(streams, 0, "event streams open")                                                                            \
	F(events, 1, "events sent on event streams")

struct gateway_figures {
#define GATEWAY_FIGURE(name, counter, meaning) uint64_t name;
	GATEWAY_FIGURES(GATEWAY_FIGURE)
#undef GATEWAY_FIGURE
};

struct gateway_http;
struct gateway {
	struct cl_config config;
	struct cl_logger logger;
	uv_loop_t loop;
	struct cl_client *client;
	struct gateway_http *http;
	struct gateway_tokens tokens;
	struct gateway_figures figures;
	bool loopback; /* listens on this machine only */
	int64_t started_ms;
};

/* -- one request -- */
struct gateway_parameter {
	struct cl_str name, value;
};

struct gateway_stream;
struct gateway_request {
	struct gateway *gateway;
	void *connection; /* of http.c; NULL: the client is gone, the answer goes nowhere */
	struct cl_arena arena;
	const struct gateway_route *route; /* NULL: none fits */
	unsigned allowed;                  /* then: methods that the path knows */
	const char *method;                /* as logged */
	bool head, close;                  /* HEAD; the connection ends with the answer */
	struct cl_str key;                 /* what stands for {…} in the path */
	struct gateway_parameter parameters[GATEWAY_PARAMETERS_MAX];
	uint32_t parameter_n;
	enum cl_lang lang;
	/* Headers; p NULL: not there. */
	struct cl_str authorization, host, content_type, idempotency_key, wanted_correlation, wanted_who, last_event_id;
	struct cl_str who;
	struct cl_id correlation;
	struct cl_buf body;
	uint64_t started_ns;
	bool served;                   /* its handler has it now: freed by the answer, not with the connection */
	struct gateway_stream *stream; /* of an event stream */
	void *work;                    /* of the handler, in the arena */
};

/* The answer: status, type, more headers (whole lines with CRLF, or NULL) and the body. Copies. It ends the request:
 * nothing of it may be touched afterwards. */
void gateway_answer(struct gateway_request *request, int status, const char *type, const char *headers,
                    struct cl_str body);
/* A problem document (problem.h). detail NULL: the problem's own sentence. */
void gateway_refuse(struct gateway_request *request, enum gateway_problem problem, struct cl_str detail);
void gateway_refuse_field(struct gateway_request *request, enum gateway_problem problem, const char *code,
                          struct cl_str detail, struct cl_str field);
/* With a status line's own headers. */
void gateway_refuse_with(struct gateway_request *request, const struct gateway_trouble *trouble, const char *headers);
/* Says who asks and runs the route's handler, or refuses. Everything of the request is there. */
void gateway_serve(struct gateway_request *request);
/* The body as the route's record, key fields taken from the path; NULL: refused. */
void *gateway_read_body(struct gateway_request *request);
/* The actor that the path names. False: refused. */
bool gateway_target(struct gateway_request *request, struct cl_id *ret_target);
/* The parameter's value; NULL p: not given. */
struct cl_str gateway_parameter(const struct gateway_request *request, const char *name);
void gateway_refuse_parameter(struct gateway_request *request, const char *name, enum cl_text form);

/* -- handlers -- */
void gateway_contact(struct gateway_request *request);
void gateway_command(struct gateway_request *request);
void gateway_state(struct gateway_request *request);
void gateway_query(struct gateway_request *request);
void gateway_events(struct gateway_request *request);
void gateway_health(struct gateway_request *request);
void gateway_ready(struct gateway_request *request);
void gateway_metrics(struct gateway_request *request);
void gateway_openapi(struct gateway_request *request);
void gateway_page(struct gateway_request *request);

void gateway_openapi_write(struct cl_buf *out);

/* -- http.c -- */
CL_MUST_CHECK int gateway_http_open(struct gateway *gateway, char **ret_error);
/* Takes no more connections and ends what is open when it is answered; on_closed once all are gone. */
void gateway_http_close(struct gateway *gateway);
#define GATEWAY_HTTP_ROOM 64 /* bytes that http.c needs in front of what it sends */
/* Sends a whole response (GATEWAY_HTTP_ROOM bytes in front), takes the buffer over and lets the request go. */
void gateway_http_send(struct gateway_request *request, struct cl_buf *response);
/* An event stream: what gateway_stream_take gives is sent as the client reads it. */
void gateway_http_stream(struct gateway_request *request, struct cl_buf *head);
void gateway_http_wake(struct gateway_request *request);
/* Ends a stream after what was taken. */
void gateway_http_end(struct gateway_request *request);
void gateway_put_head(struct gateway_request *request, int status, const char *type, const char *headers,
                      struct cl_buf *out); /* status line and headers but for the length and the empty line */
void gateway_request_free(struct gateway_request *request);
/* -- events.c, called by http.c: what to send next (empty: nothing now), and that the client is gone. */
void gateway_stream_take(struct gateway_request *request, struct cl_buf *out);
void gateway_stream_gone(struct gateway_request *request);
void gateway_stream_tick(struct gateway_request *request); /* about once a second */

#endif
