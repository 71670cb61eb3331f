/* The archive (A8): one log that holds a verified copy of every record of every log, in one order.
 *
 * Each source log is followed by a subscription. Its hash chain is checked record by record; a record that does not fit
 * stops that source for good and is never archived. A record waits in its source's queue until every record that it
 * follows from stands before it in the archive; the order decided is the order of the archive's log and never changes.
 * The durable cursor of a source is the cause of its last archived copy (CL_CURSORS), so a copy and the move of its
 * cursor are one transaction.
 *
 * Written against struct cl_env alone: the same code runs on libuv and in tests. All calls on the deciding thread. */
#ifndef REPORTING_ARCHIVE_H
#define REPORTING_ARCHIVE_H

#include "actor/env.h"
#include "actor/publisher.h"
#include "actor/subscription.h"
#include "log/log.h"

struct reporting_archive_options {
	struct cl_log_identity identity;
	uint32_t checkpoint_records; /* a signed checkpoint after so many records; default 10000 */
	int64_t checkpoint_ms;       /* and after so long, if there was any record; default 60000 */
	int64_t linger_ms;           /* a batch waits so long for more; default 8 */
	uint32_t batch_records;      /* default 8192 */
	uint32_t credit_bytes;       /* of each source's queue; default 4 MiB */
	uint32_t subscribers_max;    /* default 256 */
	int64_t held_alarm_ms;       /* default 60000 */
	struct cl_str reply_to;      /* our inbox; caller's memory, as what the functions return */
	struct cl_str (*address)(void *context, uint32_t service, uint32_t partition);
	uint32_t (*partitions)(void *context, uint32_t service);
	void (*on_durable)(void *context, const struct cl_log_head *head); /* after each commit; may be NULL */
	void (*on_checkpoint)(void *context, const struct log_checkpoint *checkpoint); /* when durable; may be NULL */
	void *context; /* of address, partitions, on_checkpoint */
	void *on_durable_context;
};

enum reporting_source_state {
	REPORTING_FOLLOWING,
	REPORTING_BROKEN,  /* a record did not fit the chain, or could not be read: stopped, alarm */
	REPORTING_DIVERGED /* the source does not hold what we archived of it: stopped, alarm */
};

struct reporting_source { /* as shown by status */
	uint32_t service, partition;
	enum reporting_source_state state;
	uint64_t archived; /* durable in the archive */
	uint64_t received; /* verified, at most held back */
	uint64_t head;     /* what the source last said */
	uint64_t held;     /* records waiting behind one whose cause is missing; 0 = none */
	int64_t held_ms;   /* for how long */
};

struct reporting_archive_stats {
	uint64_t records, bytes, batches, checkpoints, batch_records_max;
	uint64_t commit_ms_total;
	uint64_t chain_breaks; /* sources stopped by a record that does not fit */
	uint64_t diverged;     /* sources that lack our position */
	uint64_t held;         /* records held back now */
	uint64_t held_alarms;  /* sources held back for longer than held_alarm_ms, now */
	uint64_t stalls;       /* commits that found no space and were tried again */
};

struct reporting_archive;
/* Opens the log in kv (see cl_log_open) and subscribes to every partition of intake, routing, order and support. */
CL_MUST_CHECK int reporting_archive_open(const struct reporting_archive_options *options, struct cl_env *env,
                                         struct cl_kv *kv, uint64_t *ret_bad_seq,
                                         struct reporting_archive **ret_archive);
/* Frees everything at once, nothing is flushed. No job may be running. */
void reporting_archive_close(struct reporting_archive *archive);
/* Stops the sources; done is called when nothing is in flight. */
void reporting_archive_drain(struct reporting_archive *archive, void (*done)(void *context), void *context);
/* Records, credit and subscriptions; false for messages of other types. */
bool reporting_archive_message(struct reporting_archive *archive, uint16_t type, const void *body);
void reporting_archive_turn(struct reporting_archive *archive); /* the transport has delivered all it had for now */
void reporting_archive_wake(struct reporting_archive *archive); /* the env's timer fired */

struct cl_log *reporting_archive_log(struct reporting_archive *archive); /* head: durable */
const struct reporting_archive_stats *reporting_archive_stats(struct reporting_archive *archive);
const struct cl_publisher *reporting_archive_publisher(const struct reporting_archive *archive);
uint32_t reporting_archive_source_count(const struct reporting_archive *archive);
void reporting_archive_source_at(const struct reporting_archive *archive, uint32_t index,
                                 struct reporting_source *ret_source);
/* Durable position of a source's copy; false: no such source. */
bool reporting_archive_position(const struct reporting_archive *archive, uint32_t service, uint32_t partition,
                                uint64_t *ret_seq);

/* The copy within an archived record. INVALID: not a record_archived (the archive's own log_opened, log_checkpoint).
 * Views borrow from record. */
struct reporting_copy {
	struct cl_cause source; /* log, sequence and chain hash of the original */
	struct cl_bytes record; /* byte for byte */
};
CL_MUST_CHECK int reporting_copy_open(struct cl_bytes record, struct reporting_copy *ret_copy);
/* The type that a subscriber filters by: the original's. For cl_publisher.type_of. */
uint16_t reporting_copy_type(struct cl_bytes record);

#endif
