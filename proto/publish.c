/* careloop-schema: writes the documents that are published from the rows, and golden files that do not exist yet. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "past.h"
#include "publish.h"

static int usage(void) {
	fputs("careloop-schema asyncapi      AsyncAPI 2.6 document of all events\n"
	      "careloop-schema typescript    types for the pages\n"
	      "careloop-schema fields        table of all messages and tags, Markdown\n"
	      "careloop-schema golden DIR    write the golden files that DIR lacks; none is ever changed\n"
	      "careloop-schema speed         measure the codec on this machine\n",
	      stderr);
	return 2;
}

static int print(void (*write)(struct cl_buf *out)) {
	struct cl_buf text;
	cl_buf_init(&text);
	write(&text);
	bool good = fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0;
	cl_buf_done(&text);
	if (!good)
		perror("careloop-schema");
	return good ? 0 : 1;
}

/* "x": an existing file stays as it is. */
static int write_missing(const char *folder, const struct cl_schema *schema, const char *name, unsigned version) {
	struct cl_buf path, text;
	int rc = 0;
	cl_buf_init(&path);
	cl_buf_init(&text);
	cl_buf_printf(&path, "%s/%s.v%u.hex%c", folder, name, version, '\0');
	FILE *file = fopen((const char *)path.p, "wx");
	if (file) {
		cl_publish_golden(schema, name, version, &text);
		bool good = fwrite(text.p, 1, text.n, file) == text.n;
		good = fclose(file) == 0 && good;
		rc = good ? 0 : 1;
		printf("%s\n", (const char *)path.p);
	} else if (errno != EEXIST) {
		rc = 1;
	}
	if (rc)
		perror((const char *)path.p);
	cl_buf_done(&text);
	cl_buf_done(&path);
	return rc;
}

static int golden(const char *folder) {
	const struct cl_past_shape *past;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < cl_schema_count(); i++)
		rc = write_missing(folder, cl_schema_at(i), cl_schema_at(i)->name, cl_schema_at(i)->version);
	for (size_t i = 0; rc == 0 && (past = cl_past_at(i)); i++)
		rc = write_missing(folder, past->shape, cl_schema_by_type(past->type)->name, past->last);
	return rc;
}

int main(int argc, char **argv) {
	if (cl_crypto_init() != 0)
		return 1;
	if (argc == 3 && strcmp(argv[1], "golden") == 0)
		return golden(argv[2]);
	if (argc != 2)
		return usage();
	if (strcmp(argv[1], "asyncapi") == 0)
		return print(cl_publish_asyncapi);
	if (strcmp(argv[1], "typescript") == 0)
		return print(cl_publish_typescript);
	if (strcmp(argv[1], "fields") == 0)
		return print(cl_publish_fields);
	if (strcmp(argv[1], "speed") == 0)
		return print(cl_publish_speed);
	return usage();
}
