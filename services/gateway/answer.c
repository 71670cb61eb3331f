/* From what a handler says to the bytes of a response (RFC 9112), and the line of the access log. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/assert.h"
#include "codec.h"
#include "gateway.h"

static const char *reason_of(int status) {
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {{200, "OK"},
	               {201, "Created"},
	               {400, "Bad Request"},
	               {401, "Unauthorized"},
	               {403, "Forbidden"},
	               {404, "Not Found"},
	               {405, "Method Not Allowed"},
	               {409, "Conflict"},
	               {411, "Length Required"},
	               {413, "Content Too Large"},
	               {415, "Unsupported Media Type"},
	               {422, "Unprocessable Content"},
	               {429, "Too Many Requests"},
	               {500, "Internal Server Error"},
	               {503, "Service Unavailable"},
	               {504, "Gateway Timeout"}};
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

/* RFC 9110, 5.6.7; names in English whatever the locale. */
static void put_date(struct gateway *gateway, struct cl_buf *out) {
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = (time_t)(cl_client_now_ms(gateway->client) / 1000);
	struct tm tm;
	if (!gmtime_r(&now, &tm))
		return;
	cl_buf_printf(out, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * tm.tm_wday, tm.tm_mday,
	              months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void gateway_put_head(struct gateway_request *request, int status, const char *type, const char *headers,
                      struct cl_buf *out) {
	char id[CL_ID_TEXT_BYTES];
	cl_id_format(request->correlation, id);
	cl_buf_printf(out, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
	put_date(request->gateway, out);
	cl_buf_printf(out,
	              "Content-Type: %s\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
	              "X-Correlation-Id: %s\r\nConnection: %s\r\n",
	              type, id, request->close ? "close" : "keep-alive");
	if (headers)
		cl_buf_puts(out, headers);
}

/* The pattern of the route, not the path: a path may name a person. */
static void note(struct gateway_request *request, int status) {
	struct gateway *gateway = request->gateway;
	struct gateway_figures *figures = &gateway->figures;
	uint64_t *class = status < 400   ? &figures->responses_2xx
	                  : status < 500 ? &figures->responses_4xx
	                                 : &figures->responses_5xx;
	char id[CL_ID_TEXT_BYTES];
	uint64_t us = (uv_hrtime() - request->started_ns) / 1000;
	(*class)++;
	cl_id_format(request->correlation, id);
	cl_logger_write(&gateway->logger, status < 500 ? CL_INFO : CL_WARN, "request",
	                "method=%s route=%s status=%d us=%" PRIu64 " bytes_in=%zu correlation=%s", request->method,
	                request->route ? request->route->path : "none", status, us, request->body.n, id);
}

void gateway_answer(struct gateway_request *request, int status, const char *type, const char *headers,
                    struct cl_str body) {
	struct cl_buf out;
	note(request, status);
	if (!request->connection) {
		gateway_request_free(request);
		return;
	}
	cl_buf_init(&out);
	cl_buf_reserve(&out, GATEWAY_HTTP_ROOM + 1024 + body.n);
	out.n = GATEWAY_HTTP_ROOM;
	gateway_put_head(request, status, type, headers, &out);
	cl_buf_printf(&out, "Content-Length: %" PRIu32 "\r\n\r\n", body.n);
	if (!request->head)
		cl_buf_str(&out, body);
	gateway_http_send(request, &out);
}

void gateway_refuse_with(struct gateway_request *request, const struct gateway_trouble *trouble, const char *headers) {
	struct cl_buf body;
	cl_buf_init(&body);
	gateway_problem_write(trouble, &body);
	const char *vary = trouble->lang == CL_EN ? "Content-Language: en\r\nVary: Accept-Language\r\n"
	                                          : "Content-Language: vi\r\nVary: Accept-Language\r\n";
	struct cl_str more = cl_arena_printf(&request->arena, "%s%s", vary, headers ? headers : "");
	gateway_answer(request, gateway_problem_status(trouble->problem), "application/problem+json", more.p,
	               (struct cl_str){(const char *)body.p, (uint32_t)body.n});
	cl_buf_done(&body);
}

/* What goes with a status (RFC 9110: 401 needs a challenge; 503 and 429 may say when to come again). */
static const char *headers_of(enum gateway_problem problem) {
	if (problem == GATEWAY_UNAUTHORIZED)
		return "WWW-Authenticate: Bearer realm=\"careloop\"\r\n";
	return problem == GATEWAY_BUSY || problem == GATEWAY_TOO_MANY ? "Retry-After: 1\r\n" : NULL;
}

void gateway_refuse(struct gateway_request *request, enum gateway_problem problem, struct cl_str detail) {
	struct gateway_trouble trouble = {.problem = problem, .lang = request->lang, .detail = detail};
	gateway_refuse_with(request, &trouble, headers_of(problem));
}

void gateway_refuse_field(struct gateway_request *request, enum gateway_problem problem, const char *code,
                          struct cl_str detail, struct cl_str field) {
	struct gateway_trouble trouble = {
	        .problem = problem, .lang = request->lang, .code = code, .detail = detail, .field = field};
	gateway_refuse_with(request, &trouble, headers_of(problem));
}
