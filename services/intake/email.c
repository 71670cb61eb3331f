#include "intake/email.h"

/* RFC 5321, 4.5.3.1: local part, domain, and the path of 256 octets less its angle brackets. RFC 1035, 2.3.4: a label.
 */
#define LOCAL_MAX 64
#define DOMAIN_MAX 255
#define ADDRESS_MAX 254
#define LABEL_MAX 63

static bool alphanumeric(unsigned char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c >= 0x80; /* RFC 6531: UTF-8 */
}

/* Dot-string of RFC 5321, 4.1.2. Quoted local parts are refused: nobody has such a mailbox, and many who mistype do. */
static bool local_valid(struct cl_str local) {
	if (local.n == 0 || local.n > LOCAL_MAX)
		return false;
	bool dot = true; /* none at the start, none at the end, no two in a row */
	for (uint32_t i = 0; i < local.n; i++) {
		unsigned char c = (unsigned char)local.p[i];
		if (c == '.') {
			if (dot)
				return false;
			dot = true;
			continue;
		}
		dot = false;
		if (!alphanumeric(c) && (c == 0 || !strchr("!#$%&'*+-/=?^_`{|}~", c)))
			return false;
	}
	return !dot;
}

static bool label_valid(const char *label, uint32_t n) {
	if (n == 0 || n > LABEL_MAX || label[0] == '-' || label[n - 1] == '-')
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (!alphanumeric((unsigned char)label[i]) && label[i] != '-')
			return false;
	}
	return true;
}

/* At least two labels, the last not a number: no address literals, no hosts without a domain. */
static bool domain_valid(struct cl_str domain) {
	if (domain.n == 0 || domain.n > DOMAIN_MAX)
		return false;
	uint32_t start = 0, labels = 0;
	bool digits_only = true;
	for (uint32_t i = 0; i <= domain.n; i++) {
		if (i < domain.n && domain.p[i] != '.') {
			digits_only = digits_only && domain.p[i] >= '0' && domain.p[i] <= '9';
			continue;
		}
		if (!label_valid(domain.p + start, i - start))
			return false;
		labels++;
		if (i < domain.n) {
			start = i + 1;
			digits_only = true;
		}
	}
	return labels >= 2 && !digits_only;
}

/* The domain has no case (RFC 5321, 2.3.5). The local part has by the letter of 2.4, but no provider in use tells A
 * from a, people type both, and the same section advises against depending on it: one mailbox must be one identity. */
static struct cl_str lower(struct cl_str s, struct cl_arena *arena) {
	char *p = cl_arena_alloc(arena, s.n + 1);
	for (uint32_t i = 0; i < s.n; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + ('a' - 'A')) : s.p[i];
	return (struct cl_str){p, s.n};
}

bool intake_email_normalise(struct cl_str text, struct cl_arena *arena, struct cl_str *ret_email) {
	struct cl_str s = cl_str_trim(text);
	if (s.n == 0 || s.n > ADDRESS_MAX)
		return false;
	const char *at = memchr(s.p, '@', s.n);
	if (!at)
		return false;
	uint32_t local_n = (uint32_t)(at - s.p);
	if (!local_valid((struct cl_str){s.p, local_n}) || !domain_valid((struct cl_str){at + 1, s.n - local_n - 1}))
		return false;
	*ret_email = lower(s, arena);
	return true;
}
