/* A sealed frame, also in PROTOCOL.md:
 *   "CLS1" ‖ sent ms u64 BE ‖ n u8 ‖ sender's name (n bytes) ‖ nonce 24 ‖ ciphertext ‖ tag 16
 * nonce = epoch 8 ‖ counter u64 BE ‖ random 8; everything before the ciphertext is authenticated with it. */
#include "uv/seal.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/assert.h"

static const uint8_t magic[4] = {'C', 'L', 'S', '1'};
#define HEAD 13 /* magic, time, length of the name */
#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES
#define PEERS_MAX 4096

_Static_assert(NONCE == 24 && TAG == 16, "the layout above");

static void put_u64(uint8_t *p, uint64_t value) {
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(value >> (56 - 8 * i));
}

static uint64_t get_u64(const uint8_t *p) {
	uint64_t value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | p[i];
	return value;
}

void cl_seal_init(struct cl_seal *seal, const uint8_t cluster[32], struct cl_str sender, struct cl_str receiver) {
	static const char domain[] = "careloop frame 1";
	crypto_generichash_state state;
	uint8_t lengths[8];
	for (int i = 0; i < 4; i++) {
		lengths[i] = (uint8_t)(sender.n >> (24 - 8 * i));
		lengths[4 + i] = (uint8_t)(receiver.n >> (24 - 8 * i));
	}
	int r = crypto_generichash_init(&state, cluster, 32, sizeof(seal->key));
	r |= crypto_generichash_update(&state, (const uint8_t *)domain, sizeof(domain) - 1);
	r |= crypto_generichash_update(&state, lengths, sizeof(lengths));
	r |= crypto_generichash_update(&state, (const uint8_t *)sender.p, sender.n);
	r |= crypto_generichash_update(&state, (const uint8_t *)receiver.p, receiver.n);
	r |= crypto_generichash_final(&state, seal->key, sizeof(seal->key));
	CL_ASSERT(r == 0);
	sodium_memzero(&state, sizeof(state));
}

void cl_seal_sender_init(struct cl_seal_sender *sender) {
	randombytes_buf(sender->epoch, sizeof(sender->epoch));
	sender->counter = 0;
}

size_t cl_seal_size(struct cl_str sender, size_t frame) {
	return HEAD + sender.n + NONCE + frame + TAG;
}

void cl_seal_frame(const struct cl_seal *seal, struct cl_seal_sender *counter, struct cl_str sender, int64_t now_ms,
                   struct cl_bytes frame, uint8_t *out) {
	CL_ASSERT(sender.n <= UINT8_MAX);
	memcpy(out, magic, sizeof(magic));
	put_u64(out + 4, (uint64_t)now_ms);
	out[12] = (uint8_t)sender.n;
	memcpy(out + HEAD, sender.p, sender.n);
	uint8_t *nonce = out + HEAD + sender.n;
	memcpy(nonce, counter->epoch, 8);
	put_u64(nonce + 8, ++counter->counter);
	randombytes_buf(nonce + 16, 8);
	size_t open = HEAD + sender.n + NONCE;
	int r = crypto_aead_xchacha20poly1305_ietf_encrypt(out + open, NULL, frame.p, frame.n, out, open, NULL, nonce,
	                                                   seal->key);
	CL_ASSERT(r == 0);
}

void cl_seal_receiver_done(struct cl_seal_receiver *receiver) {
	free(receiver->peers);
	*receiver = (struct cl_seal_receiver){0};
}

/* The entry of an epoch, or one for a new epoch: a free one, or one so long silent that its frames are too old anyway.
 */
static struct cl_seal_peer *find_peer(struct cl_seal_receiver *receiver, const uint8_t *epoch, int64_t now_ms) {
	struct cl_seal_peer *oldest = NULL;
	for (uint32_t i = 0; i < receiver->n; i++) {
		struct cl_seal_peer *peer = &receiver->peers[i];
		if (memcmp(peer->epoch, epoch, 8) == 0)
			return peer;
		if (!oldest || peer->heard_ms < oldest->heard_ms)
			oldest = peer;
	}
	if (oldest && now_ms - oldest->heard_ms > 3 * (int64_t)CL_SEAL_AGE_MS) {
		*oldest = (struct cl_seal_peer){.heard_ms = now_ms};
		memcpy(oldest->epoch, epoch, 8);
		return oldest;
	}
	if (receiver->n == PEERS_MAX)
		return NULL;
	if (receiver->n == receiver->cap) {
		uint32_t cap = receiver->cap ? receiver->cap * 2 : 16;
		struct cl_seal_peer *peers = realloc(receiver->peers, cap * sizeof(*peers));
		CL_ASSERT(peers);
		receiver->peers = peers;
		receiver->cap = cap;
	}
	struct cl_seal_peer *peer = &receiver->peers[receiver->n++];
	*peer = (struct cl_seal_peer){.heard_ms = now_ms};
	memcpy(peer->epoch, epoch, 8);
	return peer;
}

int cl_seal_open(struct cl_seal_receiver *receiver, const uint8_t cluster[32], struct cl_str address, int64_t now_ms,
                 struct cl_bytes sealed, struct cl_buf *out, struct cl_str *ret_sender) {
	if (sealed.n < 4 || memcmp(sealed.p, magic, sizeof(magic)) != 0)
		return CL_E_DENIED;
	if (sealed.n < HEAD || sealed.n < HEAD + (size_t)sealed.p[12] + NONCE + TAG)
		return CL_E_MALFORMED;
	struct cl_str sender = {(const char *)sealed.p + HEAD, sealed.p[12]};
	const uint8_t *nonce = sealed.p + HEAD + sender.n;
	size_t open = HEAD + sender.n + NONCE;
	struct cl_seal seal;
	cl_seal_init(&seal, cluster, sender, address);
	cl_buf_clear(out);
	uint8_t *clear = cl_buf_reserve(out, sealed.n);
	unsigned long long n = 0;
	int r = crypto_aead_xchacha20poly1305_ietf_decrypt(clear, &n, NULL, sealed.p + open, sealed.n - open, sealed.p,
	                                                   open, nonce, seal.key);
	sodium_memzero(&seal, sizeof(seal));
	if (r != 0)
		return CL_E_DENIED;
	out->n = n;
	*ret_sender = sender;
	int64_t sent_ms = (int64_t)get_u64(sealed.p + 4);
	if (sent_ms < now_ms - CL_SEAL_AGE_MS || sent_ms > now_ms + CL_SEAL_AGE_MS)
		return CL_E_AGAIN;
	struct cl_seal_peer *peer = find_peer(receiver, nonce, now_ms);
	uint64_t counter = get_u64(nonce + 8);
	if (!peer || counter <= peer->counter)
		return CL_E_AGAIN;
	peer->counter = counter;
	peer->heard_ms = now_ms;
	return CL_OK;
}
