/* JSON by hand: exact forms, every kind of bad text with its path, code and sentence. */
#include <jansson.h>

#include "proto_help.h"

static struct cl_arena arena;

static int setup(void **state) {
	(void)state;
	cl_arena_init(&arena, 4096);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	cl_arena_done(&arena);
	return 0;
}

static void assert_json(const struct cl_schema *schema, const void *value, unsigned flags, const char *expected) {
	struct cl_buf out;
	cl_buf_init(&out);
	cl_json_write(schema, value, flags, &out);
	cl_buf_putc(&out, '\0');
	assert_string_equal((char *)out.p, expected);
	cl_buf_done(&out);
}

static void forms_are_the_stated_ones(void **state) {
	struct log_opened opened = {.log_id = {{1, 2}},
	                            .service = CL_ORDER,
	                            .partitions = 4,
	                            .schema_hash = {{0xab, 0xcd}},
	                            .public_key = {(const uint8_t *)"\x00\xff\x10z", 4}};
	struct case_reminded reminded = {.until = -1};
	struct wire_get get = {.id = {{9}}, .history = true, .min_seq = UINT64_MAX, .as_of = 1772418896789};
	(void)state;
	assert_json(&cl_schema_log_opened, &opened, 0,
	            "{\"log_id\":\"01020000-0000-0000-0000-000000000000\",\"service\":3,\"partitions\":4,"
	            "\"schema_hash\":\"abcd000000000000000000000000000000000000000000000000000000000000\","
	            "\"public_key\":\"AP8Qeg==\"}");
	assert_json(&cl_schema_case_reminded, &reminded, 0, "{\"until\":\"1969-12-31T23:59:59.999Z\"}");
	assert_json(&cl_schema_wire_get, &get, 0,
	            "{\"id\":\"09000000-0000-0000-0000-000000000000\",\"as_of\":\"2026-03-02T02:34:56.789Z\","
	            "\"history\":true,"
	            "\"min_seq\":\"18446744073709551615\"}");
	get.min_seq = (UINT64_C(1) << 53) - 1;
	get.as_of = 0;
	assert_json(&cl_schema_wire_get, &get, 0,
	            "{\"id\":\"09000000-0000-0000-0000-000000000000\",\"history\":true,\"min_seq\":9007199254740991}");
}

static void personal_fields_are_masked(void **state) {
	struct contact_register contact = {.channel = CHANNEL_WEB,
	                                   .name = CL_STR("Lê Thị Bình"),
	                                   .subject = CL_STR("Máy in"),
	                                   .product = CL_STR("LBP 2900")};
	(void)state;
	assert_json(&cl_schema_contact_register, &contact, CL_JSON_MASK_PERSONAL,
	            "{\"channel\":\"web\",\"name\":null,\"subject\":null,\"product\":\"LBP 2900\"}");
	assert_json(&cl_schema_contact_register, &contact, 0,
	            "{\"channel\":\"web\",\"name\":\"Lê Thị Bình\",\"subject\":\"Máy in\",\"product\":\"LBP 2900\"}");
}

static void pretty_text_has_lines(void **state) {
	struct order_line lines[] = {{.sku = CL_STR("A"), .quantity = 2}, {.sku = CL_STR("B"), .quantity = 1}};
	struct order_set_lines value = {.lines = {lines, 2}};
	struct log_consumed none = {{NULL, 0}};
	(void)state;
	assert_json(&cl_schema_order_set_lines, &value, CL_JSON_PRETTY,
	            "{\n  \"lines\": [\n    {\n      \"sku\": \"A\",\n      \"quantity\": 2\n    },\n    {\n      "
	            "\"sku\": \"B\",\n"
	            "      \"quantity\": 1\n    }\n  ]\n}");
	assert_json(&cl_schema_log_consumed, &none, CL_JSON_PRETTY, "{}");
}

