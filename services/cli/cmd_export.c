/* careloop export: everything in the archive, to its present head, as lines of JSON, a table (CSV, RFC 4180) or an
 * event log (XES, IEEE 1849). Written aside and moved over, so a file is whole or not there. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/map.h"
#include "base/time.h"
#include "commands.h"
#include "import/xes_write.h"
#include "stream.h"

struct export {
	struct cli *cli;
	FILE *to;
	struct cl_buf out;
	uint64_t events;
	/* XES: events come in the order of time, but a trace holds one case: they wait in a file, found by case. */
	FILE *aside;
	struct trace *traces;
	uint32_t trace_n, trace_cap;
	struct cl_map by_slip; /* -> index + 1 */
	uint64_t aside_size;
};

struct piece {
	uint64_t offset;
	uint32_t n;
};
struct trace {
	char number[24];
	struct piece *pieces;
	uint32_t piece_n, piece_cap;
};

static int put(struct export *export, FILE *to) {
	bool written = fwrite(export->out.p, 1, export->out.n, to) == export->out.n;
	cl_buf_clear(&export->out);
	return written ? CLI_OK : CLI_FAILED;
}

/* -- NDJSON -- */
static int put_json(struct cli_stream *stream, uint64_t position, const struct cli_copy *copy,
                    const struct cl_record *record) {
	struct export *export = stream->context;
	cl_event_json(&stream->arena, record, copy->hash, position, copy->service, copy->partition, &export->out);
	cl_buf_putc(&export->out, '\n');
	export->events++;
	return export->out.n > 65536 ? put(export, export->to) : CLI_OK;
}

/* -- CSV -- */
static bool one_of(char c, const char *set) {
	return c && strchr(set, c);
}

/* Quoted where it must be. A spreadsheet takes a cell that starts with =, +, - or @ for a formula: an apostrophe stops
 * it. */
static void cell(struct cl_buf *out, struct cl_str text, bool last) {
	bool quote = false, formula = text.n && one_of(text.p[0], "=+-@\t\r");
	for (uint32_t i = 0; i < text.n && !quote; i++)
		quote = one_of(text.p[i], ",\"\r\n");
	if (quote)
		cl_buf_putc(out, '"');
	if (formula)
		cl_buf_putc(out, '\'');
	for (uint32_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"')
			cl_buf_putc(out, '"');
		cl_buf_putc(out, text.p[i]);
	}
	if (quote)
		cl_buf_putc(out, '"');
	cl_buf_puts(out, last ? "\r\n" : ",");
}

static void cell_time(struct cl_buf *out, int64_t ms) {
	char text[CL_TIME_TEXT_BYTES];
	cl_time_format(ms, CL_VIETNAM_OFFSET_MIN, text);
	cell(out, cl_str_from(text), false);
}

static void cell_id(struct cl_buf *out, struct cl_id id) {
	char text[CL_ID_TEXT_BYTES] = "";
	if (!cl_id_zero(id))
		cl_id_format(id, text);
	cell(out, cl_str_from(text), false);
}

static int put_csv(struct cli_stream *stream, uint64_t position, const struct cli_copy *copy,
                   const struct cl_record *record) {
	struct export *export = stream->context;
	struct cl_buf *out = &export->out, data;
	const struct cl_schema *schema = cl_schema_by_type(record->type);
	const char *kind = cl_kind_name(record->kind), *service = cl_service_name(copy->service);
	const void *body;
	cl_buf_init(&data);
	if (schema &&
	    cl_decode_version(record->type, record->version, record->payload, &stream->arena, &body, NULL) == CL_OK)
		cl_json_write(schema, body, 0, &data);
	cl_buf_printf(out, "%" PRIu64 ",%s,%" PRIu32 ",%" PRIu64 ",", position, service ? service : "", copy->partition,
	              record->seq);
	cell(out, cl_str_from(schema ? schema->name : ""), false);
	cell(out, cl_str_from(kind ? kind : ""), false);
	cell_id(out, record->aggregate);
	cl_buf_printf(out, "%" PRIu32 ",", record->aggregate_version);
	cell_time(out, record->recorded_ms);
	cell_time(out, record->occurred_ms);
	cell(out, record->who, false);
	cell_id(out, record->correlation);
	cell(out, (struct cl_str){(const char *)data.p, (uint32_t)data.n}, true);
	cl_buf_done(&data);
	export->events++;
	return out->n > 65536 ? put(export, export->to) : CLI_OK;
}

