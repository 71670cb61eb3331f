/* Everything that the runtime needs from outside, as one small table of functions. Two implementations: libuv, nanomsg
 * and LMDB (common/uv), and the deterministic simulator (tests/sim). All calls are made on the deciding thread, and all
 * callbacks arrive there, never from within the call that caused them. */
#ifndef CL_ACTOR_ENV_H
#define CL_ACTOR_ENV_H

#include "base/error.h"
#include "base/str.h"
#include "log/kv.h"

enum cl_lane {
	CL_LANE_WRITER, /* one job after another, on one thread: the log's commits */
	CL_LANE_READER  /* jobs may run beside each other: loads, histories */
};

enum cl_severity { CL_DEBUG, CL_INFO, CL_WARN, CL_ERROR };

struct cl_env;
struct cl_env_ops {
	int64_t (*now_ms)(struct cl_env *env);    /* wall clock; may jump */
	int64_t (*steady_ms)(struct cl_env *env); /* never runs backwards; for time-outs */
	void (*random)(struct cl_env *env, void *p, size_t n);
	/* Queues one message (a proto struct of WIRE role) to a peer's inbox. It may be lost, never altered. AGAIN: the
	 * peer's queue is full; INVALID: no such address. The body is encoded before the call returns. */
	int (*post)(struct cl_env *env, struct cl_str address, uint16_t type, const void *body);
	/* One timer per env; at_ms by steady clock, 0 = none; replaces the former. Calls on_wake given at creation. */
	void (*wake_at)(struct cl_env *env, int64_t at_ms);
	/* Runs run(context) on another thread, then done(context) on the deciding thread. */
	void (*work)(struct cl_env *env, enum cl_lane lane, void (*run)(void *context), void (*done)(void *context),
	             void *context);
	/* A structured log line: event name, then "key=value" text already free of personal data. */
	void (*log)(struct cl_env *env, enum cl_severity severity, const char *event, const char *format, ...)
	        __attribute__((format(printf, 4, 5)));
	/* The process must end at once: state in memory can no longer be trusted. Does not return in production. */
	void (*die)(struct cl_env *env, const char *reason);
};
struct cl_env {
	const struct cl_env_ops *ops;
};

#endif
