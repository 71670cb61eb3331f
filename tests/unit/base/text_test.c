/* Views, UTF-8, folding of Vietnamese, error names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/str.h"

static void views_compare(void **state) {
	(void)state;
	assert_true(cl_str_eq(cl_str_from(NULL), CL_STR("")));
	assert_true(cl_str_eqc(CL_STR("abc"), "abc"));
	assert_false(cl_str_eqc(CL_STR("abc"), "abcd"));
	assert_false(cl_str_eqc(CL_STR("abd"), "abc"));
	assert_true(cl_str_cmp(CL_STR("ab"), CL_STR("abc")) < 0);
	assert_true(cl_str_cmp(CL_STR("b"), CL_STR("abc")) > 0);
	assert_int_equal(cl_str_cmp(CL_STR("x"), CL_STR("x")), 0);
	assert_true(cl_str_cmp(CL_STR("\xc3"), CL_STR("z")) > 0); /* bytes are unsigned */
	assert_true(cl_str_starts(CL_STR("abc"), CL_STR("")));
	assert_true(cl_str_starts(CL_STR("abc"), CL_STR("ab")));
	assert_false(cl_str_starts(CL_STR("ab"), CL_STR("abc")));
	assert_true(cl_str_eqc(cl_str_trim(CL_STR(" \t a b\r\n")), "a b"));
	assert_int_equal(cl_str_trim(CL_STR(" \n ")).n, 0);
	assert_int_equal(cl_str_trim(cl_str_from(NULL)).n, 0);
}

static void numbers_are_whole_strings(void **state) {
	uint64_t value = 7;
	(void)state;
	assert_int_equal(cl_str_u64(CL_STR("18446744073709551615"), &value), CL_OK);
	assert_true(value == UINT64_MAX);
	assert_int_equal(cl_str_u64(CL_STR("0007"), &value), CL_OK);
	assert_int_equal(value, 7);
	assert_int_equal(cl_str_u64(CL_STR("18446744073709551616"), &value), CL_E_RANGE);
	assert_int_equal(cl_str_u64(CL_STR("99999999999999999999999999"), &value), CL_E_RANGE);
	assert_int_equal(cl_str_u64(CL_STR("99999999999999999999999999x"), &value), CL_E_INVALID);
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1.0"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cl_str_u64(cl_str_from(bad[i]), &value), CL_E_INVALID);
	assert_int_equal(value, 7);
}

/* RFC 3629 by its definition: decodes without any shortcut. */
static bool valid_by_definition(const uint8_t *p, size_t n) {
	for (size_t i = 0; i < n;) {
		size_t length = p[i] < 0x80   ? 1
		                : p[i] < 0xc0 ? 0
		                : p[i] < 0xe0 ? 2
		                : p[i] < 0xf0 ? 3
		                : p[i] < 0xf8 ? 4
		                              : 0;
		static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
		if (length == 0 || i + length > n)
			return false;
		uint32_t c = length == 1 ? p[i] : p[i] & (0x7fu >> length);
		for (size_t k = 1; k < length; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (p[i + k] & 0x3f);
		}
		if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
		i += length;
	}
	return true;
}

static void utf8_agrees_with_its_definition(void **state) {
	static const uint8_t bytes[] = {0x00, 0x01, 'a',  0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
	                                0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff};
	enum { N = sizeof(bytes) };
	(void)state;
	for (uint32_t i = 0; i < N * N * N * N; i++) {
		/* Four bytes of every class, behind ASCII so that they lie across the eight byte steps as well. */
		uint8_t text[24];
		memset(text, 'x', sizeof(text));
		uint32_t at = i % 14 + 1, rest = i;
		for (uint32_t k = 0; k < 4; k++, rest /= N)
			text[at + k] = bytes[rest % N];
		uint32_t n = at + 4 + i % 5;
		bool valid = valid_by_definition(text, n);
		if (cl_utf8_valid((struct cl_str){(char *)text, n}) != valid)
			fail_msg("%02x %02x %02x %02x at %u of %u: should be %d", text[at], text[at + 1], text[at + 2],
			         text[at + 3], at, n, valid);
	}
}

static void assert_fold(const char *text, const char *expected) {
	char out[256];
	struct cl_str s = cl_str_from(text);
	size_t n = cl_fold_vi(s, out, sizeof(out) - 1);
	out[n] = '\0';
	assert_true(n <= s.n);
	assert_string_equal(out, expected);
}

static void folding_takes_marks_off(void **state) {
	(void)state;
	assert_fold("Đơn hàng KHÔNG được giao", "don hang khong duoc giao");
	assert_fold("ĐẶNG Thị Mỹ Ngọc", "dang thi my ngoc");
	assert_fold("àáảãạ ăằắẳẵặ âầấẩẫậ", "aaaaa aaaaaa aaaaaa");
	assert_fold("ÈÉẺẼẸ ÊỀẾỂỄỆ ÌÍỈĨỊ", "eeeee eeeeee iiiii");
	assert_fold("òóỏõọ ôồốổỗộ ơờớởỡợ", "ooooo oooooo oooooo");
	assert_fold("ÙÚỦŨỤ ƯỪỨỬỮỰ ỲÝỶỸỴ", "uuuuu uuuuuu yyyyy");
	assert_fold("đĐ", "dd");
}

