/* A consumer that catches up over nanomsg: the whole log of a service through the credit-based stream, ipc.
 *   stream --dir DIR [--events 1000000]
 * Writes the log, starts the real support service on it as a child (stream --serve), follows from the start to the
 * head. Then the ceiling: as many frames of the same size over the same kind of socket, with nothing in them and nobody
 * who reads them (stream --push). */
#include <nanomsg/nn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "case_log.h"
#include "child.h"
#include "support/support.h"
#include "uv/client.h"
#include "uv/service.h"
#include "uv/socket.h"

struct catch_up {
	uv_loop_t loop;
	struct cl_subscription subscription;
	uint64_t events, bytes, frames, want;
	uint64_t began_ns;
	double seconds;
};

static uint32_t on_records(struct cl_subscription *subscription, const struct wire_records *records, uint32_t bytes) {
	struct catch_up *run = subscription->context;
	if (!run->events)
		run->began_ns = uv_hrtime();
	run->events += records->records.n;
	run->frames++;
	run->bytes += bytes;
	if (run->events >= run->want) {
		run->seconds = (double)(uv_hrtime() - run->began_ns) / 1e9;
		uv_stop(&run->loop);
	}
	return bytes;
}

/* -- nanomsg alone -- */
static int push(const char *address, size_t bytes, uint64_t frames) {
	int socket;
	CL_ASSERT(cl_socket_connect(address, &socket) == CL_OK);
	for (uint64_t i = 0; i < frames; i++) {
		void *message = nn_allocmsg(bytes, 0);
		CL_ASSERT(message != NULL);
		memset(message, (int)i, bytes);
		CL_ASSERT(nn_send(socket, &message, NN_MSG, 0) == (int)bytes);
	}
	pause(); /* until the other end has it all and ends us: closing would drop what is still on its way */
	return 0;
}

static double bare_seconds(const char *dir, uint64_t bytes, uint64_t frames) {
	char address[600], bytes_text[24], frames_text[24];
	int socket;
	snprintf(address, sizeof(address), "ipc://%s/run/bare", dir);
	snprintf(bytes_text, sizeof(bytes_text), "%llu", (unsigned long long)bytes);
	snprintf(frames_text, sizeof(frames_text), "%llu", (unsigned long long)frames);
	CL_ASSERT(cl_socket_bind(address, &socket) == CL_OK);
	pid_t child = fork();
	CL_ASSERT(child >= 0);
	if (child == 0) {
		execl("/proc/self/exe", "bench", "--push", address, bytes_text, frames_text, (char *)NULL);
		_exit(127);
	}
	uint64_t began = 0;
	for (uint64_t i = 0; i < frames; i++) {
		void *message;
		int n = nn_recv(socket, &message, NN_MSG, 0);
		CL_ASSERT(n == (int)bytes);
		CL_ASSERT(nn_freemsg(message) == 0);
		if (i == 0)
			began = uv_hrtime();
	}
	double seconds = (double)(uv_hrtime() - began) / 1e9;
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	cl_socket_close(socket);
	return seconds;
}

static void report_bare(const struct catch_up *run, const char *dir) {
	double seconds = bare_seconds(dir, run->bytes / run->frames, run->frames);
	printf("{\"bench\":\"stream_bare\",\"frames\":%llu,\"frame_bytes\":%llu,\"seconds\":%.3f,\"per_second\":%.0f}"
	       "\n",
	       (unsigned long long)run->frames, (unsigned long long)(run->bytes / run->frames), seconds,
	       (double)run->events / seconds);
	fflush(stdout);
}

int main(int argc, char **argv) {
	static struct catch_up run;
	static const struct cl_hash none;
	const char *dir = NULL;
	uint64_t events = 1000000;
	struct cl_config config;
	struct cl_keys keys;
	char *error = NULL, folder[512];
	if (argc > 1 && !strcmp(argv[1], "--serve")) {
		argv[1] = argv[0];
		return cl_service_main(&support_domain, argc - 1, argv + 1);
	}
	if (argc == 5 && !strcmp(argv[1], "--push"))
		return push(argv[2], strtoul(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--dir"))
			dir = argv[i + 1];
		else if (!strcmp(argv[i], "--events"))
			events = strtoull(argv[i + 1], NULL, 10);
	}
	if (!dir) {
		fprintf(stderr, "usage: stream --dir DIR [--events N]\n");
		return 2;
	}
	CL_ASSERT(cl_crypto_init() == CL_OK);
	if (cl_config_load(dir, NULL, &config, &error) != CL_OK || cl_config_prepare(&config, &error) != CL_OK ||
	    cl_config_keys(&config, &keys, &error) != CL_OK) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	struct cl_kv *kv;
	struct cl_log_identity identity = {.log_id = cl_id_derive("bench", "stream", 6),
	                                   .service = CL_SUPPORT,
	                                   .partitions = 1,
	                                   .sign_key = keys.sign};
	snprintf(folder, sizeof(folder), "%s/support-0", config.dir);
	CL_ASSERT(cl_kv_lmdb_open(folder, 4ULL << 30, false, &kv) == CL_OK);
	bench_write_cases(kv, &identity, events);
	kv->ops->close(kv);
	pid_t child = bench_serve(dir);
	struct cl_client *client;
	uv_loop_init(&run.loop);
	CL_ASSERT(cl_client_open(&run.loop, &config, "client", &client) == CL_OK);
	run.want = events;
	run.subscription.on_records = on_records;
	run.subscription.context = &run;
	CL_ASSERT(cl_client_follow(client, &run.subscription, CL_SUPPORT, 0, 0, none) == CL_OK);
	uv_run(&run.loop, UV_RUN_DEFAULT);
	printf("{\"bench\":\"stream\",\"events\":%llu,\"bytes\":%llu,\"seconds\":%.3f,\"per_second\":%.0f,\"mib_per_"
	       "second\":%.0f}\n",
	       (unsigned long long)run.events, (unsigned long long)run.bytes, run.seconds,
	       (double)run.events / run.seconds, (double)run.bytes / run.seconds / 1048576);
	fflush(stdout);
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	report_bare(&run, config.dir);
	_exit(0);
}
