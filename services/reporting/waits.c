/* min_seq: answered when records of other logs are archived and projected. Who has imported, and tests, ask it. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/assert.h"
#include "json_out.h"
#include "reporting_int.h"

#define WAIT_DEFAULT_MS 30000
#define WAIT_MAX_MS 600000

static void answer_invalid(struct reporting *reporting, const struct wire_query *query, struct cl_str field) {
	struct wire_answer answer = {.id = query->id, .status = WIRE_INVALID, .field = field};
	reporting_post_answer(reporting, query->reply_to, &answer);
}

/* "support/0:123" */
static bool parse_position(const struct reporting *reporting, struct cl_str text, struct log_position *position) {
	const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
	const char *colon = slash ? memchr(slash, ':', (size_t)(text.p + text.n - slash)) : NULL;
	uint64_t partition, seq;
	if (!colon)
		return false;
	struct cl_str service = {text.p, (uint32_t)(slash - text.p)};
	struct cl_str part = {slash + 1, (uint32_t)(colon - slash - 1)};
	struct cl_str number = {colon + 1, (uint32_t)(text.p + text.n - colon - 1)};
	if (cl_str_u64(part, &partition) != CL_OK || cl_str_u64(number, &seq) != CL_OK || partition > UINT16_MAX)
		return false;
	*position = (struct log_position){
	        .service = cl_service_by_name(service), .partition = (uint32_t)partition, .seq = seq};
	uint64_t archived;
	return reporting_archive_position(reporting->archive, position->service, position->partition, &archived);
}

/* False: *ret_field is wrong. */
static bool parse(const struct reporting *reporting, const struct wire_query *query, struct wait *wait,
                  uint64_t *ret_timeout_ms, struct cl_str *ret_field) {
	wait->positions = cl_arena_array(&wait->arena, struct log_position, query->arguments.n);
	for (uint32_t i = 0; i < query->arguments.n; i++) {
		const struct wire_pair *pair = &query->arguments.v[i];
		*ret_field = pair->key;
		if (cl_str_eqc(pair->key, "archived_at_least")) {
			if (!parse_position(reporting, pair->value, &wait->positions[wait->n++]))
				return false;
		} else if (!cl_str_eqc(pair->key, "timeout_ms") || cl_str_u64(pair->value, ret_timeout_ms) != CL_OK ||
		           *ret_timeout_ms > WAIT_MAX_MS) {
			return false;
		}
	}
	*ret_field = CL_STR("archived_at_least");
	return wait->n > 0;
}

static void wait_free(struct wait *wait) {
	cl_arena_done(&wait->arena);
	free(wait);
}

static bool reached(struct reporting *reporting, struct wait *wait) {
	for (uint32_t i = 0; i < wait->n && !wait->archive_seq; i++) {
		const struct log_position *position = &wait->positions[i];
		uint64_t archived = 0;
		if (!reporting_archive_position(reporting->archive, position->service, position->partition,
		                                &archived) ||
		    archived < position->seq)
			return false;
	}
	if (!wait->archive_seq)
		wait->archive_seq = reporting_archive_log(reporting->archive)->head.seq;
	return reporting_projected(reporting) >= wait->archive_seq;
}

static void answer(struct reporting *reporting, const struct wait *wait, enum wire_status status) {
	struct cl_buf json;
	cl_buf_init(&json);
	cl_buf_putc(&json, '{');
	json_u64(&json, "archive_seq", wait->archive_seq);
	json_u64(&json, "projected", reporting_projected(reporting));
	cl_buf_putc(&json, '}');
	struct wire_answer message = {.id = wait->id, .status = status, .json = cl_buf_bytes(&json)};
	reporting_post_answer(reporting, wait->reply_to, &message);
	cl_buf_done(&json);
}

/* A client asks again until it is answered. */
static bool asked_before(const struct reporting *reporting, struct cl_id id) {
	for (const struct wait *wait = reporting->waits; wait; wait = wait->next)
		if (cl_id_eq(wait->id, id))
			return true;
	return false;
}

void waits_ask(struct reporting *reporting, const struct wire_query *query) {
	if (asked_before(reporting, query->id))
		return;
	struct wait *wait = calloc(1, sizeof(*wait));
	struct cl_str field;
	uint64_t timeout_ms = WAIT_DEFAULT_MS;
	CL_ASSERT(wait);
	cl_arena_init(&wait->arena, 512);
	reporting->stats.waits++;
	wait->id = query->id;
	wait->reply_to = cl_arena_str(&wait->arena, query->reply_to);
	if (!parse(reporting, query, wait, &timeout_ms, &field)) {
		answer_invalid(reporting, query, field);
		wait_free(wait);
		return;
	}
	wait->until_ms = reporting->env->ops->steady_ms(reporting->env) + (int64_t)timeout_ms;
	if (reached(reporting, wait) || reporting->wait_n >= reporting->options.questions_max) {
		answer(reporting, wait, reached(reporting, wait) ? WIRE_ACCEPTED : WIRE_BUSY);
		wait_free(wait);
		return;
	}
	wait->next = reporting->waits;
	reporting->waits = wait;
	reporting->wait_n++;
}

void waits_look(struct reporting *reporting) {
	int64_t now = reporting->env->ops->steady_ms(reporting->env);
	struct wait **at = &reporting->waits;
	while (*at) {
		struct wait *wait = *at;
		bool done = reached(reporting, wait);
		if (!done && now < wait->until_ms) {
			at = &wait->next;
			continue;
		}
		*at = wait->next;
		reporting->wait_n--;
		answer(reporting, wait, done ? WIRE_ACCEPTED : WIRE_EXPIRED);
		wait_free(wait);
	}
}

void waits_done(struct reporting *reporting) {
	while (reporting->waits) {
		struct wait *next = reporting->waits->next;
		wait_free(reporting->waits);
		reporting->waits = next;
	}
}
