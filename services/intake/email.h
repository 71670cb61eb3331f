/* Email addresses brought to one form. */
#ifndef INTAKE_EMAIL_H
#define INTAKE_EMAIL_H

#include "base/arena.h"

/* The address trimmed and in lower case, in the arena; false when it is no address. The empty text is none. */
bool intake_email_normalise(struct cl_str text, struct cl_arena *arena, struct cl_str *ret_email);

#endif
