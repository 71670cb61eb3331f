#include "codec_int.h"

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t draw(uint64_t *rng) {
	uint64_t x = *rng += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint64_t below(uint64_t *rng, uint64_t n) {
	return draw(rng) % n;
}

static bool one_in(uint64_t *rng, uint64_t n) {
	return below(rng, n) == 0;
}

/* From 1 to max, of all magnitudes alike and the largest often. */
static uint64_t random_number(uint64_t *rng, uint64_t max) {
	if (one_in(rng, 8))
		return max;
	uint64_t number = draw(rng) >> below(rng, 64);
	return number % max + 1;
}

static void random_bytes(uint64_t *rng, uint8_t *p, size_t n) {
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)draw(rng);
	p[0] |= 1; /* never all zero */
}

/* Mostly short, at times as long as allowed; large fields are filled rarely, so that runs stay quick. */
static size_t random_length(uint64_t *rng, uint64_t max) {
	if (one_in(rng, max > 4096 ? 500 : 20))
		return (size_t)max;
	return (size_t)(1 + below(rng, max < 40 ? max : 40));
}

static struct cl_str random_text(uint64_t *rng, struct cl_arena *arena, uint64_t max, unsigned flags) {
	static const char *const pieces[] = {
	        "a", "Z", "7", " ", "\"", "\\", "/", "é", "đ", "Ộ", "ư", "€", "漢", "😀", "o\xcc\x83\xcc\x89", "<b>"};
	static const char *const breaks[] = {"\n", "\t", "\r\n"};
	size_t length = random_length(rng, max), n = 0;
	char *p = cl_arena_alloc(arena, length + 1);
	while (n < length) {
		const char *piece = pieces[below(rng, sizeof(pieces) / sizeof(pieces[0]))];
		if ((flags & CL_F_MULTILINE) && one_in(rng, 12))
			piece = breaks[below(rng, sizeof(breaks) / sizeof(breaks[0]))];
		size_t size = strlen(piece);
		if (size > length - n) { /* fill up to the very end */
			piece = "x";
			size = 1;
		}
		while (size--)
			p[n++] = *piece++;
	}
	return (struct cl_str){p, (uint32_t)n};
}

static void random_list(const struct cl_field *field, uint64_t *rng, struct cl_arena *arena, void *at) {
	size_t size = codec_item_size(field);
	uint64_t most = field->max < 4 ? field->max : 4;
	if (field->max <= 300 && one_in(rng, 200))
		most = field->max;
	struct codec_list list = {.n = (uint32_t)(1 + below(rng, most))};
	uint8_t *items = cl_arena_alloc(arena, list.n * size);
	for (uint32_t i = 0; i < list.n; i++) {
		void *item = items + i * size;
		if (field->type == CL_TYPE_LIST)
			cl_random_value(field->sub, rng, arena, item);
		else if (field->type == CL_TYPE_STRS)
			*(struct cl_str *)item = random_text(rng, arena, CL_STRS_ITEM_MAX, field->flags);
		else
			random_bytes(rng, item, size);
	}
	list.v = items;
	memcpy(at, &list, sizeof(list));
}

static void random_field(const struct cl_field *field, uint64_t *rng, struct cl_arena *arena, void *at) {
	uint64_t max = field->max;
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
		*(uint32_t *)at = (uint32_t)random_number(rng, max ? max : UINT32_MAX);
		return;
	case CL_TYPE_U64:
		*(uint64_t *)at = random_number(rng, max ? max : UINT64_MAX);
		return;
	case CL_TYPE_I64: {
		int64_t number = (int64_t)random_number(rng, max ? max : INT64_MAX);
		*(int64_t *)at = one_in(rng, 2) ? number : -number;
		return;
	}
	case CL_TYPE_BOOL:
		*(bool *)at = true;
		return;
	case CL_TYPE_TIME: {
		int64_t ms = CODEC_TIME_MIN + (int64_t)below(rng, (uint64_t)(CODEC_TIME_MAX - CODEC_TIME_MIN) + 1);
		*(int64_t *)at = one_in(rng, 10) ? CODEC_TIME_MAX : ms ? ms : 1;
		return;
	}
	case CL_TYPE_ID:
		random_bytes(rng, at, sizeof(struct cl_id));
		return;
	case CL_TYPE_HASH:
		random_bytes(rng, at, CL_HASH_BYTES);
		return;
	case CL_TYPE_STR:
		*(struct cl_str *)at = random_text(rng, arena, max, field->flags);
		return;
	case CL_TYPE_BYTES: {
		struct cl_bytes *bytes = at;
		bytes->n = (uint32_t)random_length(rng, max);
		uint8_t *p = cl_arena_alloc(arena, bytes->n);
		random_bytes(rng, p, bytes->n);
		bytes->p = p;
		return;
	}
	case CL_TYPE_ENUM:
		*(uint32_t *)at = field->en->values[below(rng, field->en->n)].value;
		return;
	case CL_TYPE_ONE:
		do
			cl_random_value(field->sub, rng, arena, at);
		while ((field->flags & CL_F_REQUIRED) && codec_all_empty(field->sub, at));
		return;
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		random_list(field, rng, arena, at);
		return;
	}
	CL_UNREACHABLE();
}

void cl_random_value(const struct cl_schema *schema, uint64_t *rng, struct cl_arena *arena, void *ret_value) {
	memset(ret_value, 0, schema->size);
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		if ((field->flags & CL_F_REQUIRED) || one_in(rng, 2))
			random_field(field, rng, arena, codec_at(ret_value, field));
	}
}
