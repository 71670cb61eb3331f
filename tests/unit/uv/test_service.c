/* The service's main and the client, as two processes with a real log between them. */
#include "uv_help.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codec.h"
#include "log/record.h"
#include "uv/client.h"
#include "uv/service.h"

struct world {
	char *folder;
	uv_loop_t loop;
	struct cl_config config;
	struct cl_client *client;
	pid_t pid;
	/* answers */
	uint32_t replies, timeouts;
	struct wire_reply last;
	uint64_t accepted_sum;
	bool answered;
	int status;
	uint64_t state_sum;
	uint32_t state_version;
	enum wire_status state_status;
	char *json;
};

static const struct cl_id stock = {{1, 2, 3}};

static void start_service(struct world *world, const char *environment) {
	const char *const arguments[] = {COUNTER_PROGRAM, "--dir", world->folder, NULL};
	world->pid = spawn(arguments, environment, true, NULL);
}

static void open_client(struct world *world) {
	char *error = NULL;
	assert_int_equal(uv_loop_init(&world->loop), 0);
	assert_int_equal(cl_config_load(world->folder, NULL, &world->config, &error), CL_OK);
	assert_int_equal(cl_client_open(&world->loop, &world->config, "client", &world->client), CL_OK);
}

static void open_world(struct world *world, const char *yaml) {
	*world = (struct world){.folder = folder_new()};
	if (yaml) {
		char *name = textf("%s/careloop.yaml", world->folder);
		file_write(name, yaml);
		free(name);
	}
	start_service(world, NULL);
	open_client(world);
}

static void stop_service(struct world *world) {
	assert_int_equal(kill(world->pid, SIGTERM), 0);
	assert_int_equal(wait_exit(world->pid), 0);
}

static void close_world(struct world *world) {
	cl_client_close(world->client, NULL, NULL);
	loop_close(&world->loop);
	cl_config_done(&world->config);
	free(world->json);
	folder_drop(world->folder);
}

/* -- asking -- */

static void on_reply(void *context, int status, const struct wire_reply *reply) {
	struct world *world = context;
	world->answered = true;
	world->status = status;
	if (status < 0) {
		world->timeouts++;
		return;
	}
	world->replies++;
	world->last = *reply;
	world->last.field = world->last.number = (struct cl_str){0};
}

static bool is_answered(void *context) {
	return ((struct world *)context)->answered;
}

static void send_command(struct world *world, uint32_t quantity, struct cl_id id) {
	struct stock_receive body = {.sku = CL_STR("AO-1"), .quantity = quantity};
	struct cl_command_options options = {.id = id, .timeout_ms = 50000};
	world->answered = false;
	assert_int_equal(cl_client_command(world->client, CL_KIND_STOCK, stock, 0, CL_T_stock_receive, &body, &options,
	                                   on_reply, world),
	                 CL_OK);
}

static void command(struct world *world, uint32_t quantity, struct cl_id id) {
	send_command(world, quantity, id);
	run_until(&world->loop, is_answered, world);
	assert_int_equal(world->status, CL_OK);
}

static void on_state(void *context, int status, const struct wire_state *state) {
	struct world *world = context;
	world->answered = true;
	world->status = status;
	if (status < 0)
		return;
	world->state_status = state->status;
	world->state_version = state->version;
	if (state->status != WIRE_ACCEPTED)
		return;
	struct cl_arena arena;
	struct stock_state value;
	cl_arena_init(&arena, 1024);
	assert_int_equal(cl_decode(&cl_schema_stock_state, state->state, &arena, &value, NULL), CL_OK);
	world->state_sum = value.on_hand;
	cl_arena_done(&arena);
}

static void get_state(struct world *world, uint64_t min_seq) {
	struct wire_get get = {.kind = CL_KIND_STOCK, .target = stock, .min_seq = min_seq};
	world->answered = false;
	assert_int_equal(cl_client_get(world->client, &get, 0, 50000, on_state, world), CL_OK);
	run_until(&world->loop, is_answered, world);
	assert_int_equal(world->status, CL_OK);
}

