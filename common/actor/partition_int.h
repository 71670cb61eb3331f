/* Inside of the partition: shared by the files partition.c, turn.c, actors.c, commit.c, gets.c. */
#ifndef CL_ACTOR_PARTITION_INT_H
#define CL_ACTOR_PARTITION_INT_H

#include "actor/partition.h"
#include "base/map.h"

#define CL_BATCH_RECORDS_MAX 8192
#define CL_BATCH_BYTES_MAX (8u << 20)
#define CL_TICKS_MAX 256
#define CL_COMMAND_BYTES_MAX (64u << 20) /* of commands that wait; more are answered BUSY */
#define CL_GETS_MAX 4096                 /* questions that wait, likewise */
#define CL_OWN_MAX 16384                 /* own events that wait; beyond it nothing else is decided */
#define CL_OWN_BYTES_MAX (64u << 20)
#define CL_OWN_AHEAD 1024 /* of these, how many to ask loads for at once */
#define CL_HOUSEKEEPING_MS 1000
#define CL_RETRY_MS 200
#define CL_BACKDATED_MS 300000 /* a cause older than this when recorded is history: its effects are dated like it */
#define CL_SCAN_CURSOR_RECORDS 10000

/* -- resident actors (actors.c) -- */
struct cl_actor {
	uint8_t kind;
	struct cl_id id;
	uint32_t version;
	uint64_t last_seq; /* of its last event, durable or not */
	void *state;
	const struct cl_schema *schema;
	struct cl_arena arena;
	size_t compacted; /* arena.used after the last compaction */
	size_t counted;   /* bytes accounted for in stats */
	int64_t due_ms;   /* as in CL_DUES, or as sealed in a batch on its way there */
	uint64_t used;    /* the turn that last looked for it */
	bool dirty;       /* changed since it was last sealed */
	bool pinned;
	struct cl_actor *newer, *older; /* by last use */
	struct cl_actor *next_dirty;
};

/* -- what waits to be decided -- */
struct cl_command_item {
	struct cl_command_item *next;
	size_t bytes;
	struct wire_command command; /* strings point behind this struct */
};

struct cl_command_queue {
	struct cl_command_item *first, **end;
	uint32_t n;
};

struct cl_loading { /* an actor on its way from the store; commands that wait for it */
	struct cl_loading *next;
	uint8_t kind;
	struct cl_id id;
	struct cl_command_queue waiting;
	bool found;
	uint32_t version;
	uint64_t last_seq;
	struct cl_buf state;
};

struct cl_load_job {
	struct cl_partition *partition;
	struct cl_loading *first;
	int rc;
};

struct cl_source_frame { /* records of one wire_records, copied */
	struct cl_source_frame *next;
	uint32_t n, at; /* at: next to decide */
	uint32_t credit;
	bool prefetched;
	struct wire_record *records; /* bytes lie behind this struct */
};

struct cl_follow { /* a log that this partition follows */
	struct cl_partition *partition;
	struct cl_subscription subscription;
	struct cl_source_frame *first, **end;
	uint64_t consumed; /* decided up to here, in memory */
	struct cl_hash consumed_hash;
	uint64_t recorded; /* of these, told by a record's cause or log_consumed */
	uint8_t *types;    /* as on the wire */
};

struct cl_own_item { /* an event of this log that concerns an actor of this partition */
	struct cl_own_item *next;
	uint32_t n;
	uint64_t seq;
	uint8_t bytes[];
};

struct cl_tick_item {
	uint8_t kind;
	struct cl_id id;
};

/* -- a batch on its way to the log (commit.c) -- */
struct cl_reply_item {
	struct cl_reply_item *next;
	struct wire_reply reply; /* strings point behind this struct */
	struct cl_str to;
};

struct cl_flight {
	struct cl_partition *partition;
	struct cl_batch batch;
	struct cl_reply_item *replies, **replies_end;
	struct cl_log_head before, after;
	struct log_checkpoint checkpoint; /* to be told when durable; seq 0 = none */
	uint8_t checkpoint_signature[CL_SIGN_BYTES];
	struct cl_ids commands; /* ids recorded by it, for the table of pending ones */
	uint32_t commands_cap;
	int rc;
	int64_t began_ms;
};

struct cl_patrol { /* patrol.c */
	struct cl_partition *partition;
	uint64_t next, checked;
	struct cl_hash hash; /* of the record before next */
	bool running;
	int64_t rest_until_ms; /* steady */
	int rc;
};

struct cl_partition {
	const struct cl_domain *domain;
	struct cl_partition_options options;
	struct cl_env *env;
	struct cl_kv *kv;
	struct cl_log log; /* log.head: durable */
	struct cl_publisher publisher;
	struct cl_partition_stats stats;
	struct cl_arena turn; /* reset after each message */

