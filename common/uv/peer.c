#include "uv/peer.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/assert.h"
#include "uv/config.h"
#include "uv/failpoint.h"
#include "uv/frame.h"
#include "uv/socket.h"

void cl_peers_init(struct cl_peers *peers, struct cl_str sender, const uint8_t *cluster, struct cl_net_stats *stats) {
	*peers =
	        (struct cl_peers){.sender = sender, .has_cluster = cluster != NULL, .cluster = cluster, .stats = stats};
	cl_seal_sender_init(&peers->counter);
}

/* nn_send takes the message over when it succeeds; what it did not take is freed here. */
static void free_chunk(struct cl_peer_chunk *chunk) {
	if (chunk->message) {
		int r = nn_freemsg(chunk->message);
		CL_ASSERT(r == 0);
	}
	free(chunk);
}

static void free_peer(struct cl_peers *peers, struct cl_peer *peer) {
	uint64_t dropped = peer->open_n;
	while (peer->first) {
		struct cl_peer_chunk *chunk = peer->first;
		peer->first = chunk->next;
		dropped += chunk->messages;
		free_chunk(chunk);
	}
	peers->stats->dropped += dropped;
	peers->queued -= peer->queued;
	peers->n--;
	cl_socket_close(peer->socket);
	cl_buf_done(&peer->open);
	sodium_memzero(&peer->seal, sizeof(peer->seal));
	free(peer->address);
	free(peer);
}

void cl_peers_done(struct cl_peers *peers) {
	while (peers->first) {
		struct cl_peer *peer = peers->first;
		peers->first = peer->next;
		free_peer(peers, peer);
	}
}

/* Makes room among the peers: the one that has been silent longest and has nothing waiting goes. */
static int make_room(struct cl_peers *peers) {
	struct cl_peer **oldest = NULL;
	for (struct cl_peer **at = &peers->first; *at; at = &(*at)->next)
		if ((*at)->queued == 0 && (!oldest || (*at)->moved_ms < (*oldest)->moved_ms))
			oldest = at;
	if (!oldest)
		return CL_E_AGAIN;
	struct cl_peer *peer = *oldest;
	*oldest = peer->next;
	free_peer(peers, peer);
	return CL_OK;
}

static int new_peer(struct cl_peers *peers, struct cl_str address, int64_t steady_ms, struct cl_peer **ret_peer) {
	bool tcp = cl_str_starts(address, CL_STR("tcp://"));
	int r = cl_address_check(address);
	if (r < 0)
		return CL_E_INVALID;
	if (!peers->has_cluster && !cl_address_loopback(address))
		return CL_E_DENIED;
	if (peers->n >= CL_PEERS_MAX) {
		r = make_room(peers);
		if (r < 0)
			return r;
	}
	struct cl_peer *peer = calloc(1, sizeof(*peer));
	CL_ASSERT(peer);
	peer->address = strndup(address.p, address.n);
	CL_ASSERT(peer->address);
	peer->address_str = cl_str_from(peer->address);
	r = cl_socket_connect(peer->address, &peer->socket);
	if (r < 0) {
		free(peer->address);
		free(peer);
		return r;
	}
	peer->sealed = tcp && peers->has_cluster;
	if (peer->sealed)
		cl_seal_init(&peer->seal, peers->cluster, peers->sender, peer->address_str);
	cl_buf_init(&peer->open);
	peer->moved_ms = steady_ms;
	peer->next = peers->first;
	peers->first = peer;
	peers->n++;
	*ret_peer = peer;
	return CL_OK;
}

/* The peer of an address, moved to the front: most posts go to the same few. */
static struct cl_peer *find_peer(struct cl_peers *peers, struct cl_str address) {
	for (struct cl_peer **at = &peers->first; *at; at = &(*at)->next) {
		struct cl_peer *peer = *at;
		if (!cl_str_eq(peer->address_str, address))
			continue;
		*at = peer->next;
		peer->next = peers->first;
		peers->first = peer;
		return peer;
	}
	return NULL;
}

static int64_t wall_ms(void) {
	uv_timeval64_t now;
	int r = uv_gettimeofday(&now);
	CL_ASSERT(r == 0);
	return now.tv_sec * 1000 + now.tv_usec / 1000;
}

