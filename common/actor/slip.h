/* The one id that a slip, its work item, its case and its order share in all services: derived from the number
 * that people read, so that whoever knows the number knows where to ask. */
#ifndef CL_ACTOR_SLIP_H
#define CL_ACTOR_SLIP_H

#include "base/id.h"

struct cl_id cl_slip_id(struct cl_str number);

#endif
