/* Every field of every row: its largest value is taken, one more is refused by name, absence where it is required too;
 * through bytes and through JSON. */
#include "proto_help.h"

static struct cl_arena arena;
static uint64_t rng = 20260302;

/* The field under test within a message: straight in it, or in a record nested in one of its fields. */
struct spot {
	const struct cl_schema *message;
	void *value;
	const struct cl_field *outer; /* NULL: the field is the message's own */
	const struct cl_field *field;
	void *at;
	char path[CL_FIELD_PATH_BYTES];
};

struct any_list {
	void *v;
	uint32_t n;
};

static struct cl_str text_of(size_t n) {
	char *p = cl_arena_alloc(&arena, n + 1);
	memset(p, 'x', n);
	return (struct cl_str){p, (uint32_t)n};
}

/* A list of n valid items. */
static void put_list(const struct cl_field *field, void *at, uint32_t n) {
	size_t size = field->type == CL_TYPE_LIST  ? field->sub->size
	              : field->type == CL_TYPE_IDS ? sizeof(struct cl_id)
	                                           : sizeof(struct cl_str);
	struct any_list list = {cl_arena_alloc(&arena, n * size), n};
	uint8_t *item = list.v;
	if (field->type == CL_TYPE_LIST)
		cl_random_value(field->sub, &rng, &arena, item);
	else if (field->type == CL_TYPE_IDS)
		memset(item, 7, size);
	else
		*(struct cl_str *)(void *)item = text_of(CL_STRS_ITEM_MAX);
	for (uint32_t i = 1; i < n; i++)
		memcpy(item + i * size, item, size);
	memcpy(at, &list, sizeof(list));
}

static int encoded_and_back(const struct spot *spot, struct cl_field_error *error) {
	struct cl_buf bytes;
	cl_buf_init(&bytes);
	cl_encode(spot->message, spot->value, &bytes);
	struct cl_bytes exact = exact_copy(bytes.p, bytes.n);
	void *back = cl_arena_alloc(&arena, spot->message->size);
	int rc = cl_decode(spot->message, exact, &arena, back, error);
	if (rc == CL_OK)
		assert_true(cl_equal(spot->message, spot->value, back));
	release(exact);
	cl_buf_done(&bytes);
	return rc;
}

static int json_and_back(const struct spot *spot, struct cl_field_error *error) {
	struct cl_buf json;
	cl_buf_init(&json);
	cl_json_write(spot->message, spot->value, 0, &json);
	void *back = cl_arena_alloc(&arena, spot->message->size);
	int rc = cl_json_read(spot->message, cl_buf_bytes(&json), &arena, back, error);
	if (rc == CL_OK)
		assert_true(cl_equal(spot->message, spot->value, back));
	cl_buf_done(&json);
	return rc;
}

static void assert_taken(const struct spot *spot) {
	struct cl_field_error error = {0};
	int rc = cl_validate(spot->message, spot->value, &error);
	if (rc == CL_OK)
		rc = encoded_and_back(spot, &error);
	if (rc == CL_OK)
		rc = json_and_back(spot, &error);
	if (rc != CL_OK)
		fail_msg("%s: %s is refused: %s at “%s”", spot->message->name, spot->path, cl_error_name(rc),
		         error.path);
}

static void assert_refused(const struct spot *spot, int code, const char *item) {
	int (*const ways[])(const struct spot *, struct cl_field_error *) = {encoded_and_back, json_and_back};
	char path[CL_FIELD_PATH_BYTES + 16];
	struct cl_field_error error = {0};
	snprintf(path, sizeof(path), "%s%s", spot->path, item);
	int rc = cl_validate(spot->message, spot->value, &error);
	for (size_t i = 0; i <= 2; i++) {
		if (rc != code || error.code != code || strcmp(error.path, path) != 0)
			fail_msg("%s: %s gives %s at “%s” (way %zu)", spot->message->name, path, cl_error_name(rc),
			         error.path, i);
		struct cl_str vi = cl_field_error_text(&error, "vi", &arena),
		              en = cl_field_error_text(&error, "en", &arena);
		if (!strstr(vi.p, path) || !strstr(en.p, path) || cl_str_eq(vi, en))
			fail_msg("%s: “%s”, “%s”", path, vi.p, en.p);
		if (i < 2)
			rc = ways[i](spot, &error);
	}
}

