/* careloop log repair: a damaged log is built anew from the archive's verified copies, and from what the damaged one
 * still holds behind them in an unbroken chain. The damaged folder is moved aside, never deleted. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "actor/partition.h"
#include "base/time.h"
#include "commands.h"
#include "domains.h"
#include "log/be.h"
#include "logs.h"
#include "uv/service.h"

#define BATCH_RECORDS 5000

struct repair {
	struct cli *cli;
	const char *name, *folder, *aside;
	struct cli_plan_entry entry;
	struct cl_kv *fresh;
	struct cl_kv_txn *txn;
	struct cl_buf value;
	uint64_t seq; /* last record written */
	struct cl_hash hash;
	uint64_t from_archive, from_damaged;
	uint32_t in_txn;
};

static int commit(struct repair *repair) {
	struct cl_kv_txn *txn = repair->txn;
	repair->txn = NULL;
	repair->in_txn = 0;
	return txn ? repair->fresh->ops->commit(txn) : CL_OK;
}

/* Takes the record if it is the next of the chain; CHAIN, if it is not. */
static int append(struct repair *repair, struct cl_bytes record, struct cl_hash hash) {
	uint8_t key[8];
	if (cl_record_seq(record) != repair->seq + 1 ||
	    !cl_hash_eq(cl_hash_chain(repair->hash, record.p, record.n), hash))
		return CL_E_CHAIN;
	int code = repair->txn ? CL_OK : repair->fresh->ops->begin(repair->fresh, true, &repair->txn);
	if (code != CL_OK)
		return code;
	cl_be64_put(key, repair->seq + 1);
	cl_buf_clear(&repair->value);
	cl_stored_put(hash, record, &repair->value);
	code = repair->fresh->ops->put(repair->txn, CL_EVENTS, (struct cl_bytes){key, sizeof(key)},
	                               cl_buf_bytes(&repair->value), true);
	if (code != CL_OK)
		return code;
	repair->seq++;
	repair->hash = hash;
	return ++repair->in_txn == BATCH_RECORDS ? commit(repair) : CL_OK;
}

static int take_archive(struct repair *repair, const struct cli_log *archive) {
	struct cl_log_reader reader;
	struct cl_stored stored;
	struct cl_record record;
	struct cli_copy copy;
	int code = cl_log_reader_open(&reader, archive->kv, 1);
	if (code != CL_OK)
		return code;
	while ((code = cl_log_reader_next(&reader, &stored)) == CL_OK &&
	       (code = cl_record_decode(stored.record, &record)) == CL_OK) {
		if (cli_copy_open(&record, &copy) != CL_OK || copy.service != repair->entry.service ||
		    copy.partition != repair->entry.partition)
			continue;
		code = append(repair, copy.bytes, copy.hash);
		if (code != CL_OK)
			break;
		repair->from_archive++;
	}
	cl_log_reader_close(&reader);
	return code == CL_E_NOTFOUND ? CL_OK : code;
}

/* What the archive had not copied yet, as far as the chain holds. */
static int take_damaged(struct repair *repair) {
	struct cl_kv *kv;
	struct cl_kv_txn *txn;
	struct cl_stored stored;
	struct cl_record record;
	int code = cl_kv_lmdb_open(repair->aside, (uint64_t)repair->cli->config.map_gib << 30, true, &kv);
	if (code != CL_OK)
		return CL_OK; /* nothing to be had from it */
	code = kv->ops->begin(kv, false, &txn);
	while (code == CL_OK && cl_log_read(txn, kv, repair->seq + 1, &stored) == CL_OK &&
	       cl_record_decode(stored.record, &record) == CL_OK) {
		code = append(repair, stored.record, stored.hash);
		repair->from_damaged += code == CL_OK;
	}
	if (code == CL_OK || code == CL_E_CHAIN) {
		kv->ops->abort(txn);
		code = CL_OK;
	}
	kv->ops->close(kv);
	return code;
}

/* Everything beside the events follows from them. */
static int derive(struct repair *repair) {
	struct cli *cli = repair->cli;
	struct cl_keys keys;
	struct cl_log log;
	char *error = NULL;
	uint64_t bad_seq = 0;
	uv_timeval64_t now;
	int code = cl_config_keys(&cli->config, &keys, &error);
	free(error);
	if (code != CL_OK || uv_gettimeofday(&now) != 0)
		return code != CL_OK ? code : CL_E_IO;
	struct cl_log_identity identity = {.service = repair->entry.service,
	                                   .partition = repair->entry.partition,
	                                   .partitions = cli->config.services[repair->entry.service].partitions,
	                                   .sign_key = keys.sign};
	code = cl_log_open(&log, repair->fresh, &identity, (int64_t)cli->config.command_window_days * 86400000,
	                   now.tv_sec * 1000, &bad_seq);
	return code == CL_OK ? cl_partition_rebuild(cli_domain(repair->entry.service), &log) : code;
}

