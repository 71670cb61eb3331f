/* What each event means to the read model: the fold. Pure in its input: the same archive gives the same rows. */
#include "model_int.h"

#include "base/assert.h"
#include "codec.h"
#include "search_text.h"
#include "source_key.h"
#include "text.h"

/* -- the timeline -- */

/* The slip travels within two other events; the timeline shows it once. */
static void without_slip(const struct model_event *event, struct cl_buf *out) {
	if (event->record.type == CL_T_item_routed) {
		struct item_routed body = *(const struct item_routed *)event->body;
		body.slip = (struct slip_created){.number = body.slip.number};
		cl_json_write(event->schema, &body, 0, out);
	} else if (event->record.type == CL_T_case_opened) {
		struct case_opened body = *(const struct case_opened *)event->body;
		body.slip = (struct slip_created){.number = body.slip.number};
		cl_json_write(event->schema, &body, 0, out);
	} else {
		cl_json_write(event->schema, event->body, 0, out);
	}
}

static void put_timeline(struct reporting_model *model, const struct model_event *event, uint64_t no) {
	sqlite3_stmt *stmt = model->stmts[STMT_TIMELINE];
	cl_buf_clear(&model->json);
	without_slip(event, &model->json);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)event->seq);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)no);
	sqlite3_bind_text(stmt, 3, cl_service_name(event->source->service), -1, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 4, (int)event->source->partition);
	sqlite3_bind_int64(stmt, 5, (sqlite3_int64)event->source->seq);
	sqlite3_bind_text(stmt, 6, event->schema->name, -1, SQLITE_STATIC);
	model_bind_time(stmt, 7, event->record.occurred_ms);
	model_bind_time(stmt, 8, event->record.recorded_ms);
	model_bind_str(stmt, 9, event->record.who);
	model_bind_str(stmt, 10, (struct cl_str){(const char *)model->json.p, (uint32_t)model->json.n});
	model_run(model, STMT_TIMELINE);
}

/* -- intake -- */

static void put_search(struct reporting_model *model, uint64_t no, const struct slip_created *slip) {
	struct cl_buf *text = &model->text;
	cl_buf_clear(text);
	reporting_text_index(slip->title, text);
	reporting_text_index(slip->customer_name, text);
	reporting_text_index(slip->product, text);
	reporting_text_index(slip->email, text);
	reporting_text_digits(slip->phone, text);
	/* The last part of the number, so that 123 finds PTN-2026-000123; the whole is looked up by its index. */
	struct cl_str tail = slip->number;
	for (uint32_t i = 0; i < slip->number.n; i++)
		if (slip->number.p[i] == '-')
			tail = (struct cl_str){slip->number.p + i + 1, slip->number.n - i - 1};
	reporting_text_digits(tail, text);
	sqlite3_stmt *stmt = model->stmts[STMT_SEARCH];
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)no);
	model_bind_str(stmt, 2, (struct cl_str){(const char *)text->p, (uint32_t)text->n});
	model_run(model, STMT_SEARCH);
}

static void put_case(struct reporting_model *model, uint64_t no, const struct slip_created *slip,
                     struct cl_str source) {
	sqlite3_stmt *stmt = model->stmts[STMT_CASE_NEW];
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)no);
	model_bind_str(stmt, 2, slip->number);
	model_bind_id(stmt, 3, slip->slip_id);
	model_bind_id(stmt, 4, slip->request_id);
	model_bind_id(stmt, 5, slip->customer_id);
	model_bind_str(stmt, 6, slip->title);
	model_bind_str(stmt, 7, slip->customer_name);
	model_bind_str(stmt, 8, slip->phone);
	model_bind_str(stmt, 9, slip->email);
	model_bind_code(stmt, 10, &cl_enum_channel, slip->channel);
	model_bind_str(stmt, 11, slip->product);
	sqlite3_bind_int64(stmt, 12, slip->quantity);
	model_bind_str(stmt, 13, slip->received_by);
	model_bind_time(stmt, 14, slip->received_at);
	sqlite3_bind_int(stmt, 15, slip->imported);
	model_bind_str(stmt, 16, source);
	model_bind_str(stmt, 17, slip->source_key);
	model_run(model, STMT_CASE_NEW);
}

static void on_slip(struct reporting_model *model, const struct model_event *event, uint64_t no) {
	const struct slip_created *slip = event->body;
	struct model_pending *pending = model_case(model, no);
	if (pending->row.known)
		return; /* a request has one slip */
	struct cl_str source = slip->imported ? reporting_source_of(slip->source_key) : (struct cl_str){NULL, 0};
	pending->row = (struct reporting_row){
	        .received_at = slip->received_at,
	        .status = CASE_OPEN,
	        .category = (uint8_t)slip->category,
	        .priority = (uint8_t)slip->priority,
	        .known = true,
	};
	if (source.n)
		pending->source = cl_arena_str(&model->turn, source);
	model_tally(model, pending, "cases", 1);
	put_case(model, no, slip, source);
	put_search(model, no, slip);
	model_name(model, slip->slip_id, no);
}

