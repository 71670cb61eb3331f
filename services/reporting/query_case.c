#include "query_int.h"

#include <stdio.h>

#include "base/time.h"

#define REPORT_STEPS_MAX 500
#define ROOT_STEPS_MAX "1000" /* links followed from a customer to whom they are part of */

const char *const query_case_columns =
        "c.number, c.title, c.category, c.priority, c.status, c.department, c.person, c.customer_name, c.phone, "
        "c.email,"
        " c.channel, c.product, c.received_at, c.due_at, c.opened_at, c.first_response_at, c.resolved_at, c.closed_at,"
        " c.outcome, c.imported, c.reopened, c.escalated, c.changed_seq, c.slip_id, c.customer_id, c.received_by, "
        "c.source_key,"
        " c.quantity";

static struct cl_id id_at(sqlite3_stmt *stmt, int column) {
	struct cl_id id = {{0}};
	if (sqlite3_column_bytes(stmt, column) == (int)sizeof(id.b))
		memcpy(id.b, sqlite3_column_blob(stmt, column), sizeof(id.b));
	return id;
}

static void case_members(struct cl_buf *out, sqlite3_stmt *stmt) {
	static const char *const texts[] = {"number", "title",         "category", "priority", "status",  "department",
	                                    "person", "customer_name", "phone",    "email",    "channel", "product"};
	static const char *const times[] = {"received_at",       "due_at",      "opened_at",
	                                    "first_response_at", "resolved_at", "closed_at"};
	for (int i = 0; i < 12; i++)
		json_str(out, texts[i], query_text(stmt, i));
	for (int i = 0; i < 6; i++)
		json_time(out, times[i], sqlite3_column_int64(stmt, 12 + i));
	json_str(out, "outcome", query_text(stmt, 18));
	json_bool(out, "imported", sqlite3_column_int(stmt, 19));
	json_u64(out, "reopened", (uint64_t)sqlite3_column_int64(stmt, 20));
	json_u64(out, "escalated", (uint64_t)sqlite3_column_int64(stmt, 21));
	json_u64(out, "seq", (uint64_t)sqlite3_column_int64(stmt, 22));
	json_id(out, "slip_id", id_at(stmt, 23));
	json_id(out, "customer_id", id_at(stmt, 24));
	json_str(out, "received_by", query_text(stmt, 25));
	json_str(out, "source_key", query_text(stmt, 26));
	if (sqlite3_column_int64(stmt, 27))
		json_u64(out, "quantity", (uint64_t)sqlite3_column_int64(stmt, 27));
}

void query_case_json(struct query_turn *turn, sqlite3_stmt *stmt) {
	cl_buf_putc(&turn->answer->json, '{');
	case_members(&turn->answer->json, stmt);
	cl_buf_putc(&turn->answer->json, '}');
}

uint64_t query_case_no(struct query_turn *turn, struct cl_str number) {
	sqlite3_stmt *stmt = query_prepare(turn, "SELECT no FROM cases WHERE number = ?1");
	if (!stmt)
		return 0;
	model_bind_str(stmt, 1, number);
	int step = sqlite3_step(stmt);
	uint64_t no = step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	if (query_stepped(turn, step) && !no)
		turn->answer->status = WIRE_NOT_FOUND;
	return no;
}

/* -- case_find -- */

/* Whom the customer is part of now. */
static void root_member(struct query_turn *turn, struct cl_id customer) {
	sqlite3_stmt *stmt = query_prepare(
	        turn, "WITH RECURSIVE up(id, depth) AS (SELECT ?1, 0 UNION ALL SELECT k.into_id, up.depth + 1 FROM up"
	              " JOIN customers k ON k.id = up.id WHERE k.into_id IS NOT NULL AND up.depth < " ROOT_STEPS_MAX ")"
	              " SELECT id FROM up ORDER BY depth DESC LIMIT 1");
	if (!stmt)
		return;
	model_bind_id(stmt, 1, customer);
	int step = sqlite3_step(stmt);
	if (step == SQLITE_ROW)
		json_id(&turn->answer->json, "customer_root", id_at(stmt, 0));
	sqlite3_finalize(stmt);
	(void)query_stepped(turn, step);
}

