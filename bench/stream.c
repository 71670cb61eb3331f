/* A consumer that catches up over nanomsg: the whole log of a service through the credit-based stream, ipc.
 *   stream --dir DIR [--events 1000000]
 * Writes the log, starts the real support service on it as a child (stream --serve), follows from the start to the
 * head. */
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

struct catch_up {
	uv_loop_t loop;
	struct cl_subscription subscription;
	uint64_t events, bytes, want;
	uint64_t began_ns;
	double seconds;
};

static uint32_t on_records(struct cl_subscription *subscription, const struct wire_records *records, uint32_t bytes) {
	struct catch_up *run = subscription->context;
	if (!run->events)
		run->began_ns = uv_hrtime();
	run->events += records->records.n;
	run->bytes += bytes;
	if (run->events >= run->want) {
		run->seconds = (double)(uv_hrtime() - run->began_ns) / 1e9;
		uv_stop(&run->loop);
	}
	return bytes;
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
	_exit(0);
}
