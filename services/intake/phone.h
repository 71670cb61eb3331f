/* Phone numbers as people write them, brought to one form: E.164. */
#ifndef INTAKE_PHONE_H
#define INTAKE_PHONE_H

#include "base/str.h"

#define INTAKE_PHONE_BYTES 17 /* '+', 15 digits (ITU-T E.164, 6.1), NUL */

/* Writes "+84912345678" to out (NUL-terminated) and returns true, or returns false when the text is no single phone
 * number that a customer could own (garbage, two numbers, an extension, a short code): such text identifies nobody. */
bool intake_phone_normalise(struct cl_str text, char out[INTAKE_PHONE_BYTES]);

#endif
