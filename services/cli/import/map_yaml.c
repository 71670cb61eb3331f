#include "map_yaml.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "import_int.h"

#define MAP_BYTES_MAX ((size_t)1 << 20)
#define MAP_ITEMS_MAX 10000
#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT(structure, field) CYAML_FIELD_STRING_PTR(#field, OPTIONAL, struct structure, field, 0, CYAML_UNLIMITED)
#define NEEDED(structure, field)                                                                                       \
	CYAML_FIELD_STRING_PTR(#field, CYAML_FLAG_POINTER, struct structure, field, 1, CYAML_UNLIMITED)

static const cyaml_schema_field_t contact_fields[] = {
        TEXT(map_yaml_contact, channel),         TEXT(map_yaml_contact, name),
        TEXT(map_yaml_contact, phone),           TEXT(map_yaml_contact, email),
        TEXT(map_yaml_contact, subject),         TEXT(map_yaml_contact, text),
        TEXT(map_yaml_contact, product),         TEXT(map_yaml_contact, received_by),
        TEXT(map_yaml_contact, category),        TEXT(map_yaml_contact, urgency),
        TEXT(map_yaml_contact, importance),      TEXT(map_yaml_contact, customer_effect),
        TEXT(map_yaml_contact, business_effect), CYAML_FIELD_END};

static const cyaml_schema_field_t value_fields[] = {NEEDED(map_yaml_value, from), NEEDED(map_yaml_value, to),
                                                    CYAML_FIELD_END};
static const cyaml_schema_value_t value_schema = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct map_yaml_value, value_fields)};

static const cyaml_schema_field_t activity_fields[] = {TEXT(map_yaml_activity, activity),
                                                       TEXT(map_yaml_activity, transition),
                                                       NEEDED(map_yaml_activity, act),
                                                       TEXT(map_yaml_activity, outcome),
                                                       TEXT(map_yaml_activity, text),
                                                       TEXT(map_yaml_activity, who),
                                                       TEXT(map_yaml_activity, priority),
                                                       TEXT(map_yaml_activity, department),
                                                       TEXT(map_yaml_activity, person),
                                                       TEXT(map_yaml_activity, after_close),
                                                       CYAML_FIELD_END};
static const cyaml_schema_value_t activity_schema = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct map_yaml_activity, activity_fields)};

static const cyaml_schema_field_t map_fields[] = {
        NEEDED(map_yaml, source),
        TEXT(map_yaml, about),
        CYAML_FIELD_MAPPING_PTR("contact", OPTIONAL, struct map_yaml, contact, contact_fields),
        CYAML_FIELD_SEQUENCE("values", OPTIONAL, struct map_yaml, values, &value_schema, 0, MAP_ITEMS_MAX),
        CYAML_FIELD_SEQUENCE("activities", CYAML_FLAG_POINTER, struct map_yaml, activities, &activity_schema, 1,
                             MAP_ITEMS_MAX),
        CYAML_FIELD_MAPPING_PTR("default", OPTIONAL, struct map_yaml, otherwise, activity_fields),
        CYAML_FIELD_END};
static const cyaml_schema_value_t map_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct map_yaml, map_fields)};

/* libcyaml tells what is wrong only in its log: first the fault, then a backtrace from the innermost place outwards. */
struct fault {
	struct cl_buf said;
	char *place; /* "in mapping field 'act' (line: 12, column: 5)" of the innermost place */
};

__attribute__((format(printf, 3, 0))) static void listen(cyaml_log_t level, void *context, const char *format,
                                                         va_list arguments) {
	struct fault *fault = context;
	char *line = NULL;
	if (level < CYAML_LOG_ERROR || vasprintf(&line, format, arguments) < 0)
		return;
	struct cl_str text = cl_str_trim(cl_str_from(line));
	if (cl_str_starts(text, CL_STR("Load: "))) {
		text.p += 6;
		text.n -= 6;
	}
	if (memmem(text.p, text.n, "(line:", 6)) {
		if (!fault->place)
			fault->place = strndup(text.p, text.n);
	} else if (!cl_str_starts(text, CL_STR("Backtrace"))) {
		if (fault->said.n)
			cl_buf_puts(&fault->said, "; ");
		cl_buf_str(&fault->said, text);
	}
	free(line);
}

