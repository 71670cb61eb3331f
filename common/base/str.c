#include "base/str.h"

#include "base/assert.h"
#include "base/error.h"

struct cl_str cl_str_from(const char *c_string) {
	if (!c_string)
		return (struct cl_str){NULL, 0};
	size_t n = strlen(c_string);
	CL_ASSERT(n <= UINT32_MAX);
	return (struct cl_str){c_string, (uint32_t)n};
}

bool cl_str_eq(struct cl_str a, struct cl_str b) {
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool cl_str_eqc(struct cl_str a, const char *b) {
	return cl_str_eq(a, cl_str_from(b));
}

int cl_str_cmp(struct cl_str a, struct cl_str b) {
	uint32_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;
	if (order != 0)
		return order;
	return (a.n > b.n) - (a.n < b.n);
}

bool cl_str_starts(struct cl_str s, struct cl_str prefix) {
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static bool ascii_space(char c) {
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct cl_str cl_str_trim(struct cl_str s) {
	while (s.n && ascii_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && ascii_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Length of the well-formed sequence of 2 to 4 bytes at p, or 0 (RFC 3629 section 4, UTF8-2 to UTF8-4). */
static size_t utf8_sequence(const uint8_t *p, size_t n) {
	uint8_t first = p[0], low = 0x80, high = 0xbf;
	size_t length;
	if (first >= 0xc2 && first <= 0xdf) {
		length = 2;
	} else if ((first & 0xf0) == 0xe0) {
		length = 3;
		if (first == 0xe0)
			low = 0xa0; /* shorter forms exist below U+0800 */
		else if (first == 0xed)
			high = 0x9f; /* U+D800 to U+DFFF are surrogates */
	} else if (first >= 0xf0 && first <= 0xf4) {
		length = 4;
		if (first == 0xf0)
			low = 0x90;
		else if (first == 0xf4)
			high = 0x8f; /* nothing above U+10FFFF */
	} else {
		return 0;
	}
	if (n < length || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

bool cl_utf8_valid(struct cl_str s) {
	const uint8_t *p = (const uint8_t *)s.p;
	for (size_t i = 0; i < s.n;) {
		uint64_t eight;
		if (s.n - i >= sizeof(eight)) { /* eight ASCII bytes, none of them zero, at once */
			memcpy(&eight, p + i, sizeof(eight));
			uint64_t borrow = (eight - 0x0101010101010101u) | eight;
			if (!(borrow & 0x8080808080808080u)) {
				i += sizeof(eight);
				continue;
			}
		}
		if (p[i] == 0)
			return false;
		if (p[i] < 0x80) {
			i++;
			continue;
		}
		size_t length = utf8_sequence(p + i, s.n - i);
		if (!length)
			return false;
		i += length;
	}
	return true;
}

int cl_str_u64(struct cl_str s, uint64_t *ret_value) {
	uint64_t value = 0;
	bool overflow = false;
	if (!s.n)
		return CL_E_INVALID;
	for (uint32_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return CL_E_INVALID;
		overflow |= __builtin_mul_overflow(value, 10u, &value);
		overflow |= __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value);
	}
	if (overflow)
		return CL_E_RANGE;
	*ret_value = value;
	return CL_OK;
}
