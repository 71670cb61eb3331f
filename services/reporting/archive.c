#include "archive_int.h"

#include <stdlib.h>

#include "base/assert.h"
#include "codec.h"

static int64_t steady(const struct reporting_archive *archive) {
	return archive->env->ops->steady_ms(archive->env);
}

/* -- batches -- */

bool archive_batch_full(const struct reporting_archive *archive) {
	const struct cl_batch *batch = &archive->filling->batch;
	if (batch->record_n >= archive->options.batch_records || batch->bytes.n >= BATCH_BYTES_MAX)
		return true;
	/* A checkpoint is due: it opens the next batch, and names a head that is known when nothing is in flight. */
	return batch->record_n == 0 && archive->flying &&
	       archive->assigned - archive->checkpoint_seq >= archive->options.checkpoint_records;
}

static void batch_put(struct reporting_archive *archive, struct cl_record *record) {
	int64_t now = archive->env->ops->now_ms(archive->env);
	if (now > archive->recorded_ms)
		archive->recorded_ms = now;
	record->seq = ++archive->assigned;
	record->recorded_ms = archive->recorded_ms;
	record->who = CL_STR("system");
	record->version = cl_schema_by_type(record->type)->version;
	if (!record->occurred_ms)
		record->occurred_ms = record->recorded_ms;
	if (archive->filling->batch.record_n == 0)
		archive->filling->first_ms = steady(archive);
	cl_batch_record(&archive->filling->batch, record);
}

void archive_batch_copy(struct reporting_archive *archive, struct archive_source *source,
                        const struct archive_item *item) {
	struct record_archived body = {.record = item->record, .hash = item->source.hash};
	cl_buf_clear(&archive->payload);
	cl_encode(&cl_schema_record_archived, &body, &archive->payload);
	struct cl_record record = {
	        .occurred_ms = item->occurred_ms,
	        .type = CL_T_record_archived,
	        .kind = CL_KIND_ARCHIVE,
	        .aggregate = source->log_id,
	        /* Every record of the source is archived once and in order: its sequence counts the copies too. */
	        .aggregate_version = (uint32_t)item->source.seq,
	        .previous = source->copy_seq,
	        .correlation = item->correlation,
	        .cause = item->source,
	        .payload = cl_buf_bytes(&archive->payload),
	};
	batch_put(archive, &record);
	source->decided = item->source.seq;
	source->copy_seq = archive->assigned;
}

/* The statement of the head, signed; opens a batch while nothing is in flight. */
static void batch_checkpoint(struct reporting_archive *archive) {
	struct archive_flight *flight = archive->filling;
	const struct cl_log_identity *identity = &archive->log.identity;
	cl_log_sign(identity, archive->log.head.seq, archive->log.head.hash, flight->signature);
	flight->checkpoint = (struct log_checkpoint){
	        .log_id = identity->log_id,
	        .seq = archive->log.head.seq,
	        .hash = archive->log.head.hash,
	        .signature = {flight->signature, CL_SIGN_BYTES},
	};
	cl_buf_clear(&archive->payload);
	cl_encode(&cl_schema_log_checkpoint, &flight->checkpoint, &archive->payload);
	struct cl_record record = {
	        .type = CL_T_log_checkpoint, .kind = CL_KIND_LOG, .payload = cl_buf_bytes(&archive->payload)};
	batch_put(archive, &record);
	archive->checkpoint_seq = archive->assigned;
	archive->checkpoint_at_ms = steady(archive);
}

static void maybe_checkpoint(struct reporting_archive *archive) {
	if (archive->flying || archive->filling->batch.record_n || archive->draining)
		return;
	uint64_t records = archive->assigned - archive->checkpoint_seq;
	if (records >= archive->options.checkpoint_records ||
	    (records && steady(archive) - archive->checkpoint_at_ms >= archive->options.checkpoint_ms))
		batch_checkpoint(archive);
}

/* -- the writer -- */

static void commit_run(void *context) {
	struct archive_flight *flight = context;
	flight->rc = cl_log_commit(&flight->archive->log, &flight->before, &flight->batch, &flight->after);
}

static void commit_done(void *context);

static void commit(struct reporting_archive *archive) {
	archive->commit_began_ms = steady(archive);
	archive->env->ops->work(archive->env, CL_LANE_WRITER, commit_run, commit_done, archive->flying);
}

