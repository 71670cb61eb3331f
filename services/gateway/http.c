/* libwebsockets on our loop: bytes in, requests out; responses in, bytes out. HTTP/1.1 without TLS, which is the
 * business of a proxy in front. */
#include "http.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "uv/sentence.h"

#define HEADERS_MAX 16384 /* bytes of a request's headers */
#define SLOW_S 15         /* between two signs of life of a client that sends or takes */
#define REQUEST_MS 30000  /* until all of a request has come */
#define ENDING_MS 5000    /* a client that was refused before its body may still send it */
#define KEEP_ALIVE_S 75   /* an idle connection is kept */
#define READ_BYTES 16384  /* at once */
#define SWEEP_MS 1000
_Static_assert(GATEWAY_HTTP_ROOM >= LWS_PRE, "room in front of what is sent");

static int64_t steady_ms(void) {
	return (int64_t)(uv_hrtime() / 1000000);
}

void gateway_request_free(struct gateway_request *request) {
	request->gateway->figures.requests_open--;
	cl_buf_done(&request->body);
	cl_arena_done(&request->arena);
	free(request);
}

/* -- out -- */

static void let_go(struct gateway_request *request) {
	struct gateway_connection *connection = request->connection;
	connection->close = request->close;
	connection->request = NULL;
	gateway_request_free(request);
}

void gateway_http_send(struct gateway_request *request, struct cl_buf *response) {
	struct gateway_connection *connection = request->connection;
	connection->out = *response;
	let_go(request);
	lws_callback_on_writable(connection->wsi);
}

void gateway_http_stream(struct gateway_request *request, struct cl_buf *head) {
	struct gateway_connection *connection = request->connection;
	connection->out = *head;
	connection->streaming = true;
	lws_set_timeout(connection->wsi, NO_PENDING_TIMEOUT, 0);
	lws_callback_on_writable(connection->wsi);
}

void gateway_http_wake(struct gateway_request *request) {
	struct gateway_connection *connection = request->connection;
	lws_callback_on_writable(connection->wsi);
}

void gateway_http_end(struct gateway_request *request) {
	struct gateway_connection *connection = request->connection;
	connection->streaming = false;
	request->close = true;
	let_go(request);
	lws_callback_on_writable(connection->wsi);
}

static bool write_out(struct gateway_connection *connection) {
	struct cl_buf *out = &connection->out;
	size_t n = out->n - GATEWAY_HTTP_ROOM;
	int written = lws_write(connection->wsi, out->p + GATEWAY_HTTP_ROOM, n, LWS_WRITE_HTTP);
	cl_buf_done(out);
	cl_buf_init(out);
	return written >= 0;
}

/* What libwebsockets could not hand over at once it keeps and hands over before it calls again: never more than one
 * piece. */
static int on_writable(struct gateway_connection *connection) {
	if (connection->out.n == 0 && connection->streaming) {
		cl_buf_reserve(&connection->out, GATEWAY_HTTP_ROOM);
		connection->out.n = GATEWAY_HTTP_ROOM;
		gateway_stream_take(connection->request, &connection->out);
		if (connection->out.n == GATEWAY_HTTP_ROOM) {
			connection->out.n = 0;
			return 0;
		}
	}
	if (connection->out.n == 0)
		return 0;
	if (!write_out(connection))
		return -1;
	if (connection->streaming) {
		lws_callback_on_writable(connection->wsi);
		return 0;
	}
	if (connection->close)
		return -1;
	return lws_http_transaction_completed(connection->wsi) ? -1 : 0;
}

/* -- the connection -- */

static void link_connection(struct gateway_http *http, struct gateway_connection *connection, struct lws *wsi) {
	if (connection->wsi)
		return;
	CL_ASSERT(http);
	*connection = (struct gateway_connection){.wsi = wsi, .http = http, .next = http->first};
	cl_buf_init(&connection->out);
	if (http->first)
		http->first->previous = connection;
	http->first = connection;
}

static void unlink_connection(struct gateway_connection *connection) {
	if (!connection || !connection->wsi)
		return;
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		connection->http->first = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	struct gateway_request *request = connection->request;
	if (request) {
		connection->http->gateway->figures.clients_gone++;
		request->connection = NULL;
		if (request->stream)
			gateway_stream_gone(request);
		else if (!request->served)
			gateway_request_free(request);
	}
	cl_buf_done(&connection->out);
	connection->wsi = NULL;
}

