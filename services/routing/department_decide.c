#include "department.h"
#include "routing.h"

static bool is_free(const struct queue_member *member) {
	return !member->absent && !member->gone && (!member->capacity || member->load < member->capacity);
}

static bool has_skill(const struct queue_member *member, struct cl_str skill) {
	if (!skill.n)
		return true;
	for (uint32_t i = 0; i < member->skills.n; i++)
		if (cl_str_eq(member->skills.v[i], skill))
			return true;
	return false;
}

/* Who of two free people is to be given work first: the less loaded, then who was given work longest ago, then by id.
 */
static bool before(const struct queue_member *a, const struct queue_member *b) {
	if (a->load != b->load)
		return a->load < b->load;
	if (a->given_at != b->given_at)
		return a->given_at < b->given_at;
	return cl_str_cmp(a->staff_id, b->staff_id) < 0;
}

static struct queue_member *choose(struct queue_member *members, uint32_t n, struct cl_str skill) {
	struct queue_member *best = NULL;
	for (uint32_t i = 0; i < n; i++)
		if (is_free(&members[i]) && has_skill(&members[i], skill) && (!best || before(&members[i], best)))
			best = &members[i];
	return best;
}

/* A person whom the entry waits for; NULL if it has no wish or the wish has left. */
static const struct queue_member *wished(const struct department_state *state, const struct queue_entry *entry) {
	const struct queue_member *member = entry->wish.n ? routing_member(state, entry->wish) : NULL;
	return member && !member->gone ? member : NULL;
}

static void assign(const struct cl_ctx *ctx, struct cl_str department, const struct queue_entry *entry,
                   struct cl_str person, enum queue_reason why, struct cl_decision *decision) {
	struct queue_assigned *event = CL_EMIT(decision, ctx, queue_assigned);
	event->slip_id = entry->slip_id;
	event->number = entry->number;
	event->department = department;
	event->ask = entry->ask;
	event->person = person;
	event->why = why;
}

/* Gives what waits to one person who may have become free; person is a copy as it is after the event that freed it. */
static void hand_to(const struct cl_ctx *ctx, const struct department_state *state, struct queue_member person,
                    struct cl_decision *decision) {
	for (uint32_t i = 0; i < state->waiting.n && is_free(&person); i++) {
		const struct queue_entry *entry = &state->waiting.v[i];
		bool wish = entry->wish.n && cl_str_eq(entry->wish, person.staff_id);
		if (!wish && (wished(state, entry) || !has_skill(&person, entry->skill)))
			continue;
		assign(ctx, state->code, entry, person.staff_id, wish ? QUEUE_WISH : QUEUE_FREE, decision);
		person.load++;
	}
}

/* Someone left: what waited for that person may go to anyone now. */
static void hand_from(const struct cl_ctx *ctx, const struct department_state *state, struct cl_str leaver,
                      struct cl_decision *decision) {
	uint32_t n = 0;
	struct queue_member *others = cl_arena_array(ctx->arena, struct queue_member, state->members.n);
	for (uint32_t i = 0; i < state->members.n; i++)
		if (!cl_str_eq(state->members.v[i].staff_id, leaver))
			others[n++] = state->members.v[i];
	for (uint32_t i = 0; i < state->waiting.n; i++) {
		const struct queue_entry *entry = &state->waiting.v[i];
		if (!cl_str_eq(entry->wish, leaver))
			continue;
		struct queue_member *member = choose(others, n, entry->skill);
		if (!member)
			continue;
		assign(ctx, state->code, entry, member->staff_id, QUEUE_NO_PERSON, decision);
		member->load++;
		member->given_at = ctx->now_ms;
	}
}

static void defer(const struct cl_ctx *ctx, struct cl_str department, const struct queue_entry *entry, uint32_t retries,
                  struct cl_decision *decision) {
	struct queue_deferred *event = CL_EMIT(decision, ctx, queue_deferred);
	int64_t delay_ms = (int64_t)ROUTING_RETRY_MS << (retries < 2 ? retries : 2);
	event->slip_id = entry->slip_id;
	event->number = entry->number;
	event->department = department;
	event->ask = entry->ask;
	/* spread, so that many do not come back at once */
	event->retry_at = ctx->now_ms + delay_ms + (int64_t)(cl_id_hash(entry->slip_id) % ROUTING_RETRY_MS);
}

/* A full list keeps what is most urgent and oldest; the rest asks again later. */
static void let_wait(const struct cl_ctx *ctx, const struct department_state *state,
                     const struct queue_requested *request, const struct queue_entry *entry, enum queue_reason why,
                     struct cl_decision *decision) {
	if (state->waiting.n >= ROUTING_WAITING_MAX) {
		const struct queue_entry *last = &state->waiting.v[state->waiting.n - 1];
		if (!routing_entry_before(entry, last)) {
			defer(ctx, request->department, entry, request->retries, decision);
			return;
		}
		defer(ctx, request->department, last, 0, decision);
	}
	struct queue_waiting *event = CL_EMIT(decision, ctx, queue_waiting);
	event->department = request->department;
	event->entry = *entry;
	event->why = why;
}

