/* The part of the rig that knows processes (rig_process.c). */
#ifndef CRASH_RIG_PROCESS_H
#define CRASH_RIG_PROCESS_H

#include "rig.h"

char *rig_read_fd(int fd); /* to the end, as text; closes it */
void rig_kill_all(struct rig *rig);

#endif
