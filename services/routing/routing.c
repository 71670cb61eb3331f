#include "routing.h"

#include "base/assert.h"
#include "department.h"
#include "item.h"
#include "person.h"
#include "registry.h"

struct cl_id routing_department_id(struct cl_str code) {
	return cl_id_derive("department", code.p, code.n);
}

struct cl_id routing_person_id(struct cl_str staff_id) {
	return cl_id_derive("person", staff_id.p, staff_id.n);
}

static void decide(const struct cl_ctx *ctx, const void *state, uint32_t version, const struct cl_message *message,
                   struct cl_decision *decision) {
	switch (message->kind) {
	case CL_KIND_ROUTING_REGISTRY:
		routing_registry_decide(ctx, message, decision);
		return;
	case CL_KIND_WORK_ITEM:
		routing_item_decide(ctx, state, version, message, decision);
		return;
	case CL_KIND_DEPARTMENT:
		routing_department_decide(ctx, state, message, decision);
		return;
	case CL_KIND_PERSON:
		routing_person_decide(ctx, state, message, decision);
		return;
	}
	CL_UNREACHABLE();
}

static void evolve(uint8_t kind, void *state, const struct cl_event *event, struct cl_arena *arena) {
	switch (kind) {
	case CL_KIND_ROUTING_REGISTRY:
		routing_registry_evolve(state, event, arena);
		return;
	case CL_KIND_WORK_ITEM:
		routing_item_evolve(state, event, arena);
		return;
	case CL_KIND_DEPARTMENT:
		routing_department_evolve(state, event, arena);
		return;
	case CL_KIND_PERSON:
		routing_person_evolve(state, event, arena);
		return;
	}
	CL_UNREACHABLE();
}

static uint32_t to_item(struct cl_target *target, struct cl_id slip_id) {
	*target = (struct cl_target){CL_KIND_WORK_ITEM, slip_id};
	return 1;
}

static uint32_t to_department(struct cl_target *target, struct cl_str code) {
	*target = (struct cl_target){CL_KIND_DEPARTMENT, routing_department_id(code)};
	return 1;
}

static uint32_t targets(const struct cl_event *event, struct cl_target *targets) {
	switch (event->type) {
	case CL_T_slip_created:
		return to_item(targets, ((const struct slip_created *)event->body)->slip_id);
	case CL_T_case_worked:
	case CL_T_case_closed:
	case CL_T_case_reopened:
		return to_item(targets, event->aggregate);
	case CL_T_case_assigned:
		return ((const struct case_assigned *)event->body)->ask ? to_item(targets, event->aggregate) : 0;
	case CL_T_queue_requested:
		return to_department(targets, ((const struct queue_requested *)event->body)->department);
	case CL_T_queue_released:
		return to_department(targets, ((const struct queue_released *)event->body)->department);
	case CL_T_escalation_asked:
		return to_department(targets, ((const struct escalation_asked *)event->body)->department);
	case CL_T_person_defined: {
		const struct person_defined *person = event->body;
		uint32_t n = to_department(targets, person->department);
		return person->left.n ? n + to_department(targets + n, person->left) : n;
	}
	case CL_T_queue_assigned:
		return to_item(targets, ((const struct queue_assigned *)event->body)->slip_id);
	case CL_T_queue_waiting:
		return to_item(targets, ((const struct queue_waiting *)event->body)->entry.slip_id);
	case CL_T_queue_deferred:
		return to_item(targets, ((const struct queue_deferred *)event->body)->slip_id);
	case CL_T_queue_refused:
		return to_item(targets, ((const struct queue_refused *)event->body)->slip_id);
	case CL_T_escalation_answered:
		return to_item(targets, ((const struct escalation_answered *)event->body)->slip_id);
	}
	return 0;
}

static int64_t due(uint8_t kind, const void *state) {
	return kind == CL_KIND_WORK_ITEM ? routing_item_due(state) : 0;
}

static bool at_rest(uint8_t kind, const void *state) {
	return kind == CL_KIND_WORK_ITEM && !routing_item_open(state);
}

static struct cl_str number_of(uint8_t kind, const void *state) {
	return kind == CL_KIND_WORK_ITEM ? ((const struct work_item_state *)state)->number : (struct cl_str){NULL, 0};
}

static const struct cl_domain_kind kinds[] = {
        {CL_KIND_ROUTING_REGISTRY, &cl_schema_routing_registry_state},
        {CL_KIND_WORK_ITEM, &cl_schema_work_item_state},
        {CL_KIND_DEPARTMENT, &cl_schema_department_state},
        {CL_KIND_PERSON, &cl_schema_person_state},
};
static const uint16_t intake_types[] = {CL_T_slip_created};
static const uint16_t support_types[] = {CL_T_case_worked, CL_T_case_closed, CL_T_case_reopened, CL_T_case_assigned};
static const struct cl_source sources[] = {{CL_INTAKE, intake_types, 1}, {CL_SUPPORT, support_types, 4}};
static const uint16_t own_types[] = {CL_T_person_defined, CL_T_queue_requested,  CL_T_queue_released,
                                     CL_T_queue_assigned, CL_T_queue_waiting,    CL_T_queue_deferred,
                                     CL_T_queue_refused,  CL_T_escalation_asked, CL_T_escalation_answered};

const struct cl_domain routing_domain = {.service = CL_ROUTING,
                                         .kinds = kinds,
                                         .kind_n = sizeof(kinds) / sizeof(*kinds),
                                         .registry_kind = CL_KIND_ROUTING_REGISTRY,
                                         .sources = sources,
                                         .source_n = sizeof(sources) / sizeof(*sources),
                                         .own_types = own_types,
                                         .own_type_n = sizeof(own_types) / sizeof(*own_types),
                                         .decide = decide,
                                         .evolve = evolve,
                                         .targets = targets,
                                         .due = due,
                                         .at_rest = at_rest,
                                         .number_of = number_of};