static void on_requested(const struct cl_ctx *ctx, const struct department_state *state,
                         const struct queue_requested *request, struct cl_decision *decision) {
	if (!state->name.n && request->back.n && !cl_str_eq(request->back, request->department)) {
		struct queue_refused *event = CL_EMIT(decision, ctx, queue_refused);
		event->slip_id = request->slip_id;
		event->number = request->number;
		event->department = request->department;
		event->ask = request->ask;
		event->back = request->back;
		return;
	}
	struct queue_entry entry = {.slip_id = request->slip_id,
	                            .number = request->number,
	                            .priority = request->priority,
	                            .since = request->since,
	                            .ask = request->ask,
	                            .skill = request->skill};
	if (request->insist)
		entry.wish = request->wish;
	const struct queue_member *wish = request->wish.n ? routing_member(state, request->wish) : NULL;
	if (wish && is_free(wish)) {
		assign(ctx, request->department, &entry, wish->staff_id, QUEUE_WISH, decision);
		return;
	}
	if (wished(state, &entry)) {
		let_wait(ctx, state, request, &entry, QUEUE_WISH_BUSY, decision);
		return;
	}
	const struct queue_member *member = choose(state->members.v, state->members.n, request->skill);
	enum queue_reason unmet = request->insist ? QUEUE_NO_PERSON : queue_reason_UNSET;
	if (member)
		assign(ctx, request->department, &entry, member->staff_id, unmet ? unmet : QUEUE_FREE, decision);
	else
		let_wait(ctx, state, request, &entry, unmet ? unmet : QUEUE_NONE_FREE, decision);
}

static bool waits(const struct department_state *state, struct cl_id slip_id, uint32_t ask) {
	for (uint32_t i = 0; i < state->waiting.n; i++)
		if (cl_id_eq(state->waiting.v[i].slip_id, slip_id) && state->waiting.v[i].ask == ask)
			return true;
	return false;
}

static void on_released(const struct cl_ctx *ctx, const struct department_state *state,
                        const struct queue_released *release, struct cl_decision *decision) {
	const struct queue_member *member = release->person.n ? routing_member(state, release->person) : NULL;
	/* Not there: the item was given to someone, or refused, before it gave up its place, and will hand that back. A
	 * load that is not there can only be missing after a repair that lost records; then nothing is left to release.
	 */
	if (release->person.n ? !member || !member->load : !waits(state, release->slip_id, release->ask))
		return;
	struct queue_left *event = CL_EMIT(decision, ctx, queue_left);
	event->slip_id = release->slip_id;
	event->number = release->number;
	event->ask = release->ask;
	event->person = release->person;
	if (!member)
		return;
	struct queue_member freed = *member;
	freed.load--;
	hand_to(ctx, state, freed, decision);
}

static void on_person(const struct cl_ctx *ctx, const struct department_state *state, const struct cl_message *message,
                      struct cl_decision *decision) {
	const struct person_defined *person = message->body;
	bool here = cl_id_eq(routing_department_id(person->department), message->target);
	const struct queue_member *member = routing_member(state, person->staff_id);
	if (member ? member->person_version >= message->event->version : !here)
		return;
	struct cl_str department = here ? person->department : person->left;
	if (!member && state->members.n >= ROUTING_MEMBERS_MAX) {
		struct member_refused *event = CL_EMIT(decision, ctx, member_refused);
		event->department = department;
		event->staff_id = person->staff_id;
		return;
	}
	struct member_changed *event = CL_EMIT(decision, ctx, member_changed);
	event->department = department;
	event->staff_id = person->staff_id;
	event->skills = person->skills;
	event->capacity = person->capacity;
	event->absent = person->absent;
	event->gone = !here;
	event->person_version = message->event->version;
	if (!here) {
		hand_from(ctx, state, person->staff_id, decision);
		return;
	}
	struct queue_member changed = {.staff_id = person->staff_id,
	                               .skills = person->skills,
	                               .capacity = person->capacity,
	                               .load = member ? member->load : 0,
	                               .absent = person->absent};
	hand_to(ctx, state, changed, decision);
}

static void on_escalation(const struct cl_ctx *ctx, const struct department_state *state,
                          const struct escalation_asked *asked, struct cl_decision *decision) {
	struct escalation_answered *event = CL_EMIT(decision, ctx, escalation_answered);
	event->slip_id = asked->slip_id;
	event->number = asked->number;
	event->supervisor = state->supervisor;
	event->reason = asked->reason;
	event->due_at = asked->due_at;
}

static void define(const struct cl_ctx *ctx, const struct department_state *state, const struct cl_message *message,
                   struct cl_decision *decision) {
	const struct department_define *command = message->body;
	if (!cl_id_eq(routing_department_id(command->code), message->target)) {
		cl_refuse(decision, CL_R_FIELD, "code");
		return;
	}
	if (cl_str_eq(state->name, command->name) && cl_str_eq(state->supervisor, command->supervisor))
		return;
	struct department_defined *event = CL_EMIT(decision, ctx, department_defined);
	event->code = command->code;
	event->name = command->name;
	event->supervisor = command->supervisor;
}

void routing_department_decide(const struct cl_ctx *ctx, const struct department_state *state,
                               const struct cl_message *message, struct cl_decision *decision) {
	switch (message->type) {
	case CL_T_department_define:
		define(ctx, state, message, decision);
		return;
	case CL_T_queue_requested:
		on_requested(ctx, state, message->body, decision);
		return;
	case CL_T_queue_released:
		on_released(ctx, state, message->body, decision);
		return;
	case CL_T_person_defined:
		on_person(ctx, state, message, decision);
		return;
	case CL_T_escalation_asked:
		on_escalation(ctx, state, message->body, decision);
		return;
	}
	if (message->role == CL_MSG_COMMAND)
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
}
