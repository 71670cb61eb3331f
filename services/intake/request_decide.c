#include "actor/slip.h"
#include "base/time.h"
#include "intake/classify.h"
#include "intake/email.h"
#include "intake/identity.h"
#include "intake/intake.h"
#include "intake/phone.h"
#include "intake/priority.h"
#include "intake/request.h"

#define TITLE_BYTES 120 /* of what was said, where no title was given; the schema allows 300 */

struct cl_id intake_request_id(struct cl_str source_key) {
	return cl_id_derive("request", source_key.p, source_key.n);
}

/* The request was registered before: the same key is a repeat and right, anything else is not. */
static void decide_again(const struct request_state *state, const struct contact_register *command,
                         struct cl_decision *decision) {
	if (command->source_key.n && cl_str_eq(command->source_key, state->source_key))
		decision->number = state->number;
	else
		cl_refuse(decision, CL_R_EXISTS, NULL);
}

/* The contact with phone and email in their one form. False: refused. */
static bool record_contact(const struct cl_ctx *ctx, const struct contact_register *command, struct cl_id request,
                           struct cl_decision *decision, struct contact_registered **ret_event) {
	struct cl_str name = cl_str_trim(command->name), phone = cl_str_trim(command->phone),
	              email = cl_str_trim(command->email);
	if (name.n + phone.n + email.n + command->source_key.n == 0) {
		cl_refuse(decision, CL_R_CONTACT_EMPTY, "name");
		return false;
	}
	if (command->source_key.n && !cl_id_eq(request, intake_request_id(command->source_key))) {
		cl_refuse(decision, CL_R_FIELD, "source_key");
		return false;
	}
	if (email.n && !intake_email_normalise(email, ctx->arena, &email)) {
		cl_refuse(decision, CL_R_EMAIL, "email");
		return false;
	}
	struct contact_registered *event = CL_EMIT(decision, ctx, contact_registered);
	char e164[INTAKE_PHONE_BYTES];
	if (intake_phone_normalise(phone, e164)) {
		phone = cl_arena_str(ctx->arena, cl_str_from(e164));
		event->phone_identity = intake_identity_id(ctx, IDENTITY_PHONE, phone);
	}
	if (email.n)
		event->email_identity = intake_identity_id(ctx, IDENTITY_EMAIL, email);
	event->channel = command->channel;
	event->name = name;
	event->phone = phone;
	event->email = email;
	event->subject = command->subject;
	event->text = command->text;
	event->product = command->product;
	event->quantity = command->quantity;
	event->customer_id = request;
	event->received_by = command->received_by.n ? command->received_by : ctx->who;
	event->source_key = command->source_key;
	event->imported = command->imported;
	*ret_event = event;
	return true;
}

/* The title of a slip whose sender gave none: the first line of what was said, cut between words; else the category's
 * name. */
static struct cl_str title_of(const struct contact_register *command, enum category category) {
	struct cl_str subject = cl_str_trim(command->subject), text = cl_str_trim(command->text);
	if (subject.n)
		return subject;
	uint32_t n = 0;
	while (n < text.n && (unsigned char)text.p[n] >= ' ' && text.p[n] != 0x7f)
		n++;
	if (n > TITLE_BYTES) {
		n = TITLE_BYTES;
		while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
			n--; /* not within a letter */
		uint32_t blank = n;
		while (blank > TITLE_BYTES / 2 && text.p[blank] != ' ')
			blank--;
		n = text.p[blank] == ' ' ? blank : n;
	}
	if (n)
		return (struct cl_str){text.p, n};
	return cl_str_from(cl_enum_find(&cl_enum_category, category)->vi);
}

static void make_slip(const struct cl_ctx *ctx, const struct contact_registered *contact,
                      const struct contact_register *command, const struct request_classified *class,
                      enum level priority, struct cl_decision *decision) {
	struct slip_created *slip = CL_EMIT(decision, ctx, slip_created);
	slip->serial = ctx->next_number;
	slip->number = cl_arena_printf(ctx->arena, "PTN-%04d-%06llu", cl_time_year(ctx->now_ms, CL_VIETNAM_OFFSET_MIN),
	                               (unsigned long long)ctx->next_number);
	slip->slip_id = cl_slip_id(slip->number);
	slip->request_id = contact->customer_id;
	slip->customer_id = contact->customer_id;
	slip->title = title_of(command, class->category);
	slip->description = contact->text;
	slip->customer_name = contact->name;
	slip->phone = contact->phone;
	slip->email = contact->email;
	slip->product = contact->product;
	slip->quantity = contact->quantity;
	slip->channel = contact->channel;
	slip->category = class->category;
	slip->priority = priority;
	slip->urgency = class->urgency;
	slip->received_by = contact->received_by;
	slip->received_at = ctx->occurred_ms;
	slip->imported = contact->imported;
	slip->source_key = contact->source_key;
	decision->number = slip->number;
}