static uint64_t own_max(const struct cl_field *field) {
	if (field->max)
		return field->max;
	return field->type == CL_TYPE_U32 ? UINT32_MAX : field->type == CL_TYPE_U64 ? UINT64_MAX : INT64_MAX;
}

static void try_number(const struct spot *spot) {
	uint64_t max = own_max(spot->field);
	bool narrow = spot->field->type == CL_TYPE_U32;
	for (int more = 0; more <= 1; more++) {
		uint64_t value = max + (uint64_t)more;
		if (more && (narrow ? max == UINT32_MAX : max >= INT64_MAX))
			return;
		if (narrow)
			*(uint32_t *)spot->at = (uint32_t)value;
		else
			*(uint64_t *)spot->at = value;
		if (more)
			assert_refused(spot, CL_E_RANGE, "");
		else
			assert_taken(spot);
	}
}

static void try_length(const struct spot *spot) {
	if (spot->field->type == CL_TYPE_STR) {
		struct cl_str *s = spot->at;
		*s = text_of(spot->field->max);
		assert_taken(spot);
		*s = text_of(spot->field->max + 1);
		assert_refused(spot, CL_E_TOOBIG, "");
		*s = CL_STR("a\x02");
		assert_refused(spot, CL_E_INVALID, "");
	} else {
		struct cl_bytes *b = spot->at;
		*b = (struct cl_bytes){(const uint8_t *)text_of(spot->field->max).p, (uint32_t)spot->field->max};
		assert_taken(spot);
		b->n = (uint32_t)spot->field->max + 1;
		b->p = (const uint8_t *)text_of(b->n).p;
		assert_refused(spot, CL_E_TOOBIG, "");
	}
}

static void try_list(const struct spot *spot) {
	put_list(spot->field, spot->at, (uint32_t)spot->field->max);
	struct cl_buf json;
	cl_buf_init(&json);
	cl_json_write(spot->message, spot->value, 0, &json);
	if (json.n < 4 << 20) { /* beyond that JSON is refused as a whole */
		assert_taken(spot);
		put_list(spot->field, spot->at, (uint32_t)spot->field->max + 1);
		assert_refused(spot, CL_E_TOOBIG, "");
	}
	cl_buf_done(&json);
	if (spot->field->type != CL_TYPE_STRS)
		return;
	put_list(spot->field, spot->at, 1);
	struct any_list list;
	memcpy(&list, spot->at, sizeof(list));
	*(struct cl_str *)list.v = text_of(CL_STRS_ITEM_MAX + 1);
	assert_refused(spot, CL_E_TOOBIG, "[0]");
	*(struct cl_str *)list.v = CL_STR("\x7f");
	assert_refused(spot, CL_E_INVALID, "[0]");
}

static void try_enum(const struct spot *spot) {
	struct cl_field_error error;
	for (uint32_t i = 0; i < spot->field->en->n; i++) {
		*(uint32_t *)spot->at = spot->field->en->values[i].value;
		assert_taken(spot);
	}
	*(uint32_t *)spot->at = spot->field->en->values[spot->field->en->n - 1].value + 1;
	assert_int_equal(cl_validate(spot->message, spot->value, &error), CL_E_UNKNOWN);
	assert_string_equal(error.path, spot->path);
	assert_int_equal(encoded_and_back(spot, &error), CL_E_UNKNOWN);
	assert_string_equal(error.path, spot->path);
}

static void try_time(const struct spot *spot) {
	struct cl_field_error error;
	int64_t *at = spot->at;
	*at = 253402300799999;
	assert_taken(spot);
	*at = -2208988800000;
	assert_taken(spot);
	*at = 253402300800000;
	assert_int_equal(cl_validate(spot->message, spot->value, &error), CL_E_RANGE);
	assert_int_equal(encoded_and_back(spot, &error), CL_E_RANGE);
	assert_string_equal(error.path, spot->path);
}

