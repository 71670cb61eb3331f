#include "actor/subscription.h"

#include "base/assert.h"

#define SILENCE_MS 3000
#define ALIVE_MS 5000
#define DEFAULT_CREDIT (4u << 20)

static void send_subscribe(struct cl_subscription *subscription, bool stop) {
	struct wire_subscribe message = {
	        .id = subscription->id,
	        .reply_to = subscription->reply_to,
	        .after = subscription->upto,
	        .hash = subscription->upto_hash,
	        /* What the consumer still holds is granted when it gives it back; 1 lets a single frame come. */
	        .credit = subscription->held < subscription->credit
	                          ? (uint32_t)(subscription->credit - subscription->held)
	                          : 1,
	        .types = subscription->types,
	        .stop = stop,
	};
	struct cl_env *env = subscription->env;
	/* A lost or refused message is made good by the next try. */
	(void)env->ops->post(env, subscription->address, CL_T_wire_subscribe, &message);
}

static void try_again(struct cl_subscription *subscription) {
	struct cl_env *env = subscription->env;
	uint8_t random[10];
	if (subscription->active)
		send_subscribe(subscription, true);
	env->ops->random(env, random, sizeof(random));
	subscription->id = cl_id_v7(env->ops->now_ms(env), random);
	subscription->active = true;
	subscription->owed = 0;
	subscription->heard_ms = subscription->alive_ms = env->ops->steady_ms(env);
	send_subscribe(subscription, false);
}

void cl_subscription_start(struct cl_subscription *subscription, uint64_t after, struct cl_hash hash) {
	CL_ASSERT(subscription->env && subscription->on_records);
	if (!subscription->credit)
		subscription->credit = DEFAULT_CREDIT;
	subscription->upto = after;
	subscription->upto_hash = hash;
	subscription->ended = false;
	subscription->active = false;
	subscription->held = 0;
	try_again(subscription);
}

void cl_subscription_grant(struct cl_subscription *subscription, uint32_t bytes) {
	struct cl_env *env = subscription->env;
	subscription->held -= bytes < subscription->held ? bytes : subscription->held;
	subscription->owed += bytes;
	/* In lumps: one grant for a quarter of the window costs next to nothing. */
	if (!subscription->active || subscription->owed < subscription->credit / 4)
		return;
	struct wire_credit message = {.id = subscription->id, .credit = subscription->owed};
	if (env->ops->post(env, subscription->address, CL_T_wire_credit, &message) == CL_OK) {
		subscription->owed = 0;
		subscription->alive_ms = env->ops->steady_ms(env);
	}
}

bool cl_subscription_records(struct cl_subscription *subscription, const struct wire_records *message) {
	if (!subscription->active || !cl_id_eq(message->id, subscription->id))
		return false;
	subscription->heard_ms = subscription->env->ops->steady_ms(subscription->env);
	if (message->after != subscription->upto || message->upto < message->after) {
		try_again(subscription); /* a frame was lost */
		return true;
	}
	subscription->head = message->head;
	if (message->upto == message->after)
		return true; /* heartbeat */
	uint32_t bytes = 0;
	for (uint32_t i = 0; i < message->records.n; i++)
		bytes += message->records.v[i].record.n + CL_HASH_BYTES;
	subscription->held += bytes;
	subscription->upto = message->upto;
	subscription->upto_hash = message->upto_hash;
	uint32_t grant = subscription->on_records(subscription, message, bytes);
	if (grant)
		cl_subscription_grant(subscription, grant);
	return true;
}

bool cl_subscription_ended(struct cl_subscription *subscription, const struct wire_subscription_ended *message) {
	if (!subscription->active || !cl_id_eq(message->id, subscription->id))
		return false;
	subscription->active = false;
	if (message->status == WIRE_NOT_FOUND || message->status == WIRE_BUSY)
		return true; /* the tick tries again */
	subscription->ended = true;
	if (subscription->on_ended)
		subscription->on_ended(subscription, message);
	return true;
}

void cl_subscription_tick(struct cl_subscription *subscription) {
	struct cl_env *env = subscription->env;
	if (subscription->ended)
		return;
	int64_t now = env->ops->steady_ms(env);
	if (!subscription->active || now - subscription->heard_ms >= SILENCE_MS) {
		try_again(subscription);
		return;
	}
	if (now - subscription->alive_ms >= ALIVE_MS) {
		/* Tells the producer that we live, and hands over what is owed. */
		struct wire_credit message = {.id = subscription->id,
		                              .credit = subscription->owed ? subscription->owed : 1};
		if (env->ops->post(env, subscription->address, CL_T_wire_credit, &message) == CL_OK) {
			subscription->owed = 0;
			subscription->alive_ms = now;
		}
	}
}

void cl_subscription_stop(struct cl_subscription *subscription) {
	if (subscription->active)
		send_subscribe(subscription, true);
	subscription->active = false;
	subscription->ended = true;
}
