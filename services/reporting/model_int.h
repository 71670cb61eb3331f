/* Inside of the read model: model.c (file, transactions), model_rows.c (what a transaction changes), model_events.c
 * (what each event means), model_find.c (ids to case numbers). */
#ifndef REPORTING_MODEL_INT_H
#define REPORTING_MODEL_INT_H

#include <sqlite3.h>
#include <stdatomic.h>

#include "archive.h"
#include "base/arena.h"
#include "columns.h"
#include "model.h"

#define MODEL_VERSION 1 /* of the tables and of what events mean to them: another one rebuilds */
#define MODEL_IDS_CACHED 65536u

enum model_stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_META,
	STMT_ID_PUT,
	STMT_ID_GET,
	STMT_TIMELINE,
	STMT_CASE_NEW,
	STMT_CASE_SET,
	STMT_SEARCH,
	STMT_CUSTOMER,
	STMT_CUSTOMER_INTO,
	STMT_ORDER,
	STMT_IMPORT,
	STMT_NOTE,
	STMT_COUNT
};

struct model_pending { /* a case that this transaction changed */
	uint64_t no;
	struct reporting_row row;
	struct cl_str person, department, source; /* new names, in the turn's arena; n == 0: as in row */
};

struct model_tally { /* counts of imports that this transaction adds to */
	uint32_t source;
	struct cl_str source_text; /* in the turn's arena */
	const char *what;          /* static */
	int64_t n;
};

struct model_id { /* request or slip */
	struct cl_id id;
	uint64_t no;
};

struct model_event {  /* an archived record as the projection sees it */
	uint64_t seq; /* in the archive */
	const struct cl_cause *source;
	struct cl_record record; /* the original */
	const struct cl_schema *schema;
	const void *body;
};

struct reporting_model {
	char *path;
	sqlite3 *db;
	sqlite3_stmt *stmts[STMT_COUNT];
	struct cl_id archive_id;
	_Atomic uint64_t seq;  /* projected, committed */
	uint64_t next_no;      /* number of the next case */
	uint64_t committed_no; /* as it was when the transaction began */
	struct reporting_columns columns;
	struct reporting_model_stats stats;

	/* one transaction */
	struct cl_arena turn;
	struct model_pending *pending;
	uint32_t pending_n, pending_cap;
	uint32_t *pending_slots, pending_slot_cap; /* by no -> index + 1 */
	struct model_tally *tallies;
	uint32_t tally_n, tally_cap;
	int rc; /* first SQLite error of the transaction */

	/* one event */
	struct cl_arena arena;
	struct cl_buf json, text;

	struct model_id *ids; /* direct-mapped cache */
};

/* model.c: a bound statement run to its end; an error is kept in model->rc. */
void model_run(struct reporting_model *model, enum model_stmt stmt);
void model_bind_id(sqlite3_stmt *stmt, int at, struct cl_id id);     /* zero id: NULL */
void model_bind_str(sqlite3_stmt *stmt, int at, struct cl_str text); /* empty: NULL; lives until the step */
void model_bind_time(sqlite3_stmt *stmt, int at, int64_t ms);        /* 0: NULL */
void model_bind_code(sqlite3_stmt *stmt, int at, const struct cl_enum *en, uint32_t value);

/* model_find.c */
uint64_t model_find(struct reporting_model *model, struct cl_id id); /* 0: not known */
void model_name(struct reporting_model *model, struct cl_id id, uint64_t no);
void model_find_forget(struct reporting_model *model); /* after a rollback */

/* model_rows.c */
struct model_pending *model_case(struct reporting_model *model, uint64_t no); /* pointer lives until the next call */
bool model_listed(const struct reporting_model *model, uint64_t no);          /* its slip is known */
void model_tally(struct reporting_model *model, const struct model_pending *of, const char *what, int64_t n);
void model_rows_flush(struct reporting_model *model);   /* writes them; then commit */
void model_rows_publish(struct reporting_model *model); /* after the commit */
void model_rows_clear(struct reporting_model *model);
CL_MUST_CHECK int model_rows_load(struct reporting_model *model);
struct cl_str model_department(const struct reporting_model *model, const struct model_pending *of);
struct cl_str model_person(const struct reporting_model *model, const struct model_pending *of);

/* model_events.c */
void model_apply(struct reporting_model *model, const struct model_event *event);

#endif
