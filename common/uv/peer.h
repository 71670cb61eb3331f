/* Outgoing half of the net: PUSH sockets, one per address, made on demand, each with a queue bounded in bytes. */
#ifndef CL_UV_PEER_H
#define CL_UV_PEER_H

#include "base/buf.h"
#include "base/error.h"
#include "uv/net.h"
#include "uv/seal.h"

#define CL_PEER_QUEUE_MAX 16777216   /* bytes waiting for one peer; beyond it AGAIN */
#define CL_PEERS_QUEUE_MAX 134217728 /* bytes waiting for all peers together; likewise */
#define CL_PEER_FRAME_TARGET 524288  /* bytes after which a frame is closed and the next begun */
#define CL_PEER_IDLE_MS 60000 /* a peer without traffic that long is closed, and what it could not take is dropped */
#define CL_PEERS_MAX 400      /* nanomsg 1.1.5 has 512 sockets per process (NN_MAX_SOCKETS) */

struct cl_peer_chunk {
	struct cl_peer_chunk *next;
	void *message;
	size_t n;
	uint32_t messages;
}; /* message: of nn_allocmsg */

struct cl_peer {
	struct cl_peer *next;
	char *address;
	struct cl_str address_str;
	int socket; /* of nanomsg */
	bool sealed;
	struct cl_seal seal;
	struct cl_buf open;                 /* the frame being built */
	uint32_t open_n;                    /* its messages */
	struct cl_peer_chunk *first, *last; /* finished frames that the socket did not take yet */
	size_t queued;                      /* bytes in open and in the chunks */
	int64_t moved_ms;                   /* last time the socket took something, or the queue began to fill */
};

struct cl_peers {
	struct cl_peer *first;
	uint32_t n;
	size_t queued;        /* over all */
	struct cl_str sender; /* our name */
	bool has_cluster;
	const uint8_t *cluster; /* borrowed, 32 bytes */
	struct cl_seal_sender counter;
	struct cl_net_stats *stats; /* borrowed: frames_out, messages_out, bytes_out, dropped are counted here */
};

void cl_peers_init(struct cl_peers *peers, struct cl_str sender, const uint8_t *cluster /* NULL: none */,
                   struct cl_net_stats *stats);
void cl_peers_done(struct cl_peers *peers);
/* AGAIN, INVALID (address or body), DENIED (not loopback and no cluster key), TOOBIG, IO. */
CL_MUST_CHECK int cl_peers_post(struct cl_peers *peers, struct cl_str address, uint16_t type, const void *body,
                                int64_t steady_ms);
/* Hands to the sockets what they take. */
void cl_peers_flush(struct cl_peers *peers, int64_t steady_ms);
/* Closes peers without traffic, drops what stood too long. */
void cl_peers_expire(struct cl_peers *peers, int64_t steady_ms);
/* Nothing is queued and every socket has handed its last frame to the kernel. */
bool cl_peers_drained(const struct cl_peers *peers);

#endif
