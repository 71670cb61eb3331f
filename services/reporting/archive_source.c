#include "archive_int.h"

#include <stdlib.h>

#include "base/assert.h"
#include "codec.h"

/* A source may hold back more than its credit when it subscribes again and again while nothing drains. */
#define QUEUE_CREDITS 4

void archive_source_stop(struct archive_source *source, enum reporting_source_state state, const char *why,
                         uint64_t seq) {
	struct reporting_archive *archive = source->archive;
	source->state = state;
	cl_subscription_stop(&source->subscription);
	if (state == REPORTING_BROKEN)
		archive->stats.chain_breaks++;
	else
		archive->stats.diverged++;
	archive->env->ops->log(archive->env, CL_ERROR, "archive_source_stopped", "source=%s/%u seq=%llu why=%s",
	                       cl_service_name(source->service), source->partition, (unsigned long long)seq, why);
}

/* The first record of a log names it. */
static int check_opened(struct archive_source *source, const struct cl_record *record) {
	struct log_opened opened;
	struct cl_arena arena;
	if (record->type != CL_T_log_opened)
		return CL_E_MISMATCH;
	cl_arena_init(&arena, 1024);
	int rc = cl_decode(&cl_schema_log_opened, record->payload, &arena, &opened, NULL);
	cl_arena_done(&arena);
	if (rc != CL_OK)
		return rc;
	if (opened.service != source->service || opened.partition != source->partition)
		return CL_E_MISMATCH;
	source->log_id = opened.log_id;
	return CL_OK;
}

/* Fills one item from a record that was copied into the frame. CHAIN: it does not continue the source's chain. */
static int take(struct archive_source *source, struct archive_frame *frame, struct cl_bytes bytes, struct cl_hash hash,
                struct archive_item *item) {
	struct cl_record record;
	if (!cl_hash_eq(cl_hash_chain(source->hash, bytes.p, bytes.n), hash))
		return CL_E_CHAIN;
	int rc = cl_record_decode(bytes, &record);
	if (rc != CL_OK)
		return rc;
	if (record.seq != source->received + 1)
		return CL_E_MISMATCH;
	if (record.seq == 1 && (rc = check_opened(source, &record)) != CL_OK)
		return rc;
	*item = (struct archive_item){
	        .source = {source->service, source->partition, record.seq, hash},
	        .cause = record.cause,
	        .occurred_ms = record.occurred_ms,
	        .correlation = record.correlation,
	        .record = bytes,
	};
	if (record.type != CL_T_log_consumed)
		return CL_OK;
	const void *body;
	rc = cl_decode_version(record.type, record.version, record.payload, &frame->arena, &body, NULL);
	if (rc == CL_OK)
		item->consumed = *(const struct log_consumed *)body;
	return rc;
}

static struct archive_frame *frame_new(const struct wire_records *records, uint32_t credit, uint8_t **ret_bytes) {
	size_t head = sizeof(struct archive_frame) + records->records.n * sizeof(struct archive_item), n = head;
	for (uint32_t i = 0; i < records->records.n; i++)
		n += records->records.v[i].record.n;
	struct archive_frame *frame = malloc(n);
	CL_ASSERT(frame);
	memset(frame, 0, head);
	frame->credit = credit;
	cl_arena_init(&frame->arena, 1024);
	*ret_bytes = (uint8_t *)frame + head;
	return frame;
}

static void frame_free(struct archive_frame *frame) {
	cl_arena_done(&frame->arena);
	free(frame);
}

static uint32_t on_records(struct cl_subscription *subscription, const struct wire_records *records, uint32_t bytes) {
	struct archive_source *source = subscription->context;
	const struct wire_record *in = records->records.v;
	uint8_t *to;
	if (source->paused)
		return 0;
	struct archive_frame *frame = frame_new(records, bytes, &to);
	int rc = CL_OK;
	for (uint32_t i = 0; i < records->records.n; i++) {
		memcpy(to, in[i].record.p, in[i].record.n);
		struct cl_bytes copy = {to, in[i].record.n};
		rc = take(source, frame, copy, in[i].hash, &frame->items[frame->n]);
		if (rc != CL_OK)
			break;
		to += copy.n;
		frame->n++;
		source->received++;
		source->hash = in[i].hash;
		source->queued_bytes += copy.n;
	}
	source->queued += frame->n;
	if (frame->n) {
		*source->end = frame;
		source->end = &frame->next;
	} else {
		frame_free(frame);
	}
	if (rc == CL_OK && source->received != records->upto)
		rc = CL_E_MISMATCH; /* we asked for every type: nothing may be left out */
	if (rc != CL_OK)
		archive_source_stop(source, REPORTING_BROKEN, cl_error_text(rc), source->received + 1);
	else if (source->queued_bytes > (uint64_t)QUEUE_CREDITS * source->archive->options.credit_bytes) {
		source->paused = true;
		cl_subscription_stop(subscription);
	}
	return 0; /* credit comes back when the frame is used up */
}

static void on_ended(struct cl_subscription *subscription, const struct wire_subscription_ended *message) {
	struct archive_source *source = subscription->context;
	const struct cl_enum_value *status = cl_enum_find(&cl_enum_wire_status, message->status);
	archive_source_stop(source, REPORTING_DIVERGED, status ? status->code : "unknown", message->head);
}

void archive_source_start(struct archive_source *source) {
	struct reporting_archive *archive = source->archive;
	const struct reporting_archive_options *options = &archive->options;
	source->paused = false;
	source->subscription = (struct cl_subscription){
	        .env = archive->env,
	        .address = options->address(options->context, source->service, source->partition),
	        .reply_to = options->reply_to,
	        .service = source->service,
	        .partition = source->partition,
	        .credit = options->credit_bytes,
	        .head = source->subscription.head,
	        .on_records = on_records,
	        .on_ended = on_ended,
	        .context = source,
	};
	cl_subscription_start(&source->subscription, source->received, source->hash);
}

void archive_source_pop(struct archive_source *source) {
	struct archive_frame *frame = source->first;
	source->queued--;
	source->queued_bytes -= frame->items[frame->at].record.n;
	source->held_since_ms = 0;
	if (++frame->at < frame->n)
		return;
	source->first = frame->next;
	if (!source->first)
		source->end = &source->first;
	uint32_t credit = frame->credit;
	frame_free(frame);
	if (source->state != REPORTING_FOLLOWING)
		return;
	if (!source->paused)
		cl_subscription_grant(&source->subscription, credit);
	else if (!source->first)
		archive_source_start(source);
}

void archive_source_done(struct archive_source *source) {
	while (source->first) {
		struct archive_frame *next = source->first->next;
		frame_free(source->first);
		source->first = next;
	}
	source->end = &source->first;
}
