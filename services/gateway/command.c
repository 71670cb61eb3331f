/* Commands: POST and PUT. */
#include <inttypes.h>

#include "codec.h"
#include "gateway.h"
#include "intake/intake.h"

#define KEY_TEXT_MAX 150

/* Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the draft makes it a quoted string (RFC 8941); people
 * also send it bare. */
static struct cl_str key_text(const struct gateway_request *request) {
	struct cl_str key = cl_str_trim(request->idempotency_key);
	if (key.n >= 2 && key.p[0] == '"' && key.p[key.n - 1] == '"')
		return (struct cl_str){key.p + 1, key.n - 2};
	return key;
}

static bool refuse_key(struct gateway_request *request, enum cl_text form) {
	struct cl_str detail = cl_text_printf(&request->arena, CL_TEXT_GATEWAY_HEADER_FORM, request->lang,
	                                      "Idempotency-Key", cl_text(form, request->lang));
	gateway_refuse_field(request, GATEWAY_BAD_HEADER, NULL, detail, CL_STR("Idempotency-Key"));
	return false;
}

static bool plain(struct cl_str text) {
	for (uint32_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 127)
			return false;
	return text.n > 0 && text.n <= KEY_TEXT_MAX && cl_utf8_valid(text);
}

/* A UUIDv7 is the command's id itself; other text is given back as text, where the route takes it. */
static bool command_key(struct gateway_request *request, bool takes_text, struct cl_id *ret_id,
                        struct cl_str *ret_text) {
	struct cl_str text = key_text(request);
	*ret_id = (struct cl_id){{0}};
	*ret_text = (struct cl_str){NULL, 0};
	if (!request->idempotency_key.p)
		return true;
	if (cl_id_parse(text, ret_id) == CL_OK && cl_id_v7_ms(*ret_id) >= 0)
		return true;
	*ret_id = (struct cl_id){{0}};
	if (!takes_text)
		return refuse_key(request, CL_TEXT_GATEWAY_FORM_UUID7);
	if (!plain(text))
		return refuse_key(request, CL_TEXT_GATEWAY_FORM_KEY);
	*ret_text = text;
	return true;
}

/* -- the outcome -- */

static void answer_accepted(struct gateway_request *request, const struct wire_reply *reply) {
	const char *service = cl_service_name(reply->service);
	struct cl_str number = reply->number.n                           ? reply->number
	                       : request->route->key == GATEWAY_KEY_SLIP ? request->key
	                                                                 : (struct cl_str){NULL, 0};
	bool created = request->route->handler == gateway_contact;
	char id[CL_ID_TEXT_BYTES];
	struct cl_buf body;
	cl_buf_init(&body);
	cl_buf_putc(&body, '{');
	if (number.n) {
		cl_buf_puts(&body, "\"number\":");
		cl_json_string(&body, number);
		cl_buf_putc(&body, ',');
	}
	cl_id_format(reply->aggregate, id);
	cl_buf_printf(&body,
	              "\"id\":\"%s\",\"seq\":{\"service\":\"%s\",\"partition\":%" PRIu32 ",\"seq\":%" PRIu64
	              "},\"version\":%" PRIu32 ",\"repeated\":%s}",
	              id, service ? service : "unknown", reply->partition, reply->seq, reply->version,
	              reply->repeated ? "true" : "false");
	const char *replayed = reply->repeated ? "Idempotent-Replayed: true\r\n" : "";
	struct cl_str headers =
	        created && number.n ? cl_arena_printf(&request->arena, "Location: /api/v1/cases/" CL_STR_FMT "\r\n%s",
	                                              CL_STR_ARG(number), replayed)
	                            : cl_str_from(replayed);
	gateway_answer(request, created ? 201 : 200, "application/json", headers.p,
	               (struct cl_str){(const char *)body.p, (uint32_t)body.n});
	cl_buf_done(&body);
}

static enum gateway_problem problem_of(const struct wire_reply *reply) {
	switch (reply->code) {
	case CL_R_UNKNOWN_TARGET:
		return GATEWAY_NOT_FOUND;
	case CL_R_NO_SPACE:
		return GATEWAY_BUSY;
	case CL_R_FIELD:
	case CL_R_EMAIL:
	case CL_R_CONTACT_EMPTY:
		return GATEWAY_FIELDS;
	}
	switch (reply->status) {
	case WIRE_INVALID:
		return GATEWAY_FIELDS;
	case WIRE_NOT_FOUND:
		return GATEWAY_NOT_FOUND;
	case WIRE_DENIED:
		return GATEWAY_FORBIDDEN;
	case WIRE_BUSY:
		return GATEWAY_BUSY;
	case WIRE_REJECTED:
	case WIRE_EXPIRED:
		return GATEWAY_REFUSED;
	case WIRE_DIVERGED:
	case WIRE_ACCEPTED:
	case wire_status_UNSET:
		break;
	}
	return GATEWAY_INTERNAL;
}

