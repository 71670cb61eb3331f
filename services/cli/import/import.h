/* Reads the history of another system from an event log in XES (IEEE 1849-2016), plain or gzip, and says, by a map in
 * YAML, what each of its events means here. One pass with bounded memory: a trace at a time. Nothing of the source is
 * dropped: what the map does not know is an error with its place, unless the map has a default.
 *
 *   import_map_open(file, &map, &error)
 *   import_open(log, map, &import, &error)
 *   while (import_next(import, &trace, &error) == CL_OK && trace) ...
 *
 * Not thread-safe, but several imports may run beside each other. Maps are described in README.md beside this file. */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "base/error.h"
#include "schema.h"
#include "text.h"

/* Rows of one case_import at most, by its schema. */
#define IMPORT_BATCH_ROWS 200

/* What went wrong and where. Zero it before use; done frees the texts and may be called on a zeroed one. */
struct import_error {
	int code; /* cl_error: MALFORMED, TRUNCATED, TOODEEP, TOOBIG, UNKNOWN, INVALID, EXISTS, CORRUPT, IO, NOTFOUND…
	           */
	uint64_t line, byte; /* place in the (unpacked) text, from 1 and 0; line 0 = byte is of the packed file */
	char *text[2];       /* a whole sentence with the place, by cl_lang */
};
void import_error_done(struct import_error *error);

struct import_map;
CL_MUST_CHECK int import_map_open(const char *file, struct import_map **ret_map, struct import_error *ret_error);
void import_map_close(struct import_map *map);
const char *import_map_source(const struct import_map *map); /* SOURCE of the source keys */

struct import_trace {
	struct cl_str name;              /* concept:name of the trace */
	struct contact_register contact; /* source_key = "SOURCE/NAME" */
	int64_t occurred_ms;             /* of the first event; 0 for a trace without events */
	struct history_row *rows;        /* every event, in the source's order, row numbers from 1 */
	uint32_t row_n;
	uint64_t line; /* where the trace starts */
};

struct import;
/* The map must outlive the import. */
CL_MUST_CHECK int import_open(const char *file, const struct import_map *map, struct import **ret_import,
                              struct import_error *ret_error);
void import_close(struct import *import);
/* The next trace, NULL at the end of the file; its views hold until the next call. After an error the import is over.
 */
CL_MUST_CHECK int import_next(struct import *import, const struct import_trace **ret_trace,
                              struct import_error *ret_error);
/* Bytes of the file read so far and in all, as stored (packed). */
void import_progress(const struct import *import, uint64_t *ret_read, uint64_t *ret_total);

/* How often each activity of the map has been met so far, in the map's order; the default is the last. */
struct import_count {
	struct cl_str activity; /* "*" for the default */
	enum case_act act;
	uint64_t events;
};
const struct import_count *import_counts(const struct import *import, uint32_t *ret_n);

/* Fills one command with the rows behind the first `from` of the trace, as many as a command may hold; the number of
 * rows taken is returned, 0 at the end. Views into the trace. */
uint32_t import_batch(const struct import_trace *trace, uint32_t from, struct case_import *ret_command);

#endif
