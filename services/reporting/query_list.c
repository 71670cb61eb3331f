/* Lists: one pass over the columns in memory picks the page, the rows of the page are then read by number. The place of
 * a row in an order is two 64-bit numbers, the smaller first; a page ends at a place, and the next begins behind it,
 * wherever rows have moved meanwhile. */
#include "query_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "search_text.h"

#define NUMBERS_MAX 10000 /* cases looked up by the beginning of their number */

enum list_sort { SORT_RECEIVED, SORT_DUE, SORT_PRIORITY, SORT_FOUND };

struct place {
	uint64_t major, minor;
};

struct list_page {
	uint32_t status, category, priority; /* sets of bits */
	struct cl_str department, person;
	enum list_sort sort;
	bool searched; /* only what reader->match holds */
	struct place after;
	bool has_after;
	uint32_t limit;
	/* the page: a heap with the largest on top, one more than the limit to know whether there is a next */
	struct list_entry {
		struct place place;
		uint64_t no;
	} * entries;
	uint32_t n;
	uint64_t total;
};

/* -- arguments -- */

static bool parse_sort(struct query_turn *turn, const struct query_arg *arg, bool searched, enum list_sort *ret_sort) {
	static const char *const names[] = {"received", "due", "priority", "found"};
	*ret_sort = searched ? SORT_FOUND : SORT_RECEIVED;
	if (!arg->value.n)
		return true;
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (cl_str_eqc(arg->value, names[i])) {
			*ret_sort = (enum list_sort)i;
			return true;
		}
	return query_invalid(turn, arg->key);
}

static bool hex64(struct cl_str text, uint64_t *ret_value) {
	*ret_value = 0;
	for (uint32_t i = 0; i < text.n; i++) {
		const char *at = memchr("0123456789abcdef", text.p[i], 16);
		if (!at)
			return false;
		*ret_value = *ret_value << 4 | (uint64_t)(strchr("0123456789abcdef", *at) - "0123456789abcdef");
	}
	return text.n == 16;
}

static bool parse_after(struct query_turn *turn, const struct query_arg *arg, struct list_page *page) {
	page->has_after = arg->value.n > 0;
	if (!page->has_after)
		return true;
	if (arg->value.n != 33 || arg->value.p[16] != '-' ||
	    !hex64((struct cl_str){arg->value.p, 16}, &page->after.major) ||
	    !hex64((struct cl_str){arg->value.p + 17, 16}, &page->after.minor))
		return query_invalid(turn, arg->key);
	return true;
}

/* -- search -- */

static void set_bit(uint8_t *bits, uint64_t bit_n, uint64_t no) {
	if (no < bit_n)
		bits[no / 8] |= (uint8_t)(1u << (no % 8));
}

static bool get_bit(const uint8_t *bits, uint64_t bit_n, uint64_t no) {
	return no < bit_n && (bits[no / 8] >> (no % 8) & 1);
}

static void clear_bits(struct reporting_reader *reader) {
	pthread_rwlock_rdlock(&reader->model->columns.lock);
	uint64_t n = reader->model->columns.n + 1;
	pthread_rwlock_unlock(&reader->model->columns.lock);
	size_t bytes = (size_t)(n / 8 + 1);
	reader->match = realloc(reader->match, bytes);
	reader->spelt = realloc(reader->spelt, bytes);
	CL_ASSERT(reader->match && reader->spelt);
	memset(reader->match, 0, bytes);
	memset(reader->spelt, 0, bytes);
	reader->bit_n = n;
}

static bool gather(struct query_turn *turn, const char *sql, const struct cl_buf *bound, uint8_t *bits) {
	sqlite3_stmt *stmt = query_prepare(turn, sql);
	if (!stmt)
		return false;
	sqlite3_bind_text(stmt, 1, (const char *)bound->p, (int)bound->n, SQLITE_STATIC);
	int step;
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
		set_bit(bits, turn->reader->bit_n, (uint64_t)sqlite3_column_int64(stmt, 0));
	sqlite3_finalize(stmt);
	return query_stepped(turn, step);
}

