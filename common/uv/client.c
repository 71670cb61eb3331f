#include "uv/client.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec.h"
#include "uv/client_parts.h"

#define TIMEOUT_MS 10000
#define FOLLOW_TICK_MS 1000

static int64_t steady_ms(const struct cl_client *client) {
	struct cl_env *env = cl_env_uv_env(client->env);
	return env->ops->steady_ms(env);
}

int64_t cl_client_now_ms(struct cl_client *client) {
	struct cl_env *env = cl_env_uv_env(client->env);
	return env->ops->now_ms(env);
}

struct cl_id cl_client_new_id(struct cl_client *client) {
	uint8_t random[10];
	randombytes_buf(random, sizeof(random));
	return cl_id_v7(cl_client_now_ms(client), random);
}

uint32_t cl_client_partitions(const struct cl_client *client, uint32_t service) {
	CL_ASSERT(service >= 1 && service <= CL_SERVICE_COUNT);
	return client->config->services[service].partitions;
}

/* -- answers -- */

void cl_client_end_call(struct cl_client *client, struct cl_call *call, int status, const void *body) {
	cl_calls_remove(&client->calls, call);
	switch (call->type) {
	case CL_T_wire_command:
		call->on.reply(call->context, status, body);
		break;
	case CL_T_wire_get:
		call->on.state(call->context, status, body);
		break;
	case CL_T_wire_query:
		call->on.answer(call->context, status, body);
		break;
	}
	cl_call_free(call);
}

static void answer(struct cl_client *client, struct cl_id id, enum wire_status status, uint16_t type,
                   const void *body) {
	struct cl_call *call = cl_calls_find(&client->calls, id, type);
	if (!call || status == WIRE_BUSY) /* not taken: it is sent again when its time comes */
		return;
	cl_client_end_call(client, call, CL_OK, body);
}

static void on_reply(struct cl_client *client, const struct wire_reply *reply) {
	answer(client, reply->id, reply->status, CL_T_wire_command, reply);
}

static void on_state(struct cl_client *client, const struct wire_state *state) {
	answer(client, state->id, state->status, CL_T_wire_get, state);
}

static void on_answer(struct cl_client *client, const struct wire_answer *said) {
	answer(client, said->id, said->status, CL_T_wire_query, said);
}

static void on_records(struct cl_client *client, const struct wire_records *records) {
	for (uint32_t i = 0; i < client->follow_n; i++)
		if (cl_subscription_records(client->follows[i].subscription, records))
			return;
}

static void on_ended(struct cl_client *client, const struct wire_subscription_ended *ended) {
	for (uint32_t i = 0; i < client->follow_n; i++)
		if (cl_subscription_ended(client->follows[i].subscription, ended))
			return;
}

void cl_client_message(void *context, struct cl_str sender, uint16_t type, const void *body) {
	struct cl_client *client = context;
	(void)sender;
	if (client->closing)
		return;
	if (type == CL_T_wire_reply)
		on_reply(client, body);
	else if (type == CL_T_wire_state)
		on_state(client, body);
	else if (type == CL_T_wire_answer)
		on_answer(client, body);
	else if (type == CL_T_wire_records)
		on_records(client, body);
	else if (type == CL_T_wire_subscription_ended)
		on_ended(client, body);
	/* anything else is meant for services */
}

/* -- time -- */

