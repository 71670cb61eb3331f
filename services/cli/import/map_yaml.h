/* A map as it stands in its YAML file; keys that are not here are errors. */
#ifndef IMPORT_MAP_YAML_H
#define IMPORT_MAP_YAML_H

#include "import.h"

struct map_yaml_contact {
	char *channel, *name, *phone, *email, *subject, *text, *product, *received_by;
	char *category, *urgency, *importance, *customer_effect, *business_effect;
};

struct map_yaml_value {
	char *from, *to;
};

struct map_yaml_activity {
	char *activity, *transition, *act, *outcome, *after_close;
	char *text, *who, *priority, *department, *person;
};

struct map_yaml {
	char *source, *about;
	struct map_yaml_contact *contact;
	struct map_yaml_value *values;
	unsigned values_count;
	struct map_yaml_activity *activities;
	unsigned activities_count;
	struct map_yaml_activity *otherwise; /* key "default" */
};

/* Frees with map_yaml_free. Errors name key, line and column. */
CL_MUST_CHECK int map_yaml_load(const char *file, struct map_yaml **ret_yaml, struct import_error *ret_error);
void map_yaml_free(struct map_yaml *yaml);

#endif
