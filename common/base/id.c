#include "base/id.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/error.h"

bool cl_id_zero(struct cl_id id) {
	return cl_id_eq(id, (struct cl_id){{0}});
}

bool cl_id_eq(struct cl_id a, struct cl_id b) {
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

int cl_id_cmp(struct cl_id a, struct cl_id b) {
	return memcmp(a.b, b.b, sizeof(a.b));
}

static uint64_t big_endian(const uint8_t *p) {
	uint64_t value;
	memcpy(&value, p, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value = __builtin_bswap64(value);
#endif
	return value;
}

/* The finaliser of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
 * It decides which partition an actor lives in, so it never changes. */
static uint64_t mix(uint64_t x) {
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint64_t cl_id_hash(struct cl_id id) {
	return mix(big_endian(id.b) + 0x9e3779b97f4a7c15u * mix(big_endian(id.b + 8)));
}

static void stamp(struct cl_id *id, uint8_t version) {
	id->b[6] = (uint8_t)((id->b[6] & 0x0f) | version << 4);
	id->b[8] = (uint8_t)((id->b[8] & 0x3f) | 0x80); /* RFC 9562 section 4.1: variant 10 */
}

struct cl_id cl_id_v7(int64_t now_ms, const uint8_t random[10]) {
	struct cl_id id;
	CL_ASSERT(now_ms >= 0 && now_ms < (int64_t)1 << 48);
	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(now_ms >> (40 - 8 * i));
	memcpy(id.b + 6, random, 10);
	stamp(&id, 7);
	return id;
}

int64_t cl_id_v7_ms(struct cl_id id) {
	if (id.b[6] >> 4 != 7 || id.b[8] >> 6 != 2)
		return -1;
	return (int64_t)(big_endian(id.b) >> 16);
}

static struct cl_id derive(const uint8_t *key, size_t key_n, const char *domain, const void *p, size_t n) {
	crypto_generichash_state state;
	struct cl_id id;
	/* The domain's NUL goes in too, so that no domain is another one's beginning. */
	CL_ASSERT(crypto_generichash_init(&state, key, key_n, sizeof(id.b)) == 0);
	CL_ASSERT(crypto_generichash_update(&state, (const uint8_t *)domain, strlen(domain) + 1) == 0);
	CL_ASSERT(crypto_generichash_update(&state, p, n) == 0);
	CL_ASSERT(crypto_generichash_final(&state, id.b, sizeof(id.b)) == 0);
	stamp(&id, 8);
	return id;
}

struct cl_id cl_id_derive(const char *domain, const void *p, size_t n) {
	return derive(NULL, 0, domain, p, n);
}

struct cl_id cl_id_keyed(const uint8_t key[32], const char *domain, const void *p, size_t n) {
	return derive(key, 32, domain, p, n);
}

static bool dash_before(size_t byte) {
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void cl_id_format(struct cl_id id, char out[CL_ID_TEXT_BYTES]) {
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < sizeof(id.b); i++) {
		if (dash_before(i))
			*out++ = '-';
		*out++ = digits[id.b[i] >> 4];
		*out++ = digits[id.b[i] & 15];
	}
	*out = '\0';
}

static int nibble(char c) {
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int cl_id_parse(struct cl_str text, struct cl_id *ret_id) {
	struct cl_id id;
	const char *p = text.p;
	if (text.n != CL_ID_TEXT_BYTES - 1)
		return CL_E_MALFORMED;
	for (size_t i = 0; i < sizeof(id.b); i++) {
		if (dash_before(i) && *p++ != '-')
			return CL_E_MALFORMED;
		int high = nibble(p[0]), low = nibble(p[1]);
		if (high < 0 || low < 0)
			return CL_E_MALFORMED;
		id.b[i] = (uint8_t)(high << 4 | low);
		p += 2;
	}
	*ret_id = id;
	return CL_OK;
}
