/* What people read: sentences, tables, titles, labels; and fields as people write them. */
#include "cli_help.h"

#include <stdlib.h>

#include "cli/titles.h"

static struct cli cli;

static int start(void **state) {
	(void)state;
	cli_start(&cli);
	return 0;
}

static int stop(void **state) {
	(void)state;
	cl_arena_done(cli.arena);
	return 0;
}

/* The command fills sentences by itself, so they may hold %s and %% and nothing else, as many in both languages. */
static void sentences_hold_words_only(void **state) {
	(void)state;
#define FIRST(name, vi, en) CL_TEXT_##name,
	static const enum cl_text ids[] = {CL_TEXTS_cli(FIRST)};
#undef FIRST
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		int count[2] = {0, 0};
		for (int lang = 0; lang < 2; lang++)
			for (const char *p = cl_text(ids[i], lang); (p = strchr(p, '%')); p += 2) {
				if (p[1] != 's' && p[1] != '%')
					fail_msg("%s", cl_text(ids[i], lang));
				count[lang] += p[1] == 's';
			}
		if (count[0] != count[1])
			fail_msg("%s", cl_text(ids[i], CL_VI));
	}
}

static void sentences_are_filled(void **state) {
	(void)state;
	assert_string_equal(cli_text(&cli, CL_TEXT_CLI_NOT_FOUND, CLI_ARGS("x %s y")), "Không tìm thấy “x %s y”.");
	cli.lang = CL_EN;
	assert_string_equal(cli_text(&cli, CL_TEXT_CLI_IMPORT_BAR, CLI_ARGS("[#]", "7", "8", "9")),
	                    "[#]  7 %  8 cases  9 events");
}

/* Whoever adds an event gives it a title in both languages. */
static void every_event_has_a_title(void **state) {
	(void)state;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *schema = cl_schema_at(i);
		if (schema->role != CL_ROLE_EVENT)
			continue;
		cli.lang = CL_VI;
		const char *vi = cli_event_title(&cli, schema->type);
		if (vi == schema->meaning)
			fail_msg("%s has no title: text_cli.def, titles.h", schema->name);
	}
	assert_null(cli_event_title(&cli, 0x0fff));
}

static void columns_are_counted(void **state) {
	(void)state;
	assert_int_equal(cli_width("Nguyễn Thị Tiền"), 15);
	assert_int_equal(cli_width("đường"), 5);
	assert_int_equal(cli_width("Tie\xcc\x82\xcc\x80n"), 4); /* combining marks take no column */
	assert_int_equal(cli_width(""), 0);
	assert_int_equal(cli_width("\xff\xfe"), 2); /* bytes that are no text still move the cursor */
	assert_int_equal(cli_fit("Tiền mặt", 3), strlen("Tiề"));
	assert_int_equal(cli_fit("abc", 10), 3);
}

static void tables_line_up(void **state) {
	(void)state;
	struct cli_table table;
	char *text = NULL;
	size_t n = 0;
	FILE *file = open_memstream(&text, &n);
	cli_table_init(&table, &cli);
	cli_table_column(&table, CL_TEXT_CLI_H_NAME, false);
	cli_table_column(&table, CL_TEXT_CLI_H_RECORDS, true);
	for (int i = 0; i < 40; i++)
		cli_table_row(&table, CLI_ARGS("Tiền", "5"));
	cli_table_row(&table, CLI_ARGS("an", "12.345"));
	cli_table_print(&table, file);
	fclose(file);
	assert_memory_equal(text, "Tên   Bản ghi\nTiền        5\n", strlen("Tên   Bản ghi\nTiền        5\n"));
	assert_non_null(strstr(text, "\nan     12.345\n"));
	free(text);
}

static void numbers_for_people(void **state) {
	(void)state;
	assert_string_equal(cli_num(&cli, 0), "0");
	assert_string_equal(cli_num(&cli, 999), "999");
	assert_string_equal(cli_num(&cli, 1000), "1.000");
	assert_string_equal(cli_num(&cli, UINT64_MAX), "18.446.744.073.709.551.615");
	assert_string_equal(cli_bytes(&cli, 1536), "1,5 KiB");
	assert_string_equal(cli_when(&cli, 1798736340000), "31/12/2026 23:59");
	assert_string_equal(cli_when(&cli, 0), "");
	cli.lang = CL_EN;
	assert_string_equal(cli_num(&cli, 1234567), "1,234,567");
	assert_string_equal(cli_when(&cli, 1798736340000), "2026-12-31 23:59");
}

/* What a customer wrote must not drive the terminal of who reads it. */
static void control_characters_are_blanks(void **state) {
	(void)state;
	assert_string_equal(cli_safe(&cli, CL_STR("a\x1b[31mb\nc\x7f")), "a [31mb c ");
	assert_string_equal(cli_safe(&cli, CL_STR("x\xc2\x9b"
	                                          "31m")),
	                    "x  31m");
	assert_string_equal(cli_safe(&cli, CL_STR("Tiền")), "Tiền");
}

