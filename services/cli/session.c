/* What a subcommand needs of the world: configuration, loop, client, and calls that wait for their answer. */
#include "cli.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actor/slip.h"
#include "base/assert.h"
#include "base/buf.h"
#include "reach.h"

#define CALL_TIMEOUT_MS 10000

int cli_config(struct cli *cli) {
	char *error = NULL;
	if (cli->has_config)
		return CLI_OK;
	int result = cl_config_load(cli->dir, cli->config_file, &cli->config, &error);
	if (result != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_BAD_CONFIG, CLI_ARGS(error ? error : cl_error_text(result)));
		free(error);
		return CLI_USAGE;
	}
	cli->has_config = true;
	const char *file = cli->config_file ? cli->config_file : cli_fmt(cli, "%s/careloop.yaml", cli->config.dir);
	if (!cli->lang_given && access(file, F_OK) == 0)
		cli->lang = cl_lang_from(cli->config.language);
	return CLI_OK;
}

uv_loop_t *cli_loop(struct cli *cli) {
	if (!cli->has_loop) {
		int result = uv_loop_init(&cli->loop);
		CL_ASSERT(result == 0);
		cli->has_loop = true;
	}
	return &cli->loop;
}

/* Commands change nothing where there is no data folder: making one is the business of `up`. */
static int folder_there(struct cli *cli) {
	struct stat st;
	if (stat(cli_fmt(cli, "%s/run", cli->config.dir), &st) == 0 && S_ISDIR(st.st_mode))
		return CLI_OK;
	cli_error(cli, CL_TEXT_CLI_NO_FOLDER, CLI_ARGS(cli->config.dir));
	return CLI_FAILED;
}

int cli_connect(struct cli *cli) {
	int exit_code = cli_config(cli);
	if (exit_code != CLI_OK || cli->client)
		return exit_code;
	exit_code = folder_there(cli);
	if (exit_code != CLI_OK)
		return exit_code;
	int result = cl_client_open(cli_loop(cli), &cli->config, "client", &cli->client);
	if (result != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_NO_CLIENT, CLI_ARGS(cli->config.dir, cl_error_text(result)));
		return CLI_FAILED;
	}
	return CLI_OK;
}

static void on_closed(void *context) {
	*(bool *)context = true;
}

static void close_handle(uv_handle_t *handle, void *context) {
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void cli_done(struct cli *cli) {
	if (cli->client) {
		bool closed = false;
		cl_client_close(cli->client, on_closed, &closed);
		cli_run_until(cli, &closed);
		cli->client = NULL;
	}
	if (cli->has_loop) {
		uv_walk(&cli->loop, close_handle, NULL);
		uv_run(&cli->loop, UV_RUN_DEFAULT);
		int result = uv_loop_close(&cli->loop);
		CL_ASSERT(result == 0);
		cli->has_loop = false;
	}
	if (cli->has_config)
		cl_config_done(&cli->config);
	cli->has_config = false;
	cl_arena_done(cli->arena);
}

void cli_run_until(struct cli *cli, const bool *done) {
	while (!*done)
		uv_run(cli_loop(cli), UV_RUN_ONCE);
}

/* The services that an actor's kind lives on cannot be reached and nobody is starting them: say so at once, not in ten
 * seconds. */
static bool unreachable(struct cli *cli, uint32_t service, uint32_t partition) {
	if (cli_reach(cl_config_address(&cli->config, service, partition)) || cli_supervised(cli->config.dir))
		return false;
	cli_error(cli, CL_TEXT_CLI_NOT_RUNNING, CLI_ARGS(cl_service_name(service), cli->config.dir));
	return true;
}

static uint32_t partition_of(const struct cli *cli, uint8_t kind, struct cl_id target, uint32_t registry_partition) {
	uint32_t partitions = cl_client_partitions(cli->client, cl_kind_service(kind));
	return cl_id_zero(target) ? registry_partition : (uint32_t)(cl_id_hash(target) % partitions);
}

struct reply_wait {
	struct cli *cli;
	bool done;
	struct cli_outcome *outcome;
};

static void on_reply(void *context, int status, const struct wire_reply *reply) {
	struct reply_wait *wait = context;
	wait->outcome->status = status;
	if (status == CL_OK)
		cl_copy(&cl_schema_wire_reply, reply, wait->cli->arena, &wait->outcome->reply);
	wait->done = true;
}

struct cli_outcome cli_send(struct cli *cli, uint8_t kind, struct cl_id target, uint32_t registry_partition,
                            uint16_t type, const void *body) {
	struct cli_outcome outcome = {.status = CL_E_CLOSED};
	struct reply_wait wait = {cli, false, &outcome};
	struct cl_command_options options = {.who = cl_str_from(cli->who)};
	if (!cli_opt_time(cli, "at", 0, &options.occurred_ms)) {
		outcome.status = CL_E_INVALID;
		return outcome;
	}
	if (unreachable(cli, cl_kind_service(kind), partition_of(cli, kind, target, registry_partition)))
		return outcome;
	int result =
	        cl_client_command(cli->client, kind, target, registry_partition, type, body, &options, on_reply, &wait);
	if (result != CL_OK) {
		outcome.status = result;
		cli_error(cli, CL_TEXT_CLI_NOT_SENT,
		          CLI_ARGS(cl_service_name(cl_kind_service(kind)), cl_error_text(result)));
		outcome.status = CL_E_CLOSED;
		return outcome;
	}
	cli_run_until(cli, &wait.done);
	if (outcome.status != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_NO_ANSWER,
		          CLI_ARGS(cl_service_name(cl_kind_service(kind)), cli->config.dir));
		outcome.status = CL_E_TIMEDOUT;
	}
	return outcome;
}

