/* Hashes, checksums, signatures: thin names over libsodium and the CPU. */
#ifndef CL_BASE_HASH_H
#define CL_BASE_HASH_H

#include "base/str.h"

#define CL_HASH_BYTES 32
#define CL_SIGN_BYTES 64

struct cl_hash {
	uint8_t b[CL_HASH_BYTES];
};

int cl_crypto_init(void); /* once per process before anything here; CL_OK or CL_E_IO */
/* BLAKE2b-256 (RFC 7693) of previous ‖ p[0..n). */
struct cl_hash cl_hash_chain(struct cl_hash previous, const void *p, size_t n);
struct cl_hash cl_hash_of(const void *p, size_t n);
bool cl_hash_eq(struct cl_hash a, struct cl_hash b);
void cl_hash_hex(struct cl_hash hash, char out[65]);
int cl_hash_parse(struct cl_str hex, struct cl_hash *ret_hash);
uint32_t cl_crc32c(uint32_t crc, const void *p, size_t n);          /* Castagnoli, RFC 3720 B.4; start with 0 */
uint32_t cl_crc32c_portable(uint32_t crc, const void *p, size_t n); /* what CPUs without the instruction use */

struct cl_sign_key { /* Ed25519, RFC 8032 */
	uint8_t public_key[32];
	uint8_t secret_key[64];
};
void cl_sign(const struct cl_sign_key *key, const void *p, size_t n, uint8_t ret_signature[CL_SIGN_BYTES]);
int cl_sign_verify(const uint8_t public_key[32], const void *p, size_t n, const uint8_t signature[CL_SIGN_BYTES]);

#endif