static void assert_string(struct cl_str s, const char *expected) {
	struct cl_buf out;
	json_error_t error;
	cl_buf_init(&out);
	cl_json_string(&out, s);
	assert_int_equal(out.n, strlen(expected));
	assert_memory_equal(out.p, expected, out.n);
	json_t *read = json_loadb((char *)out.p, out.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	assert_non_null(read);
	json_decref(read);
	cl_buf_done(&out);
}

static void strings_are_escaped(void **state) {
	(void)state;
	assert_string(CL_STR(""), "\"\"");
	assert_string(CL_STR("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
	assert_string(CL_STR("\b\t\n\f\r\x0b\x1f\x7f"), "\"\\b\\t\\n\\f\\r\\u000b\\u001f\\u007f\"");
	assert_string(CL_STR("Đã giao 😀"), "\"Đã giao 😀\"");
	assert_string(CL_STR("a\0b"), "\"a\\u0000b\"");
	assert_string(CL_STR("a\xff"), "\"a\xef\xbf\xbd\"");
	assert_string(CL_STR("\xc3(\xe1\xba"), "\"\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\"");
	assert_string(CL_STR("\xed\xa0\x80Đ"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdĐ\"");
}

/* -- reading -- */
static int read_text(const struct cl_schema *schema, const char *json, size_t n, void *value,
                     struct cl_field_error *error) {
	struct cl_bytes exact = exact_copy(json, n);
	cl_arena_reset(&arena);
	*error = (struct cl_field_error){0};
	int rc = cl_json_read(schema, exact, &arena, value, error);
	assert_int_equal(cl_json_read(schema, exact, &arena, value, NULL), rc);
	release(exact);
	return rc;
}

static void assert_refused(const struct cl_schema *schema, const char *json, int code, const char *path) {
	struct cl_field_error error;
	void *value = malloc(schema->size), *zero = calloc(1, schema->size);
	int rc = read_text(schema, json, strlen(json), value, &error);
	if (rc != code || error.code != code || strcmp(error.path, path) != 0)
		fail_msg("%s gives %s at “%s”", json, cl_error_name(rc), error.path);
	assert_memory_equal(value, zero, schema->size);
	struct cl_str vi = cl_field_error_text(&error, "vi", &arena), en = cl_field_error_text(&error, "en", &arena);
	if (!vi.n || !en.n || cl_str_eq(vi, en) || (path[0] && (!strstr(vi.p, path) || !strstr(en.p, path))))
		fail_msg("%s: “%s”, “%s”", json, vi.p, en.p);
	free(value);
	free(zero);
}

static void reading_takes_what_writing_gives_and_more(void **state) {
	struct contact_register contact;
	struct wire_get get;
	struct cl_field_error error;
	(void)state;
	const char *json =
	        " { \"subject\" : \"M\\u00e1y \\\"in\\\"\" , \"quantity\":5, \"channel\":\"phone\", \"name\":null,\n"
	        "\"imported\":false } ";
	assert_int_equal(read_text(&cl_schema_contact_register, json, strlen(json), &contact, &error), CL_OK);
	assert_int_equal(contact.channel, CHANNEL_PHONE);
	assert_true(cl_str_eqc(contact.subject, "Máy \"in\""));
	assert_int_equal(contact.quantity, 5);
	assert_int_equal(contact.name.n, 0);
	json = "{\"id\":\"09000000-0000-0000-0000-00000000000A\",\"reply_to\":\"x\",\"kind\":1,"
	       "\"min_seq\":\"18446744073709551615\",\"as_of\":\"2026-03-02\"}";
	assert_int_equal(read_text(&cl_schema_wire_get, json, strlen(json), &get, &error), CL_OK);
	assert_true(get.min_seq == UINT64_MAX);
	assert_true(get.as_of == 1772384400000); /* midnight in Vietnam */
	assert_int_equal(get.id.b[15], 10);
}

#define CONTACT(members) "{\"channel\":\"phone\",\"subject\":\"x\"," members "}"
#define LINE(members) "{\"lines\":[{\"sku\":\"a\",\"quantity\":1},{" members "}]}"

static void fields_are_refused_by_name(void **state) {
	const struct cl_schema *contact = &cl_schema_contact_register, *lines = &cl_schema_order_set_lines;
	(void)state;
	assert_refused(contact, CONTACT("\"quantity\":1000001"), CL_E_RANGE, "quantity");
	assert_refused(contact, CONTACT("\"quantity\":-1"), CL_E_RANGE, "quantity");
	assert_refused(contact, CONTACT("\"quantity\":4294967297"), CL_E_RANGE, "quantity");
	assert_refused(contact, CONTACT("\"quantity\":99999999999999999999"), CL_E_RANGE, "quantity");
	assert_refused(contact, CONTACT("\"quantity\":-99999999999999999999"), CL_E_RANGE, "quantity");
	assert_refused(contact, CONTACT("\"quantity\":1.5"), CL_E_MALFORMED, "quantity");
	assert_refused(contact, CONTACT("\"quantity\":1.0"), CL_E_MALFORMED, "quantity");
	assert_refused(contact, CONTACT("\"quantity\":\"5x\""), CL_E_MALFORMED, "quantity");
	assert_refused(contact, CONTACT("\"quantity\":\"-\""), CL_E_MALFORMED, "quantity");
	assert_refused(contact, CONTACT("\"quantity\":true"), CL_E_MALFORMED, "quantity");
	assert_refused(contact, CONTACT("\"imported\":1"), CL_E_MALFORMED, "imported");
	assert_refused(contact, CONTACT("\"name\":5"), CL_E_MALFORMED, "name");
	assert_refused(contact, CONTACT("\"name\":\"a\\u0007\""), CL_E_INVALID, "name");
	assert_refused(contact, CONTACT("\"name\":[\"a\"]"), CL_E_MALFORMED, "name");
	assert_refused(contact, CONTACT("\"category\":\"nonsense\""), CL_E_UNKNOWN, "category");
	assert_refused(contact, CONTACT("\"category\":\"\""), CL_E_UNKNOWN, "category");
	assert_refused(contact, CONTACT("\"category\":1"), CL_E_MALFORMED, "category");
	assert_refused(contact, CONTACT("\"colour\":\"red\""), CL_E_UNKNOWN, "colour");
	assert_refused(contact, CONTACT("\"name\":\"a\",\"name\":\"b\""), CL_E_MALFORMED, "name");
	assert_refused(&cl_schema_case_note, "{}", CL_E_INVALID, "text");
	assert_refused(&cl_schema_case_note, "{\"text\":\"\"}", CL_E_INVALID, "text");
	assert_refused(contact, CONTACT("\"a\\\"b\":\"a\",\"a\\\"b\":\"b\""), CL_E_MALFORMED, "a\\\"b");
	assert_refused(contact, CONTACT("\"\":1,\"\":2"), CL_E_MALFORMED, "");
	assert_refused(contact, "{\"channel\":null,\"subject\":\"x\"}", CL_E_INVALID, "channel");
	assert_refused(lines, "{\"lines\":[]}", CL_E_INVALID, "lines");
	assert_refused(lines, "{\"lines\":{}}", CL_E_MALFORMED, "lines");
	assert_refused(lines, "{\"lines\":[null]}", CL_E_MALFORMED, "lines[0]");
	assert_refused(lines, LINE(""), CL_E_INVALID, "lines[1].sku");
	assert_refused(lines, LINE("\"sku\":\"a\",\"quantity\":-2"), CL_E_RANGE, "lines[1].quantity");
	assert_refused(lines, LINE("\"sku\":\"a\",\"quantity\":2,\"x\":1"), CL_E_UNKNOWN, "lines[1].x");
	assert_refused(&cl_schema_person_define, "{\"skills\":[\"a\",5]}", CL_E_MALFORMED, "skills[1]");
	assert_refused(&cl_schema_item_routed, "{\"slip\":{\"slip_id\":\"x\"}}", CL_E_MALFORMED, "slip.slip_id");
	assert_refused(&cl_schema_item_routed, "{\"due_at\":\"tomorrow\"}", CL_E_MALFORMED, "due_at");
	assert_refused(&cl_schema_item_routed, "{\"due_at\":\"2023-02-29\"}", CL_E_RANGE, "due_at");
	assert_refused(&cl_schema_log_opened, "{\"public_key\":\"a\"}", CL_E_MALFORMED, "public_key");
	assert_refused(&cl_schema_log_opened, "{\"public_key\":\"????\"}", CL_E_MALFORMED, "public_key");
	assert_refused(&cl_schema_log_opened, "{\"schema_hash\":\"ab\"}", CL_E_MALFORMED, "schema_hash");
}

static void texts_are_refused_as_a_whole(void **state) {
	const struct cl_schema *contact = &cl_schema_contact_register;
	(void)state;
	assert_refused(contact, "", CL_E_TRUNCATED, "");
	assert_refused(contact, "null", CL_E_MALFORMED, "");
	assert_refused(contact, "[]", CL_E_MALFORMED, "");
	assert_refused(contact, "[1]", CL_E_MALFORMED, "");
	assert_refused(contact, "5", CL_E_MALFORMED, "");
	assert_refused(contact, "{\"channel\":", CL_E_TRUNCATED, "");
	assert_refused(contact, "{\"channel\":\"phone\"} x", CL_E_MALFORMED, "");
	assert_refused(contact, "{'channel':1}", CL_E_MALFORMED, "");
	assert_refused(contact, "{\"subject\":\"a\\u0000b\"}", CL_E_INVALID, "");
	assert_refused(contact, "{\"subject\":\"\xff\"}", CL_E_INVALID, "");
	assert_refused(contact, "{\"subject\":\"a\nb\"}", CL_E_MALFORMED, ""); /* JSON wants \n */
	assert_refused(contact, "{\"quantity\":1e999}", CL_E_RANGE, "");
}

static void depth_and_size_are_bounded(void **state) {
	struct contact_register value;
	struct cl_field_error error;
	size_t n = 5u << 20;
	char *text = malloc(n);
	(void)state;
	memset(text, '[', n);
	assert_int_equal(read_text(&cl_schema_contact_register, text, 1 << 20, &value, &error), CL_E_TOODEEP);
	assert_int_equal(error.offset, CL_NESTING_MAX);
	assert_int_equal(read_text(&cl_schema_contact_register, text, n, &value, &error), CL_E_TOOBIG);
	memset(text, ' ', n);
	static const char brackets[] = "{\"channel\":\"web\",\"subject\":\"[[[[[[[[[[[[[[[[[[[[[[[[{{{{{{\\\"[[\"}";
	memcpy(text, brackets, sizeof(brackets) - 1);
	assert_int_equal(read_text(&cl_schema_contact_register, text, 1 << 20, &value, &error), CL_OK);
	free(text);
}

static void long_member_names_are_shown_in_part(void **state) {
	char json[1000] = "{\"";
	struct contact_register value;
	struct cl_field_error error;
	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(json, "ộ");
	strcat(json, "\":1}");
	assert_int_equal(read_text(&cl_schema_contact_register, json, strlen(json), &value, &error), CL_E_UNKNOWN);
	assert_int_equal(strlen(error.path), 63);
	assert_true(cl_utf8_valid(cl_str_from(error.path)));
	assert_string_equal(error.path + 60, "...");
	strcpy(json, "{\"");
	memset(json + 2, 'n', 300);
	strcpy(json + 302, "\":1,\"");
	memset(json + 307, 'n', 300);
	strcpy(json + 607, "\":1}");
	assert_int_equal(read_text(&cl_schema_contact_register, json, strlen(json), &value, &error), CL_E_MALFORMED);
	assert_int_equal(strspn(error.path, "n"), 60);
	assert_string_equal(error.path + 60, "...");
}

static void sentences_are_whole(void **state) {
	static const struct {
		const char *json, *vi, *en;
	} cases[] = {
	        {CONTACT("\"quantity\":0.5"), "Trường “quantity” không đúng dạng; cần có một số nguyên không âm.",
	         "Field “quantity” has the wrong form; it needs a whole number that is not negative."},
	        {"{\"subject\":\"x\"}", "Thiếu trường “channel”.", "Field “channel” is missing."},
	        {CONTACT("\"urgency\":\"x\""), "Trường “urgency” chỉ nhận một trong các giá trị: low, medium, high.",
	         "Field “urgency” takes one of these values: low, medium, high."},
	        {"{", "Dữ liệu bị cắt cụt ở byte 1.", "The data ends too early, at byte 1."},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct contact_register value;
		struct cl_field_error error;
		assert_int_not_equal(
		        read_text(&cl_schema_contact_register, cases[i].json, strlen(cases[i].json), &value, &error),
		        CL_OK);
		assert_string_equal(cl_field_error_text(&error, "vi", &arena).p, cases[i].vi);
		assert_string_equal(cl_field_error_text(&error, "en", &arena).p, cases[i].en);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(forms_are_the_stated_ones),
	        cmocka_unit_test(personal_fields_are_masked),
	        cmocka_unit_test(pretty_text_has_lines),
	        cmocka_unit_test(strings_are_escaped),
	        cmocka_unit_test(reading_takes_what_writing_gives_and_more),
	        cmocka_unit_test(fields_are_refused_by_name),
	        cmocka_unit_test(texts_are_refused_as_a_whole),
	        cmocka_unit_test(depth_and_size_are_bounded),
	        cmocka_unit_test(long_member_names_are_shown_in_part),
	        cmocka_unit_test(sentences_are_whole),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
