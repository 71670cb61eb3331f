/* A command line as the tests need it: no services, no files but what a test makes. */
#ifndef TEST_CLI_HELP_H
#define TEST_CLI_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/cli.h"

static inline void cli_start(struct cli *cli) {
	static struct cl_arena memory;
	*cli = (struct cli){.lang = CL_VI, .who = "an", .program = "careloop", .arena = &memory};
	cl_arena_init(&memory, 4096);
}

/* Parses "careloop" and the words; *ret_done as cli_args_parse. */
#define CLI_PARSE(cli, done, ...) cli_parse_words((cli), (done), (const char *const[]){"careloop", __VA_ARGS__, NULL})
static inline int cli_parse_words(struct cli *cli, bool *ret_done, const char *const *words) {
	int n = 0;
	while (words[n])
		n++;
	return cli_args_parse(cli, n, (char **)(uintptr_t)words, ret_done);
}

#endif
