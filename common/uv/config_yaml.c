#include "uv/config_yaml.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "uv/file.h"
#include "uv/sentence.h"

#define FILE_MAX 1048576
#define TEXT_MAX 4096
#define OPTIONAL (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)

static const cyaml_schema_value_t address_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, TEXT_MAX)};

static const cyaml_schema_field_t service_fields[] = {
        CYAML_FIELD_STRING_PTR("partitions", OPTIONAL, struct cl_yaml_service, partitions, 0, TEXT_MAX),
        CYAML_FIELD_SEQUENCE("addresses", OPTIONAL, struct cl_yaml_service, addresses, &address_schema, 0, 1024),
        CYAML_FIELD_END};

#define SERVICE(key) CYAML_FIELD_MAPPING_PTR(#key, OPTIONAL, struct cl_yaml_services, key, service_fields)
static const cyaml_schema_field_t services_fields[] = {SERVICE(intake),  SERVICE(routing),   SERVICE(order),
                                                       SERVICE(support), SERVICE(reporting), CYAML_FIELD_END};

#define SCALAR(key) CYAML_FIELD_STRING_PTR(#key, OPTIONAL, struct cl_yaml, key, 0, TEXT_MAX),
static const cyaml_schema_field_t top_fields[] = {
        CL_YAML_SCALARS(SCALAR)
                CYAML_FIELD_MAPPING_PTR("services", OPTIONAL, struct cl_yaml, services, services_fields),
        CYAML_FIELD_END};

static const cyaml_schema_value_t top_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct cl_yaml, top_fields)};

/* -- what libcyaml has to say -- */

/* cyaml_log_fn_t; the format is libcyaml's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void collect(cyaml_log_t level, void *context, const char *format, va_list arguments) {
	(void)level;
	struct cl_buf *out = context;
	char *text = NULL;
	int n = vasprintf(&text, format, arguments);
	CL_ASSERT(n >= 0);
	cl_buf_puts(out, text);
	free(text);
}
#pragma GCC diagnostic pop

static const cyaml_config_t quiet = {.mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};

static unsigned number_behind(const char *text, const char *label) {
	const char *at = strstr(text, label);
	return at ? (unsigned)strtoul(at + strlen(label), NULL, 10) : 0;
}

/* First line of what libcyaml said, without its "Load: ". */
static struct cl_str first_line(const char *text) {
	static const char prefix[] = "Load: ";
	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		text += sizeof(prefix) - 1;
	return (struct cl_str){text, (uint32_t)strcspn(text, "\n")};
}

static void explain(const struct cl_yaml_file *file, cyaml_err_t error, const char *said, char **ret_error) {
	static const char unexpected[] = "Unexpected key: ";
	struct cl_str line = first_line(said);
	char *text = strndup(line.n ? line.p : cyaml_strerror(error), line.n ? line.n : strlen(cyaml_strerror(error)));
	CL_ASSERT(text);
	if (error == CYAML_ERR_INVALID_KEY && strncmp(text, unexpected, sizeof(unexpected) - 1) == 0) {
		const char *key = text + sizeof(unexpected) - 1;
		cl_sentence(ret_error, CL_TEXT_SERVICE_CONFIG_KEY, file->name, cl_yaml_line(file, key), key);
	} else {
		cl_sentence(ret_error, CL_TEXT_SERVICE_CONFIG_SYNTAX, file->name, number_behind(said, "(line: "), text);
	}
	free(text);
}

int cl_yaml_load(const char *name, struct cl_yaml_file *ret_file, char **ret_error) {
	struct cl_yaml_file file = {.name = name};
	size_t n = 0;
	int r = cl_file_read(name, FILE_MAX, &file.text, &n);
	if (r == CL_E_NOTFOUND)
		return r;
	if (r < 0) {
		cl_sentence(ret_error, CL_TEXT_SERVICE_CONFIG_READ, name, cl_error_text(r));
		return CL_E_INVALID;
	}
	struct cl_buf said;
	cl_buf_init(&said);
	cyaml_config_t config = quiet;
	config.log_fn = collect;
	config.log_ctx = &said;
	cyaml_err_t error =
	        cyaml_load_data((const uint8_t *)file.text, n, &config, &top_schema, (cyaml_data_t **)&file.yaml, NULL);
	cl_buf_putc(&said, '\0');
	if (error != CYAML_OK) {
		explain(&file, error, (const char *)said.p, ret_error);
		cl_yaml_done(&file);
	}
	cl_buf_done(&said);
	if (error != CYAML_OK)
		return CL_E_INVALID;
	*ret_file = file;
	return CL_OK;
}

void cl_yaml_done(struct cl_yaml_file *file) {
	if (file->yaml) {
		cyaml_err_t error = cyaml_free(&quiet, &top_schema, file->yaml, 0);
		CL_ASSERT(error == CYAML_OK);
	}
	free(file->text);
	*file = (struct cl_yaml_file){0};
}

/* -- line numbers -- */

/* Whether the line begins with the key and a colon, behind blanks. */
static bool line_is(const char *line, const char *key, size_t n) {
	line += strspn(line, " \t");
	if (strncmp(line, key, n) != 0)
		return false;
	line += n;
	line += strspn(line, " \t");
	return *line == ':';
}

unsigned cl_yaml_line(const struct cl_yaml_file *file, const char *path) {
	unsigned number = 1;
	const char *line = file->text;
	while (line && *path) {
		size_t n = strcspn(path, ".");
		while (line && !line_is(line, path, n)) {
			line = strchr(line, '\n');
			line = line ? line + 1 : NULL;
			number++;
		}
		path += n;
		path += *path == '.';
	}
	return line ? number : 0;
}

/* -- facts -- */

#define COUNT(key) CYAML_FIELD_UINT(#key, CYAML_FLAG_DEFAULT, struct cl_yaml_counts, key)
static const cyaml_schema_field_t count_fields[] = {COUNT(intake),  COUNT(routing),   COUNT(order),
                                                    COUNT(support), COUNT(reporting), CYAML_FIELD_END};
static const cyaml_schema_field_t fact_fields[] = {
        CYAML_FIELD_UINT("format", CYAML_FLAG_DEFAULT, struct cl_yaml_facts, format),
        CYAML_FIELD_MAPPING("partitions", CYAML_FLAG_DEFAULT, struct cl_yaml_facts, partitions, count_fields),
        CYAML_FIELD_END};
static const cyaml_schema_value_t facts_schema = {
        CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct cl_yaml_facts, fact_fields)};

int cl_yaml_facts(const char *name, struct cl_yaml_facts *ret_facts) {
	char *text = NULL;
	size_t n = 0;
	int r = cl_file_read(name, FILE_MAX, &text, &n);
	if (r < 0)
		return r;
	struct cl_yaml_facts *facts = NULL;
	cyaml_err_t error =
	        cyaml_load_data((const uint8_t *)text, n, &quiet, &facts_schema, (cyaml_data_t **)&facts, NULL);
	free(text);
	if (error != CYAML_OK || !facts)
		return CL_E_MALFORMED;
	*ret_facts = *facts;
	error = cyaml_free(&quiet, &facts_schema, facts, 0);
	CL_ASSERT(error == CYAML_OK);
	return CL_OK;
}