static void settle(struct reporting_archive *archive, const struct archive_flight *flight) {
	archive->log.head = flight->after;
	archive->stats.batches++;
	archive->stats.records += flight->batch.record_n;
	archive->stats.bytes += flight->batch.bytes.n;
	archive->stats.commit_ms_total += (uint64_t)(steady(archive) - archive->commit_began_ms);
	if (flight->batch.record_n > archive->stats.batch_records_max)
		archive->stats.batch_records_max = flight->batch.record_n;
	for (uint32_t i = 0; i < flight->batch.record_n; i++) {
		struct cl_record record;
		struct cl_bytes bytes = {flight->batch.bytes.p + flight->batch.records[i].offset,
		                         flight->batch.records[i].n};
		int rc = cl_record_decode(bytes, &record);
		CL_ASSERT(rc == CL_OK);
		struct archive_source *source = archive_find(archive, record.cause.service, record.cause.partition);
		if (source)
			source->durable = record.cause.seq;
	}
}

static void commit_done(void *context) {
	struct archive_flight *flight = context;
	struct reporting_archive *archive = flight->archive;
	const struct reporting_archive_options *options = &archive->options;
	if (flight->rc == CL_E_NOSPACE) {
		archive->stalled = true;
		archive->stats.stalls++;
		archive->retry_ms = steady(archive) + RETRY_MS;
		archive_advance(archive);
		return;
	}
	if (flight->rc != CL_OK) {
		archive->env->ops->die(archive->env, "the archive could not be written");
		return;
	}
	settle(archive, flight);
	archive->flying = NULL;
	if (options->on_durable)
		options->on_durable(options->on_durable_context, &archive->log.head);
	if (flight->checkpoint.seq) {
		archive->stats.checkpoints++;
		if (options->on_checkpoint)
			options->on_checkpoint(options->context, &flight->checkpoint);
		flight->checkpoint.seq = 0;
	}
	cl_batch_clear(&flight->batch);
	archive->publish_more = true;
	archive_advance(archive);
}

static void submit(struct reporting_archive *archive) {
	struct archive_flight *flight = archive->filling;
	archive->flying = flight;
	archive->filling = flight == &archive->flights[0] ? &archive->flights[1] : &archive->flights[0];
	flight->before = archive->log.head;
	commit(archive);
}

/* -- one step of everything -- */

static void schedule(struct reporting_archive *archive) {
	int64_t at = archive->tick_ms;
	if (archive->publish_more)
		at = steady(archive);
	if (archive->stalled && archive->retry_ms < at)
		at = archive->retry_ms;
	if (!archive->flying && archive->filling->batch.record_n &&
	    archive->filling->first_ms + archive->options.linger_ms < at)
		at = archive->filling->first_ms + archive->options.linger_ms;
	archive->env->ops->wake_at(archive->env, at > 0 ? at : 1);
}

static void maybe_submit(struct reporting_archive *archive) {
	const struct archive_flight *flight = archive->filling;
	if (archive->flying || !flight->batch.record_n)
		return;
	if (archive->draining || archive_batch_full(archive) ||
	    steady(archive) - flight->first_ms >= archive->options.linger_ms)
		submit(archive);
}

static void maybe_drained(struct reporting_archive *archive) {
	if (!archive->draining || archive->flying || archive->filling->batch.record_n || !archive->drained)
		return;
	void (*done)(void *context) = archive->drained;
	archive->drained = NULL;
	done(archive->drained_context);
}

void archive_advance(struct reporting_archive *archive) {
	maybe_checkpoint(archive);
	if (!archive->draining)
		archive_order_pump(archive);
	maybe_submit(archive);
	if (!archive->draining) /* what fits behind a batch that has just left */
		archive_order_pump(archive);
	archive->publish_more = cl_publisher_pump(&archive->publisher);
	schedule(archive);
	maybe_drained(archive);
}

void reporting_archive_turn(struct reporting_archive *archive) {
	archive_advance(archive);
}

void reporting_archive_wake(struct reporting_archive *archive) {
	int64_t now = steady(archive);
	if (now >= archive->tick_ms) {
		archive->tick_ms = now + TICK_MS;
		for (uint32_t i = 0; i < archive->source_n && !archive->draining; i++)
			if (!archive->sources[i].paused)
				cl_subscription_tick(&archive->sources[i].subscription);
		archive_order_watch(archive, now);
	}
	if (archive->stalled && now >= archive->retry_ms) {
		archive->stalled = false;
		commit(archive);
	}
	archive_advance(archive);
}

bool reporting_archive_message(struct reporting_archive *archive, uint16_t type, const void *body) {
	switch (type) {
	case CL_T_wire_records:
		for (uint32_t i = 0; i < archive->source_n; i++)
			if (cl_subscription_records(&archive->sources[i].subscription, body))
				break;
		return true;
	case CL_T_wire_subscription_ended:
		for (uint32_t i = 0; i < archive->source_n; i++)
			if (cl_subscription_ended(&archive->sources[i].subscription, body))
				break;
		return true;
	case CL_T_wire_subscribe:
		cl_publisher_subscribe(&archive->publisher, body);
		return true;
	case CL_T_wire_credit:
		cl_publisher_credit(&archive->publisher, body);
		return true;
	default: /* a number, not an event */
		return false;
	}
}
