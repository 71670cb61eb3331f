/* careloop contact, case, work, report: what the people of the department do, and see. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "actor/domain.h"
#include "commands.h"
#include "intake/intake.h"

/* -- commands -- */
int cli_cmd_contact_add(struct cli *cli) {
	struct contact_register body = {.channel = CHANNEL_PHONE};
	int result = cli_fill(cli, &cl_schema_contact_register, &body);
	if (result == CLI_OK)
		result = cli_connect(cli);
	if (result != CLI_OK)
		return result;
	struct cl_id target = body.source_key.n ? intake_request_id(body.source_key) : cl_client_new_id(cli->client);
	struct cli_outcome outcome = cli_send(cli, CL_KIND_REQUEST, target, 0, CL_T_contact_register, &body);
	return cli_tell_outcome(cli, &outcome, "");
}

int cli_cmd_on_slip(struct cli *cli) {
	const struct cl_schema *schema = cli->command->schema;
	void *body = cl_arena_alloc(cli->arena, schema->size);
	const char *number;
	struct cl_id id;
	int result = cli_slip(cli, cli->args[0], &number, &id);
	if (result == CLI_OK)
		result = cli_fill(cli, schema, body);
	if (result == CLI_OK)
		result = cli_connect(cli);
	if (result != CLI_OK)
		return result;
	struct cli_outcome outcome = cli_send(cli, cli->command->kind, id, 0, schema->type, body);
	return cli_tell_outcome(cli, &outcome, number);
}

int cli_cmd_request_reclassify(struct cli *cli) {
	struct request_reclassify body = {0};
	struct cli_actor actor;
	struct cli_view view = {0};
	const char *number;
	struct cl_id id;
	int result = cli_slip(cli, cli->args[0], &number, &id);
	if (result == CLI_OK)
		result = cli_fill(cli, &cl_schema_request_reclassify, &body);
	if (result == CLI_OK)
		result = cli_connect(cli);
	if (result == CLI_OK) /* the case knows the request that its slip was made for */
		result = cli_get(cli, CL_KIND_CASE, id, &view, number, &actor);
	if (result != CLI_OK)
		return result;
	const struct case_state *state = actor.state;
	struct cli_outcome outcome =
	        cli_send(cli, CL_KIND_REQUEST, state->request_id, 0, CL_T_request_reclassify, &body);
	return cli_tell_outcome(cli, &outcome, number);
}

/* -- one case -- */
struct timeline_row {
	struct cl_record record;
	const struct cl_schema *schema;
	const void *body;
	struct cl_hash hash;
	uint32_t service;
	uint32_t order; /* as told: the last resort of sorting */
};
struct timeline {
	struct timeline_row *v;
	uint32_t n, cap;
};

static void timeline_add(struct cli *cli, struct timeline *timeline, const struct cli_actor *actor, uint32_t service) {
	for (uint32_t i = 0; i < actor->history_n; i++) {
		struct timeline_row row = {.service = service, .hash = actor->history[i].hash, .order = timeline->n};
		if (cl_record_decode(actor->history[i].record, &row.record) != CL_OK)
			continue;
		row.schema = cl_schema_by_type(row.record.type);
		if (!row.schema || cl_decode_version(row.record.type, row.record.version, row.record.payload,
		                                     cli->arena, &row.body, NULL) != CL_OK)
			row.schema = NULL;
		if (timeline->n == timeline->cap) {
			timeline->cap = timeline->cap ? timeline->cap * 2 : 64;
			struct timeline_row *grown = cl_arena_array(cli->arena, struct timeline_row, timeline->cap);
			if (timeline->n)
				memcpy(grown, timeline->v, sizeof(*grown) * timeline->n);
			timeline->v = grown;
		}
		timeline->v[timeline->n++] = row;
	}
}