static void on_customer(struct reporting_model *model, const struct model_event *event) {
	sqlite3_stmt *stmt = model->stmts[STMT_CUSTOMER];
	const struct customer_opened *body = event->body;
	model_bind_id(stmt, 1, event->record.aggregate);
	model_bind_str(stmt, 2, body->name);
	model_bind_str(stmt, 3, body->phone);
	model_bind_str(stmt, 4, body->email);
	model_bind_time(stmt, 5, event->record.occurred_ms);
	model_run(model, STMT_CUSTOMER);
}

static void put_into(struct reporting_model *model, const struct model_event *event, struct cl_id into) {
	sqlite3_stmt *stmt = model->stmts[STMT_CUSTOMER_INTO];
	model_bind_id(stmt, 1, event->record.aggregate);
	model_bind_id(stmt, 2, into);
	model_run(model, STMT_CUSTOMER_INTO);
}

/* -- routing -- */

static void set_department(struct reporting_model *model, struct model_pending *pending, struct cl_str department) {
	if (department.n && !cl_str_eq(model_department(model, pending), department))
		pending->department = cl_arena_str(&model->turn, department);
}

/* Empty: nobody has it. */
static void set_person(struct reporting_model *model, struct model_pending *pending, struct cl_str person) {
	if (cl_str_eq(model_person(model, pending), person))
		return;
	pending->row.person = 0;
	pending->person = person.n ? cl_arena_str(&model->turn, person) : person;
}

/* -- support -- */

static void responded(struct model_pending *pending, const struct model_event *event) {
	if (!pending->row.first_response_at)
		pending->row.first_response_at = event->record.occurred_ms;
}

/* While a case is open, resolved_at is set when the customer has agreed. */
static void on_worked(struct reporting_model *model, struct model_pending *pending, const struct model_event *event) {
	const struct case_worked *body = event->body;
	if (!model_person(model, pending).n)
		set_person(model, pending, body->person);
	pending->row.status = pending->row.resolved_at ? CASE_AGREED : CASE_WORKING;
}

static void on_closed(struct model_pending *pending, const struct model_event *event) {
	const struct case_closed *body = event->body;
	responded(pending, event);
	pending->row.status = CASE_CLOSED;
	pending->row.closed_at = event->record.occurred_ms;
	if (!pending->row.resolved_at)
		pending->row.resolved_at = event->record.occurred_ms;
	pending->row.outcome = (uint8_t)body->outcome;
}

static void on_reopened(struct model_pending *pending) {
	pending->row.status = CASE_WORKING;
	pending->row.closed_at = pending->row.resolved_at = 0;
	pending->row.reopened++;
	pending->row.outcome = close_outcome_UNSET;
}

static void on_assigned(struct reporting_model *model, struct model_pending *pending, const struct model_event *event) {
	const struct case_assigned *body = event->body;
	if (body->ask)
		return; /* routing will say who */
	set_department(model, pending, body->department);
	set_person(model, pending, body->person);
}

static void on_history_note(struct reporting_model *model, struct model_pending *pending,
                            const struct model_event *event) {
	const struct case_history_noted *body = event->body;
	const struct cl_enum_value *act = cl_enum_find(&cl_enum_case_act, body->act);
	const char *reason = body->reason ? cl_reject_name(body->reason) : NULL;
	struct cl_str source = pending->source.n ? pending->source
	                                         : reporting_names_text(&model->columns.sources, pending->row.source);
	if (!source.n)
		return;
	sqlite3_stmt *stmt = model->stmts[STMT_NOTE];
	model_bind_str(stmt, 1, source);
	model_bind_str(stmt, 2, body->activity);
	model_bind_str(stmt, 3, cl_str_from(act ? act->code : NULL));
	/* Not NULL: the key must be equal for equal notes. */
	sqlite3_bind_text(stmt, 4, reason ? reason : "", -1, SQLITE_STATIC);
	model_run(model, STMT_NOTE);
}

static void on_history(struct reporting_model *model, struct model_pending *pending, const struct model_event *event) {
	const struct case_history_imported *body = event->body;
	model_tally(model, pending, "rows", (int64_t)body->changed + body->noted);
	model_tally(model, pending, "changed", body->changed);
	model_tally(model, pending, "noted", body->noted);
	model_tally(model, pending, "refused", body->refused);
}

