#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "import_int.h"

void import_error_done(struct import_error *error) {
	free(error->text[0]);
	free(error->text[1]);
	*error = (struct import_error){0};
}

/* The texts hold only %s: filling them here spares printf formats that the compiler cannot check. */
static void fill(struct cl_buf *out, const char *format, va_list fills) {
	for (const char *p = format; *p; p++) {
		if (p[0] == '%' && p[1] == 's') {
			const char *text = va_arg(fills, const char *);
			cl_buf_puts(out, text ? text : "");
			p++;
		} else {
			cl_buf_putc(out, *p);
		}
	}
}

static void fill_args(struct cl_buf *out, const char *format, ...) {
	va_list fills;
	va_start(fills, format);
	fill(out, format, fills);
	va_end(fills);
}

static void place(struct cl_buf *out, enum cl_lang lang, const char *file, uint64_t line, uint64_t byte) {
	char numbers[2][24];
	snprintf(numbers[0], sizeof(numbers[0]), "%llu", (unsigned long long)line);
	snprintf(numbers[1], sizeof(numbers[1]), "%llu", (unsigned long long)byte);
	if (line)
		fill_args(out, cl_text(CL_TEXT_CLI_IMPORT_AT, lang), file, numbers[0], numbers[1]);
	else
		fill_args(out, cl_text(CL_TEXT_CLI_IMPORT_AT_BYTE, lang), file, numbers[1]);
}

static char *taken(struct cl_buf *buf) {
	cl_buf_putc(buf, '\0');
	return (char *)buf->p;
}

int import_fail(struct import_error *error, int code, enum cl_text text, ...) {
	import_error_done(error);
	error->code = code;
	for (enum cl_lang lang = CL_VI; lang <= CL_EN; lang++) {
		struct cl_buf out;
		va_list fills;
		cl_buf_init(&out);
		va_start(fills, text);
		fill(&out, cl_text(text, lang), fills);
		va_end(fills);
		error->text[lang] = taken(&out);
	}
	return code;
}

int import_fail_at(struct import_error *error, int code, const char *file, uint64_t line, uint64_t byte,
                   enum cl_text text, ...) {
	import_error_done(error);
	error->code = code;
	error->line = line;
	error->byte = byte;
	for (enum cl_lang lang = CL_VI; lang <= CL_EN; lang++) {
		struct cl_buf out;
		va_list fills;
		cl_buf_init(&out);
		place(&out, lang, file, line, byte);
		va_start(fills, text);
		fill(&out, cl_text(text, lang), fills);
		va_end(fills);
		error->text[lang] = taken(&out);
	}
	return code;
}

int import_fail_field(struct import_error *error, int code, const char *file, uint64_t line, uint64_t byte,
                      struct cl_str vi, struct cl_str en) {
	import_error_done(error);
	error->code = code;
	error->line = line;
	error->byte = byte;
	for (enum cl_lang lang = CL_VI; lang <= CL_EN; lang++) {
		struct cl_buf out;
		cl_buf_init(&out);
		place(&out, lang, file, line, byte);
		cl_buf_str(&out, lang == CL_VI ? vi : en);
		error->text[lang] = taken(&out);
	}
	return code;
}
