/* Help at every level, and completion for bash, from the table of commands. */
#include "cli.h"
#include "commands.h"

static bool below(const char *path, const char *start) {
	size_t n = strlen(start);
	return n == 0 || (strncmp(path, start, n) == 0 && (path[n] == ' ' || path[n] == '\0'));
}

static void two_columns(const char *left, uint32_t width, const char *right) {
	uint32_t own = cli_width(left);
	printf("  %s%*s  %s\n", left, own < width ? (int)(width - own) : 0, "", right);
}

static const char *option_left(const struct cli *cli, const struct cli_option *option) {
	const char *letter = option->letter ? cli_fmt(cli, "-%c, ", option->letter) : "    ";
	return option->value ? cli_fmt(cli, "%s--%s %s", letter, option->name, option->value)
	                     : cli_fmt(cli, "%s--%s", letter, option->name);
}

static void print_options(const struct cli *cli, enum cl_text head, const struct cli_option *options, uint32_t n) {
	uint32_t width = 0;
	if (n == 0)
		return;
	printf("\n%s\n", cl_text(head, cli->lang));
	for (uint32_t i = 0; i < n; i++) {
		uint32_t own = cli_width(option_left(cli, &options[i]));
		width = own > width ? own : width;
	}
	for (uint32_t i = 0; i < n; i++)
		two_columns(option_left(cli, &options[i]), width, cl_text(options[i].help, cli->lang));
}

/* The enums that an option's field may hold, so that nobody has to look them up. */
static void print_choices(const struct cli *cli, const struct cli_command *command) {
	const struct cl_schema *schema = command->schema;
	if (command->run == cli_cmd_contact_add)
		schema = &cl_schema_contact_register;
	bool first = true;
	for (uint32_t i = 0; schema && i < command->option_n; i++)
		for (uint32_t k = 0; k < schema->n; k++) {
			const struct cl_field *field = &schema->fields[k];
			if (!command->options[i].field || strcmp(field->name, command->options[i].field) != 0 ||
			    field->type != CL_TYPE_ENUM)
				continue;
			if (first)
				printf("\n%s\n", cl_text(CL_TEXT_CLI_HELP_CHOICES, cli->lang));
			first = false;
			for (uint32_t v = 0; v < field->en->n; v++)
				two_columns(v ? "" : cli_fmt(cli, "--%s", command->options[i].name), 20,
				            cli_fmt(cli, "%s: %s", field->en->values[v].code,
				                    cli_enum_text(cli, field->en, field->en->values[v].value)));
		}
}

static void help_command(const struct cli *cli, const struct cli_command *command) {
	printf("%s careloop %s%s%s%s\n\n%s\n", cl_text(CL_TEXT_CLI_HELP_USAGE, cli->lang), command->path,
	       *command->arguments ? " " : "", command->arguments, cl_text(CL_TEXT_CLI_HELP_OPTIONS_WORD, cli->lang),
	       cl_text(command->help, cli->lang));
	print_options(cli, CL_TEXT_CLI_HELP_OPTIONS, command->options, command->option_n);
	print_choices(cli, command);
}

void cli_help(const struct cli *cli, const char *path) {
	uint32_t width = 0, n = 0;
	const struct cli_command *only = NULL;
	for (uint32_t i = 0; i < cli_command_n; i++) {
		if (!below(cli_commands[i]->path, path))
			continue;
		uint32_t own = cli_width(cli_commands[i]->path) + 1 + cli_width(cli_commands[i]->arguments);
		width = own > width ? own : width;
		only = n++ ? NULL : cli_commands[i];
	}
	if (only) {
		help_command(cli, only);
	} else {
		printf("%s\n\n%s\n", cl_text(CL_TEXT_CLI_HELP_ABOUT, cli->lang),
		       cl_text(CL_TEXT_CLI_HELP_COMMANDS, cli->lang));
		for (uint32_t i = 0; i < cli_command_n; i++)
			if (n == 0 || below(cli_commands[i]->path, path))
				two_columns(cli_fmt(cli, "%s %s", cli_commands[i]->path, cli_commands[i]->arguments),
				            width, cl_text(cli_commands[i]->help, cli->lang));
	}
	print_options(cli, CL_TEXT_CLI_HELP_GLOBAL, cli_global_options, cli_global_option_n);
	printf("\n%s\n", cl_text(CL_TEXT_CLI_HELP_EXIT, cli->lang));
}

static void complete_options(const struct cli_option *options, uint32_t n) {
	for (uint32_t i = 0; i < n; i++)
		printf(" --%s", options[i].name);
}

/* A case per path: its options, or the words that may follow. */
int cli_help_bash(struct cli *cli) {
	(void)cli;
	puts("# bash completion for careloop: source <(careloop completion bash)\n"
	     "_careloop() {\n"
	     "\tlocal cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" path=\"\" word i n=0\n"
	     "\tfor ((i = 1; i < COMP_CWORD && n < 2; i++)); do\n"
	     "\t\tword=\"${COMP_WORDS[i]}\"\n"
	     "\t\tcase \"$word\" in\n"
	     "\t\t--dir|--config|--lang|--who|-d|-c|-w) ((i++));;\n"
	     "\t\t-*) ;;\n"
	     "\t\t*) path=\"${path:+$path }$word\"; ((++n));;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tcase \"$prev\" in\n"
	     "\t--dir|-d) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return;;\n"
	     "\t--config|-c|--map|-m|--out|-o) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return;;\n"
	     "\t--lang) mapfile -t COMPREPLY < <(compgen -W 'vi en' -- \"$cur\"); return;;\n"
	     "\t--format) mapfile -t COMPREPLY < <(compgen -W 'ndjson csv xes' -- \"$cur\"); return;;\n"
	     "\tesac\n"
	     "\tlocal words=\"\"\n"
	     "\tcase \"$path\" in");
	for (uint32_t i = 0; i < cli_command_n; i++) {
		const struct cli_command *command = cli_commands[i];
		const char *blank = strchr(command->path, ' ');
		printf("\t\"%s\"%s) words=\"", command->path, blank ? "*" : "");
		complete_options(command->options, command->option_n);
		complete_options(cli_global_options, cli_global_option_n);
		puts("\";;");
	}
	/* First words alone: what may follow. */
	for (uint32_t i = 0; i < cli_command_n; i++) {
		const char *path = cli_commands[i]->path, *blank = strchr(path, ' ');
		size_t n = blank ? (size_t)(blank - path) : 0;
		if (!blank || (i && strncmp(cli_commands[i - 1]->path, path, n + 1) == 0))
			continue;
		printf("\t\"%.*s\") words=\"", (int)n, path);
		for (uint32_t k = 0; k < cli_command_n; k++)
			if (strncmp(cli_commands[k]->path, path, n + 1) == 0)
				printf(" %s", cli_commands[k]->path + n + 1);
		puts("\";;");
	}
	printf("\t\"\") words=\"");
	for (uint32_t i = 0; i < cli_command_n; i++) {
		const char *path = cli_commands[i]->path;
		size_t n = strcspn(path, " ");
		if (i == 0 || strncmp(cli_commands[i - 1]->path, path, n) != 0 ||
		    cli_commands[i - 1]->path[n] != path[n])
			printf(" %.*s", (int)n, path);
	}
	complete_options(cli_global_options, cli_global_option_n);
	puts("\";;\n"
	     "\tesac\n"
	     "\tif [[ \"$path\" == import* && \"$cur\" != -* ]]; then\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	     "\telse\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	     "\tfi\n"
	     "}\n"
	     "complete -o filenames -F _careloop careloop");
	return CLI_OK;
}
