#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "text.h"
#include "uv/config_load.h"
#include "uv/sentence.h"

char *cl_load_copy(const char *text) {
	char *p = strdup(text);
	CL_ASSERT(p);
	return p;
}

char *cl_load_print(const char *format, ...) {
	char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int n = vasprintf(&text, format, arguments);
	va_end(arguments);
	CL_ASSERT(n >= 0);
	return text;
}

char *cl_load_absolute(const char *path, const char *folder) {
	char *p = path[0] == '/' ? cl_load_copy(path) : cl_load_print("%s/%s", folder, path);
	for (size_t n = strlen(p); n > 1 && p[n - 1] == '/'; n--)
		p[n - 1] = '\0';
	return p;
}

char *cl_load_here(void) {
	char *folder = getcwd(NULL, 0);
	return folder ? folder : cl_load_copy("/");
}

char *cl_load_folder_of(const char *path) {
	const char *slash = strrchr(path, '/');
	CL_ASSERT(slash);
	return slash == path ? cl_load_copy("/") : strndup(path, (size_t)(slash - path));
}

int cl_load_bad(const struct cl_load *load, const char *path, const char *value, const char *needs) {
	cl_sentence(load->error, CL_TEXT_SERVICE_CONFIG_VALUE, load->file.name,
	            load->file.text ? cl_yaml_line(&load->file, path) : 0, path, value, needs);
	return CL_E_INVALID;
}

int cl_load_number(const struct cl_load *load, const char *path, const char *value, uint32_t least, uint32_t most,
                   uint32_t *out) {
	uint64_t n;
	if (!value)
		return CL_OK;
	if (cl_str_u64(cl_str_from(value), &n) == CL_OK && n >= least && n <= most) {
		*out = (uint32_t)n;
		return CL_OK;
	}
	char *needs = cl_load_print("%u..%u", least, most);
	int r = cl_load_bad(load, path, value, needs);
	free(needs);
	return r;
}

/* choices: "vi | en" */
int cl_load_choice(const struct cl_load *load, const char *path, const char *value, const char *choices, char **out) {
	if (!value)
		return CL_OK;
	for (const char *p = choices; *p; p += strspn(p, " |")) {
		size_t n = strcspn(p, " ");
		if (strlen(value) == n && memcmp(value, p, n) == 0) {
			free(*out);
			*out = cl_load_copy(value);
			return CL_OK;
		}
		p += n;
	}
	return cl_load_bad(load, path, value, choices);
}

int cl_load_text(const struct cl_load *load, const char *path, const char *value, char **out) {
	if (!value)
		return CL_OK;
	if (!*value || !cl_utf8_valid(cl_str_from(value)))
		return cl_load_bad(load, path, value, "UTF-8, 1..4096 byte");
	free(*out);
	*out = cl_load_copy(value);
	return CL_OK;
}

int cl_load_path(const struct cl_load *load, const char *path, const char *value, char **out) {
	int r = cl_load_text(load, path, value, out);
	if (r < 0 || !value)
		return r;
	free(*out);
	*out = cl_load_absolute(value, load->folder);
	return CL_OK;
}