static void order_member(struct query_turn *turn, uint64_t no) {
	struct cl_buf *out = &turn->answer->json;
	sqlite3_stmt *stmt =
	        query_prepare(turn, "SELECT status, carrier, tracking, note, total_vnd, changed_at FROM orders"
	                            " WHERE no = ?1");
	if (!stmt)
		return;
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)no);
	int step = sqlite3_step(stmt);
	if (step == SQLITE_ROW) {
		json_open(out, "order", '{');
		json_str(out, "status", query_text(stmt, 0));
		json_str(out, "carrier", query_text(stmt, 1));
		json_str(out, "tracking", query_text(stmt, 2));
		json_str(out, "note", query_text(stmt, 3));
		json_u64(out, "total_vnd", (uint64_t)sqlite3_column_int64(stmt, 4));
		json_time(out, "changed_at", sqlite3_column_int64(stmt, 5));
		cl_buf_putc(out, '}');
	}
	sqlite3_finalize(stmt);
	(void)query_stepped(turn, step);
}

/* The case's members without the bracket that ends them; its customer in *ret_customer. */
static bool begin_case(struct query_turn *turn, uint64_t no, struct cl_id *ret_customer) {
	struct cl_buf *sql = &turn->reader->text;
	cl_buf_clear(sql);
	cl_buf_printf(sql, "SELECT %s FROM cases c WHERE c.no = ?1", query_case_columns);
	cl_buf_putc(sql, '\0');
	sqlite3_stmt *stmt = query_prepare(turn, (const char *)sql->p);
	if (!stmt)
		return false;
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)no);
	int step = sqlite3_step(stmt);
	if (step == SQLITE_ROW) {
		cl_buf_putc(&turn->answer->json, '{');
		case_members(&turn->answer->json, stmt);
		*ret_customer = id_at(stmt, 24);
	}
	sqlite3_finalize(stmt);
	if (step == SQLITE_DONE)
		turn->answer->status = WIRE_NOT_FOUND;
	return query_stepped(turn, step) && step == SQLITE_ROW;
}

void query_case_find(struct query_turn *turn) {
	struct query_arg args[] = {{.key = "number", .required = true}};
	struct cl_id customer;
	uint64_t no = query_args(turn, args, 1) ? query_case_no(turn, args[0].value) : 0;
	if (!no || !begin_case(turn, no, &customer))
		return;
	root_member(turn, customer);
	order_member(turn, no);
	cl_buf_putc(&turn->answer->json, '}');
}

/* -- timeline -- */

static void timeline_item(struct cl_buf *out, sqlite3_stmt *stmt) {
	json_item(out);
	cl_buf_putc(out, '{');
	json_u64(out, "seq", (uint64_t)sqlite3_column_int64(stmt, 0));
	json_str(out, "service", query_text(stmt, 1));
	json_u64(out, "partition", (uint64_t)sqlite3_column_int64(stmt, 2));
	json_u64(out, "source_seq", (uint64_t)sqlite3_column_int64(stmt, 3));
	json_str(out, "type", query_text(stmt, 4));
	json_time(out, "occurred_at", sqlite3_column_int64(stmt, 5));
	json_time(out, "recorded_at", sqlite3_column_int64(stmt, 6));
	json_str(out, "who", query_text(stmt, 7));
	json_raw(out, "event", query_text(stmt, 8));
	cl_buf_putc(out, '}');
}

/* Writes items until limit or the answer is full. Returns the sequence of the last one; *ret_more: there are others. */
static uint64_t timeline_items(struct query_turn *turn, const char *sql, uint64_t no, uint64_t after, uint64_t limit,
                               void (*item)(struct cl_buf *out, sqlite3_stmt *stmt), bool *ret_more) {
	struct cl_buf *out = &turn->answer->json;
	sqlite3_stmt *stmt = query_prepare(turn, sql);
	uint64_t last = after, n = 0;
	int step;
	*ret_more = false;
	if (!stmt)
		return 0;
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)no);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)after);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (n == limit || out->n >= QUERY_JSON_MAX) {
			*ret_more = true;
			break;
		}
		item(out, stmt);
		last = (uint64_t)sqlite3_column_int64(stmt, 0);
		n++;
	}
	sqlite3_finalize(stmt);
	(void)query_stepped(turn, step);
	return last;
}

