/* careloop import: a source's traces through the live services. Each trace registers a contact; when its case is open
 * (support's stream says so) its history follows in chunks. Contacts and rows are known by key for ever, so an import
 * that was cut off goes on where it stopped, and a repeated one sends nothing. At the end the archive is held against
 * the file. */
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "commands.h"
#include "import_track.h"

#define WINDOW_DEFAULT 2000
#define WINDOW_MAX 60000 /* below what a client may have under way */
#define TRACES_PER_TURN 64
#define STUCK_DEFAULT_S 60
#define BAR_MS 100
#define BAR_WIDTH 30
#define CALL_TIMEOUT_MS 600000 /* patience is counted by progress */
#define LISTS_TIMEOUT_MS 60000
#define CREDIT (4u << 20)

struct importer;
struct flight { /* a trace under way; its text lies in arena */
	struct importer *importer;
	struct flight *next_free, *next_made;
	struct import_trace_track *track;
	struct import_trace trace;
	struct cl_arena arena;
	bool registered, sending;
	uint32_t upto;
};

struct importer {
	struct cli *cli;
	struct import_map *map;
	struct import *import;
	struct import_tracks tracks;
	struct import_result result;
	struct cl_map flights; /* by request id */
	struct flight *free, *made;
	uint32_t window, flying;
	bool eof, done, catching_up; /* catching_up: support's history is being read */
	int code;

	struct cl_subscription *support; /* one per partition */
	uint64_t *support_head;          /* when we began */
	uint32_t support_n, support_there;
	struct cl_subscription archive;
	uint64_t archive_head;
	bool archive_followed, had_some; /* had_some: cases of this source were there before */
	struct cl_arena turn;

	uv_idle_t idle;
	uv_timer_t tick;
	uv_signal_t on_int, on_term;
	uint64_t began_ns, moved_ms, stuck_ms;
	bool bar;
};

static void finish(struct importer *importer, int code) {
	if (!importer->done)
		importer->code = code;
	importer->done = true;
}

static void moved(struct importer *importer) {
	importer->moved_ms = uv_now(cli_loop(importer->cli));
}

static void import_failed(struct importer *importer, struct import_error *error) {
	const struct cli *cli = importer->cli;
	const char *text = error->text[cli->lang];
	fprintf(stderr, "%scareloop: %s\n", importer->bar ? "\r\033[K" : "", text ? text : cl_error_text(error->code));
	import_error_done(error);
	finish(importer, CLI_FAILED);
}

/* -- flights -- */
static struct flight *flight_new(struct importer *importer) {
	struct flight *flight = importer->free;
	if (flight) {
		importer->free = flight->next_free;
		cl_arena_reset(&flight->arena);
	} else {
		flight = cl_arena_new(importer->cli->arena, struct flight);
		cl_arena_init(&flight->arena, 4096);
		flight->importer = importer;
		flight->next_made = importer->made;
		importer->made = flight;
	}
	flight->registered = flight->sending = false;
	flight->upto = 0;
	importer->flying++;
	return flight;
}

static void check_end(struct importer *importer);

static void flight_end(struct flight *flight) {
	struct importer *importer = flight->importer;
	cl_map_del(&importer->flights, 0, flight->track->request);
	flight->next_free = importer->free;
	importer->free = flight;
	importer->flying--;
	check_end(importer);
}

static void refused(struct flight *flight, const struct wire_reply *reply) {
	struct importer *importer = flight->importer;
	const struct cli *cli = importer->cli;
	const char *why = reply->code ? cl_reject_text(reply->code, cli->lang)
	                              : cli_enum_text(cli, &cl_enum_wire_status, reply->status);
	if (importer->bar)
		fputs("\r\033[K", stderr);
	cli_error(cli, CL_TEXT_CLI_IMPORT_REFUSED,
	          CLI_ARGS(cli_safe(cli, flight->trace.name),
	                   reply->field.n ? cli_fmt(cli, "%s (%s)", why, cli_safe(cli, reply->field)) : why));
	finish(importer, CLI_REFUSED);
}

