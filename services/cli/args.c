/* Words of the command line, matched against the table of commands. Options may stand anywhere behind the program's
 * name. */
#include "cli.h"

#include <stdlib.h>

#include "base/time.h"

#define WORDS_MAX 4096

static bool letter_or_name(const struct cli_option *option, const char *name, size_t n, char letter) {
	if (letter)
		return option->letter == letter;
	return strlen(option->name) == n && memcmp(option->name, name, n) == 0;
}

static const struct cli_option *find_option(const struct cli_command *command, const char *name, size_t n,
                                            char letter) {
	for (uint32_t i = 0; command && i < command->option_n; i++)
		if (letter_or_name(&command->options[i], name, n, letter))
			return &command->options[i];
	for (uint32_t i = 0; i < cli_global_option_n; i++)
		if (letter_or_name(&cli_global_options[i], name, n, letter))
			return &cli_global_options[i];
	return NULL;
}

/* How many leading words (not options) the path names; 0 = another command. */
static uint32_t path_matches(const char *path, const char *const *words, uint32_t word_n) {
	uint32_t used = 0;
	while (*path) {
		size_t n = strcspn(path, " ");
		if (used >= word_n || strlen(words[used]) != n || memcmp(path, words[used], n) != 0)
			return 0;
		used++;
		path += n;
		path += *path == ' ';
	}
	return used;
}

static const struct cli_command *find_command(const char *const *words, uint32_t word_n, uint32_t *ret_used) {
	const struct cli_command *found = NULL;
	*ret_used = 0;
	for (uint32_t i = 0; i < cli_command_n; i++) {
		uint32_t used = path_matches(cli_commands[i]->path, words, word_n);
		if (used > *ret_used) {
			*ret_used = used;
			found = cli_commands[i];
		}
	}
	return found;
}

/* Global options that take a value, known before the command is: their values must not be taken for its words. */
static bool takes_next_word(const char *word) {
	if (word[0] != '-' || word[1] == '\0' || strchr(word, '='))
		return false;
	const struct cli_option *option = NULL;
	if (word[1] == '-')
		option = find_option(NULL, word + 2, strlen(word + 2), 0);
	else if (word[2] == '\0')
		option = find_option(NULL, "", 0, word[1]);
	return option && option->kind != CLI_FLAG;
}

static void apply_global(struct cli *cli, const struct cli_option *option, const char *value) {
	if (strcmp(option->name, "dir") == 0)
		cli->dir = value;
	else if (strcmp(option->name, "config") == 0)
		cli->config_file = value;
	else if (strcmp(option->name, "who") == 0)
		cli->who = value;
	else if (strcmp(option->name, "json") == 0)
		cli->json = true;
	else if (strcmp(option->name, "quiet") == 0)
		cli->quiet = true;
}

static int bad_usage(const struct cli *cli) {
	const char *path = cli->command ? cli->command->path : "";
	cli_print(cli, stderr, CL_TEXT_CLI_SEE_HELP, CLI_ARGS(path, *path ? " " : ""));
	return CLI_USAGE;
}

static int take_option(struct cli *cli, char **argv, int argc, int *at, bool *ret_help, bool *ret_version) {
	const char *word = argv[*at];
	bool is_long = word[1] == '-';
	const char *name = word + (is_long ? 2 : 1), *equals = is_long ? strchr(name, '=') : NULL;
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const struct cli_option *option = is_long  ? find_option(cli->command, name, n, 0)
	                                  : n == 1 ? find_option(cli->command, "", 0, name[0])
	                                           : NULL;
	if (!option) {
		cli_error(cli, CL_TEXT_CLI_UNKNOWN_OPTION, CLI_ARGS(word));
		return bad_usage(cli);
	}
	const char *value = "";
	if (option->kind == CLI_FLAG) {
		if (equals) {
			cli_error(cli, CL_TEXT_CLI_NO_VALUE_TAKEN, CLI_ARGS(option->name));
			return bad_usage(cli);
		}
	} else if (equals) {
		value = equals + 1;
	} else if (*at + 1 < argc) {
		value = argv[++*at];
	} else {
		cli_error(cli, CL_TEXT_CLI_VALUE_MISSING, CLI_ARGS(option->name, option->value));
		return bad_usage(cli);
	}
	*ret_help |= strcmp(option->name, "help") == 0;
	*ret_version |= strcmp(option->name, "version") == 0;
	apply_global(cli, option, value);
	cli->given[cli->given_n++] = (struct cli_given){option, value};
	return CLI_OK;
}

