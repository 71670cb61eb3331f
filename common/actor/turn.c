/* The turn: takes what waits, decides, evolves, fills the batch. */
#include <stdlib.h>

#include "actor/partition_int.h"
#include "base/assert.h"

void cl_partition_post_reply(struct cl_partition *p, struct cl_str to, const struct wire_reply *reply) {
	/* A reply that finds the peer's queue full is lost; the sender asks again and gets the recorded outcome. */
	(void)p->env->ops->post(p->env, to, CL_T_wire_reply, reply);
}

static void refuse_unrecorded(struct cl_partition *p, const struct wire_command *command, enum wire_status status,
                              uint32_t code, const char *field) {
	struct wire_reply reply = {.id = command->id, .status = status, .code = code, .field = cl_str_from(field)};
	cl_partition_post_reply(p, command->reply_to, &reply);
}

/* -- deciding one message -- */

struct decided {
	const struct wire_command *command; /* NULL: an event or tick */
	const struct cl_record *cause;      /* NULL: a command or tick */
	uint32_t cause_service, cause_partition;
	struct cl_hash cause_hash;
	struct cl_message message;
	struct cl_ctx ctx;
	struct cl_decision decision;
};

static void prepare(struct cl_partition *p, struct decided *d) {
	const struct cl_log_identity *identity = &p->options.identity;
	d->ctx.now_ms = cl_partition_now(p);
	d->ctx.registry = p->registry->state;
	d->ctx.next_number = p->number * identity->partitions + identity->partition + 1;
	d->ctx.partition = identity->partition;
	d->ctx.partitions = identity->partitions;
	d->ctx.identity_key = p->options.identity_key;
	d->ctx.arena = &p->turn;
	d->decision.arena = &p->turn;
	if (d->cause) {
		/* What follows from imported history is dated like it; what follows from the present happens now. */
		bool history = d->cause->recorded_ms - d->cause->occurred_ms > CL_BACKDATED_MS;
		d->ctx.occurred_ms = history ? d->cause->occurred_ms : d->ctx.now_ms;
		d->ctx.who = CL_STR("system"); /* nobody did this: it follows; the cause names who did that */
		d->ctx.correlation = d->cause->correlation;
	} else if (d->command) {
		d->ctx.occurred_ms = d->command->occurred_at ? d->command->occurred_at : d->ctx.now_ms;
		d->ctx.who = d->command->who;
		d->ctx.correlation = cl_id_zero(d->command->correlation) ? d->command->id : d->command->correlation;
	} else {
		d->ctx.occurred_ms = d->ctx.now_ms;
		d->ctx.who = CL_STR("system");
	}
}

static void base_record(const struct decided *d, struct cl_record *ret_record) {
	*ret_record = (struct cl_record){
	        .occurred_ms = d->ctx.occurred_ms, .who = d->ctx.who, .correlation = d->ctx.correlation};
	if (d->command)
		ret_record->command = d->command->id;
	if (d->cause)
		ret_record->cause = (struct cl_cause){.service = d->cause_service,
		                                      .partition = d->cause_partition,
		                                      .seq = d->cause->seq,
		                                      .hash = d->cause_hash};
}

static uint64_t record_plain(struct cl_partition *p, const struct decided *d, const struct cl_schema *schema,
                             const void *body) {
	struct cl_record record;
	struct cl_buf payload;
	cl_buf_init(&payload);
	cl_encode(schema, body, &payload);
	base_record(d, &record);
	record.type = schema->type;
	record.version = schema->version;
	record.kind = CL_KIND_LOG;
	record.aggregate = d->message.target;
	record.payload = cl_buf_bytes(&payload);
	cl_flight_record(p, &record);
	cl_buf_done(&payload);
	return record.seq;
}

static void take_number(struct cl_partition *p, const struct cl_event *event) {
	uint64_t taken = p->domain->number_taken ? p->domain->number_taken(event) : 0;
	if (!taken)
		return;
	uint64_t counter = (taken - 1) / p->options.identity.partitions + 1;
	if (counter > p->number)
		p->number = counter;
}

