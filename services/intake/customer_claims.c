#include "intake/customer.h"

static struct identity_claim first_claim(const struct contact_registered *contact, struct cl_id self) {
	struct identity_claim claim = {.request = self, .customer = self};
	bool phone = !cl_id_zero(contact->phone_identity), email = !cl_id_zero(contact->email_identity);
	if (phone) {
		claim.identity = contact->phone_identity;
		claim.kind = IDENTITY_PHONE;
		claim.value = contact->phone;
		claim.next = contact->email_identity;
		claim.next_value = email ? contact->email : (struct cl_str){0};
	} else if (email) {
		claim.identity = contact->email_identity;
		claim.kind = IDENTITY_EMAIL;
		claim.value = contact->email;
	}
	return phone || email ? claim : (struct identity_claim){0};
}

/* What is left to claim after this one. */
static struct identity_claim rest(const struct identity_claim *claim) {
	if (cl_id_zero(claim->next))
		return (struct identity_claim){0};
	return (struct identity_claim){
	        .identity = claim->next, .kind = IDENTITY_EMAIL, .value = claim->next_value, .request = claim->request};
}

static bool holds(const struct customer_state *state, struct cl_id identity) {
	for (uint32_t i = 0; i < state->identities.n; i++) {
		if (cl_id_eq(state->identities.v[i].identity, identity))
			return true;
	}
	return false;
}

void intake_customer_open(const struct cl_ctx *ctx, struct cl_id self, const struct contact_registered *contact,
                          struct cl_decision *decision) {
	struct customer_opened *event = CL_EMIT(decision, ctx, customer_opened);
	event->request = self;
	event->name = contact->name;
	event->phone = contact->phone;
	event->email = contact->email;
	event->channel = contact->channel;
	event->claim = first_claim(contact, self);
}

/* Asks for the identity on behalf of this customer, or hands the claim on to whom this one is part of. */
void intake_customer_pursue(const struct cl_ctx *ctx, const struct customer_state *state, struct cl_id self,
                            struct identity_claim claim, struct cl_decision *decision) {
	if (!cl_id_zero(claim.identity) && !cl_id_zero(state->into)) {
		struct customer_claim_passed *event = CL_EMIT(decision, ctx, customer_claim_passed);
		event->to = state->into;
		event->claim = claim;
		return;
	}
	for (; !cl_id_zero(claim.identity); claim = rest(&claim)) {
		if (holds(state, claim.identity))
			continue;
		if (state->identities.n + state->waiting < INTAKE_IDENTITIES_MAX) {
			claim.customer = self;
			CL_EMIT(decision, ctx, identity_claim_asked)->claim = claim;
			return;
		}
		struct customer_identities_full *event = CL_EMIT(decision, ctx, customer_identities_full);
		event->identity = claim.identity;
		event->kind = claim.kind;
		event->request = claim.request;
	}
}

/* Nothing speaks for this customer but the contact that asks: no identity, no part, no merge, no other claim on its
 * way. Only such a customer becomes part of another one without a person's word. */
static bool bare(const struct customer_state *state) {
	return cl_id_zero(state->into) && cl_id_zero(state->merging) && state->identities.n == 0 &&
	       state->part_count == 0 && state->waiting == 1;
}

void intake_customer_claim_answered(const struct cl_ctx *ctx, const struct customer_state *state, struct cl_id self,
                                    const struct identity_claim *claim, struct cl_id holder,
                                    struct cl_decision *decision) {
	if (cl_id_eq(holder, self)) {
		struct customer_identified *event = CL_EMIT(decision, ctx, customer_identified);
		event->identity = claim->identity;
		event->kind = claim->kind;
		event->value = claim->value;
		event->request = claim->request;
	} else if (bare(state)) {
		struct customer_linked *event = CL_EMIT(decision, ctx, customer_linked);
		event->into = holder;
		event->identity = claim->identity;
		event->request = claim->request;
		event->claim = rest(claim);
		return;
	} else {
		struct customer_contested *event = CL_EMIT(decision, ctx, customer_contested);
		event->claim = *claim;
		event->to = holder;
	}
	intake_customer_pursue(ctx, state, self, rest(claim), decision);
}

static bool flagged(const struct customer_state *state, struct cl_id other, struct cl_id identity) {
	for (uint32_t i = 0; i < state->conflicts.n; i++) {
		if (cl_id_eq(state->conflicts.v[i].other, other) && cl_id_eq(state->conflicts.v[i].identity, identity))
			return true;
	}
	return false;
}

/* Two walks along the links: first from the holder to its root (other unset), then from the claimant to its root. One
 * root: the two are one customer already. Two roots: a person has to decide. */
void intake_customer_contest(const struct cl_ctx *ctx, const struct customer_state *state, struct cl_id self,
                             const struct identity_claim *claim, struct cl_id other, struct cl_decision *decision) {
	if (!cl_id_zero(state->into)) {
		struct customer_contest_passed *event = CL_EMIT(decision, ctx, customer_contest_passed);
		event->claim = *claim;
		event->to = state->into;
		event->other = other;
	} else if (cl_id_zero(other)) {
		if (cl_id_eq(self, claim->customer))
			return;
		struct customer_contest_passed *event = CL_EMIT(decision, ctx, customer_contest_passed);
		event->claim = *claim;
		event->to = claim->customer;
		event->other = self;
	} else if (!cl_id_eq(self, other) && !flagged(state, other, claim->identity)) {
		struct customer_conflict_flagged *event = CL_EMIT(decision, ctx, customer_conflict_flagged);
		event->other = other;
		event->identity = claim->identity;
		event->kind = claim->kind;
		event->request = claim->request;
	}
}
