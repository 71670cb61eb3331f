/* 128-bit ids. Drawn ones are UUIDv7 (RFC 9562): 48 bits of milliseconds, then random, so they sort by time.
 * Derived ones are UUIDv8 from BLAKE2b of a domain and bytes: the same bytes give the same id for ever. */
#ifndef CL_BASE_ID_H
#define CL_BASE_ID_H

#include "base/str.h"

struct cl_id {
	uint8_t b[16];
};

#define CL_ID_TEXT_BYTES 37 /* 36 characters and NUL */

bool cl_id_zero(struct cl_id id);
bool cl_id_eq(struct cl_id a, struct cl_id b);
int cl_id_cmp(struct cl_id a, struct cl_id b);
uint64_t cl_id_hash(struct cl_id id); /* well mixed; the partition of an actor is cl_id_hash(id) % partitions */
struct cl_id cl_id_v7(int64_t now_ms, const uint8_t random[10]);
int64_t cl_id_v7_ms(struct cl_id id); /* its time; -1 if it is no UUIDv7 */
struct cl_id cl_id_derive(const char *domain, const void *p, size_t n);
struct cl_id cl_id_keyed(const uint8_t key[32], const char *domain, const void *p,
                         size_t n); /* rule 10.5: identities */
void cl_id_format(struct cl_id id, char out[CL_ID_TEXT_BYTES]);
int cl_id_parse(struct cl_str text, struct cl_id *ret_id); /* CL_E_MALFORMED */

#endif
