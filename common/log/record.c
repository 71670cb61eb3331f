#include "log/record.h"

#include "base/assert.h"
#include "log/be.h"

/* Offsets of the fixed part, as the table in record.h gives them. */
enum {
	AT_FORMAT = 1,
	AT_SEQ = 2,
	AT_RECORDED = 11,
	AT_OCCURRED = 20,
	AT_TYPE = 29,
	AT_VERSION = 32,
	AT_KIND = 34,
	AT_AGGREGATE = 36,
	AT_AGGREGATE_VERSION = 54,
	AT_PREVIOUS = 59,
	AT_COMMAND = 68,
	AT_CORRELATION = 86,
	AT_WHO = 104,
	FIXED_BYTES = 104,
	CAUSE_BYTES = 15, /* without its hash */
	HASH_BYTES = 2 + CL_HASH_BYTES
};

/* First bytes of msgpack values (the msgpack specification, "Formats"). */
enum {
	MP_NIL = 0xc0,
	MP_BIN8 = 0xc4,
	MP_UINT8 = 0xcc,
	MP_UINT16 = 0xcd,
	MP_UINT32 = 0xce,
	MP_UINT64 = 0xcf,
	MP_INT64 = 0xd3,
	MP_STR8 = 0xd9,
	MP_MAP16 = 0xde,
	MP_MAP32 = 0xdf,
	MP_ARRAY4 = 0x94,
	MP_ARRAY15 = 0x9f,
	FORMAT_1 = 0x01
};

static bool starts_as_map(struct cl_bytes bytes) {
	return bytes.n > 0 && ((bytes.p[0] & 0xf0) == 0x80 || bytes.p[0] == MP_MAP16 || bytes.p[0] == MP_MAP32);
}

static bool hash_zero(const struct cl_hash *hash) {
	static const struct cl_hash zero;
	return memcmp(hash, &zero, sizeof zero) == 0;
}

static void put_u64(uint8_t *p, uint8_t head, uint64_t value) {
	p[0] = head;
	cl_be64_put(p + 1, value);
}

static void put_u16(uint8_t *p, uint16_t value) {
	p[0] = MP_UINT16;
	cl_be16_put(p + 1, value);
}

static void put_u8(uint8_t *p, uint8_t value) {
	p[0] = MP_UINT8;
	p[1] = value;
}

static void put_id(uint8_t *p, const struct cl_id *id) {
	p[0] = MP_BIN8;
	p[1] = sizeof id->b;
	memcpy(p + 2, id->b, sizeof id->b);
}

static void put_fixed(uint8_t *p, const struct cl_record *record) {
	p[0] = MP_ARRAY15;
	p[AT_FORMAT] = FORMAT_1;
	put_u64(p + AT_SEQ, MP_UINT64, record->seq);
	put_u64(p + AT_RECORDED, MP_INT64, (uint64_t)record->recorded_ms);
	put_u64(p + AT_OCCURRED, MP_INT64, (uint64_t)record->occurred_ms);
	put_u16(p + AT_TYPE, record->type);
	put_u8(p + AT_VERSION, record->version);
	put_u8(p + AT_KIND, record->kind);
	put_id(p + AT_AGGREGATE, &record->aggregate);
	p[AT_AGGREGATE_VERSION] = MP_UINT32;
	cl_be32_put(p + AT_AGGREGATE_VERSION + 1, record->aggregate_version);
	put_u64(p + AT_PREVIOUS, MP_UINT64, record->previous);
	put_id(p + AT_COMMAND, &record->command);
	put_id(p + AT_CORRELATION, &record->correlation);
}

static uint8_t *put_cause(uint8_t *p, const struct cl_cause *cause) {
	if (cause->service == 0) {
		*p = MP_NIL;
		return p + 1;
	}
	p[0] = MP_ARRAY4;
	put_u8(p + 1, (uint8_t)cause->service);
	put_u16(p + 3, (uint16_t)cause->partition);
	put_u64(p + 6, MP_UINT64, cause->seq);
	p += CAUSE_BYTES;
	if (hash_zero(&cause->hash)) {
		*p = MP_NIL;
		return p + 1;
	}
	p[0] = MP_BIN8;
	p[1] = CL_HASH_BYTES;
	memcpy(p + 2, cause->hash.b, CL_HASH_BYTES);
	return p + HASH_BYTES;
}

