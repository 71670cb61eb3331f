/* What became of an import: read from the archive, held against the file. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "import_track.h"

#define SHOWN 10

struct figures {
	uint64_t found, noted, refused, short_n;
	uint64_t outcomes[32]; /* by close_outcome; 0 = still open */
};

static void add_up(struct cli *cli, const struct import_tracks *tracks, struct figures *figures) {
	size_t index = 0;
	const struct cl_map_slot *slot;
	while ((slot = cl_map_next(&tracks->by_id, &index))) {
		const struct import_trace_track *track = slot->value;
		if (slot->kind != 0 || !track->in_file)
			continue;
		uint32_t found = import_tracks_found(track);
		figures->found += found;
		figures->noted += track->noted;
		figures->refused += track->refused;
		figures->outcomes[track->outcome % 32]++;
		if (found != track->rows && figures->short_n++ < SHOWN)
			cli_error(cli, CL_TEXT_CLI_IMPORT_INCOMPLETE,
			          CLI_ARGS(cli_safe(cli, track->name), cli_num(cli, track->rows), cli_num(cli, found)));
	}
}

static const char *reasons(struct cli *cli, const struct import_tracks *tracks, uint32_t activity) {
	const struct import_activity *one = &tracks->activities[activity];
	const char *text = one->by_map ? cli_fmt(cli, "%s %s", cli_num(cli, one->by_map),
	                                         cl_text(CL_TEXT_CLI_IMPORT_BY_MAP, cli->lang))
	                               : "";
	for (uint32_t i = 0; i < tracks->refusal_n; i++)
		if (tracks->refusals[i].activity == activity)
			text = cli_fmt(cli, "%s%s%s %s", text, *text ? " · " : "", cli_num(cli, tracks->refusals[i].n),
			               cl_reject_text(tracks->refusals[i].reason, cli->lang));
	return text;
}

static void print_activities(struct cli *cli, const struct import_tracks *tracks) {
	struct cli_table table;
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_ACTIVITY, false);
	cli_table_column(&table, CL_TEXT_CLI_H_MEANS, false);
	cli_table_column(&table, CL_TEXT_CLI_H_EVENTS, true);
	cli_table_column(&table, CL_TEXT_CLI_H_CHANGED, true);
	cli_table_column(&table, CL_TEXT_CLI_H_NOTED, true);
	cli_table_column(&table, CL_TEXT_CLI_H_REASON, false);
	for (uint32_t i = 0; i < tracks->activity_n; i++) {
		const struct import_activity *one = &tracks->activities[i];
		if (one->rows)
			cli_table_row(
			        &table,
			        CLI_ARGS(cli_safe(cli, one->name), cli_enum_text(cli, &cl_enum_case_act, one->act),
			                 cli_num(cli, one->rows),
			                 cli_num(cli, one->rows - (one->noted < one->rows ? one->noted : one->rows)),
			                 cli_num(cli, one->noted), reasons(cli, tracks, i)));
	}
	cli_table_print(&table, stdout);
}

static void print_outcomes(struct cli *cli, const struct figures *figures) {
	struct cli_table table;
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_OUTCOME, false);
	cli_table_column(&table, CL_TEXT_CLI_H_CASES, true);
	for (uint32_t i = 0; i < 32; i++)
		if (figures->outcomes[i])
			cli_table_row(&table, CLI_ARGS(i ? cli_enum_text(cli, &cl_enum_close_outcome, i)
			                                 : cl_text(CL_TEXT_CLI_IMPORT_STILL_OPEN, cli->lang),
			                               cli_num(cli, figures->outcomes[i])));
	cli_table_print(&table, stdout);
}

