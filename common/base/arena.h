/* A bump arena: many small allocations that die together. Two lifetimes use it: the turn (reset after it,
 * poisoned under ASan) and one actor's state (compacted by deep copy when waste has grown).
 * Not thread-safe. Running out of memory is an assertion: memory is bounded elsewhere, by budgets. */
#ifndef CL_BASE_ARENA_H
#define CL_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct cl_arena_chunk;

struct cl_arena {
	struct cl_arena_chunk *head; /* newest chunk */
	size_t first_size;           /* bytes of the first chunk, later ones double up to 1 MiB */
	size_t used;                 /* bytes handed out since init or reset */
};

void cl_arena_init(struct cl_arena *arena, size_t first_size);
void cl_arena_done(struct cl_arena *arena);  /* frees all; the arena may be used again */
void cl_arena_reset(struct cl_arena *arena); /* keeps the largest chunk, poisons it */

/* n zeroed bytes aligned for any type; n == 0 gives a valid unique pointer. Never NULL. */
void *cl_arena_alloc(struct cl_arena *arena, size_t n);
#define cl_arena_new(arena, type) ((type *)cl_arena_alloc((arena), sizeof(type)))
#define cl_arena_array(arena, type, n) ((type *)cl_arena_alloc((arena), sizeof(type) * (size_t)(n)))

/* A copy of s in the arena, NUL-terminated behind its end. */
struct cl_str cl_arena_str(struct cl_arena *arena, struct cl_str s);
/* printf into the arena. */
struct cl_str cl_arena_printf(struct cl_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
