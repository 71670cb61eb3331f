#include "query_int.h"

#include <stdlib.h>

#include "base/assert.h"

#define CODES_MAX 32 /* values of an enum; the sets of bits in query_list.c hold as many */

static void counts(struct cl_buf *out, const char *key, const struct cl_enum *en, const uint64_t n[CODES_MAX]) {
	json_open(out, key, '{');
	for (uint32_t i = 0; i < en->n; i++)
		json_u64(out, en->values[i].code, n[en->values[i].value]);
	cl_buf_putc(out, '}');
}

struct figures {
	uint64_t status[CODES_MAX], category[CODES_MAX], priority[CODES_MAX], outcome[CODES_MAX];
	uint64_t cases, overdue, unassigned;
};

/* Counts rows; source 0 = all. Caller holds the columns' lock. */
static void count(const struct reporting_columns *columns, uint32_t source, int64_t now_ms, struct figures *figures) {
	for (uint64_t no = 1; no <= columns->n; no++) {
		const struct reporting_row *row = reporting_columns_at(columns, no);
		if (!row->known || (source && row->source != source))
			continue;
		figures->cases++;
		figures->status[row->status % CODES_MAX]++;
		figures->category[row->category % CODES_MAX]++;
		figures->priority[row->priority % CODES_MAX]++;
		figures->outcome[row->outcome % CODES_MAX]++;
		if (row->status == CASE_CLOSED)
			continue;
		figures->unassigned += !row->person;
		figures->overdue += row->due_at && row->due_at < now_ms;
	}
}

void query_figures(struct query_turn *turn) {
	struct reporting_columns *columns = &turn->reader->model->columns;
	struct cl_buf *out = &turn->answer->json;
	struct figures figures = {.cases = 0};
	if (!query_args(turn, NULL, 0))
		return;
	pthread_rwlock_rdlock(&columns->lock);
	count(columns, 0, turn->question->now_ms, &figures);
	pthread_rwlock_unlock(&columns->lock);
	cl_buf_putc(out, '{');
	json_u64(out, "cases", figures.cases);
	json_u64(out, "overdue", figures.overdue);
	json_u64(out, "unassigned", figures.unassigned);
	counts(out, "status", &cl_enum_case_status, figures.status);
	counts(out, "category", &cl_enum_category, figures.category);
	counts(out, "priority", &cl_enum_level, figures.priority);
	counts(out, "outcome", &cl_enum_close_outcome, figures.outcome);
	json_u64(out, "seq", reporting_model_seq(turn->reader->model));
	cl_buf_putc(out, '}');
}

/* -- tally: what became of an import -- */

static bool is_row_count(struct cl_str what) {
	return cl_str_eqc(what, "cases") || cl_str_eqc(what, "rows") || cl_str_eqc(what, "changed") ||
	       cl_str_eqc(what, "noted") || cl_str_eqc(what, "refused");
}

/* Row counts as members, or the counts of events by type. */
static void tally_counts(struct query_turn *turn, struct cl_str source, bool rows) {
	sqlite3_stmt *stmt = query_prepare(turn, "SELECT what, n FROM imports WHERE source = ?1 ORDER BY what");
	int step;
	if (!stmt)
		return;
	model_bind_str(stmt, 1, source);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct cl_str what = query_text(stmt, 0);
		if (is_row_count(what) == rows)
			json_u64(&turn->answer->json, what.p, (uint64_t)sqlite3_column_int64(stmt, 1));
	}
	sqlite3_finalize(stmt);
	(void)query_stepped(turn, step);
}

static void tally_notes(struct query_turn *turn, struct cl_str source) {
	struct cl_buf *out = &turn->answer->json;
	sqlite3_stmt *stmt = query_prepare(turn, "SELECT activity, act, reason, n FROM import_notes WHERE source = ?1"
	                                         " ORDER BY activity, act, reason");
	int step;
	if (!stmt)
		return;
	model_bind_str(stmt, 1, source);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW && out->n < QUERY_JSON_MAX) {
		json_item(out);
		cl_buf_putc(out, '{');
		json_str(out, "activity", query_text(stmt, 0));
		json_str(out, "act", query_text(stmt, 1));
		json_str(out, "reason", query_text(stmt, 2));
		json_u64(out, "n", (uint64_t)sqlite3_column_int64(stmt, 3));
		cl_buf_putc(out, '}');
	}
	sqlite3_finalize(stmt);
	(void)query_stepped(turn, step);
}

static void tally_one(struct query_turn *turn, struct cl_str source, const struct figures *figures) {
	struct cl_buf *out = &turn->answer->json;
	json_item(out);
	cl_buf_putc(out, '{');
	json_str(out, "source", source);
	tally_counts(turn, source, true);
	json_open(out, "events", '{');
	tally_counts(turn, source, false);
	cl_buf_putc(out, '}');
	counts(out, "outcome", &cl_enum_close_outcome, figures->outcome);
	counts(out, "status", &cl_enum_case_status, figures->status);
	json_open(out, "notes", '[');
	tally_notes(turn, source);
	cl_buf_puts(out, "]}");
}

void query_tally(struct query_turn *turn) {
	struct query_arg args[] = {{.key = "source"}};
	struct reporting_columns *columns = &turn->reader->model->columns;
	struct cl_buf *out = &turn->answer->json;
	if (!query_args(turn, args, 1))
		return;
	cl_buf_putc(out, '{');
	json_open(out, "sources", '[');
	pthread_rwlock_rdlock(&columns->lock);
	uint32_t source_n = columns->sources.n;
	pthread_rwlock_unlock(&columns->lock);
	for (uint32_t source = 1; source <= source_n && out->n < QUERY_JSON_MAX; source++) {
		struct figures figures = {.cases = 0};
		pthread_rwlock_rdlock(&columns->lock);
		struct cl_str name = reporting_names_text(&columns->sources, source); /* never freed while we run */
		bool wanted = !args[0].value.n || cl_str_eq(args[0].value, name);
		if (wanted)
			count(columns, source, turn->question->now_ms, &figures);
		pthread_rwlock_unlock(&columns->lock);
		if (wanted)
			tally_one(turn, name, &figures);
	}
	cl_buf_puts(out, "]}");
}
