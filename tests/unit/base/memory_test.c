/* Arenas, buffers, the table of actors, assertions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/map.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

static void arena_gives_zeroed_aligned_memory(void **state) {
	struct cl_arena arena;
	(void)state;
	cl_arena_init(&arena, 100);
	uint8_t *parts[400];
	size_t total = 0;
	for (size_t i = 0; i < 400; i++) {
		size_t n = i * 7;
		parts[i] = cl_arena_alloc(&arena, n);
		assert_int_equal((uintptr_t)parts[i] % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(parts[i][k], 0);
		memset(parts[i], (int)i, n);
		total += n;
	}
	for (size_t i = 0; i < 400; i++) { /* none overlaps another */
		for (size_t k = 0; k < i * 7; k++)
			assert_int_equal(parts[i][k], (uint8_t)i);
	}
	assert_int_equal(arena.used, total);
	assert_ptr_not_equal(cl_arena_alloc(&arena, 0), cl_arena_alloc(&arena, 0));
	cl_arena_done(&arena);
	cl_arena_done(&arena);
	assert_int_equal(*cl_arena_new(&arena, int), 0); /* may be used again */
	cl_arena_done(&arena);
}

static void arena_reset_keeps_one_chunk(void **state) {
	struct cl_arena arena;
	(void)state;
	cl_arena_init(&arena, 256);
	for (int i = 0; i < 100; i++)
		memset(cl_arena_alloc(&arena, 1000), 0xff, 1000);
	cl_arena_reset(&arena);
	assert_int_equal(arena.used, 0);
	struct cl_arena_chunk *kept = arena.head;
	uint8_t *again = cl_arena_alloc(&arena, 1000);
	assert_ptr_equal(arena.head, kept);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(again[i], 0); /* zeroed although it was used before */
	cl_arena_reset(&arena);
#ifdef WITH_ASAN
	assert_true(__asan_address_is_poisoned(again));
	uint8_t *ten = cl_arena_alloc(&arena, 10);
	assert_false(__asan_address_is_poisoned(ten + 9));
	assert_true(__asan_address_is_poisoned(ten + 10));
#endif
	cl_arena_done(&arena);
}

static void arena_texts(void **state) {
	struct cl_arena arena;
	(void)state;
	cl_arena_init(&arena, 256);
	char source[] = "đơn";
	struct cl_str copy = cl_arena_str(&arena, cl_str_from(source));
	source[0] = 'x';
	assert_string_equal(copy.p, "đơn");
	assert_int_equal(copy.n, 5);
	assert_string_equal(cl_arena_str(&arena, (struct cl_str){NULL, 0}).p, "");
	struct cl_str text = cl_arena_printf(&arena, "%s-%0300d", "a", 7);
	assert_int_equal(text.n, 302);
	assert_string_equal(text.p + 299, "007");
	cl_arena_done(&arena);
}

static void buffer_grows(void **state) {
	struct cl_buf buf;
	(void)state;
	cl_buf_init(&buf);
	cl_buf_put(&buf, NULL, 0);
	assert_int_equal(buf.n, 0);
	for (int i = 0; i < 5000; i++)
		cl_buf_printf(&buf, "%05d", i);
	assert_int_equal(buf.n, 25000);
	assert_memory_equal(buf.p + 4999 * 5, "04999", 5);
	cl_buf_clear(&buf);
	cl_buf_puts(&buf, "ab");
	cl_buf_putc(&buf, 'c');
	cl_buf_str(&buf, CL_STR("de"));
	uint8_t *room = cl_buf_reserve(&buf, 100000);
	assert_ptr_equal(room, buf.p + 5);
	memset(room, 'z', 100000);
	assert_int_equal(cl_buf_bytes(&buf).n, 5);
	assert_memory_equal(cl_buf_bytes(&buf).p, "abcde", 5);
	cl_buf_done(&buf);
	assert_null(buf.p);
}

/* A long random history against a plain array. */
static void map_agrees_with_an_array(void **state) {
	enum { KEYS = 700 };
	uint64_t x = 4711;
	void *values[KEYS] = {0};
	struct cl_map map;
	(void)state;
	print_message("seed %llu\n", (unsigned long long)x);
	cl_map_init(&map);
	assert_null(cl_map_get(&map, 1, (struct cl_id){{0}}));
	assert_null(cl_map_del(&map, 1, (struct cl_id){{0}}));
	for (int step = 0; step < 200000; step++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		uint32_t key = (uint32_t)(x >> 33) % KEYS;
		uint32_t kind = key % 2 ? 0x41 : 0x12; /* pairs of keys share the id */
		struct cl_id id = {{(uint8_t)(key / 2), (uint8_t)(key / 512)}};
		void *value = (void *)(uintptr_t)(x | 1);
		size_t live = 0, index = 0;
		if (x >> 62 == 0) {
			assert_ptr_equal(cl_map_del(&map, kind, id), values[key]);
			values[key] = NULL;
		} else if (x >> 62 == 1 || step % 3000 > 1500) {
			cl_map_put(&map, kind, id, value);
			values[key] = value;
		}
		assert_ptr_equal(cl_map_get(&map, kind, id), values[key]);
		if (step % 5000)
			continue;
		for (uint32_t k = 0; k < KEYS; k++) {
			struct cl_id other = {{(uint8_t)(k / 2), (uint8_t)(k / 512)}};
			assert_ptr_equal(cl_map_get(&map, k % 2 ? 0x41 : 0x12, other), values[k]);
			live += values[k] != NULL;
		}
		assert_int_equal(map.count, live);
		for (struct cl_map_slot *slot; (slot = cl_map_next(&map, &index)); live--)
			assert_non_null(slot->value);
		assert_int_equal(live, 0);
	}
	cl_map_done(&map);
}

static jmp_buf back;
static const char *failed_expression;

static void jump_back(const char *expression, const char *file, int line) {
	(void)file;
	(void)line;
	failed_expression = expression;
	longjmp(back, 1);
}

static void assertions_reach_the_hook(void **state) {
	struct cl_map map;
	(void)state;
	cl_map_init(&map);
	cl_assert_set_hook(jump_back);
	if (setjmp(back) == 0) {
		cl_map_put(&map, 1, (struct cl_id){{1}}, NULL);
		fail_msg("a NULL value was taken");
	}
	cl_assert_set_hook(NULL);
	assert_string_equal(failed_expression, "value");
	cl_map_done(&map);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
	        cmocka_unit_test(arena_reset_keeps_one_chunk),
	        cmocka_unit_test(arena_texts),
	        cmocka_unit_test(buffer_grows),
	        cmocka_unit_test(map_agrees_with_an_array),
	        cmocka_unit_test(assertions_reach_the_hook),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
