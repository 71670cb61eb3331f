/* The careloop command: what every subcommand shares. One process runs one subcommand: single-threaded, on one libuv
 * loop, everything it allocates for the user lies in one arena that dies with it. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>
#include <uv.h>

#include "actor/event_json.h"
#include "base/arena.h"
#include "codec.h"
#include "log/record.h"
#include "text.h"
#include "uv/client.h"
#include "uv/config.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,      /* the world: no service, no disk, no file */
	CLI_USAGE = 2,       /* the command line is wrong */
	CLI_REFUSED = 3,     /* the rules of the domain refuse it */
	CLI_NOT_FOUND = 4,   /* no such case, customer, log */
	CLI_CHECK_FAILED = 5 /* a check did not hold: verify, replay, import's account */
};

enum cli_option_kind { CLI_FLAG, CLI_VALUE, CLI_LIST /* may be given several times */ };

struct cli_option {
	const char *name; /* without the dashes */
	char letter;      /* 0 = none */
	enum cli_option_kind kind;
	const char *value; /* what stands for the value in the help, NULL for flags */
	const char *field; /* field of the command's schema that it fills, NULL = none */
	enum cl_text help;
};

struct cli;
struct cli_command {
	const char *path;      /* "case show" */
	const char *arguments; /* as the help shows them, "" = none */
	enum cl_text help;
	uint32_t min_args, max_args;
	const struct cli_option *options;
	uint32_t option_n;
	int (*run)(struct cli *cli);
	/* For commands to an actor: what cli_fill fills and who gets it. */
	const struct cl_schema *schema;
	uint8_t kind;
	const char *text_field; /* field that arguments behind the first fill, NULL = none */
};

struct cli_given { /* an option as given */
	const struct cli_option *option;
	const char *value;
};

struct cli {
	const struct cli_command *command;
	const char **args;
	uint32_t arg_n;
	struct cli_given *given;
	uint32_t given_n;
	enum cl_lang lang;
	bool json, quiet, lang_given;
	const char *dir, *config_file, *who;
	const char *program; /* path of this executable */

	struct cl_arena *arena; /* for all that lives as long as the command */
	struct cl_config config;
	bool has_config, has_loop;
	uv_loop_t loop;
	struct cl_client *client;
};

/* -- commands (command.c) -- */
extern const struct cli_command *const cli_commands[];
extern const uint32_t cli_command_n;
extern const struct cli_option cli_global_options[];
extern const uint32_t cli_global_option_n;

/* -- arguments (args.c) -- */
/* Finds the command and takes the words apart; CLI_OK, or CLI_USAGE after saying what is wrong. A wish for help or the
 * version is met at once: *ret_done. */
int cli_args_parse(struct cli *cli, int argc, char **argv, bool *ret_done);
const char *cli_opt(const struct cli *cli, const char *name); /* the last one given, NULL = not given; "" for flags */
bool cli_flag(const struct cli *cli, const char *name);
/* The number given, or the default; false after saying that it is none, or out of bounds. */
bool cli_opt_u64(struct cli *cli, const char *name, uint64_t otherwise, uint64_t max, uint64_t *ret_value);
/* The time given (RFC 3339, a date, "31/12/2026 23:59"), or the default; false after saying so. */
bool cli_opt_time(struct cli *cli, const char *name, int64_t otherwise_ms, int64_t *ret_ms);
int cli_time_parse(struct cl_str text, int64_t *ret_ms);

/* -- help (help.c) -- */
void cli_help(const struct cli *cli, const char *path); /* "" = everything */
int cli_help_bash(struct cli *cli);

