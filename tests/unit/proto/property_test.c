/* What holds for every value and for all bytes: random values survive the ways there and back, msgpack-c agrees with
 * our reading, broken bytes give an error or a valid value and never more memory than they deserve. */
#include <msgpack.h>

#include "proto_help.h"

#define ROUNDS 150   /* values per message */
#define MUTATIONS 60 /* per message and value of the broken kind */

static struct cl_arena arena, spare;

static uint64_t seed(void) {
	const char *given = getenv("CL_TEST_SEED");
	uint64_t number = given ? strtoull(given, NULL, 10) : 20260302;
	print_message("seed %llu (CL_TEST_SEED)\n", (unsigned long long)number);
	return number;
}

static uint64_t draw(uint64_t *rng) {
	uint64_t x = *rng += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	return x ^ (x >> 29);
}

static void *random_value(const struct cl_schema *schema, uint64_t *rng) {
	void *value = cl_arena_alloc(&arena, schema->size);
	cl_random_value(schema, rng, &arena, value);
	return value;
}

/* Reads the bytes with msgpack-c and writes them again: canonical bytes come out as they went in. */
static void assert_canonical(const struct cl_schema *schema, struct cl_bytes bytes) {
	msgpack_zone *zone = msgpack_zone_new(8192);
	msgpack_sbuffer out;
	msgpack_packer packer;
	msgpack_object object;
	size_t offset = 0;
	assert_non_null(zone);
	msgpack_sbuffer_init(&out);
	msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
	assert_int_equal(msgpack_unpack((const char *)bytes.p, bytes.n, &offset, zone, &object),
	                 MSGPACK_UNPACK_SUCCESS);
	assert_int_equal(offset, bytes.n);
	assert_int_equal(object.type, MSGPACK_OBJECT_MAP);
	for (uint32_t i = 1; i < object.via.map.size; i++)
		assert_true(object.via.map.ptr[i - 1].key.via.u64 < object.via.map.ptr[i].key.via.u64);
	assert_int_equal(msgpack_pack_object(&packer, object), 0);
	if (out.size != bytes.n || memcmp(out.data, bytes.p, bytes.n) != 0)
		fail_msg("%s: not the shortest forms", schema->name);
	msgpack_sbuffer_destroy(&out);
	msgpack_zone_free(zone);
}

static void round_trip(const struct cl_schema *schema, uint64_t *rng) {
	struct cl_field_error error = {0};
	struct cl_buf bytes, json;
	cl_arena_reset(&arena);
	void *value = random_value(schema, rng), *back = cl_arena_alloc(&arena, schema->size);
	if (cl_validate(schema, value, &error) != CL_OK)
		fail_msg("%s: the random value is not valid at %s", schema->name, error.path);
	cl_buf_init(&bytes);
	cl_buf_init(&json);
	cl_encode(schema, value, &bytes);
	struct cl_bytes exact = exact_copy(bytes.p, bytes.n);
	if (cl_decode(schema, exact, &arena, back, &error) != CL_OK || !cl_equal(schema, value, back))
		fail_msg("%s: decode, %s at %s", schema->name, cl_error_name(error.code), error.path);
	if (cl_decode_trusted(schema, exact, &arena, back) != CL_OK || !cl_equal(schema, value, back))
		fail_msg("%s: trusted decode", schema->name);
	assert_canonical(schema, exact);
	release(exact);
	cl_json_write(schema, value, draw(rng) % 2 ? CL_JSON_PRETTY : 0, &json);
	assert_true(cl_utf8_valid((struct cl_str){(char *)json.p, (uint32_t)json.n}));
	int rc = cl_json_read(schema, cl_buf_bytes(&json), &arena, back, &error);
	if (rc != CL_OK && json.n > 4 << 20)
		assert_int_equal(rc, CL_E_TOOBIG);
	else if (rc != CL_OK || !cl_equal(schema, value, back))
		fail_msg("%s: JSON, %s at %s", schema->name, cl_error_name(error.code), error.path);
	cl_buf_done(&json);
	cl_buf_done(&bytes);
}

static void values_survive_all_ways(void **state) {
	uint64_t rng = seed();
	(void)state;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		for (int round = 0; round < ROUNDS; round++)
			round_trip(cl_schema_at(i), &rng);
	}
}

