/* The logs of this machine, read from their files: services may run or not. */
#ifndef CLI_LOGS_H
#define CLI_LOGS_H

#include "cli.h"
#include "log/log.h"
#include "plan.h"

struct cli_log {
	struct cli_plan_entry entry;
	const char *name;   /* "intake/0" */
	const char *folder; /* of the store */
	struct cl_kv *kv;
	uint64_t bytes; /* on disk */
};
struct cli_logs {
	struct cli_log *v;
	uint32_t n;
};

/* Opens every log that is here, read-only; only: a name, NULL = all. Says what is wrong: an exit code. */
int cli_logs_open(struct cli *cli, const char *only, struct cli_logs *ret_logs);
void cli_logs_close(struct cli_logs *logs);
struct cli_log *cli_logs_find(const struct cli_logs *logs, uint32_t service, uint32_t partition);

/* The original within a record of the archive; INVALID: not a copy (the archive's own log_opened, log_checkpoint). */
struct cli_copy {
	uint32_t service, partition;
	struct cl_hash hash;
	struct cl_bytes bytes;
};
CL_MUST_CHECK int cli_copy_open(const struct cl_record *archived, struct cli_copy *ret_copy);
/* What to do about a damaged log, said on stderr. */
void cli_logs_say_recovery(const struct cli *cli, const struct cli_log *log);

#endif
