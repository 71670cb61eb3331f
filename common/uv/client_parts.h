/* What the files of the client share. */
#ifndef CL_UV_CLIENT_PARTS_H
#define CL_UV_CLIENT_PARTS_H

#include "uv/client_calls.h"
#include "uv/env_uv.h"

struct cl_follow {
	struct cl_subscription *subscription; /* the caller's */
};

struct cl_client {
	uv_loop_t *loop;
	const struct cl_config *config;
	char name[64], role[16];
	char *address;
	struct cl_net *net;
	struct cl_env_uv *env;
	struct cl_calls calls;
	struct cl_follow *follows;
	uint32_t follow_n, follow_cap;
	uv_timer_t timer;
	int64_t timer_ms;  /* what it is set for; INT64_MAX: nothing */
	int64_t follow_ms; /* next tick of the subscriptions */
	bool closing;
	uint32_t open; /* parts that still have to close */
	void (*on_closed)(void *context);
	void *context;
};

/* Takes the call out and tells its owner. */
void cl_client_end_call(struct cl_client *client, struct cl_call *call, int status, const void *body);
void cl_client_message(void *context, struct cl_str sender, uint16_t type, const void *body); /* cl_net_on_message */
void cl_client_timer(uv_timer_t *timer);

#endif
