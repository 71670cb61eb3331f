/* Maps are checked whole when they are read: each fault names the key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "import.h"

static char path[64];

static int setup(void **state) {
	(void)state;
	snprintf(path, sizeof(path), "/tmp/careloop-map-XXXXXX");
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state) {
	(void)state;
	return unlink(path);
}

static int open_text(const char *text, struct import_error *error) {
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	struct import_map *map = NULL;
	int rc = import_map_open(path, &map, error);
	if (rc == CL_OK)
		import_map_close(map);
	return rc;
}

static void wrong(const char *text, int code, const char *vi, const char *en) {
	struct import_error error = {0};
	int rc = open_text(text, &error);
	if (rc != code || error.code != code)
		fail_msg("%s: %d, expected %d", text, rc, code);
	if (!strstr(error.text[CL_VI], vi) || !strstr(error.text[CL_EN], en))
		fail_msg("said: %s / %s", error.text[CL_VI], error.text[CL_EN]);
	assert_non_null(strstr(error.text[CL_VI], path));
	import_error_done(&error);
}

#define ONE "activities:\n  - {activity: A, act: work}\n"

static void test_right(void **state) {
	(void)state;
	struct import_error error = {0};
	assert_int_equal(open_text("source: cu\n" ONE, &error), CL_OK);
	assert_int_equal(open_text("source: cu\n" ONE "default: {act: note, text: '{{không rõ}} {a:b|c}'}\n", &error),
	                 CL_OK);
	assert_null(error.text[0]);
}

static void test_wrong(void **state) {
	(void)state;
	wrong("source: cu\nnguon: x\n" ONE, CL_E_UNKNOWN, "khóa lạ “nguon”", "unknown key “nguon”");
	wrong("source: cu\nactivities:\n  - {activity: A, act: work, ghichu: x}\n", CL_E_UNKNOWN, "khóa lạ “ghichu”",
	      "line: 3");
	wrong("source: cu\ncontact: {ten: x}\n" ONE, CL_E_UNKNOWN, "khóa lạ “ten”", "unknown key “ten”");
	wrong(ONE, CL_E_INVALID, "thiếu khóa “source”", "“source” is missing");
	wrong("source: cu\nactivities:\n  - {activity: A}\n", CL_E_INVALID, "thiếu khóa “act”", "“act” is missing");
	wrong("source: cu\n", CL_E_INVALID, "thiếu khóa “activities”", "“activities” is missing");
	wrong("source: cu\nactivities:\n  - {activity: A, act: bay}\n", CL_E_INVALID, "“act” không có mã “bay”",
	      "“act” has no code “bay”");
	wrong("source: cu\nactivities:\n  - {activity: A, act: close, outcome: x}\n", CL_E_INVALID,
	      "“outcome” không có mã “x”", "has no code “x”");
	wrong("source: cu\nactivities:\n  - {activity: A, act: work, after_close: bay}\n", CL_E_INVALID,
	      "“after_close” không có mã “bay”", "“after_close” has no code “bay”");
	wrong("source: cu\nactivities:\n  - {activity: A, act: work, outcome: silent}\n", CL_E_INVALID, "“outcome”",
	      "“outcome” cannot be used here");
	wrong("source: cu\nactivities:\n  - {activity: A, act: work, department: x}\n", CL_E_INVALID, "“department”",
	      "“department” cannot be used here");
	wrong("source: cu\nactivities:\n  - {activity: A, act: work, text: 'a {b'}\n", CL_E_INVALID,
	      "khuôn mẫu của “text”", "template of “text”");
	wrong("source: cu\nactivities:\n  - {activity: A, act: work, text: 'a} b'}\n", CL_E_INVALID,
	      "khuôn mẫu của “text”", "template of “text”");
	wrong("source: cu\nactivities:\n  - {activity: A, act: work, text: '{}'}\n", CL_E_INVALID,
	      "khuôn mẫu của “text”", "template of “text”");
	wrong("source: cu\nactivities:\n  - {act: work}\n", CL_E_INVALID, "“activity”", "“activity” cannot be used");
	wrong("source: cu\n" ONE "default: {activity: B, act: note}\n", CL_E_INVALID, "“default”", "“default”");
	wrong("source: cu\n" ONE "  - {activity: A, act: hold}\n", CL_E_INVALID, "có hai mục cùng", "two entries");
	wrong("source: cu\ncontact: {channel: vo tuyen}\n" ONE, CL_E_INVALID, "“channel” không có mã", "has no code");
	wrong("source: [cu\n", CL_E_MALFORMED, "không đọc được", "cannot be read");
	wrong("source: &a cu\nabout: *a\n" ONE, CL_E_MALFORMED, "không đọc được", "cannot be read");
	wrong("", CL_E_INVALID, "thiếu khóa “source”", "“source” is missing");
}

static void test_big(void **state) {
	(void)state;
	static char text[(1 << 20) + 100];
	memset(text, '#', sizeof(text) - 1);
	wrong(text, CL_E_TOOBIG, "quá lớn", "too large");
}

static void test_no_file(void **state) {
	(void)state;
	struct import_error error = {0};
	struct import_map *map;
	assert_int_equal(import_map_open("/nonexistent/map.yaml", &map, &error), CL_E_NOTFOUND);
	assert_non_null(strstr(error.text[CL_EN], "Cannot open /nonexistent/map.yaml"));
	import_error_done(&error);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_right), cmocka_unit_test(test_wrong),
	                                   cmocka_unit_test(test_big), cmocka_unit_test(test_no_file)};
	return cmocka_run_group_tests_name("import: map", tests, setup, teardown);
}
