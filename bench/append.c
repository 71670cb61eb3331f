/* Durable appends through the whole door: C clients over ipc, each with its own sockets and a window of commands
 * outstanding, against one partition. Prints one JSON line per setting.
 *   append --dir DIR [--connections 64] [--window 1] [--seconds 5]
 * Starts the service as a child of its own (append --serve). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "bench_domain.h"
#include "child.h"
#include "uv/client.h"
#include "uv/service.h"

#define CONNECTIONS_MAX 128

struct bench;
struct connection {
	struct bench *bench;
	struct cl_client *client;
	struct cl_id target;
};

struct bench {
	uv_loop_t loop;
	uv_timer_t timer;
	struct connection connections[CONNECTIONS_MAX];
	int n;
	uint64_t done, failed;
	bool counting, stopping;
	int64_t began_ns;
	double seconds;
};

static void send_one(struct connection *connection);

static void on_reply(void *context, int status, const struct wire_reply *reply) {
	struct connection *connection = context;
	struct bench *bench = connection->bench;
	if (status != CL_OK || reply->status != WIRE_ACCEPTED)
		bench->failed++;
	else if (bench->counting)
		bench->done++;
	if (!bench->stopping)
		send_one(connection);
}

static void send_one(struct connection *connection) {
	struct case_note note = {.text = bench_text};
	struct cl_command_options options = {.who = CL_STR("agent-17")};
	int rc = cl_client_command(connection->client, CL_KIND_CASE, connection->target, 0, CL_T_case_note, &note,
	                           &options, on_reply, connection);
	CL_ASSERT(rc == CL_OK);
}

static void on_end(uv_timer_t *timer) {
	struct bench *bench = timer->data;
	bench->counting = false;
	bench->stopping = true;
	bench->seconds = (double)((int64_t)uv_hrtime() - bench->began_ns) / 1e9;
	uv_stop(&bench->loop);
}

static void on_warm(uv_timer_t *timer) {
	struct bench *bench = timer->data;
	bench->counting = true;
	bench->began_ns = (int64_t)uv_hrtime();
	uv_timer_start(timer, on_end, (uint64_t)(bench->seconds * 1000), 0);
}

int main(int argc, char **argv) {
	static struct bench bench;
	const char *dir = NULL;
	int connections = 64, window = 1;
	double seconds = 5;
	struct cl_config config;
	char *error = NULL;
	if (argc > 1 && !strcmp(argv[1], "--serve")) {
		argv[1] = argv[0];
		return cl_service_main(&bench_domain, argc - 1, argv + 1);
	}
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--dir"))
			dir = argv[i + 1];
		else if (!strcmp(argv[i], "--connections"))
			connections = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--window"))
			window = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--seconds"))
			seconds = atof(argv[i + 1]);
	}
	if (!dir || connections < 1 || connections > CONNECTIONS_MAX) {
		fprintf(stderr, "usage: append --dir DIR [--connections N] [--window N] [--seconds S]\n");
		return 2;
	}
	CL_ASSERT(cl_crypto_init() == CL_OK);
	if (cl_config_load(dir, NULL, &config, &error) != CL_OK || cl_config_prepare(&config, &error) != CL_OK) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	pid_t child = bench_serve(dir);
	uv_loop_init(&bench.loop);
	uv_timer_init(&bench.loop, &bench.timer);
	bench.timer.data = &bench;
	bench.n = connections;
	bench.seconds = seconds;
	for (int i = 0; i < connections; i++) {
		struct connection *connection = &bench.connections[i];
		connection->bench = &bench;
		CL_ASSERT(cl_client_open(&bench.loop, &config, "client", &connection->client) == CL_OK);
		connection->target = cl_client_new_id(connection->client);
		for (int j = 0; j < window; j++)
			send_one(connection);
	}
	uv_timer_start(&bench.timer, on_warm, 500, 0);
	uv_run(&bench.loop, UV_RUN_DEFAULT);
	printf("{\"bench\":\"append\",\"connections\":%d,\"window\":%d,\"events\":%llu,\"failed\":%llu,\"seconds\":%."
	       "2f,\"per_second\":%.0f}\n",
	       connections, window, (unsigned long long)bench.done, (unsigned long long)bench.failed, bench.seconds,
	       (double)bench.done / bench.seconds);
	fflush(stdout);
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	_exit(bench.failed != 0);
}
