/* Nets that speak to each other, and to strangers with a raw socket. */
#include "uv_help.h"

#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "uv/frame.h"
#include "uv/net.h"
#include "uv/peer.h"
#include "uv/socket.h"

struct end { /* one process's worth: a net and what it heard */
	struct cl_net *net;
	char *address;
	uint32_t heard, idle, order_broken, want;
	uint32_t last; /* credit of the last message */
};

static void on_message(void *context, struct cl_str sender, uint16_t type, const void *body) {
	struct end *end = context;
	assert_true(sender.n > 0);
	end->heard++;
	if (type != CL_T_wire_credit)
		return;
	uint32_t credit = ((const struct wire_credit *)body)->credit;
	if (credit != end->last + 1)
		end->order_broken++;
	end->last = credit;
}

static void on_idle(void *context) {
	((struct end *)context)->idle++;
}

static bool heard_all(void *context) {
	return ((struct end *)context)->heard >= ((struct end *)context)->want;
}

static const struct cl_keys no_keys;

static int open_end(uv_loop_t *loop, struct end *end, const char *name, const char *address,
                    const struct cl_keys *keys) {
	*end = (struct end){.address = strdup(address)};
	return cl_net_open(loop, name, cl_str_from(address), keys, on_message, on_idle, end, &end->net);
}

static void close_end(struct end *end) {
	if (end->net)
		cl_net_close(end->net, NULL, NULL);
	free(end->address);
}

static int say(struct end *from, const char *to, uint32_t n) {
	struct wire_credit credit = {.id = {{9}}, .credit = n};
	return cl_net_post(from->net, cl_str_from(to), CL_T_wire_credit, &credit);
}

static char *ipc_address(const char *folder, const char *name) {
	return textf("ipc://%s/%s.sock", folder, name);
}

/* A tcp address that was free a moment ago. */
static char *tcp_address(uv_loop_t *loop) {
	(void)loop;
	static int next;
	return textf("tcp://127.0.0.1:%d", 10000 + (int)((getpid() * 7 + next++ * 131) % 9000));
}

/* -- two of our own -- */

static void converse(const char *one, const char *two, const struct cl_keys *keys) {
	enum { MANY = 20000 };
	uv_loop_t loop;
	struct end a, b;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(open_end(&loop, &a, "intake/0", one, keys), CL_OK);
	assert_int_equal(open_end(&loop, &b, "client/1", two, keys), CL_OK);
	a.want = b.want = MANY;
	for (uint32_t i = 1; i <= MANY; i++) {
		assert_int_equal(say(&a, two, i), CL_OK);
		assert_int_equal(say(&b, one, i), CL_OK);
		if (i % 1000 == 0)
			uv_run(&loop, UV_RUN_NOWAIT);
	}
	run_until(&loop, heard_all, &a);
	run_until(&loop, heard_all, &b);
	assert_int_equal(a.order_broken + b.order_broken, 0);
	assert_int_equal(cl_net_stats(b.net)->messages_in, MANY);
	assert_int_equal(cl_net_stats(a.net)->messages_out, MANY);
	assert_true(cl_net_stats(a.net)->frames_out < MANY / 10); /* batched */
	assert_true(b.idle > 0 && b.idle <= cl_net_stats(b.net)->frames_in);
	assert_int_equal(cl_net_stats(a.net)->malformed + cl_net_stats(a.net)->denied + cl_net_stats(a.net)->dropped,
	                 0);
	close_end(&a);
	close_end(&b);
	loop_close(&loop);
}

static void over_ipc(void **unused) {
	(void)unused;
	char *folder = folder_new(), *one = ipc_address(folder, "a"), *two = ipc_address(folder, "b");
	converse(one, two, &no_keys);
	free(one);
	free(two);
	folder_drop(folder);
}

static void over_tcp(void **unused) {
	(void)unused;
	const struct cl_keys sealed = {.has_cluster = true, .cluster = {7}};
	const struct cl_keys *const keys[] = {&no_keys, &sealed};
	for (int i = 0; i < 2; i++) {
		char *one = tcp_address(NULL), *two = tcp_address(NULL);
		converse(one, two, keys[i]);
		free(one);
		free(two);
	}
}

static bool denied_some(void *context) {
	return cl_net_stats(((struct end *)context)->net)->denied > 0;
}

