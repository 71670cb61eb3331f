/* Opening, closing, and the doors through which messages and time come in. */
#include <stdlib.h>

#include "actor/partition_int.h"
#include "base/assert.h"

#define SUBSCRIBERS_MAX 4096
#define SPACE_CHECK_MS 100

static void defaults(struct cl_partition_options *options) {
	if (!options->command_window_ms)
		options->command_window_ms = 7LL * 24 * 3600 * 1000;
	if (!options->skew_ms)
		options->skew_ms = 5LL * 60 * 1000;
	if (!options->turn_messages)
		options->turn_messages = 1024;
	if (!options->inbox_messages)
		options->inbox_messages = 65536;
	if (!options->memory_bytes)
		options->memory_bytes = 256ULL << 20;
	if (!options->reserve_bytes)
		options->reserve_bytes = 64ULL << 20;
	if (!options->checkpoint_records)
		options->checkpoint_records = 10000;
	if (!options->checkpoint_ms)
		options->checkpoint_ms = 60000;
}

/* -- following other logs -- */

static uint32_t on_records(struct cl_subscription *subscription, const struct wire_records *message, uint32_t bytes) {
	struct cl_follow *follow = subscription->context;
	uint32_t n = message->records.n;
	size_t size = sizeof(struct cl_source_frame) + n * sizeof(struct wire_record);
	for (uint32_t i = 0; i < n; i++)
		size += message->records.v[i].record.n;
	if (!n)
		return 0;
	struct cl_source_frame *frame = malloc(size);
	CL_ASSERT(frame);
	*frame = (struct cl_source_frame){.n = n, .credit = bytes, .records = (struct wire_record *)(frame + 1)};
	uint8_t *to = (uint8_t *)(frame->records + n);
	for (uint32_t i = 0; i < n; i++) {
		struct cl_bytes from = message->records.v[i].record;
		memcpy(to, from.p, from.n);
		frame->records[i] = (struct wire_record){.record = {to, from.n}, .hash = message->records.v[i].hash};
		to += from.n;
	}
	*follow->end = frame;
	follow->end = &frame->next;
	return 0; /* granted again when it has been decided */
}

static void on_ended(struct cl_subscription *subscription, const struct wire_subscription_ended *message) {
	struct cl_follow *follow = subscription->context;
	struct cl_partition *p = follow->partition;
	p->env->ops->log(p->env, CL_ERROR, "source_refused", "source=%s/%u ours=%llu theirs=%llu status=%d",
	                 cl_service_name(subscription->service), subscription->partition,
	                 (unsigned long long)subscription->upto, (unsigned long long)message->head,
	                 (int)message->status);
}

static void follow_init(struct cl_partition *p, struct cl_follow *follow, uint32_t service, uint32_t partition,
                        const uint16_t *types, uint32_t n) {
	follow->partition = p;
	follow->end = &follow->first;
	follow->types = malloc(2 * (n ? n : 1));
	CL_ASSERT(follow->types);
	for (uint32_t i = 0; i < n; i++) {
		follow->types[2 * i] = (uint8_t)(types[i] >> 8);
		follow->types[2 * i + 1] = (uint8_t)types[i];
	}
	const struct cl_log_identity *self = &p->options.identity;
	follow->subscription = (struct cl_subscription){
	        .env = p->env,
	        .reply_to = p->options.address(p->options.context, self->service, self->partition),
	        .service = service,
	        .partition = partition,
	        .types = {follow->types, 2 * n},
	        .on_records = on_records,
	        .on_ended = on_ended,
	        .context = follow,
	};
	if (service != self->service || partition != self->partition)
		follow->subscription.address = p->options.address(p->options.context, service, partition);
}

static int restore_cursor(struct cl_partition *p, struct cl_kv_txn *txn, struct cl_follow *follow) {
	int rc = cl_log_cursor(txn, p->kv, follow->subscription.service, follow->subscription.partition,
	                       &follow->consumed, &follow->consumed_hash);
	follow->recorded = follow->consumed;
	return rc == CL_E_NOTFOUND ? CL_OK : rc;
}

