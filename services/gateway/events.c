/* The archive's stream as server-sent events (WHATWG HTML, 9.2). id is the position in the archive: a client that comes
 * back with it goes on behind it. Reporting sends no more than the credit; more is granted when the client has taken
 * what there is, so a slow client holds one credit's worth of memory and nobody else up. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "actor/event_json.h"
#include "base/assert.h"
#include "codec.h"
#include "gateway.h"

#define CREDIT 262144
#define HEARTBEAT_TICKS 10
#define TYPES_MAX 256

struct gateway_stream {
	struct gateway_request *request;
	struct cl_subscription subscription;
	struct cl_arena arena;
	struct cl_buf out;
	uint8_t types[TYPES_MAX * 2];
	uint32_t type_n;
	uint64_t after; /* where it begins */
	bool from_now, following, ended;
	uint32_t owed;  /* credit to grant when out was taken */
	uint32_t quiet; /* ticks since something was sent */
};

/* -- what is asked for -- */

static bool read_types(struct gateway_request *request, struct gateway_stream *stream) {
	struct cl_str names = gateway_parameter(request, "type");
	while (names.n) {
		const char *comma = memchr(names.p, ',', names.n);
		uint32_t n = comma ? (uint32_t)(comma - names.p) : names.n;
		const struct cl_schema *schema = cl_schema_by_name(cl_str_trim((struct cl_str){names.p, n}));
		if (!schema || schema->role != CL_ROLE_EVENT || stream->type_n == TYPES_MAX) {
			gateway_refuse_parameter(request, "type", CL_TEXT_GATEWAY_FORM_TYPE);
			return false;
		}
		stream->types[stream->type_n * 2] = (uint8_t)(schema->type >> 8);
		stream->types[stream->type_n * 2 + 1] = (uint8_t)schema->type;
		stream->type_n++;
		names = (struct cl_str){names.p + n + (comma != NULL), names.n - n - (comma != NULL)};
	}
	return true;
}

static bool read_from(struct gateway_request *request, struct gateway_stream *stream) {
	struct cl_str from = gateway_parameter(request, "from");
	if (request->last_event_id.n) { /* of a client that comes back: it knows better than the address */
		if (cl_str_u64(request->last_event_id, &stream->after) == CL_OK)
			return true;
		struct cl_str detail =
		        cl_text_printf(&request->arena, CL_TEXT_GATEWAY_HEADER_FORM, request->lang, "Last-Event-ID",
		                       cl_text(CL_TEXT_GATEWAY_FORM_NUMBER, request->lang));
		gateway_refuse_field(request, GATEWAY_BAD_HEADER, NULL, detail, CL_STR("Last-Event-ID"));
		return false;
	}
	stream->from_now = !from.p;
	if (from.p && (cl_str_u64(from, &stream->after) != CL_OK || stream->after == 0)) {
		gateway_refuse_parameter(request, "from", CL_TEXT_GATEWAY_FORM_NUMBER);
		return false;
	}
	stream->after -= from.p != NULL;
	return true;
}

/* -- records -- */

static void put_event(struct gateway_stream *stream, const struct wire_record *item) {
	struct cl_record archived, record;
	struct record_archived copy;
	struct cl_buf *out = &stream->out;
	cl_arena_reset(&stream->arena);
	if (cl_record_decode(item->record, &archived) != CL_OK || archived.type != CL_T_record_archived ||
	    cl_decode(&cl_schema_record_archived, archived.payload, &stream->arena, &copy, NULL) != CL_OK ||
	    cl_record_decode(copy.record, &record) != CL_OK)
		return; /* the archive's own log_opened and log_checkpoint */
	const struct cl_schema *schema = cl_schema_by_type(record.type);
	cl_buf_printf(out, "id: %" PRIu64 "\nevent: %s\ndata: ", archived.seq, schema ? schema->name : "unknown");
	cl_event_json(&stream->arena, &record, copy.hash, archived.seq, archived.cause.service,
	              archived.cause.partition, out);
	cl_buf_puts(out, "\n\n");
	stream->request->gateway->figures.events++;
}

static uint32_t on_records(struct cl_subscription *subscription, const struct wire_records *records, uint32_t bytes) {
	struct gateway_stream *stream = subscription->context;
	for (uint32_t i = 0; i < records->records.n; i++)
		put_event(stream, &records->records.v[i]);
	stream->owed += bytes;
	if (stream->out.n)
		gateway_http_wake(stream->request);
	if (stream->out.n)
		return 0;
	bytes = stream->owed;
	stream->owed = 0;
	return bytes;
}

static void on_ended(struct cl_subscription *subscription, const struct wire_subscription_ended *message) {
	struct gateway_stream *stream = subscription->context;
	const struct cl_enum_value *why = cl_enum_find(&cl_enum_wire_status, message->status);
	cl_buf_printf(&stream->out, "event: stream_ended\ndata: {\"reason\":\"%s\",\"head\":%" PRIu64 "}\n\n",
	              why ? why->code : "unknown", message->head);
	stream->ended = true;
	gateway_http_wake(stream->request);
}

/* -- life -- */

