/* The read model: what questions answer, and that it is nothing but a fold of the archive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <sqlite3.h>

#include "history.h"
#include "text.h"

static json_t *ask(struct history_model *model, const struct history *history, const char *name, const char *key,
                   const char *value, const char *key2, const char *value2) {
	enum wire_status status;
	const char *text = history_ask(model, history, &status, name, key, value, key2, value2, NULL);
	assert_int_equal(status, WIRE_ACCEPTED);
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);
	if (!json)
		fail_msg("%s in %s", error.text, text);
	return json;
}

static const char *member(const json_t *json, const char *key) {
	return json_string_value(json_object_get(json, key));
}

static const char *title_at(const json_t *list, size_t i) {
	return member(json_array_get(json_object_get(list, "cases"), i), "title");
}

static size_t found(const json_t *list) {
	return json_array_size(json_object_get(list, "cases"));
}

/* -- search -- */

static void open_search(struct history *history, struct history_model *model) {
	history_init(history, 7);
	(void)history_open_case(history, "Hoàn tiền cho đơn hàng", "Nguyễn Văn An", "+84912345678", NULL);
	(void)history_open_case(history, "Tien ich bi loi", "Đỗ Đức", "+84987654321", NULL);
	(void)history_open_case(history, "Chuyển TIỀN nhầm", "Lê Tiến", "0281234567", NULL);
	(void)history_open_case(history, "Don dep kho", "Trần Dũng", "+84911111111", NULL);
	history_write(history);
	*model = (struct history_model){.model = NULL};
	history_model_open(model, history);
	history_model_follow(model, history, 1000);
}

static void search_folds_and_ranks(void **state) {
	struct history history;
	struct history_model model;
	(void)state;
	open_search(&history, &model);
	json_t *list = ask(&model, &history, "case_list", "q", "tien", NULL, NULL);
	assert_int_equal(found(list), 3);
	assert_string_equal(title_at(list, 0), "Tien ich bi loi"); /* as spelt; the others newest first */
	assert_string_equal(title_at(list, 1), "Chuyển TIỀN nhầm");
	json_decref(list);
	list = ask(&model, &history, "case_list", "q", "tiền", NULL, NULL);
	assert_int_equal(found(list), 3);
	assert_string_equal(title_at(list, 0), "Chuyển TIỀN nhầm");
	assert_string_equal(title_at(list, 1), "Hoàn tiền cho đơn hàng");
	assert_string_equal(title_at(list, 2), "Tien ich bi loi");
	json_decref(list);
	list = ask(&model, &history, "case_list", "q", "don", NULL, NULL);
	assert_int_equal(found(list), 2); /* đơn, Don */
	assert_string_equal(title_at(list, 0), "Don dep kho");
	json_decref(list);
	list = ask(&model, &history, "case_list", "q", "đơn hàng", NULL, NULL);
	assert_int_equal(found(list), 1);
	json_decref(list);
	history_model_close(&model, true);
	history_done(&history);
}

static void search_finds_by_everything(void **state) {
	static const struct {
		const char *q;
		size_t n;
		const char *first;
	} questions[] = {
	        {"0912 345 678", 1, "Hoàn tiền cho đơn hàng"},
	        {"+84912345678", 1, "Hoàn tiền cho đơn hàng"},
	        {"0912345", 1, "Hoàn tiền cho đơn hàng"},
	        {"PTN-2026-000002", 1, "Tien ich bi loi"},
	        {"ptn-2026-00000", 4, "Don dep kho"},
	        {"3", 1, "Chuyển TIỀN nhầm"},
	        {"000004", 1, "Don dep kho"},
	        {"duc", 1, "Tien ich bi loi"},
	        {"do duc", 1, "Tien ich bi loi"},
	        {"nguyen van hoan", 1, "Hoàn tiền cho đơn hàng"},
	        {"chuy", 1, "Chuyển TIỀN nhầm"}, /* the beginning of a word */
	        {"khach@example.vn", 4, "Don dep kho"},
	        {"tien khong co", 0, NULL},
	        {"\"", 0, NULL},
	        {"tien\" OR \"kho", 0, NULL}, /* no syntax of the index comes through */
	        {"*", 0, NULL},
	};
	struct history history;
	struct history_model model;
	(void)state;
	open_search(&history, &model);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		json_t *list = ask(&model, &history, "case_list", "q", questions[i].q, NULL, NULL);
		if (found(list) != questions[i].n)
			fail_msg("%s: %zu found", questions[i].q, found(list));
		if (questions[i].n)
			assert_string_equal(title_at(list, 0), questions[i].first);
		json_decref(list);
	}
	history_model_close(&model, true);
	history_done(&history);
}

