#include "columns.h"

#include <stdlib.h>

#include "base/assert.h"

static uint32_t hash_of(struct cl_str text) {
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (uint32_t i = 0; i < text.n; i++)
		hash = (hash ^ (uint8_t)text.p[i]) * 16777619u;
	return hash;
}

static uint32_t *slot_of(const struct reporting_names *names, struct cl_str text) {
	uint32_t at = hash_of(text) & (names->slot_cap - 1);
	while (names->slots[at] && !cl_str_eq(reporting_names_text(names, names->slots[at]), text))
		at = (at + 1) & (names->slot_cap - 1);
	return &names->slots[at];
}

static void names_done(struct reporting_names *names) {
	for (uint32_t i = 0; i < names->n; i++)
		free(names->texts[i].p);
	free(names->texts);
	free(names->slots);
}

static void names_grow(struct reporting_names *names) {
	names->cap = names->cap ? names->cap * 2 : 64;
	names->texts = realloc(names->texts, names->cap * sizeof(*names->texts));
	free(names->slots);
	names->slot_cap = names->cap * 2;
	names->slots = calloc(names->slot_cap, sizeof(*names->slots));
	CL_ASSERT(names->texts && names->slots);
	for (uint32_t i = 0; i < names->n; i++)
		*slot_of(names, reporting_names_text(names, i + 1)) = i + 1;
}

uint32_t reporting_names_find(const struct reporting_names *names, struct cl_str text) {
	return text.n && names->slot_cap ? *slot_of(names, text) : 0;
}

uint32_t reporting_names_add(struct reporting_names *names, struct cl_str text) {
	uint32_t name = reporting_names_find(names, text);
	if (name || !text.n)
		return name;
	if (names->n == names->cap)
		names_grow(names);
	char *copy = malloc(text.n);
	CL_ASSERT(copy);
	memcpy(copy, text.p, text.n);
	names->texts[names->n] = (struct reporting_name){copy, text.n};
	*slot_of(names, text) = ++names->n;
	return names->n;
}

struct cl_str reporting_names_text(const struct reporting_names *names, uint32_t name) {
	if (!name)
		return (struct cl_str){NULL, 0};
	return (struct cl_str){names->texts[name - 1].p, names->texts[name - 1].n};
}

void reporting_columns_init(struct reporting_columns *columns) {
	*columns = (struct reporting_columns){.n = 0};
	/* Readers come in crowds; the one writer must not wait for a gap among them. */
	pthread_rwlockattr_t attributes;
	int rc = pthread_rwlockattr_init(&attributes);
	rc |= pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	rc |= pthread_rwlock_init(&columns->lock, &attributes);
	rc |= pthread_rwlockattr_destroy(&attributes);
	CL_ASSERT(rc == 0);
}

void reporting_columns_done(struct reporting_columns *columns) {
	for (uint32_t i = 0; i < columns->chunk_n; i++)
		free(columns->chunks[i].rows);
	free(columns->chunks);
	names_done(&columns->persons);
	names_done(&columns->departments);
	names_done(&columns->sources);
	pthread_rwlock_destroy(&columns->lock);
}

void reporting_columns_set(struct reporting_columns *columns, uint64_t no, const struct reporting_row *row) {
	while ((uint64_t)columns->chunk_n * COLUMNS_CHUNK < no) {
		columns->chunks = realloc(columns->chunks, (columns->chunk_n + 1) * sizeof(*columns->chunks));
		CL_ASSERT(columns->chunks);
		columns->chunks[columns->chunk_n].rows = calloc(COLUMNS_CHUNK, sizeof(struct reporting_row));
		CL_ASSERT(columns->chunks[columns->chunk_n].rows);
		columns->chunk_n++;
	}
	if (no > columns->n)
		columns->n = no;
	*reporting_columns_at(columns, no) = *row;
}