static void another_key_is_refused(void **unused) {
	(void)unused;
	const struct cl_keys ours = {.has_cluster = true, .cluster = {7}},
	                     theirs = {.has_cluster = true, .cluster = {8}};
	char *one = tcp_address(NULL), *two = tcp_address(NULL), *three = tcp_address(NULL);
	uv_loop_t loop;
	struct end a, b, c;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(open_end(&loop, &a, "intake/0", one, &ours), CL_OK);
	assert_int_equal(open_end(&loop, &b, "support/0", two, &theirs), CL_OK);
	assert_int_equal(say(&b, one, 1), CL_OK);
	run_until(&loop, denied_some, &a);
	assert_int_equal(a.heard, 0);
	/* and so is one without a key */
	assert_int_equal(open_end(&loop, &c, "order/0", three, &no_keys), CL_OK);
	assert_int_equal(say(&c, two, 1), CL_OK);
	run_until(&loop, denied_some, &b);
	assert_int_equal(b.heard, 0);
	close_end(&a);
	close_end(&b);
	close_end(&c);
	loop_close(&loop);
	free(one);
	free(two);
	free(three);
}

/* -- a recorder and player in the middle -- */

static struct cl_buf record_one(int socket) {
	void *message = NULL;
	struct cl_buf copy;
	int limit_ms = 60000;
	assert_int_equal(nn_setsockopt(socket, NN_SOL_SOCKET, NN_RCVTIMEO, &limit_ms, sizeof(limit_ms)), 0);
	int n = nn_recv(socket, &message, NN_MSG, 0);
	assert_true(n > 0);
	cl_buf_init(&copy);
	cl_buf_put(&copy, message, (size_t)n);
	assert_int_equal(nn_freemsg(message), 0);
	return copy;
}

static bool sent_frames(void *context) {
	struct end *end = context;
	return cl_net_stats(end->net)->frames_out >= end->want;
}

static bool took_frames(void *context) {
	struct end *end = context;
	return cl_net_stats(end->net)->frames_in >= end->want;
}

static void replays_are_refused(void **unused) {
	(void)unused;
	const struct cl_keys keys = {.has_cluster = true, .cluster = {7}};
	char *one = tcp_address(NULL), *two = tcp_address(NULL);
	uv_loop_t loop;
	struct end a, b;
	int recorder = -1, player = -1;
	struct cl_buf frames[3];
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(open_end(&loop, &a, "intake/0", one, &keys), CL_OK);
	assert_int_equal(cl_socket_bind(two, &recorder), CL_OK); /* sits where b will be */
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(say(&a, two, i + 1), CL_OK);
		a.want = i + 1;
		run_until(&loop, sent_frames, &a);
		frames[i] = record_one(recorder);
	}
	close_end(&a);
	cl_socket_close(recorder);
	assert_int_equal(open_end(&loop, &b, "support/0", two, &keys), CL_OK);
	assert_int_equal(cl_socket_connect(two, &player), CL_OK);
	static const int order[] = {0, 1, 1, 0, 2, 2}; /* three are new, three are old */
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(nn_send(player, frames[order[i]].p, frames[order[i]].n, 0), frames[order[i]].n);
	b.want = 6;
	run_until(&loop, took_frames, &b);
	assert_int_equal(b.heard, 3);
	assert_int_equal(b.last, 3);
	assert_int_equal(cl_net_stats(b.net)->denied, 3);
	for (size_t i = 0; i < 3; i++)
		cl_buf_done(&frames[i]);
	cl_socket_close(player);
	close_end(&b);
	loop_close(&loop);
	free(one);
	free(two);
}

/* -- strangers -- */

struct stranger {
	char *folder, *address;
	uv_loop_t loop;
	struct end end;
	int socket;
	uint32_t sent;
};

static void meet(struct stranger *stranger) {
	*stranger = (struct stranger){.folder = folder_new()};
	stranger->address = ipc_address(stranger->folder, "inbox");
	assert_int_equal(uv_loop_init(&stranger->loop), 0);
	assert_int_equal(open_end(&stranger->loop, &stranger->end, "intake/0", stranger->address, &no_keys), CL_OK);
	assert_int_equal(cl_socket_connect(stranger->address, &stranger->socket), CL_OK);
}

static void part(struct stranger *stranger) {
	cl_socket_close(stranger->socket);
	close_end(&stranger->end);
	loop_close(&stranger->loop);
	free(stranger->address);
	folder_drop(stranger->folder);
}

static void throw(struct stranger * stranger, const void *p, size_t n) {
	assert_int_equal(nn_send(stranger->socket, p, n, 0), n);
	stranger->end.want = ++stranger->sent;
	run_until(&stranger->loop, took_frames, &stranger->end);
}

static void say_as(struct stranger *stranger, const char *name, uint16_t type, const void *body) {
	struct cl_buf frame;
	cl_buf_init(&frame);
	cl_frame_begin(&frame, cl_str_from(name));
	assert_int_equal(cl_frame_put(&frame, type, body), CL_OK);
	cl_frame_end(&frame, 0, 1);
	throw(stranger, frame.p, frame.n);
	cl_buf_done(&frame);
}