static void record_event(struct cl_partition *p, struct cl_actor *actor, const struct decided *d,
                         const struct cl_emitted *emitted) {
	const struct cl_schema *schema = cl_schema_by_type(emitted->type);
	struct cl_record record;
	struct cl_buf payload;
	cl_buf_init(&payload);
	cl_encode(schema, emitted->body, &payload);
	base_record(d, &record);
	record.type = emitted->type;
	record.version = schema->version;
	record.kind = actor->kind;
	record.aggregate = actor->id;
	record.aggregate_version = actor->version + 1;
	record.previous = actor->last_seq;
	record.occurred_ms = emitted->occurred_ms;
	record.who = emitted->who;
	record.payload = cl_buf_bytes(&payload);
	uint32_t offset = (uint32_t)p->filling->batch.bytes.n;
	cl_flight_record(p, &record);
	struct cl_event event = {.type = emitted->type,
	                         .body = emitted->body,
	                         .kind = actor->kind,
	                         .aggregate = actor->id,
	                         .version = record.aggregate_version,
	                         .recorded_ms = record.recorded_ms,
	                         .occurred_ms = record.occurred_ms,
	                         .who = record.who,
	                         .correlation = record.correlation};
	cl_actor_apply(p, actor, &event, record.seq);
	take_number(p, &event);
	const struct cl_buf *bytes = &p->filling->batch.bytes;
	cl_turn_own_event(p, &event, bytes->p + offset, (uint32_t)(bytes->n - offset), record.seq);
	cl_buf_done(&payload);
}

static void reply_to_command(struct cl_partition *p, const struct decided *d, struct cl_actor *actor, uint64_t seq) {
	const struct wire_command *command = d->command;
	struct wire_reply reply = {.id = command->id,
	                           .status = d->decision.reject ? WIRE_REJECTED : WIRE_ACCEPTED,
	                           .code = d->decision.reject,
	                           .field = cl_str_from(d->decision.reject_field),
	                           .service = p->options.identity.service,
	                           .partition = p->options.identity.partition,
	                           .seq = seq,
	                           .aggregate = actor->id,
	                           .version = actor->version};
	if (!d->decision.reject && p->domain->number_of)
		reply.number = p->domain->number_of(actor->kind, actor->state);
	cl_flight_reply(p, p->filling, command->reply_to, &reply);
}

/* Decides the message for a resident actor and records what comes of it. */
static void decide(struct cl_partition *p, struct cl_actor *actor, struct decided *d) {
	prepare(p, d);
	p->domain->decide(&d->ctx, actor->state, actor->version, &d->message, &d->decision);
	uint64_t seq = 0;
	if (d->decision.reject) {
		struct log_rejected body = {.code = d->decision.reject,
		                            .field = cl_str_from(d->decision.reject_field),
		                            .message_type = d->message.type ? d->message.type : CL_T_log_consumed};
		seq = record_plain(p, d, &cl_schema_log_rejected, &body);
		p->stats.rejected++;
	} else {
		for (uint32_t i = 0; i < d->decision.n; i++)
			record_event(p, actor, d, &d->decision.events[i]);
		cl_actor_compact(p, actor); /* only now: the events of one decision may borrow from the state they were
		                               decided on */
		seq = p->assigned;
		if (d->command && !d->decision.n) {
			struct log_accepted body = {.message_type = d->message.type};
			seq = record_plain(p, d, &cl_schema_log_accepted, &body);
		}
		p->stats.accepted += d->command != NULL;
	}
	if (d->command)
		reply_to_command(p, d, actor, seq);
}

/* -- commands -- */

static struct cl_command_item *pop(struct cl_command_queue *queue) {
	struct cl_command_item *item = queue->first;
	if (!item)
		return NULL;
	queue->first = item->next;
	if (!queue->first)
		queue->end = &queue->first;
	queue->n--;
	item->next = NULL;
	return item;
}

static void free_item(struct cl_partition *p, struct cl_command_item *item) {
	p->command_bytes -= item->bytes;
	free(item);
}

/* The command has left the partition without a record. */
static void forget(struct cl_partition *p, struct cl_command_item *item) {
	if (cl_map_del(&p->pending, 0, item->command.id))
		p->command_waiting--;
	free_item(p, item);
}

