#include <jansson.h>
#include <sodium.h>

#include "base/time.h"
#include "codec_int.h"
#include "json_int.h"

#define NAME_SHOWN_MAX 60 /* bytes of an unknown member's name that an error shows */

struct json_reader {
	struct cl_arena *arena;
	struct cl_field_error *error; /* may be NULL */
	bool wide;                    /* the text holds an integer beyond int64; integers were read as reals */
};

static int read_schema(struct json_reader *r, const struct cl_schema *schema, json_t *object, void *value,
                       const struct codec_place *up);

static struct cl_str text_of(json_t *json) {
	return (struct cl_str){json_string_value(json), (uint32_t)json_string_length(json)};
}

/* A number, or a string of its digits for what JSON numbers cannot hold (json_write.c). */
static int read_number(const struct json_reader *r, json_t *json, bool *ret_negative, uint64_t *ret_magnitude) {
	if (json_is_string(json)) {
		struct cl_str digits = text_of(json);
		*ret_negative = digits.n && digits.p[0] == '-';
		if (*ret_negative)
			digits = (struct cl_str){digits.p + 1, digits.n - 1};
		int rc = cl_str_u64(digits, ret_magnitude);
		return rc == CL_E_INVALID ? CL_E_MALFORMED : rc;
	}
	if (json_is_integer(json)) {
		json_int_t number = json_integer_value(json);
		*ret_negative = number < 0;
		*ret_magnitude = number < 0 ? -(uint64_t)number : (uint64_t)number;
		return CL_OK;
	}
	if (!r->wide || !json_is_real(json))
		return CL_E_MALFORMED;
	double real = json_real_value(json);
	*ret_negative = real < 0;
	if (real > (double)JSON_EXACT_MAX || real < -(double)JSON_EXACT_MAX)
		return CL_E_RANGE;
	*ret_magnitude = (uint64_t)(real < 0 ? -real : real);
	return (double)*ret_magnitude == (real < 0 ? -real : real) ? CL_OK : CL_E_MALFORMED;
}

static int store_number(const struct json_reader *r, const struct cl_field *field, json_t *json, void *at) {
	bool negative = false;
	uint64_t magnitude = 0;
	int rc = read_number(r, json, &negative, &magnitude);
	if (rc != CL_OK)
		return rc;
	if (field->type == CL_TYPE_I64) {
		if (magnitude > (uint64_t)INT64_MAX + negative)
			return CL_E_RANGE;
		*(int64_t *)at = (int64_t)(negative ? -magnitude : magnitude);
		return CL_OK;
	}
	if (negative && magnitude)
		return CL_E_RANGE;
	if (field->type == CL_TYPE_U64) {
		*(uint64_t *)at = magnitude;
		return CL_OK;
	}
	if (magnitude > UINT32_MAX)
		return CL_E_RANGE;
	*(uint32_t *)at = (uint32_t)magnitude;
	return CL_OK;
}

static int store_base64(struct json_reader *r, const struct cl_field *field, struct cl_str text, struct cl_bytes *at) {
	size_t n = 0;
	if (text.n / 4 > field->max / 3 + 1)
		return CL_E_TOOBIG;
	size_t room = text.n / 4 * 3 + 3;
	uint8_t *p = cl_arena_alloc(r->arena, room);
	if (sodium_base642bin(p, room, text.p ? text.p : "", text.n, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) !=
	    0)
		return CL_E_MALFORMED;
	*at = (struct cl_bytes){n ? p : NULL, (uint32_t)n};
	return CL_OK;
}

static int store_text(struct json_reader *r, const struct cl_field *field, json_t *json, void *at) {
	struct cl_str text = text_of(json);
	if (field->type == CL_TYPE_STR) {
		if (text.n > field->max)
			return CL_E_TOOBIG;
		*(struct cl_str *)at = text.n ? cl_arena_str(r->arena, text) : (struct cl_str){NULL, 0};
		return CL_OK;
	}
	if (field->type == CL_TYPE_ID)
		return cl_id_parse(text, at);
	if (field->type == CL_TYPE_HASH)
		return cl_hash_parse(text, at);
	if (field->type == CL_TYPE_TIME)
		return cl_time_parse(text, at);
	if (field->type == CL_TYPE_BYTES)
		return store_base64(r, field, text, at);
	const struct cl_enum_value *value = cl_enum_by_code(field->en, text);
	if (!value)
		return CL_E_UNKNOWN;
	*(uint32_t *)at = value->value;
	return CL_OK;
}

