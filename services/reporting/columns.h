/* What lists filter and sort by, one fixed-size row per case, in memory. A filter over a million rows is one pass over
 * these rows, whatever the combination, where SQL would need an index per combination. Filled from the cases table at
 * start and after each projected transaction; rows lie in chunks that never move. */
#ifndef REPORTING_COLUMNS_H
#define REPORTING_COLUMNS_H

#include <pthread.h>

#include "base/str.h"
#include "schema.h"

struct reporting_row {
	int64_t received_at, due_at, opened_at, first_response_at, resolved_at, closed_at;
	uint64_t changed_seq;                /* archive sequence of the last event that touched the case */
	uint32_t person, department, source; /* names; 0 = none */
	uint16_t reopened, escalated;
	uint8_t status, category, priority, outcome; /* values of the enums */
	bool known;                                  /* the slip was made: the case is listed */
};

struct reporting_names { /* text <-> small number; grows only */
	struct reporting_name {
		char *p;
		uint32_t n;
	} * texts;
	uint32_t n, cap;
	uint32_t *slots;
	uint32_t slot_cap;
};

#define COLUMNS_CHUNK 65536u

struct reporting_columns {
	pthread_rwlock_t lock; /* readers: shared, for one pass; the projecting thread: exclusive to publish */
	struct columns_chunk {
		struct reporting_row *rows;
	} * chunks;
	uint64_t n; /* rows are numbered 1..n */
	uint32_t chunk_n;
	struct reporting_names persons, departments, sources;
};

void reporting_columns_init(struct reporting_columns *columns);
void reporting_columns_done(struct reporting_columns *columns);
/* Row 1..n. Caller holds the lock, or is the projecting thread. */
static inline struct reporting_row *reporting_columns_at(const struct reporting_columns *columns, uint64_t no) {
	return &columns->chunks[(no - 1) / COLUMNS_CHUNK].rows[(no - 1) % COLUMNS_CHUNK];
}
/* The row; NULL beyond the end. */
static inline struct reporting_row *reporting_columns_row(const struct reporting_columns *columns, uint64_t no) {
	return no && no <= columns->n ? reporting_columns_at(columns, no) : NULL;
}
/* Sets a row (no >= 1), appending empty ones up to it. Caller holds the lock exclusively. */
void reporting_columns_set(struct reporting_columns *columns, uint64_t no, const struct reporting_row *row);

uint32_t reporting_names_find(const struct reporting_names *names, struct cl_str text); /* 0: not there, or empty */
/* Only the projecting thread adds, under the exclusive lock. */
uint32_t reporting_names_add(struct reporting_names *names, struct cl_str text);
struct cl_str reporting_names_text(const struct reporting_names *names, uint32_t name);

#endif
