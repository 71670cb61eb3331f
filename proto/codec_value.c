/* What can be said of a value without its bytes: emptiness, validity, equality, copies. */
#include <stdio.h>

#include "codec_int.h"

size_t codec_item_size(const struct cl_field *field) {
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_LIST:
		return field->sub->size;
	case CL_TYPE_STRS:
		return sizeof(struct cl_str);
	case CL_TYPE_IDS:
		return sizeof(struct cl_id);
	case CL_TYPE_U32:
	case CL_TYPE_U64:
	case CL_TYPE_I64:
	case CL_TYPE_BOOL:
	case CL_TYPE_TIME:
	case CL_TYPE_ID:
	case CL_TYPE_STR:
	case CL_TYPE_BYTES:
	case CL_TYPE_HASH:
	case CL_TYPE_ENUM:
	case CL_TYPE_ONE:
		break;
	}
	CL_UNREACHABLE();
}

static bool all_zero(const uint8_t *p, size_t n) {
	for (size_t i = 0; i < n; i++) {
		if (p[i])
			return false;
	}
	return true;
}

bool codec_all_empty(const struct cl_schema *schema, const void *value) {
	for (uint32_t i = 0; i < schema->n; i++) {
		if (!codec_empty(&schema->fields[i], codec_in(value, &schema->fields[i])))
			return false;
	}
	return true;
}

bool codec_empty(const struct cl_field *field, const void *at) {
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
	case CL_TYPE_ENUM:
		return *(const uint32_t *)at == 0;
	case CL_TYPE_U64:
		return *(const uint64_t *)at == 0;
	case CL_TYPE_I64:
	case CL_TYPE_TIME:
		return *(const int64_t *)at == 0;
	case CL_TYPE_BOOL:
		return !*(const bool *)at;
	case CL_TYPE_ID:
		return cl_id_zero(*(const struct cl_id *)at);
	case CL_TYPE_STR:
		return ((const struct cl_str *)at)->n == 0;
	case CL_TYPE_BYTES:
		return ((const struct cl_bytes *)at)->n == 0;
	case CL_TYPE_HASH:
		return all_zero(at, CL_HASH_BYTES);
	case CL_TYPE_ONE:
		return codec_all_empty(field->sub, at);
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		return codec_list_at(at).n == 0;
	}
	CL_UNREACHABLE();
}

/* -- validity -- */
static size_t put_path(const struct codec_place *place, char *path, size_t n) {
	if (!place)
		return n;
	n = put_path(place->up, path, n);
	int written = snprintf(path + n, CL_FIELD_PATH_BYTES - n, "%s%s", n ? "." : "", place->field->name);
	n += (size_t)written;
	CL_ASSERT(n < CL_FIELD_PATH_BYTES);
	if (place->indexed)
		n += (size_t)snprintf(path + n, CL_FIELD_PATH_BYTES - n, "[%u]", place->index);
	CL_ASSERT(n < CL_FIELD_PATH_BYTES); /* a test measures the longest path of the rows */
	return n;
}

int codec_fail(int code, const struct codec_place *place, size_t offset, struct cl_field_error *ret_error) {
	if (ret_error) {
		*ret_error =
		        (struct cl_field_error){.code = code, .field = place ? place->field : NULL, .offset = offset};
		put_path(place, ret_error->path, 0);
	}
	return code;
}