/* -- XES -- */
static struct trace *trace_of(struct export *export, struct cl_id slip) {
	uintptr_t at = (uintptr_t)cl_map_get(&export->by_slip, 0, slip);
	if (at)
		return &export->traces[at - 1];
	if (export->trace_n == export->trace_cap) {
		export->trace_cap = export->trace_cap ? export->trace_cap * 2 : 1024;
		export->traces = realloc(export->traces, sizeof(*export->traces) * export->trace_cap);
		CL_ASSERT(export->traces);
	}
	export->traces[export->trace_n] = (struct trace){.piece_n = 0};
	cl_map_put(&export->by_slip, 0, slip,
	           (void *)(uintptr_t)(export->trace_n + 1)); // NOLINT(performance-no-int-to-ptr)
	return &export->traces[export->trace_n++];
}

static void add_piece(struct trace *trace, uint64_t offset, uint32_t n) {
	if (trace->piece_n == trace->piece_cap) {
		trace->piece_cap = trace->piece_cap ? trace->piece_cap * 2 : 8;
		trace->pieces = realloc(trace->pieces, sizeof(*trace->pieces) * trace->piece_cap);
		CL_ASSERT(trace->pieces);
	}
	trace->pieces[trace->piece_n++] = (struct piece){.offset = offset, .n = n};
}

/* What a process miner can use: codes, texts of ours, numbers. Personal data stays out. */
static void xes_fields(struct cl_buf *out, const struct cl_schema *schema, const void *body) {
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		const uint8_t *at = (const uint8_t *)body + field->offset;
		const struct cl_enum_value *value;
		uint32_t number = 0;
		if (field->flags & CL_F_PERSONAL)
			continue;
		switch ((enum cl_field_type)field->type) {
		case CL_TYPE_STR:
			xes_string(out, field->name, *(const struct cl_str *)(const void *)at);
			break;
		case CL_TYPE_ENUM:
			memcpy(&number, at, sizeof(number));
			value = cl_enum_find(field->en, number);
			if (value)
				xes_string(out, field->name, cl_str_from(value->code));
			break;
		case CL_TYPE_U32:
			memcpy(&number, at, sizeof(number));
			if (number)
				xes_int(out, field->name, number);
			break;
		case CL_TYPE_TIME:
			xes_date(out, field->name, *(const int64_t *)(const void *)at);
			break;
		case CL_TYPE_BOOL:
			if (*(const bool *)(const void *)at)
				xes_boolean(out, field->name, true);
			break;
		case CL_TYPE_ONE:
			xes_fields(out, field->sub, at);
			break;
		case CL_TYPE_U64:
		case CL_TYPE_I64:
		case CL_TYPE_ID:
		case CL_TYPE_BYTES:
		case CL_TYPE_HASH:
		case CL_TYPE_LIST:
		case CL_TYPE_STRS:
		case CL_TYPE_IDS:
			break;
		}
	}
}

/* Steps of a case: its own events, its order's, and what routing did with it (not how the queues talked about it). */
static bool is_step(const struct cl_record *record) {
	if (record->kind == CL_KIND_CASE)
		return record->type != CL_T_case_history_imported;
	if (record->kind == CL_KIND_ORDER)
		return record->type == CL_T_order_changed;
	return record->kind == CL_KIND_WORK_ITEM && record->type <= CL_T_item_reopened;
}

static struct cl_str number_of(const struct cl_record *record, const void *body) {
	if (record->type == CL_T_case_opened)
		return ((const struct case_opened *)body)->slip.number;
	if (record->type == CL_T_item_routed)
		return ((const struct item_routed *)body)->slip.number;
	return (struct cl_str){0};
}

static int put_xes(struct cli_stream *stream, uint64_t position, const struct cli_copy *copy,
                   const struct cl_record *record) {
	struct export *export = stream->context;
	const struct cl_schema *schema = cl_schema_by_type(record->type);
	const void *body;
	(void)position;
	(void)copy;
	if (!is_step(record) || !schema ||
	    cl_decode_version(record->type, record->version, record->payload, &stream->arena, &body, NULL) != CL_OK)
		return CLI_OK;
	struct trace *trace = trace_of(export, record->aggregate);
	struct cl_str number = number_of(record, body), activity = cl_str_from(schema->name);
	if (number.n && number.n < sizeof(trace->number))
		memcpy(trace->number, number.p, number.n);
	/* A row of imported history keeps the name that its source gave it. */
	if (record->type == CL_T_case_history_noted)
		activity = ((const struct case_history_noted *)body)->activity;
	xes_event_start(&export->out, activity, CL_STR("complete"), record->who, record->occurred_ms);
	xes_date(&export->out, "careloop:recorded", record->recorded_ms);
	xes_fields(&export->out, schema, body);
	xes_event_end(&export->out);
	add_piece(trace, export->aside_size, (uint32_t) export->out.n);
	export->aside_size += export->out.n;
	export->events++;
	return put(export, export->aside);
}

