/* Anchors: every signed checkpoint, one line each, in a folder that ought to lie outside the operator's reach. */
#include <stdio.h>
#include <stdlib.h>

#include <sodium.h>

#include "base/assert.h"
#include "base/time.h"
#include "uv/file.h"
#include "uv/process.h"

struct anchor {
	struct cl_process *process;
	char *file;
	struct cl_buf line;
	int result;
};

static void write_line(void *context) {
	struct anchor *anchor = context;
	anchor->result = cl_file_append(anchor->file, anchor->line.p, anchor->line.n);
}

static void line_written(void *context) {
	struct anchor *anchor = context;
	struct cl_process *process = anchor->process;
	if (anchor->result < 0) {
		process->anchor_failures++;
		cl_logger_write(&process->logger, CL_ERROR, "anchor_failed", "file=\"%s\" error=%s", anchor->file,
		                cl_error_name(anchor->result));
	}
	cl_buf_done(&anchor->line);
	free(anchor->file);
	free(anchor);
}

void cl_process_anchor(void *context, const struct log_checkpoint *checkpoint) {
	struct cl_process *process = context;
	if (!process->config.anchors)
		return;
	struct cl_env *env = cl_env_uv_env(process->env);
	char id[CL_ID_TEXT_BYTES], hash[65], signature[2 * CL_SIGN_BYTES + 1], time[CL_TIME_TEXT_BYTES];
	cl_id_format(checkpoint->log_id, id);
	cl_hash_hex(checkpoint->hash, hash);
	CL_ASSERT(checkpoint->signature.n == CL_SIGN_BYTES);
	sodium_bin2hex(signature, sizeof(signature), checkpoint->signature.p, checkpoint->signature.n);
	cl_time_format(env->ops->now_ms(env), 0, time);
	struct anchor *anchor = calloc(1, sizeof(*anchor));
	CL_ASSERT(anchor);
	anchor->process = process;
	int n = asprintf(&anchor->file, "%s/%s-%u.anchors", process->config.anchors, process->name, process->index);
	CL_ASSERT(n > 0);
	cl_buf_init(&anchor->line);
	cl_buf_printf(&anchor->line, "%s %llu %s %s %s\n", id, (unsigned long long)checkpoint->seq, hash, signature,
	              time);
	env->ops->work(env, CL_LANE_READER, write_line, line_written, anchor);
}