static int build(struct repair *repair, const struct cli_log *archive) {
	int code = cl_kv_lmdb_open(repair->folder, (uint64_t)repair->cli->config.map_gib << 30, false, &repair->fresh);
	if (code != CL_OK)
		return code;
	cl_buf_init(&repair->value);
	code = take_archive(repair, archive);
	if (code == CL_OK)
		code = take_damaged(repair);
	int committed = commit(repair);
	code = code == CL_OK ? committed : code;
	if (code == CL_OK && repair->seq == 0)
		code = CL_E_NOTFOUND;
	if (code == CL_OK)
		code = derive(repair);
	cl_buf_done(&repair->value);
	repair->fresh->ops->close(repair->fresh);
	return code;
}

/* A service that still runs on it holds its lock. */
static bool in_use(const struct repair *repair) {
	struct cl_kv *kv;
	int code = cl_kv_lmdb_open(repair->folder, (uint64_t)repair->cli->config.map_gib << 30, false, &kv);
	if (code == CL_OK)
		kv->ops->close(kv);
	return code == CL_E_BUSY;
}

static int move_aside(struct repair *repair) {
	char stamp[32];
	struct tm tm;
	time_t now = time(NULL);
	if (access(cli_fmt(repair->cli, "%s/data.mdb", repair->folder), F_OK) != 0) {
		/* Moved by hand already: its records are where only its owner knows. */
		repair->aside = cli_fmt(repair->cli, "%s.none", repair->folder);
	} else {
		if (in_use(repair)) {
			cli_error(repair->cli, CL_TEXT_CLI_REPAIR_BUSY,
			          CLI_ARGS(repair->name, repair->cli->config.dir));
			return CLI_FAILED;
		}
		strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", gmtime_r(&now, &tm));
		repair->aside = cli_fmt(repair->cli, "%s.damaged-%s", repair->folder, stamp);
		if (rename(repair->folder, repair->aside) != 0) {
			cli_error(repair->cli, CL_TEXT_CLI_CANNOT_WRITE, CLI_ARGS(repair->aside, strerror(errno)));
			return CLI_FAILED;
		}
	}
	if (mkdir(repair->folder, 0700) != 0 && errno != EEXIST) {
		cli_error(repair->cli, CL_TEXT_CLI_CANNOT_WRITE, CLI_ARGS(repair->folder, strerror(errno)));
		return CLI_FAILED;
	}
	return CLI_OK;
}

static int choose(struct cli *cli, struct repair *repair) {
	const char *service = cli_opt(cli, "service");
	uint64_t partition;
	if (!cli_opt_u64(cli, "partition", 0, 1023, &partition))
		return CLI_USAGE;
	repair->entry =
	        (struct cli_plan_entry){cl_service_by_name(cl_str_from(service ? service : "")), (uint32_t)partition};
	if (cli_domain(repair->entry.service) && partition < cli->config.services[repair->entry.service].partitions)
		return CLI_OK;
	cli_error(cli, CL_TEXT_CLI_REPAIR_WHICH,
	          CLI_ARGS(cli_fmt(cli, "%s/%" PRIu64, service ? service : "?", partition)));
	return CLI_USAGE;
}

int cli_cmd_log_repair(struct cli *cli) {
	struct repair repair = {.cli = cli};
	struct cli_logs archive;
	int result = cli_config(cli);
	if (result == CLI_OK)
		result = choose(cli, &repair);
	if (result == CLI_OK)
		result = cli_logs_open(cli, "reporting/0", &archive);
	if (result != CLI_OK)
		return result;
	repair.name = cli_plan_name(&repair.entry, '/', cli->arena);
	repair.folder = cli_fmt(cli, "%s/%s", cli->config.dir, cli_plan_name(&repair.entry, '-', cli->arena));
	result = move_aside(&repair);
	if (result == CLI_OK) {
		int code = build(&repair, &archive.v[0]);
		if (code != CL_OK) {
			cli_error(
			        cli, CL_TEXT_CLI_REPAIR_FAILED,
			        CLI_ARGS(repair.name, cli_num(cli, repair.seq + 1), cl_error_text(code), repair.aside));
			result = CLI_CHECK_FAILED;
		} else {
			cli_say(cli, CL_TEXT_CLI_REPAIRED,
			        CLI_ARGS(repair.name, cli_num(cli, repair.seq), cli_num(cli, repair.from_archive),
			                 cli_num(cli, repair.from_damaged), repair.aside));
		}
	}
	cli_logs_close(&archive);
	return result;
}
