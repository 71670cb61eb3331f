/* Inside of the queries: query.c (arguments, dispatch), query_list.c (lists and search), query_case.c (one case),
 * query_figures.c (counts). */
#ifndef REPORTING_QUERY_INT_H
#define REPORTING_QUERY_INT_H

#include "json_out.h"
#include "model_int.h"
#include "query.h"

#define QUERY_LIMIT_DEFAULT 50
#define QUERY_LIMIT_MAX 200
#define QUERY_JSON_MAX 786432 /* a page ends here: an answer holds 1 MiB */

struct reporting_reader {
	struct reporting_model *model;
	sqlite3 *db;
	struct cl_buf folded, exact, text;
	uint8_t *match; /* bit per case: found */
	uint64_t bit_n;
};

struct query_arg {
	const char *key;
	bool required;
	struct cl_str value;
};

struct query_turn {
	struct reporting_reader *reader;
	const struct reporting_question *question;
	struct reporting_answer *answer;
};

/* Sorts the query's arguments into args. False: the answer says which one is wrong. */
bool query_args(struct query_turn *turn, struct query_arg *args, uint32_t n);
bool query_invalid(struct query_turn *turn, const char *field); /* false */
bool query_number(struct query_turn *turn, const struct query_arg *arg, uint64_t least, uint64_t most, uint64_t *value);
/* Comma-separated codes to a set of bits; none: all. */
bool query_codes(struct query_turn *turn, const struct query_arg *arg, const struct cl_enum *en, uint32_t *ret_set);
/* A prepared statement; NULL: the answer says BUSY. */
sqlite3_stmt *query_prepare(struct query_turn *turn, const char *sql);
bool query_stepped(struct query_turn *turn, int step); /* false, BUSY: neither a row nor the end */
struct cl_str query_text(sqlite3_stmt *stmt, int column);
/* Number of the case that people call so; 0: NOT_FOUND is the answer. */
uint64_t query_case_no(struct query_turn *turn, struct cl_str number);
void query_case_json(struct query_turn *turn, sqlite3_stmt *stmt);
extern const char *const query_case_columns; /* what query_case_json reads, from cases c */

void query_case_list(struct query_turn *turn);
void query_case_find(struct query_turn *turn);
void query_timeline(struct query_turn *turn);
void query_report(struct query_turn *turn);
void query_tally(struct query_turn *turn);
void query_figures(struct query_turn *turn);

#endif
