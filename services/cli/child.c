/* One service process: spawned in a session of its own (so that Ctrl-C reaches the supervisor alone, which keeps the
 * order), with a pipe on which it says that it is ready and one that carries its log lines. */
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/assert.h"
#include "supervisor.h"

#define READY_FD 3
#define LOG_CHUNK 65536

int cli_child_exec(int argc, char **argv) {
	if (argc < 4)
		return CLI_USAGE;
	/* The kernel stops an orphan, so that a killed supervisor leaves no partition locked. The parent may be gone
	 * already. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != (pid_t)strtol(argv[2], NULL, 10))
		return CLI_FAILED;
	execv(argv[3], argv + 3);
	perror(argv[3]);
	return CLI_USAGE;
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf) {
	static char chunk[LOG_CHUNK]; /* used up before the next read */
	(void)handle;
	(void)suggested;
	*ret_buf = uv_buf_init(chunk, sizeof(chunk));
}

/* Everything that keeps the child's memory in the loop's hands is closed: it may be started again. */
static void closed_one(struct cli_child *child) {
	if (!child->process_open && !child->ready_open && !child->output_open && child->exited) {
		child->exited = false;
		cli_supervisor_exited(child);
	}
}

static void on_process_closed(uv_handle_t *handle) {
	struct cli_child *child = handle->data;
	child->process_open = false;
	closed_one(child);
}

static void on_ready_closed(uv_handle_t *handle) {
	struct cli_child *child = handle->data;
	child->ready_open = false;
	closed_one(child);
}

static void on_output_closed(uv_handle_t *handle) {
	struct cli_child *child = handle->data;
	child->output_open = false;
	closed_one(child);
}

static void close_once(void *stream, uv_close_cb on_close) {
	uv_handle_t *handle = stream;
	if (!uv_is_closing(handle))
		uv_close(handle, on_close);
}

static void on_ready_data(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
	struct cli_child *child = stream->data;
	(void)buf;
	if (n == 0)
		return;
	if (n > 0 && child->state == CHILD_STARTING) {
		child->state = CHILD_READY;
		cli_supervisor_ready(child);
	}
	close_once(stream, on_ready_closed);
}

static void remember(struct cli_child *child, const char *p, size_t n) {
	size_t cap = sizeof(child->last) - 1;
	if (n > cap) {
		p += n - cap;
		n = cap;
	}
	if (child->last_n + n > cap) {
		size_t drop = child->last_n + n - cap;
		memmove(child->last, child->last + drop, child->last_n - drop);
		child->last_n -= drop;
	}
	memcpy(child->last + child->last_n, p, n);
	child->last_n += n;
	child->last[child->last_n] = '\0';
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
	struct cli_child *child = stream->data;
	if (n < 0) {
		close_once(stream, on_output_closed);
		return;
	}
	remember(child, buf->base, (size_t)n);
	if (child->run->foreground_logs) {
		if (write(STDERR_FILENO, buf->base, (size_t)n) < 0)
			return; /* nobody reads: nothing to be done */
	} else {
		cli_logfile_write(&child->log, buf->base, (size_t)n);
	}
}

static void on_exit_of(uv_process_t *process, int64_t exit_status, int term_signal) {
	struct cli_child *child = process->data;
	child->exit_status = exit_status;
	child->term_signal = term_signal;
	child->exited = true;
	uv_timer_stop(&child->timer);
	close_once(process, on_process_closed);
	if (child->ready_open)
		close_once(&child->ready, on_ready_closed);
}

static char **environment(void) {
	extern char **environ;
	size_t n = 0, kept = 0;
	while (environ[n])
		n++;
	char **list = calloc(n + 2, sizeof(*list));
	CL_ASSERT(list);
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "CL_READY_FD=", 12) != 0 && strncmp(environ[i], "CARELOOP_NOTIFY_FD=", 19) != 0)
			list[kept++] = environ[i];
	static char ready[] = "CL_READY_FD=3";
	list[kept] = ready;
	return list;
}

int cli_child_start(struct cli_child *child) {
	uv_loop_t *loop = cli_loop(child->run->cli);
	/* Services say nothing on stdout; their log lines go to stderr. */
	uv_stdio_container_t stdio[READY_FD + 1] = {
	        {.flags = UV_IGNORE},
	        {.flags = UV_IGNORE},
	        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
	         .data.stream = (uv_stream_t *)&child->output},
	        {.flags = (uv_stdio_flags)(UV_CREATE_PIPE | UV_WRITABLE_PIPE),
	         .data.stream = (uv_stream_t *)&child->ready},
	};
	CL_ASSERT(!child->process_open && !child->ready_open && !child->output_open);
	int result = uv_pipe_init(loop, &child->ready, 0);
	CL_ASSERT(result == 0);
	result = uv_pipe_init(loop, &child->output, 0);
	CL_ASSERT(result == 0);
	child->ready.data = child->output.data = child->process.data = child;
	child->process_open = child->ready_open = child->output_open = true;
	child->last_n = 0;
	child->exited = false;
	child->started_ms = (int64_t)uv_now(loop);
	child->state = CHILD_STARTING;
	char **env = environment();
	uv_process_options_t options = {
	        .exit_cb = on_exit_of,
	        .file = child->argv[0],
	        .args = cli_argv(child->argv),
	        .env = env,
	        .flags = UV_PROCESS_DETACHED,
	        .stdio_count = READY_FD + 1,
	        .stdio = stdio,
	};
	result = uv_spawn(loop, &child->process, &options);
	free(env);
	if (result != 0) {
		child->exited = true;
		child->exit_status = CLI_FAILED;
		close_once(&child->process, on_process_closed);
		close_once(&child->ready, on_ready_closed);
		close_once(&child->output, on_output_closed);
		return result;
	}
	result = uv_read_start((uv_stream_t *)&child->output, give_buffer, on_output);
	CL_ASSERT(result == 0);
	result = uv_read_start((uv_stream_t *)&child->ready, give_buffer, on_ready_data);
	CL_ASSERT(result == 0);
	return 0;
}

static void out_of_patience(uv_timer_t *timer) {
	struct cli_child *child = timer->data;
	cli_error(child->run->cli, CL_TEXT_CLI_KILLED, CLI_ARGS(child->name));
	if (child->process_open && !child->exited)
		(void)uv_process_kill(&child->process, SIGKILL);
}

void cli_child_stop(struct cli_child *child, int patience_ms) {
	uv_timer_stop(&child->timer);
	if (!child->process_open || child->exited)
		return;
	/* It may have died this moment: then its exit is on the way. */
	(void)uv_process_kill(&child->process, patience_ms ? SIGTERM : SIGKILL);
	if (patience_ms)
		uv_timer_start(&child->timer, out_of_patience, (uint64_t)patience_ms, 0);
}

void cli_child_free(struct cli_child *child) {
	cli_logfile_close(&child->log);
}
