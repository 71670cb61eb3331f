/* The reader: bytes of the file → libxml2's push parser (SAX2) → traces that are whole. Pushing a piece of the text may
 * finish several traces: they wait in a list, at most as many as a piece can hold.
 *
 * SAX2 hands attribute values over as views into its own buffer: only those of keys that the map wants are copied, and
 * names are compared by pointer, for libxml2 interns them in the parser's dictionary. */
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>

#include "base/time.h"
#include "import_int.h"

#define PIECE_BYTES 32768
#define VALUE_BYTES_MAX 65536               /* one attribute value that the map wants */
#define TRACE_BYTES_MAX ((size_t)256 << 20) /* all texts of one trace */
#define DEPTH_MAX 64                        /* attributes nest (IEEE 1849, 4.5), but not like this */

struct slot { /* a trace and its memory, used again and again */
	struct slot *next;
	struct import_trace trace;
	struct history_row *rows;
	uint32_t row_cap;
	struct cl_arena arena;
};

struct import {
	const struct import_map *map;
	char *file;
	struct import_source *source;
	xmlParserCtxtPtr xml;
	const xmlChar *key_name, *value_name; /* interned */
	struct import_error *error;           /* of the call that runs; set while feeding */
	int failed;
	bool fed_all;

	uint32_t depth;
	struct slot *now;      /* trace being read */
	bool in_event, closed; /* closed: by the rows of this trace so far */
	struct import_place event_place, trace_place;
	struct import_values here, trace, first;
	struct cl_arena event_arena;

	struct slot *ready, **ready_end, *given, *spare;
	uint64_t *seen; /* hashes of trace names, open addressing; 0 = empty */
	size_t seen_n, seen_cap;
	struct import_count *counts;
};

/* -- slots -- */

static struct slot *slot_take(struct import *import) {
	struct slot *slot = import->spare;
	if (slot) {
		import->spare = slot->next;
		slot->next = NULL;
		return slot;
	}
	slot = calloc(1, sizeof(*slot));
	if (slot)
		cl_arena_init(&slot->arena, 4096);
	return slot;
}

static void slot_give_back(struct import *import, struct slot *slot) {
	cl_arena_reset(&slot->arena);
	slot->trace = (struct import_trace){0};
	slot->next = import->spare;
	import->spare = slot;
}

static void slots_free(struct slot *slot) {
	while (slot) {
		struct slot *next = slot->next;
		cl_arena_done(&slot->arena);
		free(slot->rows);
		free(slot);
		slot = next;
	}
}

/* -- faults -- */

static struct import_place place_now(const struct import *import) {
	long byte = xmlByteConsumed(import->xml);
	int line = import->xml->input ? import->xml->input->line : 0;
	return (struct import_place){import->file, line > 0 ? (uint64_t)line : 1, byte > 0 ? (uint64_t)byte : 0};
}

static void stop(struct import *import, int code) {
	import->failed = code;
	xmlStopParser(import->xml);
}

#define FAIL(import, code, place, ...)                                                                                 \
	stop((import),                                                                                                 \
	     import_fail_at((import)->error, (code), (place).file, (place).line, (place).byte, __VA_ARGS__, NULL))

static void on_xml_error(void *context, xmlErrorPtr wrong) {
	struct import *import = context;
	if (wrong->level != XML_ERR_FATAL || import->failed)
		return;
	struct cl_str said = cl_str_trim(cl_str_from(wrong->message));
	char *text = strndup(said.p ? said.p : "", said.n);
	struct import_place place = place_now(import);
	if (wrong->line > 0)
		place.line = (uint64_t)wrong->line;
	int code = wrong->code == XML_ERR_NO_MEMORY ? CL_E_NOMEM : CL_E_MALFORMED;
	FAIL(import, code, place, CL_TEXT_CLI_IMPORT_XML, text);
	free(text);
}

static void on_doctype(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system) {
	struct import *import = context;
	(void)name, (void)external, (void)system;
	if (!import->failed)
		FAIL(import, CL_E_UNSUPPORTED, place_now(import), CL_TEXT_CLI_IMPORT_DOCTYPE);
}

/* -- attributes -- */

