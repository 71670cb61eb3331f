#include "codec_int.h"
#include "msgpack_read.h"

struct decoder {
	struct mp_reader r;
	const uint8_t *start;
	struct cl_arena *arena;
	struct cl_field_error *error; /* may be NULL */
	bool trusted;                 /* no checks of text, enums, bounds and presence; every bound of memory stays */
};

static int fail(const struct decoder *d, int code, const struct codec_place *place, const uint8_t *at) {
	return codec_fail(code, place, (size_t)(at - d->start), d->error);
}

static int decode_schema(struct decoder *d, const struct cl_schema *schema, void *value, const struct codec_place *up);

/* Makes room for a list whose items take at least min_bytes each. Where so many cannot stand in the bytes that remain,
 * one of them is not valid: room for one is made then, in which they are read one over the other until that one is
 * found. */
static int reserve_list(struct decoder *d, uint64_t count, uint64_t max, size_t min_bytes, size_t size, void *at,
                        bool *ret_short) {
	if (count > max)
		return CL_E_TOOBIG;
	*ret_short = count > (uint64_t)(d->r.end - d->r.p) / min_bytes;
	if (*ret_short && d->trusted)
		return CL_E_TRUNCATED;
	size_t room = *ret_short ? 1 : (size_t)count;
	struct codec_list list = {room ? cl_arena_alloc(d->arena, room * size) : NULL, (uint32_t)count};
	memcpy(at, &list, sizeof(list));
	return CL_OK;
}

static int decode_list(struct decoder *d, struct codec_place *place, uint64_t count, void *at) {
	const struct cl_schema *sub = place->field->sub;
	bool is_short = false;
	int rc = reserve_list(d, count, place->field->max, codec_min_bytes(sub), sub->size, at, &is_short);
	if (rc != CL_OK)
		return fail(d, rc, place, d->r.p);
	uint8_t *items = codec_list_at(at).v;
	place->indexed = true;
	for (place->index = 0; rc == CL_OK && place->index < count; place->index++) {
		uint8_t *item = is_short ? items : items + (size_t)place->index * sub->size;
		memset(item, 0, is_short ? sub->size : 0);
		rc = decode_schema(d, sub, item, place);
	}
	CL_ASSERT(!is_short || rc != CL_OK);
	place->indexed = false;
	return rc;
}

/* STRS and IDS: items are bodies of one kind. */
static int decode_items(struct decoder *d, struct codec_place *place, uint64_t count, void *at) {
	bool ids = place->field->type == CL_TYPE_IDS, is_short = false;
	int rc = reserve_list(d, count, place->field->max, ids ? 18 : 1, codec_item_size(place->field), at, &is_short);
	if (rc != CL_OK)
		return fail(d, rc, place, d->r.p);
	void *items = codec_list_at(at).v;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *start = d->r.p;
		struct mp_head head;
		rc = mp_head(&d->r, &head);
		if (rc == CL_OK &&
		    (head.kind != (ids ? MP_BIN : MP_STR) || (ids && head.value != sizeof(struct cl_id))))
			rc = CL_E_MALFORMED;
		if (rc != CL_OK) {
			place->indexed = true;
			place->index = i;
			return fail(d, rc, place, start);
		}
		if (ids)
			memcpy((struct cl_id *)items + (is_short ? 0 : i), d->r.p, sizeof(struct cl_id));
		else
			((struct cl_str *)items)[is_short ? 0 : i] =
			        (struct cl_str){(const char *)d->r.p, (uint32_t)head.value};
		d->r.p += head.value;
	}
	CL_ASSERT(!is_short);
	return CL_OK;
}

/* MALFORMED: the head is not of the field's type. */
static int store_number(const struct cl_field *field, struct mp_head head, void *at) {
	bool is_signed = field->type == CL_TYPE_I64 || field->type == CL_TYPE_TIME;
	if (head.kind == MP_NEGATIVE ? !is_signed : head.kind != MP_UINT)
		return CL_E_MALFORMED;
	if (is_signed) {
		if (head.kind == MP_UINT && head.value > INT64_MAX)
			return CL_E_RANGE;
		*(int64_t *)at = (int64_t)head.value;
	} else if (field->type == CL_TYPE_U64) {
		*(uint64_t *)at = head.value;
	} else {
		if (head.value > UINT32_MAX)
			return field->type == CL_TYPE_ENUM ? CL_E_UNKNOWN : CL_E_RANGE;
		*(uint32_t *)at = (uint32_t)head.value;
	}
	return CL_OK;
}

static int store_fixed(struct decoder *d, struct mp_head head, void *at, size_t size) {
	if (head.kind != MP_BIN || head.value != size)
		return CL_E_MALFORMED;
	memcpy(at, d->r.p, size);
	d->r.p += size;
	return CL_OK;
}

static int store_scalar(struct decoder *d, const struct cl_field *field, struct mp_head head, void *at) {
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
	case CL_TYPE_U64:
	case CL_TYPE_I64:
	case CL_TYPE_TIME:
	case CL_TYPE_ENUM:
		return store_number(field, head, at);
	case CL_TYPE_BOOL:
		*(bool *)at = head.value != 0;
		return head.kind == MP_BOOL ? CL_OK : CL_E_MALFORMED;
	case CL_TYPE_ID:
		return store_fixed(d, head, at, sizeof(struct cl_id));
	case CL_TYPE_HASH:
		return store_fixed(d, head, at, CL_HASH_BYTES);
	case CL_TYPE_STR:
	case CL_TYPE_BYTES: /* cl_str and cl_bytes differ in the pointer's type only */
		if (head.kind != (field->type == CL_TYPE_STR ? MP_STR : MP_BIN))
			return CL_E_MALFORMED;
		if (field->type == CL_TYPE_STR)
			*(struct cl_str *)at = (struct cl_str){(const char *)d->r.p, (uint32_t)head.value};
		else
			*(struct cl_bytes *)at = (struct cl_bytes){d->r.p, (uint32_t)head.value};
		d->r.p += head.value;
		return CL_OK;
	case CL_TYPE_ONE:
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		break;
	}
	CL_UNREACHABLE();
}