/* A copy stands when all that it was copied from is gone. */
static void copies_stand_alone(void **state) {
	uint64_t rng = seed();
	(void)state;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *schema = cl_schema_at(i);
		for (int round = 0; round < 20; round++) {
			struct cl_buf bytes;
			cl_arena_reset(&arena);
			cl_arena_reset(&spare);
			cl_buf_init(&bytes);
			cl_encode(schema, random_value(schema, &rng), &bytes);
			struct cl_bytes exact = exact_copy(bytes.p, bytes.n);
			void *value = malloc(schema->size), *copy = malloc(schema->size);
			assert_int_equal(cl_decode(schema, exact, &arena, value, NULL), CL_OK);
			cl_copy(schema, value, &spare, copy);
			free(value);
			release(exact);
			cl_arena_reset(&arena); /* poisoned under ASan */
			struct cl_buf again;
			cl_buf_init(&again);
			cl_encode(schema, copy, &again);
			assert_int_equal(again.n, bytes.n);
			assert_memory_equal(again.p, bytes.p, bytes.n);
			free(copy);
			cl_buf_done(&again);
			cl_buf_done(&bytes);
		}
	}
}

/* Equal values have equal bytes and other values others. */
static void equality_is_that_of_bytes(void **state) {
	uint64_t rng = seed();
	size_t differing = 0;
	(void)state;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *schema = cl_schema_at(i);
		for (int round = 0; round < 50; round++) {
			struct cl_buf a, b;
			cl_arena_reset(&arena);
			void *x = random_value(schema, &rng), *y = random_value(schema, &rng);
			cl_buf_init(&a);
			cl_buf_init(&b);
			cl_encode(schema, x, &a);
			cl_encode(schema, y, &b);
			bool same = a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
			assert_int_equal(cl_equal(schema, x, y), same);
			assert_true(cl_equal(schema, x, x));
			differing += !same;
			cl_buf_done(&a);
			cl_buf_done(&b);
		}
	}
	assert_true(differing > cl_schema_count() * 25);
}

/* Flips, cuts, doubles and overwrites bytes; some with bytes that open large containers. */
static struct cl_bytes mutate(const struct cl_buf *bytes, uint64_t *rng) {
	static const uint8_t nasty[] = {0xdd, 0xdf, 0xdc, 0xde, 0xdb, 0xc6, 0xc9, 0xc1,
	                                0x8f, 0x9f, 0xbf, 0xff, 0x00, 0xc0, 0x80, 0x90};
	struct cl_bytes copy = exact_copy(bytes->p, bytes->n);
	uint8_t *p = (uint8_t *)(uintptr_t)copy.p;
	for (uint64_t changes = draw(rng) % 3 + 1; changes && copy.n; changes--) {
		uint32_t at = (uint32_t)(draw(rng) % copy.n);
		switch (draw(rng) % 5) {
		case 0:
			p[at] ^= (uint8_t)(1u << draw(rng) % 8);
			break;
		case 1:
			p[at] = (uint8_t)draw(rng);
			break;
		case 2:
			p[at] = nasty[draw(rng) % sizeof(nasty)];
			break;
		case 3: { /* the end falls off; memory shrinks with it, so that ASan sees a read beyond */
			struct cl_bytes cut = exact_copy(p, at);
			release(copy);
			copy = cut;
			p = (uint8_t *)(uintptr_t)copy.p;
			break;
		}
		default: /* a piece moves */
			memmove(p + at, p + at / 2, copy.n - at);
			break;
		}
	}
	return copy;
}

/* What one byte may at most cost: an empty text in a list, or a whole record of a list without required fields. */
static size_t memory_bound(size_t bytes) {
	return bytes * 512 + 65536;
}

static void assert_scan_agrees(struct cl_bytes bytes) {
	size_t used = 0, offset = 0;
	int rc = cl_msgpack_scan(bytes, &used, &offset);
	msgpack_zone *zone = msgpack_zone_new(8192);
	msgpack_object object;
	size_t theirs = 0;
	assert_non_null(zone);
	/* msgpack-c is asked only where it does not reserve on a lie: behind a whole value or a byte that starts none.
	 */
	if (rc == CL_OK) {
		msgpack_unpack_return got = msgpack_unpack((const char *)bytes.p, bytes.n, &theirs, zone, &object);
		assert_true(got == MSGPACK_UNPACK_SUCCESS || got == MSGPACK_UNPACK_EXTRA_BYTES);
		assert_int_equal(theirs, used);
	} else {
		assert_true(rc == CL_E_TRUNCATED || rc == CL_E_TOODEEP || rc == CL_E_MALFORMED);
		assert_true(offset <= bytes.n);
		if (rc == CL_E_MALFORMED)
			assert_int_equal(msgpack_unpack((const char *)bytes.p, bytes.n, &theirs, zone, &object),
			                 MSGPACK_UNPACK_PARSE_ERROR);
	}
	msgpack_zone_free(zone);
}

