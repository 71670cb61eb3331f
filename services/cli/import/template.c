#include "import_int.h"

static int key_index(struct import_keys *keys, struct cl_str key, struct cl_arena *arena, uint32_t *ret_index) {
	for (uint32_t i = 0; i < keys->n; i++) {
		if (cl_str_eq(keys->v[i], key)) {
			*ret_index = i;
			return CL_OK;
		}
	}
	if (key.n == 0 || keys->n == IMPORT_KEYS_MAX)
		return CL_E_INVALID;
	*ret_index = keys->n;
	keys->v[keys->n++] = cl_arena_str(arena, key);
	return CL_OK;
}

static struct cl_str cut(const char *from, const char *to) {
	return (struct cl_str){from, (uint32_t)(to - from)};
}

/* What stands between the braces: [trace/|first/]KEY[|what stands for a missing value] */
static int parse_part(struct cl_str inside, struct import_keys *keys, struct cl_arena *arena,
                      struct import_part *ret_part) {
	struct import_part part = {.scope = IMPORT_HERE};
	struct cl_str key = inside;
	const char *bar = inside.n ? memchr(inside.p, '|', inside.n) : NULL;
	if (bar) {
		key = cut(inside.p, bar);
		part.text = cut(bar + 1, inside.p + inside.n);
	}
	if (cl_str_starts(key, CL_STR("trace/")) || cl_str_starts(key, CL_STR("first/"))) {
		part.scope = key.p[0] == 't' ? IMPORT_TRACE : IMPORT_FIRST;
		key = cut(key.p + 6, key.p + key.n);
	}
	int rc = key_index(keys, key, arena, &part.key);
	if (rc == CL_OK)
		*ret_part = part;
	return rc;
}

int import_template_parse(const char *text, struct import_keys *keys, struct cl_arena *arena,
                          struct import_template *ret_template) {
	*ret_template = (struct import_template){0};
	if (!text || !*text)
		return CL_OK;
	size_t most = 1;
	for (const char *p = text; *p; p++)
		most += *p == '{' || *p == '}' ? 2 : 0;
	struct import_part *parts = cl_arena_array(arena, struct import_part, most);
	uint32_t n = 0;
	const char *p = text;
	while (*p) {
		if (p[0] == '{' && p[1] != '{') {
			const char *end = strchr(p, '}');
			if (!end || parse_part(cut(p + 1, end), keys, arena, &parts[n]) != CL_OK)
				return CL_E_INVALID;
			n++;
			p = end + 1;
			continue;
		}
		if (*p == '}' && p[1] != '}')
			return CL_E_INVALID;
		/* Literal text; a doubled brace stands for one. */
		const char *from = p++;
		if (*from == '{' || *from == '}')
			from = p++;
		while (*p && *p != '{' && *p != '}')
			p++;
		parts[n++] = (struct import_part){.scope = IMPORT_LITERAL, .text = cut(from, p)};
	}
	*ret_template = (struct import_template){parts, n};
	return CL_OK;
}

static struct cl_str part_text(const struct import_part *part, const struct import_scopes *scopes) {
	const struct import_values *values = NULL;
	switch (part->scope) {
	case IMPORT_LITERAL:
		return part->text;
	case IMPORT_HERE:
		values = scopes->here;
		break;
	case IMPORT_TRACE:
		values = scopes->trace;
		break;
	case IMPORT_FIRST:
		values = scopes->first;
		break;
	}
	return values && values->v[part->key].n ? values->v[part->key] : part->text;
}

struct cl_str import_render(const struct import_template *t, const struct import_scopes *scopes, bool one_line,
                            struct cl_arena *arena) {
	if (t->n == 0)
		return (struct cl_str){0};
	if (t->n == 1 && t->parts[0].scope == IMPORT_LITERAL)
		return t->parts[0].text;
	size_t n = 0;
	for (uint32_t i = 0; i < t->n; i++)
		n += part_text(&t->parts[i], scopes).n;
	if (n == 0)
		return (struct cl_str){0};
	char *out = cl_arena_alloc(arena, n);
	size_t at = 0;
	for (uint32_t i = 0; i < t->n; i++) {
		struct cl_str text = part_text(&t->parts[i], scopes);
		if (text.n)
			memcpy(out + at, text.p, text.n);
		at += text.n;
	}
	if (one_line) {
		for (size_t i = 0; i < n; i++) {
			if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
				out[i] = ' ';
		}
	}
	return cl_str_trim((struct cl_str){out, (uint32_t)n});
}
