#include "codec.h"
#include "import_int.h"

uint32_t import_rule_of(const struct import_map *map, struct cl_str activity, struct cl_str transition) {
	uint32_t named = map->rule_n - (map->has_default ? 1 : 0), any = map->rule_n;
	for (uint32_t i = 0; i < named; i++) {
		const struct import_rule *rule = &map->rules[i];
		if (!cl_str_eq(rule->activity, activity))
			continue;
		if (rule->transition.n == 0)
			any = i; /* holds unless a rule names the transition */
		else if (cl_str_eq(rule->transition, transition))
			return i;
	}
	if (any == map->rule_n && map->has_default)
		return named;
	return any;
}

enum case_act import_act_of(const struct import_rule *rule, bool *closed) {
	enum case_act act = *closed && rule->after_close ? rule->after_close : rule->act;
	if (act == ACT_CLOSE || act == ACT_SETTLE)
		*closed = true;
	else if (act == ACT_REOPEN)
		*closed = false;
	return act;
}

/* A value that no enum of ours knows is an error: guessing would change what the source said. */
static int code(const struct import_map *map, const struct import_template *t, const struct import_scopes *scopes,
                struct cl_arena *arena, const struct cl_enum *en, const struct import_place *place,
                struct import_error *error, uint32_t *ret_value) {
	struct cl_str text = import_render(t, scopes, true, arena);
	int rc = import_code(map, en, text, ret_value);
	if (rc != CL_OK) {
		text = cl_arena_str(arena, text);
		import_fail_at(error, rc, place->file, place->line, place->byte, CL_TEXT_CLI_IMPORT_VALUE, text.p,
		               en->name, NULL);
	}
	return rc;
}

static int check(const struct cl_schema *schema, const void *value, const struct import_place *place,
                 struct cl_arena *arena, struct import_error *error) {
	struct cl_field_error wrong;
	int rc = cl_validate(schema, value, &wrong);
	if (rc != CL_OK)
		import_fail_field(error, rc, place->file, place->line, place->byte,
		                  cl_field_error_text(&wrong, "vi", arena), cl_field_error_text(&wrong, "en", arena));
	return rc;
}

static struct cl_str row_label(const struct import_map *map, const struct import_rule *rule,
                               const struct import_values *here, struct cl_arena *arena) {
	if (!map->has_default || rule != &map->rules[map->rule_n - 1])
		return rule->label;
	struct cl_str transition = here->v[IMPORT_KEY_TRANSITION];
	return cl_arena_printf(arena, CL_STR_FMT "%s" CL_STR_FMT, CL_STR_ARG(here->v[IMPORT_KEY_NAME]),
	                       transition.n ? "/" : "", CL_STR_ARG(transition));
}

int import_plan_row(const struct import_map *map, const struct import_rule *rule, const struct import_scopes *scopes,
                    struct cl_arena *arena, const struct import_place *place, struct history_row *ret_row,
                    struct import_error *ret_error) {
	struct history_row row = *ret_row; /* number, time and act are set */
	uint32_t priority = 0;
	row.activity = row_label(map, rule, scopes->here, arena);
	row.outcome = row.act == ACT_CLOSE ? rule->outcome : close_outcome_UNSET;
	row.who = import_render(&rule->who, scopes, true, arena);
	row.text = import_render(&rule->text, scopes, false, arena);
	row.department = import_render(&rule->department, scopes, true, arena);
	row.person = import_render(&rule->person, scopes, true, arena);
	if (rule->priority.n) {
		int rc = code(map, &rule->priority, scopes, arena, &cl_enum_level, place, ret_error, &priority);
		if (rc != CL_OK)
			return rc;
	}
	row.priority = priority;
	int rc = check(&cl_schema_history_row, &row, place, arena, ret_error);
	if (rc == CL_OK)
		*ret_row = row;
	return rc;
}

int import_plan_contact(const struct import_map *map, const struct import_scopes *scopes, struct cl_arena *arena,
                        const struct import_place *place, struct contact_register *ret_contact,
                        struct import_error *ret_error) {
	const struct import_contact *plan = &map->contact;
	struct contact_register contact = {.channel = plan->channel, .imported = true};
	contact.name = import_render(&plan->name, scopes, true, arena);
	contact.phone = import_render(&plan->phone, scopes, true, arena);
	contact.email = import_render(&plan->email, scopes, true, arena);
	contact.subject = import_render(&plan->subject, scopes, true, arena);
	contact.text = import_render(&plan->text, scopes, false, arena);
	contact.product = import_render(&plan->product, scopes, true, arena);
	contact.received_by = import_render(&plan->received_by, scopes, true, arena);
	contact.source_key = cl_arena_printf(arena, CL_STR_FMT "/" CL_STR_FMT, CL_STR_ARG(map->source),
	                                     CL_STR_ARG(scopes->trace->v[IMPORT_KEY_NAME]));
	uint32_t codes[5];
	const struct {
		const struct import_template *t;
		const struct cl_enum *en;
	} rows[5] = {{&plan->category, &cl_enum_category},
	             {&plan->urgency, &cl_enum_level},
	             {&plan->importance, &cl_enum_level},
	             {&plan->customer_effect, &cl_enum_level},
	             {&plan->business_effect, &cl_enum_level}};
	for (size_t i = 0; i < 5; i++) {
		int rc = code(map, rows[i].t, scopes, arena, rows[i].en, place, ret_error, &codes[i]);
		if (rc != CL_OK)
			return rc;
	}
	contact.category = codes[0];
	contact.urgency = codes[1];
	contact.importance = codes[2];
	contact.customer_effect = codes[3];
	contact.business_effect = codes[4];
	int rc = check(&cl_schema_contact_register, &contact, place, arena, ret_error);
	if (rc == CL_OK)
		*ret_contact = contact;
	return rc;
}

/* A command's body is bounded by its frame (wire_command.body); this leaves room for tags and lengths. */
#define BATCH_BYTES (200 * 1024)
#define ROW_OVERHEAD_BYTES 64

uint32_t import_batch(const struct import_trace *trace, uint32_t from, struct case_import *ret_command) {
	uint32_t n = 0;
	size_t bytes = 0;
	while (from + n < trace->row_n && n < IMPORT_BATCH_ROWS) {
		const struct history_row *row = &trace->rows[from + n];
		bytes += ROW_OVERHEAD_BYTES + row->activity.n + row->who.n + row->text.n + row->department.n +
		         row->person.n;
		if (n && bytes > BATCH_BYTES)
			break;
		n++;
	}
	*ret_command = (struct case_import){.source_key = trace->contact.source_key};
	ret_command->rows.v = trace->rows + from;
	ret_command->rows.n = n;
	return n;
}
