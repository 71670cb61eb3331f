#include "item.h"
#include "registry.h"
#include "routing.h"

/* A request to the queue of the item's department; the caller changes what differs. */
static struct queue_requested *request(const struct cl_ctx *ctx, const struct work_item_state *state, struct cl_id id,
                                       struct cl_decision *decision) {
	struct queue_requested *event = CL_EMIT(decision, ctx, queue_requested);
	event->slip_id = id;
	event->number = state->number;
	event->department = state->department;
	event->priority = state->priority;
	event->since = state->routed_at;
	event->ask = state->ask + 1;
	event->skill = state->skill;
	event->back = state->back;
	return event;
}

static void release(const struct cl_ctx *ctx, const struct work_item_state *state, struct cl_id id,
                    struct cl_decision *decision) {
	struct queue_released *event = CL_EMIT(decision, ctx, queue_released);
	event->slip_id = id;
	event->number = state->number;
	event->department = state->department;
	event->ask = state->ask;
	event->person = state->person;
}

static void on_slip(const struct cl_ctx *ctx, const struct slip_created *slip, struct cl_decision *decision) {
	const struct routing_registry_state *registry = ctx->registry;
	struct routing_choice choice = routing_choose(registry, slip->category, slip->product, ctx->arena);
	struct routing_times times = {0};
	if (!slip->imported)
		times = routing_due_times(registry, slip->priority, ctx->now_ms);
	struct item_routed *event = CL_EMIT(decision, ctx, item_routed);
	event->slip = *slip;
	event->department = choice.department;
	event->rule = choice.rule;
	event->skill = choice.skill;
	event->due_at = times.due_at;
	event->warn_at = times.warn_at;
	event->acknowledge_by = times.acknowledge_by;
	if (slip->imported)
		return;
	struct work_item_state routed = {.number = slip->number,
	                                 .priority = slip->priority,
	                                 .department = choice.department,
	                                 .skill = choice.skill,
	                                 .routed_at = ctx->now_ms};
	(void)request(ctx, &routed, slip->slip_id, decision);
}

/* Someone says who shall do it. */
static void give_to(const struct cl_ctx *ctx, const struct work_item_state *state, struct cl_id id,
                    struct cl_str department, struct cl_str person, struct cl_str reason,
                    struct cl_decision *decision) {
	bool moves = department.n && !cl_str_eq(department, state->department);
	if (!moves && person.n && state->status == WORK_ASSIGNED && cl_str_eq(person, state->person))
		return;
	if (state->status != WORK_HISTORY && state->status != WORK_DEFERRED)
		release(ctx, state, id, decision);
	struct item_assigned *assigned = CL_EMIT(decision, ctx, item_assigned);
	assigned->number = state->number;
	assigned->department = moves ? department : state->department;
	assigned->reason = reason;
	struct queue_requested *event = request(ctx, state, id, decision);
	event->wish = person;
	event->insist = person.n > 0;
	if (moves) {
		event->department = department;
		event->back = state->back.n ? state->back : state->department;
		event->skill = (struct cl_str){NULL, 0}; /* it was the other department's */
	}
}

static void acknowledge(const struct cl_ctx *ctx, const struct work_item_state *state, struct cl_str person,
                        struct cl_decision *decision) {
	struct item_acknowledged *event = CL_EMIT(decision, ctx, item_acknowledged);
	event->number = state->number;
	event->person = person;
}

static void on_command(const struct cl_ctx *ctx, const struct work_item_state *state, const struct cl_message *message,
                       struct cl_decision *decision) {
	if (message->type == CL_T_work_acknowledge) {
		if (state->status == WORK_DONE)
			cl_refuse(decision, CL_R_ITEM_DONE, NULL);
		else if (state->acknowledged)
			cl_refuse(decision, CL_R_ITEM_ACKNOWLEDGED, NULL);
		else
			acknowledge(ctx, state, ctx->who, decision);
	} else if (message->type == CL_T_work_assign) {
		const struct work_assign *command = message->body;
		if (state->status == WORK_DONE)
			cl_refuse(decision, CL_R_ITEM_DONE, NULL);
		else
			give_to(ctx, state, message->target, command->department, command->person, command->reason,
			        decision);
	} else {
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
	}
}

