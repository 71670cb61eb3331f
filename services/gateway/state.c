/* Questions: the state of one actor from its owner, and what reporting knows. */
#include <inttypes.h>

#include "actor/event_json.h"
#include "base/time.h"
#include "codec.h"
#include "gateway.h"

static void refuse_call(struct gateway_request *request, int status, uint32_t service) {
	if (status == CL_E_TIMEDOUT)
		gateway_refuse(request, GATEWAY_NO_ANSWER,
		               cl_text_printf(&request->arena, CL_TEXT_GATEWAY_NOT_READY, request->lang,
		                              cl_service_name(service)));
	else
		gateway_refuse(request, GATEWAY_BUSY, (struct cl_str){NULL, 0});
}

/* -- one actor -- */

static bool time_parameter(struct gateway_request *request, const char *name, int64_t *ret_ms) {
	struct cl_str value = gateway_parameter(request, name);
	if (!value.p || cl_time_parse(value, ret_ms) == CL_OK)
		return true;
	gateway_refuse_parameter(request, name, CL_TEXT_GATEWAY_FORM_TIME);
	return false;
}

static bool number_parameter(struct gateway_request *request, const char *name, uint64_t max, uint64_t *ret_value) {
	struct cl_str value = gateway_parameter(request, name);
	if (!value.p || (cl_str_u64(value, ret_value) == CL_OK && *ret_value <= max))
		return true;
	gateway_refuse_parameter(request, name, CL_TEXT_GATEWAY_FORM_NUMBER);
	return false;
}

static bool read_parameters(struct gateway_request *request, struct wire_get *get) {
	struct cl_str history = gateway_parameter(request, "history");
	uint64_t from = 1, min_seq = 0;
	if (!time_parameter(request, "as_of", &get->as_of) || !time_parameter(request, "known_at", &get->known_at) ||
	    !number_parameter(request, "history_from", UINT32_MAX, &from) ||
	    !number_parameter(request, "min_seq", UINT64_MAX, &min_seq))
		return false;
	get->history_from = (uint32_t)from;
	get->min_seq = min_seq;
	get->history = cl_str_eqc(history, "true");
	if (!history.p || get->history || cl_str_eqc(history, "false"))
		return true;
	gateway_refuse_parameter(request, "history", CL_TEXT_GATEWAY_FORM_BOOL);
	return false;
}

static void put_history(struct gateway_request *request, const struct wire_state *state, struct cl_buf *out) {
	uint32_t service = cl_kind_service(request->route->kind), n = 0, version = 0;
	cl_buf_puts(out, ",\"history\":[");
	for (uint32_t i = 0; i < state->history.n; i++) {
		struct cl_record record;
		if (cl_record_decode(state->history.v[i].record, &record) != CL_OK)
			continue;
		if (n++)
			cl_buf_putc(out, ',');
		version = record.aggregate_version;
		cl_event_json(&request->arena, &record, state->history.v[i].hash, 0, service, UINT32_MAX, out);
	}
	cl_buf_putc(out, ']');
	if (state->more)
		cl_buf_printf(out, ",\"history_next\":%" PRIu32, version + 1);
}

static void answer_state(struct gateway_request *request, const struct wire_state *state) {
	const struct cl_schema *schema = cl_schema_by_type((uint16_t)state->state_type);
	void *value = schema ? cl_arena_alloc(&request->arena, schema->size) : NULL;
	struct cl_buf out;
	if (!schema || cl_decode(schema, state->state, &request->arena, value, NULL) != CL_OK) {
		gateway_refuse(request, GATEWAY_INTERNAL, (struct cl_str){NULL, 0}); /* of another version than we */
		return;
	}
	cl_buf_init(&out);
	cl_buf_putc(&out, '{');
	if (request->route->key == GATEWAY_KEY_SLIP) {
		cl_buf_puts(&out, "\"number\":");
		cl_json_string(&out, request->key);
		cl_buf_putc(&out, ',');
	}
	cl_buf_printf(&out, "\"version\":%" PRIu32 ",\"seq\":%" PRIu64 ",\"state\":", state->version, state->seq);
	cl_json_write(schema, value, 0, &out);
	if (gateway_parameter(request, "history").n == 4)
		put_history(request, state, &out);
	cl_buf_putc(&out, '}');
	gateway_answer(request, 200, "application/json", NULL, (struct cl_str){(const char *)out.p, (uint32_t)out.n});
	cl_buf_done(&out);
}