static void on_answer(void *context, int status, const struct wire_answer *answer) {
	struct world *world = context;
	world->answered = true;
	world->status = status;
	free(world->json);
	world->json = status < 0 || answer->json.n == 0 ? NULL : strndup((const char *)answer->json.p, answer->json.n);
	if (status == CL_OK)
		world->state_status = answer->status;
}

static void query(struct world *world, const char *name) {
	world->answered = false;
	assert_int_equal(cl_client_query(world->client, CL_ORDER, 0, name, NULL, 0, 50000, on_answer, world), CL_OK);
	run_until(&world->loop, is_answered, world);
	assert_int_equal(world->status, CL_OK);
}

/* -- tests -- */

static void talk(struct world *world) {
	command(world, 5, (struct cl_id){0});
	assert_int_equal(world->last.status, WIRE_ACCEPTED);
	assert_int_equal(world->last.version, 1);
	assert_int_equal(world->last.service, CL_ORDER);
	assert_true(world->last.seq > 0);
	struct cl_id id = cl_client_new_id(world->client);
	command(world, 7, id);
	assert_false(world->last.repeated);
	uint64_t seq = world->last.seq;
	command(world, 7, id); /* the same command again: answered from the record, not done twice */
	assert_true(world->last.repeated);
	assert_int_equal(world->last.status, WIRE_ACCEPTED);
	assert_int_equal(world->last.seq, seq);
	command(world, 13, (struct cl_id){0});
	assert_int_equal(world->last.status, WIRE_REJECTED);
	assert_int_equal(world->last.code, CL_R_LIMIT);
	get_state(world, seq);
	assert_int_equal(world->state_status, WIRE_ACCEPTED);
	assert_int_equal(world->state_sum, 12);
	assert_int_equal(world->state_version, 2);
	query(world, "status");
	assert_non_null(strstr(world->json, "\"service\":\"order\""));
	assert_non_null(strstr(world->json, "\"repeated\":1"));
	query(world, "metrics");
	assert_non_null(strstr(world->json, "careloop_accepted_total{service=\\\"order\\\",partition=\\\"0\\\"} 2"));
	query(world, "nonsense");
	assert_int_equal(world->state_status, WIRE_NOT_FOUND);
}

static void commands_and_state_over_ipc(void **unused) {
	(void)unused;
	struct world world;
	open_world(&world, NULL);
	talk(&world);
	stop_service(&world);
	/* what was acknowledged is there after a restart, and the command is still known */
	start_service(&world, NULL);
	get_state(&world, 0);
	assert_int_equal(world.state_sum, 12);
	stop_service(&world);
	char *pid_file = textf("%s/run/order-0.pid", world.folder);
	assert_int_equal(access(pid_file, F_OK), -1);
	free(pid_file);
	close_world(&world);
}

