#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hash.h"
#include "intake/email.h"
#include "intake/phone.h"

static void same(const char *given, const char *want) {
	char out[INTAKE_PHONE_BYTES];
	if (!intake_phone_normalise(cl_str_from(given), out))
		fail_msg("%s: no phone number, want %s", given, want);
	if (strcmp(out, want) != 0)
		fail_msg("%s: %s, want %s", given, out, want);
}

static void none(const char *given) {
	char out[INTAKE_PHONE_BYTES];
	if (intake_phone_normalise(cl_str_from(given), out))
		fail_msg("%s: taken for %s", given, out);
}

static void ways_to_write_a_mobile_number(void **state) {
	(void)state;
	static const char *const ways[] = {"0912345678",
	                                   "0912 345 678",
	                                   "0912.345.678",
	                                   "0912-345-678",
	                                   "(0912) 345 678",
	                                   "84912345678",
	                                   "84 912 345 678",
	                                   "+84912345678",
	                                   "+84 912 345 678",
	                                   "+84 (0) 912-345-678",
	                                   "+84 0912 345 678",
	                                   "0084912345678",
	                                   "0084 0912 345 678",
	                                   "912345678",
	                                   "\xef\xbc\x90\xef\xbc\x99"
	                                   "12345678",
	                                   "\xef\xbc\x8b"
	                                   "84912345678",
	                                   "0912\xc2\xa0"
	                                   "345\xe2\x80\x91"
	                                   "678",
	                                   "\xe2\x80\xaa+84912345678\xe2\x80\xac",
	                                   "tel:+84912345678",
	                                   " 0912345678 "};
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		same(ways[i], "+84912345678");
}

static void every_mobile_code_of_before_2018(void **state) {
	(void)state;
	static const char *const table[][2] = {
	        {"0120", "70"}, {"0121", "79"}, {"0122", "77"}, {"0126", "76"}, {"0128", "78"}, {"0123", "83"},
	        {"0124", "84"}, {"0125", "85"}, {"0127", "81"}, {"0129", "82"}, {"0162", "32"}, {"0163", "33"},
	        {"0164", "34"}, {"0165", "35"}, {"0166", "36"}, {"0167", "37"}, {"0168", "38"}, {"0169", "39"},
	        {"0186", "56"}, {"0188", "58"}, {"0199", "59"}};
	char given[32], want[32];
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(given, sizeof(given), "%s5678945", table[i][0]);
		snprintf(want, sizeof(want), "+84%s5678945", table[i][1]);
		same(given, want);
		snprintf(given, sizeof(given), "+84 %s 567 8945", table[i][0] + 1);
		same(given, want);
	}
	none("01305678945");
	none("01605678945");
}

static void fixed_lines(void **state) {
	(void)state;
	same("024 3825 0000", "+842438250000");
	same("(028) 38.250.000", "+842838250000");
	same("0236 3650 000", "+842363650000");
	same("+84 24 3825 0000", "+842438250000");
	same("842438250000", "+842438250000");
	none("0217 3825 000"); /* no such area */
	none("024 3825 000");  /* a digit is missing */
}

static void other_countries(void **state) {
	(void)state;
	same("+1 (415) 555-2671", "+14155552671");
	same("0065 6123 4567", "+6561234567");
	same("+442071838750", "+442071838750");
	none("+0123456789");
	none("+1234567");
	none("+1234567890123456");
}

