#include "intake/classify.h"
#include "intake/words.h"

static bool same_text(struct cl_str a, struct cl_str b, struct cl_arena *arena) {
	struct intake_words words_a = intake_words_of(a, (struct cl_str){0}, arena);
	struct intake_words words_b = intake_words_of(b, (struct cl_str){0}, arena);
	return words_a.n == words_b.n && intake_words_find(&words_a, &words_b);
}

static bool matches(const struct classification_rule *rule, const struct contact_register *contact,
                    const struct intake_words *said, struct cl_arena *arena) {
	if (rule->channel && rule->channel != contact->channel)
		return false;
	if (rule->product.n && !same_text(contact->product, rule->product, arena))
		return false;
	for (uint32_t i = 0; i < rule->words.n; i++) {
		if (!intake_words_may_hold(said, rule->words.v[i]))
			continue;
		struct intake_words phrase = intake_words_of(rule->words.v[i], (struct cl_str){0}, arena);
		if (intake_words_find(said, &phrase))
			return true;
	}
	return rule->words.n == 0;
}

static void given_by(const struct classification_rule *rule, uint32_t value[INTAKE_ATTRIBUTES]) {
	value[INTAKE_CATEGORY] = rule->category;
	value[INTAKE_URGENCY] = rule->urgency;
	value[INTAKE_IMPORTANCE] = rule->importance;
	value[INTAKE_CUSTOMER_EFFECT] = rule->customer_effect;
	value[INTAKE_BUSINESS_EFFECT] = rule->business_effect;
}

/* Does the rule give anything that is still open? If not it need not be matched. */
static bool gives_news(const struct intake_class *class, const uint32_t value[INTAKE_ATTRIBUTES]) {
	for (int i = 0; i < INTAKE_ATTRIBUTES; i++) {
		if (value[i] && !class->value[i])
			return true;
	}
	return false;
}

static void take(struct intake_class *class, const uint32_t value[INTAKE_ATTRIBUTES], struct cl_str by) {
	for (int i = 0; i < INTAKE_ATTRIBUTES; i++) {
		if (value[i] && !class->value[i]) {
			class->value[i] = value[i];
			class->by[i] = by;
		}
	}
}

void intake_classify(const struct classification_rule *rules, uint32_t rule_n, const struct contact_register *contact,
                     struct cl_arena *arena, struct intake_class *class) {
	static const uint32_t defaults[INTAKE_ATTRIBUTES] = {CATEGORY_QUESTION, LEVEL_MEDIUM, LEVEL_MEDIUM,
	                                                     LEVEL_MEDIUM, LEVEL_MEDIUM};
	struct intake_words said = intake_words_of(contact->subject, contact->text, arena);
	for (uint32_t i = 0; i < rule_n; i++) {
		uint32_t value[INTAKE_ATTRIBUTES];
		given_by(&rules[i], value);
		if (gives_news(class, value) && matches(&rules[i], contact, &said, arena))
			take(class, value, cl_arena_printf(arena, "rule:" CL_STR_FMT, CL_STR_ARG(rules[i].name)));
	}
	take(class, defaults, CL_STR("default"));
}

static struct cl_str unless(struct cl_str by, struct cl_str usual) {
	return cl_str_eq(by, usual) ? (struct cl_str){0} : by;
}

void intake_class_write(const struct intake_class *class, struct cl_str decided_by, struct request_classified *event) {
	event->category = (enum category) class->value[INTAKE_CATEGORY];
	event->urgency = (enum level) class->value[INTAKE_URGENCY];
	event->importance = (enum level) class->value[INTAKE_IMPORTANCE];
	event->customer_effect = (enum level) class->value[INTAKE_CUSTOMER_EFFECT];
	event->business_effect = (enum level) class->value[INTAKE_BUSINESS_EFFECT];
	event->decided_by = decided_by.n ? decided_by : class->by[INTAKE_CATEGORY];
	event->category_by = unless(class->by[INTAKE_CATEGORY], event->decided_by);
	event->urgency_by = unless(class->by[INTAKE_URGENCY], event->decided_by);
	event->importance_by = unless(class->by[INTAKE_IMPORTANCE], event->decided_by);
	event->customer_effect_by = unless(class->by[INTAKE_CUSTOMER_EFFECT], event->decided_by);
	event->business_effect_by = unless(class->by[INTAKE_BUSINESS_EFFECT], event->decided_by);
}

bool intake_rule_valid(const struct classification_rule *rule, struct cl_arena *arena) {
	uint32_t value[INTAKE_ATTRIBUTES], gives = 0;
	given_by(rule, value);
	for (int i = 0; i < INTAKE_ATTRIBUTES; i++)
		gives |= value[i];
	for (uint32_t i = 0; i < rule->words.n; i++) {
		if (intake_words_of(rule->words.v[i], (struct cl_str){0}, arena).n == 0)
			return false;
	}
	return gives != 0;
}