static void on_support(struct reporting_model *model, struct model_pending *pending, const struct model_event *event) {
	struct reporting_row *row = &pending->row;
	switch (event->record.type) {
	case CL_T_case_opened:
		row->opened_at = event->record.occurred_ms;
		row->due_at = ((const struct case_opened *)event->body)->due_at;
		set_department(model, pending, ((const struct case_opened *)event->body)->department);
		break;
	case CL_T_case_worked:
		on_worked(model, pending, event);
		break;
	case CL_T_case_assessed:
		row->priority = (uint8_t)((const struct case_assessed *)event->body)->priority;
		break;
	case CL_T_case_assigned:
		on_assigned(model, pending, event);
		break;
	case CL_T_case_waiting:
		row->status = CASE_WAITING;
		responded(pending, event);
		break;
	case CL_T_case_held:
		row->status = CASE_ON_HOLD;
		break;
	case CL_T_case_proposed:
		row->status = CASE_PROPOSED;
		row->resolved_at = 0;
		responded(pending, event);
		break;
	case CL_T_case_agreed:
		row->status = CASE_AGREED;
		row->resolved_at = event->record.occurred_ms;
		break;
	case CL_T_case_disagreed:
		row->status = CASE_WORKING;
		break;
	case CL_T_case_closed:
		on_closed(pending, event);
		break;
	case CL_T_case_reopened:
		on_reopened(pending);
		break;
	case CL_T_case_history_noted:
		on_history_note(model, pending, event);
		break;
	case CL_T_case_history_imported:
		on_history(model, pending, event);
		break;
	}
	model_tally(model, pending, event->schema->name, 1);
}

/* -- order -- */

static void on_order(struct reporting_model *model, const struct model_event *event, uint64_t no) {
	sqlite3_stmt *stmt = model->stmts[STMT_ORDER];
	const struct order_changed *body = event->body;
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)no);
	model_bind_code(stmt, 2, &cl_enum_order_status, body->status);
	model_bind_time(stmt, 3, (int64_t)body->total_vnd); /* absent: as it was */
	model_bind_str(stmt, 4, body->carrier);
	model_bind_str(stmt, 5, body->tracking);
	model_bind_str(stmt, 6, body->note);
	model_bind_time(stmt, 7, event->record.occurred_ms);
	sqlite3_bind_int64(stmt, 8, (sqlite3_int64)event->seq);
	model_run(model, STMT_ORDER);
}

/* -- all -- */

static void on_listed(struct reporting_model *model, const struct model_event *event, uint64_t no) {
	struct model_pending *pending = model_case(model, no);
	struct reporting_row *row = &pending->row;
	CL_ASSERT(row->known);
	row->changed_seq = event->seq;
	switch (event->record.type) {
	case CL_T_request_classified:
		row->category = (uint8_t)((const struct request_classified *)event->body)->category;
		break;
	case CL_T_request_prioritised:
		row->priority = (uint8_t)((const struct request_prioritised *)event->body)->priority;
		break;
	case CL_T_item_routed:
		set_department(model, pending, ((const struct item_routed *)event->body)->department);
		row->due_at = ((const struct item_routed *)event->body)->due_at;
		break;
	case CL_T_item_assigned:
		set_department(model, pending, ((const struct item_assigned *)event->body)->department);
		set_person(model, pending, ((const struct item_assigned *)event->body)->person);
		break;
	case CL_T_item_escalated:
		row->escalated++;
		break;
	case CL_T_order_changed:
		on_order(model, event, no);
		break;
	}
	if (event->record.kind == CL_KIND_CASE)
		on_support(model, pending, event);
}

static void on_case_event(struct reporting_model *model, const struct model_event *event) {
	uint64_t no = model_find(model, event->record.aggregate);
	if (!no) {
		no = model->next_no++;
		model_name(model, event->record.aggregate, no);
	}
	put_timeline(model, event, no);
	if (event->record.type == CL_T_slip_created)
		on_slip(model, event, no);
	if (model_listed(model, no))
		on_listed(model, event, no);
}

void model_apply(struct reporting_model *model, const struct model_event *event) {
	switch (event->record.kind) {
	case CL_KIND_REQUEST:
	case CL_KIND_WORK_ITEM:
	case CL_KIND_ORDER:
	case CL_KIND_CASE:
		if (event->record.type >= 0x0100) /* not the log's own: refusals, acceptances */
			on_case_event(model, event);
		return;
	case CL_KIND_CUSTOMER:
		break;
	}
	switch (event->record.type) {
	case CL_T_customer_opened:
		on_customer(model, event);
		break;
	case CL_T_customer_linked:
		put_into(model, event, ((const struct customer_linked *)event->body)->into);
		break;
	case CL_T_customer_merged:
		put_into(model, event, ((const struct customer_merged *)event->body)->into);
		break;
	case CL_T_customer_unmerged:
		put_into(model, event, (struct cl_id){{0}});
		break;
	}
}
