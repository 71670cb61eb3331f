/* The one codec, driven by the descriptor tables of schema.h: msgpack maps with integer tags as keys.
 * Bytes from outside are scanned first (counts against remaining bytes, depth), so a decode never reserves
 * more than a small multiple of what arrived. Encoding is canonical: rising tags, shortest forms, absent =
 * zero or empty; so equal values have equal bytes. Unknown tags are skipped (a newer writer), unknown enum
 * values are refused. */
#ifndef CL_PROTO_CODEC_H
#define CL_PROTO_CODEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "schema.h"

#define CL_FIELD_PATH_BYTES 160

/* What is wrong with which field; code is a cl_error (MALFORMED, TRUNCATED, TOODEEP, TOOBIG, RANGE, UNKNOWN,
 * INVALID = required but missing, or not valid UTF-8 / control characters). offset: byte in the input, decode only. */
struct cl_field_error {
	int code;
	const struct cl_field *field;   /* NULL when the whole value is wrong */
	char path[CL_FIELD_PATH_BYTES]; /* "lines[3].sku"; "" for the whole */
	size_t offset;
	bool missing; /* with INVALID: the field is required and absent */
};

/* Checks that p holds one complete msgpack value within n bytes, depth <= CL_NESTING_MAX; *ret_used is its size. */
CL_MUST_CHECK int cl_msgpack_scan(struct cl_bytes bytes, size_t *ret_used, size_t *ret_error_offset);

/* Appends the encoded value to out. The value must have been validated, or come from decide. */
void cl_encode(const struct cl_schema *schema, const void *value, struct cl_buf *out);

/* Decodes and validates. Strings and bytes of *ret_value borrow from the input; lists lie in the arena. ret_error may
 * be NULL. */
CL_MUST_CHECK int cl_decode(const struct cl_schema *schema, struct cl_bytes bytes, struct cl_arena *arena,
                            void *ret_value, struct cl_field_error *ret_error);
/* Like cl_decode for a payload written by schema version `version`: older shapes are upcast to the current struct. */
CL_MUST_CHECK int cl_decode_version(uint16_t type, uint32_t version, struct cl_bytes bytes, struct cl_arena *arena,
                                    const void **ret_value, struct cl_field_error *ret_error);
/* Like cl_decode but trusts that bytes were written by cl_encode and verified by a checksum (own log): skips the scan
 * and the validation of text. Still never reads outside bytes. */
CL_MUST_CHECK int cl_decode_trusted(const struct cl_schema *schema, struct cl_bytes bytes, struct cl_arena *arena,
                                    void *ret_value);

CL_MUST_CHECK int cl_validate(const struct cl_schema *schema, const void *value, struct cl_field_error *ret_error);

/* Deep copy: everything that *to points to lies in the arena. */
void cl_copy(const struct cl_schema *schema, const void *from, struct cl_arena *arena, void *to);
bool cl_equal(const struct cl_schema *schema, const void *a, const void *b);

enum cl_json_flag { CL_JSON_MASK_PERSONAL = 1 /* personal fields become null */, CL_JSON_PRETTY = 2 };
/* Appends JSON text: field names as in the rows, ids as UUID text, times as RFC 3339 in UTC, enums as their codes,
 * bytes as base64, hashes as hex; absent fields are left out. */
void cl_json_write(const struct cl_schema *schema, const void *value, unsigned flags, struct cl_buf *out);
/* Reads one JSON object; unknown members are an error that names them. Strings lie in the arena. Validates. */
CL_MUST_CHECK int cl_json_read(const struct cl_schema *schema, struct cl_bytes json, struct cl_arena *arena,
                               void *ret_value, struct cl_field_error *ret_error);
/* JSON string literal with quotes. */
void cl_json_string(struct cl_buf *out, struct cl_str s);

/* A random valid value for property tests; rng is a splitmix64 state. */
void cl_random_value(const struct cl_schema *schema, uint64_t *rng, struct cl_arena *arena, void *ret_value);

/* A sentence for people about a field error, Vietnamese or English (lang "vi", "en"), in the arena. */
struct cl_str cl_field_error_text(const struct cl_field_error *error, const char *lang, struct cl_arena *arena);

#endif
