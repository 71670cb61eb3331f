/* struct cl_env on libuv: the loop's clock and timer, the net, a writer thread, the loop's thread pool. */
#ifndef CL_UV_ENV_UV_H
#define CL_UV_ENV_UV_H

#include <uv.h>

#include "actor/env.h"
#include "uv/logger.h"
#include "uv/net.h"

struct cl_env_uv;
/* net may be set later (before the first post). on_wake may be NULL. */
CL_MUST_CHECK int cl_env_uv_open(uv_loop_t *loop, const struct cl_logger *logger, void (*on_wake)(void *context),
                                 void *context, struct cl_env_uv **ret_env);
struct cl_env *cl_env_uv_env(struct cl_env_uv *env);
void cl_env_uv_set_net(struct cl_env_uv *env, struct cl_net *net); /* NULL: posts are CLOSED from now on */
/* Waits for the jobs under way (their done is still called), then calls on_closed. */
void cl_env_uv_close(struct cl_env_uv *env, void (*on_closed)(void *context), void *context);

#endif
