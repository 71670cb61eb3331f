/* careloop up, down, status: the processes of one data folder. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "commands.h"
#include "reach.h"
#include "supervisor.h"

#define STATUS_TIMEOUT_MS 2000
#define ANSWER_TIMEOUT_MS 10000
#define DOWN_TIMEOUT_S 90
#define POLL_MS 50

/* -- status of all services, asked at once -- */
struct status_row {
	struct status_wait *wait;
	struct cli_plan_entry entry;
	json_t *answer; /* NULL: none */
};
struct status_wait {
	struct status_row *rows;
	uint32_t n, open;
	bool done;
};

static void on_status(void *context, int status, const struct wire_answer *answer) {
	struct status_row *row = context;
	if (status == CL_OK && answer->status == WIRE_ACCEPTED)
		row->answer = json_loadb((const char *)answer->json.p, answer->json.n, 0, NULL);
	row->wait->open--;
	row->wait->done = row->wait->open == 0;
}

/* Asks every service of the plan but the gateway. */
static struct status_wait *ask_all(struct cli *cli, const struct cli_plan *plan, uint32_t timeout_ms) {
	struct status_wait *wait = cl_arena_new(cli->arena, struct status_wait);
	wait->rows = cl_arena_array(cli->arena, struct status_row, plan->n);
	for (uint32_t i = 0; i < plan->n; i++) {
		if (plan->v[i].service == CL_GATEWAY)
			continue;
		struct status_row *row = &wait->rows[wait->n++];
		*row = (struct status_row){.wait = wait, .entry = plan->v[i]};
		wait->open++;
		if (cl_client_query(cli->client, row->entry.service, row->entry.partition, "status", NULL, 0,
		                    timeout_ms, on_status, row) != CL_OK)
			wait->open--;
	}
	wait->done = wait->open == 0;
	cli_run_until(cli, &wait->done);
	return wait;
}

static void drop_answers(struct status_wait *wait) {
	for (uint32_t i = 0; i < wait->n; i++)
		json_decref(wait->rows[i].answer);
}

/* -- up -- */
static int prepare(struct cli *cli, int *ret_lock) {
	char *error = NULL;
	int result = cli_config(cli);
	if (result != CLI_OK)
		return result;
	result = cl_config_prepare(&cli->config, &error);
	if (result != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_CANNOT_PREPARE,
		          CLI_ARGS(cli->config.dir, error ? error : cl_error_text(result)));
		free(error);
		return result == CL_E_MISMATCH ? CLI_USAGE : CLI_FAILED;
	}
	result = cli_supervisor_lock(cli->config.dir, ret_lock);
	if (result == CL_E_BUSY) {
		struct cli_supervisor other = cli_supervisor_find(cli->config.dir);
		cli_error(cli, CL_TEXT_CLI_UP_ALREADY, CLI_ARGS(cli->config.dir, cli_fmt(cli, "%ld", (long)other.pid)));
		return CLI_FAILED;
	}
	if (result != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_CANNOT_WRITE,
		          CLI_ARGS(cli_fmt(cli, "%s/run/supervisor.lock", cli->config.dir), strerror(errno)));
		return CLI_FAILED;
	}
	return CLI_OK;
}

struct detached {
	uv_process_t process;
	uv_pipe_t ready;
	bool is_ready, is_over, done;
	int64_t exit_status;
};

static void on_supervisor_exit(uv_process_t *process, int64_t exit_status, int term_signal) {
	struct detached *detached = process->data;
	detached->exit_status = term_signal ? CLI_FAILED : exit_status;
	detached->is_over = detached->done = true;
}

static void on_notified(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
	struct detached *detached = stream->data;
	(void)buf;
	if (n > 0)
		detached->is_ready = detached->done = true;
	if (n < 0)
		uv_read_stop(stream); /* it died: its exit says why */
}

static void give_byte(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf) {
	static char byte[16];
	(void)handle;
	(void)suggested;
	*ret_buf = uv_buf_init(byte, sizeof(byte));
}