static void take_value(struct import *import, struct import_values *values, struct cl_arena *arena, struct cl_str key,
                       struct cl_str value) {
	const struct import_keys *keys = &import->map->keys;
	for (uint32_t i = 0; i < keys->n; i++) {
		if (keys->v[i].n != key.n || memcmp(keys->v[i].p, key.p, key.n) != 0)
			continue;
		if (value.n > VALUE_BYTES_MAX)
			FAIL(import, CL_E_TOOBIG, place_now(import), CL_TEXT_CLI_IMPORT_BIG, keys->v[i].p);
		else
			values->v[i] = value.n ? cl_arena_str(arena, value) : (struct cl_str){0};
		return;
	}
}

static void attribute(struct import *import, int n, const xmlChar **a, struct import_values *values,
                      struct cl_arena *arena) {
	struct cl_str key = {0}, value = {0};
	for (int i = 0; i < n; i++, a += 5) { /* name, prefix, URI, value, end of value */
		struct cl_str text = {(const char *)a[3], (uint32_t)(a[4] - a[3])};
		if (a[0] == import->key_name)
			key = text;
		else if (a[0] == import->value_name)
			value = text;
	}
	if (key.n)
		take_value(import, values, arena, key, value);
}

/* -- events -- */

static bool room_for_row(struct slot *slot) {
	if (slot->trace.row_n < slot->row_cap)
		return true;
	uint32_t cap = slot->row_cap ? slot->row_cap * 2 : 16;
	struct history_row *rows = realloc(slot->rows, cap * sizeof(*rows));
	if (!rows)
		return false;
	slot->rows = rows;
	slot->row_cap = cap;
	return true;
}

static void copy_values(const struct import_keys *keys, const struct import_values *from, struct cl_arena *arena,
                        struct import_values *to) {
	for (uint32_t i = 0; i < keys->n; i++)
		to->v[i] = from->v[i].n ? cl_arena_str(arena, from->v[i]) : (struct cl_str){0};
}

static void event_end(struct import *import) {
	struct slot *slot = import->now;
	const struct import_place *place = &import->event_place;
	const struct cl_str *here = import->here.v;
	struct history_row row = {.row = slot->trace.row_n + 1};
	import->in_event = false;
	if (here[IMPORT_KEY_NAME].n == 0) {
		FAIL(import, CL_E_INVALID, *place, CL_TEXT_CLI_IMPORT_NO_KEY, "concept:name");
		return;
	}
	if (cl_time_parse(here[IMPORT_KEY_TIME], &row.at) != CL_OK) {
		FAIL(import, CL_E_INVALID, *place, CL_TEXT_CLI_IMPORT_TIME,
		     here[IMPORT_KEY_TIME].n ? here[IMPORT_KEY_TIME].p : "");
		return;
	}
	uint32_t rule = import_rule_of(import->map, here[IMPORT_KEY_NAME], here[IMPORT_KEY_TRANSITION]);
	if (rule == import->map->rule_n) {
		FAIL(import, CL_E_UNKNOWN, *place, CL_TEXT_CLI_IMPORT_ACTIVITY, here[IMPORT_KEY_NAME].p,
		     here[IMPORT_KEY_TRANSITION].n ? here[IMPORT_KEY_TRANSITION].p : "-");
		return;
	}
	if (slot->trace.row_n == 0) {
		slot->trace.occurred_ms = row.at;
		copy_values(&import->map->keys, &import->here, &slot->arena, &import->first);
	}
	if (!room_for_row(slot)) {
		FAIL(import, CL_E_NOMEM, *place, CL_TEXT_CLI_IMPORT_TRACE_BIG);
		return;
	}
	row.act = import_act_of(&import->map->rules[rule], &import->closed);
	struct import_scopes scopes = {&import->here, &import->trace, &import->first};
	int rc = import_plan_row(import->map, &import->map->rules[rule], &scopes, &slot->arena, place, &row,
	                         import->error);
	if (rc != CL_OK) {
		stop(import, rc);
		return;
	}
	slot->rows[slot->trace.row_n++] = row;
	import->counts[rule].events++;
	if (slot->arena.used > TRACE_BYTES_MAX)
		FAIL(import, CL_E_TOOBIG, *place, CL_TEXT_CLI_IMPORT_TRACE_BIG);
}

/* -- traces -- */

/* False: this name was there before. A name twice would lose the second trace: rows are known by their place in a
 * trace. */
