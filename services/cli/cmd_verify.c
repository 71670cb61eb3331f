/* careloop log verify: every log by itself (checksums, chain, signed checkpoints, versions), against anchors from
 * outside, and every source against the archive's copy. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands.h"
#include "logs.h"

#define PROGRESS_EVERY 20000

struct verify {
	struct cli *cli;
	struct cli_logs logs;
	const struct cli_log *now; /* for the progress line */
	bool bar;
	json_t *json;
	int result;
	struct cl_arena arena; /* reset per record */
};

static void progress(void *context, uint64_t seq, uint64_t of) {
	const struct verify *verify = context;
	if (!verify->bar || (seq % PROGRESS_EVERY && seq != of))
		return;
	fprintf(stderr, "\r\033[K%s  %" PRIu64 "/%" PRIu64, verify->now->name, seq, of);
	if (seq == of)
		fputs("\r\033[K", stderr);
	fflush(stderr);
}

static void found_bad(struct verify *verify, const struct cli_log *log, uint64_t seq, int code) {
	if (verify->bar)
		fputs("\r\033[K", stderr);
	cli_error(verify->cli, CL_TEXT_CLI_LOG_BAD,
	          CLI_ARGS(log->name, cli_num(verify->cli, seq), cl_error_text(code)));
	cli_logs_say_recovery(verify->cli, log);
	verify->result = CLI_CHECK_FAILED;
}

/* Anchors: the file of a log holds a line per checkpoint, "log_id seq hash signature time"; each is looked up. */
struct anchors {
	uint64_t lines, own; /* own: of this very log, not of one that it was rebuilt from */
	uint64_t upto;
};

static int check_anchor_line(struct verify *verify, const struct cli_log *log, struct cl_id log_id, const char *line,
                             struct anchors *anchors) {
	struct cl_anchor anchor = {0};
	char id[40], seq[24], hash[80];
	if (sscanf(line, "%39s %23s %79s", id, seq, hash) != 3 ||
	    cl_id_parse(cl_str_from(id), &anchor.log_id) != CL_OK ||
	    cl_str_u64(cl_str_from(seq), &anchor.seq) != CL_OK ||
	    cl_hash_parse(cl_str_from(hash), &anchor.hash) != CL_OK)
		return CL_E_MALFORMED;
	anchors->lines++;
	if (!cl_id_eq(anchor.log_id, log_id))
		return CL_OK;
	anchors->own++;
	int result = cl_log_check_anchor(log->kv, &anchor);
	if (result == CL_OK && anchor.seq > anchors->upto)
		anchors->upto = anchor.seq;
	if (result != CL_E_TRUNCATED && result != CL_E_CHAIN)
		return result;
	cli_error(verify->cli, result == CL_E_CHAIN ? CL_TEXT_CLI_ANCHOR_OTHER : CL_TEXT_CLI_ANCHOR_BEYOND,
	          CLI_ARGS(log->name, cli_num(verify->cli, anchor.seq)));
	cli_logs_say_recovery(verify->cli, log);
	verify->result = CLI_CHECK_FAILED;
	return CL_OK;
}

/* Returns up to where the anchors prove the history. A log that never signed anything has none. */
static uint64_t check_anchors(struct verify *verify, const char *folder, const struct cli_log *log,
                              const struct cl_verify_report *report) {
	struct cli *cli = verify->cli;
	struct anchors anchors = {0};
	const char *path = cli_fmt(cli, "%s/%s.anchors", folder, cli_plan_name(&log->entry, '-', cli->arena));
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	if (!file && report->checkpoints == 0)
		return 0;
	int result = file ? CL_OK : CL_E_NOTFOUND;
	while (result == CL_OK && getline(&line, &cap, file) > 0)
		result = check_anchor_line(verify, log, report->log_id, line, &anchors);
	free(line);
	if (file)
		fclose(file);
	if (result != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_CANNOT_READ, CLI_ARGS(path, cl_error_text(result)));
		verify->result = CLI_CHECK_FAILED;
	} else if (anchors.own == 0) {
		cli_error(cli, CL_TEXT_CLI_ANCHOR_NONE, CLI_ARGS(log->name, path));
		verify->result = CLI_CHECK_FAILED;
	}
	return anchors.upto;
}