static int check(const struct decoder *d, struct codec_place *place, const void *at, const uint8_t *start) {
	if (d->trusted)
		return CL_OK;
	int rc = codec_check_field(place->field, at, &place->index);
	if (rc == CL_OK)
		return CL_OK;
	place->indexed = place->index != UINT32_MAX;
	return fail(d, rc, place, start);
}

static int decode_field(struct decoder *d, struct codec_place *place, void *at) {
	const struct cl_field *field = place->field;
	const uint8_t *start = d->r.p;
	if (field->type == CL_TYPE_ONE)
		return decode_schema(d, field->sub, at, place);
	struct mp_head head;
	int rc = mp_head(&d->r, &head);
	if (rc != CL_OK)
		return fail(d, rc, place, start);
	if (field->type >= CL_TYPE_LIST) {
		if (head.kind != MP_ARRAY)
			return fail(d, CL_E_MALFORMED, place, start);
		rc = field->type == CL_TYPE_LIST ? decode_list(d, place, head.value, at)
		                                 : decode_items(d, place, head.value, at);
		return rc == CL_OK && field->type == CL_TYPE_STRS ? check(d, place, at, start) : rc;
	}
	rc = store_scalar(d, field, head, at);
	return rc == CL_OK ? check(d, place, at, start) : fail(d, rc, place, start);
}

/* The field of the tag, or NULL. Tags mostly come in rising order, so the search starts behind the last one found. */
static const struct cl_field *find_field(const struct cl_schema *schema, uint64_t tag, uint32_t *next) {
	for (uint32_t tries = 0, i = *next; tries < schema->n; tries++, i++) {
		if (i >= schema->n)
			i = 0;
		if (schema->fields[i].tag == tag) {
			*next = i + 1;
			return &schema->fields[i];
		}
	}
	return NULL;
}

static int check_required(const struct decoder *d, const struct cl_schema *schema, const void *value,
                          const struct codec_place *up, const uint8_t *start) {
	for (uint32_t i = 0; i < schema->n; i++) {
		struct codec_place place = {.up = up, .field = &schema->fields[i]};
		if ((place.field->flags & CL_F_REQUIRED) && codec_empty(place.field, codec_in(value, place.field)))
			return codec_missing(&place, (size_t)(start - d->start), d->error);
	}
	return CL_OK;
}

/* *value is zeroed. */
static int decode_schema(struct decoder *d, const struct cl_schema *schema, void *value, const struct codec_place *up) {
	const uint8_t *start = d->r.p;
	struct mp_head head;
	uint64_t seen = 0;
	uint32_t next = 0;
	int rc = mp_head(&d->r, &head);
	if (rc == CL_OK && head.kind != MP_MAP)
		rc = CL_E_MALFORMED;
	if (rc != CL_OK)
		return fail(d, rc, up, start);
	for (uint64_t i = 0; i < head.value; i++) {
		const uint8_t *pair = d->r.p;
		struct mp_head key;
		rc = mp_head(&d->r, &key);
		if (rc != CL_OK || key.kind != MP_UINT)
			return fail(d, rc != CL_OK ? rc : CL_E_MALFORMED, up, pair);
		struct codec_place place = {.up = up, .field = find_field(schema, key.value, &next)};
		if (!place.field) {
			rc = mp_skip(&d->r, CL_NESTING_MAX);
			if (rc != CL_OK)
				return fail(d, rc, up, d->r.p);
			continue;
		}
		uint64_t bit = (uint64_t)1 << (place.field - schema->fields);
		if (seen & bit)
			return fail(d, CL_E_MALFORMED, &place, pair); /* two values for one field */
		seen |= bit;
		rc = decode_field(d, &place, codec_at(value, place.field));
		if (rc != CL_OK)
			return rc;
	}
	return d->trusted ? CL_OK : check_required(d, schema, value, up, start);
}

static int decode_whole(struct decoder *d, const struct cl_schema *schema, void *ret_value) {
	memset(ret_value, 0, schema->size);
	if (d->r.p == d->r.end)
		return fail(d, CL_E_TRUNCATED, NULL, d->start);
	int rc = decode_schema(d, schema, ret_value, NULL);
	if (rc == CL_OK && d->r.p != d->r.end)
		rc = fail(d, CL_E_MALFORMED, NULL, d->r.p);
	if (rc != CL_OK)
		memset(ret_value, 0, schema->size);
	return rc;
}

int cl_decode(const struct cl_schema *schema, struct cl_bytes bytes, struct cl_arena *arena, void *ret_value,
              struct cl_field_error *ret_error) {
	size_t used, offset = 0;
	int rc = cl_msgpack_scan(bytes, &used, &offset);
	if (rc != CL_OK)
		return codec_fail(rc, NULL, offset, ret_error);
	if (used != bytes.n)
		return codec_fail(CL_E_MALFORMED, NULL, used, ret_error);
	struct decoder d = {{bytes.p, bytes.p + bytes.n}, bytes.p, arena, ret_error, false};
	return decode_whole(&d, schema, ret_value);
}

int cl_decode_trusted(const struct cl_schema *schema, struct cl_bytes bytes, struct cl_arena *arena, void *ret_value) {
	struct decoder d = {{bytes.p, bytes.n ? bytes.p + bytes.n : bytes.p}, bytes.p, arena, NULL, true};
	return decode_whole(&d, schema, ret_value);
}
