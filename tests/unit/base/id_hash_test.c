/* Ids and hashes against published vectors, and their promises that must hold for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/id.h"

static const char *text_of(struct cl_id id) {
	static char text[CL_ID_TEXT_BYTES];
	cl_id_format(id, text);
	return text;
}

/* RFC 9562 appendix A.6. */
static void uuidv7_is_the_rfcs(void **state) {
	static const uint8_t random[10] = {0xcc, 0xc3, 0xd8, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
	struct cl_id id = cl_id_v7(0x017F22E279B0, random);
	(void)state;
	assert_string_equal(text_of(id), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	assert_true(cl_id_v7_ms(id) == 0x017F22E279B0);
	assert_true(cl_id_v7_ms(cl_id_derive("x", "y", 1)) == -1);
	assert_true(cl_id_v7_ms((struct cl_id){{0}}) == -1);
	struct cl_id later = cl_id_v7(0x017F22E279B1, (uint8_t[10]){0});
	assert_true(cl_id_cmp(id, later) < 0); /* sorts by time */
}

/* Ids derived here stand in logs; were one to change, an aggregate would be lost. */
static void derived_ids_never_change(void **state) {
	static const uint8_t key[32] = {1, 2, 3};
	(void)state;
	assert_string_equal(text_of(cl_id_derive("slip", "PTN-2026-000123", 15)),
	                    "54d905e4-f9b3-85dc-9af1-6f040e1f6929");
	assert_string_equal(text_of(cl_id_derive("", "", 0)), "7025e075-d5e2-86cd-a3cc-051a31f07660");
	assert_string_equal(text_of(cl_id_keyed(key, "phone", "+84912345678", 12)),
	                    "d3648e78-4ba9-8544-a268-0b53a738ed27");
	assert_false(cl_id_eq(cl_id_derive("ab", "c", 1), cl_id_derive("a", "bc", 2)));
	assert_false(cl_id_eq(cl_id_keyed(key, "phone", "x", 1), cl_id_derive("phone", "x", 1)));
	struct cl_id id = cl_id_derive("slip", "x", 1);
	assert_int_equal(id.b[6] >> 4, 8);
	assert_int_equal(id.b[8] >> 6, 2);
}

/* The partition of every actor hangs on it. */
static void id_hash_never_changes_and_spreads(void **state) {
	uint32_t counts[7] = {0};
	(void)state;
	assert_true(cl_id_hash((struct cl_id){{0}}) == UINT64_C(0x0000000000000000));
	assert_true(cl_id_hash(cl_id_derive("slip", "PTN-2026-000123", 15)) == UINT64_C(0xc4ca30e73a4fcb14));
	for (uint32_t i = 0; i < 70000; i++) {
		struct cl_id id = {{0}}; /* ids that hardly differ */
		memcpy(id.b, &i, sizeof(i));
		counts[cl_id_hash(id) % 7]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(counts[i], 9500, 10500);
}

static void parsing_ids(void **state) {
	struct cl_id id = {{9}}, back;
	static const char *const bad[] = {"",
	                                  "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
	                                  "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
	                                  "017f22e2x79b0-7cc3-98c4-dc0c0c07398f",
	                                  "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
	                                  "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
	                                  "017f22e279b07cc398c4dc0c0c07398f----"};
	(void)state;
	assert_int_equal(cl_id_parse(CL_STR("017F22E2-79B0-7cc3-98c4-dc0c0c07398f"), &back), CL_OK);
	assert_string_equal(text_of(back), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cl_id_parse(cl_str_from(bad[i]), &id), CL_E_MALFORMED);
	assert_int_equal(id.b[0], 9);
	assert_true(cl_id_zero((struct cl_id){{0}}));
	assert_false(cl_id_zero(id));
}

/* RFC 3720 B.4. */
static void crc32c_is_the_rfcs(void **state) {
	uint8_t zeros[32] = {0}, ones[32], up[32];
	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < 32; i++)
		up[i] = (uint8_t)i;
	assert_int_equal(cl_crc32c(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(cl_crc32c(0, ones, 32), 0x62a8ab43);
	assert_int_equal(cl_crc32c(0, up, 32), 0x46dd794e);
	assert_int_equal(cl_crc32c_portable(0, up, 32), 0x46dd794e);
	assert_int_equal(cl_crc32c(0, "", 0), 0);
	for (size_t n = 0; n <= 32; n++) { /* both ways agree at every length and alignment, and in pieces */
		for (size_t from = 0; from <= n; from++) {
			assert_int_equal(cl_crc32c(7, up + from, n - from), cl_crc32c_portable(7, up + from, n - from));
			assert_int_equal(cl_crc32c(cl_crc32c(0, up, from), up + from, n - from), cl_crc32c(0, up, n));
		}
	}
}

static void chain_hashes_what_stands_before(void **state) {
	struct cl_hash first, expected, back;
	uint8_t both[CL_HASH_BYTES + 3];
	char hex[65];
	(void)state;
	/* RFC 7693 gives BLAKE2b-512 only; for 256 bits the value of "abc" is that of b2sum -l 256. */
	first = cl_hash_of("abc", 3);
	cl_hash_hex(first, hex);
	assert_string_equal(hex, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
	memcpy(both, first.b, CL_HASH_BYTES);
	memcpy(both + CL_HASH_BYTES, "xyz", 3);
	expected = cl_hash_of(both, sizeof(both));
	assert_true(cl_hash_eq(cl_hash_chain(first, "xyz", 3), expected));
	assert_false(cl_hash_eq(cl_hash_chain((struct cl_hash){{0}}, "xyz", 3), expected));
	assert_int_equal(cl_hash_parse(cl_str_from(hex), &back), CL_OK);
	assert_true(cl_hash_eq(first, back));
	assert_int_equal(cl_hash_parse((struct cl_str){hex, 63}, &back), CL_E_MALFORMED);
	hex[3] = 'x';
	assert_int_equal(cl_hash_parse(cl_str_from(hex), &back), CL_E_MALFORMED);
}

/* RFC 8032 section 7.1, test 2. */
static void signatures_are_the_rfcs(void **state) {
	struct cl_sign_key key;
	uint8_t signature[CL_SIGN_BYTES], seed[32];
	size_t n = 0;
	(void)state;
	assert_int_equal(sodium_hex2bin(seed, sizeof(seed),
	                                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", 64, NULL,
	                                &n, NULL),
	                 0);
	assert_int_equal(crypto_sign_seed_keypair(key.public_key, key.secret_key, seed), 0);
	cl_sign(&key, "\x72", 1, signature);
	assert_int_equal(signature[0], 0x92);
	assert_int_equal(signature[1], 0xa0);
	assert_int_equal(signature[63], 0x00);
	assert_int_equal(cl_sign_verify(key.public_key, "\x72", 1, signature), CL_OK);
	assert_int_equal(cl_sign_verify(key.public_key, "\x73", 1, signature), CL_E_SIGNATURE);
	signature[9] ^= 1;
	assert_int_equal(cl_sign_verify(key.public_key, "\x72", 1, signature), CL_E_SIGNATURE);
}

static int setup(void **state) {
	(void)state;
	return cl_crypto_init();
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(uuidv7_is_the_rfcs),
	        cmocka_unit_test(derived_ids_never_change),
	        cmocka_unit_test(id_hash_never_changes_and_spreads),
	        cmocka_unit_test(parsing_ids),
	        cmocka_unit_test(crc32c_is_the_rfcs),
	        cmocka_unit_test(chain_hashes_what_stands_before),
	        cmocka_unit_test(signatures_are_the_rfcs),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
