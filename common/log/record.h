/* The record of a log, version 1. Bytes are one msgpack array of 14 whose first 12 elements have fixed widths, so that
 * an outsider decodes it with any msgpack library and we read fields at constant offsets:
 *   seq uint64 · recorded_ms int64 · occurred_ms int64 · type uint16 · schema version uint8 · kind uint8 · aggregate bin16 ·
 *   aggregate version uint32 · command bin16 · correlation bin16 · cause service uint8 · cause partition uint16 ·
 *   [who str8, cause [seq uint64, hash bin32] or nil … see docs] · payload map
 * The stored value is crc32c ‖ hash ‖ record; hash = BLAKE2b-256(previous hash ‖ record); crc covers hash ‖ record. */
#ifndef CL_LOG_RECORD_H
#define CL_LOG_RECORD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/id.h"

#define CL_RECORD_MAX 1048576 /* bytes of one record */
#define CL_WHO_MAX 100

struct cl_cause { /* the record of a log that this one follows from; service 0 = none */
	uint32_t service, partition;
	uint64_t seq;
	struct cl_hash hash; /* zero for a cause in the same log (the chain covers it) */
};

struct cl_record {
	uint64_t seq;
	int64_t recorded_ms, occurred_ms;
	uint16_t type;
	uint8_t version; /* of the payload's schema */
	uint8_t kind;
	struct cl_id aggregate;
	uint32_t aggregate_version;
	struct cl_id command, correlation;
	struct cl_cause cause;
	struct cl_str who;
	struct cl_bytes payload;
};

/* Appends the record's bytes to out. */
void cl_record_encode(const struct cl_record *record, struct cl_buf *out);
/* Views borrow from bytes. MALFORMED, TRUNCATED. Does not look into the payload. */
CL_MUST_CHECK int cl_record_decode(struct cl_bytes bytes, struct cl_record *ret_record);
/* seq and type without decoding; bytes must have passed cl_record_decode once (own log, crc checked). */
uint64_t cl_record_seq(struct cl_bytes bytes);
uint16_t cl_record_type(struct cl_bytes bytes);

/* A stored value taken apart; CORRUPT if the checksum does not hold. */
struct cl_stored { struct cl_hash hash; struct cl_bytes record; };
CL_MUST_CHECK int cl_stored_open(struct cl_bytes value, struct cl_stored *ret_stored);
void cl_stored_put(struct cl_hash hash, struct cl_bytes record, struct cl_buf *out);

#endif
