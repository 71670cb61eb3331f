/* Lists: one pass over the columns in memory picks the page, the rows of the page are then read by number. The place of
 * a row in an order is two 64-bit numbers, the smaller first; a page ends at a place, and the next begins behind it,
 * wherever rows have moved meanwhile. */
#include "query_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

/* -- arguments -- */

static bool parse_sort(struct query_turn *turn, const struct query_arg *arg, bool searched, enum list_sort *ret_sort) {
	static const char *const names[] = {"received", "due", "priority", "found"};
	*ret_sort = searched ? SORT_FOUND : SORT_RECEIVED;
	if (!arg->value.n)
		return true;
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (cl_str_eqc(arg->value, names[i]) && (i != SORT_FOUND || searched)) {
			*ret_sort = (enum list_sort)i;
			return true;
		}
	return query_invalid(turn, arg->key);
}

static bool hex64(struct cl_str text, uint64_t *ret_value) {
	*ret_value = 0;
	for (uint32_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool digit = c >= '0' && c <= '9';
		if (!digit && (c < 'a' || c > 'f'))
			return false;
		*ret_value = *ret_value << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
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

/* -- the pass -- */

static struct place place_of(const struct list_page *page, const struct reporting_row *row, uint64_t no) {
	uint64_t due = row->due_at > 0 ? (uint64_t)row->due_at : UINT64_MAX >> 2;
	switch (page->sort) {
	case SORT_RECEIVED:
		return (struct place){~((uint64_t)row->received_at ^ 1ull << 63), ~no};
	case SORT_FOUND: /* by number; by words: query_found */
		return (struct place){1, ~no};
	case SORT_DUE:
		return (struct place){due, no};
	case SORT_PRIORITY:
		return (struct place){(uint64_t)(LEVEL_HIGH - row->priority) << 62 | due, no};
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

bool query_names(const struct reporting_columns *columns, struct list_page *page) {
	page->department_name = reporting_names_find(&columns->departments, page->department);
	page->person_name = reporting_names_find(&columns->persons, page->person);
	return (page->department_name || !page->department.n) && (page->person_name || !page->person.n);
}

bool query_wanted(const struct list_page *page, const struct reporting_row *row) {
	return row->known && (page->status >> row->status & 1) && (page->category >> row->category & 1) &&
	       (page->priority >> row->priority & 1) &&
	       (!page->department_name || row->department == page->department_name) &&
	       (!page->person_name || row->person == page->person_name);
}

static void pass(struct query_turn *turn, struct list_page *page) {
	const struct reporting_reader *reader = turn->reader;
	struct reporting_columns *columns = &reader->model->columns;
	pthread_rwlock_rdlock(&columns->lock);
	bool any = query_names(columns, page);
	for (uint64_t no = 1; no <= columns->n && any; no++) {
		const struct reporting_row *row = reporting_columns_at(columns, no);
		if (!query_wanted(page, row) || (page->searched && !query_bit(reader->match, reader->bit_n, no)))
			continue;
		page->total++;
		offer(page, place_of(page, row, no), no);
	}
	pthread_rwlock_unlock(&columns->lock);
}

static int by_place(const void *a, const void *b) {
	const struct list_entry *one = a, *other = b;
	return before(one->place, other->place) ? -1 : before(other->place, one->place);
}

static void write_next(struct cl_buf *out, struct place place) {
	char next[34];
	snprintf(next, sizeof(next), "%016" PRIx64 "-%016" PRIx64, place.major, place.minor);
	json_str(out, "next", cl_str_from(next));
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
	if (page->counted)
		json_u64(out, "total", page->total);
	if (page->partial)
		json_bool(out, "partial", true);
	if (n && n < page->n)
		write_next(out, page->entries[n - 1].place);
	else if (page->looked >= QUERY_LOOKED_MAX)
		write_next(out, page->last);
	cl_buf_putc(out, '}');
}

/* Picks the page's cases. */
static bool fill(struct query_turn *turn, struct list_page *page) {
	if (page->searched && page->sort == SORT_FOUND && turn->reader->folded.n)
		return query_found(turn, page);
	if (page->searched && turn->reader->folded.n && !query_gather(turn, page))
		return false;
	pass(turn, page);
	page->counted = !page->partial;
	return true;
}

static bool parse_page(struct query_turn *turn, struct list_page *page) {
	struct query_arg args[] = {{.key = "status"},     {.key = "category"}, {.key = "priority"},
	                           {.key = "department"}, {.key = "person"},   {.key = "q"},
	                           {.key = "sort"},       {.key = "limit"},    {.key = "after"}};
	uint64_t limit = QUERY_LIMIT_DEFAULT;
	if (!query_args(turn, args, sizeof(args) / sizeof(args[0])) ||
	    !query_codes(turn, &args[0], &cl_enum_case_status, &page->status) ||
	    !query_codes(turn, &args[1], &cl_enum_category, &page->category) ||
	    !query_codes(turn, &args[2], &cl_enum_level, &page->priority) ||
	    !query_number(turn, &args[7], 1, QUERY_LIMIT_MAX, &limit) || !parse_after(turn, &args[8], page) ||
	    !parse_sort(turn, &args[6], cl_str_trim(args[5].value).n > 0, &page->sort))
		return false;
	page->department = args[3].value;
	page->person = args[4].value;
	page->limit = (uint32_t)limit;
	return query_search(turn, args[5].value, page);
}

void query_case_list(struct query_turn *turn) {
	struct list_page page = {0};
	if (!parse_page(turn, &page))
		return;
	page.entries = calloc(page.limit + 1, sizeof(*page.entries));
	CL_ASSERT(page.entries);
	if (fill(turn, &page))
		write_page(turn, &page);
	free(page.entries);
}
