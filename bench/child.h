/* A service as a child of the bench itself: the same binary, started with --serve. */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include <sys/types.h>

/* Returns when it is ready; a failure to start ends the bench. */
pid_t bench_serve(const char *dir);

#endif