static int follow_all(struct cl_partition *p, struct cl_kv_txn *txn) {
	const struct cl_domain *domain = p->domain;
	const struct cl_log_identity *self = &p->options.identity;
	uint32_t n = 0, at = 0;
	for (uint32_t i = 0; i < domain->source_n; i++)
		n += p->options.partitions(p->options.context, domain->sources[i].service);
	if (domain->own_type_n)
		n += self->partitions - 1;
	p->follows = calloc(n ? n : 1, sizeof(*p->follows));
	CL_ASSERT(p->follows);
	p->follow_n = n;
	for (uint32_t i = 0; i < domain->source_n; i++) {
		const struct cl_source *source = &domain->sources[i];
		uint32_t partitions = p->options.partitions(p->options.context, source->service);
		for (uint32_t j = 0; j < partitions; j++)
			follow_init(p, &p->follows[at++], source->service, j, source->types, source->n);
	}
	for (uint32_t j = 0; domain->own_type_n && j < self->partitions; j++)
		if (j != self->partition)
			follow_init(p, &p->follows[at++], self->service, j, domain->own_types, domain->own_type_n);
	CL_ASSERT(at == n);
	follow_init(p, &p->own_follow, self->service, self->partition, NULL, 0);
	int rc = restore_cursor(p, txn, &p->own_follow);
	for (uint32_t i = 0; i < n && rc == CL_OK; i++)
		rc = restore_cursor(p, txn, &p->follows[i]);
	return rc;
}

/* Events of this log that concern its own actors and had not been decided when the process ended. */
static int resume_own(struct cl_partition *p) {
	struct cl_log_reader reader;
	struct cl_stored stored;
	if (!p->domain->own_type_n)
		return CL_OK;
	int rc = cl_log_reader_open(&reader, p->kv, p->own_follow.consumed + 1);
	if (rc != CL_OK)
		return rc;
	while ((rc = cl_log_reader_next(&reader, &stored)) == CL_OK) {
		struct cl_record record;
		struct cl_event event = {0};
		bool wanted = false;
		uint16_t type = cl_record_type(stored.record);
		for (uint32_t i = 0; i < p->domain->own_type_n; i++)
			wanted |= p->domain->own_types[i] == type;
		if (!wanted)
			continue;
		cl_arena_reset(&p->turn);
		rc = cl_event_open(stored.record, &p->turn, &record, &event);
		if (rc != CL_OK)
			break;
		cl_turn_own_event(p, &event, stored.record.p, stored.record.n, record.seq);
	}
	cl_log_reader_close(&reader);
	return rc == CL_E_NOTFOUND ? CL_OK : rc;
}

/* Up to where a checkpoint at the head, if one is there, has signed. */
static int restore_checkpoint(struct cl_partition *p, struct cl_kv_txn *txn) {
	struct cl_stored stored;
	struct cl_record record;
	struct log_checkpoint checkpoint;
	int rc = cl_log_read(txn, p->kv, p->log.head.seq, &stored);
	if (rc != CL_OK || cl_record_type(stored.record) != CL_T_log_checkpoint)
		return rc;
	rc = cl_record_decode(stored.record, &record);
	if (rc == CL_OK)
		rc = cl_decode_trusted(&cl_schema_log_checkpoint, record.payload, &p->turn, &checkpoint);
	if (rc == CL_OK)
		p->checkpoint_seq = checkpoint.seq + 1 == p->log.head.seq ? p->log.head.seq : checkpoint.seq;
	return rc;
}

static int open_state(struct cl_partition *p) {
	struct cl_kv_txn *txn;
	static const struct cl_id none;
	p->assigned = p->log.head.seq;
	p->recorded_ms = p->log.head.recorded_ms;
	int rc = p->kv->ops->begin(p->kv, false, &txn);
	if (rc != CL_OK)
		return rc;
	rc = cl_log_number(txn, p->kv, &p->number);
	if (rc == CL_OK)
		rc = restore_checkpoint(p, txn);
	if (rc == CL_OK)
		rc = follow_all(p, txn);
	p->kv->ops->abort(txn);
	if (rc == CL_OK)
		rc = cl_actor_load_now(p, p->domain->registry_kind, none, &p->registry);
	if (rc == CL_OK) {
		p->registry->pinned = true;
		rc = resume_own(p);
	}
	return rc;
}