void query_timeline(struct query_turn *turn) {
	struct query_arg args[] = {{.key = "number", .required = true}, {.key = "limit"}, {.key = "after"}};
	uint64_t limit = QUERY_LIMIT_DEFAULT, after = 0;
	if (!query_args(turn, args, 3) || !query_number(turn, &args[1], 1, QUERY_LIMIT_MAX, &limit) ||
	    !query_number(turn, &args[2], 0, INT64_MAX, &after))
		return;
	uint64_t no = query_case_no(turn, args[0].value);
	if (!no)
		return;
	struct cl_buf *out = &turn->answer->json;
	bool more;
	cl_buf_putc(out, '{');
	json_str(out, "number", args[0].value);
	json_open(out, "events", '[');
	uint64_t last =
	        timeline_items(turn,
	                       "SELECT seq, service, partition, source_seq, type, occurred_at, recorded_at, who, event"
	                       " FROM timeline WHERE no = ?1 AND seq > ?2 ORDER BY seq",
	                       no, after, limit, timeline_item, &more);
	cl_buf_putc(out, ']');
	if (more)
		json_u64(out, "next", last);
	cl_buf_putc(out, '}');
}

/* -- report: the record's report of A8 -- */

static void report_step(struct cl_buf *out, sqlite3_stmt *stmt) {
	json_item(out);
	cl_buf_putc(out, '{');
	json_u64(out, "seq", (uint64_t)sqlite3_column_int64(stmt, 0));
	json_str(out, "type", query_text(stmt, 1));
	json_time(out, "at", sqlite3_column_int64(stmt, 2));
	json_str(out, "who", query_text(stmt, 3));
	json_str(out, "text", query_text(stmt, 4));
	cl_buf_putc(out, '}');
}

/* A member of the last event of a type that the case has. */
static void last_of(struct query_turn *turn, uint64_t no, const char *key, const char *type, const char *path) {
	sqlite3_stmt *stmt =
	        query_prepare(turn, "SELECT json_extract(event, ?3) FROM timeline WHERE no = ?1 AND type = ?2"
	                            " ORDER BY seq DESC LIMIT 1");
	if (!stmt)
		return;
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)no);
	sqlite3_bind_text(stmt, 2, type, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, path, -1, SQLITE_STATIC);
	int step = sqlite3_step(stmt);
	if (step == SQLITE_ROW)
		json_str(&turn->answer->json, key, query_text(stmt, 0));
	sqlite3_finalize(stmt);
	(void)query_stepped(turn, step);
}

static void report_archive(struct query_turn *turn) {
	const struct reporting_question *question = turn->question;
	struct cl_buf *out = &turn->answer->json;
	json_open(out, "archive", '{');
	json_id(out, "log_id", question->archive_id);
	json_u64(out, "seq", question->archive_head.seq);
	json_hash(out, "hash", question->archive_head.hash);
	cl_buf_putc(out, '}');
	json_time(out, "printed_at", question->now_ms);
}

void query_report(struct query_turn *turn) {
	struct query_arg args[] = {{.key = "number", .required = true}};
	struct cl_buf *out = &turn->answer->json;
	struct cl_id customer;
	bool more;
	uint64_t no = query_args(turn, args, 1) ? query_case_no(turn, args[0].value) : 0;
	if (!no || !begin_case(turn, no, &customer))
		return;
	last_of(turn, no, "description", "slip_created", "$.description");
	last_of(turn, no, "result", "case_closed", "$.result");
	json_open(out, "done", '[');
	/* What people did; how queues and stock served it is in the timeline. */
	(void)timeline_items(
	        turn,
	        "SELECT seq, type, occurred_at, who, coalesce(json_extract(event, '$.text'),"
	        " json_extract(event, '$.result'), json_extract(event, '$.note'), json_extract(event, '$.reason'))"
	        " FROM timeline WHERE no = ?1 AND seq > ?2 AND (service = 'support' OR type IN ('item_assigned',"
	        " 'item_acknowledged', 'item_escalated', 'order_changed', 'slip_created'))"
	        " AND type <> 'case_history_imported' ORDER BY seq",
	        no, 0, REPORT_STEPS_MAX, report_step, &more);
	cl_buf_putc(out, ']');
	json_bool(out, "more", more);
	report_archive(turn);
	cl_buf_putc(out, '}');
}