/* -- one case -- */

static uint32_t tell_one(struct history *history) {
	uint32_t of = history_open_case(history, "Máy giặt hỏng", "Nguyễn Văn An", NULL, NULL);
	struct case_worked worked = {.text = CL_STR("Đã cử kỹ thuật viên"), .person = CL_STR("nv03")};
	struct case_proposed proposed = {.text = CL_STR("Thay bo mạch")};
	struct case_agreed agreed = {.text = CL_STR("Được")};
	struct case_closed closed = {.outcome = OUTCOME_AGREED,
	                             .result = CL_STR("Đã thay bo mạch"),
	                             .number = cl_str_from(history->cases[of].number)};
	history_case_event(history, of, CL_T_case_worked, &worked);
	history_case_event(history, of, CL_T_case_proposed, &proposed);
	history_case_event(history, of, CL_T_case_agreed, &agreed);
	history_case_event(history, of, CL_T_case_closed, &closed);
	return of;
}

static void check_report(struct history_model *model, const struct history *history, const char *number) {
	char hash[65];
	json_t *report = ask(model, history, "report", "number", number, NULL, NULL);
	assert_string_equal(member(report, "number"), number);
	assert_string_equal(member(report, "customer_name"), "Nguyễn Văn An");
	assert_string_equal(member(report, "description"), "Khách gọi lúc sáng.\nĐã hẹn gọi lại.");
	assert_string_equal(member(report, "result"), "Đã thay bo mạch");
	assert_string_equal(member(report, "outcome"), "agreed");
	assert_non_null(member(report, "received_at"));
	assert_non_null(member(report, "category"));
	assert_non_null(member(report, "priority"));
	json_t *done = json_object_get(report, "done");
	assert_int_equal(json_array_size(done), 6); /* slip, opened, worked, proposed, agreed, closed */
	assert_string_equal(member(json_array_get(done, 2), "text"), "Đã cử kỹ thuật viên");
	cl_hash_hex(history->log.head.hash, hash);
	assert_string_equal(member(json_object_get(report, "archive"), "hash"), hash);
	json_decref(report);
}

static void check_timeline(struct history_model *model, const struct history *history, const char *number) {
	json_int_t after = 0;
	size_t n = 0;
	for (;;) {
		char from[24];
		snprintf(from, sizeof(from), "%lld", (long long)after);
		enum wire_status status;
		const char *text = history_ask(model, history, &status, "timeline", "number", number, "limit", "2",
		                               "after", from, NULL);
		assert_int_equal(status, WIRE_ACCEPTED);
		json_t *page = json_loads(text, 0, NULL);
		assert_non_null(page);
		size_t i;
		json_t *event;
		json_array_foreach(json_object_get(page, "events"), i, event) {
			assert_true(json_integer_value(json_object_get(event, "seq")) > after);
			after = json_integer_value(json_object_get(event, "seq"));
			assert_true(json_is_object(json_object_get(event, "event")));
			n++;
		}
		bool more = json_object_get(page, "next") != NULL;
		json_decref(page);
		if (!more)
			break;
	}
	assert_int_equal(n, 9); /* three of intake, routed, opened, and four */
}

static void one_case_is_told(void **state) {
	struct history history;
	struct history_model model = {.model = NULL};
	(void)state;
	history_init(&history, 3);
	uint32_t of = tell_one(&history);
	const char *number = history.cases[of].number;
	struct order_changed order = {.number = cl_str_from(number),
	                              .slip_id = history.cases[of].slip_id,
	                              .status = ORDER_SHIPPED,
	                              .carrier = CL_STR("GHN"),
	                              .total_vnd = 1500000};
	history_write(&history);
	history_model_open(&model, &history);
	history_model_follow(&model, &history, 3);
	json_t *found_case = ask(&model, &history, "case_find", "number", number, NULL, NULL);
	assert_string_equal(member(found_case, "status"), "closed");
	assert_string_equal(member(found_case, "person"), "nv03");
	assert_non_null(member(found_case, "first_response_at"));
	assert_string_equal(member(found_case, "customer_root"), member(found_case, "customer_id"));
	assert_null(json_object_get(found_case, "order"));
	json_decref(found_case);
	check_report(&model, &history, number);
	check_timeline(&model, &history, number);
	history_event(&history, CL_KIND_ORDER, history.cases[of].slip_id, CL_T_order_changed, &order, history.now_ms,
	              CL_STR("nv01"));
	history_write(&history);
	history_model_follow(&model, &history, 3);
	found_case = ask(&model, &history, "case_find", "number", number, NULL, NULL);
	assert_string_equal(member(json_object_get(found_case, "order"), "carrier"), "GHN");
	json_decref(found_case);
	history_model_close(&model, true);
	history_done(&history);
}

