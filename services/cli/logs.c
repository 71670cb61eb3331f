#include "logs.h"

#include <sys/stat.h>
#include <unistd.h>

#include "uv/service.h"

static uint64_t bytes_on_disk(const char *folder, struct cli *cli) {
	struct stat st;
	return stat(cli_fmt(cli, "%s/data.mdb", folder), &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

static int open_one(struct cli *cli, struct cli_log *log) {
	int result = cl_kv_lmdb_open(log->folder, (uint64_t)cli->config.map_gib << 30, true, &log->kv);
	if (result == CL_OK) {
		log->bytes = bytes_on_disk(log->folder, cli);
		return CLI_OK;
	}
	cli_error(cli, CL_TEXT_CLI_LOG_CANNOT_OPEN, CLI_ARGS(log->name, log->folder, cl_error_text(result)));
	if (result != CL_E_CORRUPT)
		return CLI_FAILED;
	cli_logs_say_recovery(cli, log);
	return CLI_CHECK_FAILED;
}

int cli_logs_open(struct cli *cli, const char *only, struct cli_logs *ret_logs) {
	struct cli_logs logs = {0};
	int result = cli_config(cli);
	if (result != CLI_OK)
		return result;
	struct cli_plan plan = cli_plan_make(&cli->config, false, cli->arena);
	logs.v = cl_arena_array(cli->arena, struct cli_log, plan.n);
	for (uint32_t i = 0; i < plan.n && result == CLI_OK; i++) {
		if (plan.v[i].service == CL_GATEWAY)
			continue;
		struct cli_log log = {.entry = plan.v[i]};
		log.name = cli_plan_name(&log.entry, '/', cli->arena);
		log.folder = cli_fmt(cli, "%s/%s", cli->config.dir, cli_plan_name(&log.entry, '-', cli->arena));
		if ((only && strcmp(only, log.name) != 0) || access(cli_fmt(cli, "%s/data.mdb", log.folder), F_OK) != 0)
			continue;
		result = open_one(cli, &log);
		if (result == CLI_OK)
			logs.v[logs.n++] = log;
	}
	if (result == CLI_OK && logs.n == 0) {
		cli_error(cli, only ? CL_TEXT_CLI_LOG_UNKNOWN : CL_TEXT_CLI_NO_LOGS,
		          CLI_ARGS(only ? only : cli->config.dir));
		result = CLI_NOT_FOUND;
	}
	if (result != CLI_OK)
		cli_logs_close(&logs);
	else
		*ret_logs = logs;
	return result;
}

void cli_logs_close(struct cli_logs *logs) {
	for (uint32_t i = 0; i < logs->n; i++)
		logs->v[i].kv->ops->close(logs->v[i].kv);
	logs->n = 0;
}

struct cli_log *cli_logs_find(const struct cli_logs *logs, uint32_t service, uint32_t partition) {
	for (uint32_t i = 0; i < logs->n; i++)
		if (logs->v[i].entry.service == service && logs->v[i].entry.partition == partition)
			return &logs->v[i];
	return NULL;
}

int cli_copy_open(const struct cl_record *archived, struct cli_copy *ret_copy) {
	struct record_archived body;
	struct cl_arena none; /* the schema has no list: nothing is allocated */
	if (archived->type != CL_T_record_archived)
		return CL_E_INVALID;
	cl_arena_init(&none, 64);
	int result = cl_decode_trusted(&cl_schema_record_archived, archived->payload, &none, &body);
	cl_arena_done(&none);
	if (result != CL_OK)
		return result;
	*ret_copy = (struct cli_copy){archived->cause.service, archived->cause.partition, body.hash, body.record};
	return CL_OK;
}

void cli_logs_say_recovery(const struct cli *cli, const struct cli_log *log) {
	if (log->entry.service == CL_REPORTING)
		cli_error(cli, CL_TEXT_CLI_RECOVER_ARCHIVE, CLI_ARGS(log->folder));
	else
		cli_error(cli, CL_TEXT_CLI_RECOVER_LOG, CLI_ARGS(log->name, log->folder));
}