static void send_rows(struct flight *flight);

static void on_rows(void *context, int status, const struct wire_reply *reply) {
	struct flight *flight = context;
	struct importer *importer = flight->importer;
	flight->sending = false;
	if (importer->done)
		return;
	if (status != CL_OK) {
		finish(importer, CLI_FAILED);
		return;
	}
	moved(importer);
	if (reply->status != WIRE_ACCEPTED)
		refused(flight, reply);
	else
		send_rows(flight);
}

/* The next chunk, if the case is open; the flight ends behind the last. */
static void send_rows(struct flight *flight) {
	struct importer *importer = flight->importer;
	struct case_import command;
	if (cl_id_zero(flight->track->slip) || !flight->registered || flight->sending)
		return;
	uint32_t n = import_batch(&flight->trace, flight->upto, &command);
	if (n == 0) {
		flight_end(flight);
		return;
	}
	struct cl_command_options options = {.who = cl_str_from(importer->cli->who), .timeout_ms = CALL_TIMEOUT_MS};
	int code = cl_client_command(importer->cli->client, CL_KIND_CASE, flight->track->slip, 0, CL_T_case_import,
	                             &command, &options, on_rows, flight);
	if (code != CL_OK) {
		cli_error(importer->cli, CL_TEXT_CLI_NOT_SENT, CLI_ARGS("support", cl_error_text(code)));
		finish(importer, CLI_FAILED);
		return;
	}
	flight->sending = true;
	flight->upto += n;
}

static void on_registered(void *context, int status, const struct wire_reply *reply) {
	struct flight *flight = context;
	struct importer *importer = flight->importer;
	if (importer->done)
		return;
	if (status != CL_OK) {
		finish(importer, CLI_FAILED);
		return;
	}
	moved(importer);
	flight->registered = true;
	if (reply->status != WIRE_ACCEPTED)
		refused(flight, reply);
	else
		send_rows(flight);
}

static void send_contact(struct flight *flight) {
	struct importer *importer = flight->importer;
	struct cl_command_options options = {.who = cl_str_from(importer->cli->who),
	                                     .occurred_ms = flight->trace.occurred_ms,
	                                     .timeout_ms = CALL_TIMEOUT_MS};
	int code = cl_client_command(importer->cli->client, CL_KIND_REQUEST, flight->track->request, 0,
	                             CL_T_contact_register, &flight->trace.contact, &options, on_registered, flight);
	if (code != CL_OK) {
		cli_error(importer->cli, CL_TEXT_CLI_NOT_SENT, CLI_ARGS("intake", cl_error_text(code)));
		finish(importer, CLI_FAILED);
	}
}

/* The trace's views die with the next one that is read: the flight keeps a copy. */
static void keep(struct flight *flight, const struct import_trace *trace) {
	flight->trace = *trace;
	flight->trace.name = cl_arena_str(&flight->arena, trace->name);
	cl_copy(&cl_schema_contact_register, &trace->contact, &flight->arena, &flight->trace.contact);
	struct case_import all = {.source_key = trace->contact.source_key}, copy;
	all.rows.v = trace->rows;
	all.rows.n = trace->row_n;
	cl_copy(&cl_schema_case_import, &all, &flight->arena, &copy);
	flight->trace.rows = copy.rows.v;
}

static void launch(struct importer *importer, const struct import_trace *trace) {
	struct import_trace_track *track = import_tracks_read(&importer->tracks, trace);
	bool open = !cl_id_zero(track->slip);
	if (open && track->upto_row >= trace->row_n)
		return; /* all of it was taken before */
	struct flight *flight = flight_new(importer);
	flight->track = track;
	keep(flight, trace);
	cl_map_put(&importer->flights, 0, track->request, flight);
	importer->result.new_traces += !open;
	importer->result.new_rows += trace->row_n - track->upto_row;
	if (open) {
		flight->registered = true;
		flight->upto = track->upto_row;
		send_rows(flight);
	} else {
		send_contact(flight);
	}
}

