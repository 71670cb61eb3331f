/* The catalogue: complete in both languages, with the same conversions in the same order. */
#include "text.h"

#include "proto_help.h"

/* The conversions of a format, one after another: "%s%u". */
static void conversions(const char *format, char *out, size_t cap) {
	size_t n = 0;
	for (const char *p = format; *p; p++) {
		if (*p != '%')
			continue;
		size_t length = 1 + strcspn(p + 1, "diouxXscpfge%") + 1;
		assert_true(n + length < cap && strlen(p) >= length);
		memcpy(out + n, p, length);
		n += length;
		p += length - 1;
	}
	out[n] = '\0';
}

static void check_pair(const char *name, const char *vi, const char *en) {
	char a[200], b[200];
	conversions(vi, a, sizeof(a));
	conversions(en, b, sizeof(b));
	if (strcmp(a, b) != 0)
		fail_msg("%s: conversions %s and %s", name, a, b);
	if (!vi[0] || !en[0] || !cl_utf8_valid(cl_str_from(vi)) || !cl_utf8_valid(cl_str_from(en)))
		fail_msg("%s lacks a language", name);
}

static void texts_are_complete(void **state) {
	(void)state;
#define CHECK_TEXT(name, vi, en)                                                                                       \
	check_pair(#name, vi, en);                                                                                     \
	assert_string_equal(cl_text(CL_TEXT_##name, CL_VI), vi);                                                       \
	assert_string_equal(cl_text(CL_TEXT_##name, CL_EN), en);
	CL_TEXTS(CHECK_TEXT)
	assert_string_equal(cl_text(CL_TEXT_COUNT, CL_VI), "");
}

static void rejects_are_complete(void **state) {
	(void)state;
#define CHECK_REJECT(name, code, vi, en)                                                                               \
	check_pair(#name, vi, en);                                                                                     \
	assert_string_equal(cl_reject_name(code), #name);                                                              \
	assert_string_equal(cl_reject_text(code, CL_VI), vi);                                                          \
	assert_string_equal(cl_reject_text(code, CL_EN), en);
	CL_REJECTS(CHECK_REJECT)
	assert_null(cl_reject_name(0));
	assert_null(cl_reject_name(65000));
	assert_true(cl_reject_text(65000, CL_VI)[0] && cl_reject_text(65000, CL_EN)[0]);
}

static void languages(void **state) {
	(void)state;
	assert_int_equal(cl_lang_from("en"), CL_EN);
	assert_int_equal(cl_lang_from("en-GB"), CL_EN);
	assert_int_equal(cl_lang_from("en_US.UTF-8"), CL_EN);
	assert_int_equal(cl_lang_from("vi"), CL_VI);
	assert_int_equal(cl_lang_from("e"), CL_VI);
	assert_int_equal(cl_lang_from(""), CL_VI);
	assert_int_equal(cl_lang_from(NULL), CL_VI);
}

static void filling_in(void **state) {
	struct cl_arena arena;
	(void)state;
	cl_arena_init(&arena, 256);
	struct cl_str text = cl_text_printf(&arena, CL_TEXT_FIELD_LONG_TEXT, CL_EN, "name", "200");
	assert_string_equal(text.p, "Field “name” is longer than 200 bytes.");
	assert_int_equal(text.n, strlen(text.p));
	text = cl_text_printf(&arena, CL_TEXT_FIELD_LONG_TEXT, CL_VI, "name", "200");
	assert_string_equal(text.p, "Trường “name” dài quá 200 byte.");
	cl_arena_done(&arena);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(texts_are_complete),
	        cmocka_unit_test(rejects_are_complete),
	        cmocka_unit_test(languages),
	        cmocka_unit_test(filling_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
