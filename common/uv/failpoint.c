#include "uv/failpoint.h"

#ifdef CL_FAILPOINTS

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_MAX 16

/* Names point into the environment, which nobody changes after start. */
static struct point {
	const char *name;
	size_t n;
	atomic_long left;
} points[POINTS_MAX];
static size_t point_n;

static void parse(void) {
	const char *p = getenv("CL_FAILPOINT");
	while (p && *p && point_n < POINTS_MAX) {
		size_t n = strcspn(p, ":,");
		long count = p[n] == ':' ? strtol(p + n + 1, NULL, 10) : 1;
		points[point_n].name = p;
		points[point_n].n = n;
		atomic_init(&points[point_n].left, count);
		point_n++;
		p += strcspn(p, ",");
		p += *p == ',';
	}
}

void cl_failpoint_pass(const char *name) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	if (pthread_once(&once, parse) != 0)
		abort();
	for (size_t i = 0; i < point_n; i++)
		if (strlen(name) == points[i].n && memcmp(name, points[i].name, points[i].n) == 0 &&
		    atomic_fetch_sub(&points[i].left, 1) == 1)
			raise(SIGKILL);
}

#else

/* A translation unit must declare something (C11 6.9). */
typedef int cl_failpoint_is_off;

#endif
