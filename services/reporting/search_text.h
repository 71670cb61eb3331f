/* Text for the search index and for queries of it. A word is indexed twice: folded (no diacritics, lower case), and as
 * written behind a mark, so that "tien" finds "tiền" and what is spelt as asked can be ranked first. Digits are
 * brought to one form: no leading zeros, Vietnam's +84 dropped, so that 0912… finds +84912… and 123 finds 000123. */
#ifndef REPORTING_SEARCH_TEXT_H
#define REPORTING_SEARCH_TEXT_H

#include "base/buf.h"

/* Appends the tokens of text, each followed by a blank. */
void reporting_text_index(struct cl_str text, struct cl_buf *out);
/* Appends the digits of a phone or number as one token. */
void reporting_text_digits(struct cl_str text, struct cl_buf *out);

/* Match expressions of FTS5 (https://sqlite.org/fts5.html#full_text_query_syntax): every word must occur, folded and as
 * written. prefix: the last word may be the beginning of one, if it is long enough. Returns how many words; 0: nothing
 * to search for. */
uint32_t reporting_text_query(struct cl_str q, bool prefix, struct cl_buf *out_folded, struct cl_buf *out_exact);
/* Whether q looks like a number of a slip or its beginning: letters, '-', digits. Appends it in upper case. */
bool reporting_text_number(struct cl_str q, struct cl_buf *out);

#endif