static void refuse_missing(struct gateway_request *request) {
	gateway_refuse_field(request, GATEWAY_NOT_FOUND, "UNKNOWN_TARGET",
	                     cl_text_printf(&request->arena, CL_TEXT_GATEWAY_NO_THING, request->lang, request->key.p),
	                     (struct cl_str){NULL, 0});
}

static void on_state(void *context, int status, const struct wire_state *state) {
	struct gateway_request *request = context;
	if (status != CL_OK) {
		refuse_call(request, status, cl_kind_service(request->route->kind));
		return;
	}
	switch (state->status) {
	case WIRE_ACCEPTED:
		if (state->version)
			answer_state(request, state);
		else
			refuse_missing(request);
		return;
	case WIRE_NOT_FOUND:
		refuse_missing(request);
		return;
	case WIRE_BUSY:
	case WIRE_EXPIRED:
		gateway_refuse(request, GATEWAY_BUSY, (struct cl_str){NULL, 0});
		return;
	case WIRE_DENIED:
		gateway_refuse(request, GATEWAY_FORBIDDEN, (struct cl_str){NULL, 0});
		return;
	case WIRE_INVALID:
	case WIRE_REJECTED:
		gateway_refuse(request, GATEWAY_BAD_PARAMETER, (struct cl_str){NULL, 0});
		return;
	case WIRE_DIVERGED:
	case wire_status_UNSET:
		break;
	}
	gateway_refuse(request, GATEWAY_INTERNAL, (struct cl_str){NULL, 0});
}

void gateway_state(struct gateway_request *request) {
	struct wire_get get = {.kind = request->route->kind};
	if (!gateway_target(request, &get.target) || !read_parameters(request, &get))
		return;
	if (cl_client_get(request->gateway->client, &get, 0, GATEWAY_CALL_MS, on_state, request) != CL_OK)
		gateway_refuse(request, GATEWAY_BUSY, (struct cl_str){NULL, 0});
}

/* -- reporting's read model -- */

static void refuse_argument(struct gateway_request *request, struct cl_str field) {
	if (cl_str_eqc(field, "number")) { /* of the path */
		refuse_missing(request);
		return;
	}
	const char *name = cl_arena_str(&request->arena, field).p;
	gateway_refuse_field(request, GATEWAY_BAD_PARAMETER, NULL,
	                     cl_text_printf(&request->arena, CL_TEXT_GATEWAY_PARAMETER_VALUE, request->lang, name),
	                     field);
}

static void on_answer(void *context, int status, const struct wire_answer *answer) {
	struct gateway_request *request = context;
	if (status != CL_OK)
		refuse_call(request, status, CL_REPORTING);
	else if (answer->status == WIRE_ACCEPTED)
		gateway_answer(request, 200, "application/json", NULL,
		               (struct cl_str){(const char *)answer->json.p, answer->json.n});
	else if (answer->status == WIRE_NOT_FOUND)
		refuse_missing(request);
	else if (answer->status == WIRE_INVALID)
		refuse_argument(request, answer->field);
	else
		gateway_refuse(request, GATEWAY_INTERNAL, (struct cl_str){NULL, 0});
}

void gateway_query(struct gateway_request *request) {
	struct wire_pair arguments[GATEWAY_PARAMETERS_MAX + 1];
	uint32_t n = 0;
	struct cl_id unused;
	if (!gateway_target(request, &unused))
		return;
	if (request->route->key == GATEWAY_KEY_SLIP)
		arguments[n++] = (struct wire_pair){CL_STR("number"), request->key};
	for (uint32_t i = 0; i < request->parameter_n; i++)
		arguments[n++] = (struct wire_pair){request->parameters[i].name, request->parameters[i].value};
	int r = cl_client_query(request->gateway->client, CL_REPORTING, 0, request->route->query, arguments, n,
	                        GATEWAY_CALL_MS, on_answer, request);
	if (r == CL_E_INVALID) /* a value with control characters */
		gateway_refuse(request, GATEWAY_BAD_PARAMETER, (struct cl_str){NULL, 0});
	else if (r != CL_OK)
		gateway_refuse(request, GATEWAY_BUSY, (struct cl_str){NULL, 0});
}