static void what_names_nobody(void **state) {
	(void)state;
	static const char *const texts[] = {"",
	                                    " ",
	                                    "không có",
	                                    "0912345678 hoặc 0987654321",
	                                    "0912345678 / 0987654321",
	                                    "0912345678 ext 12",
	                                    "024 3825 0000 máy lẻ 12",
	                                    "1900 1234",
	                                    "18001234",
	                                    "113",
	                                    "091234567",
	                                    "09123456789",
	                                    "0412345678",
	                                    "8412345678",
	                                    "+84 12 345",
	                                    "++84912345678",
	                                    "0912+345678",
	                                    "12345678901234567890123",
	                                    "+",
	                                    "84",
	                                    "00",
	                                    "\xff\xfe",
	                                    "\xef\xbc"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		none(texts[i]);
}

/* Random bytes never break it, and what it gives is a fixed point. */
static void any_bytes(void **state) {
	(void)state;
	static const char *const pieces[] = {"0", "84", "+", "912",  "345",          "\xef\xbc\x91", " ",
	                                     "-", "(",  "x", "\xc2", "\xe2\x80\x8b", "00",           "24"};
	uint64_t rng = 42;
	for (int round = 0; round < 200000; round++) {
		char text[64], out[INTAKE_PHONE_BYTES], again[INTAKE_PHONE_BYTES];
		uint32_t n = 0;
		for (int i = 0; i < 8; i++) {
			rng = rng * 6364136223846793005u + 1442695040888963407u;
			const char *piece = pieces[(rng >> 33) % (sizeof(pieces) / sizeof(pieces[0]))];
			memcpy(text + n, piece, strlen(piece));
			n += (uint32_t)strlen(piece);
		}
		if (!intake_phone_normalise((struct cl_str){text, n}, out))
			continue;
		assert_true(intake_phone_normalise(cl_str_from(out), again));
		assert_string_equal(out, again);
	}
}

static bool email(const char *given, char want[256]) {
	struct cl_arena arena;
	struct cl_str got = {0};
	cl_arena_init(&arena, 512);
	bool ok = intake_email_normalise(cl_str_from(given), &arena, &got);
	if (ok)
		snprintf(want, 256, CL_STR_FMT, CL_STR_ARG(got));
	cl_arena_done(&arena);
	return ok;
}

static void addresses(void **state) {
	(void)state;
	static const char *const good[][2] = {{"an@example.vn", "an@example.vn"},
	                                      {" An.Nguyen@Example.COM ", "an.nguyen@example.com"},
	                                      {"a+b_c-d@sub.example.co", "a+b_c-d@sub.example.co"},
	                                      {"a@tiếngviệt.vn", "a@tiếngviệt.vn"},
	                                      {"x@1a.com", "x@1a.com"},
	                                      {"x@3m.com.vn", "x@3m.com.vn"}};
	char got[256];
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(email(good[i][0], got));
		assert_string_equal(got, good[i][1]);
	}
	static const char *const bad[] = {"",
	                                  "an",
	                                  "@example.vn",
	                                  "an@",
	                                  "an@example",
	                                  "an@@example.vn",
	                                  "a@b@example.vn",
	                                  ".an@example.vn",
	                                  "an.@example.vn",
	                                  "a..n@example.vn",
	                                  "an @example.vn",
	                                  "an@exa mple.vn",
	                                  "an@-example.vn",
	                                  "an@example-.vn",
	                                  "an@example..vn",
	                                  "an@.vn",
	                                  "an@example.",
	                                  "an@[127.0.0.1]",
	                                  "an@127.0.0.1",
	                                  "\"an\"@example.vn",
	                                  "an,@example.vn",
	                                  "An <an@example.vn>",
	                                  "an@exa_mple.vn",
	                                  "an@example.vn, b@c.vn"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (email(bad[i], got))
			fail_msg("%s: taken for %s", bad[i], got);
	}
}

static void lengths_of_addresses(void **state) {
	(void)state;
	char text[400], got[256];
	snprintf(text, sizeof(text), "%.64s@example.vn",
	         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_true(email(text, got));
	snprintf(text, sizeof(text), "%.65s@example.vn",
	         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_false(email(text, got));
	snprintf(text, sizeof(text), "a@%.63s.vn",
	         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_true(email(text, got));
	snprintf(text, sizeof(text), "a@%.64s.vn",
	         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_false(email(text, got));
	strcpy(text, "a@");
	for (int i = 0; i < 125; i++)
		strcat(text, "b.");
	strcat(text, "vn"); /* 254 */
	assert_int_equal(strlen(text), 254);
	assert_true(email(text, got));
	strcat(text, "n");
	assert_false(email(text, got));
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ways_to_write_a_mobile_number),
	        cmocka_unit_test(every_mobile_code_of_before_2018),
	        cmocka_unit_test(fixed_lines),
	        cmocka_unit_test(other_countries),
	        cmocka_unit_test(what_names_nobody),
	        cmocka_unit_test(any_bytes),
	        cmocka_unit_test(addresses),
	        cmocka_unit_test(lengths_of_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