/* The timer is set for whatever is due first; without calls and streams the loop sleeps. */
static void set_timer(struct cl_client *client) {
	int64_t at_ms = client->calls.first ? client->calls.first->due_ms : INT64_MAX;
	if (client->follow_n > 0 && client->follow_ms < at_ms)
		at_ms = client->follow_ms;
	if (client->closing || at_ms == client->timer_ms)
		return;
	client->timer_ms = at_ms;
	int r;
	if (at_ms == INT64_MAX) {
		r = uv_timer_stop(&client->timer);
	} else {
		uv_update_time(client->loop);
		int64_t wait_ms = at_ms - steady_ms(client);
		r = uv_timer_start(&client->timer, cl_client_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
	}
	CL_ASSERT(r == 0);
}

/* -- calls -- */

static void send_call(struct cl_client *client, struct cl_call *call) {
	/* A full queue is as good as a lost message: the call is sent again. */
	int r = cl_net_post(client->net, call->address, call->type, &call->body);
	CL_ASSERT(r != CL_E_INVALID && r != CL_E_TOOBIG);
}

static int start_call(struct cl_client *client, uint16_t type, const void *body, struct cl_id id, struct cl_str address,
                      uint32_t timeout_ms, struct cl_call **ret_call) {
	if (client->closing)
		return CL_E_CLOSED;
	if (address.n == 0)
		return CL_E_RANGE;
	struct cl_field_error error;
	if (cl_validate(cl_schema_by_type(type), body, &error) < 0)
		return CL_E_INVALID;
	int r = cl_calls_add(&client->calls, type, body, id, ret_call);
	if (r < 0)
		return r;
	int64_t now_ms = steady_ms(client);
	(*ret_call)->address = address;
	(*ret_call)->end_ms = now_ms + (timeout_ms ? timeout_ms : TIMEOUT_MS);
	int64_t again_ms = now_ms + CL_CALL_AGAIN_MS;
	cl_calls_schedule(&client->calls, *ret_call, again_ms < (*ret_call)->end_ms ? again_ms : (*ret_call)->end_ms);
	send_call(client, *ret_call);
	if (client->calls.first == *ret_call)
		set_timer(client);
	return CL_OK;
}

/* The address of an actor; empty when there is no such service or partition. */
static struct cl_str actor_address(const struct cl_client *client, uint32_t kind, struct cl_id id,
                                   uint32_t registry_partition) {
	uint32_t service = cl_kind_service(kind);
	if (service < 1 || service > CL_SERVICE_COUNT)
		return (struct cl_str){0};
	uint32_t partitions = cl_client_partitions(client, service);
	uint32_t partition = cl_id_zero(id) ? registry_partition : (uint32_t)(cl_id_hash(id) % partitions);
	return cl_config_address(client->config, service, partition);
}

int cl_client_command(struct cl_client *client, uint8_t kind, struct cl_id target, uint32_t registry_partition,
                      uint16_t type, const void *body, const struct cl_command_options *options, cl_on_reply on_reply_,
                      void *context) {
	static const struct cl_command_options none;
	options = options ? options : &none;
	const struct cl_schema *schema = cl_schema_by_type(type);
	CL_ASSERT(schema && schema->role == CL_ROLE_COMMAND);
	struct cl_field_error error;
	if (cl_validate(schema, body, &error) < 0)
		return CL_E_INVALID;
	struct cl_id id = cl_id_zero(options->id) ? cl_client_new_id(client) : options->id;
	struct cl_buf encoded;
	cl_buf_init(&encoded);
	cl_encode(schema, body, &encoded);
	struct wire_command command = {
	        .id = id,
	        .reply_to = cl_str_from(client->address),
	        .type = type,
	        .kind = kind,
	        .target = target,
	        .who = options->who.n ? options->who : cl_str_from(client->role),
	        .correlation = cl_id_zero(options->correlation) ? id : options->correlation,
	        .occurred_at = options->occurred_ms,
	        .body = cl_buf_bytes(&encoded),
	};
	struct cl_call *call = NULL;
	int r = start_call(client, CL_T_wire_command, &command, id,
	                   actor_address(client, kind, target, registry_partition), options->timeout_ms, &call);
	cl_buf_done(&encoded);
	if (r < 0)
		return r;
	call->on.reply = on_reply_;
	call->context = context;
	return CL_OK;
}

int cl_client_get(struct cl_client *client, const struct wire_get *get, uint32_t registry_partition,
                  uint32_t timeout_ms, cl_on_state on_state_, void *context) {
	struct wire_get body = *get;
	body.id = cl_client_new_id(client);
	body.reply_to = cl_str_from(client->address);
	struct cl_call *call = NULL;
	int r = start_call(client, CL_T_wire_get, &body, body.id,
	                   actor_address(client, get->kind, get->target, registry_partition), timeout_ms, &call);
	if (r < 0)
		return r;
	call->on.state = on_state_;
	call->context = context;
	return CL_OK;
}

int cl_client_query(struct cl_client *client, uint32_t service, uint32_t partition, const char *name,
                    const struct wire_pair *arguments, uint32_t n, uint32_t timeout_ms, cl_on_answer on_answer_,
                    void *context) {
	struct wire_query body = {
	        .id = cl_client_new_id(client),
	        .reply_to = cl_str_from(client->address),
	        .name = cl_str_from(name),
	};
	body.arguments.v = (struct wire_pair *)arguments; /* read only */
	body.arguments.n = n;
	struct cl_call *call = NULL;
	int r = start_call(client, CL_T_wire_query, &body, body.id,
	                   cl_config_address(client->config, service, partition), timeout_ms, &call);
	if (r < 0)
		return r;
	call->on.answer = on_answer_;
	call->context = context;
	return CL_OK;
}

/* -- streams -- */

int cl_client_follow(struct cl_client *client, struct cl_subscription *subscription, uint32_t service,
                     uint32_t partition, uint64_t after, struct cl_hash hash) {
	if (client->closing)
		return CL_E_CLOSED;
	struct cl_str address = cl_config_address(client->config, service, partition);
	if (address.n == 0)
		return CL_E_RANGE;
	if (client->follow_n == client->follow_cap) {
		client->follow_cap = client->follow_cap ? client->follow_cap * 2 : 8;
		client->follows = realloc(client->follows, client->follow_cap * sizeof(*client->follows));
		CL_ASSERT(client->follows);
	}
	if (client->follow_n == 0)
		client->follow_ms = steady_ms(client) + FOLLOW_TICK_MS;
	client->follows[client->follow_n++].subscription = subscription;
	set_timer(client);
	subscription->env = cl_env_uv_env(client->env);
	subscription->address = address;
	subscription->reply_to = cl_str_from(client->address);
	subscription->service = service;
	subscription->partition = partition;
	cl_subscription_start(subscription, after, hash);
	return CL_OK;
}

void cl_client_unfollow(struct cl_client *client, struct cl_subscription *subscription) {
	for (uint32_t i = 0; i < client->follow_n; i++) {
		if (client->follows[i].subscription != subscription)
			continue;
		client->follows[i] = client->follows[--client->follow_n];
		cl_subscription_stop(subscription);
		return;
	}
}

static void repeat_calls(struct cl_client *client, int64_t now_ms) {
	while (client->calls.first && client->calls.first->due_ms <= now_ms && !client->closing) {
		struct cl_call *call = client->calls.first;
		if (call->end_ms <= now_ms) {
			cl_client_end_call(client, call, CL_E_TIMEDOUT, NULL);
			continue;
		}
		send_call(client, call);
		int64_t again_ms = now_ms + CL_CALL_AGAIN_MS;
		cl_calls_schedule(&client->calls, call, again_ms < call->end_ms ? again_ms : call->end_ms);
	}
}

void cl_client_timer(uv_timer_t *timer) {
	struct cl_client *client = timer->data;
	int64_t now_ms = steady_ms(client);
	client->timer_ms = INT64_MAX;
	repeat_calls(client, now_ms);
	if (client->follow_n > 0 && now_ms >= client->follow_ms) {
		client->follow_ms = now_ms + FOLLOW_TICK_MS;
		for (uint32_t i = 0; i < client->follow_n && !client->closing; i++)
			cl_subscription_tick(client->follows[i].subscription);
	}
	set_timer(client);
}