static int by_time(const void *a, const void *b) {
	const struct timeline_row *x = a, *y = b;
	if (x->record.occurred_ms != y->record.occurred_ms)
		return x->record.occurred_ms < y->record.occurred_ms ? -1 : 1;
	if (x->record.recorded_ms != y->record.recorded_ms)
		return x->record.recorded_ms < y->record.recorded_ms ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* How queues spoke about a work item is no part of its story for people (it is in --json). */
static bool shown(uint16_t type) {
	return type != CL_T_queue_requested && type != CL_T_queue_released;
}

/* What the slip above says already is not said again. */
static const char *detail(const struct cli *cli, const struct timeline_row *row) {
	bool said = row->record.type == CL_T_slip_created || row->record.type == CL_T_contact_registered;
	return row->schema && !said ? cli_event_detail(cli, row->schema, row->body) : "";
}

static void show_timeline(struct cli *cli, const struct timeline *timeline) {
	struct cli_table table;
	cli_table_init(&table, cli);
	cli_table_column(&table, CL_TEXT_CLI_H_OCCURRED, false);
	cli_table_column(&table, CL_TEXT_CLI_H_WHAT, false);
	cli_table_column(&table, CL_TEXT_CLI_H_WHO, false);
	cli_table_column(&table, CL_TEXT_CLI_H_DETAIL, false);
	table.shrink = 3;
	for (uint32_t i = 0; i < timeline->n; i++) {
		const struct timeline_row *row = &timeline->v[i];
		const char *title = cli_event_title(cli, row->record.type);
		if (shown(row->record.type))
			cli_table_row(&table, CLI_ARGS(cli_when(cli, row->record.occurred_ms), title ? title : "?",
			                               cli_safe(cli, row->record.who), detail(cli, row)));
	}
	cli_table_print(&table, stdout);
}

static void form_line(const struct cli *cli, enum cl_text label, const char *value) {
	if (*value)
		printf("  %s%*s %s\n", cl_text(label, cli->lang), (int)(24 - cli_width(cl_text(label, cli->lang))), "",
		       value);
}

/* As the slip on paper: number, who received it, the customer, the description, the handling. */
static void show_slip(const struct cli *cli, const struct case_state *s) {
	printf("%s\n", cl_text(CL_TEXT_CLI_SLIP_TITLE, cli->lang));
	form_line(cli, CL_TEXT_CLI_L_number, cli_safe(cli, s->number));
	form_line(cli, CL_TEXT_CLI_L_title, cli_safe(cli, s->title));
	form_line(cli, CL_TEXT_CLI_L_status, cli_enum_text(cli, &cl_enum_case_status, s->status));
	printf("%s\n", cl_text(CL_TEXT_CLI_SLIP_RECEIVED, cli->lang));
	form_line(cli, CL_TEXT_CLI_L_received_by, cli_safe(cli, s->received_by));
	form_line(cli, CL_TEXT_CLI_L_received_at, cli_when(cli, s->received_at));
	form_line(cli, CL_TEXT_CLI_L_channel, cli_enum_text(cli, &cl_enum_channel, s->channel));
	printf("%s\n", cl_text(CL_TEXT_CLI_SLIP_CUSTOMER, cli->lang));
	form_line(cli, CL_TEXT_CLI_L_customer_name, cli_safe(cli, s->customer_name));
	form_line(cli, CL_TEXT_CLI_L_phone, cli_safe(cli, s->phone));
	form_line(cli, CL_TEXT_CLI_L_email, cli_safe(cli, s->email));
	form_line(cli, CL_TEXT_CLI_L_source_key, cli_safe(cli, s->source_key));
	printf("%s\n", cl_text(CL_TEXT_CLI_SLIP_DESCRIPTION, cli->lang));
	form_line(cli, CL_TEXT_CLI_L_description, cli_safe(cli, s->description));
	form_line(cli, CL_TEXT_CLI_L_product, cli_safe(cli, s->product));
	form_line(cli, CL_TEXT_CLI_L_quantity, s->quantity ? cli_num(cli, s->quantity) : "");
	form_line(cli, CL_TEXT_CLI_L_category, cli_enum_text(cli, &cl_enum_category, s->category));
	form_line(cli, CL_TEXT_CLI_L_urgency, cli_enum_text(cli, &cl_enum_level, s->urgency));
	form_line(cli, CL_TEXT_CLI_L_priority, cli_enum_text(cli, &cl_enum_level, s->priority));
	printf("%s\n", cl_text(CL_TEXT_CLI_SLIP_HANDLING, cli->lang));
	form_line(cli, CL_TEXT_CLI_L_department, cli_safe(cli, s->department));
	form_line(cli, CL_TEXT_CLI_L_person, cli_safe(cli, s->person));
	form_line(cli, CL_TEXT_CLI_L_due_at, cli_when(cli, s->due_at));
	form_line(cli, CL_TEXT_CLI_L_proposal, cli_safe(cli, s->proposal));
	form_line(cli, CL_TEXT_CLI_L_until, cli_when(cli, s->deadline));
	form_line(cli, CL_TEXT_CLI_L_order_status, cli_enum_text(cli, &cl_enum_order_status, s->order_status));
	form_line(cli, CL_TEXT_CLI_L_outcome, cli_enum_text(cli, &cl_enum_close_outcome, s->outcome));
	form_line(cli, CL_TEXT_CLI_L_result, cli_safe(cli, s->result));
	form_line(cli, CL_TEXT_CLI_L_closed_at, cli_when(cli, s->closed_at));
}

static void case_json(struct cli *cli, const struct cli_actor *actor, const struct timeline *timeline) {
	struct cl_buf out;
	cl_buf_init(&out);
	cl_buf_printf(&out, "{\"version\":%" PRIu32 ",\"state\":", actor->version);
	cl_json_write(actor->schema, actor->state, 0, &out);
	cl_buf_puts(&out, ",\"timeline\":[");
	for (uint32_t i = 0; i < timeline->n; i++) {
		const struct timeline_row *row = &timeline->v[i];
		if (i)
			cl_buf_putc(&out, ',');
		/* The partition of each is its own business here: one story. */
		cl_event_json(cli->arena, &row->record, row->hash, 0, row->service, UINT32_MAX, &out);
	}
	cl_buf_puts(&out, "]}\n");
	fwrite(out.p, 1, out.n, stdout);
	cl_buf_done(&out);
}

/* Its story is told by four services: each actor of the slip says its part. */
static void gather(struct cli *cli, const struct cli_view *view, struct cl_id id, const struct cli_actor *actor,
                   struct timeline *timeline) {
	const struct case_state *state = actor->state;
	struct cli_actor other;
	if (!cl_id_zero(state->request_id) &&
	    cli_get(cli, CL_KIND_REQUEST, state->request_id, view, NULL, &other) == CLI_OK)
		timeline_add(cli, timeline, &other, CL_INTAKE);
	if (cli_get(cli, CL_KIND_WORK_ITEM, id, view, NULL, &other) == CLI_OK)
		timeline_add(cli, timeline, &other, CL_ROUTING);
	timeline_add(cli, timeline, actor, CL_SUPPORT);
	if (state->order_status && cli_get(cli, CL_KIND_ORDER, id, view, NULL, &other) == CLI_OK)
		timeline_add(cli, timeline, &other, CL_ORDER);
	if (timeline->n)
		qsort(timeline->v, timeline->n, sizeof(*timeline->v), by_time);
}

int cli_cmd_case_show(struct cli *cli) {
	struct cli_view view = {.history = true};
	struct timeline timeline = {0};
	struct cli_actor actor;
	const char *number;
	struct cl_id id;
	if (!cli_opt_time(cli, "as-of", 0, &view.as_of) || !cli_opt_time(cli, "known-at", 0, &view.known_at))
		return CLI_USAGE;
	int result = cli_slip(cli, cli->args[0], &number, &id);
	if (result == CLI_OK)
		result = cli_connect(cli);
	if (result == CLI_OK)
		result = cli_get(cli, CL_KIND_CASE, id, &view, number, &actor);
	if (result != CLI_OK)
		return result;
	gather(cli, &view, id, &actor, &timeline);
	if (cli->json) {
		case_json(cli, &actor, &timeline);
		return CLI_OK;
	}
	if (view.as_of || view.known_at)
		cli_say(cli, view.as_of ? CL_TEXT_CLI_AS_OF : CL_TEXT_CLI_KNOWN_AT,
		        CLI_ARGS(cli_when(cli, view.as_of ? view.as_of : view.known_at)));
	show_slip(cli, actor.state);
	if (timeline.n) {
		printf("\n%s\n", cl_text(CL_TEXT_CLI_TIMELINE, cli->lang));
		show_timeline(cli, &timeline);
	}
	return CLI_OK;
}
