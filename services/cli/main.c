/* careloop: one program for operators, agents and auditors. */
#include <locale.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/hash.h"
#include "cli.h"
#include "supervisor.h"

/* Who acts, if nobody is named: the person at the terminal. */
static const char *default_who(struct cli *cli) {
	const char *who = getenv("CARELOOP_WHO");
	if (who && *who)
		return who;
	const struct passwd *user = getpwuid(getuid());
	return user ? cli_fmt(cli, "%.90s", user->pw_name) : "operator";
}

static const char *own_path(struct cli *cli) {
	char path[4096];
	size_t n = sizeof(path);
	return uv_exepath(path, &n) == 0 ? cli_fmt(cli, "%s", path) : "careloop";
}

static int run(struct cli *cli, int argc, char **argv) {
	bool done = false;
	int result = cli_args_parse(cli, argc, argv, &done);
	if (result != CLI_OK || done)
		return result;
	const char *dir = getenv("CARELOOP_DIR");
	if (!cli->dir && !cli->config_file)
		cli->dir = dir && *dir ? dir : "./.data";
	if (!cli->who)
		cli->who = default_who(cli);
	if (strlen(cli->who) > 100 || !cl_utf8_valid(cl_str_from(cli->who))) {
		cli_error(cli, CL_TEXT_CLI_BAD_WHO, CLI_NO_ARGS);
		return CLI_USAGE;
	}
	return cli->command->run(cli);
}

int main(int argc, char **argv) {
	struct cl_arena arena;
	struct cli cli = {.lang = CL_VI, .arena = &arena};
	if (argc > 1 && strcmp(argv[1], "--exec-service") == 0)
		return cli_child_exec(argc, argv);
	argv = uv_setup_args(argc, argv);
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		(void)setlocale(LC_CTYPE, "");
	if (cl_crypto_init() != CL_OK)
		return CLI_FAILED;
	cl_arena_init(&arena, 65536);
	cli.program = own_path(&cli);
	int result = run(&cli, argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout))
		result = result == CLI_OK ? CLI_FAILED : result;
	cli_done(&cli);
	return result;
}
