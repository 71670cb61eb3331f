#include "intake/customer.h"
#include "intake/events.h"
#include "intake/identity.h"
#include "intake/intake.h"
#include "intake/registry.h"
#include "intake/request.h"

static void decide(const struct cl_ctx *ctx, const void *state, uint32_t version, const struct cl_message *message,
                   struct cl_decision *decision) {
	(void)version;
	switch (message->kind) {
	case CL_KIND_INTAKE_REGISTRY:
		intake_registry_decide(ctx, message, decision);
		return;
	case CL_KIND_REQUEST:
		intake_request_decide(ctx, state, message, decision);
		return;
	case CL_KIND_CUSTOMER:
		intake_customer_decide(ctx, state, message, decision);
		return;
	case CL_KIND_IDENTITY:
		intake_identity_decide(ctx, state, message, decision);
		return;
	}
	if (message->role == CL_MSG_COMMAND)
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, "kind");
}

static void evolve(uint8_t kind, void *state, const struct cl_event *event, struct cl_arena *arena) {
	(void)kind; /* each type of event belongs to one kind */
	switch ((enum intake_event)event->type) {
	case INTAKE_E_contact_registered:
		intake_request_registered(state, event, arena);
		break;
	case INTAKE_E_request_classified:
		intake_request_classified(state, event, arena);
		break;
	case INTAKE_E_request_prioritised:
		intake_request_prioritised(state, event);
		break;
	case INTAKE_E_slip_created:
		intake_request_slip_created(state, event, arena);
		break;
	case INTAKE_E_customer_opened:
		intake_customer_opened(state, event, arena);
		break;
	case INTAKE_E_customer_identified:
		intake_customer_identified(state, event, arena);
		break;
	case INTAKE_E_customer_linked:
		intake_customer_linked(state, event);
		break;
	case INTAKE_E_customer_joined:
		intake_customer_joined(state, ((const struct customer_joined *)event->body)->customer, arena);
		break;
	case INTAKE_E_customer_contested:
		intake_customer_contested(state);
		break;
	case INTAKE_E_customer_conflict_flagged:
		intake_customer_conflict_flagged(state, event, arena);
		break;
	case INTAKE_E_customer_identities_full:
		intake_customer_identities_full(state);
		break;
	case INTAKE_E_customer_merge_asked:
		intake_customer_merge_asked(state, event, arena);
		break;
	case INTAKE_E_customer_merge_accepted:
		intake_customer_merge_accepted(state, event, arena);
		break;
	case INTAKE_E_customer_merged:
		intake_customer_merged(state, event, arena);
		break;
	case INTAKE_E_customer_merge_failed:
		intake_customer_merge_failed(state, event);
		break;
	case INTAKE_E_customer_unmerged:
		intake_customer_unmerged(state);
		break;
	case INTAKE_E_customer_left:
		intake_customer_left(state, event);
		break;
	case INTAKE_E_identity_claim_asked:
		intake_customer_asked(state);
		break;
	case INTAKE_E_identity_claimed:
		intake_identity_claimed(state, event, arena);
		break;
	case INTAKE_E_intake_configured:
		intake_registry_configured(state, event, arena);
		break;
	case INTAKE_E_customer_claim_passed:
	case INTAKE_E_customer_contest_passed:
	case INTAKE_E_customer_merge_declined:
	case INTAKE_E_identity_held:
		break; /* said to another actor; nothing changes here */
	}
}

static uint32_t one(struct cl_target targets[CL_TARGETS_MAX], uint8_t kind, struct cl_id id) {
	targets[0] = (struct cl_target){kind, id};
	return cl_id_zero(id) ? 0 : 1;
}

