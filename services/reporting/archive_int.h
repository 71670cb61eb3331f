/* Inside of the archive: shared by archive.c (log, batches), archive_order.c (what may be archived next) and
 * archive_source.c (what the sources sent). */
#ifndef REPORTING_ARCHIVE_INT_H
#define REPORTING_ARCHIVE_INT_H

#include "archive.h"
#include "base/arena.h"

#define BATCH_BYTES_MAX (8u << 20)
#define RETRY_MS 200
#define TICK_MS 1000

struct archive_item {           /* a verified record of a source */
	struct cl_cause source; /* itself */
	struct cl_cause cause;  /* what it follows from in another log; service 0 = nothing */
	int64_t occurred_ms;
	struct cl_id correlation;
	struct cl_bytes record;
	struct log_consumed consumed; /* of a record of that type: positions of other logs that it follows from */
};

struct archive_frame { /* records of one wire_records, copied behind this struct */
	struct archive_frame *next;
	uint32_t n, at; /* at: next to archive */
	uint32_t credit;
	struct cl_arena arena; /* of lists in log_consumed */
	struct archive_item items[];
};

struct archive_source {
	struct reporting_archive *archive;
	struct cl_subscription subscription;
	uint32_t service, partition;
	enum reporting_source_state state;
	struct cl_id log_id;
	uint64_t received, decided, durable; /* verified; given a place in a batch; durable there */
	struct cl_hash hash;                 /* chain hash of the record `received` */
	uint64_t copy_seq;                   /* of the last copy since the start; 0 = none: the link is left out */
	struct archive_frame *first, **end;
	uint64_t queued; /* records waiting */
	uint64_t queued_bytes;
	bool paused; /* the queue overflowed (the source granted itself credit): subscribed again when it is empty */
	int64_t held_since_ms; /* steady; 0 = the head of the queue is not held back */
	bool held_alarmed;
};

struct archive_flight {
	struct reporting_archive *archive;
	struct cl_batch batch;
	struct cl_log_head before, after;
	struct log_checkpoint checkpoint; /* seq 0 = none */
	uint8_t signature[CL_SIGN_BYTES];
	int64_t first_ms; /* steady: when its first record came */
	int rc;
};

struct reporting_archive {
	struct reporting_archive_options options;
	struct cl_env *env;
	struct cl_log log;
	struct cl_publisher publisher;
	struct reporting_archive_stats stats;
	struct archive_source *sources;
	uint32_t source_n;
	uint32_t first_of[CL_SERVICE_COUNT + 1]; /* index of a service's partition 0 */
	uint32_t partitions[CL_SERVICE_COUNT + 1];

	struct archive_flight flights[2];
	struct archive_flight *filling, *flying; /* flying == NULL: the writer is idle */
	struct cl_buf payload;
	uint64_t assigned; /* last sequence given out */
	int64_t recorded_ms;
	uint64_t checkpoint_seq;  /* sequence of the last checkpoint */
	int64_t checkpoint_at_ms; /* steady */
	int64_t commit_began_ms;
	bool stalled;
	int64_t retry_ms, tick_ms; /* steady */
	bool publish_more;
	void (*drained)(void *context);
	void *drained_context;
	bool draining;
};

/* archive_source.c */
void archive_source_start(struct archive_source *source);
void archive_source_done(struct archive_source *source);
/* Drops the first item; gives the source credit for a frame that was used up. */
void archive_source_pop(struct archive_source *source);
void archive_source_stop(struct archive_source *source, enum reporting_source_state state, const char *why,
                         uint64_t seq);
static inline const struct archive_item *archive_source_head(const struct archive_source *source) {
	return source->first ? &source->first->items[source->first->at] : NULL;
}

/* archive_order.c */
struct archive_source *archive_find(const struct reporting_archive *archive, uint32_t service, uint32_t partition);
/* Moves what may be archived from the queues into the batch that is being filled. */
void archive_order_pump(struct reporting_archive *archive);
void archive_order_watch(struct reporting_archive *archive, int64_t steady_ms); /* held-back records: figures, alarm */

/* archive.c */
bool archive_batch_full(const struct reporting_archive *archive);
void archive_batch_copy(struct reporting_archive *archive, struct archive_source *source,
                        const struct archive_item *item);
void archive_advance(struct reporting_archive *archive);

#endif