/* The answer goes out before the body has come. What still comes is thrown away for a while: a connection closed on top
 * of it would be reset, and the client might never see the answer. */
static int refuse_early(struct gateway_connection *connection) {
	connection->ending = true;
	return write_out(connection) ? 0 : -1;
}

static int on_request(struct gateway_http *http, struct gateway_connection *connection, struct lws *wsi,
                      const char *path, size_t n) {
	link_connection(http, connection, wsi);
	struct gateway_request *request = gateway_http_read(connection, path, n);
	connection->since_ms = steady_ms();
	if (!request)
		return refuse_early(connection);
	connection->request = request;
	if (connection->expected == 0) { /* while a body comes, libwebsockets needs them */
		lws_http_headers_detach(wsi);
		gateway_serve(request);
	}
	return 0;
}

static int on_body(struct gateway_connection *connection, const void *p, size_t n) {
	struct gateway_request *request = connection->request;
	if (!request || request->served || request->body.n + n > GATEWAY_BODY_MAX)
		return 0; /* refused already: what still comes is not looked at */
	cl_buf_put(&request->body, p, n);
	return 0;
}

static int on_body_complete(struct gateway_connection *connection) {
	if (connection->request && !connection->request->served)
		gateway_serve(connection->request);
	return connection->ending ? -1 : 0;
}

/* Neither HTTP/2 nor WebSocket is spoken here, and a server may ignore Upgrade (RFC 9110, 7.8): clients that offer h2c
 * go on in HTTP/1.1. libwebsockets 4.1 has no option for that, but compares the header's value after this callback: it
 * finds a name that it does not know. After an upgrade that it refused by itself the headers are gone; then all that is
 * left is to hang up. */
static int on_upgrade(struct lws *wsi, char *name) {
	if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) <= 0 || !*name)
		return -1;
	*name = '-';
	return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n) {
	struct lws_context *context = wsi ? lws_get_context(wsi) : NULL;
	struct gateway_http *http = context ? lws_context_user(context) : NULL;
	struct gateway_connection *connection = user;
	struct gateway_figures *figures = http ? &http->gateway->figures : NULL;
	if (reason == LWS_CALLBACK_FILTER_NETWORK_CONNECTION && http) {
		if (figures->connections < GATEWAY_CONNECTIONS_MAX && !http->closing)
			return 0;
		figures->connections_refused++;
		return 1;
	}
	if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED && http)
		figures->connections++;
	else if (reason == LWS_CALLBACK_WSI_DESTROY && http && figures->connections > 0)
		figures->connections--;
	else if (reason == LWS_CALLBACK_HTTP && connection)
		return on_request(http, connection, wsi, in, n);
	else if (reason == LWS_CALLBACK_HTTP_BODY && connection && connection->wsi)
		return on_body(connection, in, n);
	else if (reason == LWS_CALLBACK_HTTP_BODY_COMPLETION && connection && connection->wsi)
		return on_body_complete(connection);
	else if (reason == LWS_CALLBACK_HTTP_WRITEABLE && connection && connection->wsi)
		return on_writable(connection);
	else if (reason == LWS_CALLBACK_CLOSED_HTTP || reason == LWS_CALLBACK_HTTP_DROP_PROTOCOL)
		unlink_connection(connection);
	else if (reason == LWS_CALLBACK_HTTP_CONFIRM_UPGRADE)
		return on_upgrade(wsi, in);
	else if (reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION)
		return -1;
	return 0;
}

/* -- clients that are too slow -- */

static void sweep(uv_timer_t *timer) {
	struct gateway_http *http = timer->data;
	int64_t now_ms = steady_ms();
	struct gateway_connection *next;
	for (struct gateway_connection *connection = http->first; connection; connection = next) {
		next = connection->next;
		struct gateway_request *request = connection->request;
		int64_t age_ms = now_ms - connection->since_ms;
		bool late = (request && !request->served && age_ms > REQUEST_MS) ||
		            (connection->ending && age_ms > ENDING_MS);
		if (request && request->stream)
			gateway_stream_tick(request);
		if (!late)
			continue;
		http->gateway->figures.timed_out++;
		lws_set_timeout(connection->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_ASYNC);
	}
}

/* -- opening and closing -- */