static void follow_archive(struct importer *importer);

static void on_idle(uv_idle_t *idle) {
	struct importer *importer = idle->data;
	for (int i = 0; i < TRACES_PER_TURN && !importer->done && !importer->eof && importer->flying < importer->window;
	     i++) {
		const struct import_trace *trace = NULL;
		struct import_error error = {0};
		if (import_next(importer->import, &trace, &error) != CL_OK) {
			import_failed(importer, &error);
			return;
		}
		import_error_done(&error);
		importer->eof = trace == NULL;
		if (trace)
			launch(importer, trace);
	}
	if (importer->eof) {
		if (!importer->archive_followed)
			follow_archive(importer);
		check_end(importer);
	}
	if (importer->eof || importer->done || importer->flying >= importer->window)
		uv_idle_stop(idle);
}

static void check_end(struct importer *importer) {
	if (importer->done || importer->catching_up)
		return;
	if (!importer->eof) {
		if (importer->flying < importer->window && !uv_is_active((uv_handle_t *)&importer->idle))
			uv_idle_start(&importer->idle, on_idle);
	} else if (importer->flying == 0 && importer->tracks.complete == importer->tracks.traces) {
		finish(importer, CLI_OK);
	}
}

/* -- streams -- */
static uint32_t on_archive(struct cl_subscription *subscription, const struct wire_records *records, uint32_t bytes) {
	struct importer *importer = subscription->context;
	struct cl_record archived, record;
	struct cli_copy copy;
	cl_arena_reset(&importer->turn);
	for (uint32_t i = 0; i < records->records.n && !importer->done; i++) {
		int code = cl_record_decode(records->records.v[i].record, &archived);
		if (code == CL_OK && cli_copy_open(&archived, &copy) == CL_OK) {
			code = cl_record_decode(copy.bytes, &record);
			if (code == CL_OK)
				code = import_tracks_archive(&importer->tracks, &record, &importer->turn);
		}
		if (code != CL_OK) {
			cli_error(importer->cli, CL_TEXT_CLI_OTHER_VERSION, CLI_NO_ARGS);
			finish(importer, CLI_FAILED);
		}
	}
	if (records->records.n)
		moved(importer);
	check_end(importer);
	return bytes;
}

static void ended(struct cl_subscription *subscription, const struct wire_subscription_ended *message) {
	struct importer *importer = subscription->context;
	const struct cli *cli = importer->cli;
	cli_error(cli, CL_TEXT_CLI_STREAM_ENDED,
	          CLI_ARGS(cli_enum_text(cli, &cl_enum_wire_status, message->status), cli_num(cli, subscription->upto),
	                   cli_num(cli, message->head)));
	finish(importer, CLI_FAILED);
}

/* All events of cases, without the rest of the archive. */
static const uint8_t case_types[] = {
#define TYPE(name) (uint8_t)(CL_T_##name >> 8), (uint8_t)(CL_T_##name)
        TYPE(case_opened),   TYPE(case_noted),         TYPE(case_worked),
        TYPE(case_assessed), TYPE(case_assigned),      TYPE(case_waiting),
        TYPE(case_held),     TYPE(case_proposed),      TYPE(case_reminded),
        TYPE(case_agreed),   TYPE(case_disagreed),     TYPE(case_closed),
        TYPE(case_reopened), TYPE(case_history_noted), TYPE(case_history_imported),
};
static const uint8_t flow_types[] = {TYPE(case_opened), TYPE(case_history_imported)};
#undef TYPE

/* A first import watches from the archive's present head on. Where cases of the source were there before, their events
 * lie anywhere: the archive is read from its start once the file is known. */