static void outcome_json(struct cli *cli, const struct wire_reply *reply, const char *subject) {
	struct cl_buf out;
	cl_buf_init(&out);
	const struct cl_enum_value *status = cl_enum_find(&cl_enum_wire_status, reply->status);
	cl_buf_printf(&out, "{\"status\":\"%s\"", status ? status->code : "unknown");
	if (reply->number.n || *subject) {
		cl_buf_puts(&out, ",\"number\":");
		cl_json_string(&out, reply->number.n ? reply->number : cl_str_from(subject));
	}
	if (reply->code) {
		const char *name = cl_reject_name(reply->code);
		cl_buf_printf(&out, ",\"code\":%" PRIu32 ",\"reason\":\"%s\",\"text\":", reply->code,
		              name ? name : "UNKNOWN");
		cl_json_string(&out, cl_str_from(cl_reject_text(reply->code, cli->lang)));
	}
	if (reply->field.n) {
		cl_buf_puts(&out, ",\"field\":");
		cl_json_string(&out, reply->field);
	}
	if (!cl_id_zero(reply->aggregate)) {
		char id[CL_ID_TEXT_BYTES];
		cl_id_format(reply->aggregate, id);
		cl_buf_printf(&out, ",\"id\":\"%s\",\"version\":%" PRIu32, id, reply->version);
	}
	const char *service = cl_service_name(reply->service);
	if (service)
		cl_buf_printf(&out, ",\"service\":\"%s\",\"partition\":%" PRIu32 ",\"seq\":%" PRIu64, service,
		              reply->partition, reply->seq);
	if (reply->repeated)
		cl_buf_puts(&out, ",\"repeated\":true");
	printf(CL_STR_FMT "}\n", (int)out.n, (const char *)out.p);
	cl_buf_done(&out);
}

int cli_tell_outcome(struct cli *cli, const struct cli_outcome *outcome, const char *subject) {
	const struct wire_reply *reply = &outcome->reply;
	if (outcome->status != CL_OK)
		return outcome->status == CL_E_INVALID ? CLI_USAGE : CLI_FAILED;
	if (cli->json)
		outcome_json(cli, reply, subject);
	const char *service = cl_service_name(reply->service);
	const char *field = cli_safe(cli, reply->field),
	           *name = reply->number.n ? cli_safe(cli, reply->number) : subject;
	switch (reply->status) {
	case WIRE_ACCEPTED:
		cli_say(cli, CL_TEXT_CLI_ACCEPTED,
		        CLI_ARGS(name, service ? service : "?", cli_fmt(cli, "%" PRIu32, reply->partition),
		                 cli_num(cli, reply->seq)));
		return CLI_OK;
	case WIRE_REJECTED:
	case WIRE_INVALID:
		if (reply->code == CL_R_UNKNOWN_TARGET) {
			cli_error(cli, CL_TEXT_CLI_NOT_FOUND, CLI_ARGS(subject));
			return CLI_NOT_FOUND;
		}
		cli_error(cli, reply->field.n ? CL_TEXT_CLI_REFUSED_FIELD : CL_TEXT_CLI_REFUSED,
		          reply->field.n
		                  ? CLI_ARGS(cl_reject_text(reply->code ? reply->code : CL_R_FIELD, cli->lang), field)
		                  : CLI_ARGS(cl_reject_text(reply->code ? reply->code : CL_R_FIELD, cli->lang)));
		return CLI_REFUSED;
	case WIRE_NOT_FOUND:
		cli_error(cli, CL_TEXT_CLI_NOT_FOUND, CLI_ARGS(subject));
		return CLI_NOT_FOUND;
	case WIRE_EXPIRED:
		cli_error(cli, CL_TEXT_CLI_REFUSED, CLI_ARGS(cl_reject_text(CL_R_EXPIRED, cli->lang)));
		return CLI_REFUSED;
	case WIRE_BUSY:
	case WIRE_DIVERGED:
	case WIRE_DENIED:
	case wire_status_UNSET:
		break;
	}
	cli_error(cli, CL_TEXT_CLI_SERVICE_SAYS,
	          CLI_ARGS(reply->code ? cl_reject_text(reply->code, cli->lang)
	                               : cli_enum_text(cli, &cl_enum_wire_status, reply->status)));
	return CLI_FAILED;
}

