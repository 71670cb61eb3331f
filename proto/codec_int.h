/* What the files of the codec share; nobody else includes it. */
#ifndef CL_PROTO_CODEC_INT_H
#define CL_PROTO_CODEC_INT_H

#include "base/assert.h"
#include "codec.h"

/* Where in a value the walk stands: fields from the whole down to here, built on the stack of the walk. */
struct codec_place {
	const struct codec_place *up; /* NULL at the top */
	const struct cl_field *field;
	uint32_t index;
	bool indexed;
};

/* A LIST, STRS or IDS field whatever its items are. Read and written by memcpy only: the pointers' types differ. */
struct codec_list {
	void *v;
	uint32_t n;
};

static inline struct codec_list codec_list_at(const void *at) {
	struct codec_list list;
	memcpy(&list, at, sizeof(list));
	return list;
}

static inline void *codec_at(void *value, const struct cl_field *field) {
	return (uint8_t *)value + field->offset;
}

static inline const void *codec_in(const void *value, const struct cl_field *field) {
	return (const uint8_t *)value + field->offset;
}

#define CODEC_TIME_MIN INT64_C(-2208988800000)  /* 1900-01-01T00:00:00Z: what base/time.h can write and read */
#define CODEC_TIME_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

bool codec_empty(const struct cl_field *field, const void *at); /* zero or empty, so absent on the wire */
bool codec_all_empty(const struct cl_schema *schema, const void *value);

/* Bounds, text and enum of one field that is no ONE and whose LIST items are not looked into. */
int codec_check_field(const struct cl_field *field, const void *at, uint32_t *ret_index);
int codec_check_text(struct cl_str s, uint64_t max, unsigned flags);

/* Fills ret_error (may be NULL) and returns code. */
int codec_fail(int code, const struct codec_place *place, size_t offset, struct cl_field_error *ret_error);

/* The same for a required field that is absent. */
int codec_missing(const struct codec_place *place, size_t offset, struct cl_field_error *ret_error);

/* Size in bytes of the smallest valid encoding: bounds how many can stand in given bytes. */
size_t codec_min_bytes(const struct cl_schema *schema);

/* Size of one item of a LIST, STRS or IDS. */
size_t codec_item_size(const struct cl_field *field);

#endif