int codec_missing(const struct codec_place *place, size_t offset, struct cl_field_error *ret_error) {
	codec_fail(CL_E_INVALID, place, offset, ret_error);
	if (ret_error)
		ret_error->missing = true;
	return CL_E_INVALID;
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Whether none of eight bytes is below 0x20, DEL, or 0xc2, which begins the two bytes of each C1 character. A byte x is
 * below n just where x - n borrows and x has no high bit. */
static bool eight_plain(const uint8_t *p) {
	uint64_t x;
	memcpy(&x, p, sizeof(x));
	uint64_t del = x ^ EACH_BYTE * 0x7f, c2 = x ^ EACH_BYTE * 0xc2;
	uint64_t found = ((x - EACH_BYTE * 0x20) & ~x) | ((del - EACH_BYTE) & ~del) | ((c2 - EACH_BYTE) & ~c2);
	return !(found & EACH_BYTE * 0x80);
}

/* C0 and C1 control characters and DEL (Unicode category Cc). */
static bool control_free(struct cl_str s, bool multiline) {
	const uint8_t *p = (const uint8_t *)s.p;
	for (uint32_t i = 0; i < s.n; i++) {
		while (s.n - i >= 8 && eight_plain(p + i))
			i += 8;
		if (i == s.n)
			break;
		if (p[i] >= 0x20 && p[i] != 0x7f && p[i] != 0xc2)
			continue;
		if (p[i] == 0xc2 ? i + 1 < s.n && p[i + 1] < 0xa0
		                 : !multiline || (p[i] != '\n' && p[i] != '\r' && p[i] != '\t'))
			return false;
	}
	return true;
}

int codec_check_text(struct cl_str s, uint64_t max, unsigned flags) {
	if (s.n > max)
		return CL_E_TOOBIG;
	return cl_utf8_valid(s) && control_free(s, flags & CL_F_MULTILINE) ? CL_OK : CL_E_INVALID;
}

static int check_strs(const struct cl_field *field, const void *at, uint32_t *ret_index) {
	const struct cl_strs *strs = at;
	for (uint32_t i = 0; i < strs->n; i++) {
		int rc = codec_check_text(strs->v[i], CL_STRS_ITEM_MAX, field->flags);
		if (rc != CL_OK) {
			*ret_index = i;
			return rc;
		}
	}
	return CL_OK;
}

static int within(uint64_t value, uint64_t max) {
	return max && value > max ? CL_E_RANGE : CL_OK;
}

int codec_check_field(const struct cl_field *field, const void *at, uint32_t *ret_index) {
	*ret_index = UINT32_MAX;
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
		return within(*(const uint32_t *)at, field->max);
	case CL_TYPE_U64:
		return within(*(const uint64_t *)at, field->max);
	case CL_TYPE_I64: {
		int64_t number = *(const int64_t *)at;
		return number < 0 ? CL_OK : within((uint64_t)number, field->max);
	}
	case CL_TYPE_TIME: {
		int64_t ms = *(const int64_t *)at;
		return ms < CODEC_TIME_MIN || ms > CODEC_TIME_MAX ? CL_E_RANGE : CL_OK;
	}
	case CL_TYPE_STR:
		return codec_check_text(*(const struct cl_str *)at, field->max, field->flags);
	case CL_TYPE_BYTES:
		return ((const struct cl_bytes *)at)->n > field->max ? CL_E_TOOBIG : CL_OK;
	case CL_TYPE_ENUM: {
		uint32_t number = *(const uint32_t *)at;
		return number && !cl_enum_find(field->en, number) ? CL_E_UNKNOWN : CL_OK;
	}
	case CL_TYPE_LIST:
	case CL_TYPE_IDS:
		return codec_list_at(at).n > field->max ? CL_E_TOOBIG : CL_OK;
	case CL_TYPE_STRS:
		return codec_list_at(at).n > field->max ? CL_E_TOOBIG : check_strs(field, at, ret_index);
	case CL_TYPE_BOOL:
	case CL_TYPE_ID:
	case CL_TYPE_HASH:
	case CL_TYPE_ONE:
		return CL_OK;
	}
	CL_UNREACHABLE();
}

static int validate(const struct cl_schema *schema, const void *value, const struct codec_place *up,
                    struct cl_field_error *ret_error);

static int validate_field(const struct cl_field *field, const void *at, struct codec_place *place,
                          struct cl_field_error *ret_error) {
	if (codec_empty(field, at))
		return field->flags & CL_F_REQUIRED ? codec_missing(place, 0, ret_error) : CL_OK;
	int rc = codec_check_field(field, at, &place->index);
	if (rc != CL_OK) {
		place->indexed = place->index != UINT32_MAX;
		return codec_fail(rc, place, 0, ret_error);
	}
	if (field->type == CL_TYPE_ONE)
		return validate(field->sub, at, place, ret_error);
	if (field->type != CL_TYPE_LIST)
		return CL_OK;
	struct codec_list list = codec_list_at(at);
	place->indexed = true;
	for (place->index = 0; rc == CL_OK && place->index < list.n; place->index++)
		rc = validate(field->sub, (const uint8_t *)list.v + (size_t)place->index * field->sub->size, place,
		              ret_error);
	return rc;
}

static int validate(const struct cl_schema *schema, const void *value, const struct codec_place *up,
                    struct cl_field_error *ret_error) {
	for (uint32_t i = 0; i < schema->n; i++) {
		struct codec_place place = {.up = up, .field = &schema->fields[i]};
		int rc = validate_field(place.field, codec_in(value, place.field), &place, ret_error);
		if (rc != CL_OK)
			return rc;
	}
	return CL_OK;
}

