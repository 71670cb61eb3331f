/* The support domain: which actors there are, what they follow, and who decides what. */
#include "support.h"

#include "case.h"

const struct support_configure *support_defaults(struct cl_arena *arena) {
	struct support_configure *command = cl_arena_new(arena, struct support_configure);
	command->answer_min = SUPPORT_ANSWER_MIN;
	command->remind_min = SUPPORT_REMIND_MIN;
	return command;
}

static void configure(const struct cl_ctx *ctx, const struct support_configure *command, struct cl_decision *decision) {
	const struct support_state *now = ctx->registry;
	if (command->remind_min >= command->answer_min) {
		cl_refuse(decision, CL_R_FIELD, "remind_min");
		return;
	}
	if (now->answer_min == command->answer_min && now->remind_min == command->remind_min)
		return;
	struct support_configured *event = CL_EMIT(decision, ctx, support_configured);
	event->answer_min = command->answer_min;
	event->remind_min = command->remind_min;
}

static void decide_registry(const struct cl_ctx *ctx, const struct cl_message *message, struct cl_decision *decision) {
	if (message->role != CL_MSG_COMMAND)
		return;
	if (message->type == CL_T_support_configure)
		configure(ctx, message->body, decision);
	else
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
}

static void follow(struct case_turn *turn, const struct cl_event *event) {
	switch (event->type) {
	case CL_T_item_routed:
		case_routed(turn, event->body);
		break;
	case CL_T_item_assigned:
		case_item_assigned(turn, event->body);
		break;
	case CL_T_item_escalated:
		case_item_escalated(turn, event->body);
		break;
	case CL_T_order_changed:
		case_order_changed(turn, event->body, event->who);
		break;
	}
}

static void decide(const struct cl_ctx *ctx, const void *state, uint32_t version, const struct cl_message *message,
                   struct cl_decision *decision) {
	if (message->kind != CL_KIND_CASE) {
		decide_registry(ctx, message, decision);
		return;
	}
	struct case_turn turn = {.ctx = ctx, .state = state, .decision = decision};
	uint32_t refused = CL_R_NONE;
	switch (message->role) {
	case CL_MSG_TICK:
		case_tick(&turn);
		break;
	case CL_MSG_EVENT:
		follow(&turn, message->event);
		break;
	case CL_MSG_COMMAND:
		refused = message->type == CL_T_case_import ? case_import_rows(&turn, message->body, version)
		                                            : case_command(&turn, message->type, message->body);
		break;
	}
	if (refused)
		cl_refuse(decision, refused, turn.field);
}

static void evolve(uint8_t kind, void *state, const struct cl_event *event, struct cl_arena *arena) {
	if (kind == CL_KIND_CASE) {
		case_evolve(state, event, arena);
	} else if (event->type == CL_T_support_configured) {
		const struct support_configured *body = event->body;
		struct support_state *registry = state;
		registry->answer_min = body->answer_min;
		registry->remind_min = body->remind_min;
	}
}

static uint32_t targets(const struct cl_event *event, struct cl_target targets[CL_TARGETS_MAX]) {
	targets[0].kind = CL_KIND_CASE;
	switch (event->type) {
	case CL_T_item_routed:
		targets[0].id = ((const struct item_routed *)event->body)->slip.slip_id;
		return 1;
	case CL_T_item_assigned:
	case CL_T_item_escalated: /* the work item's id is the slip's */
		targets[0].id = event->aggregate;
		return 1;
	case CL_T_order_changed:
		targets[0].id = ((const struct order_changed *)event->body)->slip_id;
		return 1;
	}
	return 0;
}

static int64_t due(uint8_t kind, const void *state) {
	return kind == CL_KIND_CASE ? case_due(state) : 0;
}

static bool at_rest(uint8_t kind, const void *state) {
	return kind == CL_KIND_CASE && ((const struct case_state *)state)->status == CASE_CLOSED;
}

static struct cl_str number_of(uint8_t kind, const void *state) {
	return kind == CL_KIND_CASE ? ((const struct case_state *)state)->number : (struct cl_str){0};
}

static const uint16_t from_routing[] = {CL_T_item_routed, CL_T_item_assigned, CL_T_item_escalated};
static const uint16_t from_order[] = {CL_T_order_changed};
static const struct cl_source sources[] = {{CL_ROUTING, from_routing, 3}, {CL_ORDER, from_order, 1}};
static const struct cl_domain_kind kinds[] = {{CL_KIND_SUPPORT_REGISTRY, &cl_schema_support_state},
                                              {CL_KIND_CASE, &cl_schema_case_state}};

const struct cl_domain support_domain = {.service = CL_SUPPORT,
                                         .kinds = kinds,
                                         .kind_n = 2,
                                         .registry_kind = CL_KIND_SUPPORT_REGISTRY,
                                         .sources = sources,
                                         .source_n = 2,
                                         .decide = decide,
                                         .evolve = evolve,
                                         .targets = targets,
                                         .due = due,
                                         .at_rest = at_rest,
                                         .number_of = number_of};