int cl_partition_open(const struct cl_domain *domain, const struct cl_partition_options *options, struct cl_env *env,
                      struct cl_kv *kv, uint64_t *ret_bad_seq, struct cl_partition **ret_partition) {
	struct cl_partition *p = calloc(1, sizeof(*p));
	if (!p)
		return CL_E_NOMEM;
	p->domain = domain;
	p->options = *options;
	defaults(&p->options);
	p->env = env;
	p->kv = kv;
	cl_arena_init(&p->turn, 64 << 10);
	cl_map_init(&p->actors);
	cl_map_init(&p->loading);
	cl_map_init(&p->pending);
	p->commands.end = &p->commands.first;
	p->own_end = &p->own;
	cl_flights_init(p);
	cl_publisher_init(&p->publisher, env, &p->log, SUBSCRIBERS_MAX);
	int rc = cl_log_open(&p->log, kv, &p->options.identity, p->options.command_window_ms, env->ops->now_ms(env),
	                     ret_bad_seq);
	if (rc == CL_OK) {
		p->options.identity = p->log.identity;
		rc = open_state(p);
	}
	if (rc != CL_OK) {
		cl_partition_close(p);
		return rc;
	}
	p->checkpoint_at_ms = p->next_tick_ms = env->ops->steady_ms(env);
	for (uint32_t i = 0; i < p->follow_n; i++)
		cl_subscription_start(&p->follows[i].subscription, p->follows[i].consumed, p->follows[i].consumed_hash);
	cl_partition_collect_ticks(p);
	cl_partition_schedule(p);
	*ret_partition = p;
	return CL_OK;
}

void cl_partition_close(struct cl_partition *p) {
	for (uint32_t i = 0; i < p->follow_n; i++) {
		while (p->follows[i].first) {
			struct cl_source_frame *next = p->follows[i].first->next;
			free(p->follows[i].first);
			p->follows[i].first = next;
		}
		free(p->follows[i].types);
	}
	while (p->own) {
		struct cl_own_item *next = p->own->next;
		free(p->own);
		p->own = next;
	}
	free(p->own_follow.types);
	free(p->follows);
	cl_publisher_done(&p->publisher);
	cl_flights_done(p);
	cl_actors_free(p);
	cl_map_done(&p->pending);
	cl_arena_done(&p->turn);
	free(p);
}

void cl_partition_drain(struct cl_partition *p, void (*done)(void *context), void *context) {
	p->draining = true;
	p->drained = done;
	p->drained_context = context;
	for (uint32_t i = 0; i < p->follow_n; i++)
		cl_subscription_stop(&p->follows[i].subscription);
	cl_partition_turn(p);
}

/* -- commands -- */

/* Why a command may not be taken; WIRE_ACCEPTED if it may. */
static enum wire_status check_command(struct cl_partition *p, const struct wire_command *command, uint32_t *ret_code,
                                      const char **ret_field) {
	const struct cl_schema *schema = cl_schema_by_type((uint16_t)command->type);
	/* By the time that the log knows, which stays ahead when the wall clock is set back: by it commands are
	 * forgotten. */
	int64_t now = cl_partition_now(p), at = cl_id_v7_ms(command->id);
	*ret_code = CL_R_FIELD;
	*ret_field = "type";
	if (!schema || schema->role != CL_ROLE_COMMAND)
		return WIRE_INVALID;
	*ret_field = "kind";
	if (!cl_state_schema(p->domain, (uint8_t)command->kind))
		return WIRE_INVALID;
	*ret_field = "target";
	if (!cl_partition_owns(p, (uint8_t)command->kind, command->target))
		return WIRE_INVALID;
	*ret_field = "id";
	if (at < 0 || at > now + p->options.skew_ms)
		return WIRE_INVALID;
	*ret_code = CL_R_EXPIRED;
	if (at < now - p->options.command_window_ms)
		return WIRE_EXPIRED;
	*ret_field = "occurred_at";
	*ret_code = CL_R_FIELD;
	if (command->occurred_at < 0 || command->occurred_at > now + p->options.skew_ms)
		return WIRE_INVALID;
	*ret_field = "";
	*ret_code = 0;
	if (p->draining || p->command_waiting >= p->options.inbox_messages || p->command_bytes >= CL_COMMAND_BYTES_MAX)
		return WIRE_BUSY;
	*ret_code = CL_R_NO_SPACE;
	int64_t steady = p->env->ops->steady_ms(p->env);
	if (steady >= p->space_at_ms) {
		p->space_short = p->kv->ops->space(p->kv) < p->options.reserve_bytes;
		p->space_at_ms = steady + SPACE_CHECK_MS;
	}
	return p->space_short ? WIRE_BUSY : WIRE_ACCEPTED;
}

