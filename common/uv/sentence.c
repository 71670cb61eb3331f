#include "uv/sentence.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

/* Formats come from the catalogue, whose rows a test compares; not from outside. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static char *filled(enum cl_text id, enum cl_lang lang, va_list arguments) {
	char *text = NULL;
	int n = vasprintf(&text, cl_text(id, lang), arguments);
	CL_ASSERT(n >= 0);
	return text;
}
#pragma GCC diagnostic pop

void cl_sentence(char **ret_sentence, enum cl_text id, ...) {
	if (!ret_sentence)
		return;
	va_list vi_arguments, en_arguments;
	va_start(vi_arguments, id);
	va_copy(en_arguments, vi_arguments);
	char *vi = filled(id, CL_VI, vi_arguments);
	char *en = filled(id, CL_EN, en_arguments);
	va_end(en_arguments);
	va_end(vi_arguments);
	int n = asprintf(ret_sentence, "%s\n%s", vi, en);
	CL_ASSERT(n >= 0);
	free(vi);
	free(en);
}