void cl_record_encode(const struct cl_record *record, struct cl_buf *out) {
	CL_ASSERT(record->who.n <= CL_WHO_MAX && cl_utf8_valid(record->who));
	CL_ASSERT(record->cause.service <= UINT8_MAX && record->cause.partition <= UINT16_MAX);
	CL_ASSERT(starts_as_map(record->payload));
	size_t most = FIXED_BYTES + 2 + record->who.n + CAUSE_BYTES + HASH_BYTES + (size_t)record->payload.n;
	uint8_t *start = cl_buf_reserve(out, most);

	put_fixed(start, record);
	uint8_t *p = start + AT_WHO;
	*p++ = MP_STR8;
	*p++ = (uint8_t)record->who.n;
	if (record->who.n > 0)
		memcpy(p, record->who.p, record->who.n);
	p = put_cause(p + record->who.n, &record->cause);
	memcpy(p, record->payload.p, record->payload.n);
	p += record->payload.n;
	CL_ASSERT((size_t)(p - start) <= CL_RECORD_MAX);
	out->n += (size_t)(p - start);
}

/* The head bytes of the fixed part, gathered without a branch for each. */
static bool fixed_heads_hold(const uint8_t *p) {
	unsigned wrong = (unsigned)(p[0] ^ MP_ARRAY15) | (unsigned)(p[AT_FORMAT] ^ FORMAT_1);
	wrong |= (unsigned)(p[AT_SEQ] ^ MP_UINT64) | (unsigned)(p[AT_RECORDED] ^ MP_INT64);
	wrong |= (unsigned)(p[AT_OCCURRED] ^ MP_INT64) | (unsigned)(p[AT_TYPE] ^ MP_UINT16);
	wrong |= (unsigned)(p[AT_VERSION] ^ MP_UINT8) | (unsigned)(p[AT_KIND] ^ MP_UINT8);
	wrong |= (unsigned)(p[AT_AGGREGATE] ^ MP_BIN8) | (unsigned)(p[AT_AGGREGATE + 1] ^ 16);
	wrong |= (unsigned)(p[AT_AGGREGATE_VERSION] ^ MP_UINT32) | (unsigned)(p[AT_PREVIOUS] ^ MP_UINT64);
	wrong |= (unsigned)(p[AT_COMMAND] ^ MP_BIN8) | (unsigned)(p[AT_COMMAND + 1] ^ 16);
	wrong |= (unsigned)(p[AT_CORRELATION] ^ MP_BIN8) | (unsigned)(p[AT_CORRELATION + 1] ^ 16);
	return wrong == 0;
}

static void get_fixed(const uint8_t *p, struct cl_record *record) {
	record->seq = cl_be64_get(p + AT_SEQ + 1);
	record->recorded_ms = (int64_t)cl_be64_get(p + AT_RECORDED + 1);
	record->occurred_ms = (int64_t)cl_be64_get(p + AT_OCCURRED + 1);
	record->type = cl_be16_get(p + AT_TYPE + 1);
	record->version = p[AT_VERSION + 1];
	record->kind = p[AT_KIND + 1];
	memcpy(record->aggregate.b, p + AT_AGGREGATE + 2, sizeof record->aggregate.b);
	record->aggregate_version = cl_be32_get(p + AT_AGGREGATE_VERSION + 1);
	record->previous = cl_be64_get(p + AT_PREVIOUS + 1);
	memcpy(record->command.b, p + AT_COMMAND + 2, sizeof record->command.b);
	memcpy(record->correlation.b, p + AT_CORRELATION + 2, sizeof record->correlation.b);
}

static struct cl_bytes behind(struct cl_bytes bytes, uint32_t n) {
	return (struct cl_bytes){bytes.p + n, bytes.n - n};
}

static int get_who(struct cl_bytes *rest, struct cl_str *ret_who) {
	if (rest->n < 2)
		return CL_E_TRUNCATED;
	uint32_t n = rest->p[1];
	if (rest->p[0] != MP_STR8 || n > CL_WHO_MAX)
		return CL_E_MALFORMED;
	if (rest->n - 2 < n)
		return CL_E_TRUNCATED;
	*ret_who = (struct cl_str){(const char *)rest->p + 2, n};
	if (!cl_utf8_valid(*ret_who))
		return CL_E_MALFORMED;
	*rest = behind(*rest, 2 + n);
	return CL_OK;
}

