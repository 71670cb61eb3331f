/* Classification (A2): what kind of request it is and how much it matters, by rules, and who or what decided each. */
#ifndef INTAKE_CLASSIFY_H
#define INTAKE_CLASSIFY_H

#include "base/arena.h"
#include "schema.h"

enum intake_attribute {
	INTAKE_CATEGORY,
	INTAKE_URGENCY,
	INTAKE_IMPORTANCE,
	INTAKE_CUSTOMER_EFFECT,
	INTAKE_BUSINESS_EFFECT,
	INTAKE_ATTRIBUTES
};

struct intake_class {
	uint32_t value[INTAKE_ATTRIBUTES];   /* of enum category, enum level; 0 = not decided yet */
	struct cl_str by[INTAKE_ATTRIBUTES]; /* "agent:ID", "rule:NAME", "default" */
};

/* Decides what is not decided yet: each attribute by the first rule that matches and gives it, else by default (a
 * question, medium). Text that decided_by points to lies in the arena. */
void intake_classify(const struct classification_rule *rules, uint32_t rule_n, const struct contact_register *contact,
                     struct cl_arena *arena, struct intake_class *class);

/* Into the event: decided_by is who decided the category, or the given one; the others are named where they differ. */
void intake_class_write(const struct intake_class *class, struct cl_str decided_by, struct request_classified *event);

/* A rule that can be used: it gives something, and each phrase holds a word. */
bool intake_rule_valid(const struct classification_rule *rule, struct cl_arena *arena);

#endif