/* -- what is said (say.c). Sentences of the catalogue hold %s only; each takes the next argument. -- */
const char *cli_text(const struct cli *cli, enum cl_text id, const char *const *args); /* in the arena */
void cli_print(const struct cli *cli, FILE *to, enum cl_text id, const char *const *args);
#define CLI_ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define CLI_NO_ARGS ((const char *const[]){NULL})
/* To people on stdout; silent under --json and --quiet. */
void cli_say(const struct cli *cli, enum cl_text id, const char *const *args);
/* What went wrong, on stderr, "careloop: …". */
void cli_error(const struct cli *cli, enum cl_text id, const char *const *args);
const char *cli_fmt(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *cli_num(const struct cli *cli, uint64_t value); /* grouped as the language does */
const char *cli_when(const struct cli *cli, int64_t ms);    /* for people; "" for 0 */
const char *cli_cstr(const struct cli *cli, struct cl_str s);
const char *cli_enum_text(const struct cli *cli, const struct cl_enum *en, uint32_t value);
const char *cli_bytes(const struct cli *cli, uint64_t bytes);
const char *cli_duration(const struct cli *cli, int64_t ms);
/* Text from a customer or a file, made safe for a terminal: control characters become blanks. */
const char *cli_safe(const struct cli *cli, struct cl_str s);

/* -- tables (table.c) -- */
#define CLI_COLUMNS_MAX 12
struct cli_table {
	const struct cli *cli;
	uint32_t columns, rows, row_cap;
	const char **cells;
	const char *heads[CLI_COLUMNS_MAX];
	bool right[CLI_COLUMNS_MAX];
	int shrink; /* column that gives way when the screen is too narrow, -1 = none */
};
void cli_table_init(struct cli_table *table, const struct cli *cli);
void cli_table_column(struct cli_table *table, enum cl_text head, bool right);
void cli_table_row(struct cli_table *table, const char *const *cells); /* as many as columns; NULL = "" */
void cli_table_print(struct cli_table *table, FILE *to);
uint32_t cli_width(const char *text); /* columns on a terminal */
uint32_t cli_screen_width(void);      /* 0 when stdout is no terminal */
/* Bytes of the longest start of text that fits in that many columns. */
size_t cli_fit(const char *text, uint32_t columns);

/* -- files and services (session.c) -- */
/* Configuration of the data folder; says what is wrong. */
int cli_config(struct cli *cli);
uv_loop_t *cli_loop(struct cli *cli);
/* Configuration, loop and client. */
int cli_connect(struct cli *cli);
void cli_done(struct cli *cli);
void cli_run_until(struct cli *cli, const bool *done);

struct cli_outcome { /* of a command to an actor; strings in the arena */
	int status;  /* 0, or a cl_error */
	struct wire_reply reply;
};
struct cli_outcome cli_send(struct cli *cli, uint8_t kind, struct cl_id target, uint32_t registry_partition,
                            uint16_t type, const void *body);
/* Says how it went and returns the exit code. subject: number or name for people. */
int cli_tell_outcome(struct cli *cli, const struct cli_outcome *outcome, const char *subject);
/* The state of an actor with its records; *ret_state lies in the arena. Returns an exit code. */
struct cli_actor {
	const struct cl_schema *schema;
	const void *state;
	uint32_t version;
	struct wire_record *history;
	uint32_t history_n;
};
struct cli_view {
	int64_t as_of, known_at;
	bool history;
};
int cli_get(struct cli *cli, uint8_t kind, struct cl_id target, const struct cli_view *view, const char *subject,
            struct cli_actor *ret_actor);
/* A named query; the answer's JSON text lies in the arena. Says what went wrong unless quiet. */
int cli_query(struct cli *cli, uint32_t service, uint32_t partition, const char *name,
              const struct wire_pair *arguments, uint32_t n, uint32_t timeout_ms, bool quiet, struct cl_str *ret_json);
/* Fills body from the options that name a field; says what is wrong. */
int cli_fill(struct cli *cli, const struct cl_schema *schema, void *body);
int cli_set_field(struct cli *cli, const struct cl_schema *schema, void *body, const char *field, const char *given_as,
                  const char *text);
/* Slip number from the first argument: "PTN-2026-000123", or short "2026-123". */
int cli_slip(struct cli *cli, const char *text, const char **ret_number, struct cl_id *ret_id);
/* Whole file as text in the arena; "-" is stdin. CL error. */
int cli_read_file(struct cli *cli, const char *path, size_t max, struct cl_str *ret_text);

/* -- events for people (event.c) -- */
/* One line: what happened. NULL if the type is unknown. */
const char *cli_event_title(const struct cli *cli, uint16_t type);
/* The fields of a value that say more, "name: value · name: value"; "" if none do. */
const char *cli_event_detail(const struct cli *cli, const struct cl_schema *schema, const void *value);
const char *cli_label(const struct cli *cli, const char *field); /* of a field, for people; NULL if it is not shown */
void cli_print_value(const struct cli *cli, const struct cl_schema *schema, const void *value, FILE *to);

#endif
