#include "actor/publisher.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"

#define FRAME_BYTES (256u << 10) /* records of one frame */
#define FRAME_RECORDS 4096
#define SCAN_RECORDS 20000 /* looked at for one subscriber in one pump */
#define HEARTBEAT_MS 1000
#define SILENT_MS 30000
#define REFUSED_MS 50 /* a peer that took no frame is left alone that long: filling one costs a read of the log */

struct cl_publisher_subscriber {
	struct cl_publisher_subscriber *next;
	struct cl_id id;
	char *reply_to;
	uint32_t reply_to_n;
	uint64_t sent;    /* where the consumer stands */
	uint64_t scanned; /* read up to here; nothing between matched */
	struct cl_hash scanned_hash;
	int64_t credit; /* may go below zero by one frame's overshoot */
	int64_t heard_ms, spoke_ms;
	int64_t paused_ms; /* not before this */
	uint16_t *types;
	uint32_t type_n;
};

void cl_publisher_init(struct cl_publisher *publisher, struct cl_env *env, struct cl_log *log,
                       uint32_t max_subscribers) {
	*publisher = (struct cl_publisher){.env = env, .log = log, .max = max_subscribers};
}

static void subscriber_free(struct cl_publisher_subscriber *subscriber) {
	free(subscriber->reply_to);
	free(subscriber->types);
	free(subscriber);
}

void cl_publisher_done(struct cl_publisher *publisher) {
	while (publisher->first) {
		struct cl_publisher_subscriber *next = publisher->first->next;
		subscriber_free(publisher->first);
		publisher->first = next;
	}
	publisher->count = 0;
}

static struct cl_publisher_subscriber **find(struct cl_publisher *publisher, struct cl_id id) {
	struct cl_publisher_subscriber **at = &publisher->first;
	while (*at && !cl_id_eq((*at)->id, id))
		at = &(*at)->next;
	return at;
}

static void drop(struct cl_publisher *publisher, struct cl_publisher_subscriber **at) {
	struct cl_publisher_subscriber *subscriber = *at;
	*at = subscriber->next;
	publisher->count--;
	subscriber_free(subscriber);
}

static void say_ended(struct cl_publisher *publisher, struct cl_id id, struct cl_str reply_to, enum wire_status status,
                      struct cl_hash hash) {
	struct wire_subscription_ended message = {
	        .id = id, .status = status, .head = publisher->log->head.seq, .hash = hash};
	/* If it is lost the consumer falls silent, tries again and is told again. */
	(void)publisher->env->ops->post(publisher->env, reply_to, CL_T_wire_subscription_ended, &message);
}

/* WIRE_ACCEPTED if the log holds the consumer's position, WIRE_DIVERGED if not, WIRE_BUSY if it cannot be read for the
 * moment; *ret_hash is ours there. */
static enum wire_status check_position(struct cl_publisher *publisher, uint64_t after, struct cl_hash hash,
                                       struct cl_hash *ret_hash) {
	static const struct cl_hash none;
	struct cl_kv *kv = publisher->log->kv;
	struct cl_kv_txn *txn;
	struct cl_stored stored;
	*ret_hash = none;
	if (after == 0)
		return WIRE_ACCEPTED;
	if (after > publisher->log->head.seq)
		return WIRE_DIVERGED;
	if (kv->ops->begin(kv, false, &txn) != CL_OK)
		return WIRE_BUSY;
	int rc = cl_log_read(txn, kv, after, &stored);
	if (rc == CL_OK)
		*ret_hash = stored.hash;
	kv->ops->abort(txn);
	if (rc != CL_OK)
		return WIRE_BUSY;
	return cl_hash_eq(hash, none) || cl_hash_eq(hash, *ret_hash) ? WIRE_ACCEPTED : WIRE_DIVERGED;
}

void cl_publisher_subscribe(struct cl_publisher *publisher, const struct wire_subscribe *message) {
	struct cl_publisher_subscriber **at = find(publisher, message->id);
	if (*at)
		drop(publisher, at);
	if (message->stop)
		return;
	struct cl_hash hash;
	enum wire_status status = check_position(publisher, message->after, message->hash, &hash);
	if (status == WIRE_ACCEPTED && message->types.n % 2)
		status = WIRE_DENIED;
	if (status == WIRE_ACCEPTED && publisher->count >= publisher->max)
		status = WIRE_BUSY;
	if (status != WIRE_ACCEPTED) {
		say_ended(publisher, message->id, message->reply_to, status, hash);
		return;
	}
	struct cl_publisher_subscriber *subscriber = calloc(1, sizeof(*subscriber));
	CL_ASSERT(subscriber);
	subscriber->id = message->id;
	subscriber->reply_to = malloc(message->reply_to.n ? message->reply_to.n : 1);
	CL_ASSERT(subscriber->reply_to);
	memcpy(subscriber->reply_to, message->reply_to.p, message->reply_to.n);
	subscriber->reply_to_n = message->reply_to.n;
	subscriber->sent = subscriber->scanned = message->after;
	subscriber->scanned_hash = hash;
	subscriber->credit = message->credit;
	subscriber->type_n = message->types.n / 2;
	if (subscriber->type_n) {
		subscriber->types = malloc(subscriber->type_n * sizeof(*subscriber->types));
		CL_ASSERT(subscriber->types);
		for (uint32_t i = 0; i < subscriber->type_n; i++)
			subscriber->types[i] = (uint16_t)(message->types.p[2 * i] << 8 | message->types.p[2 * i + 1]);
	}
	subscriber->heard_ms = publisher->env->ops->steady_ms(publisher->env);
	subscriber->spoke_ms = subscriber->heard_ms - HEARTBEAT_MS; /* greets at the next pump */
	subscriber->next = publisher->first;
	publisher->first = subscriber;
	publisher->count++;
}

