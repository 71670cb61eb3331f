/* Problem documents: RFC 9457. The sentences are the catalogue's. */
#ifndef GATEWAY_PROBLEM_H
#define GATEWAY_PROBLEM_H

#include "base/buf.h"
#include "text.h"

/* P(NAME, status) with the title GATEWAY_P_NAME */
#define GATEWAY_PROBLEMS(P)                                                                                            \
	P(MALFORMED_JSON, 400)                                                                                         \
	P(BAD_PARAMETER, 400)                                                                                          \
	P(BAD_HEADER, 400)                                                                                             \
	P(UNAUTHORIZED, 401)                                                                                           \
	P(FORBIDDEN, 403)                                                                                              \
	P(NOT_FOUND, 404)                                                                                              \
	P(METHOD_NOT_ALLOWED, 405)                                                                                     \
	P(REFUSED, 409)                                                                                                \
	P(LENGTH_REQUIRED, 411)                                                                                        \
	P(TOO_LARGE, 413)                                                                                              \
	P(MEDIA_TYPE, 415)                                                                                             \
	P(FIELDS, 422)                                                                                                 \
	P(TOO_MANY, 429)                                                                                               \
	P(INTERNAL, 500)                                                                                               \
	P(BUSY, 503)                                                                                                   \
	P(NO_ANSWER, 504)

enum gateway_problem {
#define GATEWAY_PROBLEM_ENUM(name, status) GATEWAY_##name,
	GATEWAY_PROBLEMS(GATEWAY_PROBLEM_ENUM)
#undef GATEWAY_PROBLEM_ENUM
	        GATEWAY_PROBLEM_COUNT
};

int gateway_problem_status(enum gateway_problem problem);
const char *gateway_problem_code(enum gateway_problem problem);

struct gateway_trouble {
	enum gateway_problem problem;
	enum cl_lang lang;
	const char *code;                  /* NULL: the problem's own; else the reject's name */
	struct cl_str detail;              /* empty: the title says all */
	struct cl_str field, field_detail; /* field empty: none */
};
void gateway_problem_write(const struct gateway_trouble *trouble, struct cl_buf *out);

/* Vietnamese unless English is wanted more (RFC 9110, 12.5.4); wildcard counts for both. */
enum cl_lang gateway_language(struct cl_str accept_language);

#endif
