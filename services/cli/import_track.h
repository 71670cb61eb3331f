/* What is known of each trace of an import: what the file holds of it, what support took, what the archive holds. The
 * two ends are counted apart: rows by the reader, events by watching the archive. */
#ifndef CLI_IMPORT_TRACK_H
#define CLI_IMPORT_TRACK_H

#include "base/map.h"
#include "import/import.h"
#include "log/record.h"
#include "logs.h"

struct import_trace_track {
	struct cl_id request, slip;            /* slip: zero until the case is open */
	struct cl_str name;                    /* in the file; in the table's arena */
	uint32_t upto_row;                     /* support took the rows up to here */
	bool in_file, open_archived, complete; /* complete: all of it is in the archive */
	uint32_t rows, settles;                /* of the file */
	/* from the archive */
	uint32_t archived_upto;
	uint32_t events; /* that imports caused, but the import's own summary */
	uint32_t noted, refused, settles_noted;
	struct cl_id command; /* the run of events that is being watched */
	uint32_t run;
	uint8_t outcome; /* of the last closing; 0 = open */
};

struct import_activity { /* one line of the report */
	struct cl_str name;
	enum case_act act;
	uint64_t rows, noted;
	uint64_t by_map; /* of the noted */
};
struct import_refusal {
	uint32_t activity, reason;
	uint64_t n;
};

struct import_tracks {
	struct cl_arena arena;
	struct cl_map by_id;      /* kind 0: request, 1: slip */
	uint64_t traces, rows;    /* of the file */
	uint64_t complete;        /* traces of the file */
	uint64_t archived_events; /* seen so far, for the bar */
	struct import_activity *activities;
	uint32_t activity_n;
	struct import_refusal *refusals;
	uint32_t refusal_n;
};

void import_tracks_init(struct import_tracks *tracks);
void import_tracks_done(struct import_tracks *tracks);
/* The trace that a request is for; made if it is not there. */
struct import_trace_track *import_tracks_of(struct import_tracks *tracks, struct cl_id request);
struct import_trace_track *import_tracks_of_slip(const struct import_tracks *tracks,
                                                 struct cl_id slip); /* NULL: not ours */
/* A trace of the file was read. */
struct import_trace_track *import_tracks_read(struct import_tracks *tracks, const struct import_trace *trace);
/* An event of a support log: case_opened, case_history_imported. The trace, if it is one's; NULL. */
struct import_trace_track *import_tracks_support(struct import_tracks *tracks, const struct cl_record *record,
                                                 struct cl_arena *turn);
/* An event of the archive. */
int import_tracks_archive(struct import_tracks *tracks, const struct cl_record *record, struct cl_arena *turn);
/* Rows of a trace that are found in the archive. A row that settles a case there makes three events. */
uint32_t import_tracks_found(const struct import_trace_track *track);

/* -- import_report.c -- */
struct import_result {
	uint64_t new_traces, new_rows;
	uint64_t ns; /* from the command to the archive */
};
/* Prints cases, events, activities, outcomes and whether all is accounted for: CLI_OK, or CLI_CHECK_FAILED. */
int import_report(struct cli *cli, const struct import_tracks *tracks, const struct import_result *result);

#endif
