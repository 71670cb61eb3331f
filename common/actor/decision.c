#include "actor/domain.h"
#include "base/assert.h"

void *cl_emit(struct cl_decision *decision, const struct cl_ctx *ctx, uint16_t type) {
	const struct cl_schema *schema = cl_schema_by_type(type);
	CL_ASSERT(schema && schema->role == CL_ROLE_EVENT);
	if (decision->n == decision->cap) {
		uint32_t cap = decision->cap ? decision->cap * 2 : 8;
		struct cl_emitted *events = cl_arena_array(decision->arena, struct cl_emitted, cap);
		if (decision->n)
			memcpy(events, decision->events, decision->n * sizeof(*events));
		decision->events = events;
		decision->cap = cap;
	}
	struct cl_emitted *emitted = &decision->events[decision->n++];
	emitted->type = type;
	emitted->body = cl_arena_alloc(decision->arena, schema->size);
	emitted->occurred_ms = ctx->occurred_ms;
	emitted->who = ctx->who;
	return emitted->body;
}

void cl_refuse(struct cl_decision *decision, uint32_t reject, const char *field) {
	CL_ASSERT(reject != CL_R_NONE);
	decision->n = 0;
	decision->reject = reject;
	decision->reject_field = field;
}

void cl_event_head(const struct cl_record *record, struct cl_event *ret_event) {
	*ret_event = (struct cl_event){.type = record->type,
	                               .kind = record->kind,
	                               .aggregate = record->aggregate,
	                               .version = record->aggregate_version,
	                               .recorded_ms = record->recorded_ms,
	                               .occurred_ms = record->occurred_ms,
	                               .who = record->who,
	                               .correlation = record->correlation};
}

int cl_event_open(struct cl_bytes bytes, struct cl_arena *arena, struct cl_record *ret_record,
                  struct cl_event *ret_event) {
	int rc = cl_record_decode(bytes, ret_record);
	if (rc != CL_OK)
		return rc;
	cl_event_head(ret_record, ret_event);
	return cl_decode_version(ret_record->type, ret_record->version, ret_record->payload, arena, &ret_event->body,
	                         NULL);
}