/* By the beginning of the slip's number: 'PTN-2026-0001' to the last text that begins so. */
static bool search_number(struct query_turn *turn) {
	char sql[160];
	snprintf(sql, sizeof(sql),
	         "SELECT no FROM cases WHERE number >= ?1 AND number < ?1 || '~' ORDER BY number LIMIT %d",
	         NUMBERS_MAX);
	struct reporting_reader *reader = turn->reader;
	return gather(turn, sql, &reader->text, reader->match);
}

static bool search(struct query_turn *turn, struct cl_str q, bool *ret_searched) {
	static const char *const sql = "SELECT rowid FROM search WHERE search MATCH ?1";
	struct reporting_reader *reader = turn->reader;
	cl_buf_clear(&reader->folded);
	cl_buf_clear(&reader->exact);
	cl_buf_clear(&reader->text);
	q = cl_str_trim(q);
	*ret_searched = q.n > 0;
	if (!q.n)
		return true;
	clear_bits(reader);
	if (reporting_text_number(q, &reader->text))
		return search_number(turn);
	if (!reporting_text_query(q, &reader->folded, &reader->exact))
		return true; /* punctuation only: finds nothing */
	return gather(turn, sql, &reader->folded, reader->match) && gather(turn, sql, &reader->exact, reader->spelt);
}

/* -- the pass -- */

static struct place place_of(const struct list_page *page, const struct reporting_reader *reader,
                             const struct reporting_row *row, uint64_t no) {
	uint64_t due = row->due_at > 0 ? (uint64_t)row->due_at : UINT64_MAX >> 2;
	switch (page->sort) {
	case SORT_RECEIVED:
		return (struct place){~((uint64_t)row->received_at ^ 1ull << 63), ~no};
	case SORT_DUE:
		return (struct place){due, no};
	case SORT_PRIORITY:
		return (struct place){(uint64_t)(LEVEL_HIGH - (row->priority ? row->priority : 0)) << 62 | due, no};
	case SORT_FOUND:
		return (struct place){get_bit(reader->spelt, reader->bit_n, no) ? 0 : 1, ~no};
	}
	CL_UNREACHABLE();
}

static bool before(struct place a, struct place b) {
	return a.major < b.major || (a.major == b.major && a.minor < b.minor);
}

static void sink(struct list_page *page, uint32_t at) {
	for (;;) {
		uint32_t child = 2 * at + 1;
		if (child + 1 < page->n && before(page->entries[child].place, page->entries[child + 1].place))
			child++;
		if (child >= page->n || !before(page->entries[at].place, page->entries[child].place))
			return;
		struct list_entry swap = page->entries[at];
		page->entries[at] = page->entries[child];
		page->entries[child] = swap;
		at = child;
	}
}

static void rise(struct list_page *page, uint32_t at) {
	while (at && before(page->entries[(at - 1) / 2].place, page->entries[at].place)) {
		struct list_entry swap = page->entries[at];
		page->entries[at] = page->entries[(at - 1) / 2];
		page->entries[(at - 1) / 2] = swap;
		at = (at - 1) / 2;
	}
}

static void offer(struct list_page *page, struct place place, uint64_t no) {
	if (page->has_after && !before(page->after, place))
		return;
	if (page->n <= page->limit) {
		page->entries[page->n] = (struct list_entry){place, no};
		rise(page, page->n++);
	} else if (before(place, page->entries[0].place)) {
		page->entries[0] = (struct list_entry){place, no};
		sink(page, 0);
	}
}