static void on_closed(const struct cl_ctx *ctx, const struct work_item_state *state, struct cl_id id,
                      struct cl_decision *decision) {
	if (state->status == WORK_DONE)
		return;
	if (state->status != WORK_HISTORY && state->status != WORK_DEFERRED)
		release(ctx, state, id, decision);
	CL_EMIT(decision, ctx, item_completed)->number = state->number;
}

/* What was recorded so much later than it occurred is history, no work of today. */
#define HISTORY_MS 300000

/* An imported case that history reopens stays history; one that somebody reopens today becomes work like any other. */
static void on_reopened(const struct cl_ctx *ctx, const struct work_item_state *state, const struct cl_event *cause,
                        struct cl_id id, struct cl_decision *decision) {
	if (state->status != WORK_DONE)
		return;
	bool history = state->imported && cause->recorded_ms - cause->occurred_ms > HISTORY_MS;
	struct item_reopened *event = CL_EMIT(decision, ctx, item_reopened);
	event->number = state->number;
	if (history)
		return;
	struct routing_times times = routing_due_times(ctx->registry, state->priority, ctx->now_ms);
	event->due_at = times.due_at;
	event->warn_at = times.warn_at;
	event->acknowledge_by = times.acknowledge_by;
	request(ctx, state, id, decision)->wish = state->last_person;
}

static void on_assigned(const struct cl_ctx *ctx, const struct work_item_state *state,
                        const struct queue_assigned *answer, struct cl_decision *decision) {
	if (answer->ask == state->ask && state->status == WORK_ASSIGNED)
		return;
	if (answer->ask == state->ask && routing_item_open(state)) {
		struct item_assigned *event = CL_EMIT(decision, ctx, item_assigned);
		event->number = state->number;
		event->department = answer->department;
		event->person = answer->person;
		event->why = answer->why;
		return;
	}
	struct queue_released *event = CL_EMIT(decision, ctx, queue_released);
	event->slip_id = answer->slip_id;
	event->number = answer->number;
	event->department = answer->department;
	event->ask = answer->ask;
	event->person = answer->person;
}

static void on_waiting(const struct cl_ctx *ctx, const struct work_item_state *state,
                       const struct queue_waiting *answer, struct cl_decision *decision) {
	if (answer->entry.ask != state->ask || state->status != WORK_ASKED)
		return;
	struct item_assigned *event = CL_EMIT(decision, ctx, item_assigned);
	event->number = state->number;
	event->department = answer->department;
	event->why = answer->why;
}

static void on_deferred(const struct cl_ctx *ctx, const struct work_item_state *state,
                        const struct queue_deferred *answer, struct cl_decision *decision) {
	if (answer->ask != state->ask || (state->status != WORK_ASKED && state->status != WORK_WAITING))
		return;
	struct item_deferred *event = CL_EMIT(decision, ctx, item_deferred);
	event->number = state->number;
	event->department = answer->department;
	event->retry_at = answer->retry_at;
}

static void on_refused(const struct cl_ctx *ctx, const struct work_item_state *state,
                       const struct queue_refused *answer, struct cl_decision *decision) {
	if (answer->ask != state->ask || state->status != WORK_ASKED)
		return;
	struct item_assigned *assigned = CL_EMIT(decision, ctx, item_assigned);
	assigned->number = state->number;
	assigned->department = answer->back;
	assigned->why = QUEUE_NO_DEPARTMENT;
	struct queue_requested *event = request(ctx, state, answer->slip_id, decision);
	event->department = answer->back;
	event->wish = state->last_person;
}

static void on_supervisor(const struct cl_ctx *ctx, const struct work_item_state *state,
                          const struct escalation_answered *answer, struct cl_decision *decision) {
	bool overdue = cl_str_eqc(answer->reason, "overdue");
	int64_t missed = overdue ? state->due_at : state->acknowledge_by;
	if (!routing_item_open(state) || missed != answer->due_at || (!overdue && state->acknowledged))
		return; /* done, opened again or acknowledged meanwhile */
	struct item_escalated *event = CL_EMIT(decision, ctx, item_escalated);
	event->number = state->number;
	event->supervisor = answer->supervisor;
	event->reason = answer->reason;
	event->due_at = answer->due_at;
}

