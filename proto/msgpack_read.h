/* Reads msgpack heads one after another, never beyond the end. The scan and the decoder walk bytes with it: that takes
 * a third of the time of building msgpack-c's object tree and walking that (proto/README.md has the figures), and
 * a length that lies reserves nothing. Format: https://github.com/msgpack/msgpack/blob/master/spec.md */
#ifndef CL_PROTO_MSGPACK_READ_H
#define CL_PROTO_MSGPACK_READ_H

#include "base/error.h"
#include "base/str.h"

struct mp_reader {
	const uint8_t *p, *end;
};

enum mp_kind { MP_NIL, MP_BOOL, MP_UINT, MP_NEGATIVE, MP_FLOAT, MP_STR, MP_BIN, MP_EXT, MP_ARRAY, MP_MAP };

struct mp_head {
	enum mp_kind kind;
	uint64_t value; /* the number (NEGATIVE: its bits), bytes of STR, BIN, EXT, items of ARRAY, pairs of MAP */
};

static inline uint64_t mp_big_endian(const uint8_t *p, unsigned width) {
	uint64_t value = 0;
	for (unsigned i = 0; i < width; i++)
		value = value << 8 | p[i];
	return value;
}

/* What a first byte from 0xc0 to 0xdf announces: its kind and the width of the number behind it. */
struct mp_form {
	uint8_t kind, width;
};
extern const struct mp_form mp_forms[32];
#define MP_NO_FORM 255

static inline int mp_long_head(struct mp_reader *r, uint8_t first, struct mp_head *ret_head) {
	struct mp_form form = mp_forms[first - 0xc0];
	if (form.kind == MP_NO_FORM)
		return CL_E_MALFORMED;
	if ((size_t)(r->end - r->p) < form.width)
		return CL_E_TRUNCATED;
	uint64_t value = mp_big_endian(r->p, form.width);
	r->p += form.width;
	enum mp_kind kind = (enum mp_kind)form.kind;
	if (kind == MP_BOOL) {
		value = first & 1;
	} else if (kind == MP_NEGATIVE) { /* int 8 to int 64 */
		unsigned shift = (64 - 8 * form.width) & 63;
		int64_t number = (int64_t)(value << shift) >> shift;
		value = (uint64_t)number;
		if (number >= 0)
			kind = MP_UINT;
	} else if (kind == MP_EXT) {
		value = first >= 0xd4 ? (uint64_t)1 << (first - 0xd4) : value;
		value++; /* its type byte */
	}
	*ret_head = (struct mp_head){kind, value};
	return CL_OK;
}

/* Reads one head. The body of a STR, BIN or EXT follows at r->p and is known to be there. */
static inline int mp_head(struct mp_reader *r, struct mp_head *ret_head) {
	if (r->p >= r->end)
		return CL_E_TRUNCATED;
	uint8_t first = *r->p++;
	if (first < 0x80) {
		*ret_head = (struct mp_head){MP_UINT, first};
		return CL_OK;
	}
	if (first >= 0xe0) {
		*ret_head = (struct mp_head){MP_NEGATIVE, (uint64_t)(int64_t)(int8_t)first};
		return CL_OK;
	}
	if (first < 0xa0) {
		*ret_head = (struct mp_head){first < 0x90 ? MP_MAP : MP_ARRAY, first & 15};
		return CL_OK;
	}
	if (first < 0xc0) {
		*ret_head = (struct mp_head){MP_STR, first & 31};
	} else {
		int rc = mp_long_head(r, first, ret_head);
		if (rc != CL_OK)
			return rc;
	}
	if (ret_head->kind >= MP_STR && ret_head->kind <= MP_EXT && ret_head->value > (uint64_t)(r->end - r->p))
		return CL_E_TRUNCATED;
	return CL_OK;
}

/* Passes over one whole value, containers included, nested at most `depth` deep. On error r->p stands at the fault. */
int mp_skip(struct mp_reader *r, unsigned depth);

#endif