static json_t *activities_json(const struct import_tracks *tracks) {
	json_t *list = json_array();
	for (uint32_t i = 0; i < tracks->activity_n; i++) {
		const struct import_activity *one = &tracks->activities[i];
		const struct cl_enum_value *act = cl_enum_find(&cl_enum_case_act, one->act);
		json_t *refused = json_object();
		for (uint32_t k = 0; k < tracks->refusal_n; k++) {
			const char *name = cl_reject_name(tracks->refusals[k].reason);
			if (tracks->refusals[k].activity == i)
				json_object_set_new(refused, name ? name : "UNKNOWN",
				                    json_integer((json_int_t)tracks->refusals[k].n));
		}
		json_array_append_new(list, json_pack("{s:s%,s:s,s:I,s:I,s:I,s:o}", "activity", one->name.p,
		                                      (size_t)one->name.n, "act", act ? act->code : "", "events",
		                                      (json_int_t)one->rows, "noted", (json_int_t)one->noted,
		                                      "noted_by_map", (json_int_t)one->by_map, "refused", refused));
	}
	return list;
}

static int print_json(const struct import_tracks *tracks, const struct import_result *result,
                      const struct figures *figures, bool whole) {
	json_t *outcomes = json_object();
	for (uint32_t i = 0; i < 32; i++) {
		const struct cl_enum_value *value = i ? cl_enum_find(&cl_enum_close_outcome, i) : NULL;
		if (figures->outcomes[i])
			json_object_set_new(outcomes, value ? value->code : "open",
			                    json_integer((json_int_t)figures->outcomes[i]));
	}
	json_t *all = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:I,s:o,s:o}", "cases",
	                        (json_int_t)tracks->traces, "events", (json_int_t)tracks->rows, "new_cases",
	                        (json_int_t)result->new_traces, "new_events", (json_int_t)result->new_rows, "found",
	                        (json_int_t)figures->found, "changed", (json_int_t)(figures->found - figures->noted),
	                        "noted", (json_int_t)figures->noted, "refused", (json_int_t)figures->refused,
	                        "accounted", (int)whole, "milliseconds", (json_int_t)(result->ns / 1000000), "outcomes",
	                        outcomes, "activities", activities_json(tracks));
	int failed = all ? json_dumpf(all, stdout, JSON_INDENT(1)) : -1;
	fputc('\n', stdout);
	json_decref(all);
	return failed;
}

int import_report(struct cli *cli, const struct import_tracks *tracks, const struct import_result *result) {
	struct figures figures = {0};
	add_up(cli, tracks, &figures);
	bool whole = figures.short_n == 0 && figures.found == tracks->rows;
	if (cli->json)
		return print_json(tracks, result, &figures, whole) != 0 ? CLI_FAILED
		       : whole                                          ? CLI_OK
		                                                        : CLI_CHECK_FAILED;
	if (!cli->quiet) {
		print_activities(cli, tracks);
		printf("\n");
		print_outcomes(cli, &figures);
		printf("\n");
	}
	double seconds = (double)result->ns / 1e9;
	/* Rounded down: 100 % is said only when it is. */
	uint64_t per_mille = tracks->rows ? figures.found * 1000 / tracks->rows : 1000;
	const char *percent =
	        per_mille % 10 ? cli_fmt(cli, cli->lang == CL_VI ? "%" PRIu64 ",%" PRIu64 : "%" PRIu64 ".%" PRIu64,
	                                 per_mille / 10, per_mille % 10)
	                       : cli_fmt(cli, "%" PRIu64, per_mille / 10);
	cli_say(cli, CL_TEXT_CLI_IMPORT_SUMMARY,
	        CLI_ARGS(cli_num(cli, tracks->traces), cli_num(cli, tracks->rows), cli_num(cli, result->new_traces),
	                 cli_num(cli, result->new_rows)));
	cli_say(cli, CL_TEXT_CLI_IMPORT_TIME_TAKEN,
	        CLI_ARGS(cli_duration(cli, (int64_t)(result->ns / 1000000)),
	                 cli_num(cli, (uint64_t)((double)result->new_rows / seconds))));
	cli_say(cli, CL_TEXT_CLI_IMPORT_ACCOUNTED,
	        CLI_ARGS(cli_num(cli, tracks->rows), cli_num(cli, figures.found),
	                 cli_num(cli, figures.found - figures.noted), cli_num(cli, figures.noted),
	                 cli_num(cli, figures.refused), percent));
	return whole ? CLI_OK : CLI_CHECK_FAILED;
}
