/* What the reader makes of logs that are right and of logs that are not: every fault has its place and its sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "import.h"
#include "xes_write.h"

static const char map_text[] = "source: cu\n"
                               "contact:\n"
                               "  name: '{trace/khach|không tên}'\n"
                               "  subject: '{first/concept:name} của {trace/concept:name}'\n"
                               "  text: '{trace/mo ta}'\n"
                               "  category: complaint\n"
                               "  importance: '{first/muc}'\n"
                               "values:\n"
                               "  - {from: Cao, to: high}\n"
                               "activities:\n"
                               "  - {activity: Nhan, act: work, text: 'nhận: {ghi chu|không ghi chú}'}\n"
                               "  - {activity: Cho, act: hold, after_close: reopen}\n"
                               "  - {activity: Cho, transition: A, act: wait}\n"
                               "  - {activity: Muc, act: assess, priority: '{muc}'}\n"
                               "  - {activity: Dong, act: close, outcome: silent, who: 'tổ {to}'}\n";

struct files {
	char folder[32], map[64], log[64];
	struct import_error error;
};

static void write_file(const char *path, const void *p, size_t n) {
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(p, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state) {
	static struct files files;
	files = (struct files){.folder = "/tmp/careloop-import-XXXXXX"};
	if (!mkdtemp(files.folder))
		return -1;
	snprintf(files.map, sizeof(files.map), "%s/map.yaml", files.folder);
	snprintf(files.log, sizeof(files.log), "%s/log.xes", files.folder);
	write_file(files.map, map_text, sizeof(map_text) - 1);
	*state = &files;
	return 0;
}

static int teardown(void **state) {
	struct files *files = *state;
	import_error_done(&files->error);
	unlink(files->map);
	unlink(files->log);
	return rmdir(files->folder);
}

/* Reads the log to its end or its fault; traces and rows are counted. */
struct outcome {
	int rc;
	uint32_t traces, rows;
};

static struct outcome read_log(struct files *files, void (*look)(const struct import_trace *trace)) {
	struct import_map *map = NULL;
	struct import *import = NULL;
	struct outcome outcome = {0};
	const struct import_trace *trace;
	assert_int_equal(import_map_open(files->map, &map, &files->error), CL_OK);
	outcome.rc = import_open(files->log, map, &import, &files->error);
	while (outcome.rc == CL_OK && (outcome.rc = import_next(import, &trace, &files->error)) == CL_OK && trace) {
		outcome.traces++;
		outcome.rows += trace->row_n;
		if (look)
			look(trace);
	}
	if (outcome.rc == CL_OK) {
		uint64_t done, total, counted = 0;
		uint32_t n;
		import_progress(import, &done, &total);
		assert_int_equal(done, total);
		const struct import_count *counts = import_counts(import, &n);
		for (uint32_t i = 0; i < n; i++)
			counted += counts[i].events;
		assert_int_equal(counted, outcome.rows);
	} else if (import) {
		/* It stays where it failed. */
		assert_int_equal(import_next(import, &trace, &files->error), outcome.rc);
		assert_null(trace);
	}
	import_close(import);
	import_map_close(map);
	return outcome;
}

#define EVENT(name, more)                                                                                              \
	"<event><string key=\"concept:name\" value=\"" name                                                            \
	"\"/><date key='time:timestamp' value='2026-03-01T08:00:00+07:00'/>" more "</event>\n"
#define TRACE(name, inside) "<trace><string key='concept:name' value='" name "'/>" inside "</trace>\n"
#define LOG(inside) "<?xml version='1.0'?>\n<log>\n" inside "</log>\n"

static struct outcome read_text(struct files *files, const char *text) {
	write_file(files->log, text, strlen(text));
	return read_log(files, NULL);
}

/* The fault's sentence in both languages names the file and, in the text, line and byte. */
static void wrong(struct files *files, const char *text, int code, uint64_t line, const char *vi, const char *en) {
	struct outcome outcome = read_text(files, text);
	if (outcome.rc != code || files->error.code != code)
		fail_msg("%s: %d, expected %d", vi, outcome.rc, code);
	if (!strstr(files->error.text[CL_VI], vi) || !strstr(files->error.text[CL_EN], en))
		fail_msg("said: %s / %s", files->error.text[CL_VI], files->error.text[CL_EN]);
	assert_non_null(strstr(files->error.text[CL_VI], files->log));
	assert_int_equal(files->error.line, line);
	char place[64];
	snprintf(place, sizeof(place), "dòng %llu, byte %llu:", (unsigned long long)line,
	         (unsigned long long)files->error.byte);
	if (line)
		assert_non_null(strstr(files->error.text[CL_VI], place));
}

