#include "stream.h"

#include <jansson.h>
#include <signal.h>

#include "base/assert.h"

#define CREDIT (8u << 20)

int cli_stream_head(struct cli *cli, uint64_t *ret_head) {
	struct cl_str json;
	int result = cli_query(cli, CL_REPORTING, 0, "status", NULL, 0, 0, false, &json);
	if (result != CLI_OK)
		return result;
	json_t *status = json_loadb(json.p, json.n, 0, NULL);
	const json_t *seq = json_object_get(json_object_get(status, "head"), "seq");
	bool known = json_is_integer(seq);
	*ret_head = known ? (uint64_t)json_integer_value(seq) : 0;
	json_decref(status);
	if (!known)
		cli_error(cli, CL_TEXT_CLI_OTHER_VERSION, CLI_NO_ARGS);
	return known ? CLI_OK : CLI_FAILED;
}

bool cli_stream_types(struct cli *cli, const char *names, struct cl_bytes *types) {
	while (*names) {
		size_t n = strcspn(names, ",");
		struct cl_str name = cl_str_trim((struct cl_str){names, (uint32_t)n});
		const struct cl_schema *schema = cl_schema_by_name(name);
		names += n + (names[n] == ',');
		if (name.n == 0)
			continue;
		if (!schema || schema->role != CL_ROLE_EVENT) {
			cli_error(cli, CL_TEXT_CLI_UNKNOWN_TYPE, CLI_ARGS(cli_safe(cli, name)));
			return false;
		}
		uint8_t *grown = cl_arena_alloc(cli->arena, (size_t)types->n + 2);
		if (types->n)
			memcpy(grown, types->p, types->n);
		grown[types->n] = (uint8_t)(schema->type >> 8);
		grown[types->n + 1] = (uint8_t)schema->type;
		*types = (struct cl_bytes){grown, types->n + 2};
	}
	return true;
}

static void stop(struct cli_stream *stream, int result) {
	if (!stream->done)
		stream->result = result;
	stream->done = true;
}

static uint32_t on_records(struct cl_subscription *subscription, const struct wire_records *records, uint32_t bytes) {
	struct cli_stream *stream = subscription->context;
	for (uint32_t i = 0; i < records->records.n && !stream->done; i++) {
		struct cl_record archived, record;
		struct cli_copy copy;
		cl_arena_reset(&stream->arena);
		if (cl_record_decode(records->records.v[i].record, &archived) != CL_OK) {
			cli_error(stream->cli, CL_TEXT_CLI_OTHER_VERSION, CLI_NO_ARGS);
			stop(stream, CLI_FAILED);
			break;
		}
		if (stream->until && archived.seq > stream->until)
			break;
		if (cli_copy_open(&archived, &copy) != CL_OK)
			continue; /* the archive's own log_opened and log_checkpoint */
		int result = cl_record_decode(copy.bytes, &record) == CL_OK
		                     ? stream->on_event(stream, archived.seq, &copy, &record)
		                     : CLI_CHECK_FAILED;
		if (result != CLI_OK)
			stop(stream, result);
	}
	if (stream->on_batch)
		stream->on_batch(stream);
	if (stream->until && subscription->upto >= stream->until)
		stop(stream, CLI_OK);
	return bytes;
}

static void on_ended(struct cl_subscription *subscription, const struct wire_subscription_ended *message) {
	struct cli_stream *stream = subscription->context;
	const struct cli *cli = stream->cli;
	cli_error(cli, CL_TEXT_CLI_STREAM_ENDED,
	          CLI_ARGS(cli_enum_text(cli, &cl_enum_wire_status, message->status), cli_num(cli, subscription->upto),
	                   cli_num(cli, message->head)));
	stop(stream, CLI_FAILED);
}

static void on_signal(uv_signal_t *handle, int number) {
	(void)number;
	stop(handle->data, CLI_OK);
}

static void close_handles(struct cli_stream *stream) {
	uv_close((uv_handle_t *)&stream->on_int, NULL);
	uv_close((uv_handle_t *)&stream->on_term, NULL);
	/* Two turns: one closes, one tells; the frame of the stream may go afterwards. */
	uv_run(cli_loop(stream->cli), UV_RUN_NOWAIT);
	uv_run(cli_loop(stream->cli), UV_RUN_NOWAIT);
}

int cli_stream_run(struct cli_stream *stream, uint64_t after, struct cl_bytes types) {
	struct cli *cli = stream->cli;
	uv_loop_t *loop = cli_loop(cli);
	int code = uv_signal_init(loop, &stream->on_int) | uv_signal_init(loop, &stream->on_term);
	CL_ASSERT(code == 0);
	stream->on_int.data = stream->on_term.data = stream;
	code = uv_signal_start(&stream->on_int, on_signal, SIGINT) |
	       uv_signal_start(&stream->on_term, on_signal, SIGTERM);
	CL_ASSERT(code == 0);
	cl_arena_init(&stream->arena, 65536);
	stream->done = stream->until && after >= stream->until;
	stream->subscription = (struct cl_subscription){
	        .types = types, .credit = CREDIT, .on_records = on_records, .on_ended = on_ended, .context = stream};
	if (!stream->done && cl_client_follow(cli->client, &stream->subscription, CL_REPORTING, 0, after,
	                                      (struct cl_hash){{0}}) != CL_OK)
		stop(stream, CLI_FAILED);
	cli_run_until(cli, &stream->done);
	cl_client_unfollow(cli->client, &stream->subscription);
	close_handles(stream);
	cl_arena_done(&stream->arena);
	return stream->result;
}