/* Answers a repeated command with its recorded outcome. True if it was one. */
static bool answer_repeated(struct cl_partition *p, const struct wire_command *command, struct cl_actor *actor) {
	struct cl_kv_txn *txn;
	struct cl_stored stored;
	struct cl_record record;
	uint64_t first, last;
	if (p->kv->ops->begin(p->kv, false, &txn) != CL_OK) {
		refuse_unrecorded(p, command, WIRE_BUSY, 0, NULL);
		return true;
	}
	int rc = cl_log_command(txn, p->kv, command->id, &first, &last);
	if (rc == CL_OK)
		rc = cl_log_read(txn, p->kv, last, &stored);
	if (rc == CL_OK)
		rc = cl_record_decode(stored.record, &record);
	if (rc == CL_OK && !cl_id_eq(record.aggregate, command->target)) {
		/* The sender used the id twice: this is another command, and the outcome is not its own. */
		refuse_unrecorded(p, command, WIRE_INVALID, CL_R_FIELD, "id");
	} else if (rc == CL_OK) {
		struct wire_reply reply = {.id = command->id,
		                           .status = WIRE_ACCEPTED,
		                           .service = p->options.identity.service,
		                           .partition = p->options.identity.partition,
		                           .seq = last,
		                           .aggregate = actor->id,
		                           .version = record.kind == CL_KIND_LOG ? actor->version
		                                                                 : record.aggregate_version,
		                           .repeated = true};
		struct log_rejected body;
		if (record.type == CL_T_log_rejected) {
			rc = cl_decode_trusted(&cl_schema_log_rejected, record.payload, &p->turn, &body);
			reply.status = WIRE_REJECTED;
			reply.code = body.code;
			reply.field = body.field;
		} else if (p->domain->number_of) {
			reply.number = p->domain->number_of(actor->kind, actor->state);
		}
		if (rc == CL_OK)
			cl_flight_reply(p, p->filling, command->reply_to, &reply);
		p->stats.repeated++;
	}
	p->kv->ops->abort(txn);
	if (rc != CL_OK && rc != CL_E_NOTFOUND)
		p->env->ops->die(p->env, "a recorded outcome could not be read");
	return rc != CL_E_NOTFOUND;
}

static void run_command(struct cl_partition *p, struct cl_command_item *item, struct cl_actor *actor) {
	const struct wire_command *command = &item->command;
	const struct cl_schema *schema = cl_schema_by_type((uint16_t)command->type);
	struct cl_field_error error;
	if (cl_id_v7_ms(command->id) < cl_partition_now(p) - p->options.command_window_ms) {
		/* It grew too old while it waited: the log may have forgotten whether it was run. */
		refuse_unrecorded(p, command, WIRE_EXPIRED, CL_R_EXPIRED, "id");
		forget(p, item);
		return;
	}
	if (answer_repeated(p, command, actor)) {
		forget(p, item);
		return;
	}
	void *body = cl_arena_alloc(&p->turn, schema->size);
	if (cl_decode(schema, command->body, &p->turn, body, &error) != CL_OK) {
		refuse_unrecorded(p, command, WIRE_INVALID, CL_R_FIELD, error.path);
		forget(p, item);
		return;
	}
	struct decided d = {.command = command,
	                    .message = {.role = CL_MSG_COMMAND,
	                                .type = schema->type,
	                                .body = body,
	                                .kind = actor->kind,
	                                .target = actor->id}};
	decide(p, actor, &d);
	free_item(p, item); /* stays pending until its batch is durable */
}

/* Whatever is decided may leave own events behind: with many of them waiting (for loads), all else waits for them. */
static bool own_room(const struct cl_partition *p) {
	return p->own_n < CL_OWN_MAX && p->own_bytes < CL_OWN_BYTES_MAX;
}

/* True: one message was taken. */
static bool take_command(struct cl_partition *p) {
	struct cl_command_item *item = own_room(p) ? pop(&p->commands) : NULL;
	if (!item)
		return false;
	uint8_t kind = (uint8_t)item->command.kind;
	struct cl_actor *actor = cl_actor_find(p, kind, item->command.target);
	if (actor) {
		run_command(p, item, actor);
		return true;
	}
	struct cl_loading *loading = cl_actor_want(p, kind, item->command.target);
	*loading->waiting.end = item;
	loading->waiting.end = &item->next;
	loading->waiting.n++;
	return true;
}

/* -- events of other actors -- */

/* The actors of this partition that an event concerns. */
static uint32_t own_targets(struct cl_partition *p, const struct cl_event *event,
                            struct cl_target targets[CL_TARGETS_MAX]) {
	struct cl_target all[CL_TARGETS_MAX];
	uint32_t n = 0, count = p->domain->targets ? p->domain->targets(event, all) : 0;
	CL_ASSERT(count <= CL_TARGETS_MAX);
	for (uint32_t i = 0; i < count; i++)
		if (cl_partition_owns(p, all[i].kind, all[i].id))
			targets[n++] = all[i];
	return n;
}

