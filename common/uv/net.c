#include "uv/net.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <stdlib.h>

#include "base/assert.h"
#include "uv/failpoint.h"
#include "uv/frame.h"
#include "uv/logger.h"
#include "uv/net_log.h"
#include "uv/peer.h"
#include "uv/seal.h"
#include "uv/socket.h"

#define FRAMES_PER_WAKE 256
#define BYTES_PER_WAKE 4194304
#define WATCH_MS 1000 /* nanomsg's descriptors are not trusted alone */
#define WATCH_SENDING_MS 5
#define CLOSE_MS 200

struct cl_net {
	uv_loop_t *loop;
	char *name, *address;
	struct cl_keys keys;
	bool sealed; /* the inbox takes sealed frames only */
	int inbox;
	uv_poll_t poll;
	uv_timer_t watch;
	uv_prepare_t prepare;
	uint32_t handles; /* open ones */
	bool closing, sending;
	int64_t close_ms, expire_ms;
	struct cl_arena arena;
	struct cl_buf opened; /* a frame unsealed */
	struct cl_seal_receiver receiver;
	struct cl_peers peers;
	struct cl_net_stats stats;
	struct cl_net_log refusals;
	cl_net_on_message on_message;
	cl_net_on_idle on_idle;
	void (*on_closed)(void *context);
	void *context, *close_context;
};

/* The loop's cached clock: exact enough for idling peers, and free. */
static int64_t steady_ms(const struct cl_net *net) {
	return (int64_t)uv_now(net->loop);
}

static int64_t wall_ms(void) {
	uv_timeval64_t now;
	int r = uv_gettimeofday(&now);
	CL_ASSERT(r == 0);
	return now.tv_sec * 1000 + now.tv_usec / 1000;
}

/* -- incoming -- */

static void refuse(struct cl_net *net, uint64_t *counter, const char *why, struct cl_str sender, int code,
                   size_t offset) {
	(*counter)++;
	cl_net_log_refusal(&net->refusals, net->name, why, sender, code, offset, steady_ms(net));
}

static bool permitted(struct cl_net *net, const struct cl_frame *frame) {
	enum cl_sender_role role = cl_sender_role(frame->sender);
	if (role == CL_SENDER_UNKNOWN) {
		refuse(net, &net->stats.denied, "sender", CL_STR("?"), CL_E_DENIED, 0);
		return false;
	}
	for (uint32_t i = 0; i < frame->n; i++) {
		if (cl_sender_may(role, frame->messages[i].type))
			continue;
		refuse(net, &net->stats.denied, "role", frame->sender, CL_E_DENIED, frame->messages[i].offset);
		return false;
	}
	return true;
}

static void take_frame(struct cl_net *net, struct cl_bytes bytes, struct cl_str authentic) {
	struct cl_frame frame;
	size_t offset = 0;
	int r = cl_frame_open(bytes, &net->arena, &frame, &offset);
	if (r < 0) {
		refuse(net, &net->stats.malformed, "frame", authentic, r, offset);
		return;
	}
	if (net->sealed && !cl_str_eq(frame.sender, authentic)) {
		refuse(net, &net->stats.denied, "name", authentic, CL_E_DENIED, 0);
		return;
	}
	if (!permitted(net, &frame))
		return;
	r = cl_frame_bodies(&frame, &net->arena, &offset);
	if (r < 0) {
		refuse(net, &net->stats.malformed, "body", frame.sender, r, offset);
		return;
	}
	for (uint32_t i = 0; i < frame.n; i++) {
		if (!frame.messages[i].value)
			continue;
		net->stats.messages_in++;
		net->on_message(net->context, frame.sender, frame.messages[i].type, frame.messages[i].value);
		if (net->closing)
			return;
		CL_FAILPOINT("mid_frame");
	}
}

static void take_bytes(struct cl_net *net, struct cl_bytes bytes) {
	net->stats.frames_in++;
	net->stats.bytes_in += bytes.n;
	struct cl_str sender = CL_STR("?");
	if (net->sealed) {
		int r = cl_seal_open(&net->receiver, net->keys.cluster, cl_str_from(net->address), wall_ms(), bytes,
		                     &net->opened, &sender);
		if (r < 0) {
			refuse(net, &net->stats.denied, r == CL_E_AGAIN ? "replay" : "seal",
			       r == CL_E_AGAIN ? sender : CL_STR("?"), r, 0);
			return;
		}
		bytes = cl_buf_bytes(&net->opened);
	}
	take_frame(net, bytes, sender);
	cl_arena_reset(&net->arena);
}

static void drain(struct cl_net *net) {
	uint32_t frames = 0;
	size_t taken = 0;
	while (frames < FRAMES_PER_WAKE && taken < BYTES_PER_WAKE && !net->closing) {
		void *message = NULL;
		int n = nn_recv(net->inbox, &message, NN_MSG, NN_DONTWAIT);
		if (n < 0) {
			if (nn_errno() == EINTR)
				continue;
			CL_ASSERT(nn_errno() == EAGAIN || nn_errno() == ETIMEDOUT);
			break;
		}
		frames++;
		taken += (size_t)n;
		take_bytes(net, (struct cl_bytes){message, (uint32_t)n});
		int r = nn_freemsg(message);
		CL_ASSERT(r == 0);
	}
	if (frames > 0 && !net->closing && net->on_idle)
		net->on_idle(net->context);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
	(void)status, (void)events;
	drain(poll->data);
}

/* -- outgoing -- */

static void finish_close(struct cl_net *net);