static void verify_one(struct verify *verify, const struct cli_log *log, const uint8_t *public_key,
                       struct cli_table *table) {
	struct cl_verify_report report;
	struct cli *cli = verify->cli;
	const char *anchors = cli_opt(cli, "anchors");
	uint64_t anchored = 0;
	char head[65];
	verify->now = log;
	int code = cl_log_verify(log->kv, public_key, progress, verify, &report);
	if (code != CL_OK || report.bad_seq)
		found_bad(verify, log, report.bad_seq, report.bad_seq ? report.bad_code : code);
	else if (anchors)
		anchored = check_anchors(verify, anchors, log, &report);
	bool good = code == CL_OK && report.bad_seq == 0;
	cl_hash_hex(report.head.hash, head);
	cli_table_row(table, CLI_ARGS(log->name, cl_text(good ? CL_TEXT_CLI_GOOD : CL_TEXT_CLI_BAD, cli->lang),
	                              cli_num(cli, report.records), cli_num(cli, report.checkpoints),
	                              cli_num(cli, report.last_signed_seq), anchors ? cli_num(cli, anchored) : "-"));
	json_t *row = json_pack("{s:s,s:b,s:I,s:I,s:I,s:s}", "log", log->name, "good", (int)good, "records",
	                        (json_int_t)report.records, "checkpoints", (json_int_t)report.checkpoints,
	                        "signed_upto", (json_int_t)report.last_signed_seq, "head", head);
	if (report.bad_seq) {
		json_object_set_new(row, "bad_seq", json_integer((json_int_t)report.bad_seq));
		json_object_set_new(row, "bad", json_string(cl_error_name(report.bad_code)));
	}
	if (anchors)
		json_object_set_new(row, "anchored_upto", json_integer((json_int_t)anchored));
	json_array_append_new(json_object_get(verify->json, "logs"), row);
}

/* -- sources against the archive -- */
struct copies {
	uint64_t upto, compared;
	bool bad;
};

static void compare_copy(struct verify *verify, struct cl_kv_txn **txns, struct copies *copies,
                         const struct cl_record *archived) {
	struct cli_copy copy;
	struct cl_stored own;
	if (cli_copy_open(archived, &copy) != CL_OK)
		return; /* the archive's own records */
	struct cli_log *log = cli_logs_find(&verify->logs, copy.service, copy.partition);
	if (!log)
		return; /* its log lives on another machine */
	size_t at = (size_t)(log - verify->logs.v);
	uint64_t seq = archived->cause.seq;
	if (copies[at].bad)
		return;
	copies[at].upto = seq;
	copies[at].compared++;
	int code = cl_log_read(txns[at], log->kv, seq, &own);
	if (code == CL_OK && cl_hash_eq(own.hash, copy.hash) && own.record.n == copy.bytes.n &&
	    memcmp(own.record.p, copy.bytes.p, copy.bytes.n) == 0)
		return;
	copies[at].bad = true;
	cli_error(verify->cli, code == CL_E_NOTFOUND ? CL_TEXT_CLI_ARCHIVE_AHEAD : CL_TEXT_CLI_ARCHIVE_DIFFERS,
	          CLI_ARGS(log->name, cli_num(verify->cli, seq), cli_num(verify->cli, archived->seq)));
	cli_logs_say_recovery(verify->cli, log);
	verify->result = CLI_CHECK_FAILED;
}

static int compare_all(struct verify *verify, const struct cli_log *archive, struct cl_kv_txn **txns,
                       struct copies *copies) {
	struct cl_log_reader reader;
	struct cl_stored stored;
	struct cl_record record;
	int code = cl_log_reader_open(&reader, archive->kv, 1);
	if (code != CL_OK)
		return code;
	while ((code = cl_log_reader_next(&reader, &stored)) == CL_OK &&
	       (code = cl_record_decode(stored.record, &record)) == CL_OK)
		compare_copy(verify, txns, copies, &record);
	cl_log_reader_close(&reader);
	return code == CL_E_NOTFOUND ? CL_OK : code;
}

