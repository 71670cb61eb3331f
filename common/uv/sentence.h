/* Sentences of the catalogue with their values, in Vietnamese and English, one under the other: for errors that appear
 * before, or without, a chosen language. */
#ifndef CL_UV_SENTENCE_H
#define CL_UV_SENTENCE_H

#include "text.h"

/* Both languages, two lines without a final line break; *ret_sentence is the caller's to free. Replaces nothing when
 * ret_sentence is NULL. */
void cl_sentence(char **ret_sentence, enum cl_text id, ...);

#endif