static void try_field(const struct spot *spot) {
	switch ((enum cl_field_type)spot->field->type) {
	case CL_TYPE_U32:
	case CL_TYPE_U64:
	case CL_TYPE_I64:
		try_number(spot);
		break;
	case CL_TYPE_STR:
	case CL_TYPE_BYTES:
		try_length(spot);
		break;
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		try_list(spot);
		break;
	case CL_TYPE_ENUM:
		try_enum(spot);
		break;
	case CL_TYPE_TIME:
		try_time(spot);
		break;
	case CL_TYPE_BOOL:
	case CL_TYPE_ID:
	case CL_TYPE_HASH:
	case CL_TYPE_ONE:
		break;
	}
}

static size_t width(const struct cl_field *field) {
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
	case CL_TYPE_ENUM:
		return 4;
	case CL_TYPE_U64:
	case CL_TYPE_I64:
	case CL_TYPE_TIME:
		return 8;
	case CL_TYPE_BOOL:
		return sizeof(bool);
	case CL_TYPE_ID:
		return sizeof(struct cl_id);
	case CL_TYPE_HASH:
		return CL_HASH_BYTES;
	case CL_TYPE_STR:
	case CL_TYPE_BYTES:
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		return sizeof(struct cl_str);
	case CL_TYPE_ONE:
		return field->sub->size;
	}
	return 0;
}

static bool lone_field(const struct spot *spot) {
	/* A nested record all of whose fields are empty is itself absent. */
	return spot->outer && spot->outer->type == CL_TYPE_ONE && spot->outer->sub->n == 1;
}

static void try_absence(const struct spot *spot) {
	memset(spot->at, 0, width(spot->field));
	struct cl_field_error error = {0};
	if (!(spot->field->flags & CL_F_REQUIRED) || lone_field(spot))
		return;
	assert_refused(spot, CL_E_INVALID, "");
	assert_int_equal(cl_validate(spot->message, spot->value, &error), CL_E_INVALID);
	assert_true(error.missing);
	assert_ptr_equal(error.field, spot->field);
}

/* A fresh valid message with room for the field under test. */
static struct spot make_spot(const struct cl_schema *message, const struct cl_field *outer,
                             const struct cl_field *field) {
	struct spot spot = {.message = message, .outer = outer, .field = field};
	cl_arena_reset(&arena);
	spot.value = cl_arena_alloc(&arena, message->size);
	cl_random_value(message, &rng, &arena, spot.value);
	uint8_t *base = spot.value;
	if (outer && outer->type == CL_TYPE_ONE) {
		base += outer->offset;
		cl_random_value(outer->sub, &rng, &arena, base);
		snprintf(spot.path, sizeof(spot.path), "%s.%s", outer->name, field->name);
	} else if (outer) {
		put_list(outer, base + outer->offset, 1);
		struct any_list list;
		memcpy(&list, base + outer->offset, sizeof(list));
		base = list.v;
		snprintf(spot.path, sizeof(spot.path), "%s[0].%s", outer->name, field->name);
	} else {
		snprintf(spot.path, sizeof(spot.path), "%s", field->name);
	}
	spot.at = base + field->offset;
	return spot;
}

static void try_both(const struct cl_schema *message, const struct cl_field *outer, const struct cl_field *field) {
	struct spot spot = make_spot(message, outer, field);
	try_field(&spot);
	spot = make_spot(message, outer, field);
	try_absence(&spot);
}

static void every_field_of_every_message(void **state) {
	size_t tried = 0;
	(void)state;
	print_message("seed %llu\n", (unsigned long long)rng);
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *message = cl_schema_at(i);
		for (uint32_t f = 0; f < message->n; f++) {
			const struct cl_field *field = &message->fields[f];
			try_both(message, NULL, field);
			for (uint32_t k = 0; field->sub && k < field->sub->n; k++, tried++)
				try_both(message, field, &field->sub->fields[k]);
			tried++;
		}
	}
	print_message("%zu fields\n", tried);
}

static int setup(void **state) {
	(void)state;
	cl_arena_init(&arena, 1 << 16);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	cl_arena_done(&arena);
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_field_of_every_message)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
