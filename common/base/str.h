/* Borrowed views of text and bytes. A view owns nothing; whoever made it says how long it lives. */
#ifndef CL_BASE_STR_H
#define CL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cl_str { /* UTF-8, not NUL-terminated in general */
	const char *p;
	uint32_t n;
};

struct cl_bytes {
	const uint8_t *p;
	uint32_t n;
};

#define CL_STR(literal) ((struct cl_str){(literal), (uint32_t)(sizeof(literal) - 1)})
#define CL_STR_FMT "%.*s"
#define CL_STR_ARG(s) (int)(s).n, ((s).p ? (s).p : "")

struct cl_str cl_str_from(const char *c_string); /* NULL gives the empty view */
bool cl_str_eq(struct cl_str a, struct cl_str b);
bool cl_str_eqc(struct cl_str a, const char *b);
int cl_str_cmp(struct cl_str a, struct cl_str b);
bool cl_str_starts(struct cl_str s, struct cl_str prefix);
struct cl_str cl_str_trim(struct cl_str s); /* ASCII white space at both ends */
bool cl_utf8_valid(struct cl_str s);        /* RFC 3629: no surrogates, no overlong forms; NUL is refused too */

/* Folds Vietnamese text for matching: lower case, tone and vowel marks removed, đ to d, runs of white space to
 * one blank; precomposed and combining forms alike. Other scripts pass through lower-cased where ASCII.
 * Writes at most cap bytes to out and returns how many (never more than s.n). */
size_t cl_fold_vi(struct cl_str s, char *out, size_t cap);

/* Decimal, whole string, no sign, no leading blank. CL_OK or CL_E_INVALID, CL_E_RANGE. */
int cl_str_u64(struct cl_str s, uint64_t *ret_value);

#endif