/* The command line again, so that the supervisor sees the same options, without --detach. */
static const char **supervisor_argv(struct cli *cli) {
	const char **argv = cl_arena_array(cli->arena, const char *, cli->given_n * 2 + 4);
	uint32_t n = 0;
	argv[n++] = cli->program;
	argv[n++] = "up";
	for (uint32_t i = 0; i < cli->given_n; i++) {
		const struct cli_given *given = &cli->given[i];
		if (strcmp(given->option->name, "detach") == 0)
			continue;
		argv[n++] = cli_fmt(cli, "--%s", given->option->name);
		if (given->option->kind != CLI_FLAG)
			argv[n++] = given->value;
	}
	return argv;
}

static int wait_for_answers(struct cli *cli) {
	int result = cli_connect(cli);
	if (result != CLI_OK)
		return result;
	struct cli_plan plan = cli_plan_make(&cli->config, false, cli->arena);
	struct status_wait *wait = ask_all(cli, &plan, ANSWER_TIMEOUT_MS);
	for (uint32_t i = 0; i < wait->n; i++)
		if (!wait->rows[i].answer) {
			cli_error(cli, CL_TEXT_CLI_NO_ANSWER,
			          CLI_ARGS(cli_plan_name(&wait->rows[i].entry, '/', cli->arena), cli->config.dir));
			result = CLI_FAILED;
		}
	drop_answers(wait);
	return result;
}

static int up_detached(struct cli *cli) {
	uv_loop_t *loop = cli_loop(cli);
	static struct detached detached;
	static char notify[] = "CARELOOP_NOTIFY_FD=3";
	extern char **environ;
	size_t env_n = 0;
	while (environ[env_n])
		env_n++;
	char **env = cl_arena_array(cli->arena, char *, env_n + 2);
	memcpy(env, environ, sizeof(*env) * env_n);
	env[env_n] = notify;
	int result = uv_pipe_init(loop, &detached.ready, 0);
	CL_ASSERT(result == 0);
	detached.ready.data = detached.process.data = &detached;
	uv_stdio_container_t stdio[] = {
	        {.flags = UV_IGNORE},
	        {.flags = UV_INHERIT_FD, .data.fd = STDOUT_FILENO},
	        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
	        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
	         .data.stream = (uv_stream_t *)&detached.ready},
	};
	uv_process_options_t options = {.exit_cb = on_supervisor_exit,
	                                .file = cli->program,
	                                .args = cli_argv(supervisor_argv(cli)),
	                                .env = env,
	                                .flags = UV_PROCESS_DETACHED,
	                                .stdio_count = 4,
	                                .stdio = stdio};
	fflush(stdout);
	result = uv_spawn(loop, &detached.process, &options);
	if (result != 0) {
		cli_error(cli, CL_TEXT_CLI_CANNOT_START, CLI_ARGS(cli->program, uv_strerror(result)));
		return CLI_FAILED;
	}
	result = uv_read_start((uv_stream_t *)&detached.ready, give_byte, on_notified);
	CL_ASSERT(result == 0);
	cli_run_until(cli, &detached.done);
	uv_unref((uv_handle_t *)&detached.process);
	if (!detached.is_ready) /* it has said why */
		return detached.exit_status == CLI_OK ? CLI_FAILED : (int)detached.exit_status;
	result = wait_for_answers(cli);
	if (result == CLI_OK)
		cli_say(cli, CL_TEXT_CLI_UP_DETACHED,
		        CLI_ARGS(cli->config.dir, cli_fmt(cli, "%d", detached.process.pid),
		                 cli->config.gateway_listen));
	return result;
}

int cli_cmd_up(struct cli *cli) {
	const char *notify = getenv("CARELOOP_NOTIFY_FD");
	int lock_fd = -1, result = prepare(cli, &lock_fd);
	if (result != CLI_OK)
		return result;
	if (cli_flag(cli, "detach")) {
		/* The supervisor takes the lock itself; this was to refuse early, in the user's sight. */
		close(lock_fd);
		return up_detached(cli);
	}
	struct cli_plan plan = cli_plan_make(&cli->config, false, cli->arena);
	result = cli_supervise(cli, &plan, lock_fd, notify && *notify ? (int)strtol(notify, NULL, 10) : -1);
	close(lock_fd);
	return result;
}

/* -- down -- */
struct down_wait {
	struct cli *cli;
	int64_t until_ms;
	bool done, timed_out;
};