static int unknown_command(struct cli *cli, const char *const *words, uint32_t word_n) {
	if (word_n == 0) {
		cli_error(cli, CL_TEXT_CLI_NO_COMMAND, CLI_NO_ARGS);
		return bad_usage(cli);
	}
	/* "careloop case" is the start of a path: its help is what the user needs. */
	const char *start = words[0];
	for (uint32_t i = 0; i < cli_command_n; i++)
		if (strncmp(cli_commands[i]->path, start, strlen(start)) == 0 &&
		    cli_commands[i]->path[strlen(start)] == ' ') {
			if (word_n == 1)
				cli_error(cli, CL_TEXT_CLI_SUBCOMMAND_MISSING, CLI_ARGS(start));
			else
				cli_error(cli, CL_TEXT_CLI_UNKNOWN_COMMAND,
				          CLI_ARGS(cli_fmt(cli, "%s %s", start, words[1])));
			cli_print(cli, stderr, CL_TEXT_CLI_SEE_HELP, CLI_ARGS(start, " "));
			return CLI_USAGE;
		}
	cli_error(cli, CL_TEXT_CLI_UNKNOWN_COMMAND, CLI_ARGS(start));
	return bad_usage(cli);
}

/* Words that are neither options nor their values, as far as can be said before the command is known. */
static uint32_t leading_words(int argc, char **argv, const char **ret_words) {
	uint32_t n = 0;
	for (int i = 1; i < argc && n < 8; i++) {
		if (strcmp(argv[i], "--") == 0)
			break;
		if (argv[i][0] == '-' && argv[i][1])
			i += takes_next_word(argv[i]);
		else
			ret_words[n++] = argv[i];
	}
	return n;
}

static void language_first(struct cli *cli, int argc, char **argv) {
	const char *lang = getenv("CARELOOP_LANG");
	cli->lang_given = lang && *lang;
	for (int i = 1; i < argc && argv[i] && strcmp(argv[i], "--") != 0; i++) {
		const char *given = strncmp(argv[i], "--lang=", 7) == 0              ? argv[i] + 7
		                    : strcmp(argv[i], "--lang") == 0 && i + 1 < argc ? argv[i + 1]
		                                                                     : NULL;
		if (given) {
			lang = given;
			cli->lang_given = true;
		}
	}
	if (!cli->lang_given)
		lang = getenv("LANG");
	cli->lang = cl_lang_from(lang ? lang : "vi");
}

static int take_words(struct cli *cli, int argc, char **argv, uint32_t path_words, bool *ret_help, bool *ret_version) {
	bool only_args = false;
	for (int i = 1; i < argc; i++) {
		if (!only_args && strcmp(argv[i], "--") == 0) {
			only_args = true;
		} else if (!only_args && argv[i][0] == '-' && argv[i][1]) {
			int result = take_option(cli, argv, argc, &i, ret_help, ret_version);
			if (result != CLI_OK)
				return result;
		} else if (path_words) {
			path_words--;
		} else {
			cli->args[cli->arg_n++] = argv[i];
		}
	}
	return CLI_OK;
}

