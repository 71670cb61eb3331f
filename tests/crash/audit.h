/* The stopped services' logs against what the load was promised. */
#ifndef CRASH_AUDIT_H
#define CRASH_AUDIT_H

#include "load.h"

/* Every acknowledged command is in the logs and took effect once: by its id (one run of records in one log), and by
 * keys that have nothing to do with ids: texts, numbers, pieces. Every record of every log is archived once, with its
 * hash and in its order. Then `careloop log verify` and `careloop replay` must be content. */
void audit(struct rig *rig, const struct load *load);

#endif
