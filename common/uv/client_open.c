#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "uv/client_parts.h"

#define REPLY_PORT_FIRST 20000 /* below Linux's ephemeral ports (32768…) */
#define REPLY_PORT_COUNT 12000
#define REPLY_PORT_TRIES 64

static bool uses_tcp(const struct cl_config *config) {
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT; s++)
		for (uint32_t p = 0; p < config->services[s].partitions; p++)
			if (cl_str_starts(cl_config_address(config, s, p), CL_STR("tcp://")))
				return true;
	return false;
}

static int open_inbox(struct cl_client *client, const struct cl_keys *keys) {
	static atomic_uint count;
	bool tcp = uses_tcp(client->config);
	int r = CL_E_BUSY;
	for (int i = 0; i < REPLY_PORT_TRIES && r == CL_E_BUSY; i++) {
		free(client->address);
		int n = tcp ? asprintf(&client->address, "tcp://%s:%u", client->config->reply_host,
		                       REPLY_PORT_FIRST + randombytes_uniform(REPLY_PORT_COUNT))
		            : asprintf(&client->address, "ipc://%s/run/%s-%ld-%u.sock", client->config->dir,
		                       client->role, (long)getpid(), atomic_fetch_add(&count, 1));
		CL_ASSERT(n > 0);
		r = cl_net_open(client->loop, client->name, cl_str_from(client->address), keys, cl_client_message, NULL,
		                client, &client->net);
	}
	return r;
}

static int open_parts(struct cl_client *client) {
	struct cl_keys keys;
	int r = cl_config_cluster_key(client->config, &keys, NULL);
	if (r < 0)
		return r;
	struct cl_logger logger;
	cl_logger_init(&logger, client->role, -1, client->config->log_level);
	r = open_inbox(client, &keys);
	sodium_memzero(&keys, sizeof(keys));
	if (r < 0)
		return r;
	r = cl_env_uv_open(client->loop, &logger, NULL, NULL, &client->env);
	if (r < 0) {
		cl_net_close(client->net, NULL, NULL);
		return r;
	}
	cl_env_uv_set_net(client->env, client->net);
	return CL_OK;
}

int cl_client_open(uv_loop_t *loop, const struct cl_config *config, const char *role, struct cl_client **ret_client) {
	CL_ASSERT(strcmp(role, "gateway") == 0 || strcmp(role, "client") == 0);
	struct cl_client *client = calloc(1, sizeof(*client));
	CL_ASSERT(client);
	client->loop = loop;
	client->config = config;
	/* The random part keeps two machines' processes of the same number apart. */
	int n = snprintf(client->name, sizeof(client->name), "%s/%ld-%08x", role, (long)getpid(), randombytes_random());
	CL_ASSERT(n > 0 && (size_t)n < sizeof(client->name));
	n = snprintf(client->role, sizeof(client->role), "%s", role);
	CL_ASSERT(n > 0 && (size_t)n < sizeof(client->role));
	cl_calls_init(&client->calls);
	int r = open_parts(client);
	if (r < 0) {
		free(client->address);
		cl_calls_done(&client->calls);
		free(client);
		return r;
	}
	r = uv_timer_init(loop, &client->timer);
	CL_ASSERT(r == 0);
	client->timer.data = client;
	client->timer_ms = INT64_MAX;
	*ret_client = client;
	return CL_OK;
}

static void on_part_closed(void *context) {
	struct cl_client *client = context;
	if (--client->open > 0)
		return;
	if (strncmp(client->address, "ipc://", 6) == 0)
		unlink(client->address + 6);
	void (*on_closed)(void *context_) = client->on_closed;
	void *closed_context = client->context;
	cl_calls_done(&client->calls);
	free(client->follows);
	free(client->address);
	free(client);
	if (on_closed)
		on_closed(closed_context);
}

static void on_timer_closed(uv_handle_t *handle) {
	on_part_closed(handle->data);
}

void cl_client_close(struct cl_client *client, void (*on_closed)(void *context), void *context) {
	CL_ASSERT(!client->closing);
	while (client->follow_n > 0)
		cl_client_unfollow(client, client->follows[0].subscription);
	client->closing = true;
	while (client->calls.first)
		cl_client_end_call(client, client->calls.first, CL_E_CLOSED, NULL);
	client->on_closed = on_closed;
	client->context = context;
	client->open = 3;
	cl_env_uv_set_net(client->env, NULL);
	uv_close((uv_handle_t *)&client->timer, on_timer_closed);
	cl_env_uv_close(client->env, on_part_closed, client);
	cl_net_close(client->net, on_part_closed, client);
}