int cli_args_parse(struct cli *cli, int argc, char **argv, bool *ret_done) {
	const char *words[8];
	uint32_t path_words = 0, word_n = 0;
	bool help = false, version = false;
	*ret_done = false;
	language_first(cli, argc, argv);
	if (argc > WORDS_MAX) {
		cli_error(cli, CL_TEXT_CLI_TOO_MANY_WORDS, CLI_NO_ARGS);
		return CLI_USAGE;
	}
	cli->arg_n = cli->given_n = 0;
	cli->args = cl_arena_array(cli->arena, const char *, argc + 1);
	cli->given = cl_arena_array(cli->arena, struct cli_given, argc + 1);
	word_n = leading_words(argc, argv, words);
	cli->command = find_command(words, word_n, &path_words);
	if (!cli->command) {
		for (int i = 1; i < argc; i++) {
			help |= strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
			version |= strcmp(argv[i], "--version") == 0;
		}
		if (!help && !version)
			return unknown_command(cli, words, word_n);
	} else {
		int result = take_words(cli, argc, argv, path_words, &help, &version);
		if (result != CLI_OK)
			return result;
	}
	*ret_done = help || version;
	if (version)
		printf("careloop %s\n", CL_VERSION);
	else if (help)
		cli_help(cli, cli->command ? cli->command->path : word_n ? words[0] : "");
	if (*ret_done)
		return CLI_OK;
	if (cli->arg_n < cli->command->min_args) {
		cli_error(cli, CL_TEXT_CLI_ARGUMENT_MISSING, CLI_ARGS(cli->command->arguments));
		return bad_usage(cli);
	}
	if (cli->arg_n > cli->command->max_args) {
		cli_error(cli, CL_TEXT_CLI_ARGUMENT_UNKNOWN, CLI_ARGS(cli->args[cli->command->max_args]));
		return bad_usage(cli);
	}
	return CLI_OK;
}

const char *cli_opt(const struct cli *cli, const char *name) {
	const char *value = NULL;
	for (uint32_t i = 0; i < cli->given_n; i++)
		if (strcmp(cli->given[i].option->name, name) == 0)
			value = cli->given[i].value;
	return value;
}

bool cli_flag(const struct cli *cli, const char *name) {
	return cli_opt(cli, name) != NULL;
}

bool cli_opt_u64(struct cli *cli, const char *name, uint64_t otherwise, uint64_t max, uint64_t *ret_value) {
	const char *text = cli_opt(cli, name);
	*ret_value = otherwise;
	if (!text)
		return true;
	if (cl_str_u64(cl_str_from(text), ret_value) == CL_OK && *ret_value <= max)
		return true;
	cli_error(cli, CL_TEXT_CLI_BAD_NUMBER, CLI_ARGS(name, text, cli_num(cli, max)));
	return false;
}

/* "31/12/2026", "31/12/2026 23:59": days first, Vietnam's clock. */
static int parse_day_first(struct cl_str text, int64_t *ret_ms) {
	char iso[32];
	if ((text.n != 10 && text.n != 16) || text.p[2] != '/' || text.p[5] != '/')
		return CL_E_MALFORMED;
	snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2s", text.p + 6, text.p + 3, text.p);
	if (text.n == 16)
		snprintf(iso + 10, sizeof(iso) - 10, "T%.5s:00+07:00", text.p + 11);
	return cl_time_parse(cl_str_from(iso), ret_ms);
}

int cli_time_parse(struct cl_str text, int64_t *ret_ms) {
	int result = cl_time_parse(text, ret_ms);
	return result == CL_OK ? result : parse_day_first(text, ret_ms);
}

bool cli_opt_time(struct cli *cli, const char *name, int64_t otherwise_ms, int64_t *ret_ms) {
	const char *text = cli_opt(cli, name);
	*ret_ms = otherwise_ms;
	if (!text || cli_time_parse(cl_str_from(text), ret_ms) == CL_OK)
		return true;
	cli_error(cli, CL_TEXT_CLI_BAD_TIME, CLI_ARGS(name, text));
	return false;
}
