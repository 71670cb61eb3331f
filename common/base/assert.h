/* Assertions for programmer's faults, on in release. A failed one prints where and why and aborts; tests may
 * install a hook that turns it into a test failure. */
#ifndef CL_BASE_ASSERT_H
#define CL_BASE_ASSERT_H

typedef void (*cl_assert_hook)(const char *expression, const char *file, int line);

void cl_assert_set_hook(cl_assert_hook hook);
_Noreturn void cl_assert_failed(const char *expression, const char *file, int line);

#define CL_ASSERT(expression) ((expression) ? (void)0 : cl_assert_failed(#expression, __FILE__, __LINE__))
#define CL_UNREACHABLE() cl_assert_failed("unreachable", __FILE__, __LINE__)

#endif
