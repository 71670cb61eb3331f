#include "intake/request.h"

void intake_request_registered(struct request_state *state, const struct cl_event *event, struct cl_arena *arena) {
	const struct contact_registered *body = event->body;
	state->channel = body->channel;
	state->name = cl_arena_str(arena, body->name);
	state->phone = cl_arena_str(arena, body->phone);
	state->email = cl_arena_str(arena, body->email);
	state->subject = cl_arena_str(arena, body->subject);
	state->text = cl_arena_str(arena, body->text);
	state->product = cl_arena_str(arena, body->product);
	state->quantity = body->quantity;
	state->customer_id = body->customer_id;
	state->received_by = cl_arena_str(arena, body->received_by);
	state->source_key = cl_arena_str(arena, body->source_key);
	state->imported = body->imported;
	state->received_at = event->occurred_ms;
}

/* decided_by stands for every attribute that names nobody else. */
static struct cl_str by(struct cl_str named, struct cl_str decided_by, struct cl_arena *arena) {
	return cl_arena_str(arena, named.n ? named : decided_by);
}

void intake_request_classified(struct request_state *state, const struct cl_event *event, struct cl_arena *arena) {
	const struct request_classified *body = event->body;
	state->category = body->category;
	state->urgency = body->urgency;
	state->importance = body->importance;
	state->customer_effect = body->customer_effect;
	state->business_effect = body->business_effect;
	state->category_by = by(body->category_by, body->decided_by, arena);
	state->urgency_by = by(body->urgency_by, body->decided_by, arena);
	state->importance_by = by(body->importance_by, body->decided_by, arena);
	state->customer_effect_by = by(body->customer_effect_by, body->decided_by, arena);
	state->business_effect_by = by(body->business_effect_by, body->decided_by, arena);
	state->reason = cl_arena_str(arena, body->reason);
}

void intake_request_prioritised(struct request_state *state, const struct cl_event *event) {
	const struct request_prioritised *body = event->body;
	state->priority = body->priority;
	state->priority_row = body->row;
}

void intake_request_slip_created(struct request_state *state, const struct cl_event *event, struct cl_arena *arena) {
	const struct slip_created *body = event->body;
	state->number = cl_arena_str(arena, body->number);
	state->slip_id = body->slip_id;
}
