/* careloop replay: rebuilds every actor's state from the events, aside, and holds it against the state that the running
 * service wrote. Events and states are read in one snapshot, so services may go on working meanwhile. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "actor/partition.h"
#include "commands.h"
#include "domains.h"
#include "logs.h"

#define DIFFERENCES_SHOWN 10

struct until { /* where to stop; both unset: at the head */
	uint64_t seq;
	int64_t recorded_ms;
};

struct comparison {
	struct cli *cli;
	const struct cli_log *log;
	struct cl_kv_txn *txn;
	uint64_t upto; /* last record replayed */
	uint64_t records, actors, equal, different, later, live;
	uint64_t ns;
	uint32_t shown;
};

/* Names of the fields in which two states of one kind differ. */
static const char *differing_fields(struct cli *cli, const struct cl_schema *schema, const void *a, const void *b) {
	const char *names = "";
	for (uint32_t i = 0; i < schema->n; i++) {
		struct cl_schema one = *schema;
		one.fields = &schema->fields[i];
		one.n = 1;
		if (!cl_equal(&one, a, b))
			names = cli_fmt(cli, "%s%s%s", names, *names ? ", " : "", schema->fields[i].name);
	}
	return names;
}

static const char *explain(struct comparison *comparison, const struct cl_domain *domain,
                           const struct cl_replay_actor *actor, const struct cl_log_actor *live) {
	struct cli *cli = comparison->cli;
	if (live->version != actor->version || live->last_seq != actor->last_seq)
		return cli_fmt(cli, "version %" PRIu32 " / %" PRIu32, live->version, actor->version);
	for (uint32_t i = 0; i < domain->kind_n; i++) {
		const struct cl_schema *schema = domain->kinds[i].state;
		if (domain->kinds[i].kind != actor->kind)
			continue;
		void *a = cl_arena_alloc(cli->arena, schema->size), *b = cl_arena_alloc(cli->arena, schema->size);
		if (cl_decode(schema, live->state, cli->arena, a, NULL) == CL_OK &&
		    cl_decode(schema, actor->state, cli->arena, b, NULL) == CL_OK)
			return differing_fields(cli, schema, a, b);
	}
	return cl_error_text(CL_E_MALFORMED);
}

static void compare_actor(void *context, const struct cl_replay_actor *actor) {
	struct comparison *comparison = context;
	struct cli *cli = comparison->cli;
	struct cl_log_actor live = {0};
	char id[CL_ID_TEXT_BYTES];
	comparison->actors++;
	int code = cl_log_actor(comparison->txn, comparison->log->kv, actor->kind, actor->id, &live);
	if (code == CL_OK && live.last_seq > comparison->upto) {
		comparison->later++; /* it has lived on since the moment asked for */
		return;
	}
	if (code == CL_OK && live.version == actor->version && live.last_seq == actor->last_seq &&
	    live.state.n == actor->state.n &&
	    (live.state.n == 0 || memcmp(live.state.p, actor->state.p, live.state.n) == 0)) {
		comparison->equal++;
		return;
	}
	comparison->different++;
	if (comparison->shown++ >= DIFFERENCES_SHOWN)
		return;
	cl_id_format(actor->id, id);
	const char *kind = cl_kind_name(actor->kind);
	cli_error(cli, CL_TEXT_CLI_REPLAY_DIFFERS,
	          CLI_ARGS(comparison->log->name, kind ? kind : "?", id,
	                   code == CL_OK ? explain(comparison, cli_domain(comparison->log->entry.service), actor, &live)
	                                 : cl_error_text(code)));
}

/* How many actors the service holds; what the replay does not know at all is a difference too. */
static int count_live(struct comparison *comparison) {
	struct cl_kv *kv = comparison->log->kv;
	struct cl_kv_cursor *cursor;
	struct cl_bytes key = {(const uint8_t *)"\0", 1}, value;
	int code = kv->ops->cursor_open(comparison->txn, CL_ACTORS, &cursor);
	if (code != CL_OK)
		return code;
	for (code = kv->ops->seek(cursor, key, &key, &value); code == CL_OK; code = kv->ops->next(cursor, &key, &value))
		comparison->live++;
	kv->ops->cursor_close(cursor);
	return code == CL_E_NOTFOUND ? CL_OK : code;
}

static int run_log(struct comparison *comparison, struct cl_replay *replay, const struct until *until) {
	struct cl_log_reader reader;
	struct cl_stored stored;
	struct cl_record record;
	int code = cl_log_reader_open(&reader, comparison->log->kv, 1);
	if (code != CL_OK)
		return code;
	uint64_t began = uv_hrtime();
	while ((code = cl_log_reader_next(&reader, &stored)) == CL_OK) {
		code = cl_record_decode(stored.record, &record);
		if (code != CL_OK || (until->seq && record.seq > until->seq) ||
		    (until->recorded_ms && record.recorded_ms > until->recorded_ms))
			break;
		code = cl_replay_record(replay, &record);
		if (code != CL_OK)
			break;
		comparison->upto = record.seq;
		comparison->records++;
	}
	comparison->ns = uv_hrtime() - began;
	code = code == CL_E_NOTFOUND ? CL_OK : code;
	if (code == CL_OK) {
		comparison->txn = reader.txn; /* the same snapshot */
		cl_replay_each(replay, compare_actor, comparison);
		code = count_live(comparison);
	}
	cl_log_reader_close(&reader);
	return code;
}

