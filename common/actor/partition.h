/* The runtime of one partition of a service: inbox -> decide -> log -> evolve -> reply, publish.
 *
 * A turn takes at most turn_messages messages, decides each and evolves at once, collects the records in a batch and
 * hands it to the writer lane; while it is being synced the next is decided. Replies, answers and publications leave
 * only when the batch that they saw is durable. Actors not in memory are loaded on the reader lane while their messages
 * wait. */
#ifndef CL_ACTOR_PARTITION_H
#define CL_ACTOR_PARTITION_H

#include "actor/domain.h"
#include "actor/env.h"
#include "actor/publisher.h"
#include "actor/subscription.h"
#include "log/log.h"

struct cl_partition_options {
	struct cl_log_identity identity;
	int64_t command_window_ms;   /* default 7 days */
	int64_t skew_ms;             /* commands from the future beyond this are refused; default 5 min */
	uint32_t turn_messages;      /* default 1024 */
	uint32_t inbox_messages;     /* commands waiting at most; more are answered BUSY; default 65536 */
	uint64_t memory_bytes;       /* budget of resident actors; default 256 MiB */
	uint64_t reserve_bytes;      /* free space below which commands are refused; default 64 MiB */
	uint32_t checkpoint_records; /* default 10000 */
	int64_t checkpoint_ms;       /* default 60000 */
	uint8_t identity_key[32];
	/* Inbox addresses: peer(service, partition) in caller's memory; partitions(service). */
	struct cl_str (*address)(void *context, uint32_t service, uint32_t partition);
	uint32_t (*partitions)(void *context, uint32_t service);
	/* Called with every checkpoint that became durable (to anchor it); may be NULL. */
	void (*on_checkpoint)(void *context, const struct log_checkpoint *checkpoint);
	void *context;
};

struct cl_partition_stats { /* counters since start, for metrics */
	uint64_t commands, accepted, rejected, repeated, refused_busy, messages, ticks, records, batches, loads,
	        evicted, gets;
	uint64_t resident, resident_bytes, commit_us_total, batch_records_max;
	uint64_t patrolled, patrols; /* records held against the chain at rest, and whole passes */
};

struct cl_partition;
/* Opens log and state, subscribes to the domain's sources. The env's on_wake must call cl_partition_wake. */
CL_MUST_CHECK int cl_partition_open(const struct cl_domain *domain, const struct cl_partition_options *options,
                                    struct cl_env *env, struct cl_kv *kv, uint64_t *ret_bad_seq,
                                    struct cl_partition **ret_partition);
/* Frees everything at once (the process ends, or the simulator crashes it): nothing is flushed. No job may be running.
 */
void cl_partition_close(struct cl_partition *partition);
/* Stops taking messages; done is called when nothing is in flight. */
void cl_partition_drain(struct cl_partition *partition, void (*done)(void *context), void *context);
/* One message of a frame, decoded by the transport (WIRE structs only); body dies with the call. */
void cl_partition_message(struct cl_partition *partition, uint16_t type, const void *body);
/* The timer fired. */
void cl_partition_wake(struct cl_partition *partition);
/* The transport has delivered all it had for now: run a turn. */
void cl_partition_turn(struct cl_partition *partition);
const struct cl_partition_stats *cl_partition_stats(const struct cl_partition *partition);
struct cl_log *cl_partition_log(struct cl_partition *partition);
/* The index-th log it follows; NULL beyond the last. */
const struct cl_subscription *cl_partition_source(const struct cl_partition *partition, uint32_t index);

/* -- replay: the same evolve over a log, aside (audit, rebuild, as-of) -- */
struct cl_replay;
CL_MUST_CHECK int cl_replay_new(const struct cl_domain *domain, struct cl_replay **ret_replay);
void cl_replay_free(struct cl_replay *replay);
CL_MUST_CHECK int cl_replay_record(struct cl_replay *replay, const struct cl_record *record); /* in order */
struct cl_replay_actor {
	uint8_t kind;
	struct cl_id id;
	uint32_t version;
	uint64_t last_seq;
	struct cl_bytes state;
	int64_t due_ms;
};
/* Visits every actor, states encoded as CL_ACTORS holds them. */
void cl_replay_each(struct cl_replay *replay, void (*visit)(void *context, const struct cl_replay_actor *actor),
                    void *context);
/* One actor; NOTFOUND. *ret_state is the live struct, borrowed. */
CL_MUST_CHECK int cl_replay_get(struct cl_replay *replay, uint8_t kind, struct cl_id id, const void **ret_state,
                                uint32_t *ret_version);
/* Drops actors and dues of the store and rebuilds them from events (cl_log_derive does the rest). */
CL_MUST_CHECK int cl_partition_rebuild(const struct cl_domain *domain, struct cl_log *log);

#endif
