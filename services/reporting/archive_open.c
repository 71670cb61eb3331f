#include "archive_int.h"

#include <stdlib.h>

#include "base/assert.h"
#include "codec.h"

static void defaults(struct reporting_archive_options *options) {
	if (!options->checkpoint_records)
		options->checkpoint_records = 10000;
	if (!options->checkpoint_ms)
		options->checkpoint_ms = 60000;
	if (!options->linger_ms)
		options->linger_ms = 8;
	if (!options->batch_records)
		options->batch_records = 8192;
	if (!options->credit_bytes)
		options->credit_bytes = 4u << 20;
	if (!options->subscribers_max)
		options->subscribers_max = 256;
	if (!options->held_alarm_ms)
		options->held_alarm_ms = 60000;
}

static void sources_new(struct reporting_archive *archive) {
	for (uint32_t service = CL_INTAKE; service < CL_REPORTING; service++) {
		archive->first_of[service] = archive->source_n;
		archive->partitions[service] = archive->options.partitions(archive->options.context, service);
		archive->source_n += archive->partitions[service];
	}
	archive->sources = calloc(archive->source_n ? archive->source_n : 1, sizeof(*archive->sources));
	CL_ASSERT(archive->sources);
	for (uint32_t service = CL_INTAKE; service < CL_REPORTING; service++)
		for (uint32_t partition = 0; partition < archive->partitions[service]; partition++) {
			struct archive_source *source = archive_find(archive, service, partition);
			source->archive = archive;
			source->service = service;
			source->partition = partition;
			source->end = &source->first;
		}
}

static int load_cursors(struct reporting_archive *archive, struct cl_kv_txn *txn, uint32_t *ret_begun) {
	*ret_begun = 0;
	for (uint32_t i = 0; i < archive->source_n; i++) {
		struct archive_source *source = &archive->sources[i];
		uint64_t seq = 0;
		int rc = cl_log_cursor(txn, archive->log.kv, source->service, source->partition, &seq, &source->hash);
		if (rc == CL_E_NOTFOUND)
			continue;
		if (rc != CL_OK)
			return rc;
		source->received = source->decided = source->durable = seq;
		*ret_begun += seq > 0;
	}
	return CL_OK;
}

/* A source's log id is the aggregate of its first copy. All first copies stand near the beginning of the archive. */
static int load_log_ids(struct reporting_archive *archive, uint32_t begun) {
	struct cl_log_reader reader;
	int rc = begun ? cl_log_reader_open(&reader, archive->log.kv, 1) : CL_OK;
	if (rc != CL_OK || !begun)
		return rc;
	while (begun && rc == CL_OK) {
		struct cl_stored stored;
		struct cl_record record;
		rc = cl_log_reader_next(&reader, &stored);
		if (rc == CL_OK)
			rc = cl_record_decode(stored.record, &record);
		if (rc != CL_OK || record.type != CL_T_record_archived || record.cause.seq != 1)
			continue;
		struct archive_source *source = archive_find(archive, record.cause.service, record.cause.partition);
		if (source)
			source->log_id = record.aggregate;
		begun--;
	}
	cl_log_reader_close(&reader);
	return rc == CL_E_NOTFOUND ? CL_E_MISMATCH : rc; /* a cursor without its first copy */
}

/* Sequence of the last checkpoint: looked for in the last checkpoint_records only; older means one is due. */
static int load_checkpoint(struct reporting_archive *archive, struct cl_kv_txn *txn) {
	uint64_t head = archive->log.head.seq, most = archive->options.checkpoint_records;
	for (uint64_t seq = head; seq > 0 && head - seq < most; seq--) {
		struct cl_stored stored;
		int rc = cl_log_read(txn, archive->log.kv, seq, &stored);
		if (rc != CL_OK)
			return rc;
		if (cl_record_type(stored.record) == CL_T_log_checkpoint) {
			archive->checkpoint_seq = seq;
			return CL_OK;
		}
	}
	archive->checkpoint_seq = head > most ? head - most : 1;
	return CL_OK;
}

static int load(struct reporting_archive *archive) {
	struct cl_kv_txn *txn;
	uint32_t begun;
	int rc = archive->log.kv->ops->begin(archive->log.kv, false, &txn);
	if (rc != CL_OK)
		return rc;
	rc = load_cursors(archive, txn, &begun);
	if (rc == CL_OK)
		rc = load_checkpoint(archive, txn);
	archive->log.kv->ops->abort(txn);
	return rc == CL_OK ? load_log_ids(archive, begun) : rc;
}

