#include "actor/event_json.h"

#include <inttypes.h>

#include "base/time.h"
#include "codec.h"

static void put_id(struct cl_buf *out, const char *name, struct cl_id id) {
	char text[CL_ID_TEXT_BYTES];
	if (cl_id_zero(id))
		return;
	cl_id_format(id, text);
	cl_buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

static void put_time(struct cl_buf *out, const char *name, int64_t ms) {
	char text[CL_TIME_TEXT_BYTES];
	cl_time_format(ms, 0, text);
	cl_buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

static void put_payload(struct cl_arena *arena, const struct cl_record *record, const struct cl_schema *schema,
                        struct cl_buf *out) {
	const void *value;
	if (schema && cl_decode_version(record->type, record->version, record->payload, arena, &value, NULL) == CL_OK) {
		cl_buf_puts(out, ",\"data\":");
		cl_json_write(schema, value, 0, out);
		return;
	}
	/* Of a newer version, or of a type this program does not know: its bytes, so that nothing is missing. */
	cl_buf_puts(out, ",\"payload_hex\":\"");
	for (uint32_t i = 0; i < record->payload.n; i++)
		cl_buf_printf(out, "%02x", record->payload.p[i]);
	cl_buf_putc(out, '"');
}

void cl_event_json(struct cl_arena *arena, const struct cl_record *record, struct cl_hash hash, uint64_t position,
                   uint32_t service, uint32_t partition, struct cl_buf *out) {
	const struct cl_schema *schema = cl_schema_by_type(record->type);
	const char *kind = cl_kind_name(record->kind), *name = cl_service_name(service),
	           *cause = cl_service_name(record->cause.service);
	char hex[65];
	cl_buf_putc(out, '{');
	if (position)
		cl_buf_printf(out, "\"position\":%" PRIu64 ",", position);
	cl_buf_printf(out, "\"service\":\"%s\"", name ? name : "unknown");
	if (partition != UINT32_MAX)
		cl_buf_printf(out, ",\"partition\":%" PRIu32, partition);
	cl_buf_printf(out, ",\"seq\":%" PRIu64, record->seq);
	if (schema)
		cl_buf_printf(out, ",\"type\":\"%s\"", schema->name);
	cl_buf_printf(out, ",\"type_id\":%u,\"schema_version\":%u", record->type, record->version);
	put_time(out, "recorded", record->recorded_ms);
	put_time(out, "occurred", record->occurred_ms);
	if (kind)
		cl_buf_printf(out, ",\"kind\":\"%s\"", kind);
	put_id(out, "aggregate", record->aggregate);
	if (record->aggregate_version)
		cl_buf_printf(out, ",\"version\":%" PRIu32, record->aggregate_version);
	put_id(out, "command", record->command);
	put_id(out, "correlation", record->correlation);
	if (cause)
		cl_buf_printf(out, ",\"cause\":{\"service\":\"%s\",\"partition\":%" PRIu32 ",\"seq\":%" PRIu64 "}",
		              cause, record->cause.partition, record->cause.seq);
	if (record->who.n) {
		cl_buf_puts(out, ",\"who\":");
		cl_json_string(out, record->who);
	}
	cl_hash_hex(hash, hex);
	cl_buf_printf(out, ",\"hash\":\"%s\"", hex);
	put_payload(arena, record, schema, out);
	cl_buf_putc(out, '}');
}
