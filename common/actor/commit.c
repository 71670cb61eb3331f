/* From decided to durable: two batches, one being filled while the other is being synced. */
#include <stdlib.h>

#include "actor/partition_int.h"
#include "base/assert.h"

static void flight_clear(struct cl_flight *flight) {
	cl_batch_clear(&flight->batch);
	while (flight->replies) {
		struct cl_reply_item *next = flight->replies->next;
		free(flight->replies);
		flight->replies = next;
	}
	flight->replies_end = &flight->replies;
	flight->commands.n = 0;
	flight->checkpoint.seq = 0;
}

void cl_flights_init(struct cl_partition *p) {
	for (int i = 0; i < 2; i++) {
		p->flights[i].partition = p;
		cl_batch_init(&p->flights[i].batch);
		p->flights[i].replies_end = &p->flights[i].replies;
	}
	p->filling = &p->flights[0];
}

void cl_flights_done(struct cl_partition *p) {
	for (int i = 0; i < 2; i++) {
		flight_clear(&p->flights[i]);
		cl_batch_done(&p->flights[i].batch);
		free(p->flights[i].commands.v);
	}
}

int64_t cl_partition_now(struct cl_partition *p) {
	int64_t now = p->env->ops->now_ms(p->env);
	return now > p->recorded_ms ? now : p->recorded_ms;
}

void cl_flight_record(struct cl_partition *p, struct cl_record *record) {
	record->seq = ++p->assigned;
	record->recorded_ms = p->recorded_ms = cl_partition_now(p);
	cl_batch_record(&p->filling->batch, record);
	p->stats.records++;
	if (!cl_id_zero(record->command)) {
		struct cl_ids *ids = &p->filling->commands;
		if (ids->n && cl_id_eq(ids->v[ids->n - 1], record->command))
			return;
		if (ids->n == p->filling->commands_cap) {
			p->filling->commands_cap = p->filling->commands_cap ? 2 * p->filling->commands_cap : 256;
			ids->v = realloc(ids->v, p->filling->commands_cap * sizeof(*ids->v));
			CL_ASSERT(ids->v);
		}
		ids->v[ids->n++] = record->command;
	}
}

void cl_flight_reply(struct cl_partition *p, struct cl_flight *flight, struct cl_str to,
                     const struct wire_reply *reply) {
	(void)p;
	struct cl_reply_item *item = malloc(sizeof(*item) + to.n + reply->field.n + reply->number.n + 1);
	CL_ASSERT(item);
	char *text = (char *)(item + 1);
	item->next = NULL;
	item->reply = *reply;
	memcpy(text, to.p, to.n);
	item->to = (struct cl_str){text, to.n};
	text += to.n;
	if (reply->field.n)
		memcpy(text, reply->field.p, reply->field.n);
	item->reply.field.p = text;
	text += reply->field.n;
	if (reply->number.n)
		memcpy(text, reply->number.p, reply->number.n);
	item->reply.number.p = text;
	*flight->replies_end = item;
	flight->replies_end = &item->next;
}

bool cl_flight_full(const struct cl_partition *p) {
	const struct cl_batch *batch = &p->filling->batch;
	return batch->record_n >= CL_BATCH_RECORDS_MAX || batch->bytes.n >= CL_BATCH_BYTES_MAX;
}

/* Far ahead of the cursor with nothing that concerned us: moves it, so that a restart needs not read all that again. */
static void skip_ahead(struct cl_partition *p, struct cl_follow *follow) {
	bool own = follow == &p->own_follow;
	uint64_t upto = own ? p->assigned : follow->subscription.upto;
	if ((own ? p->own != NULL || !p->domain->own_type_n : follow->first != NULL) ||
	    upto < follow->consumed + CL_SCAN_CURSOR_RECORDS)
		return;
	follow->consumed = upto;
	if (!own)
		follow->consumed_hash = follow->subscription.upto_hash;
}

