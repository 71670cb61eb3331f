#include <stdlib.h>

#include "codec.h"
#include "import_int.h"
#include "map_yaml.h"

/* One map while it is being made from its YAML. */
struct making {
	struct import_map *map;
	const char *file;
	const char *where; /* activity being read, "contact" */
	struct import_error *error;
};

static int bad(const struct making *making, const char *key, const char *value, enum cl_text text) {
	return import_fail(making->error, CL_E_INVALID, text, making->file, making->where, key, value ? value : "",
	                   NULL);
}

static struct cl_str kept(struct import_map *map, const char *text) {
	return text && *text ? cl_arena_str(&map->arena, cl_str_from(text)) : (struct cl_str){0};
}

static int template_of(const struct making *making, const char *key, const char *text, struct import_template *ret) {
	/* Templates are views into a copy of their own: the YAML's memory goes when the map stands. */
	const char *copy = kept(making->map, text).p;
	if (import_template_parse(copy, &making->map->keys, &making->map->arena, ret) != CL_OK)
		return bad(making, key, text, CL_TEXT_CLI_MAP_TEMPLATE);
	return CL_OK;
}

static int code_of(const struct making *making, const char *key, const char *text, const struct cl_enum *en,
                   uint32_t *ret) {
	*ret = 0;
	if (!text || !*text)
		return CL_OK;
	const struct cl_enum_value *value = cl_enum_by_code(en, cl_str_from(text));
	if (!value)
		return bad(making, key, text, CL_TEXT_CLI_MAP_CODE);
	*ret = value->value;
	return CL_OK;
}

static int make_contact(struct making *making, const struct map_yaml_contact *yaml) {
	struct import_contact *contact = &making->map->contact;
	static const struct map_yaml_contact empty = {0};
	uint32_t channel;
	if (!yaml)
		yaml = &empty;
	making->where = "contact";
	const struct {
		const char *key, *text;
		struct import_template *to;
	} rows[] = {{"name", yaml->name, &contact->name},
	            {"phone", yaml->phone, &contact->phone},
	            {"email", yaml->email, &contact->email},
	            {"subject", yaml->subject ? yaml->subject : "{trace/concept:name}", &contact->subject},
	            {"text", yaml->text, &contact->text},
	            {"product", yaml->product, &contact->product},
	            {"received_by", yaml->received_by, &contact->received_by},
	            {"category", yaml->category, &contact->category},
	            {"urgency", yaml->urgency, &contact->urgency},
	            {"importance", yaml->importance, &contact->importance},
	            {"customer_effect", yaml->customer_effect, &contact->customer_effect},
	            {"business_effect", yaml->business_effect, &contact->business_effect}};
	int rc = code_of(making, "channel", yaml->channel ? yaml->channel : "import", &cl_enum_channel, &channel);
	contact->channel = channel;
	for (size_t i = 0; rc == CL_OK && i < sizeof(rows) / sizeof(rows[0]); i++)
		rc = template_of(making, rows[i].key, rows[i].text, rows[i].to);
	return rc;
}

static void name_rule(struct import_map *map, struct import_rule *rule, const struct map_yaml_activity *yaml) {
	rule->activity = kept(map, yaml->activity);
	rule->transition = kept(map, yaml->transition);
	rule->label = rule->activity;
	if (rule->transition.n)
		rule->label = cl_arena_printf(&map->arena, CL_STR_FMT "/" CL_STR_FMT, CL_STR_ARG(rule->activity),
		                              CL_STR_ARG(rule->transition));
}

static int make_rule(struct making *making, const struct map_yaml_activity *yaml, bool is_default,
                     struct import_rule *rule) {
	uint32_t act, outcome, after_close;
	making->where = is_default ? "default" : yaml->activity;
	if (is_default ? yaml->activity || yaml->transition : !yaml->activity || !*yaml->activity) {
		making->where = is_default ? "default" : "activities";
		return bad(making, "activity", yaml->activity, CL_TEXT_CLI_MAP_VALUE);
	}
	name_rule(making->map, rule, yaml);
	int rc = code_of(making, "act", yaml->act, &cl_enum_case_act, &act);
	if (rc == CL_OK)
		rc = code_of(making, "outcome", yaml->outcome, &cl_enum_close_outcome, &outcome);
	if (rc == CL_OK)
		rc = code_of(making, "after_close", yaml->after_close, &cl_enum_case_act, &after_close);
	if (rc != CL_OK)
		return rc;
	rule->act = act;
	rule->outcome = outcome;
	rule->after_close = after_close;
	const char *person = yaml->person;
	const struct {
		const char *key, *text;
		struct import_template *to;
		bool fits;
	} rows[] = {{"text", yaml->text, &rule->text, true},
	            {"who", yaml->who ? yaml->who : "{org:resource}", &rule->who, true},
	            {"priority", yaml->priority, &rule->priority, act == ACT_ASSESS},
	            {"department", yaml->department, &rule->department, act == ACT_ASSIGN},
	            {"person", person, &rule->person, act == ACT_ASSIGN}};
	if (outcome && act != ACT_CLOSE)
		return bad(making, "outcome", yaml->outcome, CL_TEXT_CLI_MAP_VALUE);
	for (size_t i = 0; rc == CL_OK && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].text && !rows[i].fits)
			return bad(making, rows[i].key, rows[i].text, CL_TEXT_CLI_MAP_VALUE);
		rc = template_of(making, rows[i].key, rows[i].text, rows[i].to);
	}
	return rc;
}

