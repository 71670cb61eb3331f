/* The rig's client: queries, conditions, the drain. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 20
#define DRAIN_LIMIT_MS 45000

void rig_connect(struct rig *rig) {
	if (!rig->client)
		assert_int_equal(cl_client_open(&rig->loop, &rig->config, "client", &rig->client), CL_OK);
}

static void set_true(void *context) {
	*(bool *)context = true;
}

void rig_disconnect(struct rig *rig) {
	bool closed = false;
	if (!rig->client)
		return;
	cl_client_close(rig->client, set_true, &closed);
	while (!closed)
		uv_run(&rig->loop, UV_RUN_ONCE);
	rig->client = NULL;
}

/* The timer wakes the loop, so that a condition which no event announces is looked at. */
static void look(uv_timer_t *timer) {
	(void)timer;
}

static void limit_closed(uv_handle_t *handle) {
	*(bool *)handle->data = true;
}

void rig_until(struct rig *rig, bool (*condition)(void *context), void *context, uint32_t limit_s, const char *what) {
	uv_timer_t timer;
	bool closed = false, met;
	uint64_t end_ns = uv_hrtime() + limit_s * UINT64_C(1000000000);
	assert_int_equal(uv_timer_init(&rig->loop, &timer), 0);
	timer.data = &closed;
	assert_int_equal(uv_timer_start(&timer, look, LOOK_MS, LOOK_MS), 0);
	while (!(met = condition(context)) && uv_hrtime() < end_ns)
		uv_run(&rig->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, limit_closed);
	while (!closed)
		uv_run(&rig->loop, UV_RUN_NOWAIT);
	if (!met)
		fail_msg("not within %u s: %s", limit_s, what);
}

/* -- queries -- */

struct question {
	bool done;
	char *json;
};

static void on_answer(void *context, int status, const struct wire_answer *answer) {
	struct question *question = context;
	question->done = true;
	if (status == CL_OK && answer->status == WIRE_ACCEPTED)
		question->json = strndup((const char *)answer->json.p, answer->json.n);
}

char *rig_query(struct rig *rig, const struct rig_member *member, const char *name, uint32_t timeout_ms) {
	struct question question = {0};
	assert_int_equal(cl_client_query(rig->client, member->service, member->partition, name, NULL, 0, timeout_ms,
	                                 on_answer, &question),
	                 CL_OK);
	while (!question.done) /* the client gives up by itself */
		uv_run(&rig->loop, UV_RUN_ONCE);
	return question.json;
}

uint64_t rig_number(const char *json, const char *name) {
	char *key = rig_text("\"%s\":", name);
	const char *at = strstr(json, key);
	uint64_t value = at ? strtoull(at + strlen(key), NULL, 10) : UINT64_MAX;
	free(key);
	return value;
}

/* -- the drain -- */

/* A follower's sources against what it knows of their heads, and against the heads themselves. */
static bool behind(const struct rig *rig, const char *status, const uint64_t *heads) {
	const char *p = strstr(status, "\"sources\":[");
	const char *end = p ? strchr(p, ']') : NULL;
	for (; p && (p = strstr(p, "{\"service\":\"")) != NULL && p < end; p++) {
		char service[32] = {0};
		unsigned partition = 0;
		unsigned long long upto = 0;
		if (sscanf(p, "{\"service\":\"%31[a-z]\",\"partition\":%u,\"upto\":%llu", service, &partition, &upto) !=
		    3)
			return true;
		char name[48];
		snprintf(name, sizeof(name), "%s-%u", service, partition);
		for (uint32_t i = 0; i < rig->member_n; i++)
			if (strcmp(rig->members[i].name, name) == 0 && upto < heads[i])
				return true;
	}
	return false;
}

void rig_drained(struct rig *rig) {
	uint64_t heads[sizeof(rig->members) / sizeof(*rig->members)] = {0},
	                                      end_ns = uv_hrtime() + DRAIN_LIMIT_MS * UINT64_C(1000000);
	char *said[sizeof(rig->members) / sizeof(*rig->members)] = {0};
	for (bool still = false; !still;) {
		still = true;
		for (uint32_t i = 0; i < rig->member_n; i++) {
			free(said[i]);
			said[i] = rig_query(rig, &rig->members[i], "status", 20000);
			assert_non_null(said[i]);
			uint64_t head = rig_number(said[i], "seq");
			still = still && head == heads[i] && head != UINT64_MAX;
			heads[i] = head;
		}
		for (uint32_t i = 0; i < rig->member_n; i++)
			still = still && !behind(rig, said[i], heads);
		if (!still && uv_hrtime() > end_ns) {
			for (uint32_t i = 0; i < rig->member_n; i++)
				fprintf(stderr, "%s\n", said[i]);
			fail_msg("not drained within %d s", DRAIN_LIMIT_MS / 1000);
		}
	}
	for (uint32_t i = 0; i < rig->member_n; i++)
		free(said[i]);
}