/* -- right -- */

static void look_at_rows(const struct import_trace *trace) {
	assert_true(cl_str_eqc(trace->name, "P&1"));
	assert_int_equal(trace->occurred_ms, INT64_C(1772326800000));
	assert_true(cl_str_eqc(trace->contact.source_key, "cu/P&1"));
	assert_true(cl_str_eqc(trace->contact.name, "không tên"));
	assert_true(cl_str_eqc(trace->contact.subject, "Nhan của P&1"));
	assert_true(cl_str_eqc(trace->contact.text, "dòng 1\ndòng 2"));
	assert_int_equal(trace->contact.category, CATEGORY_COMPLAINT);
	assert_int_equal(trace->contact.importance, LEVEL_HIGH);
	assert_int_equal(trace->contact.channel, CHANNEL_IMPORT);
	assert_true(trace->contact.imported);
	const struct history_row *rows = trace->rows;
	assert_int_equal(trace->row_n, 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(rows[i].row, i + 1);
	assert_true(cl_str_eqc(rows[0].text, "nhận: không ghi chú"));
	assert_true(cl_str_eqc(rows[0].who, "Lan"));
	assert_int_equal(rows[1].act, ACT_WAIT); /* the rule that names the transition wins */
	assert_true(cl_str_eqc(rows[1].activity, "Cho/A"));
	assert_int_equal(rows[2].act, ACT_HOLD);
	assert_true(cl_str_eqc(rows[2].activity, "Cho"));
	assert_int_equal(rows[3].priority, LEVEL_LOW); /* a code of ours needs no value */
	assert_int_equal(rows[4].outcome, OUTCOME_SILENT);
	assert_true(cl_str_eqc(rows[4].who, "tổ hai ba")); /* one line */
}

static void test_rows(void **state) {
	struct files *files = *state;
	static const char text[] = LOG(
	        "<extension name='Concept' prefix='concept' uri='u'/><global scope='event'><string "
	        "key='concept:name' value='Nhan'/></global>"
	        "<trace xmlns:x='urn:x'><string key='concept:name' value='P&amp;1'/><string key='mo ta' value='dòng "
	        "1&#10;dòng 2'>"
	        "<string key='concept:name' value='lồng bên trong'/></string>" EVENT(
	                "Nhan", "<string key='muc' value='Cao'/><string key='org:resource' value='Lan'/>"
	                        "<list key='l'><values><string key='ghi chu' value='sâu hơn'/></values></list>")
	                EVENT("Cho", "<string key='lifecycle:transition' value='A'/>")
	                        EVENT("Cho", "<string key='lifecycle:transition' value='B'/>")
	                                EVENT("Muc", "<string key='muc' value='low'/>")
	                                        EVENT("Dong", "<string key='to' value='hai&#10;ba'/>") "</trace>");
	write_file(files->log, text, sizeof(text) - 1);
	struct outcome outcome = read_log(files, look_at_rows);
	assert_int_equal(outcome.rc, CL_OK);
	assert_int_equal(outcome.traces, 1);
}

static void look_at_missing(const struct import_trace *trace) {
	bool first = cl_str_eqc(trace->name, "1");
	assert_true(cl_str_eqc(trace->contact.name, first ? "Hoa" : "không tên"));
	assert_true(cl_str_eqc(trace->rows[0].text, first ? "nhận: a" : "nhận: không ghi chú"));
	assert_true(cl_str_eqc(trace->rows[1].text, "nhận: không ghi chú"));
}

/* What one event or trace says is not said of the next. */
static void test_values_do_not_stay(void **state) {
	struct files *files = *state;
	static const char text[] =
	        LOG(TRACE("1", "<string key='khach' value='Hoa'/>" EVENT("Nhan", "<string key='ghi chu' value='a'/>")
	                               EVENT("Nhan", "")) TRACE("2", EVENT("Nhan", "") EVENT("Nhan", "")));
	write_file(files->log, text, sizeof(text) - 1);
	assert_int_equal(read_log(files, look_at_missing).traces, 2);
}

static void look_at_reopened(const struct import_trace *trace) {
	const enum case_act acts[] = {ACT_HOLD, ACT_WORK, ACT_CLOSE, ACT_CLOSE, ACT_REOPEN, ACT_HOLD};
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(trace->rows[i].act, acts[i]);
}

static void test_after_close(void **state) {
	struct files *files = *state;
	static const char text[] = LOG(TRACE("1", EVENT("Cho", "") EVENT("Nhan", "") EVENT("Dong", "") EVENT("Dong", "")
	                                                  EVENT("Cho", "") EVENT("Cho", ""))
	                                       TRACE("2", EVENT("Cho", "") EVENT("Nhan", "") EVENT("Dong", "")
	                                                          EVENT("Dong", "") EVENT("Cho", "") EVENT("Cho", "")));
	write_file(files->log, text, sizeof(text) - 1);
	assert_int_equal(read_log(files, look_at_reopened).traces, 2);
}

static void test_many_traces(void **state) {
	struct files *files = *state;
	struct cl_buf text;
	cl_buf_init(&text);
	cl_buf_puts(&text, "<log>");
	for (int i = 0; i < 5000; i++) {
		cl_buf_printf(&text, "<trace><string key='concept:name' value='%d'/>", i);
		for (int k = 0; k < i % 7; k++)
			cl_buf_puts(&text, EVENT("Nhan", ""));
		cl_buf_puts(&text, "</trace>");
	}
	cl_buf_puts(&text, "</log>");
	write_file(files->log, text.p, text.n);
	struct outcome outcome = read_log(files, NULL);
	assert_int_equal(outcome.rc, CL_OK);
	assert_int_equal(outcome.traces, 5000);
	assert_int_equal(outcome.rows, 714 * 21 + 0 + 1);
	/* The same packed, in two members (RFC 1952, 2.2), cut anywhere behind its start. */
	char packed[80];
	snprintf(packed, sizeof(packed), "%s", files->log);
	gzFile gz = gzopen(packed, "wb9");
	assert_int_equal(gzwrite(gz, text.p, 1000), 1000);
	assert_int_equal(gzclose(gz), Z_OK);
	gz = gzopen(packed, "ab9");
	assert_int_equal(gzwrite(gz, text.p + 1000, (unsigned)text.n - 1000), text.n - 1000);
	assert_int_equal(gzclose(gz), Z_OK);
	struct outcome again = read_log(files, NULL);
	assert_int_equal(again.rc, CL_OK);
	assert_int_equal(again.rows, outcome.rows);
	FILE *file = fopen(packed, "rb");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	long size = ftell(file);
	fclose(file);
	for (long cut = size - 1; cut > 20; cut -= size / 9) {
		assert_int_equal(truncate(packed, cut), 0);
		struct outcome part = read_log(files, NULL);
		assert_int_equal(part.rc, CL_E_TRUNCATED);
		assert_int_equal(files->error.line, 0);
		assert_int_equal(files->error.byte, cut);
		assert_non_null(strstr(files->error.text[CL_VI], "gzip bị cụt"));
		assert_non_null(strstr(files->error.text[CL_EN], "cut off"));
	}
	cl_buf_done(&text);
}

static void test_damaged_gzip(void **state) {
	struct files *files = *state;
	gzFile gz = gzopen(files->log, "wb");
	assert_true(gzputs(gz, LOG(TRACE("1", EVENT("Nhan", "")))) > 0);
	assert_int_equal(gzclose(gz), Z_OK);
	FILE *file = fopen(files->log, "r+b");
	assert_int_equal(fseek(file, -6, SEEK_END), 0); /* in the checksum */
	int c = fgetc(file);
	assert_int_equal(fseek(file, -6, SEEK_END), 0);
	fputc(c ^ 1, file);
	fclose(file);
	struct outcome outcome = read_log(files, NULL);
	assert_int_equal(outcome.rc, CL_E_CORRUPT);
	assert_non_null(strstr(files->error.text[CL_EN], "damaged"));
}

/* -- wrong -- */

static void test_wrong(void **state) {
	struct files *files = *state;
	wrong(files, "<log>\n<trace>\n</log>", CL_E_MALFORMED, 3, "XML không đúng", "not well-formed");
	wrong(files, "<log>\n" TRACE("1", EVENT("Nhan", "")), CL_E_TRUNCATED, 3, "bị cụt", "cut off");
	wrong(files, "<log>\n" TRACE("1", EVENT("Nhan", "")) "<trace", CL_E_TRUNCATED, 4, "bị cụt", "cut off");
	wrong(files, "", CL_E_MALFORMED, 1, "XML không đúng", "not well-formed");
	wrong(files, "không phải XML", CL_E_MALFORMED, 1, "XML không đúng", "not well-formed");
	wrong(files, "<log>\xff</log>", CL_E_MALFORMED, 1, "XML không đúng", "not well-formed");
	wrong(files, "<html/>", CL_E_INVALID, 1, "phần tử gốc là <html>", "root element is <html>");
	wrong(files, "<log>\n" EVENT("Nhan", "") "</log>", CL_E_UNSUPPORTED, 2, "ngoài <trace>", "outside of any");
	wrong(files, LOG("<trace>\n" EVENT("Nhan", "") "</trace>"), CL_E_INVALID, 3, "thiếu thuộc tính “concept:name”",
	      "“concept:name” is missing");
	wrong(files, LOG(TRACE("1", "<event>\n</event>")), CL_E_INVALID, 3, "“concept:name”", "“concept:name”");
	wrong(files, LOG(TRACE("1", "<event><string key='concept:name' value='Nhan'/></event>")), CL_E_INVALID, 3,
	      "time:timestamp không phải", "time:timestamp is not");
	wrong(files,
	      LOG(TRACE("1", "<event><string key='concept:name' value='Nhan'/>"
	                     "<date key='time:timestamp' value='hôm qua'/></event>")),
	      CL_E_INVALID, 3, "“hôm qua”", "“hôm qua”");
	wrong(files, LOG(TRACE("1", EVENT("Nhan", "") EVENT("Bay", "<string key='lifecycle:transition' value='x'/>"))),
	      CL_E_UNKNOWN, 4, "hoạt động “Bay” (chuyển trạng thái “x”) không có trong bản ánh xạ",
	      "the activity “Bay” (transition “x”) is not in the map");
	wrong(files, LOG(TRACE("1", EVENT("Muc", "<string key='muc' value='Gấp'/>"))), CL_E_UNKNOWN, 3, "“Gấp”",
	      "“Gấp”");
	wrong(files, LOG(TRACE("1", EVENT("Nhan", "")) TRACE("2", "") TRACE("1", "")), CL_E_EXISTS, 6,
	      "vết “1” xuất hiện hai lần", "the trace “1” appears twice");
}

static void test_doctype(void **state) {
	wrong(*state,
	      "<?xml version='1.0'?>\n<!DOCTYPE log [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>\n"
	      "<log><trace><string key='concept:name' value='&b;'/></trace></log>",
	      CL_E_UNSUPPORTED, 2, "DOCTYPE", "DOCTYPE");
	wrong(*state, "<log><trace><string key='concept:name' value='&b;'/></trace></log>", CL_E_MALFORMED, 1,
	      "XML không đúng", "not well-formed");
}

static void test_deep(void **state) {
	struct cl_buf text;
	cl_buf_init(&text);
	cl_buf_puts(&text, "<log>\n");
	for (int i = 0; i < 100000; i++)
		cl_buf_puts(&text, "<list>");
	cl_buf_putc(&text, '\0');
	wrong(*state, (const char *)text.p, CL_E_TOODEEP, 2, "lồng nhau quá sâu", "nested too deeply");
	cl_buf_done(&text);
}

static void huge(struct files *files, const char *key, size_t n, int code, const char *vi, const char *en) {
	struct cl_buf text;
	cl_buf_init(&text);
	cl_buf_printf(&text, "<log>\n<trace><string key='concept:name' value='1'/>\n<event><string key='%s' value='",
	              key);
	for (size_t i = 0; i < n; i++)
		cl_buf_putc(&text, 'x');
	cl_buf_puts(&text, "'/><string key='concept:name' value='Nhan'/><date key='time:timestamp' "
	                   "value='2026-03-01T08:00:00Z'/></event></trace></log>");
	cl_buf_putc(&text, '\0');
	if (code)
		wrong(files, (const char *)text.p, code, 3, vi, en);
	else
		assert_int_equal(read_text(files, (const char *)text.p).rc, CL_OK);
	cl_buf_done(&text);
}

static void test_huge(void **state) {
	huge(*state, "ghi chu", 3900, CL_OK, NULL, NULL);
	huge(*state, "ghi chu", 5000, CL_E_TOOBIG, "", ""); /* more than a row's text may hold */
	huge(*state, "ghi chu", 100000, CL_E_TOOBIG, "“ghi chu” quá dài", "“ghi chu” is too long");
	huge(*state, "khác", 1000000, CL_OK, NULL, NULL);             /* no key of the map: not kept */
	huge(*state, "khác", 20000000, CL_E_MALFORMED, "XML", "XML"); /* more than libxml2 takes */
}

static void test_no_file(void **state) {
	struct files *files = *state;
	assert_int_equal(read_log(files, NULL).rc, CL_E_NOTFOUND);
	assert_non_null(strstr(files->error.text[CL_VI], "Không mở được"));
	assert_non_null(strstr(files->error.text[CL_EN], "Cannot open"));
}

/* -- commands -- */

static void test_batches(void **state) {
	(void)state;
	static struct history_row rows[450];
	static char long_text[4000];
	memset(long_text, 'a', sizeof(long_text));
	for (uint32_t i = 0; i < 450; i++)
		rows[i] = (struct history_row){.row = i + 1, .text = {long_text, i < 100 ? sizeof(long_text) : 10}};
	struct import_trace trace = {.contact.source_key = CL_STR("cu/1"), .rows = rows, .row_n = 450};
	struct case_import command;
	uint32_t from = 0, n, batches = 0;
	while ((n = import_batch(&trace, from, &command)) > 0) {
		size_t bytes = 0;
		assert_true(n <= IMPORT_BATCH_ROWS);
		assert_true(cl_str_eqc(command.source_key, "cu/1"));
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(command.rows.v[i].row, from + i + 1);
			bytes += command.rows.v[i].text.n;
		}
		assert_true(bytes < 262144);
		from += n;
		batches++;
	}
	assert_int_equal(from, 450);
	assert_int_equal(batches, 4); /* 51 and 49 long ones with short ones up to the bounds */
}

