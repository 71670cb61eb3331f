/* The real processes of one data folder under the real supervisor, in a folder of the test's own: started, armed,
 * killed, asked, stopped. Everything waits for a condition with a bound, nothing for a fixed time. rig_close ends every
 * process by its id, after a failed assertion too (call it from the teardown); should the test itself be killed, the
 * kernel ends the supervisor and with it the services. */
#ifndef CRASH_RIG_H
#define CRASH_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/types.h>

#include "uv/client.h"

#define RIG_PARTITIONS_MAX 4

struct rig_member { /* one service process */
	uint32_t service, partition;
	char name[32];  /* "intake-0" */
	pid_t pid;      /* as last seen by rig_pid */
	uint32_t kills; /* by the test */
};

struct rig {
	char *base, *dir, *anchors; /* base holds all of it */
	pid_t supervisor;           /* 0: down */
	struct rig_member members[5 * RIG_PARTITIONS_MAX];
	uint32_t member_n;
	uv_loop_t loop;
	bool loop_open, config_open;
	struct cl_config config;
	struct cl_client *client;
	uint64_t seed;
};

/* yaml: lines behind those that the rig writes itself (run, anchors); NULL = none. */
void rig_open(struct rig *rig, const char *yaml);
void rig_close(struct rig *rig);

/* The n-th start (from 0) of that process runs with CL_FAILPOINT=point. */
void rig_arm(struct rig *rig, const struct rig_member *member, uint32_t start, const char *point);
uint32_t rig_starts(const struct rig *rig, const struct rig_member *member);
/* Of the process that lives now, 0 = none is known to. */
pid_t rig_pid(const struct rig *rig, const struct rig_member *member);

void rig_up(struct rig *rig);   /* returns when all services answer */
void rig_down(struct rig *rig); /* in order, and the supervisor's exit code must be 0 */
void rig_connect(struct rig *rig);
void rig_disconnect(struct rig *rig);
/* Until nothing is on its way: nobody lags behind a log that he follows, and no log has grown since the last look. */
void rig_drained(struct rig *rig);

/* Runs a program to its end (it must end within a minute); *ret_said: stdout and stderr, the caller frees it. */
int rig_run(const char *const *arguments, char **ret_said);
int rig_careloop(const struct rig *rig, char **ret_said, ...) __attribute__((sentinel)); /* words; --dir is added */
int rig_service(const struct rig *rig, const struct rig_member *member, char **ret_said);
/* The same, but a service that becomes ready is told to stop; INT32_MIN: it did not end. */
int rig_try(const struct rig *rig, const struct rig_member *member, char **ret_said);
/* A named query's JSON text; NULL if there was no answer in time. */
char *rig_query(struct rig *rig, const struct rig_member *member, const char *name, uint32_t timeout_ms);
uint64_t rig_number(const char *json, const char *name); /* of the first member so named; UINT64_MAX = none */

void rig_until(struct rig *rig, bool (*condition)(void *context), void *context, uint32_t limit_s, const char *what);
char *rig_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
uint64_t rig_random(uint64_t *state);
uint64_t rig_seed(const char *test);
void rig_write(const char *path, const char *text, mode_t mode);
char *rig_read(const char *path); /* whole file as text, caller frees; fails the test if it is not there */
void rig_show(const char *path);  /* to stderr, when something went wrong */

#endif
