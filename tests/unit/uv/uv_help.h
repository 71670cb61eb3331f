/* Shared by the tests of common/uv: folders, child processes, waiting on a loop, random numbers. */
#ifndef UV_HELP_H
#define UV_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/types.h>
#include <uv.h>

#include "base/str.h"

char *folder_new(void);         /* a private temporary folder */
void folder_drop(char *folder); /* with all that is in it */
char *textf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void file_write(const char *name, const char *text);

uint64_t seed_of(const char *test); /* CL_TEST_SEED or a fresh one; printed */
uint64_t rng(uint64_t *state);

/* Runs the loop until the condition holds; fails the test when a minute has passed. */
void run_until(uv_loop_t *loop, bool (*condition)(void *context), void *context);
/* Runs what is left and checks that the loop closes: nothing may stay open. */
void loop_close(uv_loop_t *loop);

/* A child process. arguments end with NULL; environment: "NAME=value" beside ours, or NULL. Waits until it is ready
 * (CL_READY_FD) if ready is true; *ret_stderr, when wanted, is a descriptor to read what it says. */
pid_t spawn(const char *const *arguments, const char *environment, bool ready, int *ret_stderr);
int wait_exit(pid_t pid); /* exit code, or -signal */
char *read_all(int fd);   /* to the end; closes it */

#endif
