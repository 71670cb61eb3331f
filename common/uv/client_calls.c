#include "uv/client_calls.h"

#include <stdlib.h>

#include "base/assert.h"
#include "codec.h"

void cl_calls_init(struct cl_calls *calls) {
	*calls = (struct cl_calls){0};
	cl_map_init(&calls->map);
}

void cl_calls_done(struct cl_calls *calls) {
	while (calls->first) {
		struct cl_call *call = calls->first;
		cl_calls_remove(calls, call);
		cl_call_free(call);
	}
	cl_map_done(&calls->map);
}

static void unlink_call(struct cl_calls *calls, struct cl_call *call) {
	if (call->previous)
		call->previous->next = call->next;
	else if (calls->first == call)
		calls->first = call->next;
	if (call->next)
		call->next->previous = call->previous;
	else if (calls->last == call)
		calls->last = call->previous;
	call->next = call->previous = NULL;
}

int cl_calls_add(struct cl_calls *calls, uint16_t type, const void *body, struct cl_id id, struct cl_call **ret_call) {
	if (calls->map.count >= CL_CALLS_MAX)
		return CL_E_AGAIN;
	if (cl_map_get(&calls->map, 0, id))
		return CL_E_EXISTS;
	struct cl_call *call = calloc(1, sizeof(*call));
	CL_ASSERT(call);
	call->type = type;
	call->id = id;
	cl_arena_init(&call->arena, 512);
	cl_copy(cl_schema_by_type(type), body, &call->arena, &call->body);
	cl_map_put(&calls->map, 0, id, call);
	*ret_call = call;
	return CL_OK;
}

/* Nearly always to the end, since nearly all wait equally long. */
void cl_calls_schedule(struct cl_calls *calls, struct cl_call *call, int64_t due_ms) {
	unlink_call(calls, call);
	call->due_ms = due_ms;
	struct cl_call *after = calls->last;
	while (after && after->due_ms > due_ms)
		after = after->previous;
	call->previous = after;
	call->next = after ? after->next : calls->first;
	if (call->next)
		call->next->previous = call;
	else
		calls->last = call;
	if (after)
		after->next = call;
	else
		calls->first = call;
}

struct cl_call *cl_calls_find(const struct cl_calls *calls, struct cl_id id, uint16_t type) {
	struct cl_call *call = cl_map_get(&calls->map, 0, id);
	return call && call->type == type ? call : NULL;
}

void cl_calls_remove(struct cl_calls *calls, struct cl_call *call) {
	void *removed = cl_map_del(&calls->map, 0, call->id);
	CL_ASSERT(removed == call);
	unlink_call(calls, call);
}

void cl_call_free(struct cl_call *call) {
	cl_arena_done(&call->arena);
	free(call);
}