static bool try_broken(const struct cl_schema *schema, struct cl_bytes bytes) {
	struct cl_field_error error = {0};
	struct cl_buf again;
	void *value = malloc(schema->size), *back = malloc(schema->size);
	cl_arena_reset(&spare);
	int rc = cl_decode(schema, bytes, &spare, value, &error);
	assert_true(spare.used <= memory_bound(bytes.n));
	if (rc == CL_OK) {
		assert_int_equal(cl_validate(schema, value, NULL), CL_OK);
		cl_buf_init(&again);
		cl_encode(schema, value, &again);
		assert_int_equal(cl_decode(schema, cl_buf_bytes(&again), &spare, back, NULL), CL_OK);
		assert_true(cl_equal(schema, value, back));
		cl_buf_done(&again);
	} else {
		assert_true(error.code == rc && error.offset <= bytes.n);
		assert_true(memchr(error.path, '\0', sizeof(error.path)) != NULL);
		assert_true(cl_field_error_text(&error, "vi", &spare).n > 0);
	}
	cl_arena_reset(&spare);
	int trusted = cl_decode_trusted(schema, bytes, &spare, value);
	assert_true(spare.used <= memory_bound(bytes.n));
	assert_true(rc != CL_OK || trusted == CL_OK);
	free(value);
	free(back);
	return rc == CL_OK;
}

static void broken_bytes_do_no_harm(void **state) {
	uint64_t rng = seed();
	size_t valid = 0, broken = 0;
	(void)state;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *schema = cl_schema_at(i);
		for (int round = 0; round < 5; round++) {
			struct cl_buf bytes;
			cl_arena_reset(&arena);
			cl_buf_init(&bytes);
			do {
				cl_buf_clear(&bytes);
				cl_encode(schema, random_value(schema, &rng), &bytes);
			} while (bytes.n > 20000);
			for (int k = 0; k < MUTATIONS; k++) {
				struct cl_bytes mutant = mutate(&bytes, &rng);
				assert_scan_agrees(mutant);
				if (try_broken(schema, mutant))
					valid++;
				else
					broken++;
				release(mutant);
			}
			cl_buf_done(&bytes);
		}
	}
	print_message("%zu mutants stayed valid, %zu were refused\n", valid, broken);
	assert_true(valid > 100 && broken > 1000);
}

static void random_bytes_do_no_harm(void **state) {
	uint64_t rng = seed();
	(void)state;
	for (int round = 0; round < 30000; round++) {
		uint8_t noise[40];
		uint32_t n = (uint32_t)(draw(&rng) % sizeof(noise));
		for (uint32_t k = 0; k < n; k++)
			noise[k] = (uint8_t)draw(&rng);
		if (n)
			noise[0] = (uint8_t)(0x80 | noise[0] % 16);
		struct cl_bytes bytes = exact_copy(noise, n);
		assert_scan_agrees(bytes);
		try_broken(cl_schema_at((size_t)round % cl_schema_count()), bytes);
		release(bytes);
	}
}

static void broken_json_does_no_harm(void **state) {
	uint64_t rng = seed();
	size_t refused = 0;
	(void)state;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *schema = cl_schema_at(i);
		struct cl_buf json;
		cl_arena_reset(&arena);
		cl_buf_init(&json);
		do {
			cl_buf_clear(&json);
			cl_json_write(schema, random_value(schema, &rng), 0, &json);
		} while (json.n > 20000);
		for (int k = 0; k < MUTATIONS; k++) {
			struct cl_bytes mutant = mutate(&json, &rng);
			struct cl_field_error error = {0};
			void *value = malloc(schema->size);
			cl_arena_reset(&spare);
			int rc = cl_json_read(schema, mutant, &spare, value, &error);
			if (rc == CL_OK)
				assert_int_equal(cl_validate(schema, value, NULL), CL_OK);
			else
				assert_true(error.code == rc && memchr(error.path, '\0', sizeof(error.path)));
			refused += rc != CL_OK;
			free(value);
			release(mutant);
		}
		cl_buf_done(&json);
	}
	assert_true(refused > cl_schema_count() * MUTATIONS / 2);
}

static int setup(void **state) {
	(void)state;
	cl_arena_init(&arena, 1 << 16);
	cl_arena_init(&spare, 1 << 16);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	cl_arena_done(&arena);
	cl_arena_done(&spare);
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(values_survive_all_ways),   cmocka_unit_test(copies_stand_alone),
	        cmocka_unit_test(equality_is_that_of_bytes), cmocka_unit_test(broken_bytes_do_no_harm),
	        cmocka_unit_test(random_bytes_do_no_harm),   cmocka_unit_test(broken_json_does_no_harm),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