static bool name_is_new(struct import *import, struct cl_str name) {
	if (import->seen_n * 2 >= import->seen_cap) {
		size_t cap = import->seen_cap ? import->seen_cap * 2 : 1024;
		uint64_t *seen = calloc(cap, sizeof(*seen));
		if (!seen)
			return false;
		for (size_t i = 0; i < import->seen_cap; i++) {
			uint64_t hash = import->seen[i];
			size_t at = (size_t)hash & (cap - 1);
			while (hash && seen[at])
				at = (at + 1) & (cap - 1);
			if (hash)
				seen[at] = hash;
		}
		free(import->seen);
		import->seen = seen;
		import->seen_cap = cap;
	}
	struct cl_hash full = cl_hash_of(name.p, name.n);
	uint64_t hash;
	memcpy(&hash, full.b, sizeof(hash));
	hash |= 1; /* never 0 */
	hash = hash << 1 | hash >> 63;
	size_t at = (size_t)hash & (import->seen_cap - 1);
	while (import->seen[at]) {
		if (import->seen[at] == hash)
			return false;
		at = (at + 1) & (import->seen_cap - 1);
	}
	import->seen[at] = hash;
	import->seen_n++;
	return true;
}

static void trace_end(struct import *import) {
	struct slot *slot = import->now;
	struct import_trace *trace = &slot->trace;
	trace->name = import->trace.v[IMPORT_KEY_NAME];
	if (trace->name.n == 0) {
		FAIL(import, CL_E_INVALID, import->trace_place, CL_TEXT_CLI_IMPORT_NO_KEY, "concept:name");
		return;
	}
	if (!name_is_new(import, trace->name)) {
		FAIL(import, CL_E_EXISTS, import->trace_place, CL_TEXT_CLI_IMPORT_TWICE, trace->name.p);
		return;
	}
	struct import_scopes scopes = {&import->trace, &import->trace, trace->row_n ? &import->first : NULL};
	int rc = import_plan_contact(import->map, &scopes, &slot->arena, &import->trace_place, &trace->contact,
	                             import->error);
	if (rc != CL_OK) {
		stop(import, rc);
		return;
	}
	trace->rows = slot->rows;
	trace->line = import->trace_place.line;
	*import->ready_end = slot;
	import->ready_end = &slot->next;
	import->now = NULL;
}

static void trace_start(struct import *import) {
	import->now = slot_take(import);
	import->trace_place = place_now(import);
	import->closed = false;
	memset(import->trace.v, 0, import->map->keys.n * sizeof(import->trace.v[0]));
	if (!import->now)
		FAIL(import, CL_E_NOMEM, import->trace_place, CL_TEXT_CLI_IMPORT_TRACE_BIG);
}

static void event_start(struct import *import) {
	import->in_event = true;
	import->event_place = place_now(import);
	cl_arena_reset(&import->event_arena);
	memset(import->here.v, 0, import->map->keys.n * sizeof(import->here.v[0]));
}

/* -- elements -- */

static bool is(const xmlChar *name, const char *what) {
	return strcmp((const char *)name, what) == 0;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespace_n,
                     const xmlChar **namespaces, int attribute_n, int defaulted_n, const xmlChar **attributes) {
	struct import *import = context;
	(void)prefix, (void)uri, (void)namespace_n, (void)namespaces, (void)defaulted_n;
	if (import->failed)
		return;
	import->depth++;
	if (import->depth == 4 && import->in_event)
		attribute(import, attribute_n, attributes, &import->here, &import->event_arena);
	else if (import->depth == 3 && import->now && is(name, "event"))
		event_start(import);
	else if (import->depth == 3 && import->now)
		attribute(import, attribute_n, attributes, &import->trace, &import->now->arena);
	else if (import->depth == 2 && is(name, "trace"))
		trace_start(import);
	else if (import->depth == 2 && is(name, "event"))
		FAIL(import, CL_E_UNSUPPORTED, place_now(import), CL_TEXT_CLI_IMPORT_STREAM);
	else if (import->depth == 1 && !is(name, "log"))
		FAIL(import, CL_E_INVALID, place_now(import), CL_TEXT_CLI_IMPORT_NOT_XES, (const char *)name);
	else if (import->depth > DEPTH_MAX)
		FAIL(import, CL_E_TOODEEP, place_now(import), CL_TEXT_CLI_IMPORT_DEEP);
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
	struct import *import = context;
	(void)name, (void)prefix, (void)uri;
	if (import->failed)
		return;
	if (import->depth == 3 && import->in_event)
		event_end(import);
	else if (import->depth == 2 && import->now)
		trace_end(import);
	import->depth--;
}

/* -- the import -- */

