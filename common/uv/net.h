/* Frames between processes on the libuv loop: one nanomsg PULL inbox per process, one PUSH per peer. Messages posted
 * within one loop iteration to one peer leave as one frame. Every peer's queue is bounded. Over tcp, frames are sealed
 * (XChaCha20-Poly1305 under a key derived from the cluster key and both names, with a counter against replay). */
#ifndef CL_UV_NET_H
#define CL_UV_NET_H

#include <uv.h>

#include "base/arena.h"
#include "base/error.h"
#include "schema.h"
#include "uv/config.h"

#define CL_FRAME_MAX 2097152 /* bytes of one frame */

/* One decoded, validated message; body and sender die with the call. */
typedef void (*cl_net_on_message)(void *context, struct cl_str sender, uint16_t type, const void *body);
/* After the last message of what was read in one go. */
typedef void (*cl_net_on_idle)(void *context);

struct cl_net;
struct cl_net_stats {
	uint64_t frames_in, frames_out, messages_in, messages_out, bytes_in, bytes_out, malformed, dropped, denied;
};

/* name: "intake/0", "gateway/PID", "client/PID"; what a sender may send follows from it. Binds the inbox at address. */
CL_MUST_CHECK int cl_net_open(uv_loop_t *loop, const char *name, struct cl_str address, const struct cl_keys *keys,
                              cl_net_on_message on_message, cl_net_on_idle on_idle, void *context,
                              struct cl_net **ret_net);
/* See cl_env_ops.post. */
CL_MUST_CHECK int cl_net_post(struct cl_net *net, struct cl_str address, uint16_t type, const void *body);
/* Closes after what is queued left or 200 ms passed; on_closed last. */
void cl_net_close(struct cl_net *net, void (*on_closed)(void *context), void *context);
const struct cl_net_stats *cl_net_stats(const struct cl_net *net);

/* Frame codec, for tests and fuzzing: decodes a clear frame and calls on_message for each; MALFORMED and so on with the
 * offset. */
CL_MUST_CHECK int cl_frame_decode(struct cl_bytes frame, struct cl_arena *arena, cl_net_on_message on_message,
                                  void *context, size_t *ret_offset);

#endif
