/* What the process says of itself and of the services: health, readiness, metrics, the page. */
#include <inttypes.h>
#include <jansson.h>

#include "codec.h"
#include "gateway.h"

#define ASK_MS 2000

static struct cl_str text_of(const struct cl_buf *buf) {
	return (struct cl_str){(const char *)buf->p, (uint32_t)buf->n};
}

void gateway_health(struct gateway_request *request) {
	gateway_answer(request, 200, "application/json", NULL,
	               CL_STR("{\"status\":\"ok\",\"version\":\"" CL_VERSION "\"}"));
}

/* -- every partition of every service, asked at once -- */

struct asked {
	struct ask *ask;
	uint32_t service, partition;
	bool answered;
	struct cl_str text; /* of metrics */
};
struct ask {
	struct gateway_request *request;
	struct asked *v;
	uint32_t n, open;
	void (*done)(struct ask *ask);
};

static void on_answer(void *context, int status, const struct wire_answer *answer) {
	struct asked *asked = context;
	struct ask *ask = asked->ask;
	asked->answered = status == CL_OK && answer->status == WIRE_ACCEPTED;
	if (asked->answered) {
		json_t *json = json_loadb((const char *)answer->json.p, answer->json.n, 0, NULL);
		json_t *text = json_object_get(json, "text");
		if (json_is_string(text))
			asked->text =
			        cl_arena_str(&ask->request->arena, (struct cl_str){json_string_value(text),
			                                                           (uint32_t)json_string_length(text)});
		json_decref(json);
	}
	if (--ask->open == 0)
		ask->done(ask);
}

static void ask_all(struct gateway_request *request, const char *name, void (*done)(struct ask *ask)) {
	struct cl_client *client = request->gateway->client;
	struct ask *ask = cl_arena_new(&request->arena, struct ask);
	uint32_t total = 0;
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT; s++)
		total += cl_client_partitions(client, s);
	ask->request = request;
	ask->done = done;
	ask->v = cl_arena_array(&request->arena, struct asked, total);
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT; s++) {
		for (uint32_t p = 0; p < cl_client_partitions(client, s); p++) {
			struct asked *asked = &ask->v[ask->n++];
			*asked = (struct asked){.ask = ask, .service = s, .partition = p};
			if (cl_client_query(client, s, p, name, NULL, 0, ASK_MS, on_answer, asked) == CL_OK)
				ask->open++;
		}
	}
	if (ask->open == 0)
		done(ask);
}

static void ready_done(struct ask *ask) {
	struct cl_buf missing;
	cl_buf_init(&missing);
	for (uint32_t i = 0; i < ask->n; i++)
		if (!ask->v[i].answered)
			cl_buf_printf(&missing, "%s%s/%" PRIu32, missing.n ? ", " : "",
			              cl_service_name(ask->v[i].service), ask->v[i].partition);
	struct gateway_request *request = ask->request;
	if (missing.n == 0) {
		gateway_answer(request, 200, "application/json", NULL, CL_STR("{\"status\":\"ready\"}"));
	} else {
		cl_buf_putc(&missing, '\0');
		gateway_refuse(request, GATEWAY_BUSY,
		               cl_text_printf(&request->arena, CL_TEXT_GATEWAY_NOT_READY, request->lang,
		                              (const char *)missing.p));
	}
	cl_buf_done(&missing);
}

void gateway_ready(struct gateway_request *request) {
	ask_all(request, "status", ready_done);
}

/* -- metrics: Prometheus text exposition format 0.0.4. A family's lines must stand together, and each process tells of
 * its own: they are sorted into families. -- */

struct family {
	struct cl_str name;
	struct cl_buf head, lines;
};
struct families {
	struct family *v;
	uint32_t n, cap;
	struct cl_arena *arena;
};

static struct family *family_of(struct families *families, struct cl_str name) {
	for (uint32_t i = 0; i < families->n; i++)
		if (cl_str_eq(families->v[i].name, name))
			return &families->v[i];
	if (families->n == families->cap) {
		families->cap = families->cap ? families->cap * 2 : 64;
		struct family *grown = cl_arena_array(families->arena, struct family, families->cap);
		if (families->n)
			memcpy(grown, families->v, sizeof(*grown) * families->n);
		families->v = grown;
	}
	struct family *family = &families->v[families->n++];
	family->name = cl_arena_str(families->arena, name);
	cl_buf_init(&family->head);
	cl_buf_init(&family->lines);
	return family;
}

static struct cl_str word(struct cl_str *line, const char *stops) {
	uint32_t n = 0;
	while (n < line->n && !strchr(stops, line->p[n]))
		n++;
	struct cl_str first = {line->p, n};
	n += n < line->n;
	*line = (struct cl_str){line->p + n, line->n - n};
	return first;
}

static void add_text(struct families *families, struct cl_str text) {
	struct family *family = NULL;
	while (text.n) {
		struct cl_str line = word(&text, "\n"), rest = line;
		if (line.n == 0)
			continue;
		if (line.p[0] != '#') {
			/* A sample of the family told of last (a histogram's have suffixes). */
			struct cl_str name = word(&rest, "{ ");
			if (!family || !cl_str_starts(name, family->name))
				family = family_of(families, name);
			cl_buf_str(&family->lines, line);
			cl_buf_putc(&family->lines, '\n');
			continue;
		}
		word(&rest, " ");
		bool help = cl_str_eqc(word(&rest, " "), "HELP");
		family = family_of(families, word(&rest, " "));
		/* HELP, then TYPE, once, whoever says it first. */
		uint32_t said = 0;
		for (size_t i = 0; i < family->head.n; i++)
			said += family->head.p[i] == '\n';
		if (said == (help ? 0u : 1u)) {
			cl_buf_str(&family->head, line);
			cl_buf_putc(&family->head, '\n');
		}
	}
}

