/* The shapes of the past and how each becomes the next: for cl_decode_version and for the tests that keep their bytes.
 */
#ifndef CL_PROTO_PAST_H
#define CL_PROTO_PAST_H

#include "base/arena.h"
#include "base/error.h"
#include "defs/past.def"
#include "schema.h"

#define CL_PAST_DECL(shape, event, last)                                                                               \
	struct shape {                                                                                                 \
		CL_FIELDS_##shape(CL_DECL)                                                                             \
	};
CL_PAST_SHAPES(CL_PAST_DECL)

/* Makes the newer value from the older one, whose strings and lists it may share. RANGE or INVALID when it cannot. */
typedef int (*cl_upcast)(const void *older, struct cl_arena *arena, void *ret_newer);

struct cl_past_shape {
	uint16_t type;
	uint8_t last;                  /* last version that was written in this shape */
	const struct cl_schema *shape; /* role and type as the event's */
	cl_upcast upcast;              /* to the event's next shape: the next row's, or the current one */
};

/* Row `index`, by type and rising version; NULL beyond the end. */
const struct cl_past_shape *cl_past_at(size_t index);

#endif