	struct cl_map actors;
	struct cl_actor *newest, *oldest;
	struct cl_actor *dirty;
	struct cl_actor *registry;
	struct cl_map loading;        /* -> struct cl_loading */
	struct cl_loading *load_next; /* to be asked for at the end of the turn */
	uint64_t turns;
	uint32_t jobs; /* on the reader lane */
	uint32_t gets; /* of these, questions */

	struct cl_command_queue commands;
	uint32_t command_waiting; /* in the queue, behind loads or in batches not durable */
	size_t command_bytes;     /* of those in the queue or behind loads */
	struct cl_map pending;    /* command ids in the queue, behind loads or in batches not durable */
	struct cl_own_item *own, **own_end;
	uint32_t own_n;
	size_t own_bytes;
	uint64_t own_asked;          /* loads were asked for up to this event */
	struct cl_follow own_follow; /* cursor over the own log */
	struct cl_follow *follows;
	uint32_t follow_n;
	struct cl_tick_item ticks[CL_TICKS_MAX];
	uint32_t tick_n, tick_at;

	struct cl_flight flights[2];
	struct cl_flight *filling, *flying; /* flying == NULL: the writer is idle */
	uint64_t assigned;                  /* last sequence given out */
	int64_t recorded_ms;                /* last time recorded */
	uint64_t number;                    /* counter of numbers for people */
	uint64_t checkpoint_seq;
	int64_t checkpoint_at_ms; /* steady */
	bool stalled;             /* the last commit found no space; it is retried */
	int64_t retry_ms;
	int64_t next_due_ms;
	int64_t next_tick_ms; /* steady: subscriptions and heartbeats */
	int64_t space_at_ms;
	bool space_short;
	struct cl_patrol patrol;
	bool in_turn, draining, publish_more;
	void (*drained)(void *context);
	void *drained_context;
};

/* actors.c */
struct cl_actor *cl_actor_find(struct cl_partition *p, uint8_t kind,
                               struct cl_id id); /* marks it used; NULL: not resident */
struct cl_loading *cl_actor_want(struct cl_partition *p, uint8_t kind, struct cl_id id); /* has it loaded */
void cl_actor_flush_wants(struct cl_partition *p); /* hands wanted loads to the reader lane */
void cl_actor_apply(struct cl_partition *p, struct cl_actor *actor, const struct cl_event *event, uint64_t seq);
void cl_actor_compact(struct cl_partition *p,
                      struct cl_actor *actor); /* after all events of a decision: moves the state */
/* Copies what is alive of a state into a fresh arena when evolve has left much behind; false: not worth it yet. */
bool cl_state_compact(const struct cl_schema *schema, struct cl_arena *arena, size_t *compacted, void **state);
void cl_actors_evict(struct cl_partition *p);
void cl_actors_free(struct cl_partition *p);
CL_MUST_CHECK int cl_actor_load_now(struct cl_partition *p, uint8_t kind, struct cl_id id, struct cl_actor **ret_actor);
const struct cl_schema *cl_state_schema(const struct cl_domain *domain, uint8_t kind); /* NULL: not a kind of it */
bool cl_partition_owns(const struct cl_partition *p, uint8_t kind, struct cl_id id);

/* commit.c */
void cl_flights_init(struct cl_partition *p);
void cl_flights_done(struct cl_partition *p);
/* Appends one record to the filling batch; gives it seq and time. Fields seq, recorded_ms are filled in. */
void cl_flight_record(struct cl_partition *p, struct cl_record *record);
void cl_flight_reply(struct cl_partition *p, struct cl_flight *flight, struct cl_str to,
                     const struct wire_reply *reply);
bool cl_flight_full(const struct cl_partition *p);
void cl_flight_submit(struct cl_partition *p);      /* if there is something to write and the writer is idle */
void cl_flight_retry(struct cl_partition *p);       /* the batch that found no space */
void cl_partition_schedule(struct cl_partition *p); /* sets the timer */
int64_t cl_partition_now(struct cl_partition *p);   /* never before the last time recorded */

/* turn.c */
void cl_turn_own_event(struct cl_partition *p, const struct cl_event *event, const uint8_t *record, uint32_t n,
                       uint64_t seq);
void cl_partition_collect_ticks(struct cl_partition *p);
void cl_partition_post_reply(struct cl_partition *p, struct cl_str to, const struct wire_reply *reply);

/* patrol.c */
void cl_patrol_step(struct cl_partition *p); /* about once a second */

/* gets.c */
void cl_partition_get(struct cl_partition *p, const struct wire_get *get);

#endif