static void on_log(int level, const char *line) {
	(void)level;
	(void)line; /* may hold what clients sent; what matters is in our own lines and figures */
}

/* "127.0.0.1:8080", "[::1]:8080". */
static bool split_listen(const char *listen_at, char host[64], char port[8]) {
	const char *colon = strrchr(listen_at, ':');
	size_t n = colon ? (size_t)(colon - listen_at) : 0;
	if (!colon || n == 0 || n >= 64 || strlen(colon + 1) >= 8)
		return false;
	bool bracket = listen_at[0] == '[' && listen_at[n - 1] == ']';
	memcpy(host, listen_at + bracket, n - 2u * bracket);
	host[n - 2u * bracket] = '\0';
	memcpy(port, colon + 1, strlen(colon + 1) + 1);
	return true;
}

/* libwebsockets does not tell why it cannot listen: an attempt of our own does. */
static int try_listen(const char *host, const char *port, bool *ret_v6) {
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM},
	                *found;
	if (getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port, &hints, &found) != 0)
		return EINVAL;
	int one = 1, error = 0, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*ret_v6 = found->ai_family == AF_INET6;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 1) != 0)
		error = errno;
	if (fd >= 0)
		close(fd);
	freeaddrinfo(found);
	return error;
}

static const struct lws_protocols protocols[] = {
        {"careloop-http", callback, sizeof(struct gateway_connection), READ_BYTES, 0, NULL, 0},
        {NULL, NULL, 0, 0, 0, NULL, 0},
};

static bool open_server(struct gateway_http *http, const char *host, int port, bool v6) {
	void *loops[] = {&http->gateway->loop};
	struct lws_context_creation_info info = {
	        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
	                   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
	                   (v6 ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6),
	        .foreign_loops = loops,
	        .port = port,
	        .iface = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 ? NULL
	                 : strcmp(host, "localhost") == 0                        ? "127.0.0.1"
	                                                                         : host,
	        .protocols = protocols,
	        .gid = (gid_t)-1,
	        .uid = (uid_t)-1,
	        .user = http,
	        .max_http_header_data = HEADERS_MAX,
	        .max_http_header_pool = GATEWAY_CONNECTIONS_MAX,
	        .keepalive_timeout = KEEP_ALIVE_S,
	        .timeout_secs = SLOW_S,
	        .pt_serv_buf_size = READ_BYTES,
	        .vhost_name = "careloop",
	};
	lws_set_log_level(LLL_ERR, on_log);
	http->context = lws_create_context(&info);
	return http->context && lws_create_vhost(http->context, &info);
}

int gateway_http_open(struct gateway *gateway, char **ret_error) {
	const char *listen_at = gateway->config.gateway_listen;
	char host[64], port[8];
	bool v6 = false;
	struct gateway_http *http = calloc(1, sizeof(*http));
	CL_ASSERT(http);
	gateway->http = http;
	http->gateway = gateway;
	int error = split_listen(listen_at, host, port) ? try_listen(host, port, &v6) : EINVAL;
	if (error) {
		cl_sentence(ret_error, CL_TEXT_GATEWAY_LISTEN, listen_at, strerror(error));
		return error == EADDRINUSE ? CL_E_BUSY : CL_E_INVALID;
	}
	uint64_t number;
	if (cl_str_u64(cl_str_from(port), &number) != CL_OK || number > UINT16_MAX) {
		cl_sentence(ret_error, CL_TEXT_GATEWAY_LISTEN, listen_at, strerror(EINVAL));
		return CL_E_INVALID;
	}
	if (!open_server(http, host, (int)number, v6)) {
		cl_sentence(ret_error, CL_TEXT_GATEWAY_EVLIB);
		return CL_E_IO;
	}
	int r = uv_timer_init(&gateway->loop, &http->timer);
	http->timer.data = http;
	r |= uv_timer_start(&http->timer, sweep, SWEEP_MS, SWEEP_MS);
	CL_ASSERT(r == 0);
	http->timer_open = true;
	return CL_OK;
}

void gateway_http_close(struct gateway *gateway) {
	struct gateway_http *http = gateway->http;
	if (!http)
		return;
	http->closing = true;
	if (http->timer_open)
		uv_close((uv_handle_t *)&http->timer, NULL);
	http->timer_open = false;
	if (http->context)
		lws_context_destroy(http->context);
}