/* Decides an event for all that it concerns. False: an actor has first to be loaded. */
static bool run_event(struct cl_partition *p, struct cl_follow *follow, struct cl_bytes bytes, struct cl_hash hash) {
	struct cl_record record;
	struct cl_event event;
	struct cl_target targets[CL_TARGETS_MAX];
	if (cl_event_open(bytes, &p->turn, &record, &event) != CL_OK) {
		p->env->ops->log(p->env, CL_ERROR, "bad_event", "source=%s/%u",
		                 cl_service_name(follow->subscription.service), follow->subscription.partition);
		p->env->ops->die(p->env, "an event of another log could not be decoded");
		return false;
	}
	if (record.seq <= follow->consumed)
		return true; /* said twice: it has had its effect */
	uint32_t n = own_targets(p, &event, targets);
	bool ready = true;
	for (uint32_t i = 0; i < n; i++)
		if (!cl_actor_find(p, targets[i].kind, targets[i].id)) {
			(void)cl_actor_want(p, targets[i].kind, targets[i].id);
			ready = false;
		}
	if (!ready)
		return false;
	uint64_t before = p->assigned;
	for (uint32_t i = 0; i < n; i++) {
		struct decided d = {.cause = &record,
		                    .cause_service = follow->subscription.service,
		                    .cause_partition = follow->subscription.partition,
		                    .cause_hash = hash,
		                    .message = {.role = CL_MSG_EVENT,
		                                .type = event.type,
		                                .body = event.body,
		                                .event = &event,
		                                .kind = targets[i].kind,
		                                .target = targets[i].id}};
		decide(p, cl_actor_find(p, targets[i].kind, targets[i].id), &d);
		p->stats.messages++;
	}
	if (n) {
		follow->consumed = record.seq;
		follow->consumed_hash = hash;
		if (p->assigned != before)
			follow->recorded = record.seq;
	}
	return true;
}

void cl_turn_own_event(struct cl_partition *p, const struct cl_event *event, const uint8_t *record, uint32_t n,
                       uint64_t seq) {
	struct cl_target targets[CL_TARGETS_MAX];
	bool wanted = false;
	for (uint32_t i = 0; i < p->domain->own_type_n; i++)
		wanted |= p->domain->own_types[i] == event->type;
	if (!wanted || !own_targets(p, event, targets))
		return;
	struct cl_own_item *item = malloc(sizeof(*item) + n);
	CL_ASSERT(item);
	item->next = NULL;
	item->n = n;
	item->seq = seq;
	memcpy(item->bytes, record, n);
	*p->own_end = item;
	p->own_end = &item->next;
	p->own_n++;
	p->own_bytes += n;
}

/* Asks for the actors that an event will need. False: it cannot be read. */
static bool want_targets(struct cl_partition *p, struct cl_bytes bytes) {
	struct cl_record record;
	struct cl_event event;
	struct cl_target targets[CL_TARGETS_MAX];
	cl_arena_reset(&p->turn);
	if (cl_event_open(bytes, &p->turn, &record, &event) != CL_OK)
		return false;
	uint32_t n = own_targets(p, &event, targets);
	for (uint32_t i = 0; i < n; i++)
		if (!cl_actor_find(p, targets[i].kind, targets[i].id))
			(void)cl_actor_want(p, targets[i].kind, targets[i].id);
	return true;
}

/* An actor was missing: asks for those of the next events too, each event once, so that loads are made together. */
static void prefetch_own(struct cl_partition *p) {
	uint32_t n = 0;
	if (p->own->seq < p->own_asked)
		return; /* among those asked for already */
	for (struct cl_own_item *item = p->own; item && n < CL_OWN_AHEAD; item = item->next, n++) {
		if (!want_targets(p, (struct cl_bytes){item->bytes, item->n}))
			return;
		p->own_asked = item->seq;
	}
}

static bool take_own(struct cl_partition *p) {
	static const struct cl_hash none;
	struct cl_own_item *item = p->own;
	if (!item)
		return false;
	if (!run_event(p, &p->own_follow, (struct cl_bytes){item->bytes, item->n}, none)) {
		prefetch_own(p);
		return false;
	}
	p->own = item->next;
	if (!p->own)
		p->own_end = &p->own;
	p->own_n--;
	p->own_bytes -= item->n;
	free(item);
	return true;
}

/* An actor was missing: asks for all that the rest of the frame will need, so that loads are made together. */
static void prefetch(struct cl_partition *p, struct cl_follow *follow) {
	struct cl_source_frame *frame = follow->first;
	if (frame->prefetched)
		return;
	frame->prefetched = true;
	for (uint32_t i = frame->at; i < frame->n; i++)
		if (!want_targets(p, frame->records[i].record))
			return;
}