static int get_cause_hash(struct cl_bytes *rest, struct cl_hash *ret_hash) {
	if (rest->n < 1)
		return CL_E_TRUNCATED;
	if (rest->p[0] == MP_NIL) {
		*rest = behind(*rest, 1);
		return CL_OK;
	}
	if (rest->p[0] != MP_BIN8)
		return CL_E_MALFORMED;
	if (rest->n < HASH_BYTES)
		return CL_E_TRUNCATED;
	memcpy(ret_hash->b, rest->p + 2, CL_HASH_BYTES);
	if (rest->p[1] != CL_HASH_BYTES || hash_zero(ret_hash))
		return CL_E_MALFORMED;
	*rest = behind(*rest, HASH_BYTES);
	return CL_OK;
}

static int get_cause(struct cl_bytes *rest, struct cl_cause *ret_cause) {
	*ret_cause = (struct cl_cause){0};
	if (rest->n < 1)
		return CL_E_TRUNCATED;
	if (rest->p[0] == MP_NIL) {
		*rest = behind(*rest, 1);
		return CL_OK;
	}
	if (rest->p[0] != MP_ARRAY4)
		return CL_E_MALFORMED;
	if (rest->n < CAUSE_BYTES)
		return CL_E_TRUNCATED;
	const uint8_t *p = rest->p;
	if (p[1] != MP_UINT8 || p[2] == 0 || p[3] != MP_UINT16 || p[6] != MP_UINT64)
		return CL_E_MALFORMED;
	ret_cause->service = p[2];
	ret_cause->partition = cl_be16_get(p + 4);
	ret_cause->seq = cl_be64_get(p + 7);
	*rest = behind(*rest, CAUSE_BYTES);
	return get_cause_hash(rest, &ret_cause->hash);
}

int cl_record_decode(struct cl_bytes bytes, struct cl_record *ret_record) {
	if (bytes.n > CL_RECORD_MAX)
		return CL_E_TOOBIG;
	if (bytes.n < FIXED_BYTES)
		return CL_E_TRUNCATED;
	if (!fixed_heads_hold(bytes.p))
		return CL_E_MALFORMED;
	get_fixed(bytes.p, ret_record);

	struct cl_bytes rest = behind(bytes, FIXED_BYTES);
	int rc = get_who(&rest, &ret_record->who);
	if (rc != CL_OK)
		return rc;
	rc = get_cause(&rest, &ret_record->cause);
	if (rc != CL_OK)
		return rc;
	if (rest.n == 0)
		return CL_E_TRUNCATED;
	ret_record->payload = rest;
	return starts_as_map(rest) ? CL_OK : CL_E_MALFORMED;
}

uint64_t cl_record_seq(struct cl_bytes bytes) {
	CL_ASSERT(bytes.n >= FIXED_BYTES);
	return cl_be64_get(bytes.p + AT_SEQ + 1);
}

uint16_t cl_record_type(struct cl_bytes bytes) {
	CL_ASSERT(bytes.n >= FIXED_BYTES);
	return cl_be16_get(bytes.p + AT_TYPE + 1);
}

int cl_stored_open(struct cl_bytes value, struct cl_stored *ret_stored) {
	if (value.n <= CL_STORED_HEAD)
		return CL_E_CORRUPT;
	if (cl_be32_get(value.p) != cl_crc32c(0, value.p + 4, value.n - 4))
		return CL_E_CORRUPT;
	memcpy(ret_stored->hash.b, value.p + 4, CL_HASH_BYTES);
	ret_stored->record = behind(value, CL_STORED_HEAD);
	return CL_OK;
}

void cl_stored_put(struct cl_hash hash, struct cl_bytes record, struct cl_buf *out) {
	uint8_t *p = cl_buf_reserve(out, CL_STORED_HEAD + (size_t)record.n);
	memcpy(p + 4, hash.b, CL_HASH_BYTES);
	memcpy(p + CL_STORED_HEAD, record.p, record.n);
	cl_be32_put(p, cl_crc32c(0, p + 4, CL_HASH_BYTES + (size_t)record.n));
	out->n += CL_STORED_HEAD + (size_t)record.n;
}
