#include "base/map.h"

#include <stdlib.h>

#include "base/assert.h"

#define FIRST_CAP 16

void cl_map_init(struct cl_map *map) {
	*map = (struct cl_map){0};
}

void cl_map_done(struct cl_map *map) {
	free(map->slots);
	*map = (struct cl_map){0};
}

static size_t home(const struct cl_map *map, uint32_t kind, struct cl_id id) {
	return (size_t)(cl_id_hash(id) + kind * 0x9e3779b97f4a7c15u) & (map->cap - 1);
}

/* The slot that holds the key, or the empty one where it belongs. The table is never full. */
static struct cl_map_slot *find(const struct cl_map *map, uint32_t kind, struct cl_id id) {
	size_t i = home(map, kind, id);
	while (map->slots[i].value && (map->slots[i].kind != kind || !cl_id_eq(map->slots[i].id, id)))
		i = (i + 1) & (map->cap - 1);
	return &map->slots[i];
}

void *cl_map_get(const struct cl_map *map, uint32_t kind, struct cl_id id) {
	return map->cap ? find(map, kind, id)->value : NULL;
}

static void grow(struct cl_map *map) {
	struct cl_map bigger = {.count = map->count, .cap = map->cap ? map->cap * 2 : FIRST_CAP};
	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	CL_ASSERT(bigger.slots);
	for (size_t i = 0; i < map->cap; i++) {
		if (map->slots[i].value)
			*find(&bigger, map->slots[i].kind, map->slots[i].id) = map->slots[i];
	}
	free(map->slots);
	*map = bigger;
}

void cl_map_put(struct cl_map *map, uint32_t kind, struct cl_id id, void *value) {
	CL_ASSERT(value);
	if (map->count >= map->cap - map->cap / 4) /* at most three quarters full */
		grow(map);
	struct cl_map_slot *slot = find(map, kind, id);
	if (!slot->value)
		map->count++;
	*slot = (struct cl_map_slot){id, kind, value};
}

void *cl_map_del(struct cl_map *map, uint32_t kind, struct cl_id id) {
	if (!map->cap)
		return NULL;
	struct cl_map_slot *slot = find(map, kind, id);
	void *value = slot->value;
	if (!value)
		return NULL;
	/* Close the gap: whoever was pushed past it moves back (Knuth, TAOCP vol. 3, 6.4, algorithm R). */
	size_t mask = map->cap - 1, gap = (size_t)(slot - map->slots);
	for (size_t i = (gap + 1) & mask; map->slots[i].value; i = (i + 1) & mask) {
		size_t wanted = home(map, map->slots[i].kind, map->slots[i].id);
		if (((i - wanted) & mask) >= ((i - gap) & mask)) {
			map->slots[gap] = map->slots[i];
			gap = i;
		}
	}
	map->slots[gap] = (struct cl_map_slot){.value = NULL};
	map->count--;
	return value;
}

struct cl_map_slot *cl_map_next(const struct cl_map *map, size_t *index) {
	while (*index < map->cap) {
		struct cl_map_slot *slot = &map->slots[(*index)++];
		if (slot->value)
			return slot;
	}
	return NULL;
}