static int explain(const char *file, struct fault *fault, cyaml_err_t err, struct import_error *error) {
	static const char unknown[] = "Unexpected key: ", missing[] = "Missing required mapping field: ";
	const char *place = fault->place ? fault->place : "";
	cl_buf_putc(&fault->said, '\0');
	const char *said = (const char *)fault->said.p;
	if (strncmp(said, unknown, sizeof(unknown) - 1) == 0)
		return import_fail(error, CL_E_UNKNOWN, CL_TEXT_CLI_MAP_KEY, file, said + sizeof(unknown) - 1, place,
		                   NULL);
	if (strncmp(said, missing, sizeof(missing) - 1) == 0)
		return import_fail(error, CL_E_INVALID, CL_TEXT_CLI_MAP_MISSING, file, said + sizeof(missing) - 1,
		                   place, NULL);
	return import_fail(error, CL_E_MALFORMED, CL_TEXT_CLI_MAP_YAML, file, *said ? said : cyaml_strerror(err), place,
	                   NULL);
}

static int read_whole(const char *file, struct cl_buf *out, struct import_error *error) {
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return import_fail(error, errno == ENOENT ? CL_E_NOTFOUND : CL_E_IO, CL_TEXT_CLI_IMPORT_OPEN, file,
		                   strerror(errno), NULL);
	ssize_t n;
	do {
		n = read(fd, cl_buf_reserve(out, 65536), 65536);
		if (n > 0)
			out->n += (size_t)n;
	} while ((n > 0 && out->n <= MAP_BYTES_MAX) || (n < 0 && errno == EINTR));
	int rc = CL_OK;
	if (n < 0)
		rc = import_fail(error, CL_E_IO, CL_TEXT_CLI_IMPORT_OPEN, file, strerror(errno), NULL);
	else if (out->n > MAP_BYTES_MAX)
		rc = import_fail(error, CL_E_TOOBIG, CL_TEXT_CLI_MAP_BIG, file, NULL);
	close(fd);
	return rc;
}

static cyaml_config_t config_for(struct fault *fault) {
	return (cyaml_config_t){.log_fn = listen,
	                        .log_ctx = fault,
	                        .log_level = CYAML_LOG_ERROR,
	                        .mem_fn = cyaml_mem,
	                        .flags = CYAML_CFG_NO_ALIAS};
}

int map_yaml_load(const char *file, struct map_yaml **ret_yaml, struct import_error *ret_error) {
	struct cl_buf text;
	cl_buf_init(&text);
	int rc = read_whole(file, &text, ret_error);
	if (rc == CL_OK) {
		struct fault fault = {0};
		cl_buf_init(&fault.said);
		cyaml_config_t config = config_for(&fault);
		struct map_yaml *yaml = NULL;
		cyaml_err_t err =
		        cyaml_load_data(text.p, text.n, &config, &map_schema, (cyaml_data_t **)(void *)&yaml, NULL);
		if (err == CYAML_OK && !yaml) /* an empty document loads as nothing */
			rc = import_fail(ret_error, CL_E_INVALID, CL_TEXT_CLI_MAP_MISSING, file, "source", "line: 1",
			                 NULL);
		else if (err != CYAML_OK)
			rc = explain(file, &fault, err, ret_error);
		else
			*ret_yaml = yaml;
		cl_buf_done(&fault.said);
		free(fault.place);
	}
	cl_buf_done(&text);
	return rc;
}

void map_yaml_free(struct map_yaml *yaml) {
	struct fault fault = {0};
	cyaml_config_t config = config_for(&fault);
	if (yaml)
		cyaml_free(&config, &map_schema, yaml, 0);
	cl_buf_done(&fault.said);
	free(fault.place);
}