static int store_item(struct json_reader *r, struct codec_place *place, json_t *json, void *at) {
	int rc = CL_E_MALFORMED;
	if (place->field->type == CL_TYPE_LIST)
		return read_schema(r, place->field->sub, json, at, place);
	if (json_is_string(json) && place->field->type == CL_TYPE_IDS) {
		rc = cl_id_parse(text_of(json), at);
	} else if (json_is_string(json)) {
		rc = text_of(json).n > CL_STRS_ITEM_MAX ? CL_E_TOOBIG : CL_OK;
		if (rc == CL_OK)
			*(struct cl_str *)at = cl_arena_str(r->arena, text_of(json));
	}
	return rc == CL_OK ? CL_OK : codec_fail(rc, place, 0, r->error);
}

static int read_list(struct json_reader *r, struct codec_place *place, json_t *json, void *at) {
	size_t count = json_array_size(json), size = codec_item_size(place->field);
	if (!json_is_array(json))
		return codec_fail(CL_E_MALFORMED, place, 0, r->error);
	if (count > place->field->max)
		return codec_fail(CL_E_TOOBIG, place, 0, r->error);
	struct codec_list list = {count ? cl_arena_alloc(r->arena, count * size) : NULL, (uint32_t)count};
	int rc = CL_OK;
	memcpy(at, &list, sizeof(list));
	place->indexed = true;
	for (place->index = 0; rc == CL_OK && place->index < count; place->index++)
		rc = store_item(r, place, json_array_get(json, place->index),
		                (uint8_t *)list.v + (size_t)place->index * size);
	return rc;
}

static int read_field(struct json_reader *r, struct codec_place *place, json_t *json, void *at) {
	const struct cl_field *field = place->field;
	int rc = CL_E_MALFORMED;
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
	case CL_TYPE_U64:
	case CL_TYPE_I64:
		rc = store_number(r, field, json, at);
		break;
	case CL_TYPE_BOOL:
		*(bool *)at = json_is_true(json);
		rc = json_is_boolean(json) ? CL_OK : CL_E_MALFORMED;
		break;
	case CL_TYPE_TIME:
	case CL_TYPE_ID:
	case CL_TYPE_STR:
	case CL_TYPE_BYTES:
	case CL_TYPE_HASH:
	case CL_TYPE_ENUM:
		if (json_is_string(json))
			rc = store_text(r, field, json, at);
		break;
	case CL_TYPE_ONE:
		return read_schema(r, field->sub, json, at, place);
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		return read_list(r, place, json, at);
	}
	return rc == CL_OK ? CL_OK : codec_fail(rc, place, 0, r->error);
}

/* Appends a member's name to the path; a long name is shown by its beginning, cut between characters. */
static void put_member(struct cl_field_error *error, struct cl_str name) {
	size_t n = strlen(error->path), room = sizeof(error->path) - n - sizeof("...") - 1;
	size_t shown = name.n < NAME_SHOWN_MAX ? name.n : NAME_SHOWN_MAX;
	if (shown > room)
		shown = room;
	while (shown < name.n && shown && ((uint8_t)name.p[shown] & 0xc0) == 0x80)
		shown--;
	if (n)
		error->path[n++] = '.';
	memcpy(error->path + n, name.p ? name.p : "", shown);
	memcpy(error->path + n + shown, shown < name.n ? "..." : "", shown < name.n ? 4 : 1);
}

static int unknown_member(struct json_reader *r, const struct codec_place *up, const char *name) {
	codec_fail(CL_E_UNKNOWN, up, 0, r->error);
	if (r->error) {
		put_member(r->error, cl_str_from(name));
		r->error->field = NULL;
	}
	return CL_E_UNKNOWN;
}

static const struct cl_field *field_named(const struct cl_schema *schema, const char *name) {
	for (uint32_t i = 0; i < schema->n; i++) {
		if (strcmp(schema->fields[i].name, name) == 0)
			return &schema->fields[i];
	}
	return NULL;
}

