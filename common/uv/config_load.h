/* How the parts of the configuration's loading share one file being taken over. */
#ifndef CL_UV_CONFIG_LOAD_H
#define CL_UV_CONFIG_LOAD_H

#include "uv/config.h"
#include "uv/config_yaml.h"

struct cl_load {
	struct cl_config *config;
	struct cl_yaml_file file; /* yaml NULL: defaults only */
	char *folder;             /* of the file: relative paths start here */
	char **error;
};

/* Texts are the caller's to free. */
char *cl_load_copy(const char *text);
char *cl_load_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *cl_load_absolute(const char *path, const char *folder);
char *cl_load_here(void);
char *cl_load_folder_of(const char *path);

/* INVALID, with a sentence that names the key, its line, its value and what it needs. */
int cl_load_bad(const struct cl_load *load, const char *path, const char *value, const char *needs);
/* Each takes a value over into *out, or leaves *out alone when value is NULL. */
CL_MUST_CHECK int cl_load_number(const struct cl_load *load, const char *path, const char *value, uint32_t least,
                                 uint32_t most, uint32_t *out);
CL_MUST_CHECK int cl_load_choice(const struct cl_load *load, const char *path, const char *value, const char *choices,
                                 char **out); /* choices: "vi | en" */
CL_MUST_CHECK int cl_load_text(const struct cl_load *load, const char *path, const char *value, char **out);
CL_MUST_CHECK int cl_load_path(const struct cl_load *load, const char *path, const char *value, char **out);

/* Partition counts and addresses of all services; then the key run. */
CL_MUST_CHECK int cl_load_services(struct cl_load *load);
CL_MUST_CHECK int cl_load_run(const struct cl_load *load);

#endif
