/* PROTOCOL.md is precise enough when a consumer that knows nothing else reads a whole log by it. */
#include "uv_help.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "uv/client.h"

enum { COMMANDS = 3000 };

struct world {
	uv_loop_t loop;
	struct cl_config config;
	struct cl_client *client;
	uint32_t accepted;
	uint64_t seq;
	char *status;
};

static void on_reply(void *context, int status, const struct wire_reply *reply) {
	struct world *world = context;
	assert_int_equal(status, CL_OK);
	assert_int_equal(reply->status, WIRE_ACCEPTED);
	world->accepted++;
	if (reply->seq > world->seq)
		world->seq = reply->seq;
}

static bool all_accepted(void *context) {
	return ((struct world *)context)->accepted == COMMANDS;
}

static void on_answer(void *context, int status, const struct wire_answer *answer) {
	struct world *world = context;
	assert_int_equal(status, CL_OK);
	world->status = strndup((const char *)answer->json.p, answer->json.n);
}

static bool has_status(void *context) {
	return ((struct world *)context)->status != NULL;
}

static void fill(struct world *world) {
	for (uint32_t i = 0; i < COMMANDS; i++) {
		struct stock_receive body = {.sku = CL_STR("AO-1"), .quantity = 1 + i};
		struct cl_id stock = {{(uint8_t)i, 1}};
		body.quantity += body.quantity == 13;
		struct cl_command_options options = {.timeout_ms = 50000};
		assert_int_equal(cl_client_command(world->client, CL_KIND_STOCK, stock, 0, CL_T_stock_receive, &body,
		                                   &options, on_reply, world),
		                 CL_OK);
	}
	run_until(&world->loop, all_accepted, world);
	assert_int_equal(cl_client_query(world->client, CL_ORDER, 0, "status", NULL, 0, 50000, on_answer, world),
	                 CL_OK);
	run_until(&world->loop, has_status, world);
}

/* Lines "seq type actor hash": 1, 2, 3… without a gap, and the last hash is the log's head. */
static void check(FILE *out, const char *status, uint64_t until) {
	char line[256], hash[65] = "", *head = strstr(status, "\"head\":{\"seq\":");
	unsigned long long seq = 0, type = 0, expected = 0, received = 0, head_seq = 0;
	while (fgets(line, sizeof(line), out)) {
		assert_int_equal(sscanf(line, "%llu %llu %*s %64s", &seq, &type, hash), 3);
		assert_int_equal(seq, ++expected);
		received += type == CL_T_stock_received;
		if (seq == until)
			break;
	}
	assert_int_equal(seq, until);
	assert_int_equal(received, COMMANDS);
	assert_non_null(head);
	assert_int_equal(sscanf(head, "\"head\":{\"seq\":%llu", &head_seq), 1);
	if (head_seq == seq) /* unless a checkpoint came behind it */
		assert_non_null(strstr(status, hash));
}

static void reads_a_whole_log(void **unused) {
	(void)unused;
	char *folder = folder_new(), *error = NULL;
	struct world world = {0};
	const char *const service[] = {COUNTER_PROGRAM, "--dir", folder, NULL};
	pid_t pid = spawn(service, NULL, true, NULL);
	assert_int_equal(uv_loop_init(&world.loop), 0);
	assert_int_equal(cl_config_load(folder, NULL, &world.config, &error), CL_OK);
	assert_int_equal(cl_client_open(&world.loop, &world.config, "client", &world.client), CL_OK);
	fill(&world);
	char *log = textf("ipc://%s/run/order-0.sock", folder), *reply = textf("ipc://%s/run/outsider.sock", folder);
	char *command = textf("exec '%s' '%s' '%s' %llu", OUTSIDER_PROGRAM, log, reply, (unsigned long long)world.seq);
	FILE *out = popen(command, "r");
	assert_non_null(out);
	check(out, world.status, world.seq);
	assert_int_equal(pclose(out), 0);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(wait_exit(pid), 0);
	cl_client_close(world.client, NULL, NULL);
	loop_close(&world.loop);
	cl_config_done(&world.config);
	free(world.status);
	free(command);
	free(log);
	free(reply);
	folder_drop(folder);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads_a_whole_log)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