static int copy_piece(struct export *export, const struct piece *piece) {
	uint8_t *end = cl_buf_reserve(&export->out, piece->n);
	if (fseeko(export->aside, (off_t)piece->offset, SEEK_SET) != 0 ||
	    fread(end, 1, piece->n, export->aside) != piece->n)
		return CLI_FAILED;
	export->out.n += piece->n;
	return export->out.n > 1 << 20 ? put(export, export->to) : CLI_OK;
}

static int write_traces(struct export *export) {
	int result = fflush(export->aside) == 0 ? CLI_OK : CLI_FAILED;
	xes_log_start(&export->out, CL_STR("careloop"));
	for (uint32_t i = 0; i < export->trace_n && result == CLI_OK; i++) {
		const struct trace *trace = &export->traces[i];
		xes_trace_start(&export->out, cl_str_from(trace->number));
		for (uint32_t k = 0; k < trace->piece_n && result == CLI_OK; k++)
			result = copy_piece(export, &trace->pieces[k]);
		xes_trace_end(&export->out);
	}
	xes_log_end(&export->out);
	return result == CLI_OK ? put(export, export->to) : result;
}

static void export_done(struct export *export) {
	for (uint32_t i = 0; i < export->trace_n; i++)
		free(export->traces[i].pieces);
	free(export->traces);
	cl_map_done(&export->by_slip);
	cl_buf_done(&export->out);
	if (export->aside)
		fclose(export->aside);
}

static int run(struct export *export, const char *format) {
	struct cli *cli = export->cli;
	struct cli_stream stream = {.cli = cli, .context = export};
	bool xes = strcmp(format, "xes") == 0, csv = strcmp(format, "csv") == 0;
	int result = cli_stream_head(cli, &stream.until);
	if (result != CLI_OK)
		return result;
	stream.on_event = xes ? put_xes : csv ? put_csv : put_json;
	cl_buf_init(&export->out);
	cl_map_init(&export->by_slip);
	if (csv)
		cl_buf_puts(&export->out, "position,service,partition,seq,type,kind,aggregate,version,recorded,"
		                          "occurred,who,correlation,data\r\n");
	export->aside = xes ? tmpfile() : NULL;
	result = !xes || export->aside ? cli_stream_run(&stream, 0, (struct cl_bytes){0}) : CLI_FAILED;
	if (result == CLI_OK && stream.subscription.upto < stream.until)
		result = CLI_FAILED; /* stopped by a signal: not everything */
	if (result == CLI_OK)
		result = xes ? write_traces(export) : put(export, export->to);
	export_done(export);
	return result;
}

int cli_cmd_export(struct cli *cli) {
	struct export export = {.cli = cli, .to = stdout};
	const char *format = cli_opt(cli, "format"), *file = cli_opt(cli, "out");
	if (file && strcmp(file, "-") == 0)
		file = NULL;
	const char *fresh = file ? cli_fmt(cli, "%s.part", file) : NULL;
	format = format ? format : "ndjson";
	if (strcmp(format, "ndjson") != 0 && strcmp(format, "csv") != 0 && strcmp(format, "xes") != 0) {
		cli_error(cli, CL_TEXT_CLI_BAD_CHOICE, CLI_ARGS("format", format, "ndjson, csv, xes"));
		return CLI_USAGE;
	}
	int result = cli_connect(cli);
	if (result != CLI_OK)
		return result;
	if (fresh)
		export.to = fopen(fresh, "we");
	if (!export.to) {
		cli_error(cli, CL_TEXT_CLI_CANNOT_WRITE, CLI_ARGS(fresh, strerror(errno)));
		return CLI_FAILED;
	}
	result = run(&export, format);
	bool kept = fflush(export.to) == 0 && (!fresh || fsync(fileno(export.to)) == 0);
	if (fresh)
		kept &= fclose(export.to) == 0;
	if (fresh && result == CLI_OK && kept)
		kept = rename(fresh, file) == 0;
	else if (fresh)
		unlink(fresh);
	if (result == CLI_OK && !kept) {
		cli_error(cli, CL_TEXT_CLI_CANNOT_WRITE, CLI_ARGS(file ? file : "stdout", strerror(errno)));
		return CLI_FAILED;
	}
	if (result == CLI_OK && file)
		cli_say(cli, CL_TEXT_CLI_EXPORTED, CLI_ARGS(cli_num(cli, export.events), file));
	return result;
}
