/* Inside of the service: reporting.c (projection, life), questions.c (queries on the reader lane), waits.c (min_seq).
 */
#ifndef REPORTING_REPORTING_INT_H
#define REPORTING_REPORTING_INT_H

#include "base/arena.h"
#include "query.h"
#include "reporting.h"

#define READERS_MAX 3 /* of the loop's four threads; one is left to the projection */

struct question {
	struct question *next;
	struct reporting *reporting;
	struct cl_arena arena;
	struct wire_query query;
	struct reporting_question asked;
	struct reporting_reader *reader;
	struct reporting_answer answer;
};

struct questions {
	struct question *first, **end;
	uint32_t n;
	struct reporting_reader *free[READERS_MAX];
	uint32_t free_n, opened;
};

struct wait { /* a min_seq that is not reached yet */
	struct wait *next;
	struct cl_arena arena;
	struct cl_id id;
	struct cl_str reply_to;
	struct log_position *positions;
	uint32_t n;
	uint64_t archive_seq; /* where they are all archived; 0: not yet */
	int64_t until_ms;     /* steady */
};

struct reporting {
	struct reporting_options options;
	struct cl_env *env;
	struct cl_kv *kv;
	struct reporting_archive *archive;
	struct reporting_model *model;
	struct reporting_stats stats;
	struct reporting_model_stats model_stats; /* copy, of this thread */
	bool projecting, stopping;
	int project_rc;
	uint32_t projected_n;     /* of the last transaction */
	int64_t project_again_ms; /* steady: after a failure; 0 = at once */
	struct questions questions;
	struct wait *waits;
	uint32_t wait_n;
};

void reporting_post_answer(struct reporting *reporting, struct cl_str reply_to, const struct wire_answer *answer);

/* questions.c */
void questions_ask(struct reporting *reporting, const struct wire_query *query);
void questions_done(struct reporting *reporting);

/* waits.c */
void waits_ask(struct reporting *reporting, const struct wire_query *query);
void waits_look(struct reporting *reporting); /* answers those that are reached or over */
void waits_done(struct reporting *reporting);

#endif