/* Turns the frame being built into a nanomsg message, sealed where it must be. */
static void close_frame(struct cl_peers *peers, struct cl_peer *peer) {
	cl_frame_end(&peer->open, 0, peer->open_n);
	size_t n = peer->sealed ? cl_seal_size(peers->sender, peer->open.n) : peer->open.n;
	struct cl_peer_chunk *chunk = calloc(1, sizeof(*chunk));
	CL_ASSERT(chunk);
	chunk->message = nn_allocmsg(n, 0);
	CL_ASSERT(chunk->message);
	chunk->n = n;
	chunk->messages = peer->open_n;
	if (peer->sealed)
		cl_seal_frame(&peer->seal, &peers->counter, peers->sender, wall_ms(), cl_buf_bytes(&peer->open),
		              chunk->message);
	else
		memcpy(chunk->message, peer->open.p, n);
	peer->queued += n - peer->open.n;
	peers->queued += n - peer->open.n;
	if (peer->last)
		peer->last->next = chunk;
	else
		peer->first = chunk;
	peer->last = chunk;
	cl_buf_clear(&peer->open);
	peer->open_n = 0;
}

/* Moves the last message into a frame of its own, so that a frame passes the target only when one message does. */
static void split_frame(struct cl_peers *peers, struct cl_peer *peer, size_t begin) {
	size_t n = peer->open.n - begin;
	uint8_t *message = malloc(n);
	CL_ASSERT(message);
	memcpy(message, peer->open.p + begin, n);
	peer->open.n = begin;
	close_frame(peers, peer);
	cl_frame_begin(&peer->open, peers->sender);
	peer->queued += peer->open.n; /* the second frame's head */
	peers->queued += peer->open.n;
	cl_buf_put(&peer->open, message, n);
	free(message);
}

int cl_peers_post(struct cl_peers *peers, struct cl_str address, uint16_t type, const void *body, int64_t steady_ms) {
	CL_FAILPOINT("before_post");
	struct cl_peer *peer = find_peer(peers, address);
	if (!peer) {
		int r = new_peer(peers, address, steady_ms, &peer);
		if (r < 0)
			return r;
	}
	if (peer->queued >= CL_PEER_QUEUE_MAX || peers->queued >= CL_PEERS_QUEUE_MAX)
		return CL_E_AGAIN;
	size_t before = peer->open.n;
	if (before == 0)
		cl_frame_begin(&peer->open, peers->sender);
	size_t begin = peer->open.n;
	int r = cl_frame_put(&peer->open, type, body);
	if (r < 0) {
		peer->open.n = before;
		return r;
	}
	if (peer->queued == 0)
		peer->moved_ms = steady_ms;
	peer->queued += peer->open.n - before;
	peers->queued += peer->open.n - before;
	if (peer->open_n > 0 && peer->open.n > CL_PEER_FRAME_TARGET)
		split_frame(peers, peer, begin);
	peer->open_n++;
	return CL_OK;
}

/* Sends finished frames until the socket takes no more. */
static void send_chunks(struct cl_peers *peers, struct cl_peer *peer, int64_t steady_ms) {
	while (peer->first) {
		struct cl_peer_chunk *chunk = peer->first;
		int r = nn_send(peer->socket, &chunk->message, NN_MSG, NN_DONTWAIT);
		if (r < 0) {
			CL_ASSERT(nn_errno() == EAGAIN || nn_errno() == EINTR || nn_errno() == ETIMEDOUT);
			return;
		}
		chunk->message = NULL; /* it is nanomsg's now */
		peer->first = chunk->next;
		if (!peer->first)
			peer->last = NULL;
		peer->queued -= chunk->n;
		peers->queued -= chunk->n;
		peers->stats->frames_out++;
		peers->stats->messages_out += chunk->messages;
		peers->stats->bytes_out += chunk->n;
		peer->moved_ms = steady_ms;
		free_chunk(chunk);
	}
}

void cl_peers_flush(struct cl_peers *peers, int64_t steady_ms) {
	for (struct cl_peer *peer = peers->first; peer; peer = peer->next) {
		if (peer->queued == 0)
			continue;
		send_chunks(peers, peer, steady_ms);
		if (peer->first || peer->open_n == 0)
			continue; /* what is posted meanwhile joins the frame being built */
		close_frame(peers, peer);
		send_chunks(peers, peer, steady_ms);
	}
}

void cl_peers_expire(struct cl_peers *peers, int64_t steady_ms) {
	for (struct cl_peer **at = &peers->first; *at;) {
		struct cl_peer *peer = *at;
		if (steady_ms - peer->moved_ms < CL_PEER_IDLE_MS) {
			at = &peer->next;
			continue;
		}
		*at = peer->next;
		free_peer(peers, peer);
	}
}

bool cl_peers_drained(const struct cl_peers *peers) {
	if (peers->queued)
		return false;
	for (const struct cl_peer *peer = peers->first; peer; peer = peer->next)
		if (!cl_socket_writable(peer->socket))
			return false;
	return true;
}
