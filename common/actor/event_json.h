/* Records as people's programs read them: one JSON object each, the same from the command, the gateway and exports. */
#ifndef CL_ACTOR_EVENT_JSON_H
#define CL_ACTOR_EVENT_JSON_H

#include "base/arena.h"
#include "log/record.h"

/* Appends the object. position: place in the archive, 0 = leave out; partition UINT32_MAX = leave out. A payload that
 * cannot be decoded (a newer version, an unknown type) is given as hex, so that nothing is missing. */
void cl_event_json(struct cl_arena *arena, const struct cl_record *record, struct cl_hash hash, uint64_t position,
                   uint32_t service, uint32_t partition, struct cl_buf *out);

#endif
