#include "person.h"

#include "base/assert.h"
#include "routing.h"

static bool skills_fit(const struct cl_strs *skills) {
	uint32_t bytes = 0;
	for (uint32_t i = 0; i < skills->n; i++) {
		if (!skills->v[i].n || skills->v[i].n > ROUTING_SKILL_BYTES)
			return false;
		bytes += skills->v[i].n;
	}
	return bytes <= ROUTING_SKILLS_BYTES;
}

static void define(const struct cl_ctx *ctx, const struct person_state *state, const struct cl_message *message,
                   struct cl_decision *decision) {
	const struct person_define *command = message->body;
	if (!cl_id_eq(routing_person_id(command->staff_id), message->target)) {
		cl_refuse(decision, CL_R_FIELD, "staff_id");
		return;
	}
	if (!skills_fit(&command->skills)) {
		cl_refuse(decision, CL_R_LIMIT, "skills");
		return;
	}
	struct person_state wanted = {.staff_id = command->staff_id,
	                              .name = command->name,
	                              .position = command->position,
	                              .contact = command->contact,
	                              .department = command->department,
	                              .skills = command->skills,
	                              .capacity = command->capacity,
	                              .absent = command->absent};
	if (cl_equal(&cl_schema_person_state, state, &wanted))
		return;
	struct person_defined *event = CL_EMIT(decision, ctx, person_defined);
	event->staff_id = command->staff_id;
	event->name = command->name;
	event->position = command->position;
	event->contact = command->contact;
	event->department = command->department;
	event->skills = command->skills;
	event->capacity = command->capacity;
	event->absent = command->absent;
	if (!cl_str_eq(state->department, command->department))
		event->left = state->department;
}

void routing_person_decide(const struct cl_ctx *ctx, const struct person_state *state, const struct cl_message *message,
                           struct cl_decision *decision) {
	if (message->type == CL_T_person_define)
		define(ctx, state, message, decision);
	else if (message->role == CL_MSG_COMMAND)
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
}

void routing_person_evolve(struct person_state *state, const struct cl_event *event, struct cl_arena *arena) {
	CL_ASSERT(event->type == CL_T_person_defined);
	const struct person_defined *defined = event->body;
	struct person_state changed = {.staff_id = defined->staff_id,
	                               .name = defined->name,
	                               .position = defined->position,
	                               .contact = defined->contact,
	                               .department = defined->department,
	                               .skills = defined->skills,
	                               .capacity = defined->capacity,
	                               .absent = defined->absent};
	cl_copy(&cl_schema_person_state, &changed, arena, state);
}