static bool take_followed(struct cl_partition *p, struct cl_follow *follow) {
	struct cl_source_frame *frame = follow->first;
	if (!frame || !own_room(p))
		return false;
	if (!run_event(p, follow, frame->records[frame->at].record, frame->records[frame->at].hash)) {
		prefetch(p, follow);
		return false;
	}
	if (++frame->at < frame->n)
		return true;
	follow->first = frame->next;
	if (!follow->first)
		follow->end = &follow->first;
	cl_subscription_grant(&follow->subscription, frame->credit);
	free(frame);
	return true;
}

/* -- ticks -- */

void cl_partition_collect_ticks(struct cl_partition *p) {
	struct cl_kv_txn *txn;
	struct cl_kv_cursor *cursor;
	struct cl_bytes key, value;
	uint8_t zero = 0;
	p->next_due_ms = 0;
	if (!p->domain->due || p->tick_at < p->tick_n)
		return;
	p->tick_n = p->tick_at = 0;
	if (p->kv->ops->begin(p->kv, false, &txn) != CL_OK)
		return; /* no reader slot: the next wake looks again */
	int64_t now = cl_partition_now(p);
	int rc = p->kv->ops->cursor_open(txn, CL_DUES, &cursor);
	if (rc == CL_OK) {
		rc = p->kv->ops->seek(cursor, (struct cl_bytes){&zero, 1}, &key, &value);
		for (; rc == CL_OK && p->tick_n < CL_TICKS_MAX; rc = p->kv->ops->next(cursor, &key, &value)) {
			CL_ASSERT(key.n == 25);
			uint64_t due = 0;
			for (int i = 0; i < 8; i++)
				due = due << 8 | key.p[i];
			if ((int64_t)due > now) {
				p->next_due_ms = (int64_t)due;
				break;
			}
			struct cl_tick_item *tick = &p->ticks[p->tick_n++];
			tick->kind = key.p[8];
			memcpy(tick->id.b, key.p + 9, 16);
		}
		p->kv->ops->cursor_close(cursor);
	}
	p->kv->ops->abort(txn);
}

static bool take_tick(struct cl_partition *p) {
	if (p->tick_at == p->tick_n || !own_room(p))
		return false;
	struct cl_tick_item *tick = &p->ticks[p->tick_at];
	struct cl_actor *actor = cl_actor_find(p, tick->kind, tick->id);
	if (!actor) {
		(void)cl_actor_want(p, tick->kind, tick->id);
		return false;
	}
	p->tick_at++;
	int64_t due = p->domain->due(actor->kind, actor->state);
	if (!due || due > cl_partition_now(p))
		return true; /* already handled; the table follows with the batch */
	struct decided d = {.message = {.role = CL_MSG_TICK, .kind = actor->kind, .target = actor->id}};
	decide(p, actor, &d);
	p->stats.ticks++;
	int64_t next = p->domain->due(actor->kind, actor->state);
	CL_ASSERT(next == 0 || next > due); /* else it would tick for ever */
	return true;
}

/* -- the turn -- */

void cl_partition_turn(struct cl_partition *p) {
	if (p->in_turn || p->stalled)
		return;
	p->in_turn = true;
	p->turns++;
	uint32_t taken = 0;
	for (bool progress = true; progress && taken < p->options.turn_messages && !cl_flight_full(p);) {
		progress = false;
		for (int way = 0; way < 3; way++) {
			cl_arena_reset(&p->turn);
			bool took = way == 0 ? take_own(p) : way == 1 ? take_command(p) : take_tick(p);
			progress |= took;
			taken += took;
		}
		for (uint32_t i = 0; i < p->follow_n && !cl_flight_full(p); i++) {
			cl_arena_reset(&p->turn);
			bool took = take_followed(p, &p->follows[i]);
			progress |= took;
			taken += took;
		}
	}
	cl_arena_reset(&p->turn);
	bool full = cl_flight_full(p);
	cl_actor_flush_wants(p);
	cl_flight_submit(p);
	cl_actors_evict(p); /* what was loaded for messages that left no record brings no commit after it */
	bool more = (full || taken >= p->options.turn_messages) && !cl_flight_full(p);
	p->publish_more = cl_publisher_pump(&p->publisher) || more;
	p->in_turn = false;
	cl_partition_schedule(p);
	if (p->drained && !p->flying && !p->jobs && !p->filling->batch.record_n) {
		void (*drained)(void *) = p->drained;
		p->drained = NULL;
		drained(p->drained_context);
	}
}