int reporting_archive_open(const struct reporting_archive_options *options, struct cl_env *env, struct cl_kv *kv,
                           uint64_t *ret_bad_seq, struct reporting_archive **ret_archive) {
	struct reporting_archive *archive = calloc(1, sizeof(*archive));
	if (!archive)
		return CL_E_NOMEM;
	archive->options = *options;
	defaults(&archive->options);
	archive->env = env;
	cl_buf_init(&archive->payload);
	for (int i = 0; i < 2; i++) {
		archive->flights[i].archive = archive;
		cl_batch_init(&archive->flights[i].batch);
	}
	archive->filling = &archive->flights[0];
	sources_new(archive);
	cl_publisher_init(&archive->publisher, env, &archive->log, archive->options.subscribers_max);
	archive->publisher.type_of = reporting_copy_type;
	/* The archive takes no commands: it forgets none. */
	int rc = cl_log_open(&archive->log, kv, &options->identity, INT64_MAX / 2, env->ops->now_ms(env), ret_bad_seq);
	if (rc == CL_OK)
		rc = load(archive);
	if (rc != CL_OK) {
		reporting_archive_close(archive);
		return rc;
	}
	archive->assigned = archive->log.head.seq;
	archive->recorded_ms = archive->log.head.recorded_ms;
	archive->checkpoint_at_ms = archive->tick_ms = env->ops->steady_ms(env);
	for (uint32_t i = 0; i < archive->source_n; i++)
		archive_source_start(&archive->sources[i]);
	env->ops->wake_at(env, archive->tick_ms + 1);
	*ret_archive = archive;
	return CL_OK;
}

void reporting_archive_close(struct reporting_archive *archive) {
	if (!archive)
		return;
	cl_publisher_done(&archive->publisher);
	for (uint32_t i = 0; i < archive->source_n; i++)
		archive_source_done(&archive->sources[i]);
	free(archive->sources);
	for (int i = 0; i < 2; i++)
		cl_batch_done(&archive->flights[i].batch);
	cl_buf_done(&archive->payload);
	free(archive);
}

void reporting_archive_drain(struct reporting_archive *archive, void (*done)(void *context), void *context) {
	archive->draining = true;
	archive->drained = done;
	archive->drained_context = context;
	for (uint32_t i = 0; i < archive->source_n; i++)
		if (!archive->sources[i].subscription.ended)
			cl_subscription_stop(&archive->sources[i].subscription);
	archive_advance(archive);
}

/* -- what it tells -- */

struct cl_log *reporting_archive_log(struct reporting_archive *archive) {
	return &archive->log;
}

const struct cl_publisher *reporting_archive_publisher(const struct reporting_archive *archive) {
	return &archive->publisher;
}

const struct reporting_archive_stats *reporting_archive_stats(struct reporting_archive *archive) {
	archive_order_watch(archive, archive->env->ops->steady_ms(archive->env));
	return &archive->stats;
}

uint32_t reporting_archive_source_count(const struct reporting_archive *archive) {
	return archive->source_n;
}

void reporting_archive_source_at(const struct reporting_archive *archive, uint32_t index,
                                 struct reporting_source *ret_source) {
	const struct archive_source *source = &archive->sources[index];
	int64_t now = archive->env->ops->steady_ms(archive->env);
	*ret_source = (struct reporting_source){
	        .service = source->service,
	        .partition = source->partition,
	        .state = source->state,
	        .archived = source->durable,
	        .received = source->received,
	        .head = source->subscription.head > source->received ? source->subscription.head : source->received,
	        .held = source->held_since_ms ? source->queued : 0,
	        .held_ms = source->held_since_ms ? now - source->held_since_ms : 0,
	};
}

bool reporting_archive_position(const struct reporting_archive *archive, uint32_t service, uint32_t partition,
                                uint64_t *ret_seq) {
	const struct archive_source *source = archive_find(archive, service, partition);
	if (!source)
		return false;
	*ret_seq = source->durable;
	return true;
}

/* -- copies -- */

int reporting_copy_open(struct cl_bytes bytes, struct reporting_copy *ret_copy) {
	struct cl_record record;
	struct record_archived body;
	int rc = cl_record_decode(bytes, &record);
	if (rc != CL_OK)
		return rc;
	if (record.type != CL_T_record_archived)
		return CL_E_INVALID;
	struct cl_arena arena;
	cl_arena_init(&arena, 256);
	rc = cl_decode_trusted(&cl_schema_record_archived, record.payload, &arena, &body);
	cl_arena_done(&arena);
	if (rc != CL_OK)
		return rc;
	ret_copy->source = record.cause;
	ret_copy->source.hash = body.hash;
	ret_copy->record = body.record;
	return CL_OK;
}

uint16_t reporting_copy_type(struct cl_bytes record) {
	struct reporting_copy copy;
	return reporting_copy_open(record, &copy) == CL_OK ? cl_record_type(copy.record) : cl_record_type(record);
}