static void follow_archive(struct importer *importer) {
	importer->archive = (struct cl_subscription){.types = {case_types, sizeof(case_types)},
	                                             .credit = CREDIT,
	                                             .on_records = on_archive,
	                                             .on_ended = ended,
	                                             .context = importer};
	importer->archive_followed = true;
	if (cl_client_follow(importer->cli->client, &importer->archive, CL_REPORTING, 0,
	                     importer->had_some ? 0 : importer->archive_head, (struct cl_hash){{0}}) != CL_OK)
		finish(importer, CLI_FAILED);
}

static void caught_up(struct importer *importer) {
	importer->catching_up = false;
	if (!importer->had_some)
		follow_archive(importer);
	moved(importer);
	uv_idle_start(&importer->idle, on_idle);
}

static uint32_t on_support(struct cl_subscription *subscription, const struct wire_records *records, uint32_t bytes) {
	struct importer *importer = subscription->context;
	uint32_t at = (uint32_t)(subscription - importer->support);
	cl_arena_reset(&importer->turn);
	for (uint32_t i = 0; i < records->records.n && !importer->done; i++) {
		struct cl_record record;
		if (cl_record_decode(records->records.v[i].record, &record) != CL_OK)
			continue;
		struct import_trace_track *track = import_tracks_support(&importer->tracks, &record, &importer->turn);
		struct flight *flight = track ? cl_map_get(&importer->flights, 0, track->request) : NULL;
		importer->had_some |= track && importer->catching_up;
		if (flight && record.type == CL_T_case_opened)
			send_rows(flight);
	}
	if (records->records.n)
		moved(importer);
	if (importer->support_head[at] && subscription->upto >= importer->support_head[at]) {
		importer->support_head[at] = 0;
		if (++importer->support_there == importer->support_n)
			caught_up(importer);
	}
	return bytes;
}

static int head_of(struct cli *cli, uint32_t service, uint32_t partition, uint64_t *ret_head) {
	struct cl_str json;
	int result = cli_query(cli, service, partition, "status", NULL, 0, 0, false, &json);
	if (result != CLI_OK)
		return result;
	json_t *status = json_loadb(json.p, json.n, 0, NULL);
	*ret_head = (uint64_t)json_integer_value(json_object_get(json_object_get(status, "head"), "seq"));
	json_decref(status);
	return *ret_head ? CLI_OK : CLI_FAILED;
}

static int follow_support(struct importer *importer) {
	struct cli *cli = importer->cli;
	importer->support_n = cl_client_partitions(cli->client, CL_SUPPORT);
	importer->support = cl_arena_array(cli->arena, struct cl_subscription, importer->support_n);
	importer->support_head = cl_arena_array(cli->arena, uint64_t, importer->support_n);
	importer->catching_up = true;
	int result = head_of(cli, CL_REPORTING, 0, &importer->archive_head);
	for (uint32_t p = 0; p < importer->support_n && result == CLI_OK; p++)
		result = head_of(cli, CL_SUPPORT, p, &importer->support_head[p]);
	for (uint32_t p = 0; p < importer->support_n && result == CLI_OK; p++) {
		importer->support[p] = (struct cl_subscription){.types = {flow_types, sizeof(flow_types)},
		                                                .credit = CREDIT,
		                                                .on_records = on_support,
		                                                .on_ended = ended,
		                                                .context = importer};
		if (cl_client_follow(cli->client, &importer->support[p], CL_SUPPORT, p, 0, (struct cl_hash){{0}}) !=
		    CL_OK)
			result = CLI_FAILED;
	}
	return result;
}