static void noise_is_counted_and_survived(void **unused) {
	(void)unused;
	uint64_t state = seed_of("net noise");
	struct stranger stranger;
	const struct wire_credit credit = {.id = {{1}}, .credit = 1};
	meet(&stranger);
	for (int i = 0; i < 200; i++) {
		uint8_t noise[200];
		size_t n = 1 + rng(&state) % sizeof(noise);
		for (size_t k = 0; k < n; k++)
			noise[k] = (uint8_t)rng(&state);
		noise[0] |= 0x80; /* no noise is a right frame by chance: the first byte would have to be an array's */
		if (noise[0] == 0xdc || noise[0] == 0xdd || (noise[0] & 0xf0) == 0x90)
			noise[0] = 0xc0;
		throw(&stranger, noise, n);
	}
	assert_int_equal(cl_net_stats(stranger.end.net)->malformed, 200);
	say_as(&stranger, "client/1", CL_T_wire_credit, &credit);
	assert_int_equal(stranger.end.heard, 1);
	part(&stranger);
}

static void roles_are_kept(void **unused) {
	(void)unused;
	struct stranger stranger;
	const struct wire_records heartbeat = {.id = {{1}}};
	const struct wire_reply reply = {.id = {{1}}, .status = WIRE_ACCEPTED};
	meet(&stranger);
	say_as(&stranger, "client/1", CL_T_wire_records, &heartbeat);
	say_as(&stranger, "gateway/1", CL_T_wire_reply, &reply);
	say_as(&stranger, "nobody/1", CL_T_wire_reply, &reply);
	assert_int_equal(stranger.end.heard, 0);
	assert_int_equal(cl_net_stats(stranger.end.net)->denied, 3);
	say_as(&stranger, "order/1", CL_T_wire_records, &heartbeat);
	assert_int_equal(stranger.end.heard, 1);
	part(&stranger);
}

/* -- queues -- */