static void merged_customers_lead_to_the_root(void **state) {
	struct history history;
	struct history_model model = {.model = NULL};
	(void)state;
	history_init(&history, 5);
	uint32_t of = tell_one(&history);
	history_write(&history);
	history_model_open(&model, &history);
	history_model_follow(&model, &history, 100);
	json_t *one = ask(&model, &history, "case_find", "number", history.cases[of].number, NULL, NULL);
	struct cl_id customer, root = {{9}}, top = {{10}};
	assert_int_equal(cl_id_parse(cl_str_from(member(one, "customer_id")), &customer), CL_OK);
	json_decref(one);
	struct customer_merged merged = {.into = root};
	struct customer_linked linked = {.into = top, .identity = {{1}}, .request = {{2}}};
	history_event(&history, CL_KIND_CUSTOMER, customer, CL_T_customer_merged, &merged, history.now_ms,
	              CL_STR("nv01"));
	history_event(&history, CL_KIND_CUSTOMER, root, CL_T_customer_linked, &linked, history.now_ms, CL_STR("nv01"));
	history_write(&history);
	history_model_follow(&model, &history, 100);
	char text[CL_ID_TEXT_BYTES];
	cl_id_format(top, text);
	one = ask(&model, &history, "case_find", "number", history.cases[of].number, NULL, NULL);
	assert_string_equal(member(one, "customer_root"), text);
	json_decref(one);
	struct customer_unmerged unmerged = {.from = root, .reason = CL_STR("nhầm")};
	history_event(&history, CL_KIND_CUSTOMER, customer, CL_T_customer_unmerged, &unmerged, history.now_ms,
	              CL_STR("nv01"));
	history_write(&history);
	history_model_follow(&model, &history, 100);
	one = ask(&model, &history, "case_find", "number", history.cases[of].number, NULL, NULL);
	assert_string_equal(member(one, "customer_root"), member(one, "customer_id"));
	json_decref(one);
	history_model_close(&model, true);
	history_done(&history);
}

/* -- imports -- */

static void an_import_is_accounted_for(void **state) {
	struct history history;
	struct history_model model = {.model = NULL};
	(void)state;
	history_init(&history, 5);
	for (int i = 0; i < 3; i++) {
		uint32_t of = history_open_case(&history, NULL, NULL, NULL, i < 2 ? "bpi2013/1" : "helpdesk/1");
		struct case_history_noted noted = {
		        .row = 1, .activity = CL_STR("Accepted"), .act = ACT_CLOSE, .reason = CL_R_CASE_CLOSED};
		struct case_history_imported rows = {
		        .source_key = CL_STR("x"), .upto_row = 4, .changed = 3, .noted = 1, .refused = 1};
		struct case_closed closed = {.outcome = OUTCOME_SILENT,
		                             .number = cl_str_from(history.cases[of].number)};
		history_case_event(&history, of, CL_T_case_closed, &closed);
		history_case_event(&history, of, CL_T_case_history_noted, &noted);
		history_case_event(&history, of, CL_T_case_history_imported, &rows);
	}
	(void)history_open_case(&history, NULL, NULL, NULL, NULL);
	history_write(&history);
	history_model_open(&model, &history);
	history_model_follow(&model, &history, 7);
	json_t *all = ask(&model, &history, "tally", NULL, NULL, NULL, NULL);
	assert_int_equal(json_array_size(json_object_get(all, "sources")), 2);
	json_decref(all);
	json_t *tally = ask(&model, &history, "tally", "source", "bpi2013", NULL, NULL);
	json_t *one = json_array_get(json_object_get(tally, "sources"), 0);
	json_int_t cases, rows, changed, noted, refused, opened, silent, notes;
	assert_int_equal(json_unpack(one, "{s:I s:I s:I s:I s:I s:{s:I} s:{s:I} s:[{s:I}]}", "cases", &cases, "rows",
	                             &rows, "changed", &changed, "noted", &noted, "refused", &refused, "events",
	                             "case_opened", &opened, "outcome", "silent", &silent, "notes", "n", &notes),
	                 0);
	assert_int_equal(cases, 2);
	assert_int_equal(rows, 8);
	assert_int_equal(changed, 6);
	assert_int_equal(noted, 2);
	assert_int_equal(refused, 2);
	assert_int_equal(opened, 2);
	assert_int_equal(silent, 2);
	assert_int_equal(notes, 2);
	json_decref(tally);
	history_model_close(&model, true);
	history_done(&history);
}

