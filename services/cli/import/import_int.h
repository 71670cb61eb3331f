/* Inside the import library. */
#ifndef IMPORT_IMPORT_INT_H
#define IMPORT_IMPORT_INT_H

#include "base/arena.h"
#include "base/buf.h"
#include "import.h"

/* -- error.c -- */
/* Sets code and sentence: the catalogue's text with its %s filled in turn (NULL ends them). Returns code. */
int import_fail(struct import_error *error, int code, enum cl_text text, ...);
/* The same with "FILE, line, byte: " in front. */
int import_fail_at(struct import_error *error, int code, const char *file, uint64_t line, uint64_t byte,
                   enum cl_text text, ...);
/* Both languages given. */
int import_fail_field(struct import_error *error, int code, const char *file, uint64_t line, uint64_t byte,
                      struct cl_str vi, struct cl_str en);

/* -- source.c: the bytes of a file, unpacked if it is gzip (RFC 1952, members one after another too) -- */
struct import_source;
CL_MUST_CHECK int import_source_open(const char *file, struct import_source **ret_source,
                                     struct import_error *ret_error);
void import_source_close(struct import_source *source);
/* Up to cap bytes; 0 = end. */
CL_MUST_CHECK int import_source_read(struct import_source *source, void *p, size_t cap, size_t *ret_n,
                                     struct import_error *ret_error);
void import_source_progress(const struct import_source *source, uint64_t *ret_read, uint64_t *ret_total);

/* -- template.c: "Phiếu {concept:name|không tên}" -- */
#define IMPORT_KEYS_MAX 64
enum import_scope { IMPORT_LITERAL, IMPORT_HERE, IMPORT_TRACE, IMPORT_FIRST };

struct import_part {
	enum import_scope scope;
	uint32_t key;       /* index into the map's keys */
	struct cl_str text; /* the literal, or what stands for a missing value */
};

struct import_template {
	const struct import_part *parts;
	uint32_t n;
};

struct import_keys {
	struct cl_str v[IMPORT_KEYS_MAX];
	uint32_t n;
};

/* Values of the keys that the map wants, by index. */
struct import_values {
	struct cl_str v[IMPORT_KEYS_MAX];
};

struct import_scopes {
	const struct import_values *here, *trace, *first; /* first may be NULL: all missing */
};

/* Takes text apart; NULL text gives the empty template. INVALID: unbalanced brace or too many keys. Views into text. */
CL_MUST_CHECK int import_template_parse(const char *text, struct import_keys *keys, struct cl_arena *arena,
                                        struct import_template *ret_template);
/* One line has no line breaks and tabs: they become blanks. The result lies in the arena or the map. */
struct cl_str import_render(const struct import_template *t, const struct import_scopes *scopes, bool one_line,
                            struct cl_arena *arena);

/* -- map.c -- */
enum { IMPORT_KEY_NAME, IMPORT_KEY_TIME, IMPORT_KEY_TRANSITION, IMPORT_KEYS_OWN };

struct import_rule {
	struct cl_str activity, transition; /* transition empty: any; activity empty: the default */
	struct cl_str label;                /* as rows name it: "Accepted/In Progress" */
	enum case_act act, after_close;     /* after_close unset: the same */
	enum close_outcome outcome;
	struct import_template text, who, priority, department, person;
};

struct import_contact {
	enum channel channel;
	struct import_template name, phone, email, subject, text, product, received_by;
	struct import_template category, urgency, importance, customer_effect, business_effect;
};

struct import_value { /* a word of the source and the code that it stands for */
	struct cl_str from, to;
};

struct import_map {
	struct cl_arena arena;
	char *file;
	struct cl_str source;
	struct import_keys keys;
	struct import_contact contact;
	struct import_rule *rules;
	uint32_t rule_n; /* with the default, if there is one, as the last */
	bool has_default;
	struct import_value *values;
	uint32_t value_n;
};

/* Code of an enum for a source's word, through the map's values; empty text gives 0. UNKNOWN. */
CL_MUST_CHECK int import_code(const struct import_map *map, const struct cl_enum *en, struct cl_str text,
                              uint32_t *ret_value);

/* -- plan.c: from attribute values to rows and contacts -- */
struct import_place {
	const char *file;
	uint64_t line, byte;
};

/* Takes the trace's next row: what it means also depends on whether the rows before it have closed the case. */
enum case_act import_act_of(const struct import_rule *rule, bool *closed);
/* Which rule an event falls under; map->rule_n if none. */
uint32_t import_rule_of(const struct import_map *map, struct cl_str activity, struct cl_str transition);
CL_MUST_CHECK int import_plan_row(const struct import_map *map, const struct import_rule *rule,
                                  const struct import_scopes *scopes, struct cl_arena *arena,
                                  const struct import_place *place, struct history_row *ret_row,
                                  struct import_error *ret_error);
CL_MUST_CHECK int import_plan_contact(const struct import_map *map, const struct import_scopes *scopes,
                                      struct cl_arena *arena, const struct import_place *place,
                                      struct contact_register *ret_contact, struct import_error *ret_error);

#endif
