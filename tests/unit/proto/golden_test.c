/* The bytes of every message and version are frozen: proto/golden/NAME.vVERSION.hex holds a value as JSON and its
 * bytes. What was written once must read the same for ever; and what is current must still be written so. */
#include <dirent.h>

#include "past.h"
#include "proto_help.h"

struct golden {
	char *text; /* of the whole file */
	struct cl_bytes json, bytes;
};

static struct cl_arena arena;

static bool load(const char *name, unsigned version, struct golden *ret_golden) {
	char path[512];
	assert_in_range(snprintf(path, sizeof(path), "%s/%s.v%u.hex", GOLDEN_DIR, name, version), 1, sizeof(path) - 1);
	FILE *file = fopen(path, "r");
	if (!file)
		return false;
	char *text = calloc(1, 1 << 20);
	assert_non_null(text);
	assert_in_range(fread(text, 1, (1 << 20) - 1, file), 10, (1 << 20) - 2);
	fclose(file);
	char *json = strstr(text, "\njson "), *hex = strstr(text, "\nbytes\n");
	if (!json || !hex || hex < json)
		fail_msg("%s is no golden file", path);
	json += 6;
	*hex = '\0';
	char *in = hex + 7, *out = in;
	for (; *in; in++) {
		if (*in != '\n')
			*out++ = *in;
	}
	*out = '\0';
	*ret_golden = (struct golden){text, {(uint8_t *)json, (uint32_t)strlen(json)}, from_hex(hex + 7)};
	return true;
}

static void unload(struct golden *golden) {
	release(golden->bytes);
	free(golden->text);
}

/* The shape that `version` of the event was written in. */
static const struct cl_schema *shape_of(const struct cl_schema *schema, unsigned version) {
	const struct cl_past_shape *past;
	for (size_t i = 0; (past = cl_past_at(i)); i++) {
		if (past->type == schema->type && past->last >= version)
			return past->shape;
	}
	return schema;
}

static void check_version(const struct cl_schema *schema, unsigned version) {
	struct golden golden = {0};
	struct cl_field_error error = {0};
	const struct cl_schema *shape = shape_of(schema, version);
	const void *now = NULL;
	struct cl_buf again;
	cl_arena_reset(&arena);
	if (!load(schema->name, version, &golden))
		fail_msg("%s/%s.v%u.hex is missing; careloop-schema golden DIR writes it", GOLDEN_DIR, schema->name,
		         version);
	void *stated = cl_arena_alloc(&arena, shape->size), *read = cl_arena_alloc(&arena, shape->size);
	if (cl_json_read(shape, golden.json, &arena, stated, &error) != CL_OK)
		fail_msg("%s v%u: the JSON no longer fits: %s at %s", schema->name, version, cl_error_name(error.code),
		         error.path);
	if (cl_decode(shape, golden.bytes, &arena, read, &error) != CL_OK)
		fail_msg("%s v%u: the bytes no longer fit: %s at %s", schema->name, version, cl_error_name(error.code),
		         error.path);
	if (!cl_equal(shape, stated, read))
		fail_msg("%s v%u: the bytes mean something else now", schema->name, version);
	cl_buf_init(&again);
	cl_encode(shape, stated, &again);
	if (again.n != golden.bytes.n || memcmp(again.p, golden.bytes.p, again.n) != 0)
		fail_msg("%s v%u: the value has other bytes now", schema->name, version);
	if (cl_decode_version(schema->type, version, golden.bytes, &arena, &now, &error) != CL_OK)
		fail_msg("%s v%u: cannot be upcast: %s at %s", schema->name, version, cl_error_name(error.code),
		         error.path);
	assert_int_equal(cl_validate(schema, now, NULL), CL_OK);
	if (shape == schema)
		assert_true(cl_equal(schema, now, stated));
	cl_buf_done(&again);
	unload(&golden);
}

static void every_type_and_version(void **state) {
	(void)state;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *schema = cl_schema_at(i);
		for (unsigned version = 1; version <= schema->version; version++)
			check_version(schema, version);
	}
}

/* A file that belongs to no message any more is bytes that nobody can read. */
static void no_file_is_left_over(void **state) {
	DIR *folder = opendir(GOLDEN_DIR);
	const struct dirent *entry;
	size_t files = 0, expected = 0;
	(void)state;
	assert_non_null(folder);
	for (size_t i = 0; i < cl_schema_count(); i++)
		expected += cl_schema_at(i)->version;
	while ((entry = readdir(folder))) {
		char name[256];
		unsigned version = 0;
		if (entry->d_name[0] == '.')
			continue;
		const char *dot = strchr(entry->d_name, '.');
		assert_true(dot && dot - entry->d_name < (long)sizeof(name));
		snprintf(name, sizeof(name), "%.*s", (int)(dot - entry->d_name), entry->d_name);
		assert_int_equal(sscanf(dot, ".v%u.hex", &version), 1);
		const struct cl_schema *schema = cl_schema_by_name(cl_str_from(name));
		if (!schema || version < 1 || version > schema->version)
			fail_msg("%s belongs to no message", entry->d_name);
		files++;
	}
	closedir(folder);
	assert_int_equal(files, expected);
}

/* The one real example: what version 1 kept in thousands of dong is dong today. */
static void order_changed_version_1_is_upcast(void **state) {
	struct golden golden = {0};
	const void *value = NULL;
	(void)state;
	cl_arena_reset(&arena);
	assert_true(load("order_changed", 1, &golden));
	assert_non_null(strstr((const char *)golden.json.p, "\"total_thousand_vnd\":65535"));
	assert_int_equal(cl_decode_version(CL_T_order_changed, 1, golden.bytes, &arena, &value, NULL), CL_OK);
	const struct order_changed *now = value;
	assert_true(now->total_vnd == 65535000);
	assert_int_equal(now->status, ORDER_SHORT);
	assert_true(cl_str_eqc(now->tracking, "tracking 7 đồng ý"));
	unload(&golden);
}

static int setup(void **state) {
	(void)state;
	cl_arena_init(&arena, 4096);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	cl_arena_done(&arena);
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_type_and_version),
	        cmocka_unit_test(no_file_is_left_over),
	        cmocka_unit_test(order_changed_version_1_is_upcast),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