static void on_down_poll(uv_timer_t *timer) {
	struct down_wait *wait = timer->data;
	if (!cli_supervised(wait->cli->config.dir))
		wait->done = true;
	else if ((int64_t)uv_now(timer->loop) > wait->until_ms)
		wait->done = wait->timed_out = true;
}

int cli_cmd_down(struct cli *cli) {
	uint64_t timeout_s;
	int result = cli_config(cli);
	if (result != CLI_OK)
		return result;
	if (!cli_opt_u64(cli, "timeout", DOWN_TIMEOUT_S, 86400, &timeout_s))
		return CLI_USAGE;
	struct cli_supervisor found = cli_supervisor_find(cli->config.dir);
	if (!found.running) {
		cli_say(cli, CL_TEXT_CLI_DOWN_ALREADY, CLI_ARGS(cli->config.dir));
		return CLI_OK;
	}
	/* The lock says that a supervisor lives; pid and start time that this process is it. */
	if (found.pid <= 1 || found.start == 0 || cli_process_start(found.pid) != found.start) {
		cli_error(cli, CL_TEXT_CLI_DOWN_UNKNOWN,
		          CLI_ARGS(cli_fmt(cli, "%s/run/supervisor.lock", cli->config.dir)));
		return CLI_FAILED;
	}
	if (kill(found.pid, SIGTERM) != 0 && errno != ESRCH) {
		cli_error(cli, CL_TEXT_CLI_CANNOT_STOP,
		          CLI_ARGS(cli_fmt(cli, "%ld", (long)found.pid), strerror(errno)));
		return CLI_FAILED;
	}
	static uv_timer_t timer;
	static struct down_wait wait;
	result = uv_timer_init(cli_loop(cli), &timer);
	CL_ASSERT(result == 0);
	wait = (struct down_wait){cli, (int64_t)uv_now(cli_loop(cli)) + (int64_t)timeout_s * 1000, false, false};
	timer.data = &wait;
	uv_timer_start(&timer, on_down_poll, 0, POLL_MS);
	cli_run_until(cli, &wait.done);
	uv_timer_stop(&timer);
	if (wait.timed_out) {
		cli_error(cli, CL_TEXT_CLI_DOWN_LATE,
		          CLI_ARGS(cli_fmt(cli, "%ld", (long)found.pid), cli_num(cli, timeout_s)));
		return CLI_FAILED;
	}
	cli_say(cli, CL_TEXT_CLI_DOWN, CLI_NO_ARGS);
	return CLI_OK;
}

/* -- status -- */
static uint64_t lag_of(const json_t *answer) {
	uint64_t lag = 0;
	size_t i;
	json_t *source;
	json_array_foreach(json_object_get(answer, "sources"), i, source) {
		int64_t upto = json_integer_value(json_object_get(source, "upto")),
		        head = json_integer_value(json_object_get(source, "head"));
		lag += head > upto ? (uint64_t)(head - upto) : 0;
	}
	return lag;
}

static void status_table(struct cli *cli, const struct status_wait *wait, bool has_gateway, bool gateway_up) {
	struct cli_table table;
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_SERVICE, false);
	cli_table_column(&table, CL_TEXT_CLI_H_STATE, false);
	cli_table_column(&table, CL_TEXT_CLI_H_PID, true);
	cli_table_column(&table, CL_TEXT_CLI_H_UPTIME, true);
	cli_table_column(&table, CL_TEXT_CLI_H_RECORDS, true);
	cli_table_column(&table, CL_TEXT_CLI_H_LAG, true);
	for (uint32_t i = 0; i < wait->n; i++) {
		const json_t *answer = wait->rows[i].answer;
		const char *name = cli_plan_name(&wait->rows[i].entry, '/', cli->arena);
		const json_t *head = json_object_get(json_object_get(answer, "head"), "seq");
		if (!answer)
			cli_table_row(&table, CLI_ARGS(name, cl_text(CL_TEXT_CLI_SILENT, cli->lang), "", "", "", ""));
		else
			cli_table_row(
			        &table,
			        CLI_ARGS(name, cl_text(CL_TEXT_CLI_RUNNING, cli->lang),
			                 cli_fmt(cli, "%" PRId64,
			                         (int64_t)json_integer_value(json_object_get(answer, "pid"))),
			                 cli_duration(cli, json_integer_value(json_object_get(answer, "uptime_ms"))),
			                 cli_num(cli, (uint64_t)json_integer_value(head)),
			                 cli_num(cli, lag_of(answer))));
	}
	if (has_gateway)
		cli_table_row(&table,
		              CLI_ARGS("gateway",
		                       cl_text(gateway_up ? CL_TEXT_CLI_RUNNING : CL_TEXT_CLI_SILENT, cli->lang), "",
		                       "", "", ""));
	cli_table_print(&table, stdout);
}

