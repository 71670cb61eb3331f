/* The command line: what is a command, an option, an argument; and what is said when it is none. */
#include "cli_help.h"

#include <stdlib.h>

static struct cli cli;
static bool done;

static int start(void **state) {
	(void)state;
	unsetenv("CARELOOP_LANG");
	unsetenv("LANG");
	cli_start(&cli);
	return 0;
}

static int stop(void **state) {
	(void)state;
	cl_arena_done(cli.arena);
	return 0;
}

static void words_and_options_anywhere(void **state) {
	(void)state;
	assert_int_equal(
	        CLI_PARSE(&cli, &done, "--dir", "/d", "case", "--json", "show", "2026-1", "--as-of=2026-01-02"),
	        CLI_OK);
	assert_false(done);
	assert_string_equal(cli.command->path, "case show");
	assert_int_equal(cli.arg_n, 1);
	assert_string_equal(cli.args[0], "2026-1");
	assert_string_equal(cli.dir, "/d");
	assert_true(cli.json);
	assert_string_equal(cli_opt(&cli, "as-of"), "2026-01-02");
	assert_null(cli_opt(&cli, "known-at"));
}

static void letters_and_the_end_of_options(void **state) {
	(void)state;
	assert_int_equal(CLI_PARSE(&cli, &done, "case", "note", "-w", "binh", "2026-1", "--", "--khách", "nói"),
	                 CLI_OK);
	assert_string_equal(cli.who, "binh");
	assert_int_equal(cli.arg_n, 3);
	assert_string_equal(cli.args[1], "--khách");
}

static void an_option_given_twice(void **state) {
	(void)state;
	assert_int_equal(CLI_PARSE(&cli, &done, "log", "tail", "-n", "5", "--lines", "7", "-f"), CLI_OK);
	assert_string_equal(cli_opt(&cli, "lines"), "7");
	assert_true(cli_flag(&cli, "follow"));
}

static void what_is_wrong_is_usage(void **state) {
	(void)state;
	assert_int_equal(cli_parse_words(&cli, &done, (const char *const[]){"careloop", NULL}), CLI_USAGE);
	static const char *const wrong[][6] = {
	        {"careloop", "nothing"},
	        {"careloop", "case"},
	        {"careloop", "case", "nothing"},
	        {"careloop", "case", "show"},
	        {"careloop", "case", "show", "1", "2"},
	        {"careloop", "case", "show", "1", "--nothing"},
	        {"careloop", "case", "show", "1", "-x"},
	        {"careloop", "case", "show", "1", "--as-of"},
	        {"careloop", "status", "--json=1"},
	        {"careloop", "status", "--dir"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		cl_arena_done(cli.arena);
		cli_start(&cli);
		assert_int_equal(cli_parse_words(&cli, &done, wrong[i]), CLI_USAGE);
		assert_false(done);
	}
}

static void help_at_every_level(void **state) {
	(void)state;
	static const char *const asked[][5] = {{"careloop", "--help"},
	                                       {"careloop", "case", "-h"},
	                                       {"careloop", "case", "show", "--help"},
	                                       {"careloop", "--version"}};
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		cl_arena_done(cli.arena);
		cli_start(&cli);
		assert_int_equal(cli_parse_words(&cli, &done, asked[i]), CLI_OK);
		assert_true(done);
	}
}

static void language(void **state) {
	(void)state;
	assert_int_equal(CLI_PARSE(&cli, &done, "status"), CLI_OK);
	assert_int_equal(cli.lang, CL_VI);
	setenv("LANG", "en_US.UTF-8", 1);
	assert_int_equal(CLI_PARSE(&cli, &done, "status"), CLI_OK);
	assert_int_equal(cli.lang, CL_EN);
	assert_false(cli.lang_given);
	setenv("CARELOOP_LANG", "vi", 1);
	assert_int_equal(CLI_PARSE(&cli, &done, "status"), CLI_OK);
	assert_int_equal(cli.lang, CL_VI);
	assert_int_equal(CLI_PARSE(&cli, &done, "status", "--lang", "en"), CLI_OK);
	assert_int_equal(cli.lang, CL_EN);
	assert_true(cli.lang_given);
}

