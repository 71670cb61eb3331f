/* careloop-gateway. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "gateway.h"
#include "uv/process.h"
#include "uv/sentence.h"

#define EXIT_ERROR 1
#define EXIT_USAGE 2
#define EXIT_BUSY 4
#define DESCRIPTORS 4096
#define DRAIN_MS 10000

struct program {
	struct gateway gateway;
	uv_signal_t terminate, interrupt;
	uv_timer_t deadline;
	bool stopping;
};

static int complain(char *sentence, int exit_code) {
	fprintf(stderr, "%s\n", sentence ? sentence : "");
	free(sentence);
	return exit_code;
}

static int usage(const char *name, FILE *out, int exit_code) {
	char *text = NULL;
	cl_sentence(&text, CL_TEXT_GATEWAY_USAGE, name);
	fprintf(out, "%s\n", text);
	free(text);
	return exit_code;
}

/* -- stopping -- */

static void on_deadline(uv_timer_t *timer) {
	(void)timer;
	_exit(EXIT_ERROR); /* nothing is lost: nothing is held */
}

static void on_client_closed(void *context) {
	struct program *program = context;
	uv_close((uv_handle_t *)&program->deadline, NULL);
}

/* The connections go first, since what is asked on them needs the client; who waits for a command may repeat it. */
static void on_signal(uv_signal_t *handle, int number) {
	struct program *program = handle->data;
	if (program->stopping)
		return;
	program->stopping = true;
	cl_logger_write(&program->gateway.logger, CL_INFO, "stopping", "signal=%d", number);
	uv_close((uv_handle_t *)&program->terminate, NULL);
	uv_close((uv_handle_t *)&program->interrupt, NULL);
	int r = uv_timer_start(&program->deadline, on_deadline, DRAIN_MS, 0);
	CL_ASSERT(r == 0);
	gateway_http_close(&program->gateway);
	cl_client_close(program->gateway.client, on_client_closed, program);
}

static void open_signals(struct program *program) {
	uv_loop_t *loop = &program->gateway.loop;
	int r = uv_signal_init(loop, &program->terminate) | uv_signal_init(loop, &program->interrupt) |
	        uv_timer_init(loop, &program->deadline);
	CL_ASSERT(r == 0);
	program->terminate.data = program->interrupt.data = program;
	r = uv_signal_start(&program->terminate, on_signal, SIGTERM) |
	    uv_signal_start(&program->interrupt, on_signal, SIGINT);
	CL_ASSERT(r == 0);
}

/* -- starting -- */

static int open_config(struct gateway *gateway, const char *dir, const char *file) {
	char *error = NULL;
	if (cl_config_load(dir, file, &gateway->config, &error) < 0)
		return complain(error, EXIT_USAGE);
	cl_logger_init(&gateway->logger, "gateway", -1, gateway->config.log_level);
	int r = cl_config_prepare(&gateway->config, &error);
	if (r < 0)
		return complain(error, EXIT_USAGE);
	gateway_tokens_init(&gateway->tokens, gateway->config.dir);
	r = gateway_tokens_refresh(&gateway->tokens);
	if (r < 0) {
		cl_sentence(&error, CL_TEXT_GATEWAY_TOKENS, gateway->tokens.path, cl_error_text(r));
		return complain(error, EXIT_USAGE);
	}
	char *address = NULL;
	int n = asprintf(&address, "tcp://%s", gateway->config.gateway_listen);
	CL_ASSERT(n > 0);
	gateway->loopback = cl_address_loopback(cl_str_from(address));
	free(address);
	if (gateway->loopback || gateway_tokens_any(&gateway->tokens))
		return 0;
	cl_sentence(&error, CL_TEXT_GATEWAY_NEEDS_TOKEN, gateway->config.gateway_listen, gateway->config.dir);
	return complain(error, EXIT_USAGE);
}

static int open_parts(struct program *program) {
	struct gateway *gateway = &program->gateway;
	char *error = NULL;
	int r = cl_client_open(&gateway->loop, &gateway->config, "gateway", &gateway->client);
	if (r < 0) {
		cl_sentence(&error, CL_TEXT_GATEWAY_LISTEN, gateway->config.dir, cl_error_text(r));
		return complain(error, EXIT_ERROR);
	}
	r = gateway_http_open(gateway, &error);
	if (r == CL_OK)
		return 0;
	gateway_http_close(gateway);
	cl_client_close(gateway->client, NULL, NULL);
	uv_run(&gateway->loop, UV_RUN_DEFAULT);
	return complain(error, r == CL_E_BUSY ? EXIT_BUSY : r == CL_E_INVALID ? EXIT_USAGE : EXIT_ERROR);
}

static int serve(struct program *program) {
	struct gateway *gateway = &program->gateway;
	int exit_code = uv_loop_init(&gateway->loop) < 0 ? EXIT_ERROR : open_parts(program);
	if (!exit_code) {
		open_signals(program);
		cl_logger_write(&gateway->logger, CL_INFO, "started", "pid=%ld listen=%s", (long)getpid(),
		                gateway->config.gateway_listen);
		cl_process_ready();
		uv_run(&gateway->loop, UV_RUN_DEFAULT);
		cl_logger_write(&gateway->logger, CL_INFO, "stopped", "requests=%llu",
		                (unsigned long long)gateway->figures.requests);
	}
	(void)uv_loop_close(&gateway->loop);
	free(gateway->http);
	return exit_code;
}

static void raise_descriptors(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	(void)!setrlimit(RLIMIT_NOFILE, &limit);
}

static int print_openapi(void) {
	struct cl_buf out;
	cl_buf_init(&out);
	gateway_openapi_write(&out);
	bool good = fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
	cl_buf_done(&out);
	return good ? 0 : EXIT_ERROR;
}

int main(int argc, char **argv) {
	static const struct option options[] = {
	        {"dir", required_argument, NULL, 'd'}, {"config", required_argument, NULL, 'c'},
	        {"openapi", no_argument, NULL, 'o'},   {"help", no_argument, NULL, 'h'},
	        {"version", no_argument, NULL, 'v'},   {NULL, 0, NULL, 0},
	};
	static struct program program;
	const char *dir = NULL, *file = NULL;
	int option;
	while ((option = getopt_long(argc, argv, "d:c:ohv", options, NULL)) != -1) {
		if (option == 'd')
			dir = optarg;
		else if (option == 'c')
			file = optarg;
		else if (option == 'o')
			return print_openapi();
		else if (option == 'h')
			return usage(argv[0], stdout, 0);
		else if (option == 'v')
			return printf("careloop gateway %s\n", CL_VERSION) < 0;
		else
			return usage(argv[0], stderr, EXIT_USAGE);
	}
	if (optind < argc)
		return usage(argv[0], stderr, EXIT_USAGE);
	if (cl_crypto_init() < 0)
		return EXIT_ERROR;
	(void)signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	int exit_code = open_config(&program.gateway, dir, file);
	if (!exit_code)
		exit_code = serve(&program);
	gateway_tokens_done(&program.gateway.tokens);
	cl_config_done(&program.gateway.config);
	return exit_code;
}