static int status_json(struct cli *cli, const struct status_wait *wait, const struct cli_supervisor *supervisor,
                       bool has_gateway, bool gateway_up) {
	json_t *list = json_array(), *all;
	for (uint32_t i = 0; i < wait->n; i++) {
		const struct status_row *row = &wait->rows[i];
		json_t *one = row->answer ? json_incref(row->answer) : json_object();
		if (!row->answer)
			json_object_set_new(one, "partition", json_integer(row->entry.partition));
		json_object_set_new(one, "service", json_string(cl_service_name(row->entry.service)));
		json_object_set_new(one, "answers", json_boolean(row->answer));
		if (row->answer)
			json_object_set_new(one, "lag", json_integer((json_int_t)lag_of(row->answer)));
		json_array_append_new(list, one);
	}
	if (has_gateway)
		json_array_append_new(list, json_pack("{s:s,s:b,s:s}", "service", "gateway", "answers", (int)gateway_up,
		                                      "listen", cli->config.gateway_listen));
	all = json_pack("{s:s,s:b,s:I,s:o}", "dir", cli->config.dir, "supervised", (int)supervisor->running,
	                "supervisor_pid", (json_int_t)supervisor->pid, "services", list);
	if (!all)
		return CLI_FAILED;
	int failed = json_dumpf(all, stdout, JSON_INDENT(1));
	fputc('\n', stdout);
	json_decref(all);
	return failed ? CLI_FAILED : CLI_OK;
}

int cli_cmd_status(struct cli *cli) {
	uint64_t timeout_ms;
	int result = cli_connect(cli);
	if (result != CLI_OK)
		return result;
	if (!cli_opt_u64(cli, "timeout", STATUS_TIMEOUT_MS, 3600000, &timeout_ms))
		return CLI_USAGE;
	struct cli_plan plan = cli_plan_make(&cli->config, true, cli->arena);
	struct cli_supervisor supervisor = cli_supervisor_find(cli->config.dir);
	/* Its address may be this machine's alone: one that runs on another machine is not asked for. */
	bool has_gateway = cl_config_runs(&cli->config, CL_GATEWAY, 0) && cli_service_program(cli, CL_GATEWAY) != NULL;
	int fd = has_gateway ? cli_tcp_connect(cli->config.gateway_listen, 1000) : -1;
	bool all_there = !has_gateway || fd >= 0;
	if (fd >= 0)
		close(fd);
	struct status_wait *wait = ask_all(cli, &plan, (uint32_t)timeout_ms);
	for (uint32_t i = 0; i < wait->n; i++)
		all_there &= wait->rows[i].answer != NULL;
	if (cli->json) {
		result = status_json(cli, wait, &supervisor, has_gateway, fd >= 0);
	} else if (!cli->quiet) {
		status_table(cli, wait, has_gateway, fd >= 0);
		if (supervisor.running)
			cli_say(cli, CL_TEXT_CLI_SUPERVISOR,
			        CLI_ARGS(cli_fmt(cli, "%ld", (long)supervisor.pid), cli->config.dir));
		else
			cli_say(cli, CL_TEXT_CLI_NO_SUPERVISOR, CLI_ARGS(cli->config.dir));
	}
	drop_answers(wait);
	if (!all_there)
		cli_error(cli, CL_TEXT_CLI_NOT_ALL_ANSWER, CLI_ARGS(cli->config.dir));
	return result != CLI_OK ? result : all_there ? CLI_OK : CLI_FAILED;
}
