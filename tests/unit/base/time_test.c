/* Times to text and back, against the C library's calendar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/time.h"

static int64_t parsed(const char *text) {
	int64_t ms = INT64_MIN;
	assert_int_equal(cl_time_parse(cl_str_from(text), &ms), CL_OK);
	return ms;
}

static void formats_are_the_stated_ones(void **state) {
	char text[CL_TIME_TEXT_BYTES];
	(void)state;
	cl_time_format(0, 0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	cl_time_format(-1, 0, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
	cl_time_format(1798736340123, CL_VIETNAM_OFFSET_MIN, text);
	assert_string_equal(text, "2026-12-31T23:59:00.123+07:00");
	cl_time_format(1798736340123, -210, text);
	assert_string_equal(text, "2026-12-31T13:29:00.123-03:30");
	cl_time_format_vi(1798736340123, CL_VIETNAM_OFFSET_MIN, text);
	assert_string_equal(text, "31/12/2026 23:59");
	cl_time_format(INT64_MAX, 0, text);
	assert_string_equal(text, "-");
	cl_time_format_vi(INT64_MIN, 0, text);
	assert_string_equal(text, "-");
	cl_time_format(253402300799999, 0, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	cl_time_format(253402300799999, 60, text);
	assert_string_equal(text, "-"); /* already the year 10000 there */
}

static void years_follow_the_offset(void **state) {
	(void)state;
	assert_int_equal(cl_time_year(1798736400000 - 1, CL_VIETNAM_OFFSET_MIN), 2026);
	assert_int_equal(cl_time_year(1798736400000, CL_VIETNAM_OFFSET_MIN), 2027);
	assert_int_equal(cl_time_year(1798736400000, 0), 2026);
}

static void parsing_takes_rfc_3339(void **state) {
	(void)state;
	assert_true(parsed("1970-01-01T00:00:00Z") == 0);
	assert_true(parsed("2010-03-31T15:59:42+01:00") == 1270047582000);
	assert_true(parsed("2010-03-31t14:59:42.5z") == 1270047582500);
	assert_true(parsed("2010-03-31 14:59:42.123999999Z") == 1270047582123);
	assert_true(parsed("2010-03-31T21:59:42") == 1270047582000); /* no offset: Vietnam */
	assert_true(parsed("2010-03-31") == parsed("2010-03-31T00:00:00+07:00"));
	assert_true(parsed("2016-12-31T23:59:60Z") == parsed("2017-01-01T00:00:00Z"));
	assert_true(parsed("2024-02-29T12:00:00-00:00") == parsed("2024-02-29T12:00:00Z"));
	assert_true(parsed("1900-01-01T00:00:00Z") == -2208988800000);
	assert_true(parsed("9999-12-31T23:59:59.999Z") == 253402300799999);
}

static void parsing_refuses_the_rest(void **state) {
	static const char *const malformed[] = {"",
	                                        "2010",
	                                        "2010-3-31",
	                                        "2010-03-31T",
	                                        "2010-03-31T15:59",
	                                        "10-03-2010",
	                                        "2010-03-31 ",
	                                        "2010-03-31T15:59:42.",
	                                        "2010-03-31T15:59:42+7",
	                                        "2010-03-31T15:59:42+0700",
	                                        "2010/03/31",
	                                        "2010-03-31T15:59:42Zx",
	                                        "-010-03-31",
	                                        "2010-03-31T15:59:42 Z"};
	static const char *const range[] = {"1899-12-31",
	                                    "2010-00-01",
	                                    "2010-13-01",
	                                    "2010-04-31",
	                                    "2023-02-29",
	                                    "2100-02-29",
	                                    "2010-01-01T24:00:00Z",
	                                    "2010-01-01T00:60:00Z",
	                                    "2010-01-01T00:00:61Z",
	                                    "2010-01-00",
	                                    "2010-01-01T00:00:00+24:00"};
	int64_t ms = 42;
	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		if (cl_time_parse(cl_str_from(malformed[i]), &ms) != CL_E_MALFORMED)
			fail_msg("not refused as malformed: %s", malformed[i]);
	}
	for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++) {
		if (cl_time_parse(cl_str_from(range[i]), &ms) != CL_E_RANGE)
			fail_msg("not refused as out of range: %s", range[i]);
	}
	assert_int_equal(ms, 42);
}

/* Every day until 2134, every 17th until 9999, at a time of day that moves, against gmtime. */
static void calendar_agrees_with_the_c_library(void **state) {
	(void)state;
	for (int64_t day = -25567; day <= 2932896; day += day < 60000 ? 1 : 17) {
		int64_t ms = day * 86400000 + (day * 7919 % 86400000 + 86400000) % 86400000, back;
		time_t seconds = (time_t)((ms - ((ms % 1000) + 1000) % 1000) / 1000);
		char text[CL_TIME_TEXT_BYTES], expected[32];
		struct tm tm;
		assert_non_null(gmtime_r(&seconds, &tm));
		assert_int_equal(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm), 19);
		cl_time_format(ms, 0, text);
		if (memcmp(text, expected, 19) != 0)
			fail_msg("%s should be %s", text, expected);
		assert_int_equal(cl_time_parse(cl_str_from(text), &back), CL_OK);
		assert_true(back == ms);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(formats_are_the_stated_ones),
	        cmocka_unit_test(years_follow_the_offset),
	        cmocka_unit_test(parsing_takes_rfc_3339),
	        cmocka_unit_test(parsing_refuses_the_rest),
	        cmocka_unit_test(calendar_agrees_with_the_c_library),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
