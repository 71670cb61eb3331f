/* The producing half of an event stream (design §4): serves a log's records to subscribers on credit, from the store
 * and then live, by one code path: a pump that reads on from where each subscriber stands. A slow subscriber slows
 * nobody. */
#ifndef CL_ACTOR_PUBLISHER_H
#define CL_ACTOR_PUBLISHER_H

#include "actor/env.h"
#include "log/log.h"
#include "schema.h"

struct cl_publisher_subscriber;
struct cl_publisher {
	struct cl_env *env;
	struct cl_log *log; /* head is read from here */
	struct cl_publisher_subscriber *first;
	uint32_t count, max;
	uint64_t records_sent, bytes_sent; /* metrics */
	/* The type that filters look at; NULL = cl_record_type. The archive gives its inner record's type. */
	uint16_t (*type_of)(struct cl_bytes record);
};

void cl_publisher_init(struct cl_publisher *publisher, struct cl_env *env, struct cl_log *log,
                       uint32_t max_subscribers);
void cl_publisher_done(struct cl_publisher *publisher);
void cl_publisher_subscribe(struct cl_publisher *publisher, const struct wire_subscribe *message);
void cl_publisher_credit(struct cl_publisher *publisher, const struct wire_credit *message);
/* Sends what can be sent, a bounded amount. True: more could be sent at once, call again soon. Call after each commit,
 * credit, and wake. Sends heartbeats that fell due; drops subscribers silent for long. */
bool cl_publisher_pump(struct cl_publisher *publisher);

#endif