void cl_publisher_credit(struct cl_publisher *publisher, const struct wire_credit *message) {
	struct cl_publisher_subscriber *subscriber = *find(publisher, message->id);
	if (!subscriber)
		return;
	subscriber->heard_ms = publisher->env->ops->steady_ms(publisher->env);
	if (subscriber->credit < INT32_MAX)
		subscriber->credit += message->credit;
}

static bool wants(const struct cl_publisher_subscriber *subscriber, uint16_t type) {
	if (!subscriber->type_n)
		return true;
	for (uint32_t i = 0; i < subscriber->type_n; i++)
		if (subscriber->types[i] == type)
			return true;
	return false;
}

static bool say_records(struct cl_publisher *publisher, struct cl_publisher_subscriber *subscriber,
                        struct wire_record *records, uint32_t n) {
	struct wire_records message = {
	        .id = subscriber->id,
	        .after = subscriber->sent,
	        .upto = subscriber->scanned,
	        .upto_hash = subscriber->scanned_hash,
	        .head = publisher->log->head.seq,
	};
	message.records.v = records;
	message.records.n = n;
	struct cl_str to = {subscriber->reply_to, subscriber->reply_to_n};
	if (publisher->env->ops->post(publisher->env, to, CL_T_wire_records, &message) != CL_OK)
		return false;
	subscriber->sent = subscriber->scanned;
	subscriber->spoke_ms = publisher->env->ops->steady_ms(publisher->env);
	return true;
}

/* Fills one frame from the log. True: there is more to do for this subscriber at once. */
static bool feed(struct cl_publisher *publisher, struct cl_publisher_subscriber *subscriber) {
	static _Thread_local struct wire_record records[FRAME_RECORDS];
	struct cl_log_reader reader;
	uint64_t head = publisher->log->head.seq;
	if (subscriber->scanned >= head || subscriber->credit <= 0)
		return false;
	if (cl_log_reader_open(&reader, publisher->log->kv, subscriber->scanned + 1) != CL_OK)
		return false;
	uint64_t scanned_before = subscriber->scanned;
	struct cl_hash hash_before = subscriber->scanned_hash;
	uint32_t n = 0, looked = 0, bytes = 0;
	while (subscriber->scanned < head && looked < SCAN_RECORDS && n < FRAME_RECORDS && bytes < FRAME_BYTES &&
	       (int64_t)bytes < subscriber->credit) {
		struct cl_stored stored;
		int rc = cl_log_reader_next(&reader, &stored);
		if (rc == CL_E_NOTFOUND)
			break;
		if (rc != CL_OK) {
			publisher->env->ops->die(publisher->env, "bad record met while publishing");
			break;
		}
		looked++;
		subscriber->scanned++;
		subscriber->scanned_hash = stored.hash;
		uint16_t type = publisher->type_of ? publisher->type_of(stored.record) : cl_record_type(stored.record);
		if (!wants(subscriber, type))
			continue;
		records[n].record = stored.record;
		records[n++].hash = stored.hash;
		bytes += stored.record.n + CL_HASH_BYTES;
	}
	bool sent = n == 0 || say_records(publisher, subscriber, records, n);
	if (sent) {
		subscriber->credit -= bytes;
		publisher->records_sent += n;
		publisher->bytes_sent += bytes;
	} else {
		subscriber->scanned = scanned_before;
		subscriber->scanned_hash = hash_before;
		subscriber->paused_ms = publisher->env->ops->steady_ms(publisher->env) + REFUSED_MS;
	}
	cl_log_reader_close(&reader);
	return sent && subscriber->scanned < head && subscriber->credit > 0;
}

bool cl_publisher_pump(struct cl_publisher *publisher) {
	int64_t now = publisher->env->ops->steady_ms(publisher->env);
	bool more = false;
	struct cl_publisher_subscriber **at = &publisher->first;
	while (*at) {
		struct cl_publisher_subscriber *subscriber = *at;
		if (now - subscriber->heard_ms >= SILENT_MS) {
			drop(publisher, at);
			continue;
		}
		if (now >= subscriber->paused_ms)
			more |= feed(publisher, subscriber);
		if (now - subscriber->spoke_ms >= HEARTBEAT_MS)
			(void)say_records(publisher, subscriber, NULL, 0); /* refused: tried again at the next pump */
		at = &subscriber->next;
	}
	return more;
}