static void numbers_and_times(void **state) {
	(void)state;
	uint64_t number;
	int64_t ms;
	assert_int_equal(CLI_PARSE(&cli, &done, "log", "tail", "-n", "18446744073709551616"), CLI_OK);
	assert_false(cli_opt_u64(&cli, "lines", 1, UINT64_MAX, &number));
	assert_int_equal(CLI_PARSE(&cli, &done, "log", "tail", "-n", "-1"), CLI_OK);
	assert_false(cli_opt_u64(&cli, "lines", 1, UINT64_MAX, &number));
	cli.given_n = 0;
	assert_true(cli_opt_u64(&cli, "lines", 42, UINT64_MAX, &number));
	assert_int_equal(number, 42);
	/* 31 December 2026, 23:59 in Vietnam, in two ways of writing it. */
	assert_int_equal(cli_time_parse(CL_STR("31/12/2026 23:59"), &ms), CL_OK);
	assert_int_equal(ms, 1798736340000);
	assert_int_equal(cli_time_parse(CL_STR("2026-12-31T23:59:00+07:00"), &ms), CL_OK);
	assert_int_equal(ms, 1798736340000);
	assert_int_not_equal(cli_time_parse(CL_STR("12/31/2026 23:59"), &ms), CL_OK);
	assert_int_not_equal(cli_time_parse(CL_STR("hôm qua"), &ms), CL_OK);
}

static void slip_numbers(void **state) {
	(void)state;
	const char *number;
	struct cl_id id, same;
	assert_int_equal(cli_slip(&cli, "PTN-2026-000123", &number, &id), CLI_OK);
	assert_string_equal(number, "PTN-2026-000123");
	assert_int_equal(cli_slip(&cli, "2026-123", &number, &same), CLI_OK);
	assert_string_equal(number, "PTN-2026-000123");
	assert_memory_equal(&id, &same, sizeof(id));
	assert_int_equal(cli_slip(&cli, "ptn-2026-1234567", &number, &id), CLI_OK);
	assert_string_equal(number, "PTN-2026-1234567");
	static const char *const wrong[] = {
	        "", "123", "PTN-2026", "PTN-2026-", "PTN-2026-12a", "PTN-26x-12", "2026-99999999999999999999999"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(cli_slip(&cli, wrong[i], &number, &id), CLI_USAGE);
}

/* No two commands share a path, every option of a command fills a field that its schema has, and none hides a global
 * one. */
static void the_table_is_sound(void **state) {
	(void)state;
	for (uint32_t i = 0; i < cli_command_n; i++) {
		const struct cli_command *command = cli_commands[i];
		assert_non_null(command->run);
		for (uint32_t k = 0; k < i; k++)
			assert_string_not_equal(cli_commands[k]->path, command->path);
		for (uint32_t o = 0; o < command->option_n; o++) {
			const struct cli_option *option = &command->options[o];
			assert_int_equal(option->kind == CLI_FLAG, option->value == NULL);
			for (uint32_t g = 0; g < cli_global_option_n; g++) {
				assert_string_not_equal(cli_global_options[g].name, option->name);
				assert_true(!option->letter || cli_global_options[g].letter != option->letter);
			}
			bool found = !option->field || !command->schema;
			for (uint32_t f = 0; command->schema && option->field && f < command->schema->n; f++)
				found |= strcmp(command->schema->fields[f].name, option->field) == 0;
			assert_true(found);
		}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(words_and_options_anywhere, start, stop),
	        cmocka_unit_test_setup_teardown(letters_and_the_end_of_options, start, stop),
	        cmocka_unit_test_setup_teardown(an_option_given_twice, start, stop),
	        cmocka_unit_test_setup_teardown(what_is_wrong_is_usage, start, stop),
	        cmocka_unit_test_setup_teardown(help_at_every_level, start, stop),
	        cmocka_unit_test_setup_teardown(language, start, stop),
	        cmocka_unit_test_setup_teardown(numbers_and_times, start, stop),
	        cmocka_unit_test_setup_teardown(slip_numbers, start, stop),
	        cmocka_unit_test_setup_teardown(the_table_is_sound, start, stop),
	};
	return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
