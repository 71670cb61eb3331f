/* The consuming half: follows one log from a position, notices gaps and silence, subscribes again, grants credit. The
 * consumer owns the durable cursor; this machine only tells it records in order, each exactly once from the start
 * given. */
#ifndef CL_ACTOR_SUBSCRIPTION_H
#define CL_ACTOR_SUBSCRIPTION_H

#include "actor/env.h"
#include "base/id.h"
#include "schema.h"

struct cl_subscription;
/* Records in order behind the position before; views die with the call. upto >= the last record's seq: the log was read
 * that far. head: the producer's last durable sequence. Return how many bytes of credit to grant now (normally `bytes`;
 * 0 and a later cl_subscription_grant to slow the producer). */
typedef uint32_t (*cl_on_records)(struct cl_subscription *subscription, const struct wire_records *records,
                                  uint32_t bytes);
/* The producer refused: DIVERGED (it lacks our position) or denied. Nothing more comes. */
typedef void (*cl_on_ended)(struct cl_subscription *subscription, const struct wire_subscription_ended *message);

struct cl_subscription {
	struct cl_env *env;
	struct cl_str address, reply_to; /* caller's memory */
	uint32_t service, partition;     /* of the log followed, for the caller */
	struct cl_bytes types;
	uint64_t upto; /* where we stand */
	struct cl_hash upto_hash;
	uint64_t head; /* what the producer last said */
	uint32_t credit;
	struct cl_id id;            /* of the present try */
	int64_t heard_ms, alive_ms; /* steady clock: last word from the producer, and to it */
	uint32_t owed;              /* credit not yet granted */
	uint64_t held;              /* bytes received that the consumer has not given back yet, of former tries too */
	bool active, ended;
	cl_on_records on_records;
	cl_on_ended on_ended;
	void *context;
};

/* after/hash: last record the consumer holds durably. */
void cl_subscription_start(struct cl_subscription *subscription, uint64_t after, struct cl_hash hash);
/* Feeds a message; false if it is for another subscription. */
bool cl_subscription_records(struct cl_subscription *subscription, const struct wire_records *message);
bool cl_subscription_ended(struct cl_subscription *subscription, const struct wire_subscription_ended *message);
void cl_subscription_grant(struct cl_subscription *subscription, uint32_t bytes);
/* Call about once a second: subscribes again after silence (3 s; producers send a heartbeat every second). */
void cl_subscription_tick(struct cl_subscription *subscription);
void cl_subscription_stop(struct cl_subscription *subscription);

#endif