/* -- bad questions -- */

static void bad_arguments_are_named(void **state) {
	static const struct {
		const char *name, *key, *value, *field;
	} bad[] = {
	        {"case_list", "colour", "red", "colour"},
	        {"case_list", "status", "opened", "status"},
	        {"case_list", "status", "open,", NULL},
	        {"case_list", "status", "open,,closed", "status"},
	        {"case_list", "limit", "0", "limit"},
	        {"case_list", "limit", "201", "limit"},
	        {"case_list", "limit", "-1", "limit"},
	        {"case_list", "sort", "name", "sort"},
	        {"case_list", "sort", "found", "sort"},
	        {"case_list", "after", "abc", "after"},
	        {"case_list", "after", "zzzzzzzzzzzzzzzz-0000000000000000", "after"},
	        {"case_find", "q", "x", "q"},
	        {"case_find", NULL, NULL, "number"},
	        {"timeline", "number", "", "number"},
	        {"figures", "x", "y", "x"},
	};
	struct history history;
	struct history_model model = {.model = NULL};
	enum wire_status status;
	(void)state;
	history_init(&history, 1);
	(void)tell_one(&history);
	history_write(&history);
	history_model_open(&model, &history);
	history_model_follow(&model, &history, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)history_ask(&model, &history, &status, bad[i].name, bad[i].key, bad[i].value, NULL);
		if (!bad[i].field) {
			assert_int_equal(status, WIRE_ACCEPTED);
			continue;
		}
		if (status != WIRE_INVALID || !cl_str_eqc(model.answer.field, bad[i].field))
			fail_msg("%s %s=%s", bad[i].name, bad[i].key, bad[i].value);
	}
	(void)history_ask(&model, &history, &status, "case_find", "number", "PTN-2026-999999", NULL);
	assert_int_equal(status, WIRE_NOT_FOUND);
	(void)history_ask(&model, &history, &status, "case_list", "limit", "1", "limit", "2", NULL);
	assert_int_equal(status, WIRE_INVALID);
	history_model_close(&model, true);
	history_done(&history);
}

/* -- the file -- */

static void another_archives_file_is_dropped(void **state) {
	struct history one, other;
	struct history_model model = {.model = NULL};
	enum wire_status status;
	(void)state;
	history_init(&one, 1);
	history_init(&other, 2);
	(void)tell_one(&one);
	history_write(&one);
	history_model_open(&model, &one);
	history_model_follow(&model, &one, 100);
	history_model_close(&model, false);
	history_model_open(&model, &other);
	assert_true(reporting_model_stats(model.model)->rebuilt);
	assert_int_equal(reporting_model_seq(model.model), 0);
	(void)history_ask(&model, &other, &status, "case_find", "number", "PTN-2026-000001", NULL);
	assert_int_equal(status, WIRE_NOT_FOUND);
	history_model_close(&model, true);
	history_done(&one);
	history_done(&other);
}

static void a_broken_file_is_dropped(void **state) {
	struct history history;
	struct history_model model = {.model = NULL};
	(void)state;
	history_init(&history, 1);
	(void)tell_one(&history);
	history_write(&history);
	history_model_open(&model, &history);
	history_model_follow(&model, &history, 100);
	history_model_close(&model, false);
	FILE *file = fopen(model.path, "r+");
	assert_non_null(file);
	for (int i = 0; i < 4096; i++)
		fputc('x', file);
	fclose(file);
	history_model_open(&model, &history);
	assert_true(reporting_model_stats(model.model)->rebuilt);
	history_model_follow(&model, &history, 100);
	json_decref(ask(&model, &history, "case_find", "number", "PTN-2026-000001", NULL, NULL));
	history_model_close(&model, true);
	history_done(&history);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(search_folds_and_ranks),
	        cmocka_unit_test(search_finds_by_everything),
	        cmocka_unit_test(one_case_is_told),
	        cmocka_unit_test(merged_customers_lead_to_the_root),
	        cmocka_unit_test(an_import_is_accounted_for),
	        cmocka_unit_test(bad_arguments_are_named),
	        cmocka_unit_test(another_archives_file_is_dropped),
	        cmocka_unit_test(a_broken_file_is_dropped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