static void pass(struct query_turn *turn, struct list_page *page) {
	const struct reporting_reader *reader = turn->reader;
	struct reporting_columns *columns = &reader->model->columns;
	pthread_rwlock_rdlock(&columns->lock);
	uint32_t department = reporting_names_find(&columns->departments, page->department);
	uint32_t person = reporting_names_find(&columns->persons, page->person);
	bool none = (page->department.n && !department) || (page->person.n && !person);
	for (uint64_t no = 1; no <= columns->n && !none; no++) {
		const struct reporting_row *row = reporting_columns_at(columns, no);
		if (!row->known || !(page->status >> row->status & 1) || !(page->category >> row->category & 1) ||
		    !(page->priority >> row->priority & 1) || (department && row->department != department) ||
		    (person && row->person != person) || (page->searched && !get_bit(reader->match, reader->bit_n, no)))
			continue;
		page->total++;
		offer(page, place_of(page, reader, row, no), no);
	}
	pthread_rwlock_unlock(&columns->lock);
}

static int by_place(const void *a, const void *b) {
	const struct list_entry *one = a, *other = b;
	return before(one->place, other->place) ? -1 : before(other->place, one->place);
}

static void write_page(struct query_turn *turn, struct list_page *page) {
	struct cl_buf *out = &turn->answer->json;
	cl_buf_clear(&turn->reader->text);
	cl_buf_printf(&turn->reader->text, "SELECT %s FROM cases c WHERE c.no = ?1", query_case_columns);
	cl_buf_putc(&turn->reader->text, '\0');
	sqlite3_stmt *stmt = query_prepare(turn, (const char *)turn->reader->text.p);
	if (!stmt)
		return;
	qsort(page->entries, page->n, sizeof(*page->entries), by_place);
	cl_buf_putc(out, '{');
	json_open(out, "cases", '[');
	uint32_t n = 0;
	while (n < page->n && n < page->limit && out->n < QUERY_JSON_MAX) {
		sqlite3_bind_int64(stmt, 1, (sqlite3_int64)page->entries[n].no);
		int step = sqlite3_step(stmt);
		if (!query_stepped(turn, step))
			break;
		if (step == SQLITE_ROW) {
			json_item(out);
			query_case_json(turn, stmt);
		}
		sqlite3_reset(stmt);
		n++;
	}
	sqlite3_finalize(stmt);
	cl_buf_putc(out, ']');
	json_u64(out, "total", page->total);
	if (n && n < page->n) {
		char next[34];
		snprintf(next, sizeof(next), "%016" PRIx64 "-%016" PRIx64, page->entries[n - 1].place.major,
		         page->entries[n - 1].place.minor);
		json_str(out, "next", cl_str_from(next));
	}
	cl_buf_putc(out, '}');
}

void query_case_list(struct query_turn *turn) {
	struct query_arg args[] = {{.key = "status"},     {.key = "category"}, {.key = "priority"},
	                           {.key = "department"}, {.key = "person"},   {.key = "q"},
	                           {.key = "sort"},       {.key = "limit"},    {.key = "after"}};
	struct list_page page = {0};
	uint64_t limit = QUERY_LIMIT_DEFAULT;
	if (!query_args(turn, args, sizeof(args) / sizeof(args[0])) ||
	    !query_codes(turn, &args[0], &cl_enum_case_status, &page.status) ||
	    !query_codes(turn, &args[1], &cl_enum_category, &page.category) ||
	    !query_codes(turn, &args[2], &cl_enum_level, &page.priority) ||
	    !query_number(turn, &args[7], 1, QUERY_LIMIT_MAX, &limit) || !parse_after(turn, &args[8], &page) ||
	    !search(turn, args[5].value, &page.searched) || !parse_sort(turn, &args[6], page.searched, &page.sort))
		return;
	if (page.sort == SORT_FOUND && !page.searched) {
		query_invalid(turn, "sort");
		return;
	}
	page.department = args[3].value;
	page.person = args[4].value;
	page.limit = (uint32_t)limit;
	page.entries = calloc(page.limit + 1, sizeof(*page.entries));
	CL_ASSERT(page.entries);
	pass(turn, &page);
	write_page(turn, &page);
	free(page.entries);
}
