/* A client of the services, on the libuv loop: commands with retry until answered, state of actors, named queries,
 * event streams. The gateway, the careloop command and programs of analysts use it. Single-threaded. */
#ifndef CL_UV_CLIENT_H
#define CL_UV_CLIENT_H

#include "actor/subscription.h"
#include "uv/config.h"
#include "uv/net.h"

struct cl_client;
/* config is borrowed until on_closed; DIR/run must be there (cl_config_prepare). */
CL_MUST_CHECK int cl_client_open(uv_loop_t *loop, const struct cl_config *config,
                                 const char *role /* "gateway", "client" */, struct cl_client **ret_client);
void cl_client_close(struct cl_client *client, void (*on_closed)(void *context), void *context);

/* status 0: *reply (or state, answer) is there; TIMEDOUT, or CLOSED (cl_client_close) otherwise. Views die with the
 * call. Never called from within the call that caused it. */
typedef void (*cl_on_reply)(void *context, int status, const struct wire_reply *reply);
typedef void (*cl_on_state)(void *context, int status, const struct wire_state *state);
typedef void (*cl_on_answer)(void *context, int status, const struct wire_answer *answer);

struct cl_command_options {
	struct cl_id id;          /* zero: one is drawn */
	struct cl_id correlation; /* zero: the id */
	struct cl_str who;        /* staff id */
	int64_t occurred_ms;      /* 0: now */
	uint32_t timeout_ms;      /* 0: 10 s; it is re-sent every 500 ms meanwhile */
};
/* Sends a command struct to actor (kind, target); the service and partition follow from them (registries: the partition
 * given by registry_partition). AGAIN: too many in flight. */
CL_MUST_CHECK int cl_client_command(struct cl_client *client, uint8_t kind, struct cl_id target,
                                    uint32_t registry_partition, uint16_t type, const void *body,
                                    const struct cl_command_options *options, cl_on_reply on_reply, void *context);
CL_MUST_CHECK int cl_client_get(struct cl_client *client, const struct wire_get *get /* id, reply_to are filled in */,
                                uint32_t registry_partition, uint32_t timeout_ms, cl_on_state on_state, void *context);
CL_MUST_CHECK int cl_client_query(struct cl_client *client, uint32_t service, uint32_t partition, const char *name,
                                  const struct wire_pair *arguments, uint32_t n, uint32_t timeout_ms,
                                  cl_on_answer on_answer, void *context);
/* Starts following a log; the caller sets types, credit, on_records, on_ended, context in *subscription before (rest is
 * filled in), and keeps it alive until cl_client_unfollow. */
CL_MUST_CHECK int cl_client_follow(struct cl_client *client, struct cl_subscription *subscription, uint32_t service,
                                   uint32_t partition, uint64_t after, struct cl_hash hash);
void cl_client_unfollow(struct cl_client *client, struct cl_subscription *subscription);
uint32_t cl_client_partitions(const struct cl_client *client, uint32_t service);
struct cl_id cl_client_new_id(struct cl_client *client);
int64_t cl_client_now_ms(struct cl_client *client);

#endif