static void on_event(const struct cl_ctx *ctx, const struct work_item_state *state, const struct cl_message *message,
                     struct cl_decision *decision) {
	switch (message->type) {
	case CL_T_case_worked:
		if (routing_item_open(state) && !state->acknowledged)
			acknowledge(ctx, state, ((const struct case_worked *)message->body)->person, decision);
		return;
	case CL_T_case_closed:
		on_closed(ctx, state, message->target, decision);
		return;
	case CL_T_case_reopened:
		on_reopened(ctx, state, message->event, message->target, decision);
		return;
	case CL_T_case_assigned: {
		const struct case_assigned *asked = message->body;
		if (asked->ask && state->status != WORK_DONE)
			give_to(ctx, state, message->target, asked->department, asked->person, asked->text, decision);
		return;
	}
	case CL_T_queue_assigned:
		on_assigned(ctx, state, message->body, decision);
		return;
	case CL_T_queue_waiting:
		on_waiting(ctx, state, message->body, decision);
		return;
	case CL_T_queue_deferred:
		on_deferred(ctx, state, message->body, decision);
		return;
	case CL_T_queue_refused:
		on_refused(ctx, state, message->body, decision);
		return;
	case CL_T_escalation_answered:
		on_supervisor(ctx, state, message->body, decision);
		return;
	}
}

static void escalate(const struct cl_ctx *ctx, const struct work_item_state *state, struct cl_id id,
                     struct cl_str reason, int64_t missed, struct cl_decision *decision) {
	struct escalation_asked *event = CL_EMIT(decision, ctx, escalation_asked);
	event->slip_id = id;
	event->number = state->number;
	event->department = state->department;
	event->reason = reason;
	event->due_at = missed;
}

static bool passed(int64_t at, int64_t now_ms) {
	return at && at <= now_ms;
}

static void on_tick(const struct cl_ctx *ctx, const struct work_item_state *state, struct cl_id id,
                    struct cl_decision *decision) {
	if (!routing_item_open(state))
		return;
	if (state->status == WORK_DEFERRED && passed(state->retry_at, ctx->now_ms)) {
		struct queue_requested *event = request(ctx, state, id, decision);
		event->wish = state->wish;
		event->insist = state->wish.n > 0;
		event->retries = state->retries + 1;
	}
	if (!state->acknowledged && !state->unacknowledged && passed(state->acknowledge_by, ctx->now_ms))
		escalate(ctx, state, id, CL_STR("unacknowledged"), state->acknowledge_by, decision);
	if (state->overdue)
		return;
	if (passed(state->due_at, ctx->now_ms)) { /* a warning that was not given in time is no use now */
		escalate(ctx, state, id, CL_STR("overdue"), state->due_at, decision);
	} else if (!state->warned && passed(state->warn_at, ctx->now_ms)) {
		struct item_warned *event = CL_EMIT(decision, ctx, item_warned);
		event->number = state->number;
		event->due_at = state->due_at;
	}
}

void routing_item_decide(const struct cl_ctx *ctx, const struct work_item_state *state, uint32_t version,
                         const struct cl_message *message, struct cl_decision *decision) {
	if (message->role == CL_MSG_EVENT && message->type == CL_T_slip_created) {
		if (version == 0)
			on_slip(ctx, message->body, decision);
		return;
	}
	if (version == 0) {
		if (message->role == CL_MSG_COMMAND)
			cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
		return;
	}
	switch (message->role) {
	case CL_MSG_COMMAND:
		on_command(ctx, state, message, decision);
		return;
	case CL_MSG_EVENT:
		on_event(ctx, state, message, decision);
		return;
	case CL_MSG_TICK:
		on_tick(ctx, state, message->target, decision);
		return;
	}
}
