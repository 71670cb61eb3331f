/* The record of a log, format 1: one msgpack array of 15 (README.md holds a worked example). Its first twelve elements
 * have fixed widths, so that any msgpack library decodes it and we read fields at constant offsets. Integers are big
 * endian.
 *
 *   offset  bytes                 element
 *        0  9f                    array of 15
 *        1  01                    format, 1
 *        2  cf + 8                seq, uint64
 *       11  d3 + 8                recorded_ms, int64
 *       20  d3 + 8                occurred_ms, int64
 *       29  cd + 2                type, uint16
 *       32  cc + 1                schema version of the payload, uint8
 *       34  cc + 1                kind, uint8
 *       36  c4 10 + 16            aggregate, bin
 *       54  ce + 4                aggregate version, uint32
 *       59  cf + 8                previous, uint64: seq of the aggregate's record before; 0 = none or not told
 *       68  c4 10 + 16            command, bin; zero = none
 *       86  c4 10 + 16            correlation, bin; zero = none
 *      104  d9 len + len          who, str of 0..100 bytes of UTF-8 (always str 8, however short)
 *       ..  c0                    cause: nil, or
 *           94                      an array of 4:
 *           cc + 1                  service, uint8, not 0
 *           cd + 2                  partition, uint16
 *           cf + 8                  seq, uint64
 *           c0 | c4 20 + 32         hash of that record, bin; nil when the cause is in the same log
 *       ..  8x | de .. | df ..    payload, a map: the rest of the record
 *
 * One value has one encoding: what cl_record_decode accepts, cl_record_encode gives back byte for byte.
 * The stored value is crc32c (4, big endian) ‖ hash (32) ‖ record; hash = BLAKE2b-256(hash of the record before ‖
 * record), 32 zero bytes before the first; the CRC covers hash ‖ record. */
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
	uint64_t previous; /* seq of the aggregate's record before this one: its last_seq until now; 0 = none */
	struct cl_id command, correlation;
	struct cl_cause cause;
	struct cl_str who;
	struct cl_bytes payload;
};

/* Appends the record's bytes to out. The record must be one that decode accepts: who is UTF-8 and at most CL_WHO_MAX
 * bytes, the payload a msgpack map, the whole at most CL_RECORD_MAX (else: an assertion, since all of it was validated
 * before). */
void cl_record_encode(const struct cl_record *record, struct cl_buf *out);
/* Views borrow from bytes. MALFORMED, TRUNCATED, TOOBIG. Every byte before the payload is checked; of the payload only
 * that it is what remains and starts as a map: where bytes come from outside, cl_msgpack_scan must find that it is one
 * value. */
CL_MUST_CHECK int cl_record_decode(struct cl_bytes bytes, struct cl_record *ret_record);
/* seq and type without decoding; bytes must have passed cl_record_decode once (own log, crc checked). */
uint64_t cl_record_seq(struct cl_bytes bytes);
uint16_t cl_record_type(struct cl_bytes bytes);

/* A stored value taken apart; CORRUPT if the checksum does not hold. */
#define CL_STORED_HEAD 36 /* crc32c and hash */
struct cl_stored {
	struct cl_hash hash;
	struct cl_bytes record;
};
CL_MUST_CHECK int cl_stored_open(struct cl_bytes value, struct cl_stored *ret_stored);
void cl_stored_put(struct cl_hash hash, struct cl_bytes record, struct cl_buf *out);

#endif