static struct cl_str copy_str(char **at, struct cl_str s) {
	char *to = *at;
	if (s.n)
		memcpy(to, s.p, s.n);
	*at += s.n;
	return (struct cl_str){to, s.n};
}

static void on_command(struct cl_partition *p, const struct wire_command *command) {
	uint32_t code;
	const char *field;
	p->stats.commands++;
	enum wire_status status = check_command(p, command, &code, &field);
	if (status != WIRE_ACCEPTED) {
		struct wire_reply reply = {
		        .id = command->id, .status = status, .code = code, .field = cl_str_from(field)};
		p->stats.refused_busy += status == WIRE_BUSY;
		cl_partition_post_reply(p, command->reply_to, &reply);
		return;
	}
	if (cl_map_get(&p->pending, 0, command->id))
		return; /* on its way already: its answer will come */
	size_t bytes = sizeof(struct cl_command_item) + command->reply_to.n + command->who.n + command->body.n;
	struct cl_command_item *item = malloc(bytes);
	CL_ASSERT(item);
	item->bytes = bytes;
	char *at = (char *)(item + 1);
	item->next = NULL;
	item->command = *command;
	item->command.reply_to = copy_str(&at, command->reply_to);
	item->command.who = copy_str(&at, command->who);
	struct cl_str body = copy_str(&at, (struct cl_str){(const char *)command->body.p, command->body.n});
	item->command.body = (struct cl_bytes){(const uint8_t *)body.p, body.n};
	*p->commands.end = item;
	p->commands.end = &item->next;
	p->commands.n++;
	p->command_waiting++;
	p->command_bytes += bytes;
	cl_map_put(&p->pending, 0, command->id, p);
}

void cl_partition_message(struct cl_partition *p, uint16_t type, const void *body) {
	switch (type) {
	case CL_T_wire_command:
		on_command(p, body);
		break;
	case CL_T_wire_get:
		cl_partition_get(p, body);
		break;
	case CL_T_wire_subscribe:
		cl_publisher_subscribe(&p->publisher, body);
		break;
	case CL_T_wire_credit:
		cl_publisher_credit(&p->publisher, body);
		break;
	case CL_T_wire_records:
		for (uint32_t i = 0; i < p->follow_n; i++)
			if (cl_subscription_records(&p->follows[i].subscription, body))
				break;
		break;
	case CL_T_wire_subscription_ended:
		for (uint32_t i = 0; i < p->follow_n; i++)
			if (cl_subscription_ended(&p->follows[i].subscription, body))
				break;
		break;
	default:
		break; /* not for a partition */
	}
}

void cl_partition_wake(struct cl_partition *p) {
	int64_t steady = p->env->ops->steady_ms(p->env);
	if (p->stalled && steady >= p->retry_ms) {
		p->stalled = false;
		cl_flight_retry(p);
	}
	if (steady >= p->next_tick_ms) {
		p->next_tick_ms = steady + CL_HOUSEKEEPING_MS;
		for (uint32_t i = 0; i < p->follow_n && !p->draining; i++)
			cl_subscription_tick(&p->follows[i].subscription);
		if (!p->next_due_ms)
			cl_partition_collect_ticks(p);
		cl_patrol_step(p);
	}
	if (p->next_due_ms && p->env->ops->now_ms(p->env) >= p->next_due_ms)
		cl_partition_collect_ticks(p);
	cl_partition_turn(p);
	if (p->stalled)
		cl_partition_schedule(p);
}

const struct cl_partition_stats *cl_partition_stats(const struct cl_partition *p) {
	return &p->stats;
}

struct cl_log *cl_partition_log(struct cl_partition *p) {
	return &p->log;
}

const struct cl_subscription *cl_partition_source(const struct cl_partition *p, uint32_t index) {
	return index < p->follow_n ? &p->follows[index].subscription : NULL;
}
