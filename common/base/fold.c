#include "base/str.h"

/* The base letter of each precomposed Latin letter whose canonical decomposition (Unicode 15) is a vowel and
 * marks that Vietnamese uses, and of đ; '.' for all others. Capital letters stand beside the small ones. */
static const char base_00c0[] = /* U+00C0 to U+01B0 */
        "aaaa....eee.iii...oooo...uuu.y..aaaa....eee.iii...oooo...uuu.y.."
        "..aa............dd..ee..................ii..ii.................."
        "..............oo........................uu..uu........yy........"
        "................................oo.............uu";
static const char base_1ea0[] = /* U+1EA0 to U+1EF9 */
        "aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooo"
        "oooouuuuuuuuuuuuuuyyyyyyyy";

static char base_letter(uint32_t c) {
	char base = '.';
	if (c >= 0xc0 && c <= 0x1b0)
		base = base_00c0[c - 0xc0];
	else if (c >= 0x1ea0 && c <= 0x1ef9)
		base = base_1ea0[c - 0x1ea0];
	return base;
}

/* Grave, acute, circumflex, tilde, breve, hook above, horn, dot below; U+0340 and U+0341 are other names of the first
 * two. */
static bool combining_mark(uint32_t c) {
	return (c >= 0x300 && c <= 0x303) || c == 0x306 || c == 0x309 || c == 0x31b || c == 0x323 || c == 0x340 ||
	       c == 0x341;
}

static bool white_space(uint32_t c) {
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* The character at p and its length; a byte that starts no well-formed sequence passes as itself. */
static size_t next_char(const uint8_t *p, size_t n, uint32_t *ret_char) {
	if (n >= 2 && (p[0] & 0xe0) == 0xc0 && (p[1] & 0xc0) == 0x80) {
		*ret_char = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
		return 2;
	}
	if (n >= 3 && (p[0] & 0xf0) == 0xe0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80) {
		*ret_char = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
		return 3;
	}
	*ret_char = p[0] < 0x80 ? p[0] : UINT32_MAX; /* no letter, mark or blank of ours lies beyond three bytes */
	if (n >= 4 && (p[0] & 0xf8) == 0xf0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 && (p[3] & 0xc0) == 0x80)
		return 4;
	return 1;
}

size_t cl_fold_vi(struct cl_str s, char *out, size_t cap) {
	const uint8_t *p = (const uint8_t *)s.p, *end = p + s.n;
	size_t n = 0;
	bool blank = false; /* the last character written was one */
	while (p < end) {
		uint32_t c;
		size_t length = next_char(p, (size_t)(end - p), &c), written = 1;
		char one = c < 0x80 ? (char)c : base_letter(c);
		if (c >= 'A' && c <= 'Z')
			one = (char)(c | 0x20);
		else if (white_space(c))
			one = ' ';
		else if (one == '.' && c != '.')
			written = length;
		if (combining_mark(c) || (one == ' ' && blank)) {
			p += length;
			continue;
		}
		if (cap - n < written)
			break;
		if (one == '.' && c != '.')
			memcpy(out + n, p, length);
		else
			out[n] = one;
		blank = one == ' ';
		n += written;
		p += length;
	}
	return n;
}