/* Cursors that moved by messages without an event get one record. */
static void record_consumed(struct cl_partition *p) {
	struct log_position positions[CL_SERVICE_COUNT * 4 + 1];
	struct log_position *list = positions;
	uint32_t n = 0, all = p->follow_n + 1;
	if (all > sizeof(positions) / sizeof(positions[0]))
		list = cl_arena_array(&p->turn, struct log_position, all);
	for (uint32_t i = 0; i < all; i++) {
		struct cl_follow *follow = i < p->follow_n ? &p->follows[i] : &p->own_follow;
		skip_ahead(p, follow);
		if (follow->consumed <= follow->recorded)
			continue;
		list[n++] = (struct log_position){.service = follow->subscription.service,
		                                  .partition = follow->subscription.partition,
		                                  .seq = follow->consumed,
		                                  .hash = follow->consumed_hash};
		follow->recorded = follow->consumed;
	}
	if (!n)
		return;
	struct log_consumed body = {0};
	body.sources.v = list;
	body.sources.n = n;
	struct cl_buf payload;
	cl_buf_init(&payload);
	cl_encode(&cl_schema_log_consumed, &body, &payload);
	int64_t now = cl_partition_now(p);
	struct cl_record record = {.occurred_ms = now,
	                           .type = CL_T_log_consumed,
	                           .version = cl_schema_log_consumed.version,
	                           .kind = CL_KIND_LOG,
	                           .who = CL_STR("system"),
	                           .payload = cl_buf_bytes(&payload)};
	cl_flight_record(p, &record);
	cl_buf_done(&payload);
}

/* A signed statement of the durable head, every so many records or so much time. */
static void record_checkpoint(struct cl_partition *p) {
	int64_t steady = p->env->ops->steady_ms(p->env);
	const struct cl_log_head *head = &p->log.head;
	if (head->seq <= p->checkpoint_seq || (head->seq - p->checkpoint_seq < p->options.checkpoint_records &&
	                                       steady - p->checkpoint_at_ms < p->options.checkpoint_ms))
		return;
	struct cl_flight *flight = p->filling;
	uint8_t text[16 + 8 + CL_HASH_BYTES];
	memcpy(text, p->log.identity.log_id.b, 16);
	for (int i = 0; i < 8; i++)
		text[16 + i] = (uint8_t)(head->seq >> (56 - 8 * i));
	memcpy(text + 24, head->hash.b, CL_HASH_BYTES);
	cl_sign(&p->log.identity.sign_key, text, sizeof(text), flight->checkpoint_signature);
	flight->checkpoint = (struct log_checkpoint){.log_id = p->log.identity.log_id,
	                                             .seq = head->seq,
	                                             .hash = head->hash,
	                                             .signature = {flight->checkpoint_signature, CL_SIGN_BYTES}};
	struct cl_buf payload;
	cl_buf_init(&payload);
	cl_encode(&cl_schema_log_checkpoint, &flight->checkpoint, &payload);
	struct cl_record record = {.occurred_ms = cl_partition_now(p),
	                           .type = CL_T_log_checkpoint,
	                           .version = cl_schema_log_checkpoint.version,
	                           .kind = CL_KIND_LOG,
	                           .who = CL_STR("system"),
	                           .payload = cl_buf_bytes(&payload)};
	cl_flight_record(p, &record);
	cl_buf_done(&payload);
	/* The checkpoint's own record is nothing new to state; what lies between it and the head is. */
	p->checkpoint_seq = p->assigned == head->seq + 1 ? p->assigned : head->seq;
	p->checkpoint_at_ms = steady;
}