static struct cl_str agent(const struct cl_ctx *ctx) {
	return cl_arena_printf(ctx->arena, "agent:" CL_STR_FMT, CL_STR_ARG(ctx->who));
}

/* Takes what an agent gave; returns how many. */
static uint32_t overrule(struct intake_class *class, const uint32_t given[INTAKE_ATTRIBUTES], struct cl_str by) {
	uint32_t n = 0;
	for (int i = 0; i < INTAKE_ATTRIBUTES; i++) {
		if (!given[i])
			continue;
		class->value[i] = given[i];
		class->by[i] = by;
		n++;
	}
	return n;
}

static void decide_register(const struct cl_ctx *ctx, const struct request_state *state,
                            const struct contact_register *command, struct cl_id request,
                            struct cl_decision *decision) {
	const struct intake_registry_state *registry = ctx->registry;
	struct contact_registered *contact;
	if (state->number.n) {
		decide_again(state, command, decision);
		return;
	}
	if (!record_contact(ctx, command, request, decision, &contact))
		return;
	struct intake_class class = {0};
	const uint32_t given[INTAKE_ATTRIBUTES] = {command->category, command->urgency, command->importance,
	                                           command->customer_effect, command->business_effect};
	overrule(&class, given, agent(ctx));
	intake_classify(registry->rules.v, registry->rules.n, command, ctx->arena, &class);
	struct request_classified *classified = CL_EMIT(decision, ctx, request_classified);
	intake_class_write(&class, (struct cl_str){0}, classified);
	struct request_prioritised *prioritised = CL_EMIT(decision, ctx, request_prioritised);
	prioritised->priority =
	        intake_priority(registry->priorities.v, registry->priorities.n, &class, &prioritised->row);
	make_slip(ctx, contact, command, classified, prioritised->priority, decision);
}

static void decide_reclassify(const struct cl_ctx *ctx, const struct request_state *state,
                              const struct request_reclassify *command, struct cl_decision *decision) {
	const struct intake_registry_state *registry = ctx->registry;
	if (!state->number.n) {
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, NULL);
		return;
	}
	struct intake_class class = {.value = {state->category, state->urgency, state->importance,
	                                       state->customer_effect, state->business_effect},
	                             .by = {state->category_by, state->urgency_by, state->importance_by,
	                                    state->customer_effect_by, state->business_effect_by}};
	const uint32_t given[INTAKE_ATTRIBUTES] = {command->category, command->urgency, command->importance,
	                                           command->customer_effect, command->business_effect};
	struct cl_str who = agent(ctx);
	if (overrule(&class, given, who) == 0) {
		cl_refuse(decision, CL_R_FIELD, "category");
		return;
	}
	struct request_classified *classified = CL_EMIT(decision, ctx, request_classified);
	intake_class_write(&class, who, classified);
	classified->reason = command->reason;
	uint32_t row;
	enum level priority = intake_priority(registry->priorities.v, registry->priorities.n, &class, &row);
	if (priority != state->priority || row != state->priority_row) {
		struct request_prioritised *prioritised = CL_EMIT(decision, ctx, request_prioritised);
		prioritised->priority = priority;
		prioritised->row = row;
	}
	decision->number = state->number;
}

void intake_request_decide(const struct cl_ctx *ctx, const struct request_state *state,
                           const struct cl_message *message, struct cl_decision *decision) {
	if (message->role != CL_MSG_COMMAND)
		return;
	if (message->type == CL_T_contact_register)
		decide_register(ctx, state, message->body, message->target, decision);
	else if (message->type == CL_T_request_reclassify)
		decide_reclassify(ctx, state, message->body, decision);
	else
		cl_refuse(decision, CL_R_UNKNOWN_TARGET, "kind");
}
