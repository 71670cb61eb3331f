/* careloop log stat, tail: what the logs hold. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/time.h"
#include "commands.h"
#include "logs.h"

#define TAIL_DEFAULT 20
#define TAIL_POLL_MS 200

/* -- stat -- */
struct log_figures {
	struct cl_log_head head;
	struct cl_id log_id;
	uint64_t checkpoints;
	int64_t first_ms, last_ms;
};

static int scan(const struct cli_log *log, struct log_figures *ret_figures) {
	struct log_figures figures = {0};
	struct cl_log_reader reader;
	struct cl_stored stored;
	struct cl_record record;
	int result = cl_log_reader_open(&reader, log->kv, 1);
	*ret_figures = figures;
	if (result != CL_OK)
		return result;
	while ((result = cl_log_reader_next(&reader, &stored)) == CL_OK) {
		uint16_t type = cl_record_type(stored.record);
		figures.head.seq = cl_record_seq(stored.record);
		figures.head.hash = stored.hash;
		figures.checkpoints += type == CL_T_log_checkpoint;
		if (figures.head.seq == 1) {
			struct log_opened opened;
			struct cl_arena arena;
			cl_arena_init(&arena, 256);
			result = cl_record_decode(stored.record, &record);
			if (result == CL_OK)
				result = cl_decode_trusted(&cl_schema_log_opened, record.payload, &arena, &opened);
			cl_arena_done(&arena);
			if (result != CL_OK)
				break;
			figures.log_id = opened.log_id;
			figures.first_ms = record.recorded_ms;
		}
	}
	if (result == CL_E_NOTFOUND) {
		struct cl_log_head head;
		result = cl_log_read_head(reader.txn, log->kv, &head);
		figures.last_ms = result == CL_OK ? head.recorded_ms : 0;
	}
	cl_log_reader_close(&reader);
	*ret_figures = figures;
	return result;
}

static void stat_json(const struct cli_log *log, const struct log_figures *figures, bool first) {
	char head[65], id[CL_ID_TEXT_BYTES], from[CL_TIME_TEXT_BYTES], to[CL_TIME_TEXT_BYTES];
	cl_hash_hex(figures->head.hash, head);
	cl_id_format(figures->log_id, id);
	cl_time_format(figures->first_ms, 0, from);
	cl_time_format(figures->last_ms, 0, to);
	printf("%s\n  {\"log\": \"%s\", \"service\": \"%s\", \"partition\": %" PRIu32 ", \"records\": %" PRIu64
	       ", \"head\": \"%s\", \"log_id\": \"%s\","
	       " \"first_recorded\": \"%s\", \"last_recorded\": \"%s\", \"checkpoints\": %" PRIu64
	       ", \"bytes\": %" PRIu64 "}",
	       first ? "" : ",", log->name, cl_service_name(log->entry.service), log->entry.partition,
	       figures->head.seq, head, id, from, to, figures->checkpoints, log->bytes);
}

int cli_cmd_log_stat(struct cli *cli) {
	struct cli_logs logs;
	struct cli_table table;
	int result = cli_logs_open(cli, cli->arg_n ? cli->args[0] : NULL, &logs);
	if (result != CLI_OK)
		return result;
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_LOG, false);
	cli_table_column(&table, CL_TEXT_CLI_H_RECORDS, true);
	cli_table_column(&table, CL_TEXT_CLI_H_CHECKPOINTS, true);
	cli_table_column(&table, CL_TEXT_CLI_H_ON_DISK, true);
	cli_table_column(&table, CL_TEXT_CLI_H_FIRST, false);
	cli_table_column(&table, CL_TEXT_CLI_H_LAST, false);
	cli_table_column(&table, CL_TEXT_CLI_H_HEAD, false);
	table.shrink = 6;
	if (cli->json)
		printf("{\"logs\": [");
	for (uint32_t i = 0; i < logs.n; i++) {
		struct log_figures figures;
		char head[65];
		int code = scan(&logs.v[i], &figures);
		if (code != CL_OK) {
			cli_error(cli, CL_TEXT_CLI_LOG_BAD,
			          CLI_ARGS(logs.v[i].name, cli_num(cli, figures.head.seq + 1), cl_error_text(code)));
			cli_logs_say_recovery(cli, &logs.v[i]);
			result = CLI_CHECK_FAILED;
		}
		cl_hash_hex(figures.head.hash, head);
		if (cli->json)
			stat_json(&logs.v[i], &figures, i == 0);
		else
			cli_table_row(&table, CLI_ARGS(logs.v[i].name, cli_num(cli, figures.head.seq),
			                               cli_num(cli, figures.checkpoints),
			                               cli_bytes(cli, logs.v[i].bytes), cli_when(cli, figures.first_ms),
			                               cli_when(cli, figures.last_ms), cli_fmt(cli, "%s", head)));
	}
	if (cli->json)
		printf("\n]}\n");
	else
		cli_table_print(&table, stdout);
	cli_logs_close(&logs);
	return result;
}

