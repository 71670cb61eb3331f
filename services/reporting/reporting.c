#include <stdlib.h>

#include "base/assert.h"
#include "reporting_int.h"

#define PROJECT_RETRY_MS 1000

void reporting_post_answer(struct reporting *reporting, struct cl_str reply_to, const struct wire_answer *answer) {
	/* A lost answer is asked for again. */
	(void)reporting->env->ops->post(reporting->env, reply_to, CL_T_wire_answer, answer);
}

/* -- projection: one transaction at a time on the reader lane, as long as the archive is ahead -- */

static void project_run(void *context) {
	struct reporting *reporting = context;
	reporting->project_rc = reporting_model_follow(reporting->model, reporting->kv,
	                                               reporting->options.project_records, &reporting->projected_n);
}

static void project_done(void *context);

static void project(struct reporting *reporting) {
	uint64_t head = reporting_archive_log(reporting->archive)->head.seq;
	if (reporting->projecting || reporting->stopping || reporting_projected(reporting) >= head ||
	    reporting->env->ops->steady_ms(reporting->env) < reporting->project_again_ms)
		return;
	reporting->projecting = true;
	reporting->env->ops->work(reporting->env, CL_LANE_READER, project_run, project_done, reporting);
}

static void project_failed(struct reporting *reporting) {
	struct cl_env *env = reporting->env;
	env->ops->log(env, CL_ERROR, "read_model_failed", "error=%s seq=%llu", cl_error_name(reporting->project_rc),
	              (unsigned long long)reporting_projected(reporting));
	if (reporting->project_rc == CL_E_MALFORMED) {
		env->ops->die(env, "a bad record was met in the archive");
	} else if (reporting->project_rc == CL_E_CORRUPT) {
		/* The next start makes it anew; should the file stay, so does the error. */
		(void)!reporting_model_delete(reporting_model_path(reporting->model));
		env->ops->die(env, "the read model is damaged; the next start makes it anew");
	}
	reporting->stats.project_failures++;
	reporting->project_again_ms = env->ops->steady_ms(env) + PROJECT_RETRY_MS;
}

static void project_done(void *context) {
	struct reporting *reporting = context;
	reporting->projecting = false;
	reporting->model_stats = *reporting_model_stats(reporting->model);
	if (reporting->project_rc != CL_OK)
		project_failed(reporting);
	waits_look(reporting);
	project(reporting);
}

static void on_durable(void *context, const struct cl_log_head *head) {
	struct reporting *reporting = context;
	(void)head;
	if (reporting->archive)
		project(reporting);
}

/* -- life -- */

static int open_model(struct reporting *reporting) {
	const struct cl_log *log = reporting_archive_log(reporting->archive);
	struct cl_buf path;
	cl_buf_init(&path);
	cl_buf_str(&path, reporting->options.model_path);
	cl_buf_putc(&path, '\0');
	int rc = reporting_model_open((const char *)path.p, log->identity.log_id, log->head.seq, &reporting->model);
	if (rc == CL_E_CORRUPT) {
		rc = reporting_model_delete((const char *)path.p);
		if (rc == CL_OK)
			rc = reporting_model_open((const char *)path.p, log->identity.log_id, log->head.seq,
			                          &reporting->model);
	}
	cl_buf_done(&path);
	return rc;
}

int reporting_open(const struct reporting_options *options, struct cl_env *env, struct cl_kv *kv, uint64_t *ret_bad_seq,
                   struct reporting **ret_reporting) {
	struct reporting *reporting = calloc(1, sizeof(*reporting));
	if (!reporting)
		return CL_E_NOMEM;
	reporting->options = *options;
	if (!reporting->options.project_records)
		reporting->options.project_records = 10000;
	if (!reporting->options.questions_max)
		reporting->options.questions_max = 1024;
	reporting->options.archive.on_durable = on_durable;
	reporting->options.archive.on_durable_context = reporting;
	reporting->env = env;
	reporting->kv = kv;
	*ret_bad_seq = 0;
	int rc = reporting_archive_open(&reporting->options.archive, env, kv, ret_bad_seq, &reporting->archive);
	if (rc == CL_OK)
		rc = open_model(reporting);
	if (rc != CL_OK) {
		reporting_close(reporting);
		return rc;
	}
	reporting->model_stats = *reporting_model_stats(reporting->model);
	if (reporting->model_stats.rebuilt)
		env->ops->log(env, CL_INFO, "read_model_rebuilds", "records=%llu",
		              (unsigned long long)reporting_archive_log(reporting->archive)->head.seq);
	project(reporting);
	*ret_reporting = reporting;
	return CL_OK;
}

void reporting_close(struct reporting *reporting) {
	if (!reporting)
		return;
	waits_done(reporting);
	questions_done(reporting);
	reporting_model_close(reporting->model);
	reporting_archive_close(reporting->archive);
	free(reporting);
}

void reporting_drain(struct reporting *reporting, void (*done)(void *context), void *context) {
	reporting->stopping = true;
	reporting_archive_drain(reporting->archive, done, context);
}

/* -- messages -- */

static bool ask(struct reporting *reporting, const struct wire_query *query) {
	if (cl_str_eqc(query->name, "min_seq"))
		waits_ask(reporting, query);
	else if (reporting_query_known(query->name))
		questions_ask(reporting, query);
	else
		return false;
	return true;
}

bool reporting_message(struct reporting *reporting, uint16_t type, const void *body) {
	return type == CL_T_wire_query ? ask(reporting, body)
	                               : reporting_archive_message(reporting->archive, type, body);
}

void reporting_turn(struct reporting *reporting) {
	reporting_archive_turn(reporting->archive);
}

void reporting_wake(struct reporting *reporting) {
	reporting_archive_wake(reporting->archive);
	waits_look(reporting);
	project(reporting);
}

struct reporting_archive *reporting_archive_of(struct reporting *reporting) {
	return reporting->archive;
}

uint64_t reporting_projected(const struct reporting *reporting) {
	return reporting_model_seq(reporting->model);
}

const struct reporting_stats *reporting_stats(const struct reporting *reporting) {
	return &reporting->stats;
}

const struct reporting_model_stats *reporting_model_figures(const struct reporting *reporting) {
	return &reporting->model_stats;
}