/* -- the bar, patience, Ctrl-C -- */
static void draw_bar(const struct importer *importer) {
	static const char full[] = "##############################", empty[] = "..............................";
	const struct cli *cli = importer->cli;
	uint64_t read, total;
	import_progress(importer->import, &read, &total);
	uint64_t cases = importer->tracks.traces, complete = importer->tracks.complete;
	/* Half of the way is reading, half is the archive. */
	uint64_t percent =
	        (total ? read * 50 / total : 50) + (cases ? complete * (total ? read * 50 / total : 50) / cases : 0);
	int n = (int)(percent * BAR_WIDTH / 100);
	char text[512];
	snprintf(text, sizeof(text), "[%.*s%.*s]", n, full, BAR_WIDTH - n, empty);
	/* Ten times a second for minutes: the line's words must not pile up. */
	struct cli line = *cli;
	struct cl_arena arena;
	cl_arena_init(&arena, 1024);
	line.arena = &arena;
	fprintf(stderr, "\r\033[K%s",
	        cli_text(&line, CL_TEXT_CLI_IMPORT_BAR,
	                 CLI_ARGS(text, cli_fmt(&line, "%" PRIu64, percent), cli_num(&line, complete),
	                          cli_num(&line, importer->tracks.archived_events))));
	cl_arena_done(&arena);
	fflush(stderr);
}

static void on_tick(uv_timer_t *timer) {
	struct importer *importer = timer->data;
	struct cli *cli = importer->cli;
	if (importer->bar)
		draw_bar(importer);
	if (importer->done || uv_now(timer->loop) - importer->moved_ms < importer->stuck_ms)
		return;
	if (importer->bar)
		fputs("\r\033[K", stderr);
	cli_error(cli, CL_TEXT_CLI_IMPORT_STUCK,
	          CLI_ARGS(cli_num(cli, importer->stuck_ms / 1000),
	                   cli_num(cli, importer->tracks.traces - importer->tracks.complete)));
	finish(importer, CLI_FAILED);
}

static void on_signal(uv_signal_t *handle, int number) {
	struct importer *importer = handle->data;
	(void)number;
	if (importer->bar)
		fputs("\r\033[K", stderr);
	cli_error(importer->cli, CL_TEXT_CLI_IMPORT_STOPPED, CLI_NO_ARGS);
	finish(importer, CLI_FAILED);
}

static void start_handles(struct importer *importer) {
	uv_loop_t *loop = cli_loop(importer->cli);
	importer->idle.data = importer->tick.data = importer->on_int.data = importer->on_term.data = importer;
	int code = uv_idle_init(loop, &importer->idle) | uv_timer_init(loop, &importer->tick) |
	           uv_signal_init(loop, &importer->on_int) | uv_signal_init(loop, &importer->on_term);
	CL_ASSERT(code == 0);
	code = uv_timer_start(&importer->tick, on_tick, BAR_MS, BAR_MS) |
	       uv_signal_start(&importer->on_int, on_signal, SIGINT) |
	       uv_signal_start(&importer->on_term, on_signal, SIGTERM);
	CL_ASSERT(code == 0);
}

static void stop_everything(struct importer *importer) {
	struct cli *cli = importer->cli;
	uv_handle_t *const handles[] = {(uv_handle_t *)&importer->idle, (uv_handle_t *)&importer->tick,
	                                (uv_handle_t *)&importer->on_int, (uv_handle_t *)&importer->on_term};
	for (uint32_t p = 0; p < importer->support_n; p++)
		cl_client_unfollow(cli->client, &importer->support[p]);
	if (importer->archive_followed)
		cl_client_unfollow(cli->client, &importer->archive);
	for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
		uv_close(handles[i], NULL);
	uv_run(cli_loop(cli), UV_RUN_NOWAIT);
	uv_run(cli_loop(cli), UV_RUN_NOWAIT);
	if (importer->bar)
		fputs("\r\033[K", stderr);
}

/* Lists and searches follow the archive a moment later; whoever looks right after an import shall find it all. Any
 * position will do: the answer waits until the archive's present head is shown. It is no part of the account if it does
 * not come. */