/* -- tail -- */
struct tail {
	struct cli *cli;
	const struct cli_log *log;
	struct cl_arena arena;
	struct cl_buf line;
	uint64_t next;
	int code;
};

static int tail_record(struct tail *tail, const struct cl_stored *stored) {
	struct cl_record record, inner;
	struct cli_copy copy;
	const struct cli *cli = tail->cli;
	uint32_t service = tail->log->entry.service, partition = tail->log->entry.partition;
	struct cl_hash hash = stored->hash;
	int result = cl_record_decode(stored->record, &record);
	uint64_t seq = record.seq;
	if (result != CL_OK)
		return result;
	bool is_copy = cli_copy_open(&record, &copy) == CL_OK && cl_record_decode(copy.bytes, &inner) == CL_OK;
	if (is_copy) {
		record = inner;
		service = copy.service;
		partition = copy.partition;
		hash = copy.hash;
	}
	cl_arena_reset(&tail->arena);
	cl_buf_clear(&tail->line);
	if (cli->json) {
		cl_event_json(&tail->arena, &record, hash, is_copy ? seq : 0, service, partition, &tail->line);
		cl_buf_putc(&tail->line, '\n');
		fwrite(tail->line.p, 1, tail->line.n, stdout);
		return CL_OK;
	}
	const struct cl_schema *schema = cl_schema_by_type(record.type);
	const void *body = NULL;
	if (!schema ||
	    cl_decode_version(record.type, record.version, record.payload, &tail->arena, &body, NULL) != CL_OK)
		body = NULL;
	/* What it says to people lies in an arena that is emptied with each line. */
	struct cli lines = *cli;
	lines.arena = &tail->arena;
	const char *title = cli_event_title(&lines, record.type);
	printf("%" PRIu64 "  %s  %s/%" PRIu32 "#%" PRIu64 "  %s  %s  %s\n", seq, cli_when(&lines, record.recorded_ms),
	       cl_service_name(service) ? cl_service_name(service) : "?", partition, record.seq, title ? title : "?",
	       cli_safe(&lines, record.who), body ? cli_event_detail(&lines, schema, body) : "");
	return CL_OK;
}

/* Everything new; the reader is short-lived so that a long watch holds back no pages. */
static int tail_more(struct tail *tail) {
	struct cl_log_reader reader;
	struct cl_stored stored;
	int result = cl_log_reader_open(&reader, tail->log->kv, tail->next);
	if (result != CL_OK)
		return result;
	while ((result = cl_log_reader_next(&reader, &stored)) == CL_OK &&
	       (result = tail_record(tail, &stored)) == CL_OK)
		tail->next = cl_record_seq(stored.record) + 1;
	cl_log_reader_close(&reader);
	fflush(stdout);
	return result == CL_E_NOTFOUND ? CL_OK : result;
}

static void on_tail_poll(uv_timer_t *timer) {
	struct tail *tail = timer->data;
	int result = tail_more(tail);
	if (result != CL_OK && result != CL_E_AGAIN) {
		tail->code = result;
		uv_stop(timer->loop);
	}
}

static void follow_tail(struct tail *tail) {
	static uv_timer_t timer;
	int result = uv_timer_init(cli_loop(tail->cli), &timer);
	CL_ASSERT(result == 0);
	timer.data = tail;
	uv_timer_start(&timer, on_tail_poll, TAIL_POLL_MS, TAIL_POLL_MS);
	uv_run(cli_loop(tail->cli), UV_RUN_DEFAULT);
	uv_timer_stop(&timer);
}

int cli_cmd_log_tail(struct cli *cli) {
	struct cli_logs logs;
	struct cl_log_head head;
	struct cl_kv_txn *txn;
	uint64_t n;
	if (!cli_opt_u64(cli, "lines", TAIL_DEFAULT, UINT64_MAX, &n))
		return CLI_USAGE;
	int result = cli_logs_open(cli, cli->arg_n ? cli->args[0] : "reporting/0", &logs);
	if (result != CLI_OK)
		return result;
	struct tail tail = {.cli = cli, .log = &logs.v[0]};
	cl_arena_init(&tail.arena, 16384);
	cl_buf_init(&tail.line);
	tail.code = tail.log->kv->ops->begin(tail.log->kv, false, &txn);
	if (tail.code == CL_OK) {
		tail.code = cl_log_read_head(txn, tail.log->kv, &head);
		tail.log->kv->ops->abort(txn);
	}
	if (tail.code == CL_OK) {
		tail.next = head.seq > n ? head.seq - n + 1 : 1;
		tail.code = tail_more(&tail);
	}
	if (tail.code == CL_OK && cli_flag(cli, "follow"))
		follow_tail(&tail);
	if (tail.code != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_LOG_BAD,
		          CLI_ARGS(tail.log->name, cli_num(cli, tail.next), cl_error_text(tail.code)));
		cli_logs_say_recovery(cli, tail.log);
		result = CLI_CHECK_FAILED;
	}
	cl_arena_done(&tail.arena);
	cl_buf_done(&tail.line);
	cli_logs_close(&logs);
	return result;
}