/* Ticks fast only while something waits for a socket. */
static void set_watch(struct cl_net *net) {
	bool sending = net->closing || net->peers.queued > 0;
	if (sending == net->sending && uv_is_active((uv_handle_t *)&net->watch))
		return;
	net->sending = sending;
	uint64_t every_ms = sending ? WATCH_SENDING_MS : WATCH_MS;
	int r = uv_timer_start(&net->watch, net->watch.timer_cb, every_ms, every_ms);
	CL_ASSERT(r == 0);
}

static void on_prepare(uv_prepare_t *prepare) {
	struct cl_net *net = prepare->data;
	if (net->peers.queued > 0)
		cl_peers_flush(&net->peers, steady_ms(net));
	set_watch(net);
}

static void on_watch(uv_timer_t *timer) {
	struct cl_net *net = timer->data;
	int64_t now_ms = steady_ms(net);
	if (net->closing) {
		cl_peers_flush(&net->peers, now_ms);
		if (cl_peers_drained(&net->peers) || now_ms >= net->close_ms)
			finish_close(net);
		return;
	}
	if (now_ms >= net->expire_ms) {
		cl_peers_expire(&net->peers, now_ms);
		net->expire_ms = now_ms + WATCH_MS;
	}
	drain(net);
}

int cl_net_post(struct cl_net *net, struct cl_str address, uint16_t type, const void *body) {
	if (net->closing)
		return CL_E_CLOSED;
	int r = cl_peers_post(&net->peers, address, type, body, steady_ms(net));
	if (r < 0)
		net->stats.dropped++;
	return r;
}

const struct cl_net_stats *cl_net_stats(const struct cl_net *net) {
	return &net->stats;
}

/* -- life -- */

static void free_net(struct cl_net *net) {
	cl_peers_done(&net->peers);
	if (net->inbox >= 0)
		cl_socket_close(net->inbox);
	cl_seal_receiver_done(&net->receiver);
	cl_buf_done(&net->opened);
	cl_arena_done(&net->arena);
	free(net->name);
	free(net->address);
	free(net);
}

static void on_handle_closed(uv_handle_t *handle) {
	struct cl_net *net = handle->data;
	if (--net->handles > 0)
		return;
	void (*on_closed)(void *context) = net->on_closed;
	void *context = net->close_context;
	free_net(net);
	if (on_closed)
		on_closed(context);
}

static void finish_close(struct cl_net *net) {
	uv_close((uv_handle_t *)&net->watch, on_handle_closed);
	uv_close((uv_handle_t *)&net->prepare, on_handle_closed);
	uv_close((uv_handle_t *)&net->poll, on_handle_closed);
}

void cl_net_close(struct cl_net *net, void (*on_closed)(void *context), void *context) {
	CL_ASSERT(!net->closing);
	net->on_closed = on_closed;
	net->close_context = context;
	net->closing = true;
	net->close_ms = steady_ms(net) + CLOSE_MS;
	int r = uv_poll_stop(&net->poll);
	CL_ASSERT(r == 0);
	set_watch(net);
}

/* The loop's handles; a libuv that cannot start them on a live loop is a programmer's fault, except for the poll. */
static int start_handles(struct cl_net *net) {
	int fd = -1;
	size_t size = sizeof(fd);
	int r = nn_getsockopt(net->inbox, NN_SOL_SOCKET, NN_RCVFD, &fd, &size);
	CL_ASSERT(r == 0);
	r = uv_poll_init(net->loop, &net->poll, fd);
	if (r < 0)
		return CL_E_IO;
	r = uv_timer_init(net->loop, &net->watch);
	r |= uv_prepare_init(net->loop, &net->prepare);
	CL_ASSERT(r == 0);
	net->poll.data = net->watch.data = net->prepare.data = net;
	net->handles = 3;
	r = uv_poll_start(&net->poll, UV_READABLE, on_readable);
	r |= uv_prepare_start(&net->prepare, on_prepare);
	r |= uv_timer_start(&net->watch, on_watch, WATCH_MS, WATCH_MS);
	CL_ASSERT(r == 0);
	return CL_OK;
}

int cl_net_open(uv_loop_t *loop, const char *name, struct cl_str address, const struct cl_keys *keys,
                cl_net_on_message on_message, cl_net_on_idle on_idle, void *context, struct cl_net **ret_net) {
	if (cl_sender_role(cl_str_from(name)) == CL_SENDER_UNKNOWN || strlen(name) > CL_SENDER_MAX)
		return CL_E_INVALID;
	if (cl_address_check(address) < 0)
		return CL_E_INVALID;
	if (!keys->has_cluster && !cl_address_loopback(address))
		return CL_E_DENIED;
	struct cl_net *net = calloc(1, sizeof(*net));
	CL_ASSERT(net);
	net->loop = loop;
	net->name = strdup(name);
	net->address = strndup(address.p, address.n);
	CL_ASSERT(net->name && net->address);
	net->keys = *keys;
	net->sealed = keys->has_cluster && cl_str_starts(address, CL_STR("tcp://"));
	net->inbox = -1;
	net->on_message = on_message;
	net->on_idle = on_idle;
	net->context = context;
	cl_arena_init(&net->arena, 65536);
	cl_buf_init(&net->opened);
	cl_peers_init(&net->peers, cl_str_from(net->name), keys->has_cluster ? net->keys.cluster : NULL, &net->stats);
	int r = cl_socket_bind(net->address, &net->inbox);
	if (r == CL_OK)
		r = start_handles(net);
	if (r < 0) {
		free_net(net);
		return r;
	}
	*ret_net = net;
	return CL_OK;
}
