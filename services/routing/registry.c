#include "registry.h"

#include "base/assert.h"
#include "routing.h"

/* Holds for priorities that the configuration says nothing of. */
static const struct due_policy builtin_due[] = {
        {.priority = LEVEL_HIGH, .due_min = 240, .warn_min = 60, .acknowledge_min = 30},
        {.priority = LEVEL_MEDIUM, .due_min = 1440, .warn_min = 240, .acknowledge_min = 120},
        {.priority = LEVEL_LOW, .due_min = 4320, .warn_min = 480, .acknowledge_min = 480},
};
#define BUILTIN_DUE_N (sizeof(builtin_due) / sizeof(*builtin_due))

static void configure(const struct cl_ctx *ctx, const struct routing_configure *command, struct cl_decision *decision) {
	for (uint32_t i = 0; i < command->due.n; i++) {
		const struct due_policy *policy = &command->due.v[i];
		for (uint32_t j = 0; j < i; j++)
			if (command->due.v[j].priority == policy->priority) {
				cl_refuse(decision, CL_R_FIELD, "due.priority");
				return;
			}
		if (policy->warn_min >= policy->due_min) {
			cl_refuse(decision, CL_R_FIELD, "due.warn_min");
			return;
		}
	}
	const struct routing_registry_state *now = ctx->registry;
	struct routing_registry_state wanted = {.rules = {command->rules.v, command->rules.n},
	                                        .due = {command->due.v, command->due.n}};
	if (cl_equal(&cl_schema_routing_registry_state, now, &wanted))
		return;
	struct routing_configured *event = CL_EMIT(decision, ctx, routing_configured);
	event->rules.v = command->rules.v;
	event->rules.n = command->rules.n;
	event->due.v = command->due.v;
	event->due.n = command->due.n;
}

void routing_registry_decide(const struct cl_ctx *ctx, const struct cl_message *message, struct cl_decision *decision) {
	if (message->role != CL_MSG_COMMAND)
		return;
	if (message->type == CL_T_routing_configure)
		configure(ctx, message->body, decision);
	else
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
}

void routing_registry_evolve(struct routing_registry_state *state, const struct cl_event *event,
                             struct cl_arena *arena) {
	CL_ASSERT(event->type == CL_T_routing_configured);
	const struct routing_configured *configured = event->body;
	struct routing_registry_state from = {.rules = {configured->rules.v, configured->rules.n},
	                                      .due = {configured->due.v, configured->due.n}};
	cl_copy(&cl_schema_routing_registry_state, &from, arena, state);
}

static struct cl_str folded(struct cl_str s, struct cl_arena *arena) {
	char *p = cl_arena_alloc(arena, s.n);
	return (struct cl_str){p, (uint32_t)cl_fold_vi(s, p, s.n)};
}

struct routing_choice routing_choose(const struct routing_registry_state *registry, enum category category,
                                     struct cl_str product, struct cl_arena *arena) {
	struct cl_str product_folded = folded(product, arena);
	for (uint32_t i = 0; i < registry->rules.n; i++) {
		const struct routing_rule *rule = &registry->rules.v[i];
		if (rule->category != category_UNSET && rule->category != category)
			continue;
		if (rule->product.n && !cl_str_eq(folded(rule->product, arena), product_folded))
			continue;
		return (struct routing_choice){rule->department, rule->skill, cl_arena_printf(arena, "rule:%u", i + 1)};
	}
	return (struct routing_choice){CL_STR(ROUTING_DEFAULT_DEPARTMENT), {NULL, 0}, CL_STR("default")};
}

static const struct due_policy *policy_of(const struct due_policy *policies, uint32_t n, enum level priority) {
	for (uint32_t i = 0; i < n; i++)
		if (policies[i].priority == priority)
			return &policies[i];
	return NULL;
}

struct routing_times routing_due_times(const struct routing_registry_state *registry, enum level priority,
                                       int64_t from_ms) {
	const struct due_policy *policy = policy_of(registry->due.v, registry->due.n, priority);
	if (!policy)
		policy = policy_of(builtin_due, BUILTIN_DUE_N, priority);
	CL_ASSERT(policy);
	const int64_t minute_ms = 60000;
	struct routing_times times = {.due_at = from_ms + (int64_t)policy->due_min * minute_ms};
	if (policy->warn_min)
		times.warn_at = times.due_at - (int64_t)policy->warn_min * minute_ms;
	if (policy->acknowledge_min)
		times.acknowledge_by = from_ms + (int64_t)policy->acknowledge_min * minute_ms;
	return times;
}
