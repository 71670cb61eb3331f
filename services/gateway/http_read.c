/* What a request's headers say. Names that libwebsockets does not know are asked for by name. */
#include <stdlib.h>

#include "base/assert.h"
#include "http.h"

#define HEADER_MAX 8192

static struct cl_str header(struct gateway_request *request, struct lws *wsi, enum lws_token_indexes token) {
	int n = lws_hdr_total_length(wsi, token);
	if (n <= 0 || n > HEADER_MAX)
		return (struct cl_str){NULL, 0};
	char *text = cl_arena_alloc(&request->arena, (size_t)n + 8);
	n = lws_hdr_copy(wsi, text, n + 8, token);
	return n < 0 ? (struct cl_str){NULL, 0} : (struct cl_str){text, (uint32_t)n};
}

static struct cl_str custom(struct gateway_request *request, struct lws *wsi, const char *name) {
	int length = (int)strlen(name), n = lws_hdr_custom_length(wsi, name, length);
	if (n < 0 || n > HEADER_MAX)
		return (struct cl_str){NULL, 0};
	char *text = cl_arena_alloc(&request->arena, (size_t)n + 2);
	n = lws_hdr_custom_copy(wsi, text, n + 2, name, length);
	return n < 0 ? (struct cl_str){NULL, 0} : cl_str_trim((struct cl_str){text, (uint32_t)strlen(text)});
}