/* -- state -- */
struct state_wait {
	struct cli *cli;
	bool done;
	int status;
	struct wire_state state;
};

static void on_state(void *context, int status, const struct wire_state *state) {
	struct state_wait *wait = context;
	wait->status = status;
	if (status == CL_OK)
		cl_copy(&cl_schema_wire_state, state, wait->cli->arena, &wait->state);
	wait->done = true;
}

static int get_page(struct cli *cli, const struct wire_get *get, struct state_wait *wait) {
	*wait = (struct state_wait){.cli = cli};
	int result = cl_client_get(cli->client, get, 0, CALL_TIMEOUT_MS, on_state, wait);
	if (result != CL_OK)
		return result;
	cli_run_until(cli, &wait->done);
	return wait->status;
}

static void append_history(struct cli *cli, struct cli_actor *actor, const struct wire_state *page) {
	struct wire_record *all =
	        cl_arena_array(cli->arena, struct wire_record, (size_t)actor->history_n + page->history.n);
	if (actor->history_n)
		memcpy(all, actor->history, sizeof(*all) * actor->history_n);
	if (page->history.n)
		memcpy(all + actor->history_n, page->history.v, sizeof(*all) * page->history.n);
	actor->history = all;
	actor->history_n += page->history.n;
}

int cli_get(struct cli *cli, uint8_t kind, struct cl_id target, const struct cli_view *view, const char *subject,
            struct cli_actor *ret_actor) {
	struct state_wait wait;
	struct cli_actor actor = {0};
	struct wire_get get = {.kind = kind,
	                       .target = target,
	                       .as_of = view->as_of,
	                       .known_at = view->known_at,
	                       .history = view->history,
	                       .history_from = 1};
	if (unreachable(cli, cl_kind_service(kind), partition_of(cli, kind, target, 0)))
		return CLI_FAILED;
	do {
		int result = get_page(cli, &get, &wait);
		if (result != CL_OK) {
			cli_error(cli, CL_TEXT_CLI_NO_ANSWER,
			          CLI_ARGS(cl_service_name(cl_kind_service(kind)), cli->config.dir));
			return CLI_FAILED;
		}
		if (wait.state.status == WIRE_NOT_FOUND ||
		    (wait.state.status == WIRE_ACCEPTED && wait.state.version == 0)) {
			if (subject)
				cli_error(cli,
				          view->as_of || view->known_at ? CL_TEXT_CLI_NOT_FOUND_THEN
				                                        : CL_TEXT_CLI_NOT_FOUND,
				          CLI_ARGS(subject));
			return CLI_NOT_FOUND;
		}
		if (wait.state.status != WIRE_ACCEPTED) {
			cli_error(cli, CL_TEXT_CLI_SERVICE_SAYS,
			          CLI_ARGS(cli_enum_text(cli, &cl_enum_wire_status, wait.state.status)));
			return CLI_FAILED;
		}
		append_history(cli, &actor, &wait.state);
		get.history_from += wait.state.history.n;
	} while (wait.state.more && wait.state.history.n);
	actor.version = wait.state.version;
	actor.schema = cl_schema_by_type((uint16_t)wait.state.state_type);
	if (!actor.schema) {
		cli_error(cli, CL_TEXT_CLI_OTHER_VERSION, CLI_NO_ARGS);
		return CLI_FAILED;
	}
	void *state = cl_arena_alloc(cli->arena, actor.schema->size);
	if (cl_decode(actor.schema, wait.state.state, cli->arena, state, NULL) != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_OTHER_VERSION, CLI_NO_ARGS);
		return CLI_FAILED;
	}
	actor.state = state;
	*ret_actor = actor;
	return CLI_OK;
}

