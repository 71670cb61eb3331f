/* A hash table from (kind, id) to a pointer: the partition's table of actors. Open addressing, grows by
 * doubling, deletes without tombstones. Iteration order is unspecified but deterministic for one history. */
#ifndef CL_BASE_MAP_H
#define CL_BASE_MAP_H

#include "base/id.h"

struct cl_map_slot {
	struct cl_id id;
	uint32_t kind;
	void *value; /* NULL = empty */
};

struct cl_map {
	struct cl_map_slot *slots;
	size_t count, cap; /* cap is a power of two or 0 */
};

void cl_map_init(struct cl_map *map);
void cl_map_done(struct cl_map *map);                                             /* frees the table, not the values */
void *cl_map_get(const struct cl_map *map, uint32_t kind, struct cl_id id);       /* NULL if absent */
void cl_map_put(struct cl_map *map, uint32_t kind, struct cl_id id, void *value); /* replaces; value != NULL */
void *cl_map_del(struct cl_map *map, uint32_t kind, struct cl_id id);             /* the value removed, or NULL */
/* Next filled slot at or after *index, advancing it; NULL at the end. Start with *index = 0. No change meanwhile. */
struct cl_map_slot *cl_map_next(const struct cl_map *map, size_t *index);

#endif