static void read_headers(struct gateway_request *request, struct lws *wsi) {
	request->lang = gateway_language(header(request, wsi, WSI_TOKEN_HTTP_ACCEPT_LANGUAGE));
	request->authorization = header(request, wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
	request->host = header(request, wsi, WSI_TOKEN_HOST);
	request->content_type = header(request, wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
	request->idempotency_key = custom(request, wsi, "idempotency-key:");
	request->wanted_correlation = custom(request, wsi, "x-correlation-id:");
	request->wanted_who = custom(request, wsi, "x-careloop-who:");
	request->last_event_id = custom(request, wsi, "last-event-id:");
}

/* False: there are too many. They come apart and decoded (libwebsockets refuses a wrong %-form). */
static bool read_parameters(struct gateway_request *request, struct lws *wsi) {
	for (int i = 0;; i++) {
		int n = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i);
		if (n <= 0)
			return true;
		if (request->parameter_n == GATEWAY_PARAMETERS_MAX || n > GATEWAY_PARAMETER_BYTES)
			return false;
		char *text = cl_arena_alloc(&request->arena, (size_t)n + 2);
		n = lws_hdr_copy_fragment(wsi, text, n + 1, WSI_TOKEN_HTTP_URI_ARGS, i);
		if (n < 0)
			return false;
		const char *equals = memchr(text, '=', (size_t)n);
		uint32_t name = equals ? (uint32_t)(equals - text) : (uint32_t)n, value = name + (equals != NULL);
		request->parameters[request->parameter_n++] =
		        (struct gateway_parameter){{text, name}, {text + value, (uint32_t)n - value}};
	}
}

static bool is_method(struct lws *wsi, enum lws_token_indexes token) {
	return lws_hdr_total_length(wsi, token) > 0;
}

static unsigned read_method(struct gateway_request *request, struct lws *wsi) {
	request->head = is_method(wsi, WSI_TOKEN_HEAD_URI);
	request->method = request->head ? "HEAD" : "OTHER";
	if (request->head)
		return GATEWAY_GET;
	unsigned method = is_method(wsi, WSI_TOKEN_GET_URI)    ? GATEWAY_GET
	                  : is_method(wsi, WSI_TOKEN_POST_URI) ? GATEWAY_POST
	                  : is_method(wsi, WSI_TOKEN_PUT_URI)  ? GATEWAY_PUT
	                                                       : 0;
	if (method)
		request->method = gateway_method_name((enum gateway_method)method);
	return method;
}

/* The connection cannot go on: where the next request begins is not known, or not worth reading. */
static void give_up(struct gateway_request *request, enum gateway_problem problem, enum cl_text detail,
                    const char *value) {
	request->close = true;
	request->served = true;
	((struct gateway_connection *)request->connection)->request = request;
	struct cl_str text = detail == CL_TEXT_COUNT
	                             ? (struct cl_str){NULL, 0}
	                             : cl_text_printf(&request->arena, detail, request->lang, value,
	                                              cl_text(CL_TEXT_GATEWAY_FORM_LENGTH, request->lang));
	gateway_refuse(request, problem, text);
}

/* False: refused. RFC 9112, 6.3: a length is believed when it is one whole number and nothing else says otherwise. */
static bool read_length(struct gateway_request *request, struct lws *wsi, bool needed, uint64_t *ret_n) {
	struct cl_str length = header(request, wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
	*ret_n = 0;
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
		give_up(request, GATEWAY_LENGTH_REQUIRED, CL_TEXT_COUNT, NULL);
		return false;
	}
	if (!length.p) {
		if (needed)
			give_up(request, GATEWAY_LENGTH_REQUIRED, CL_TEXT_COUNT, NULL);
		return !needed;
	}
	if (cl_str_u64(length, ret_n) != CL_OK) {
		give_up(request, GATEWAY_BAD_HEADER, CL_TEXT_GATEWAY_HEADER_FORM, "Content-Length");
		return false;
	}
	if (*ret_n > GATEWAY_BODY_MAX) {
		give_up(request, GATEWAY_TOO_LARGE, CL_TEXT_GATEWAY_BODY_MAX,
		        cl_arena_printf(&request->arena, "%d", GATEWAY_BODY_MAX).p);
		return false;
	}
	return true;
}

static void tell_to_go_on(struct gateway_request *request, struct lws *wsi) {
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	uint8_t bytes[GATEWAY_HTTP_ROOM + sizeof(line)];
	if (!custom(request, wsi, "expect:").p)
		return;
	memcpy(bytes + GATEWAY_HTTP_ROOM, line, sizeof(line) - 1);
	if (lws_write(wsi, bytes + GATEWAY_HTTP_ROOM, sizeof(line) - 1, LWS_WRITE_HTTP) < 0)
		request->close = true;
}

static bool wants_close(struct gateway_request *request, struct lws *wsi) {
	struct cl_str version = header(request, wsi, WSI_TOKEN_HTTP),
	              connection = header(request, wsi, WSI_TOKEN_CONNECTION);
	return !cl_str_eqc(version, "HTTP/1.1") || (connection.n == 5 && strcasecmp(connection.p, "close") == 0);
}

struct gateway_request *gateway_http_read(struct gateway_connection *connection, const char *path, size_t n) {
	struct gateway *gateway = connection->http->gateway;
	struct lws *wsi = connection->wsi;
	struct gateway_request *request = calloc(1, sizeof(*request));
	CL_ASSERT(request);
	request->gateway = gateway;
	request->connection = connection;
	request->started_ns = uv_hrtime();
	gateway->figures.requests++;
	gateway->figures.requests_open++;
	cl_arena_init(&request->arena, 4096);
	cl_buf_init(&request->body);
	request->correlation = cl_client_new_id(gateway->client);
	read_headers(request, wsi);
	request->close = wants_close(request, wsi);
	unsigned method = read_method(request, wsi);
	struct cl_str whole = cl_arena_str(&request->arena, (struct cl_str){path, (uint32_t)n});
	request->route = gateway_route_find((enum gateway_method)method, whole, &request->key, &request->allowed);
	request->key = cl_arena_str(&request->arena, request->key);
	connection->expected = 0;
	if (!read_parameters(request, wsi)) {
		give_up(request, GATEWAY_BAD_PARAMETER, CL_TEXT_COUNT, NULL);
		return NULL;
	}
	uint64_t length;
	if (!read_length(request, wsi, method == GATEWAY_POST || method == GATEWAY_PUT, &length))
		return NULL;
	connection->expected = length;
	if (length > 0)
		tell_to_go_on(request, wsi);
	return request;
}