static void compare_with_archive(struct verify *verify, const struct cli_log *archive) {
	struct cli *cli = verify->cli;
	struct cl_kv_txn **txns = cl_arena_array(cli->arena, struct cl_kv_txn *, verify->logs.n);
	struct copies *copies = cl_arena_array(cli->arena, struct copies, verify->logs.n);
	json_t *list = json_object_get(verify->json, "archive");
	int code = CL_OK;
	for (uint32_t i = 0; i < verify->logs.n && code == CL_OK; i++)
		code = verify->logs.v[i].kv->ops->begin(verify->logs.v[i].kv, false, &txns[i]);
	if (code == CL_OK)
		code = compare_all(verify, archive, txns, copies);
	if (code != CL_OK)
		found_bad(verify, archive, 0, code);
	for (uint32_t i = 0; i < verify->logs.n; i++) {
		struct cl_log_head head = {0};
		const struct cli_log *log = &verify->logs.v[i];
		if (!txns[i])
			continue;
		if (log != archive && cl_log_read_head(txns[i], log->kv, &head) == CL_OK) {
			cli_say(cli, copies[i].bad ? CL_TEXT_CLI_COPY_BAD : CL_TEXT_CLI_COPY_GOOD,
			        CLI_ARGS(log->name, cli_num(cli, copies[i].compared), cli_num(cli, head.seq)));
			json_array_append_new(list,
			                      json_pack("{s:s,s:b,s:I,s:I}", "log", log->name, "equal",
			                                (int)!copies[i].bad, "compared", (json_int_t)copies[i].compared,
			                                "records", (json_int_t)head.seq));
		}
		log->kv->ops->abort(txns[i]);
	}
}

static int finish(struct verify *verify, struct cli_table *table) {
	struct cli *cli = verify->cli;
	if (cli->json) {
		json_object_set_new(verify->json, "good", json_boolean(verify->result == CLI_OK));
		if (json_dumpf(verify->json, stdout, JSON_INDENT(1)) != 0)
			verify->result = CLI_FAILED;
		fputc('\n', stdout);
	} else if (!cli->quiet) {
		cli_table_print(table, stdout);
	}
	if (verify->result == CLI_OK)
		cli_say(cli, CL_TEXT_CLI_VERIFIED, CLI_ARGS(cli_num(cli, verify->logs.n)));
	return verify->result;
}

int cli_cmd_log_verify(struct cli *cli) {
	struct verify verify = {.cli = cli, .bar = isatty(STDERR_FILENO) && !cli->quiet};
	struct cl_keys keys;
	struct cli_table table;
	char *error = NULL;
	int result = cli_logs_open(cli, cli->arg_n ? cli->args[0] : NULL, &verify.logs);
	if (result != CLI_OK)
		return result;
	/* The key that this installation signs with; without it a log's own word is taken, which finds accidents only.
	 */
	bool has_keys = cl_config_keys(&cli->config, &keys, &error) == CL_OK;
	if (!has_keys)
		cli_error(cli, CL_TEXT_CLI_NO_KEYS, CLI_ARGS(error ? error : ""));
	free(error);
	verify.json = json_pack("{s:[],s:[]}", "logs", "archive");
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_LOG, false);
	cli_table_column(&table, CL_TEXT_CLI_H_STATE, false);
	cli_table_column(&table, CL_TEXT_CLI_H_RECORDS, true);
	cli_table_column(&table, CL_TEXT_CLI_H_CHECKPOINTS, true);
	cli_table_column(&table, CL_TEXT_CLI_H_SIGNED, true);
	cli_table_column(&table, CL_TEXT_CLI_H_ANCHORED, true);
	for (uint32_t i = 0; i < verify.logs.n; i++)
		verify_one(&verify, &verify.logs.v[i], has_keys ? keys.sign.public_key : NULL, &table);
	const struct cli_log *archive = cli_logs_find(&verify.logs, CL_REPORTING, 0);
	if (archive && !cli->arg_n)
		compare_with_archive(&verify, archive);
	result = finish(&verify, &table);
	json_decref(verify.json);
	cli_logs_close(&verify.logs);
	return result;
}
