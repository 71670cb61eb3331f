/* Sealing of frames that cross a network (design rule 6): XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha, libsodium's
 * crypto_aead_xchacha20poly1305_ietf) under a key that the cluster key, the sender's name and the receiver's address
 * give. A sender's run is an epoch with a counter; a receiver takes each counter once, and nothing older than
 * CL_SEAL_AGE_MS, so that a frame recorded before a restart of the receiver cannot be played back later. */
#ifndef CL_UV_SEAL_H
#define CL_UV_SEAL_H

#include "base/buf.h"
#include "base/error.h"

#define CL_SEAL_AGE_MS 600000
#define CL_SEAL_OVERHEAD 256 /* more than what sealing adds to a frame */

struct cl_seal {
	uint8_t key[32];
}; /* one direction: a sender's name and a receiver's address */
void cl_seal_init(struct cl_seal *seal, const uint8_t cluster[32], struct cl_str sender, struct cl_str receiver);

struct cl_seal_sender {
	uint8_t epoch[8];
	uint64_t counter;
};
void cl_seal_sender_init(struct cl_seal_sender *sender);
/* Bytes of a sealed frame. */
size_t cl_seal_size(struct cl_str sender, size_t frame);
/* Writes cl_seal_size bytes to out. */
void cl_seal_frame(const struct cl_seal *seal, struct cl_seal_sender *counter, struct cl_str sender, int64_t now_ms,
                   struct cl_bytes frame, uint8_t *out);

/* What a receiver remembers of those who send to it; bounded. */
struct cl_seal_peer {
	uint8_t epoch[8];
	uint64_t counter;
	int64_t heard_ms;
};
struct cl_seal_receiver {
	struct cl_seal_peer *peers;
	uint32_t n, cap;
};
void cl_seal_receiver_done(struct cl_seal_receiver *receiver);
/* Opens a sealed frame into out (cleared before). DENIED: not sealed under this key; AGAIN: a replay, out of order, or
 * too old (*ret_sender is authentic then); MALFORMED. */
CL_MUST_CHECK int cl_seal_open(struct cl_seal_receiver *receiver, const uint8_t cluster[32], struct cl_str address,
                               int64_t now_ms, struct cl_bytes sealed, struct cl_buf *out, struct cl_str *ret_sender);

#endif