/* -- what is written is read again -- */

static void look_at_written(const struct import_trace *trace) {
	assert_true(cl_str_eqc(trace->name, "<PTN> & \"1\""));
	assert_true(cl_str_eqc(trace->contact.text, "một\ttab\nhai dòng \xEF\xBF\xBD hết"));
	assert_int_equal(trace->row_n, 2);
	assert_true(cl_str_eqc(trace->rows[0].who, "Lan"));
	assert_int_equal(trace->rows[0].at, INT64_C(1772326800123));
	assert_true(cl_str_eqc(trace->rows[0].text, "nhận: xong"));
}

static void test_written(void **state) {
	struct files *files = *state;
	struct cl_buf out;
	cl_buf_init(&out);
	xes_log_start(&out, CL_STR("careloop"));
	xes_trace_start(&out, CL_STR("<PTN> & \"1\""));
	xes_string(&out, "mo ta", CL_STR("một\ttab\nhai dòng \x01 hết"));
	xes_int(&out, "so", -5);
	xes_event_start(&out, CL_STR("Nhan"), CL_STR("complete"), CL_STR("Lan"), INT64_C(1772326800123));
	xes_string(&out, "ghi chu", CL_STR("xong"));
	xes_boolean(&out, "moi", true);
	xes_date(&out, "han", INT64_C(1772326800123));
	xes_event_end(&out);
	xes_event_start(&out, CL_STR("Cho"), (struct cl_str){0}, (struct cl_str){0}, INT64_C(1772326800124));
	xes_event_end(&out);
	xes_trace_end(&out);
	xes_log_end(&out);
	write_file(files->log, out.p, out.n);
	cl_buf_done(&out);
	struct outcome outcome = read_log(files, look_at_written);
	if (outcome.rc != CL_OK)
		fail_msg("%s", files->error.text[CL_EN]);
	assert_int_equal(outcome.rows, 2);
}

#define READER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
	        READER_TEST(test_rows),         READER_TEST(test_values_do_not_stay),
	        READER_TEST(test_after_close),  READER_TEST(test_many_traces),
	        READER_TEST(test_damaged_gzip), READER_TEST(test_wrong),
	        READER_TEST(test_doctype),      READER_TEST(test_deep),
	        READER_TEST(test_huge),         READER_TEST(test_no_file),
	        READER_TEST(test_batches),      READER_TEST(test_written),
	};
	return cmocka_run_group_tests_name("import: reader", tests, NULL, NULL);
}