static bool parse_until(struct cli *cli, struct until *ret_until) {
	const char *text = cli_opt(cli, "until");
	*ret_until = (struct until){0};
	if (!text || cl_str_u64(cl_str_from(text), &ret_until->seq) == CL_OK ||
	    cli_time_parse(cl_str_from(text), &ret_until->recorded_ms) == CL_OK)
		return true;
	cli_error(cli, CL_TEXT_CLI_BAD_TIME, CLI_ARGS("until", text));
	return false;
}

static int replay_one(struct cli *cli, const struct cli_log *log, const struct until *until, struct cli_table *table,
                      json_t *list) {
	struct comparison comparison = {.cli = cli, .log = log};
	struct cl_replay *replay;
	bool whole = until->seq == 0 && until->recorded_ms == 0;
	int code = cl_replay_new(cli_domain(log->entry.service), &replay);
	if (code == CL_OK) {
		code = run_log(&comparison, replay, until);
		cl_replay_free(replay);
	}
	if (code != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_LOG_BAD,
		          CLI_ARGS(log->name, cli_num(cli, comparison.upto + 1), cl_error_text(code)));
		cli_logs_say_recovery(cli, log);
		return CLI_CHECK_FAILED;
	}
	if (whole && comparison.live > comparison.actors)
		comparison.different += comparison.live - comparison.actors;
	if (comparison.different)
		cli_error(cli, CL_TEXT_CLI_REPLAY_RECOVER, CLI_ARGS(log->name));
	double seconds = (double)(comparison.ns ? comparison.ns : 1) / 1e9;
	uint64_t rate = (uint64_t)((double)comparison.records / seconds);
	cli_table_row(table, CLI_ARGS(log->name, cli_num(cli, comparison.records), cli_num(cli, comparison.actors),
	                              cli_num(cli, comparison.equal), cli_num(cli, comparison.different),
	                              whole ? "-" : cli_num(cli, comparison.later), cli_num(cli, rate)));
	json_array_append_new(list,
	                      json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "log", log->name, "records",
	                                (json_int_t)comparison.records, "upto", (json_int_t)comparison.upto, "actors",
	                                (json_int_t)comparison.actors, "equal", (json_int_t)comparison.equal,
	                                "different", (json_int_t)comparison.different, "later",
	                                (json_int_t)comparison.later, "records_per_second", (json_int_t)rate));
	return comparison.different ? CLI_CHECK_FAILED : CLI_OK;
}

int cli_cmd_replay(struct cli *cli) {
	struct cli_logs logs;
	struct until until;
	struct cli_table table;
	if (!parse_until(cli, &until))
		return CLI_USAGE;
	int result = cli_logs_open(cli, cli->arg_n ? cli->args[0] : NULL, &logs);
	if (result != CLI_OK)
		return result;
	json_t *all = json_pack("{s:[]}", "logs");
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_LOG, false);
	cli_table_column(&table, CL_TEXT_CLI_H_RECORDS, true);
	cli_table_column(&table, CL_TEXT_CLI_H_ACTORS, true);
	cli_table_column(&table, CL_TEXT_CLI_H_EQUAL, true);
	cli_table_column(&table, CL_TEXT_CLI_H_DIFFERENT, true);
	cli_table_column(&table, CL_TEXT_CLI_H_LATER, true);
	cli_table_column(&table, CL_TEXT_CLI_H_RATE, true);
	for (uint32_t i = 0; i < logs.n; i++) {
		if (!cli_domain(logs.v[i].entry.service))
			continue; /* the archive has no actors: log verify compares it with its sources */
		int one = replay_one(cli, &logs.v[i], &until, &table, json_object_get(all, "logs"));
		result = one != CLI_OK ? one : result;
	}
	json_object_set_new(all, "equal", json_boolean(result == CLI_OK));
	if (cli->json) {
		if (json_dumpf(all, stdout, JSON_INDENT(1)) != 0)
			result = CLI_FAILED;
		fputc('\n', stdout);
	} else if (!cli->quiet) {
		cli_table_print(&table, stdout);
	}
	if (result == CLI_OK)
		cli_say(cli, until.seq || until.recorded_ms ? CL_TEXT_CLI_REPLAY_UNTIL : CL_TEXT_CLI_REPLAY_EQUAL,
		        CLI_NO_ARGS);
	json_decref(all);
	cli_logs_close(&logs);
	return result;
}
