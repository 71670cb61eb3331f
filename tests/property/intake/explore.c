#include "explore.h"

#include <stdlib.h>

#include "base/assert.h"

/* By sender and receiver; commands, which nobody sends, by what they say. */
static int order_of(const struct pending *x, const struct pending *y) {
	int order = cl_id_cmp(x->to, y->to);
	order = order ? order : (int)x->kind - (int)y->kind;
	order = order ? order : (int)x->kind_from - (int)y->kind_from;
	order = order ? order : cl_id_cmp(x->from, y->from);
	if (order || x->kind_from)
		return order;
	order = (int)x->type - (int)y->type;
	order = order ? order : (x->body.n > y->body.n) - (x->body.n < y->body.n);
	return order || x->body.n == 0 ? order : memcmp(x->body.p, y->body.p, x->body.n);
}

/* Stable: what one actor says to another stays in order. */
static void sort(struct world *world) {
	for (uint32_t i = 1; i < world->pending_n; i++) {
		struct pending p = world->pending[i];
		uint32_t at = i;
		for (; at > 0 && order_of(&p, &world->pending[at - 1]) < 0; at--)
			world->pending[at] = world->pending[at - 1];
		world->pending[at] = p;
	}
}

/* Two worlds are one when their actors have equal states and the same messages are on their way. Versions are left out:
 * nothing is decided by them. */
static struct cl_hash fingerprint(struct world *world) {
	struct cl_buf buf;
	cl_buf_init(&buf);
	sort(world);
	for (uint32_t i = 0; i < world->actor_n; i++) {
		const struct actor *a = &world->actors[i];
		cl_buf_put(&buf, &a->id, sizeof(a->id));
		cl_buf_put(&buf, &a->state.n, sizeof(a->state.n));
		cl_buf_put(&buf, a->state.p, a->state.n);
	}
	for (uint32_t i = 0; i < world->pending_n; i++) {
		const struct pending *p = &world->pending[i];
		cl_buf_put(&buf, &p->type, sizeof(p->type));
		cl_buf_put(&buf, &p->to, sizeof(p->to));
		cl_buf_put(&buf, &p->from, sizeof(p->from));
		cl_buf_put(&buf, &p->body.n, sizeof(p->body.n));
		cl_buf_put(&buf, p->body.p, p->body.n);
	}
	struct cl_hash hash = cl_hash_of(buf.p, buf.n);
	cl_buf_done(&buf);
	return hash;
}

static size_t slot_of(const struct explorer *explorer, struct cl_hash hash) {
	size_t i;
	memcpy(&i, hash.b, sizeof(i));
	for (i &= explorer->seen_cap - 1;; i = (i + 1) & (explorer->seen_cap - 1)) {
		static const struct cl_hash none;
		if (cl_hash_eq(explorer->seen[i], none) || cl_hash_eq(explorer->seen[i], hash))
			return i;
	}
}

static void grow(struct explorer *explorer) {
	struct cl_hash *old = explorer->seen;
	size_t old_cap = explorer->seen_cap;
	static const struct cl_hash none;
	explorer->seen_cap = old_cap ? old_cap * 2 : 1024;
	explorer->seen = calloc(explorer->seen_cap, sizeof(*explorer->seen));
	CL_ASSERT(explorer->seen);
	for (size_t i = 0; i < old_cap; i++) {
		if (!cl_hash_eq(old[i], none))
			explorer->seen[slot_of(explorer, old[i])] = old[i];
	}
	free(old);
}

static bool seen_before(struct explorer *explorer, struct world *world) {
	struct cl_hash hash = fingerprint(world);
	if (explorer->seen_n * 2 >= explorer->seen_cap)
		grow(explorer);
	size_t i = slot_of(explorer, hash);
	if (cl_hash_eq(explorer->seen[i], hash))
		return true;
	explorer->seen[i] = hash;
	explorer->seen_n++;
	return false;
}

/* A world without what is spent: bytes of its own in an arena of its own. */
static void take(struct world *world, const struct world *from, struct cl_arena *arena) {
	*world = *from;
	world->arena = arena;
	for (uint32_t i = 0; i < world->actor_n; i++) {
		struct cl_bytes *state = &world->actors[i].state;
		state->p = state->n ? memcpy(cl_arena_alloc(arena, state->n), state->p, state->n) : NULL;
	}
	for (uint32_t i = 0; i < world->pending_n; i++) {
		struct cl_bytes *body = &world->pending[i].body;
		body->p = body->n ? memcpy(cl_arena_alloc(arena, body->n), body->p, body->n) : NULL;
	}
}

/* The world's messages are sorted: it was fingerprinted, or has just been started. */
static void visit(struct explorer *explorer, const struct world *world) {
	if (world->pending_n == 0) {
		explorer->ends++;
		explorer->end(explorer->context, world);
	}
	for (uint32_t i = 0; i < world->pending_n; i++) {
		if (!world_may_deliver(world, i))
			continue;
		struct cl_arena arena;
		struct world *next = malloc(sizeof(*next));
		CL_ASSERT(next);
		cl_arena_init(&arena, 16384);
		take(next, world, &arena);
		world_deliver(next, i);
		explorer->deliveries++;
		explorer->step(explorer->context, next);
		if (!seen_before(explorer, next))
			visit(explorer, next);
		free(next);
		cl_arena_done(&arena);
	}
}

void explore(struct explorer *explorer, struct world *world) {
	sort(world);
	visit(explorer, world);
}

void explore_done(struct explorer *explorer) {
	free(explorer->seen);
	*explorer = (struct explorer){0};
}