/* A member that is null counts as absent: that is what masked fields and other people's encoders write. */
static int read_schema(struct json_reader *r, const struct cl_schema *schema, json_t *object, void *value,
                       const struct codec_place *up) {
	const char *name;
	json_t *member;
	if (!json_is_object(object))
		return codec_fail(CL_E_MALFORMED, up, 0, r->error);
	json_object_foreach(object, name, member) {
		struct codec_place place = {.up = up, .field = field_named(schema, name)};
		if (!place.field)
			return unknown_member(r, up, name);
		if (json_is_null(member))
			continue;
		int rc = read_field(r, &place, member, codec_at(value, place.field));
		if (rc != CL_OK)
			return rc;
	}
	return CL_OK;
}

/* The parser recurses, so depth is bounded before it starts. Brackets within strings do not count. */
static int check_depth(struct cl_bytes json, size_t *ret_offset) {
	unsigned depth = 0;
	bool in_string = false;
	for (uint32_t i = 0; i < json.n; i++) {
		uint8_t c = json.p[i];
		*ret_offset = i;
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '[') && ++depth > CL_NESTING_MAX)
			return CL_E_TOODEEP;
		else if (!in_string && (c == '}' || c == ']') && depth)
			depth--;
	}
	return CL_OK;
}

static int parse_code(const json_error_t *error) {
	enum json_error_code code = json_error_code(error);
	if (code == json_error_out_of_memory)
		return CL_E_NOMEM;
	if (code == json_error_premature_end_of_input)
		return CL_E_TRUNCATED;
	if (code == json_error_invalid_utf8 || code == json_error_null_character || code == json_error_null_byte_in_key)
		return CL_E_INVALID;
	return code == json_error_numeric_overflow ? CL_E_RANGE : CL_E_MALFORMED;
}

/* The name that ends with its quote before `end`; it is shown as it was written, escapes and all. */
static struct cl_str name_before(struct cl_bytes json, size_t end) {
	if (end < 2 || end > json.n || json.p[end - 1] != '"')
		return (struct cl_str){NULL, 0};
	size_t start = end - 1, slashes;
	do {
		start--;
		for (slashes = 0; slashes < start && json.p[start - 1 - slashes] == '\\';)
			slashes++;
	} while (start && (json.p[start] != '"' || slashes % 2));
	return (struct cl_str){(const char *)json.p + start + 1, (uint32_t)(end - start - 2)};
}

static int parse_failed(struct json_reader *r, struct cl_bytes json, const json_error_t *error) {
	size_t position = error->position > 0 ? (size_t)error->position : 0;
	int rc = codec_fail(parse_code(error), NULL, position, r->error);
	if (r->error && json_error_code(error) == json_error_duplicate_key)
		put_member(r->error, name_before(json, position));
	return rc;
}

static int parse(struct json_reader *r, struct cl_bytes json, json_t **ret_root) {
	json_error_t error;
	size_t offset = 0, flags = JSON_REJECT_DUPLICATES;
	if (json.n > JSON_TEXT_MAX)
		return codec_fail(CL_E_TOOBIG, NULL, 0, r->error);
	int rc = check_depth(json, &offset);
	if (rc != CL_OK)
		return codec_fail(rc, NULL, offset, r->error);
	const char *text = json.n ? (const char *)json.p : "";
	json_t *root = json_loadb(text, json.n, flags, &error);
	if (!root && parse_code(&error) == CL_E_RANGE) {
		/* Read it once more so that the field with the number can be named. */
		r->wide = true;
		root = json_loadb(text, json.n, flags | JSON_DECODE_INT_AS_REAL, &error);
	}
	if (!root)
		return parse_failed(r, json, &error);
	*ret_root = root;
	return CL_OK;
}

int cl_json_read(const struct cl_schema *schema, struct cl_bytes json, struct cl_arena *arena, void *ret_value,
                 struct cl_field_error *ret_error) {
	struct json_reader r = {.arena = arena, .error = ret_error};
	json_t *root = NULL;
	memset(ret_value, 0, schema->size);
	int rc = parse(&r, json, &root);
	if (rc != CL_OK)
		return rc;
	rc = read_schema(&r, schema, root, ret_value, NULL);
	json_decref(root);
	if (rc == CL_OK)
		rc = cl_validate(schema, ret_value, ret_error);
	if (rc != CL_OK)
		memset(ret_value, 0, schema->size);
	return rc;
}
