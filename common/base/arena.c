#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#define RED_ZONE 16 /* poisoned bytes behind each allocation, so that an overrun is seen */
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define RED_ZONE 0
#endif

#define ALIGNMENT alignof(max_align_t)
#define CHUNK_MIN 256
#define CHUNK_MAX ((size_t)1 << 20)

struct cl_arena_chunk {
	struct cl_arena_chunk *previous;
	size_t cap, used; /* of bytes[] */
	alignas(max_align_t) uint8_t bytes[];
};

void cl_arena_init(struct cl_arena *arena, size_t first_size) {
	*arena = (struct cl_arena){.first_size = first_size < CHUNK_MIN ? CHUNK_MIN : first_size};
}

static void chunk_free(struct cl_arena_chunk *chunk) {
	UNPOISON(chunk->bytes, chunk->cap);
	free(chunk);
}

void cl_arena_done(struct cl_arena *arena) {
	while (arena->head) {
		struct cl_arena_chunk *previous = arena->head->previous;
		chunk_free(arena->head);
		arena->head = previous;
	}
	arena->used = 0;
}

void cl_arena_reset(struct cl_arena *arena) {
	struct cl_arena_chunk *keep = arena->head;
	for (struct cl_arena_chunk *chunk = keep; chunk; chunk = chunk->previous) {
		if (chunk->cap > keep->cap)
			keep = chunk;
	}
	for (struct cl_arena_chunk *chunk = arena->head; chunk;) {
		struct cl_arena_chunk *previous = chunk->previous;
		if (chunk != keep)
			chunk_free(chunk);
		chunk = previous;
	}
	if (keep) {
		keep->previous = NULL;
		keep->used = 0;
		POISON(keep->bytes, keep->cap);
	}
	arena->head = keep;
	arena->used = 0;
}

static void chunk_add(struct cl_arena *arena, size_t need) {
	size_t cap = arena->head ? arena->head->cap * 2 : arena->first_size;
	if (cap > CHUNK_MAX)
		cap = CHUNK_MAX;
	if (cap < need)
		cap = need;
	CL_ASSERT(cap <= SIZE_MAX - sizeof(struct cl_arena_chunk));
	struct cl_arena_chunk *chunk = malloc(sizeof(*chunk) + cap);
	CL_ASSERT(chunk);
	chunk->previous = arena->head;
	chunk->cap = cap;
	chunk->used = 0;
	POISON(chunk->bytes, cap);
	arena->head = chunk;
}

/* n bytes that hold nothing in particular. */
static void *arena_take(struct cl_arena *arena, size_t n) {
	CL_ASSERT(n <= SIZE_MAX / 2);
	size_t need = ((n ? n : 1) + RED_ZONE + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!arena->head || arena->head->cap - arena->head->used < need)
		chunk_add(arena, need);
	void *p = arena->head->bytes + arena->head->used;
	arena->head->used += need;
	arena->used += n;
	UNPOISON(p, n ? n : 1);
	return p;
}

void *cl_arena_alloc(struct cl_arena *arena, size_t n) {
	void *p = arena_take(arena, n);
	memset(p, 0, n);
	return p;
}

struct cl_str cl_arena_str(struct cl_arena *arena, struct cl_str s) {
	char *p = arena_take(arena, (size_t)s.n + 1);
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (struct cl_str){p, s.n};
}

struct cl_str cl_arena_printf(struct cl_arena *arena, const char *format, ...) {
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	CL_ASSERT(n >= 0);
	char *p = arena_take(arena, (size_t)n + 1);
	va_start(args, format);
	CL_ASSERT(vsnprintf(p, (size_t)n + 1, format, args) == n);
	va_end(args);
	return (struct cl_str){p, (uint32_t)n};
}
