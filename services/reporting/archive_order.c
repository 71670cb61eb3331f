/* The order of the archive. Records of one source keep their order; a record that follows from another log's record
 * comes after it. Both are partial orders of what happened (a cause is durable before its effect is written), so
 * together they hold no circle and nothing waits for ever unless a source is stopped or away. */
#include "archive_int.h"

struct archive_source *archive_find(const struct reporting_archive *archive, uint32_t service, uint32_t partition) {
	if (service == 0 || service > CL_SERVICE_COUNT || partition >= archive->partitions[service])
		return NULL;
	return &archive->sources[archive->first_of[service] + partition];
}

/* Whether the record at a place in a log has its place in the archive. */
static bool stands(const struct reporting_archive *archive, const struct archive_item *item, uint32_t service,
                   uint32_t partition, uint64_t seq) {
	if (service == 0 || service >= CL_REPORTING)
		return true; /* none, or not a log that is archived */
	if (service == item->source.service && partition == item->source.partition)
		return seq < item->source.seq; /* its own log: the order of the source covers it */
	const struct archive_source *source = archive_find(archive, service, partition);
	return source && source->decided >= seq;
}

static bool may_follow(const struct reporting_archive *archive, const struct archive_item *item) {
	if (!stands(archive, item, item->cause.service, item->cause.partition, item->cause.seq))
		return false;
	for (uint32_t i = 0; i < item->consumed.sources.n; i++) {
		const struct log_position *at = &item->consumed.sources.v[i];
		bool own = at->service == item->source.service && at->partition == item->source.partition;
		if (!own && !stands(archive, item, at->service, at->partition, at->seq))
			return false;
	}
	return true;
}

static bool pump_source(struct reporting_archive *archive, struct archive_source *source) {
	bool moved = false;
	const struct archive_item *item;
	while ((item = archive_source_head(source)) && !archive_batch_full(archive) && may_follow(archive, item)) {
		archive_batch_copy(archive, source, item);
		archive_source_pop(source);
		moved = true;
	}
	return moved;
}

void archive_order_pump(struct reporting_archive *archive) {
	bool moved = true;
	while (moved && !archive_batch_full(archive)) {
		moved = false;
		for (uint32_t i = 0; i < archive->source_n; i++)
			moved |= pump_source(archive, &archive->sources[i]);
	}
}

void archive_order_watch(struct reporting_archive *archive, int64_t steady_ms) {
	uint64_t held = 0, alarms = 0;
	for (uint32_t i = 0; i < archive->source_n; i++) {
		struct archive_source *source = &archive->sources[i];
		const struct archive_item *item = archive_source_head(source);
		if (!item || may_follow(archive, item)) {
			source->held_since_ms = 0;
			source->held_alarmed = false;
			continue;
		}
		held += source->queued;
		if (!source->held_since_ms)
			source->held_since_ms = steady_ms;
		if (steady_ms - source->held_since_ms < archive->options.held_alarm_ms)
			continue;
		alarms++;
		if (!source->held_alarmed)
			archive->env->ops->log(archive->env, CL_ERROR, "archive_held",
			                       "source=%s/%u seq=%llu cause=%u/%u:%llu records=%llu",
			                       cl_service_name(source->service), source->partition,
			                       (unsigned long long)item->source.seq, item->cause.service,
			                       item->cause.partition, (unsigned long long)item->cause.seq,
			                       (unsigned long long)source->queued);
		source->held_alarmed = true;
	}
	archive->stats.held = held;
	archive->stats.held_alarms = alarms;
}
