#include "base/assert.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic(cl_assert_hook) hook_now;

void cl_assert_set_hook(cl_assert_hook hook) {
	atomic_store(&hook_now, hook);
}

_Noreturn void cl_assert_failed(const char *expression, const char *file, int line) {
	cl_assert_hook hook = atomic_load(&hook_now);
	if (hook)
		hook(expression, file, line); /* a test's hook jumps away */
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
	fflush(stderr);
	abort();
}