/* -- queries -- */
struct answer_wait {
	struct cli *cli;
	bool done;
	int status;
	struct wire_answer answer;
};

static void on_answer(void *context, int status, const struct wire_answer *answer) {
	struct answer_wait *wait = context;
	wait->status = status;
	if (status == CL_OK)
		cl_copy(&cl_schema_wire_answer, answer, wait->cli->arena, &wait->answer);
	wait->done = true;
}

int cli_query(struct cli *cli, uint32_t service, uint32_t partition, const char *name,
              const struct wire_pair *arguments, uint32_t n, uint32_t timeout_ms, bool quiet, struct cl_str *ret_json) {
	struct answer_wait wait = {.cli = cli};
	if (!quiet && unreachable(cli, service, partition))
		return CLI_FAILED;
	int result = cl_client_query(cli->client, service, partition, name, arguments, n,
	                             timeout_ms ? timeout_ms : CALL_TIMEOUT_MS, on_answer, &wait);
	if (result == CL_OK) {
		cli_run_until(cli, &wait.done);
		result = wait.status;
	}
	if (result != CL_OK) {
		if (!quiet)
			cli_error(cli, CL_TEXT_CLI_NO_ANSWER, CLI_ARGS(cl_service_name(service), cli->config.dir));
		return CLI_FAILED;
	}
	if (wait.answer.status == WIRE_NOT_FOUND)
		return CLI_NOT_FOUND;
	if (wait.answer.status != WIRE_ACCEPTED) {
		if (!quiet && wait.answer.field.n)
			cli_error(cli, CL_TEXT_CLI_BAD_QUERY_FIELD, CLI_ARGS(cli_safe(cli, wait.answer.field)));
		else if (!quiet)
			cli_error(cli, CL_TEXT_CLI_SERVICE_SAYS,
			          CLI_ARGS(cli_enum_text(cli, &cl_enum_wire_status, wait.answer.status)));
		return wait.answer.status == WIRE_INVALID ? CLI_USAGE : CLI_FAILED;
	}
	*ret_json = (struct cl_str){(const char *)wait.answer.json.p, wait.answer.json.n};
	return CLI_OK;
}

/* -- slips and files -- */
/* "PTN-2026-000123", "2026-123": year and number. */
static bool parse_slip(const char *text, uint64_t *ret_year, uint64_t *ret_number) {
	struct cl_str rest = cl_str_from(strncasecmp(text, "PTN-", 4) == 0 ? text + 4 : text);
	const char *dash = rest.n ? memchr(rest.p, '-', rest.n) : NULL;
	if (!dash || dash - rest.p != 4)
		return false;
	struct cl_str number = {dash + 1, rest.n - 5};
	return cl_str_u64((struct cl_str){rest.p, 4}, ret_year) == CL_OK && *ret_year >= 1900 &&
	       cl_str_u64(number, ret_number) == CL_OK;
}

int cli_slip(struct cli *cli, const char *text, const char **ret_number, struct cl_id *ret_id) {
	uint64_t year, number;
	if (!parse_slip(text, &year, &number)) {
		cli_error(cli, CL_TEXT_CLI_BAD_SLIP, CLI_ARGS(text));
		return CLI_USAGE;
	}
	*ret_number = cli_fmt(cli, "PTN-%04" PRIu64 "-%06" PRIu64, year, number);
	*ret_id = cl_slip_id(cl_str_from(*ret_number));
	return CLI_OK;
}

int cli_read_file(struct cli *cli, const char *path, size_t max, struct cl_str *ret_text) {
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), result = CL_OK;
	struct cl_buf buf;
	if (fd < 0)
		return CL_E_NOTFOUND;
	cl_buf_init(&buf);
	for (;;) {
		uint8_t *end = cl_buf_reserve(&buf, 65536);
		ssize_t n = read(fd, end, 65536);
		if (n <= 0) {
			result = n < 0 ? CL_E_IO : CL_OK;
			break;
		}
		buf.n += (size_t)n;
		if (buf.n > max) {
			result = CL_E_TOOBIG;
			break;
		}
	}
	if (!standard)
		close(fd);
	if (result == CL_OK)
		*ret_text = cl_arena_str(cli->arena, (struct cl_str){(const char *)buf.p, (uint32_t)buf.n});
	cl_buf_done(&buf);
	return result;
}