int cl_validate(const struct cl_schema *schema, const void *value, struct cl_field_error *ret_error) {
	return validate(schema, value, NULL, ret_error);
}

size_t codec_min_bytes(const struct cl_schema *schema) {
	size_t n = 1;
	for (uint32_t i = 0; i < schema->n; i++) {
		if (schema->fields[i].flags & CL_F_REQUIRED)
			n += 2; /* a tag and at least one byte */
	}
	return n;
}

/* -- copies -- */
static void copy_list(const struct cl_field *field, struct cl_arena *arena, void *at) {
	struct codec_list list = codec_list_at(at);
	size_t size = codec_item_size(field);
	const uint8_t *from = list.v;
	uint8_t *to = list.n ? cl_arena_alloc(arena, list.n * size) : NULL;
	for (uint32_t i = 0; i < list.n; i++) {
		const void *item = from + i * size;
		if (field->type == CL_TYPE_LIST)
			cl_copy(field->sub, item, arena, to + i * size);
		else if (field->type == CL_TYPE_STRS)
			*(struct cl_str *)(void *)(to + i * size) = cl_arena_str(arena, *(const struct cl_str *)item);
		else
			memcpy(to + i * size, item, size);
	}
	list.v = to;
	memcpy(at, &list, sizeof(list));
}

void cl_copy(const struct cl_schema *schema, const void *from, struct cl_arena *arena, void *to) {
	if (from != to)
		memcpy(to, from, schema->size);
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		void *at = codec_at(to, field);
		if (field->type == CL_TYPE_STR) {
			struct cl_str *s = at;
			*s = s->n ? cl_arena_str(arena, *s) : (struct cl_str){NULL, 0};
		} else if (field->type == CL_TYPE_BYTES) {
			struct cl_bytes *b = at;
			uint8_t *p = b->n ? cl_arena_alloc(arena, b->n) : NULL;
			if (b->n)
				memcpy(p, b->p, b->n);
			b->p = p;
		} else if (field->type == CL_TYPE_ONE) {
			cl_copy(field->sub, at, arena, at);
		} else if (field->type == CL_TYPE_LIST || field->type == CL_TYPE_STRS || field->type == CL_TYPE_IDS) {
			copy_list(field, arena, at);
		}
	}
}

/* -- equality -- */
static bool equal_lists(const struct cl_field *field, struct codec_list a, struct codec_list b) {
	size_t size = codec_item_size(field);
	if (a.n != b.n)
		return false;
	for (uint32_t i = 0; i < a.n; i++) {
		const void *x = (const uint8_t *)a.v + i * size, *y = (const uint8_t *)b.v + i * size;
		bool same = field->type == CL_TYPE_LIST ? cl_equal(field->sub, x, y)
		            : field->type == CL_TYPE_STRS
		                    ? cl_str_eq(*(const struct cl_str *)x, *(const struct cl_str *)y)
		                    : memcmp(x, y, size) == 0;
		if (!same)
			return false;
	}
	return true;
}

static bool equal_fields(const struct cl_field *field, const void *a, const void *b) {
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
	case CL_TYPE_ENUM:
		return *(const uint32_t *)a == *(const uint32_t *)b;
	case CL_TYPE_U64:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	case CL_TYPE_I64:
	case CL_TYPE_TIME:
		return *(const int64_t *)a == *(const int64_t *)b;
	case CL_TYPE_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case CL_TYPE_ID:
		return cl_id_eq(*(const struct cl_id *)a, *(const struct cl_id *)b);
	case CL_TYPE_HASH:
		return cl_hash_eq(*(const struct cl_hash *)a, *(const struct cl_hash *)b);
	case CL_TYPE_STR:
		return cl_str_eq(*(const struct cl_str *)a, *(const struct cl_str *)b);
	case CL_TYPE_BYTES: {
		const struct cl_bytes *x = a, *y = b;
		return x->n == y->n && (x->n == 0 || memcmp(x->p, y->p, x->n) == 0);
	}
	case CL_TYPE_ONE:
		return cl_equal(field->sub, a, b);
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		return equal_lists(field, codec_list_at(a), codec_list_at(b));
	}
	CL_UNREACHABLE();
}

bool cl_equal(const struct cl_schema *schema, const void *a, const void *b) {
	for (uint32_t i = 0; i < schema->n; i++) {
		if (!equal_fields(&schema->fields[i], codec_in(a, &schema->fields[i]), codec_in(b, &schema->fields[i])))
			return false;
	}
	return true;
}