/* Puts the states and due times that changed into the batch. */
static void seal_actors(struct cl_partition *p) {
	struct cl_buf state;
	cl_buf_init(&state);
	for (struct cl_actor *actor = p->dirty, *next; actor; actor = next) {
		next = actor->next_dirty;
		actor->next_dirty = NULL;
		actor->dirty = false;
		cl_buf_clear(&state);
		cl_encode(actor->schema, actor->state, &state);
		cl_batch_actor(&p->filling->batch, actor->kind, actor->id, actor->version, actor->last_seq,
		               cl_buf_bytes(&state));
		int64_t due = p->domain->due ? p->domain->due(actor->kind, actor->state) : 0;
		if (due != actor->due_ms)
			cl_batch_due(&p->filling->batch, actor->kind, actor->id, actor->due_ms, due);
		actor->due_ms = due;
	}
	p->dirty = NULL;
	cl_buf_done(&state);
}

static void commit_run(void *context) {
	struct cl_flight *flight = context;
	flight->rc = cl_log_commit(&flight->partition->log, &flight->before, &flight->batch, &flight->after);
}

static void commit_done(void *context);

static void fly(struct cl_partition *p) {
	p->flying->began_ms = p->env->ops->steady_ms(p->env);
	p->env->ops->work(p->env, CL_LANE_WRITER, commit_run, commit_done, p->flying);
}

void cl_flight_retry(struct cl_partition *p) {
	CL_ASSERT(p->flying);
	fly(p);
}

static void release(struct cl_partition *p, struct cl_flight *flight) {
	for (struct cl_reply_item *item = flight->replies; item; item = item->next)
		cl_partition_post_reply(p, item->to, &item->reply);
	for (uint32_t i = 0; i < flight->commands.n; i++)
		if (cl_map_del(&p->pending, 0, flight->commands.v[i]))
			p->command_waiting--;
}

static void commit_done(void *context) {
	struct cl_flight *flight = context;
	struct cl_partition *p = flight->partition;
	if (flight->rc == CL_E_NOSPACE) {
		p->env->ops->log(p->env, CL_WARN, "log_full", "records=%u", flight->batch.record_n);
		p->stalled = true;
		p->retry_ms = p->env->ops->steady_ms(p->env) + CL_RETRY_MS;
		cl_partition_schedule(p);
		return;
	}
	if (flight->rc != CL_OK) {
		/* What is on the disk is unknown: only a fresh start from the log can be trusted. */
		p->env->ops->die(p->env, "the log could not be written");
		return;
	}
	p->log.head = flight->after;
	p->stats.batches++;
	p->stats.commit_us_total += (uint64_t)(p->env->ops->steady_ms(p->env) - flight->began_ms) * 1000;
	if (flight->batch.record_n > p->stats.batch_records_max)
		p->stats.batch_records_max = flight->batch.record_n;
	release(p, flight);
	if (flight->checkpoint.seq && p->options.on_checkpoint)
		p->options.on_checkpoint(p->options.context, &flight->checkpoint);
	flight_clear(flight);
	p->flying = NULL;
	cl_partition_collect_ticks(p);
	cl_actors_evict(p);
	cl_partition_turn(p);
}

void cl_flight_submit(struct cl_partition *p) {
	if (p->flying)
		return;
	record_consumed(p);
	record_checkpoint(p);
	struct cl_flight *flight = p->filling;
	if (!flight->batch.record_n) {
		/* Replies that saw only durable state. */
		release(p, flight);
		flight_clear(flight);
		return;
	}
	seal_actors(p);
	flight->batch.number = p->number;
	flight->before = p->log.head;
	p->flying = flight;
	p->filling = flight == &p->flights[0] ? &p->flights[1] : &p->flights[0];
	fly(p);
}

void cl_partition_schedule(struct cl_partition *p) {
	int64_t steady = p->env->ops->steady_ms(p->env);
	int64_t at = p->next_tick_ms;
	if (p->publish_more)
		at = steady;
	if (p->stalled && p->retry_ms < at)
		at = p->retry_ms;
	if (p->next_due_ms) {
		int64_t wait = p->next_due_ms - p->env->ops->now_ms(p->env);
		if (steady + (wait > 0 ? wait : 0) < at)
			at = steady + (wait > 0 ? wait : 0);
	}
	p->env->ops->wake_at(p->env, at > steady ? at : steady);
}
