#include "import_track.h"

#include <stdlib.h>

#include "base/assert.h"
#include "intake/intake.h"

enum { BY_REQUEST = 0, BY_SLIP = 1 };

void import_tracks_init(struct import_tracks *tracks) {
	*tracks = (struct import_tracks){.traces = 0};
	cl_arena_init(&tracks->arena, 1 << 20);
	cl_map_init(&tracks->by_id);
}

void import_tracks_done(struct import_tracks *tracks) {
	cl_map_done(&tracks->by_id);
	free(tracks->activities);
	free(tracks->refusals);
	cl_arena_done(&tracks->arena);
}

struct import_trace_track *import_tracks_of(struct import_tracks *tracks, struct cl_id request) {
	struct import_trace_track *track = cl_map_get(&tracks->by_id, BY_REQUEST, request);
	if (!track) {
		track = cl_arena_new(&tracks->arena, struct import_trace_track);
		track->request = request;
		cl_map_put(&tracks->by_id, BY_REQUEST, request, track);
	}
	return track;
}

struct import_trace_track *import_tracks_of_slip(const struct import_tracks *tracks, struct cl_id slip) {
	return cl_map_get(&tracks->by_id, BY_SLIP, slip);
}

/* -- activities: a dozen or two, so a search is as quick as a table -- */
static uint32_t activity_of(struct import_tracks *tracks, struct cl_str name, enum case_act act) {
	for (uint32_t i = 0; i < tracks->activity_n; i++)
		if (tracks->activities[i].act == act && cl_str_eq(tracks->activities[i].name, name))
			return i;
	tracks->activities = realloc(tracks->activities, sizeof(*tracks->activities) * (tracks->activity_n + 1));
	CL_ASSERT(tracks->activities);
	tracks->activities[tracks->activity_n] =
	        (struct import_activity){.name = cl_arena_str(&tracks->arena, name), .act = act};
	return tracks->activity_n++;
}

static void count_refusal(struct import_tracks *tracks, uint32_t activity, uint32_t reason) {
	for (uint32_t i = 0; i < tracks->refusal_n; i++)
		if (tracks->refusals[i].activity == activity && tracks->refusals[i].reason == reason) {
			tracks->refusals[i].n++;
			return;
		}
	tracks->refusals = realloc(tracks->refusals, sizeof(*tracks->refusals) * (tracks->refusal_n + 1));
	CL_ASSERT(tracks->refusals);
	tracks->refusals[tracks->refusal_n++] = (struct import_refusal){activity, reason, 1};
}

static void check_complete(struct import_tracks *tracks, struct import_trace_track *track) {
	bool complete = track->in_file && track->open_archived && track->archived_upto >= track->rows;
	if (complete && !track->complete)
		tracks->complete++;
	track->complete |= complete;
}

struct import_trace_track *import_tracks_read(struct import_tracks *tracks, const struct import_trace *trace) {
	struct import_trace_track *track = import_tracks_of(tracks, intake_request_id(trace->contact.source_key));
	track->in_file = true;
	track->name = cl_arena_str(&tracks->arena, trace->name);
	track->rows = trace->row_n;
	tracks->traces++;
	tracks->rows += trace->row_n;
	for (uint32_t i = 0; i < trace->row_n; i++) {
		const struct history_row *row = &trace->rows[i];
		track->settles += row->act == ACT_SETTLE;
		uint32_t activity = activity_of(tracks, row->activity, row->act); /* may move the list */
		tracks->activities[activity].rows++;
	}
	check_complete(tracks, track);
	return track;
}

static struct import_trace_track *opened(struct import_tracks *tracks, const struct cl_record *record,
                                         struct cl_arena *turn) {
	const void *body;
	if (cl_decode_version(record->type, record->version, record->payload, turn, &body, NULL) != CL_OK)
		return NULL;
	const struct slip_created *slip = &((const struct case_opened *)body)->slip;
	if (!slip->imported)
		return NULL;
	struct import_trace_track *track = import_tracks_of(tracks, slip->request_id);
	track->slip = record->aggregate;
	cl_map_put(&tracks->by_id, BY_SLIP, record->aggregate, track);
	return track;
}

static uint32_t upto_of(const struct cl_record *record, struct cl_arena *turn) {
	const void *body;
	if (cl_decode_version(record->type, record->version, record->payload, turn, &body, NULL) != CL_OK)
		return 0;
	return ((const struct case_history_imported *)body)->upto_row;
}

struct import_trace_track *import_tracks_support(struct import_tracks *tracks, const struct cl_record *record,
                                                 struct cl_arena *turn) {
	if (record->type == CL_T_case_opened)
		return opened(tracks, record, turn);
	struct import_trace_track *track = import_tracks_of_slip(tracks, record->aggregate);
	if (track && record->type == CL_T_case_history_imported)
		track->upto_row = upto_of(record, turn);
	return track;
}

static int noted(struct import_tracks *tracks, struct import_trace_track *track, const struct cl_record *record,
                 struct cl_arena *turn) {
	const void *value;
	int code = cl_decode_version(record->type, record->version, record->payload, turn, &value, NULL);
	if (code != CL_OK)
		return code;
	const struct case_history_noted *body = value;
	uint32_t activity = activity_of(tracks, body->activity, body->act);
	track->noted++;
	track->refused += body->reason != CL_R_NONE;
	track->settles_noted += body->act == ACT_SETTLE;
	tracks->activities[activity].noted++;
	tracks->activities[activity].by_map += body->reason == CL_R_NONE;
	if (body->reason != CL_R_NONE)
		count_refusal(tracks, activity, body->reason);
	return CL_OK;
}

static int outcome(struct import_trace_track *track, const struct cl_record *record, struct cl_arena *turn) {
	const void *value;
	if (record->type == CL_T_case_reopened) {
		track->outcome = 0;
		return CL_OK;
	}
	int code = cl_decode_version(record->type, record->version, record->payload, turn, &value, NULL);
	if (code == CL_OK)
		track->outcome = (uint8_t)((const struct case_closed *)value)->outcome;
	return code;
}

/* The events of one command stand together in their case's history, the import's summary last: only a run that ends in
 * one was an import; what people did with the case afterwards does not count. */
int import_tracks_archive(struct import_tracks *tracks, const struct cl_record *record, struct cl_arena *turn) {
	struct import_trace_track *track;
	int code = CL_OK;
	if (record->type == CL_T_case_opened) {
		track = opened(tracks, record, turn);
		if (track) {
			track->open_archived = true;
			check_complete(tracks, track);
		}
		return CL_OK;
	}
	track = record->kind == CL_KIND_CASE ? import_tracks_of_slip(tracks, record->aggregate) : NULL;
	if (!track || !track->in_file)
		return CL_OK;
	if (!cl_id_eq(track->command, record->command)) {
		track->command = record->command;
		track->run = 0;
	}
	if (record->type == CL_T_case_history_imported) {
		track->events += track->run;
		tracks->archived_events += track->run;
		track->run = 0;
		track->archived_upto = upto_of(record, turn);
		check_complete(tracks, track);
		return CL_OK;
	}
	track->run++;
	if (record->type == CL_T_case_history_noted)
		code = noted(tracks, track, record, turn);
	else if (record->type == CL_T_case_closed || record->type == CL_T_case_reopened)
		code = outcome(track, record, turn);
	return code;
}

uint32_t import_tracks_found(const struct import_trace_track *track) {
	uint32_t settled = track->settles - track->settles_noted;
	return track->events >= 2 * settled ? track->events - 2 * settled : 0;
}
