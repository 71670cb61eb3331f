/* What must hold of an archive, whatever happened: each source once, whole, in its order and byte for byte; no effect
 * before its cause; the archive's own chain and checkpoints. */
#ifndef TEST_ARCHIVE_CHECK_H
#define TEST_ARCHIVE_CHECK_H

#include "archive_world.h"

/* complete: every record of every source must be there. */
void check_archive(struct world *world, bool complete);

#endif