#define BODY(name) ((const struct name *)event->body)
static uint32_t targets_of(const struct cl_event *event, struct cl_target targets[CL_TARGETS_MAX]) {
	switch ((enum intake_event)event->type) {
	case INTAKE_E_contact_registered:
		return one(targets, CL_KIND_CUSTOMER, BODY(contact_registered)->customer_id);
	case INTAKE_E_customer_opened:
		return one(targets, CL_KIND_IDENTITY, BODY(customer_opened)->claim.identity);
	case INTAKE_E_identity_claim_asked:
		return one(targets, CL_KIND_IDENTITY, BODY(identity_claim_asked)->claim.identity);
	case INTAKE_E_identity_claimed:
		return one(targets, CL_KIND_CUSTOMER, BODY(identity_claimed)->claim.customer);
	case INTAKE_E_identity_held:
		return one(targets, CL_KIND_CUSTOMER, BODY(identity_held)->claim.customer);
	case INTAKE_E_customer_linked:
		return one(targets, CL_KIND_CUSTOMER, BODY(customer_linked)->into);
	case INTAKE_E_customer_claim_passed:
		return one(targets, CL_KIND_CUSTOMER, BODY(customer_claim_passed)->to);
	case INTAKE_E_customer_contested:
		return one(targets, CL_KIND_CUSTOMER, BODY(customer_contested)->to);
	case INTAKE_E_customer_contest_passed:
		return one(targets, CL_KIND_CUSTOMER, BODY(customer_contest_passed)->to);
	case INTAKE_E_customer_merge_asked:
		return one(targets, CL_KIND_CUSTOMER, BODY(customer_merge_asked)->to);
	case INTAKE_E_customer_merge_accepted:
		return one(targets, CL_KIND_CUSTOMER, BODY(customer_merge_accepted)->customer);
	case INTAKE_E_customer_merge_declined:
		return one(targets, CL_KIND_CUSTOMER, BODY(customer_merge_declined)->customer);
	case INTAKE_E_customer_unmerged:
		return one(targets, CL_KIND_CUSTOMER, BODY(customer_unmerged)->from);
	case INTAKE_E_request_classified:
	case INTAKE_E_request_prioritised:
	case INTAKE_E_slip_created:
	case INTAKE_E_customer_identified:
	case INTAKE_E_customer_joined:
	case INTAKE_E_customer_conflict_flagged:
	case INTAKE_E_customer_identities_full:
	case INTAKE_E_customer_merged:
	case INTAKE_E_customer_merge_failed:
	case INTAKE_E_customer_left:
	case INTAKE_E_intake_configured:
		return 0;
	}
	return 0;
}

/* The types above that have targets; a test compares the two. */
static const uint16_t own_types[] = {
        CL_T_contact_registered,    CL_T_customer_opened,         CL_T_identity_claim_asked,
        CL_T_identity_claimed,      CL_T_identity_held,           CL_T_customer_linked,
        CL_T_customer_claim_passed, CL_T_customer_contested,      CL_T_customer_contest_passed,
        CL_T_customer_merge_asked,  CL_T_customer_merge_accepted, CL_T_customer_merge_declined,
        CL_T_customer_unmerged,
};

/* Nothing in intake waits for a time. */
static int64_t due(uint8_t kind, const void *state) {
	(void)kind;
	(void)state;
	return 0;
}

static uint64_t number_taken(const struct cl_event *event) {
	return event->type == CL_T_slip_created ? BODY(slip_created)->serial : 0;
}

/* A request once it has its slip; a customer who is part of another one and waits for nothing. */
static bool at_rest(uint8_t kind, const void *state) {
	if (kind == CL_KIND_REQUEST)
		return ((const struct request_state *)state)->number.n > 0;
	const struct customer_state *customer = state;
	return kind == CL_KIND_CUSTOMER && !cl_id_zero(customer->into) && customer->waiting == 0;
}

static struct cl_str number_of(uint8_t kind, const void *state) {
	return kind == CL_KIND_REQUEST ? ((const struct request_state *)state)->number : (struct cl_str){0};
}

static const struct cl_domain_kind kinds[] = {
        {CL_KIND_INTAKE_REGISTRY, &cl_schema_intake_registry_state},
        {CL_KIND_REQUEST, &cl_schema_request_state},
        {CL_KIND_CUSTOMER, &cl_schema_customer_state},
        {CL_KIND_IDENTITY, &cl_schema_identity_state},
};

const struct cl_domain intake_domain = {
        .service = CL_INTAKE,
        .kinds = kinds,
        .kind_n = sizeof(kinds) / sizeof(kinds[0]),
        .registry_kind = CL_KIND_INTAKE_REGISTRY,
        .own_types = own_types,
        .own_type_n = sizeof(own_types) / sizeof(own_types[0]),
        .decide = decide,
        .evolve = evolve,
        .targets = targets_of,
        .due = due,
        .number_taken = number_taken,
        .at_rest = at_rest,
        .number_of = number_of,
};