static void answer_refused(struct gateway_request *request, const struct wire_reply *reply) {
	uint32_t code = reply->code ? reply->code : reply->status == WIRE_EXPIRED ? CL_R_EXPIRED : 0;
	enum gateway_problem problem = problem_of(reply);
	struct gateway_trouble trouble = {.problem = problem,
	                                  .lang = request->lang,
	                                  .code = code ? cl_reject_name(code) : NULL,
	                                  .field = reply->field};
	if (code)
		trouble.detail = cl_str_from(cl_reject_text(code, request->lang));
	const char *again = problem == GATEWAY_BUSY ? "Retry-After: 5\r\n" : "",
	           *replayed = reply->repeated ? "Idempotent-Replayed: true\r\n" : "";
	gateway_refuse_with(request, &trouble, cl_arena_printf(&request->arena, "%s%s", again, replayed).p);
}

static void on_reply(void *context, int status, const struct wire_reply *reply) {
	struct gateway_request *request = context;
	if (status == CL_E_TIMEDOUT)
		gateway_refuse(request, GATEWAY_NO_ANSWER,
		               cl_text_printf(&request->arena, CL_TEXT_GATEWAY_NO_ANSWER, request->lang,
		                              cl_service_name(cl_kind_service(request->route->kind))));
	else if (status != CL_OK)
		gateway_refuse(request, GATEWAY_BUSY, (struct cl_str){NULL, 0});
	else if (reply->status == WIRE_ACCEPTED)
		answer_accepted(request, reply);
	else
		answer_refused(request, reply);
}

static void send_command(struct gateway_request *request, struct cl_id target, struct cl_id id, const void *body) {
	struct cl_command_options options = {
	        .id = id, .correlation = request->correlation, .who = request->who, .timeout_ms = GATEWAY_CALL_MS};
	int r = cl_client_command(request->gateway->client, request->route->kind, target, 0, request->route->body->type,
	                          body, &options, on_reply, request);
	/* EXISTS: the same key is under way right now. */
	if (r == CL_E_AGAIN || r == CL_E_CLOSED || r == CL_E_EXISTS)
		gateway_refuse(request, GATEWAY_BUSY, (struct cl_str){NULL, 0});
	else if (r != CL_OK)
		gateway_refuse(request, GATEWAY_INTERNAL, (struct cl_str){NULL, 0});
}

void gateway_command(struct gateway_request *request) {
	struct cl_id id, target;
	struct cl_str text;
	if (!command_key(request, false, &id, &text) || !gateway_target(request, &target))
		return;
	const void *body = gateway_read_body(request);
	if (body)
		send_command(request, target, id, body);
}

/* The same key must meet the same request, so that what was recorded is found: by the key it is kept under for ever, or
 * by the key of the command, within the window of commands. */
void gateway_contact(struct gateway_request *request) {
	struct cl_id id, target;
	struct cl_str text;
	if (!command_key(request, true, &id, &text))
		return;
	struct contact_register *body = gateway_read_body(request);
	if (!body)
		return;
	if (text.n) {
		struct cl_str key = cl_arena_printf(&request->arena, "api:" CL_STR_FMT, CL_STR_ARG(text));
		if (body->source_key.n && !cl_str_eq(body->source_key, key)) {
			gateway_refuse_field(
			        request, GATEWAY_FIELDS, NULL,
			        cl_text_printf(&request->arena, CL_TEXT_GATEWAY_KEY_TAKEN, request->lang, "source_key"),
			        CL_STR("source_key"));
			return;
		}
		body->source_key = key;
	}
	if (body->source_key.n) {
		target = intake_request_id(body->source_key);
	} else if (!cl_id_zero(id)) {
		char canonical[CL_ID_TEXT_BYTES];
		cl_id_format(id, canonical);
		target = intake_request_id(cl_str_from(canonical));
	} else {
		target = cl_client_new_id(request->gateway->client);
	}
	send_command(request, target, id, body);
}
