/* The reporting service but for its process: the archive, the read model that follows it, and the questions that people
 * ask of both. On struct cl_env alone; all calls on the deciding thread, SQLite works on the reader lane. */
#ifndef REPORTING_REPORTING_H
#define REPORTING_REPORTING_H

#include "archive.h"
#include "model.h"

struct reporting_options {
	struct reporting_archive_options archive; /* on_durable is taken */
	struct cl_str model_path;                 /* of the SQLite file */
	uint32_t project_records;                 /* of one transaction; default 10000 */
	uint32_t questions_max;                   /* waiting for a reader, and for positions; default 1024 each */
};

struct reporting_stats {
	uint64_t questions, refused_busy, waits;
	uint64_t project_failures; /* transactions of the read model that are tried again */
};

struct reporting;
/* See reporting_archive_open; also IO, NOSPACE, NOMEM for the read model. */
CL_MUST_CHECK int reporting_open(const struct reporting_options *options, struct cl_env *env, struct cl_kv *kv,
                                 uint64_t *ret_bad_seq, struct reporting **ret_reporting);
void reporting_close(struct reporting *reporting); /* no job may be running */
void reporting_drain(struct reporting *reporting, void (*done)(void *context), void *context);
/* False: a message, or a query, that is not ours. */
bool reporting_message(struct reporting *reporting, uint16_t type, const void *body);
void reporting_turn(struct reporting *reporting);
void reporting_wake(struct reporting *reporting);

struct reporting_archive *reporting_archive_of(struct reporting *reporting);
uint64_t reporting_projected(const struct reporting *reporting); /* archive sequence */
const struct reporting_stats *reporting_stats(const struct reporting *reporting);
/* As of the last transaction. */
const struct reporting_model_stats *reporting_model_figures(const struct reporting *reporting);

#endif