static void commands_and_state_over_sealed_tcp(void **unused) {
	(void)unused;
	struct world world;
	char yaml[256];
	/* A port of this process's own, below the ephemeral ones. */
	int n = snprintf(yaml, sizeof(yaml), "transport: tcp\nbase_port: %d\ncluster_key_file: cluster.key\n",
	                 10000 + (int)(getpid() % 9000));
	assert_true(n > 0 && (size_t)n < sizeof(yaml));
	world = (struct world){.folder = folder_new()};
	char *name = textf("%s/careloop.yaml", world.folder);
	file_write(name, yaml);
	free(name);
	name = textf("%s/cluster.key", world.folder);
	file_write(name, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
	assert_int_equal(chmod(name, 0600), 0);
	free(name);
	start_service(&world, NULL);
	open_client(&world);
	talk(&world);
	stop_service(&world);
	close_world(&world);
}

/* -- streams -- */

struct follower {
	struct cl_subscription subscription;
	uint64_t seq; /* of the last record seen */
	uint64_t sum, want;
	struct cl_hash hash;
	bool ended;
};

static uint32_t on_records(struct cl_subscription *subscription, const struct wire_records *records, uint32_t bytes) {
	struct follower *follower = subscription->context;
	struct cl_arena arena;
	cl_arena_init(&arena, 4096);
	for (uint32_t i = 0; i < records->records.n; i++) {
		struct cl_record record;
		assert_int_equal(cl_record_decode(records->records.v[i].record, &record), CL_OK);
		assert_int_equal(record.seq, follower->seq + 1); /* never a gap, never twice */
		follower->seq = record.seq;
		struct cl_hash hash =
		        cl_hash_chain(follower->hash, records->records.v[i].record.p, records->records.v[i].record.n);
		assert_true(cl_hash_eq(hash, records->records.v[i].hash)); /* the chain holds from the first record */
		follower->hash = hash;
		if (record.type != CL_T_stock_received)
			continue;
		struct stock_received event;
		assert_int_equal(cl_decode(&cl_schema_stock_received, record.payload, &arena, &event, NULL), CL_OK);
		follower->sum += event.quantity;
	}
	cl_arena_done(&arena);
	return bytes;
}

static void on_ended(struct cl_subscription *subscription, const struct wire_subscription_ended *message) {
	struct follower *follower = subscription->context;
	(void)message;
	follower->ended = true;
}

static bool has_sum(void *context) {
	struct follower *follower = context;
	return follower->sum >= follower->want;
}

static bool has_ended(void *context) {
	return ((struct follower *)context)->ended;
}

static void follow(struct world *world, struct follower *follower) {
	follower->subscription = (struct cl_subscription){
	        .credit = 65536, .on_records = on_records, .on_ended = on_ended, .context = follower};
	assert_int_equal(
	        cl_client_follow(world->client, &follower->subscription, CL_ORDER, 0, follower->seq, follower->hash),
	        CL_OK);
}

static void a_stream_goes_on_over_a_kill(void **unused) {
	(void)unused;
	struct world world;
	struct follower follower = {.want = 10};
	open_world(&world, NULL);
	for (int i = 0; i < 10; i++)
		command(&world, 1, (struct cl_id){0});
	follow(&world, &follower);
	run_until(&world.loop, has_sum, &follower);
	assert_int_equal(follower.sum, 10);
	command(&world, 5, (struct cl_id){0});
	follower.want = 15;
	run_until(&world.loop, has_sum, &follower);
	assert_int_equal(kill(world.pid, SIGKILL), 0);
	assert_int_equal(wait_exit(world.pid), -SIGKILL);
	start_service(&world, NULL);
	command(&world, 6, (struct cl_id){0});
	follower.want = 21;
	run_until(&world.loop, has_sum, &follower);
	assert_int_equal(follower.sum, 21);
	cl_client_unfollow(world.client, &follower.subscription);
	/* A position that the log never had is refused, not papered over. */
	follower.hash.b[0] ^= 1;
	follow(&world, &follower);
	run_until(&world.loop, has_ended, &follower);
	stop_service(&world);
	close_world(&world);
}

/* Killed with SIGKILL at each failpoint in turn, under load: every acknowledged command is in the log once, and none
 * twice. */
static void killed_at(const char *failpoint) {
	struct world world;
	world = (struct world){.folder = folder_new()};
	char *environment = textf("CL_FAILPOINT=%s:7", failpoint);
	start_service(&world, environment);
	open_client(&world);
	/* A wave of commands, each with its own id, that the client repeats until they are answered. */
	enum { WAVE = 300 };
	for (uint32_t i = 0; i < WAVE; i++) {
		send_command(&world, 1, (struct cl_id){0});
		uv_run(&world.loop, UV_RUN_NOWAIT);
	}
	while (true) { /* the failpoint ends it; more work makes sure that it is reached */
		int status = 0;
		if (waitpid(world.pid, &status, WNOHANG) == world.pid)
			break;
		send_command(&world, 1, (struct cl_id){0});
		world.state_sum++; /* counts the extra ones */
		uv_run(&world.loop, UV_RUN_ONCE);
	}
	uint32_t sent = WAVE + (uint32_t)world.state_sum;
	start_service(&world, NULL);
	while (world.replies + world.timeouts < sent) {
		world.answered = false;
		run_until(&world.loop, is_answered, &world);
	}
	assert_int_equal(world.timeouts, 0);
	get_state(&world, 0);
	assert_int_equal(world.state_sum, sent);
	assert_int_equal(world.state_version, sent);
	stop_service(&world);
	free(environment);
	close_world(&world);
}

static void killed_anywhere(void **unused) {
	(void)unused;
#ifdef CL_FAILPOINTS
	static const char *const points[] = {"before_commit", "after_commit", "before_reply", "mid_frame",
	                                     "before_post"};
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
		killed_at(points[i]);
#else
	(void)killed_at;
	skip();
#endif
}

/* systemd is told over its datagram socket (sd_notify(3)). */
static void systemd_is_told(void **unused) {
	(void)unused;
	char *folder = folder_new();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", folder);
	assert_true(n > 0 && (size_t)n < sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	char *environment = textf("NOTIFY_SOCKET=%s", address.sun_path), said[64] = {0};
	const char *const arguments[] = {COUNTER_PROGRAM, "--dir", folder, NULL};
	pid_t pid = spawn(arguments, environment, false, NULL);
	assert_int_equal(recv(fd, said, sizeof(said) - 1, 0), 7);
	assert_string_equal(said, "READY=1");
	assert_int_equal(kill(pid, SIGINT), 0);
	assert_int_equal(wait_exit(pid), 0);
	close(fd);
	free(environment);
	folder_drop(folder);
}

/* -- refusals at start -- */

static int refused(const char *const *arguments, char **ret_said) {
	int err = -1;
	pid_t pid = spawn(arguments, NULL, false, &err);
	*ret_said = read_all(err);
	return wait_exit(pid);
}

static void a_second_process_is_refused(void **unused) {
	(void)unused;
	struct world world;
	char *said = NULL;
	open_world(&world, NULL);
	const char *const arguments[] = {COUNTER_PROGRAM, "--dir", world.folder, NULL};
	assert_int_equal(refused(arguments, &said), 4);
	assert_non_null(strstr(said, "order/0 đang được một tiến trình khác sử dụng"));
	assert_non_null(strstr(said, "is in use by another process"));
	free(said);
	command(&world, 1, (struct cl_id){0}); /* the first one has not suffered */
	stop_service(&world);
	close_world(&world);
}

static void wrong_usage(void **unused) {
	(void)unused;
	char *said = NULL, *folder = folder_new();
	const char *const option[] = {COUNTER_PROGRAM, "--nonsense", NULL};
	assert_int_equal(refused(option, &said), 2);
	assert_non_null(strstr(said, "Cách dùng"));
	free(said);
	const char *const no_folder[] = {COUNTER_PROGRAM, NULL};
	assert_int_equal(refused(no_folder, &said), 2);
	assert_non_null(strstr(said, "--dir"));
	free(said);
	const char *const partition[] = {COUNTER_PROGRAM, "--dir", folder, "--partition", "3", NULL};
	assert_int_equal(refused(partition, &said), 2);
	assert_non_null(strstr(said, "3"));
	free(said);
	folder_drop(folder);
}

static void a_corrupt_log_is_refused(void **unused) {
	(void)unused;
	struct world world;
	open_world(&world, NULL);
	for (int i = 0; i < 5; i++)
		command(&world, 77, (struct cl_id){0});
	stop_service(&world);
	/* Turn over a byte of a record's payload: the store's own structure stays whole. */
	char *name = textf("%s/order-0/data.mdb", world.folder), *said = NULL;
	FILE *file = fopen(name, "r+");
	assert_non_null(file);
	struct stat stat;
	assert_int_equal(fstat(fileno(file), &stat), 0);
	char *bytes = malloc((size_t)stat.st_size);
	assert_int_equal(fread(bytes, 1, (size_t)stat.st_size, file), (size_t)stat.st_size);
	char payload[] = "\x82\x01\xa4"
	                 "AO-1"; /* {1: "AO-1", 2: 77} */
	char *at = NULL;
	for (char *p = bytes; p < bytes + stat.st_size - 8; p++)
		if (memcmp(p, payload, 7) == 0 && p[7] == 2 && p[8] == 77) {
			at = p;
			p[8] ^= 1; /* every copy: pages are copied on write */
		}
	assert_non_null(at);
	rewind(file);
	assert_int_equal(fwrite(bytes, 1, (size_t)stat.st_size, file), (size_t)stat.st_size);
	assert_int_equal(fclose(file), 0);
	const char *const arguments[] = {COUNTER_PROGRAM, "--dir", world.folder, NULL};
	assert_int_equal(refused(arguments, &said), 3);
	assert_non_null(strstr(said, "hỏng ở bản ghi 2 "));
	assert_non_null(strstr(said, "is corrupt at record 2 "));
	assert_non_null(strstr(said, "careloop log repair"));
	free(said);
	free(bytes);
	free(name);
	close_world(&world);
}

static void checkpoints_are_anchored(void **unused) {
	(void)unused;
	struct world world;
	open_world(&world, "checkpoint_records: 1\nanchors: outside\n");
	command(&world, 1, (struct cl_id){0});
	command(&world, 2, (struct cl_id){0});
	stop_service(&world);
	char *name = textf("%s/outside/order-0.anchors", world.folder);
	FILE *file = fopen(name, "r");
	assert_non_null(file);
	char id[40], hash[80], signature[140], time[40];
	unsigned long long seq = 0;
	assert_int_equal(fscanf(file, "%39s %llu %79s %139s %39s", id, &seq, hash, signature, time), 5);
	assert_int_equal(strlen(id), 36);
	assert_int_equal(strlen(hash), 64);
	assert_int_equal(strlen(signature), 128);
	assert_true(seq >= 1);
	fclose(file);
	free(name);
	close_world(&world);
}

static void a_silent_service_times_out(void **unused) {
	(void)unused;
	struct world world;
	open_world(&world, NULL);
	stop_service(&world);
	struct stock_receive body = {.sku = CL_STR("AO-1"), .quantity = 1};
	struct cl_command_options options = {.timeout_ms = 700};
	world.answered = false;
	assert_int_equal(cl_client_command(world.client, CL_KIND_STOCK, stock, 0, CL_T_stock_receive, &body, &options,
	                                   on_reply, &world),
	                 CL_OK);
	run_until(&world.loop, is_answered, &world);
	assert_int_equal(world.status, CL_E_TIMEDOUT);
	body.quantity = 0; /* required: refused before it is sent */
	assert_int_equal(cl_client_command(world.client, CL_KIND_STOCK, stock, 0, CL_T_stock_receive, &body, &options,
	                                   on_reply, &world),
	                 CL_E_INVALID);
	close_world(&world);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(commands_and_state_over_ipc),
	        cmocka_unit_test(commands_and_state_over_sealed_tcp),
	        cmocka_unit_test(a_stream_goes_on_over_a_kill),
	        cmocka_unit_test(killed_anywhere),
	        cmocka_unit_test(systemd_is_told),
	        cmocka_unit_test(a_second_process_is_refused),
	        cmocka_unit_test(wrong_usage),
	        cmocka_unit_test(a_corrupt_log_is_refused),
	        cmocka_unit_test(checkpoints_are_anchored),
	        cmocka_unit_test(a_silent_service_times_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