static void an_absent_peer_fills_a_bounded_queue(void **unused) {
	(void)unused;
	char *folder = folder_new(), *one = ipc_address(folder, "a"), *two = ipc_address(folder, "b");
	uv_loop_t loop;
	struct end a, b;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(open_end(&loop, &a, "intake/0", one, &no_keys), CL_OK);
	struct wire_records message = {.id = {{1}}, .upto = 1, .upto_hash = {{1}}, .head = 1};
	uint8_t *bytes = calloc(1, 100000);
	struct wire_record record = {.record = {bytes, 100000}, .hash = {{1}}};
	message.records.v = &record;
	message.records.n = 1;
	uint32_t posted = 0;
	int r;
	while ((r = cl_net_post(a.net, cl_str_from(two), CL_T_wire_records, &message)) == CL_OK) {
		posted++;
		assert_true(posted < 1000);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(r, CL_E_AGAIN);
	assert_true((uint64_t)posted * 100000 >= CL_PEER_QUEUE_MAX - 200000);
	assert_true((uint64_t)posted * 100000 <= CL_PEER_QUEUE_MAX + 200000);
	/* It comes, and gets all of it. */
	assert_int_equal(open_end(&loop, &b, "support/0", two, &no_keys), CL_OK);
	b.want = posted;
	run_until(&loop, heard_all, &b);
	assert_int_equal(b.heard, posted);
	assert_true(cl_net_stats(b.net)->frames_in >= posted / 6); /* frames of about half a MiB */
	assert_int_equal(say(&a, two, 1), CL_OK);
	b.want++;
	run_until(&loop, heard_all, &b);
	free(bytes);
	close_end(&a);
	close_end(&b);
	loop_close(&loop);
	free(one);
	free(two);
	folder_drop(folder);
}

static void large_messages_get_frames_of_their_own(void **unused) {
	(void)unused;
	char *folder = folder_new(), *one = ipc_address(folder, "a"), *two = ipc_address(folder, "b");
	uv_loop_t loop;
	struct end a, b;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(open_end(&loop, &a, "intake/0", one, &no_keys), CL_OK);
	assert_int_equal(open_end(&loop, &b, "support/0", two, &no_keys), CL_OK);
	uint8_t *bytes = calloc(1, 1048576);
	struct wire_record record = {.record = {bytes, 1048576}, .hash = {{1}}};
	struct wire_records message = {.id = {{1}}, .upto = 1, .upto_hash = {{1}}, .head = 1};
	message.records.v = &record;
	message.records.n = 1;
	for (int i = 0; i < 5; i++)
		assert_int_equal(cl_net_post(a.net, cl_str_from(two), CL_T_wire_records, &message), CL_OK);
	b.want = 5;
	run_until(&loop, heard_all, &b);
	assert_int_equal(cl_net_stats(b.net)->frames_in, 5);
	free(bytes);
	close_end(&a);
	close_end(&b);
	loop_close(&loop);
	free(one);
	free(two);
	folder_drop(folder);
}

static void what_is_queued_leaves_before_the_close(void **unused) {
	(void)unused;
	char *folder = folder_new(), *one = ipc_address(folder, "a"), *two = ipc_address(folder, "b");
	uv_loop_t loop;
	struct end a, b;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(open_end(&loop, &b, "support/0", two, &no_keys), CL_OK);
	assert_int_equal(open_end(&loop, &a, "intake/0", one, &no_keys), CL_OK);
	assert_int_equal(say(&a, two, 1), CL_OK);
	b.want = 1;
	run_until(&loop, heard_all, &b); /* they are connected: that may take longer than a close waits */
	for (uint32_t i = 2; i <= 1000; i++)
		assert_int_equal(say(&a, two, i), CL_OK);
	close_end(&a);
	b.want = 1000;
	run_until(&loop, heard_all, &b);
	close_end(&b);
	loop_close(&loop);
	free(one);
	free(two);
	folder_drop(folder);
}

/* More peers than nanomsg has sockets for: those at rest make room. */
static void many_peers(void **unused) {
	(void)unused;
	enum { MANY = 30, ROUNDS = 20 };
	char *folder = folder_new(), *one = ipc_address(folder, "a");
	uv_loop_t loop;
	struct end a, b;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(open_end(&loop, &a, "intake/0", one, &no_keys), CL_OK);
	for (int i = 0; i < MANY * ROUNDS; i++) {
		char name[32];
		snprintf(name, sizeof(name), "p%d", i);
		char *address = ipc_address(folder, name);
		assert_int_equal(open_end(&loop, &b, "support/0", address, &no_keys), CL_OK);
		assert_int_equal(say(&a, address, 1), CL_OK);
		b.want = 1;
		run_until(&loop, heard_all, &b);
		close_end(&b);
		free(address);
	}
	close_end(&a);
	loop_close(&loop);
	free(one);
	folder_drop(folder);
}

/* A peer that takes nothing for a minute is given up, with what waited for it; so is one that nobody speaks to. */
static void silent_peers_are_given_up(void **unused) {
	(void)unused;
	char *folder = folder_new(), *address = ipc_address(folder, "absent");
	struct cl_net_stats stats = {0};
	struct cl_peers peers;
	struct wire_credit credit = {.id = {{1}}, .credit = 1};
	cl_peers_init(&peers, CL_STR("intake/0"), NULL, &stats);
	assert_int_equal(cl_peers_post(&peers, cl_str_from(address), CL_T_wire_credit, &credit, 1000), CL_OK);
	assert_int_equal(cl_peers_post(&peers, cl_str_from(address), CL_T_wire_credit, &credit, 5000), CL_OK);
	cl_peers_flush(&peers, 5000);
	cl_peers_expire(&peers, 1000 + CL_PEER_IDLE_MS - 1);
	assert_int_equal(peers.n, 1);
	cl_peers_expire(&peers, 1000 + CL_PEER_IDLE_MS);
	assert_int_equal(peers.n, 0);
	assert_int_equal(peers.queued, 0);
	assert_int_equal(stats.dropped, 2);
	cl_peers_done(&peers);
	free(address);
	folder_drop(folder);
}

/* -- refusals -- */

static void refusals(void **unused) {
	(void)unused;
	char *folder = folder_new(), *one = ipc_address(folder, "a");
	uv_loop_t loop;
	struct end a, b;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(open_end(&loop, &a, "intake/0", one, &no_keys), CL_OK);
	assert_int_equal(open_end(&loop, &b, "intake/0", one, &no_keys), CL_E_BUSY);
	free(b.address);
	assert_int_equal(open_end(&loop, &b, "intake/0", "tcp://192.0.2.1:7400", &no_keys), CL_E_DENIED);
	free(b.address);
	assert_int_equal(open_end(&loop, &b, "stranger/0", one, &no_keys), CL_E_INVALID);
	free(b.address);
	assert_int_equal(say(&a, "tcp://192.0.2.1:7400", 1), CL_E_DENIED);
	assert_int_equal(say(&a, "nonsense", 1), CL_E_INVALID);
	assert_int_equal(say(&a, one, 0), CL_E_INVALID); /* a required field is missing */
	close_end(&a);
	loop_close(&loop);
	free(one);
	folder_drop(folder);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(over_ipc),
	        cmocka_unit_test(over_tcp),
	        cmocka_unit_test(another_key_is_refused),
	        cmocka_unit_test(replays_are_refused),
	        cmocka_unit_test(noise_is_counted_and_survived),
	        cmocka_unit_test(roles_are_kept),
	        cmocka_unit_test(an_absent_peer_fills_a_bounded_queue),
	        cmocka_unit_test(large_messages_get_frames_of_their_own),
	        cmocka_unit_test(what_is_queued_leaves_before_the_close),
	        cmocka_unit_test(many_peers),
	        cmocka_unit_test(silent_peers_are_given_up),
	        cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
