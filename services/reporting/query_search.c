/* Search. What is found in the order of the index goes from the newest match back until the page is full; in another
 * order the newest SORTED_MAX matches are gathered first. Both are bounded: common words stand in half of all cases. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "query_list.h"
#include "search_text.h"

#define NUMBERS_MAX 10000  /* cases looked up by the beginning of their number */
#define SORTED_MAX 100000  /* matches that are sorted by something else */
#define NEW_DOWN INT64_MAX /* rows numbered below this: all */

static void set_bit(uint8_t *bits, uint64_t bit_n, uint64_t no) {
	if (no < bit_n)
		bits[no / 8] |= (uint8_t)(1u << (no % 8));
}

static void clear_bits(struct reporting_reader *reader) {
	pthread_rwlock_rdlock(&reader->model->columns.lock);
	uint64_t n = reader->model->columns.n + 1;
	pthread_rwlock_unlock(&reader->model->columns.lock);
	size_t bytes = (size_t)(n / 8 + 1);
	reader->match = realloc(reader->match, bytes);
	CL_ASSERT(reader->match);
	memset(reader->match, 0, bytes);
	reader->bit_n = n;
}

/* Sets a bit for each match, newest first; *ret_n: how many. */
static bool gather(struct query_turn *turn, const char *sql, const struct cl_buf *bound, uint32_t *ret_n) {
	struct reporting_reader *reader = turn->reader;
	sqlite3_stmt *stmt = query_prepare(turn, sql);
	*ret_n = 0;
	if (!stmt)
		return false;
	sqlite3_bind_text(stmt, 1, (const char *)bound->p, (int)bound->n, SQLITE_STATIC);
	int step;
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		set_bit(reader->match, reader->bit_n, (uint64_t)sqlite3_column_int64(stmt, 0));
		++*ret_n;
	}
	sqlite3_finalize(stmt);
	return query_stepped(turn, step);
}

/* By the beginning of the slip's number: 'PTN-2026-0001' to the last text that begins so. */
static bool search_number(struct query_turn *turn) {
	char sql[160];
	uint32_t n;
	snprintf(sql, sizeof(sql),
	         "SELECT no FROM cases WHERE number >= ?1 AND number < ?1 || '~' ORDER BY number LIMIT %d",
	         NUMBERS_MAX);
	return gather(turn, sql, &turn->reader->text, &n);
}

static bool any_match(struct query_turn *turn, const struct cl_buf *bound, bool *ret_any) {
	sqlite3_stmt *stmt = query_prepare(turn, "SELECT 1 FROM search WHERE search MATCH ?1 LIMIT 1");
	if (!stmt)
		return false;
	sqlite3_bind_text(stmt, 1, (const char *)bound->p, (int)bound->n, SQLITE_STATIC);
	int step = sqlite3_step(stmt);
	*ret_any = step == SQLITE_ROW;
	sqlite3_finalize(stmt);
	return query_stepped(turn, step);
}

/* Fills reader->folded and exact; both empty: nothing can be found. Whole words first; only if no case has them all,
 * the last may be the beginning of one. */
static bool search_words(struct query_turn *turn, struct cl_str q) {
	struct reporting_reader *reader = turn->reader;
	bool any = false;
	if (!reporting_text_query(q, false, &reader->folded, &reader->exact))
		return true; /* punctuation only */
	if (!any_match(turn, &reader->folded, &any))
		return false;
	if (any)
		return true;
	cl_buf_clear(&reader->folded);
	cl_buf_clear(&reader->exact);
	(void)reporting_text_query(q, true, &reader->folded, &reader->exact);
	cl_buf_clear(&reader->exact);
	return true;
}

bool query_search(struct query_turn *turn, struct cl_str q, struct list_page *page) {
	struct reporting_reader *reader = turn->reader;
	cl_buf_clear(&reader->folded);
	cl_buf_clear(&reader->exact);
	cl_buf_clear(&reader->text);
	q = cl_str_trim(q);
	page->searched = q.n > 0;
	if (!q.n)
		return true;
	clear_bits(reader);
	if (reporting_text_number(q, &reader->text))
		return search_number(turn);
	return search_words(turn, q);
}

bool query_gather(struct query_turn *turn, struct list_page *page) {
	char sql[120];
	uint32_t n;
	if (!turn->reader->folded.n)
		return true;
	snprintf(sql, sizeof(sql), "SELECT rowid FROM search WHERE search MATCH ?1 ORDER BY rowid DESC LIMIT %d",
	         SORTED_MAX);
	if (!gather(turn, sql, &turn->reader->folded, &n))
		return false;
	page->partial = n == SORTED_MAX;
	return true;
}

/* One of the two parts of what is found: as spelt (major 0), else (major 1). Places run down from the newest. */
static bool found_part(struct query_turn *turn, struct list_page *page, const struct cl_buf *match, uint64_t major) {
	struct reporting_columns *columns = &turn->reader->model->columns;
	if (!match->n || page->n > page->limit || page->looked >= QUERY_LOOKED_MAX ||
	    (page->has_after && page->after.major > major))
		return true;
	sqlite3_stmt *stmt = query_prepare(
	        turn, "SELECT rowid FROM search WHERE search MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC");
	if (!stmt)
		return false;
	bool behind = page->has_after && page->after.major == major;
	sqlite3_bind_text(stmt, 1, (const char *)match->p, (int)match->n, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, behind ? (sqlite3_int64)~page->after.minor : NEW_DOWN);
	int step = SQLITE_DONE;
	pthread_rwlock_rdlock(&columns->lock);
	while (page->n <= page->limit && page->looked < QUERY_LOOKED_MAX && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
		uint64_t no = (uint64_t)sqlite3_column_int64(stmt, 0);
		const struct reporting_row *row = reporting_columns_row(columns, no);
		page->looked++;
		page->last = (struct place){major, ~no};
		if (row && query_wanted(page, row))
			page->entries[page->n++] = (struct list_entry){page->last, no};
	}
	pthread_rwlock_unlock(&columns->lock);
	sqlite3_finalize(stmt);
	return query_stepped(turn, step);
}

/* What is found, in the order of the index: stops when the page is full. */
bool query_found(struct query_turn *turn, struct list_page *page) {
	struct reporting_reader *reader = turn->reader;
	struct reporting_columns *columns = &reader->model->columns;
	pthread_rwlock_rdlock(&columns->lock);
	bool any = query_names(columns, page);
	pthread_rwlock_unlock(&columns->lock);
	if (!any)
		return true;
	cl_buf_clear(&reader->text);
	cl_buf_str(&reader->text, (struct cl_str){(const char *)reader->folded.p, (uint32_t)reader->folded.n});
	if (reader->exact.n)
		cl_buf_printf(&reader->text, " NOT (%.*s)", (int)reader->exact.n, (const char *)reader->exact.p);
	if (!found_part(turn, page, &reader->exact, 0) || !found_part(turn, page, &reader->text, 1))
		return false;
	page->total = page->n;
	page->counted = !page->has_after && page->n <= page->limit && page->looked < QUERY_LOOKED_MAX;
	return true;
}
