/* The catalogue of everything people read: one row per sentence, Vietnamese and English.
 * Reject codes (why the domain refuses) are rows R(NAME, code, vi, en) in defs/reject.def, other texts T(NAME, vi, en)
 * in defs/text_AREA.def. Sentences may hold printf conversions; both languages hold the same ones in the same order. */
#ifndef CL_PROTO_TEXT_H
#define CL_PROTO_TEXT_H

#include <stdint.h>

#include "base/arena.h"

#include "defs/reject.def"
#include "defs/text_cli.def"
#include "defs/text_field.def"
#include "defs/text_gateway.def"
#include "defs/text_service.def"
#include "defs/text_support.def"

enum cl_reject {
	CL_R_NONE = 0,
#define CL_REJECT_ENUM(name, code, vi, en) CL_R_##name = (code),
	CL_REJECTS(CL_REJECT_ENUM)
#undef CL_REJECT_ENUM
};

/* All areas; a new one is named here and nowhere else. */
#define CL_TEXTS(T) CL_TEXTS_cli(T) CL_TEXTS_field(T) CL_TEXTS_gateway(T) CL_TEXTS_service(T) CL_TEXTS_support(T)

enum cl_text {
#define CL_TEXT_ENUM(name, vi, en) CL_TEXT_##name,
	CL_TEXTS(CL_TEXT_ENUM)
#undef CL_TEXT_ENUM
	CL_TEXT_COUNT
};

enum cl_lang { CL_VI, CL_EN };
enum cl_lang cl_lang_from(const char *text); /* "en…" → CL_EN, all else CL_VI */

const char *cl_reject_name(uint32_t code);                     /* "ALREADY_CLOSED"; NULL if unknown */
const char *cl_reject_text(uint32_t code, enum cl_lang lang);  /* a whole sentence; never NULL */
const char *cl_text(enum cl_text id, enum cl_lang lang);       /* never NULL */
/* The sentence with its conversions filled in. The arguments must be of the row's types, which no compiler checks here. */
struct cl_str cl_text_printf(struct cl_arena *arena, enum cl_text id, enum cl_lang lang, ...);

#endif
