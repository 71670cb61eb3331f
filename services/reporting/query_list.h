/* Inside of lists: query_list.c (arguments, the pass over the columns, the page), query_search.c (what q finds). */
#ifndef REPORTING_QUERY_LIST_H
#define REPORTING_QUERY_LIST_H

#include "query_int.h"

#define QUERY_LOOKED_MAX 200000 /* matches looked at for one page; it may be short then, and its next goes on */

enum list_sort { SORT_RECEIVED, SORT_DUE, SORT_PRIORITY, SORT_FOUND };

struct place {
	uint64_t major, minor;
};

struct list_page {
	uint32_t status, category, priority; /* sets of bits */
	struct cl_str department, person;
	enum list_sort sort;
	bool searched; /* only what reader->match holds, or the words of reader->folded */
	bool partial;  /* not all that was found is in the list */
	uint32_t department_name, person_name;
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
	bool counted;      /* total is all */
	uint32_t looked;   /* matches that found_pass looked at */
	struct place last; /* the last of these */
};

/* Sees what q asks for: bits of reader->match for a number, words in reader->folded and exact. */
bool query_search(struct query_turn *turn, struct cl_str q, struct list_page *page);
/* Bits of reader->match for the words. */
bool query_gather(struct query_turn *turn, struct list_page *page);
/* Fills the page with what has the words, in the order of the index: stops when it is full. */
bool query_found(struct query_turn *turn, struct list_page *page);

static inline bool query_bit(const uint8_t *bits, uint64_t bit_n, uint64_t no) {
	return no < bit_n && (bits[no / 8] >> (no % 8) & 1);
}

/* False: no case can match. Caller holds the columns' lock. */
bool query_names(const struct reporting_columns *columns, struct list_page *page);
bool query_wanted(const struct list_page *page, const struct reporting_row *row);

#endif