static int feed(struct import *import) {
	char piece[PIECE_BYTES];
	size_t n = 0;
	int rc = import_source_read(import->source, piece, sizeof(piece), &n, import->error);
	if (rc != CL_OK)
		return rc;
	import->fed_all = n == 0;
	if (n == 0 && import->depth > 0) {
		FAIL(import, CL_E_TRUNCATED, place_now(import), CL_TEXT_CLI_IMPORT_CUT);
		return import->failed;
	}
	int wrong = xmlParseChunk(import->xml, piece, (int)n, n == 0);
	if (import->failed)
		return import->failed;
	if (wrong && !import->xml->wellFormed) { /* said nothing, yet stopped */
		struct import_place place = place_now(import);
		return import_fail_at(import->error, CL_E_MALFORMED, place.file, place.line, place.byte,
		                      CL_TEXT_CLI_IMPORT_XML, "XML", NULL);
	}
	return CL_OK;
}

int import_next(struct import *import, const struct import_trace **ret_trace, struct import_error *ret_error) {
	if (import->given) {
		slot_give_back(import, import->given);
		import->given = NULL;
	}
	import->error = ret_error;
	while (!import->ready && !import->fed_all && !import->failed) {
		int rc = feed(import);
		if (rc != CL_OK)
			import->failed = rc;
	}
	if (!import->ready) {
		*ret_trace = NULL;
		return import->failed;
	}
	/* What was whole before a fault is still given out: the fault follows behind it. */
	struct slot *slot = import->ready;
	import->ready = slot->next;
	if (!import->ready)
		import->ready_end = &import->ready;
	slot->next = NULL;
	import->given = slot;
	*ret_trace = &slot->trace;
	return CL_OK;
}

static bool parser_open(struct import *import) {
	xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
	                     .internalSubset = on_doctype,
	                     .startElementNs = on_start,
	                     .endElementNs = on_end,
	                     .serror = on_xml_error};
	xmlInitParser();
	import->xml = xmlCreatePushParserCtxt(&sax, import, NULL, 0, NULL);
	/* NOENT: without it libxml2 leaves "&#38;" for "&" in values. A DOCTYPE is refused, so there are no other
	 * entities. */
	if (!import->xml || xmlCtxtUseOptions(import->xml, XML_PARSE_NONET | XML_PARSE_NOENT) != 0)
		return false;
	import->key_name = xmlDictLookup(import->xml->dict, (const xmlChar *)"key", 3);
	import->value_name = xmlDictLookup(import->xml->dict, (const xmlChar *)"value", 5);
	return import->key_name && import->value_name;
}

int import_open(const char *file, const struct import_map *map, struct import **ret_import,
                struct import_error *ret_error) {
	struct import *import = calloc(1, sizeof(*import));
	if (!import)
		return import_fail(ret_error, CL_E_NOMEM, CL_TEXT_CLI_IMPORT_OPEN, file, cl_error_text(CL_E_NOMEM),
		                   NULL);
	import->map = map;
	import->ready_end = &import->ready;
	cl_arena_init(&import->event_arena, 4096);
	int rc = import_source_open(file, &import->source, ret_error);
	import->file = strdup(file);
	import->counts = calloc(map->rule_n, sizeof(*import->counts));
	if (rc == CL_OK && (!import->file || !import->counts || !parser_open(import))) {
		import_fail(ret_error, CL_E_NOMEM, CL_TEXT_CLI_IMPORT_OPEN, file, cl_error_text(CL_E_NOMEM), NULL);
		rc = CL_E_NOMEM;
	}
	if (rc != CL_OK) {
		import_close(import);
		return rc;
	}
	for (uint32_t i = 0; i < map->rule_n; i++) {
		import->counts[i].activity = map->rules[i].label;
		import->counts[i].act = map->rules[i].act;
	}
	*ret_import = import;
	return CL_OK;
}

void import_close(struct import *import) {
	if (!import)
		return;
	xmlFreeParserCtxt(import->xml);
	import_source_close(import->source);
	slots_free(import->ready);
	slots_free(import->given);
	slots_free(import->spare);
	slots_free(import->now);
	cl_arena_done(&import->event_arena);
	free(import->seen);
	free(import->counts);
	free(import->file);
	free(import);
}

void import_progress(const struct import *import, uint64_t *ret_read, uint64_t *ret_total) {
	import_source_progress(import->source, ret_read, ret_total);
}

const struct import_count *import_counts(const struct import *import, uint32_t *ret_n) {
	*ret_n = import->map->rule_n;
	return import->counts;
}