static void folding_knows_combining_forms(void **state) {
	(void)state;
	assert_fold("tie\xcc\x82\xcc\x81ng Vie\xcc\xa3\xcc\x82t", "tieng viet"); /* e ^ ´, e . ^ */
	assert_fold("\xc6\xa1\xcc\x80 u\xcc\x9b\xcc\x83", "o u");                /* ơ + grave, u + horn + tilde */
	assert_fold("\xc3\xaa\xcc\x89", "e");                                    /* ê + hook above */
	assert_fold("a\xcc\x86\xcc\xa3", "a");                                   /* a + breve + dot below */
	assert_fold("o\xcd\x80\xcd\x81", "o");                                   /* U+0340, U+0341 */
}

static void folding_leaves_others_alone(void **state) {
	(void)state;
	assert_fold("Straße 漢字 ß Ж 😀 Ünø", "straße 漢字 ß Ж 😀 Ünø");
	assert_fold("A.B-C_1", "a.b-c_1");
	assert_fold("u\xcc\x88", "u\xcc\x88"); /* diaeresis is no mark of Vietnamese */
	assert_fold("bad \xff\xc3 bytes\xe1", "bad \xff\xc3 bytes\xe1");
}

static void folding_joins_white_space(void **state) {
	(void)state;
	assert_fold("a \t\r\n b", "a b");
	assert_fold("  a\xc2\xa0\xe3\x80\x80 b  ", " a b ");
	assert_fold("", "");
	assert_fold("   ", " ");
}

static void folding_keeps_to_its_room(void **state) {
	struct cl_str s = CL_STR("Đ漢ặng 😀 ộ");
	char whole[64];
	size_t n = cl_fold_vi(s, whole, sizeof(whole));
	(void)state;
	for (size_t cap = 0; cap <= n; cap++) {
		char *out = malloc(cap ? cap : 1); /* its size is what ASan watches */
		assert_non_null(out);
		size_t got = cl_fold_vi(s, out, cap);
		assert_true(got <= cap && cap - got < 4); /* stops before a character that does not fit */
		assert_memory_equal(out, whole, got);
		assert_true(valid_by_definition((uint8_t *)out, got));
		free(out);
	}
}

static void folding_twice_changes_nothing(void **state) {
	uint64_t x = 20260302;
	(void)state;
	print_message("seed %llu\n", (unsigned long long)x);
	for (int round = 0; round < 20000; round++) {
		uint8_t text[40];
		char once[40], twice[40];
		uint32_t n = 0;
		while (n < sizeof(text) - 4) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			uint32_t c = (uint32_t)(x >> 33) % 0x2100;
			if (c < 0x80) {
				text[n++] = (uint8_t)c;
			} else if (c < 0x800) {
				text[n++] = (uint8_t)(0xc0 | c >> 6);
				text[n++] = (uint8_t)(0x80 | (c & 0x3f));
			} else {
				text[n++] = (uint8_t)(0xe0 | c >> 12);
				text[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
				text[n++] = (uint8_t)(0x80 | (c & 0x3f));
			}
		}
		size_t first = cl_fold_vi((struct cl_str){(char *)text, n}, once, sizeof(once));
		size_t second = cl_fold_vi((struct cl_str){once, (uint32_t)first}, twice, sizeof(twice));
		assert_int_equal(first, second);
		assert_memory_equal(once, twice, first);
	}
}

static void every_error_has_name_and_text(void **state) {
	(void)state;
	for (int code = 0; code >= CL_E_UNSUPPORTED; code--) {
		assert_string_not_equal(cl_error_name(code), cl_error_name(1));
		assert_true(cl_error_text(code)[0] != '\0');
	}
	assert_string_equal(cl_error_name(CL_E_NOSPACE), "NOSPACE");
	assert_string_equal(cl_error_text(CL_E_CHAIN), "hash chain broken");
	assert_non_null(cl_error_name(12345));
	assert_non_null(cl_error_text(-12345));
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(views_compare),
	        cmocka_unit_test(numbers_are_whole_strings),
	        cmocka_unit_test(utf8_agrees_with_its_definition),
	        cmocka_unit_test(folding_takes_marks_off),
	        cmocka_unit_test(folding_knows_combining_forms),
	        cmocka_unit_test(folding_leaves_others_alone),
	        cmocka_unit_test(folding_joins_white_space),
	        cmocka_unit_test(folding_keeps_to_its_room),
	        cmocka_unit_test(folding_twice_changes_nothing),
	        cmocka_unit_test(every_error_has_name_and_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
