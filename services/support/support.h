/* Support (A6-A7): cases, from the routed slip to the closed record. A domain library: pure functions, see
 * actor/domain.h.
 *
 *   open --work--> working --propose--> proposed --agree--> agreed --close--> closed
 *                     ^ ^                 | |                                   |
 *                     | +----disagree-----+ +--silent: the deadline passes----->|
 *                     +-------------------------reopen--------------------------+
 *   wait and hold leave any open status and come back with work; a wait also ends by itself at its deadline.
 *
 * Rules are in case_decide.c, one function per command; what they refuse is in proto/defs/reject.def (400s). */
#ifndef SUPPORT_H
#define SUPPORT_H

#include "actor/domain.h"

extern const struct cl_domain support_domain;

/* The policy that holds while none is configured, as the command that would set it: three days for an answer, the
 * reminder one day before. */
const struct support_configure *support_defaults(struct cl_arena *arena);

#endif
