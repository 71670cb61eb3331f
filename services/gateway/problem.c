#include "problem.h"

#include <strings.h>

#include "codec.h"

static const struct {
	const char *code;
	int status;
	enum cl_text title;
} problems[GATEWAY_PROBLEM_COUNT] = {
#define PROBLEM(name, status) {#name, status, CL_TEXT_GATEWAY_P_##name},
        GATEWAY_PROBLEMS(PROBLEM)
#undef PROBLEM
};

int gateway_problem_status(enum gateway_problem problem) {
	return problems[problem].status;
}

const char *gateway_problem_code(enum gateway_problem problem) {
	return problems[problem].code;
}

void gateway_problem_write(const struct gateway_trouble *trouble, struct cl_buf *out) {
	const char *code = trouble->code ? trouble->code : problems[trouble->problem].code;
	struct cl_str title = cl_str_from(cl_text(problems[trouble->problem].title, trouble->lang));
	cl_buf_puts(out, "{\"type\":\"urn:careloop:problem:");
	for (const char *p = code; *p; p++)
		cl_buf_putc(out, *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p == '_' ? '-' : *p);
	cl_buf_puts(out, "\",\"title\":");
	cl_json_string(out, title);
	cl_buf_printf(out, ",\"status\":%d,\"detail\":", problems[trouble->problem].status);
	cl_json_string(out, trouble->detail.n ? trouble->detail : title);
	cl_buf_printf(out, ",\"code\":\"%s\"", code);
	if (trouble->field.n) {
		cl_buf_puts(out, ",\"errors\":[{\"field\":");
		cl_json_string(out, trouble->field);
		cl_buf_puts(out, ",\"detail\":");
		cl_json_string(out, trouble->field_detail.n ? trouble->field_detail : trouble->detail);
		cl_buf_puts(out, "}]");
	}
	cl_buf_putc(out, '}');
}

/* Thousandths of "q=0.8"; 1000 when there is none, 0 when it is not a weight. */
static unsigned weight_of(struct cl_str part) {
	const char *at = memchr(part.p, ';', part.n);
	if (!at)
		return 1000;
	struct cl_str q = cl_str_trim((struct cl_str){at + 1, (uint32_t)(part.p + part.n - at - 1)});
	if (q.n < 3 || strncasecmp(q.p, "q=", 2) != 0 || (q.p[2] != '0' && q.p[2] != '1'))
		return 0;
	unsigned weight = q.p[2] == '1' ? 1000 : 0, unit = 100;
	for (uint32_t i = 4; i < q.n && i < 7 && q.p[3] == '.'; i++, unit /= 10)
		weight += q.p[i] >= '0' && q.p[i] <= '9' ? (unsigned)(q.p[i] - '0') * unit : 0;
	return weight > 1000 ? 1000 : weight;
}

static bool is_language(struct cl_str part, const char *tag) {
	return part.n >= 2 && strncasecmp(part.p, tag, 2) == 0 && (part.n == 2 || strchr("-; \t", part.p[2]));
}

enum cl_lang gateway_language(struct cl_str accept_language) {
	unsigned vi = 0, en = 0;
	const char *p = accept_language.p, *end = p ? p + accept_language.n : NULL;
	while (p && p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;
		struct cl_str part = cl_str_trim((struct cl_str){p, (uint32_t)(stop - p)});
		p = stop + 1;
		if (part.n == 0)
			continue;
		unsigned weight = weight_of(part);
		if (is_language(part, "vi") && weight > vi)
			vi = weight;
		else if (is_language(part, "en") && weight > en)
			en = weight;
	}
	return en > vi ? CL_EN : CL_VI;
}
