#include "text.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/assert.h"

enum cl_lang cl_lang_from(const char *text) {
	return text && text[0] == 'e' && text[1] == 'n' ? CL_EN : CL_VI;
}

const char *cl_reject_name(uint32_t code) {
	switch (code) {
#define REJECT_NAME(name, number, vi, en)                                                                              \
	case (number):                                                                                                 \
		return #name;
		CL_REJECTS(REJECT_NAME)
#undef REJECT_NAME
	}
	return NULL;
}

const char *cl_reject_text(uint32_t code, enum cl_lang lang) {
	switch (code) {
#define REJECT_TEXT(name, number, vi, en)                                                                              \
	case (number):                                                                                                 \
		return lang == CL_EN ? (en) : (vi);
		CL_REJECTS(REJECT_TEXT)
#undef REJECT_TEXT
	}
	return lang == CL_EN ? "The request was refused." : "Yêu cầu bị từ chối.";
}

const char *cl_text(enum cl_text id, enum cl_lang lang) {
	static const struct {
		const char *vi, *en;
	} texts[] = {
#define TEXT_ROW(name, vi, en) {(vi), (en)},
	        CL_TEXTS(TEXT_ROW){"", ""}
#undef TEXT_ROW
	};
	return (unsigned)id < CL_TEXT_COUNT ? (lang == CL_EN ? texts[id].en : texts[id].vi) : "";
}

/* The formats are the catalogue's, and a test compares their conversions between the languages. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
struct cl_str cl_text_printf(struct cl_arena *arena, enum cl_text id, enum cl_lang lang, ...) {
	const char *format = cl_text(id, lang);
	va_list args;
	va_start(args, lang);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	CL_ASSERT(n >= 0);
	char *p = cl_arena_alloc(arena, (size_t)n + 1);
	va_start(args, lang);
	CL_ASSERT(vsnprintf(p, (size_t)n + 1, format, args) == n);
	va_end(args);
	return (struct cl_str){p, (uint32_t)n};
}
#pragma GCC diagnostic pop
