/* What a client has under way: calls by id, each sent again until it is answered or its time is over. */
#ifndef CL_UV_CLIENT_CALLS_H
#define CL_UV_CLIENT_CALLS_H

#include "base/map.h"
#include "uv/client.h"

#define CL_CALLS_MAX 65536
#define CL_CALL_AGAIN_MS 500

struct cl_call {
	struct cl_call *next, *previous; /* by due_ms */
	uint16_t type;                   /* wire_command, wire_get or wire_query */
	union {
		struct wire_command command;
		struct wire_get get;
		struct wire_query query;
	} body; /* strings lie in arena */
	struct cl_id id;
	struct cl_arena arena;
	struct cl_str address; /* of the config */
	int64_t due_ms, end_ms;
	union {
		cl_on_reply reply;
		cl_on_state state;
		cl_on_answer answer;
	} on;
	void *context;
};

struct cl_calls {
	struct cl_map map;
	struct cl_call *first, *last;
};

void cl_calls_init(struct cl_calls *calls);
void cl_calls_done(struct cl_calls *calls); /* frees what is left without a word */
/* A call with the body copied. AGAIN: too many; EXISTS: the id is under way. */
CL_MUST_CHECK int cl_calls_add(struct cl_calls *calls, uint16_t type, const void *body, struct cl_id id,
                               struct cl_call **ret_call);
void cl_calls_schedule(struct cl_calls *calls, struct cl_call *call, int64_t due_ms); /* keeps the list in order */
struct cl_call *cl_calls_find(const struct cl_calls *calls, struct cl_id id,
                              uint16_t type);                       /* NULL: not (or no more) under way */
void cl_calls_remove(struct cl_calls *calls, struct cl_call *call); /* takes it out and leaves it to cl_call_free */
void cl_call_free(struct cl_call *call);

#endif