static void fields_are_bounded_by_the_schema(void **state) {
	(void)state;
	struct contact_register contact = {0};
	struct case_propose propose = {0};
	const struct cl_schema *schema = &cl_schema_contact_register;
	assert_int_equal(cli_set_field(&cli, schema, &contact, "channel", "channel", "email"), CLI_OK);
	assert_int_equal(contact.channel, CHANNEL_EMAIL);
	assert_int_equal(cli_set_field(&cli, schema, &contact, "channel", "channel", "fax"), CLI_USAGE);
	assert_int_equal(cli_set_field(&cli, schema, &contact, "quantity", "quantity", "1000000"), CLI_OK);
	assert_int_equal(contact.quantity, 1000000);
	assert_int_equal(cli_set_field(&cli, schema, &contact, "quantity", "quantity", "1000001"), CLI_USAGE);
	assert_int_equal(cli_set_field(&cli, schema, &contact, "quantity", "quantity", "-1"), CLI_USAGE);
	assert_int_equal(cli_set_field(&cli, schema, &contact, "nothing", "nothing", "1"), CLI_USAGE);
	schema = &cl_schema_case_propose;
	assert_int_equal(cli_set_field(&cli, schema, &propose, "options", "option", "Đổi máy"), CLI_OK);
	assert_int_equal(cli_set_field(&cli, schema, &propose, "options", "option", "Hoàn tiền"), CLI_OK);
	assert_int_equal(propose.options.n, 2);
	assert_true(cl_str_eqc(propose.options.v[1], "Hoàn tiền"));
	assert_int_equal(cli_set_field(&cli, schema, &propose, "until", "until", "31/12/2026 23:59"), CLI_OK);
	assert_int_equal(propose.until, 1798736340000);
	assert_int_equal(cli_set_field(&cli, schema, &propose, "until", "until", "mai"), CLI_USAGE);
}

static void text_behind_the_number(void **state) {
	(void)state;
	struct case_work body = {0};
	bool done;
	assert_int_equal(CLI_PARSE(&cli, &done, "case", "work", "2026-1", "Đã", "gọi", "khách"), CLI_OK);
	assert_int_equal(cli_fill(&cli, &cl_schema_case_work, &body), CLI_OK);
	assert_true(cl_str_eqc(body.text, "Đã gọi khách"));
	struct case_work none = {0};
	assert_int_equal(CLI_PARSE(&cli, &done, "case", "work", "2026-1"), CLI_OK);
	cli.given_n = 0;
	cli.arg_n = 1;
	assert_int_equal(cli_fill(&cli, &cl_schema_case_work, &none), CLI_USAGE); /* the schema requires it */
}

/* One JSON object, whatever the record holds. */
static void events_as_json(void **state) {
	(void)state;
	struct case_noted note = {.text = CL_STR("dòng 1\n\"dòng\" 2")};
	struct cl_buf payload, out;
	cl_buf_init(&payload);
	cl_buf_init(&out);
	cl_encode(&cl_schema_case_noted, &note, &payload);
	struct cl_record record = {.seq = 7,
	                           .recorded_ms = 1000,
	                           .occurred_ms = 1000,
	                           .type = CL_T_case_noted,
	                           .version = 1,
	                           .kind = CL_KIND_CASE,
	                           .aggregate = {{1}},
	                           .aggregate_version = 3,
	                           .who = CL_STR("an"),
	                           .payload = cl_buf_bytes(&payload)};
	cl_event_json(cli.arena, &record, (struct cl_hash){{0}}, 9, CL_SUPPORT, 2, &out);
	cl_buf_putc(&out, '\0');
	const char *text = (const char *)out.p;
	assert_non_null(strstr(
	        text, "{\"position\":9,\"service\":\"support\",\"partition\":2,\"seq\":7,\"type\":\"case_noted\""));
	assert_non_null(strstr(text, "\"data\":{\"text\":\"dòng 1\\n\\\"dòng\\\" 2\"}}"));
	/* A type of a newer version keeps its bytes. */
	cl_buf_clear(&out);
	record.type = 0x0fff;
	cl_event_json(cli.arena, &record, (struct cl_hash){{0}}, 0, CL_SUPPORT, 2, &out);
	cl_buf_putc(&out, '\0');
	assert_non_null(strstr((const char *)out.p, "\"type_id\":4095"));
	assert_non_null(strstr((const char *)out.p, "\"payload_hex\":\""));
	cl_buf_done(&payload);
	cl_buf_done(&out);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(sentences_hold_words_only, start, stop),
	        cmocka_unit_test_setup_teardown(sentences_are_filled, start, stop),
	        cmocka_unit_test_setup_teardown(every_event_has_a_title, start, stop),
	        cmocka_unit_test_setup_teardown(columns_are_counted, start, stop),
	        cmocka_unit_test_setup_teardown(tables_line_up, start, stop),
	        cmocka_unit_test_setup_teardown(numbers_for_people, start, stop),
	        cmocka_unit_test_setup_teardown(control_characters_are_blanks, start, stop),
	        cmocka_unit_test_setup_teardown(fields_are_bounded_by_the_schema, start, stop),
	        cmocka_unit_test_setup_teardown(text_behind_the_number, start, stop),
	        cmocka_unit_test_setup_teardown(events_as_json, start, stop),
	};
	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