static bool same_event(const struct import_rule *a, const struct import_rule *b) {
	return cl_str_eq(a->activity, b->activity) && cl_str_eq(a->transition, b->transition);
}

static int make_rules(struct making *making, const struct map_yaml *yaml) {
	struct import_map *map = making->map;
	map->rules = cl_arena_array(&map->arena, struct import_rule, yaml->activities_count + 1);
	for (unsigned i = 0; i < yaml->activities_count; i++) {
		struct import_rule *rule = &map->rules[map->rule_n];
		int rc = make_rule(making, &yaml->activities[i], false, rule);
		if (rc != CL_OK)
			return rc;
		for (uint32_t k = 0; k < map->rule_n; k++) {
			if (same_event(&map->rules[k], rule))
				return bad(making, "activity", yaml->activities[i].activity, CL_TEXT_CLI_MAP_TWICE);
		}
		map->rule_n++;
	}
	if (!yaml->otherwise)
		return CL_OK;
	struct import_rule *rule = &map->rules[map->rule_n];
	int rc = make_rule(making, yaml->otherwise, true, rule);
	if (rc != CL_OK)
		return rc;
	rule->label = CL_STR("*");
	map->rule_n++;
	map->has_default = true;
	return CL_OK;
}

static int make(struct making *making, const struct map_yaml *yaml) {
	struct import_map *map = making->map;
	map->keys.v[IMPORT_KEY_NAME] = CL_STR("concept:name");
	map->keys.v[IMPORT_KEY_TIME] = CL_STR("time:timestamp");
	map->keys.v[IMPORT_KEY_TRANSITION] = CL_STR("lifecycle:transition");
	map->keys.n = IMPORT_KEYS_OWN;
	map->source = kept(map, yaml->source);
	map->values = cl_arena_array(&map->arena, struct import_value, yaml->values_count);
	map->value_n = yaml->values_count;
	for (unsigned i = 0; i < yaml->values_count; i++)
		map->values[i] = (struct import_value){kept(map, yaml->values[i].from), kept(map, yaml->values[i].to)};
	int rc = make_contact(making, yaml->contact);
	return rc == CL_OK ? make_rules(making, yaml) : rc;
}

int import_map_open(const char *file, struct import_map **ret_map, struct import_error *ret_error) {
	struct map_yaml *yaml;
	int rc = map_yaml_load(file, &yaml, ret_error);
	if (rc != CL_OK)
		return rc;
	struct import_map *map = calloc(1, sizeof(*map));
	if (!map) {
		map_yaml_free(yaml);
		return import_fail(ret_error, CL_E_NOMEM, CL_TEXT_CLI_IMPORT_OPEN, file, cl_error_text(CL_E_NOMEM),
		                   NULL);
	}
	cl_arena_init(&map->arena, 16384);
	struct making making = {.map = map, .file = file, .where = "", .error = ret_error};
	rc = make(&making, yaml);
	map_yaml_free(yaml);
	if (rc == CL_OK)
		*ret_map = map;
	else
		import_map_close(map);
	return rc;
}

void import_map_close(struct import_map *map) {
	if (!map)
		return;
	cl_arena_done(&map->arena);
	free(map);
}

const char *import_map_source(const struct import_map *map) {
	return map->source.p;
}

int import_code(const struct import_map *map, const struct cl_enum *en, struct cl_str text, uint32_t *ret_value) {
	*ret_value = 0;
	if (text.n == 0)
		return CL_OK;
	for (uint32_t i = 0; i < map->value_n; i++) {
		if (cl_str_eq(map->values[i].from, text)) {
			text = map->values[i].to;
			break;
		}
	}
	const struct cl_enum_value *value = cl_enum_by_code(en, text);
	if (!value)
		return CL_E_UNKNOWN;
	*ret_value = value->value;
	return CL_OK;
}