static void put_own(struct gateway *gateway, struct cl_buf *out) {
	const struct gateway_figures *figures = &gateway->figures;
#define PUT(name, counter, meaning)                                                                                    \
	cl_buf_printf(out,                                                                                             \
	              "# HELP careloop_http_" #name "%s " meaning "\n# TYPE careloop_http_" #name "%s %s\n"            \
	              "careloop_http_" #name "%s{service=\"gateway\"} %" PRIu64 "\n",                                  \
	              (counter) ? "_total" : "", (counter) ? "_total" : "", (counter) ? "counter" : "gauge",           \
	              (counter) ? "_total" : "", figures->name);
	GATEWAY_FIGURES(PUT)
#undef PUT
}

static void metrics_done(struct ask *ask) {
	struct gateway_request *request = ask->request;
	struct families families = {.arena = &request->arena};
	struct cl_buf own, out;
	cl_buf_init(&own);
	cl_buf_init(&out);
	put_own(request->gateway, &own);
	cl_buf_puts(&own, "# HELP careloop_up whether the process answers\n# TYPE careloop_up gauge\n");
	for (uint32_t i = 0; i < ask->n; i++)
		cl_buf_printf(&own, "careloop_up{service=\"%s\",partition=\"%" PRIu32 "\"} %d\n",
		              cl_service_name(ask->v[i].service), ask->v[i].partition, ask->v[i].answered);
	add_text(&families, text_of(&own));
	for (uint32_t i = 0; i < ask->n; i++)
		add_text(&families, ask->v[i].text);
	for (uint32_t i = 0; i < families.n; i++) {
		cl_buf_put(&out, families.v[i].head.p, families.v[i].head.n);
		cl_buf_put(&out, families.v[i].lines.p, families.v[i].lines.n);
		cl_buf_done(&families.v[i].head);
		cl_buf_done(&families.v[i].lines);
	}
	gateway_answer(request, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, text_of(&out));
	cl_buf_done(&own);
	cl_buf_done(&out);
}

void gateway_metrics(struct gateway_request *request) {
	ask_all(request, "metrics", metrics_done);
}

/* -- documents -- */

void gateway_openapi(struct gateway_request *request) {
	struct cl_buf out;
	cl_buf_init(&out);
	gateway_openapi_write(&out);
	gateway_answer(request, 200, "application/json", NULL, text_of(&out));
	cl_buf_done(&out);
}

void gateway_page(struct gateway_request *request) {
	static const char headers[] = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
	                              "base-uri 'none'; form-action 'none'; "
	                              "frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n";
	static const char page[] =
	        "<!doctype html>\n<html lang=\"vi\">\n<head>\n<meta charset=\"utf-8\">\n"
	        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Careloop</title>\n"
	        "<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;"
	        "color:#1b1b1b;background:#fff}a{color:#0b4f8a}code{background:#f0f0f0;padding:0 .2em}"
	        "dt{font-weight:600;margin-top:.6rem}</style>\n</head>\n<body>\n<main>\n<h1>Careloop</h1>\n"
	        "<p>Chăm sóc khách hàng khép kín: tiếp nhận, phân loại, giao việc, xử lý, báo cáo.<br>"
	        "<span lang=\"en\">Customer care in a closed loop: intake, routing, cases, orders, "
	        "reports.</span></p>\n<dl>\n"
	        "<dt><a href=\"/openapi.json\">/openapi.json</a></dt><dd>Mô tả API (OpenAPI 3.1). <span "
	        "lang=\"en\">The API, "
	        "described.</span></dd>\n"
	        "<dt><code>POST /api/v1/contacts</code></dt><dd>Ghi nhận một liên hệ, nhận số phiếu. <span "
	        "lang=\"en\">Register "
	        "a contact, get the slip's number.</span></dd>\n"
	        "<dt><a href=\"/api/v1/cases\">/api/v1/cases</a></dt><dd>Danh sách hồ sơ. <span "
	        "lang=\"en\">Cases.</span></dd>\n"
	        "<dt><a href=\"/api/v1/figures\">/api/v1/figures</a></dt><dd>Số liệu. <span "
	        "lang=\"en\">Figures.</span></dd>\n"
	        "<dt><code>GET /api/v1/events</code></dt><dd>Luồng sự kiện (SSE), không bao giờ sót. <span "
	        "lang=\"en\">The event "
	        "stream (SSE), never a gap.</span></dd>\n"
	        "<dt><a href=\"/healthz\">/healthz</a>, <a href=\"/readyz\">/readyz</a>, <a "
	        "href=\"/metrics\">/metrics</a></dt>"
	        "<dd>Tình trạng hệ thống. <span lang=\"en\">State of the "
	        "system.</span></dd>\n</dl>\n</main>\n</body>\n</html>\n";
	gateway_answer(request, 200, "text/html; charset=utf-8", headers, CL_STR(page));
}