static void stream_free(struct gateway_stream *stream) {
	struct gateway *gateway = stream->request->gateway;
	if (stream->following)
		cl_client_unfollow(gateway->client, &stream->subscription);
	gateway->figures.streams--;
	stream->request->stream = NULL;
	cl_buf_done(&stream->out);
	cl_arena_done(&stream->arena);
	free(stream);
}

void gateway_stream_gone(struct gateway_request *request) {
	struct gateway_stream *stream = request->stream;
	if (!stream->following)
		return; /* the question for the head is under way and comes back to it */
	stream_free(stream);
	gateway_request_free(request);
}

void gateway_stream_take(struct gateway_request *request, struct cl_buf *out) {
	struct gateway_stream *stream = request->stream;
	uint32_t owed = stream->owed;
	stream->quiet = 0;
	cl_buf_put(out, stream->out.p, stream->out.n);
	cl_buf_clear(&stream->out);
	stream->owed = 0;
	if (stream->ended) {
		stream_free(stream);
		gateway_http_end(request);
	} else if (owed) {
		cl_subscription_grant(&stream->subscription, owed);
	}
}

/* A word now and then, so that a dead connection is noticed on both sides; it also moves the client's position over
 * what its filter passed over. */
void gateway_stream_tick(struct gateway_request *request) {
	struct gateway_stream *stream = request->stream;
	if (!stream->following || stream->out.n || ++stream->quiet < HEARTBEAT_TICKS)
		return;
	cl_buf_printf(&stream->out, ": heartbeat\nid: %" PRIu64 "\n\n", stream->subscription.upto);
	gateway_http_wake(request);
}

static void begin(struct gateway_stream *stream) {
	struct gateway_request *request = stream->request;
	struct cl_buf head;
	stream->subscription =
	        (struct cl_subscription){.types = {stream->type_n ? stream->types : NULL, stream->type_n * 2},
	                                 .credit = CREDIT,
	                                 .on_records = on_records,
	                                 .on_ended = on_ended,
	                                 .context = stream};
	if (cl_client_follow(request->gateway->client, &stream->subscription, CL_REPORTING, 0, stream->after,
	                     (struct cl_hash){{0}}) != CL_OK) {
		stream_free(stream);
		gateway_refuse(request, GATEWAY_BUSY, (struct cl_str){NULL, 0});
		return;
	}
	stream->following = true;
	request->close = true;
	cl_buf_init(&head);
	cl_buf_reserve(&head, GATEWAY_HTTP_ROOM);
	head.n = GATEWAY_HTTP_ROOM;
	gateway_put_head(request, 200, "text/event-stream", "X-Accel-Buffering: no\r\n", &head);
	cl_buf_printf(&head, "\r\n: careloop\nid: %" PRIu64 "\n\n", stream->after);
	cl_logger_write(&request->gateway->logger, CL_INFO, "stream", "after=%" PRIu64, stream->after);
	gateway_http_stream(request, &head);
}

/* Where the archive ends: a position behind that is a mistake, and no stream begins when nobody answers. */
static void on_head(void *context, int status, const struct wire_answer *answer) {
	struct gateway_stream *stream = context;
	struct gateway_request *request = stream->request;
	uint64_t head = 0;
	bool known = status == CL_OK && answer->status == WIRE_ACCEPTED;
	if (known) {
		json_t *json = json_loadb((const char *)answer->json.p, answer->json.n, 0, NULL);
		head = (uint64_t)json_integer_value(json_object_get(json_object_get(json, "head"), "seq"));
		json_decref(json);
	}
	if (!request->connection || !known || stream->after > head) {
		stream_free(stream);
		if (known && request->connection)
			gateway_refuse_parameter(request, "from", CL_TEXT_GATEWAY_FORM_NUMBER);
		else
			gateway_refuse(request, status == CL_E_TIMEDOUT ? GATEWAY_NO_ANSWER : GATEWAY_BUSY,
			               (struct cl_str){NULL, 0});
		return;
	}
	if (stream->from_now)
		stream->after = head;
	begin(stream);
}

void gateway_events(struct gateway_request *request) {
	struct gateway *gateway = request->gateway;
	if (gateway->figures.streams >= GATEWAY_STREAMS_MAX) {
		gateway_refuse(request, GATEWAY_TOO_MANY, (struct cl_str){NULL, 0});
		return;
	}
	struct gateway_stream *stream = calloc(1, sizeof(*stream));
	CL_ASSERT(stream);
	stream->request = request;
	request->stream = stream;
	gateway->figures.streams++;
	cl_buf_init(&stream->out);
	cl_arena_init(&stream->arena, 65536);
	if (!read_types(request, stream) || !read_from(request, stream)) {
		/* refused: the request is gone */
		gateway->figures.streams--;
		cl_buf_done(&stream->out);
		cl_arena_done(&stream->arena);
		free(stream);
		return;
	}
	if (cl_client_query(gateway->client, CL_REPORTING, 0, "status", NULL, 0, GATEWAY_CALL_MS, on_head, stream) !=
	    CL_OK) {
		stream_free(stream);
		gateway_refuse(request, GATEWAY_BUSY, (struct cl_str){NULL, 0});
	}
}