static void wait_for_lists(struct cli *cli) {
	struct wire_pair position = {CL_STR("archived_at_least"), CL_STR("support/0:1")};
	struct cl_str json;
	if (cli_query(cli, CL_REPORTING, 0, "min_seq", &position, 1, LISTS_TIMEOUT_MS, true, &json) != CLI_OK)
		cli_error(cli, CL_TEXT_CLI_IMPORT_LISTS, CLI_NO_ARGS);
}

static int run(struct importer *importer) {
	struct cli *cli = importer->cli;
	int result = cli_connect(cli);
	if (result != CLI_OK)
		return result;
	cl_map_init(&importer->flights);
	cl_arena_init(&importer->turn, 1 << 16);
	moved(importer);
	start_handles(importer);
	result = follow_support(importer);
	if (result == CLI_OK) {
		cli_run_until(cli, &importer->done);
		importer->result.ns = uv_hrtime() - importer->began_ns;
		result = importer->code;
	}
	importer->done = true; /* answers that come while the client closes find nothing to do */
	stop_everything(importer);
	if (result == CLI_OK)
		wait_for_lists(cli);
	if (result == CLI_OK)
		result = import_report(cli, &importer->tracks, &importer->result);
	return result;
}

/* Nothing is sent: is the file sound, does the map know all of it? */
static int check_only(struct importer *importer) {
	const struct import_trace *trace;
	struct import_error error = {0};
	do {
		if (import_next(importer->import, &trace, &error) != CL_OK) {
			import_failed(importer, &error);
			return CLI_CHECK_FAILED;
		}
		if (trace)
			import_tracks_read(&importer->tracks, trace);
	} while (trace);
	import_error_done(&error);
	cli_say(importer->cli, CL_TEXT_CLI_IMPORT_CHECKED,
	        CLI_ARGS(cli_num(importer->cli, importer->tracks.traces),
	                 cli_num(importer->cli, importer->tracks.rows)));
	return CLI_OK;
}

static int open_source(struct importer *importer, const char *map_file) {
	struct import_error error = {0};
	if (import_map_open(map_file, &importer->map, &error) != CL_OK) {
		import_failed(importer, &error);
		return CLI_USAGE;
	}
	import_error_done(&error);
	if (import_open(importer->cli->args[0], importer->map, &importer->import, &error) != CL_OK) {
		import_failed(importer, &error);
		return CLI_FAILED;
	}
	import_error_done(&error);
	return CLI_OK;
}

int cli_cmd_import(struct cli *cli) {
	struct importer *importer = cl_arena_new(cli->arena, struct importer);
	const char *map_file = cli_opt(cli, "map");
	uint64_t window, stuck_s;
	*importer = (struct importer){.cli = cli, .began_ns = uv_hrtime(), .bar = isatty(STDERR_FILENO) && !cli->quiet};
	if (!map_file) {
		cli_error(cli, CL_TEXT_CLI_IMPORT_NO_MAP, CLI_NO_ARGS);
		return CLI_USAGE;
	}
	if (!cli_opt_u64(cli, "window", WINDOW_DEFAULT, WINDOW_MAX, &window) ||
	    !cli_opt_u64(cli, "timeout", STUCK_DEFAULT_S, 86400, &stuck_s))
		return CLI_USAGE;
	importer->window = window ? (uint32_t)window : 1;
	importer->stuck_ms = stuck_s * 1000;
	import_tracks_init(&importer->tracks);
	int result = open_source(importer, map_file);
	if (result == CLI_OK)
		result = cli_flag(cli, "check") ? check_only(importer) : run(importer);
	if (importer->import)
		import_close(importer->import);
	if (importer->map)
		import_map_close(importer->map);
	import_tracks_done(&importer->tracks);
	cl_map_done(&importer->flights);
	cl_arena_done(&importer->turn);
	for (struct flight *flight = importer->made; flight; flight = flight->next_made)
		cl_arena_done(&flight->arena);
	return result;
}
