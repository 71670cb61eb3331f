/* What one transaction changes of cases and tallies, gathered and written once at its end: a case that twenty events
 * of a batch touch costs one write. */
#include "model_int.h"

#include <stdlib.h>

#include "base/assert.h"

static uint32_t *slot_of(const struct reporting_model *model, uint64_t no) {
	uint64_t mixed = no * 0x9e3779b97f4a7c15u;
	uint32_t at = (uint32_t)(mixed >> 32) & (model->pending_slot_cap - 1);
	while (model->pending_slots[at] && model->pending[model->pending_slots[at] - 1].no != no)
		at = (at + 1) & (model->pending_slot_cap - 1);
	return &model->pending_slots[at];
}

static void grow(struct reporting_model *model) {
	model->pending_cap = model->pending_cap ? model->pending_cap * 2 : 1024;
	model->pending = realloc(model->pending, model->pending_cap * sizeof(*model->pending));
	free(model->pending_slots);
	model->pending_slot_cap = model->pending_cap * 2;
	model->pending_slots = calloc(model->pending_slot_cap, sizeof(*model->pending_slots));
	CL_ASSERT(model->pending && model->pending_slots);
	for (uint32_t i = 0; i < model->pending_n; i++)
		*slot_of(model, model->pending[i].no) = i + 1;
}

struct model_pending *model_case(struct reporting_model *model, uint64_t no) {
	if (model->pending_n == model->pending_cap)
		grow(model);
	uint32_t *slot = slot_of(model, no);
	if (*slot)
		return &model->pending[*slot - 1];
	struct model_pending *pending = &model->pending[model->pending_n];
	const struct reporting_row *row = reporting_columns_row(&model->columns, no);
	*pending = (struct model_pending){.no = no};
	if (row)
		pending->row = *row;
	*slot = ++model->pending_n;
	return pending;
}

bool model_listed(const struct reporting_model *model, uint64_t no) {
	uint32_t slot = model->pending_slot_cap ? *slot_of(model, no) : 0;
	const struct reporting_row *row =
	        slot ? &model->pending[slot - 1].row : reporting_columns_row(&model->columns, no);
	return row && row->known;
}

struct cl_str model_department(const struct reporting_model *model, const struct model_pending *of) {
	return of->department.n ? of->department
	                        : reporting_names_text(&model->columns.departments, of->row.department);
}

struct cl_str model_person(const struct reporting_model *model, const struct model_pending *of) {
	return of->person.n ? of->person : reporting_names_text(&model->columns.persons, of->row.person);
}

static struct cl_str source_of(const struct reporting_model *model, const struct model_pending *of) {
	return of->source.n ? of->source : reporting_names_text(&model->columns.sources, of->row.source);
}

void model_tally(struct reporting_model *model, const struct model_pending *of, const char *what, int64_t n) {
	struct cl_str source = source_of(model, of);
	if (!source.n || !n)
		return;
	for (uint32_t i = model->tally_n; i-- > 0;)
		if (model->tallies[i].what == what && cl_str_eq(model->tallies[i].source_text, source)) {
			model->tallies[i].n += n;
			return;
		}
	if (model->tally_n == model->tally_cap) {
		model->tally_cap = model->tally_cap ? model->tally_cap * 2 : 64;
		model->tallies = realloc(model->tallies, model->tally_cap * sizeof(*model->tallies));
		CL_ASSERT(model->tallies);
	}
	model->tallies[model->tally_n++] = (struct model_tally){.source_text = source, .what = what, .n = n};
}

static void flush_case(struct reporting_model *model, const struct model_pending *pending) {
	sqlite3_stmt *stmt = model->stmts[STMT_CASE_SET];
	const struct reporting_row *row = &pending->row;
	CL_ASSERT(row->known);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)pending->no);
	model_bind_code(stmt, 2, &cl_enum_category, row->category);
	model_bind_code(stmt, 3, &cl_enum_level, row->priority);
	model_bind_code(stmt, 4, &cl_enum_case_status, row->status);
	model_bind_str(stmt, 5, model_department(model, pending));
	model_bind_str(stmt, 6, model_person(model, pending));
	model_bind_time(stmt, 7, row->due_at);
	model_bind_time(stmt, 8, row->opened_at);
	model_bind_time(stmt, 9, row->first_response_at);
	model_bind_time(stmt, 10, row->resolved_at);
	model_bind_time(stmt, 11, row->closed_at);
	model_bind_code(stmt, 12, &cl_enum_close_outcome, row->outcome);
	sqlite3_bind_int(stmt, 13, row->reopened);
	sqlite3_bind_int(stmt, 14, row->escalated);
	sqlite3_bind_int64(stmt, 15, (sqlite3_int64)row->changed_seq);
	model_run(model, STMT_CASE_SET);
}

void model_rows_flush(struct reporting_model *model) {
	for (uint32_t i = 0; i < model->pending_n; i++)
		flush_case(model, &model->pending[i]);
	for (uint32_t i = 0; i < model->tally_n; i++) {
		sqlite3_stmt *stmt = model->stmts[STMT_IMPORT];
		model_bind_str(stmt, 1, model->tallies[i].source_text);
		sqlite3_bind_text(stmt, 2, model->tallies[i].what, -1, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 3, model->tallies[i].n);
		model_run(model, STMT_IMPORT);
	}
}

void model_rows_publish(struct reporting_model *model) {
	struct reporting_columns *columns = &model->columns;
	if (!model->pending_n)
		return;
	pthread_rwlock_wrlock(&columns->lock);
	for (uint32_t i = 0; i < model->pending_n; i++) {
		struct model_pending *pending = &model->pending[i];
		const struct reporting_row *before = reporting_columns_row(columns, pending->no);
		if (pending->person.n)
			pending->row.person = reporting_names_add(&columns->persons, pending->person);
		if (pending->department.n)
			pending->row.department = reporting_names_add(&columns->departments, pending->department);
		if (pending->source.n)
			pending->row.source = reporting_names_add(&columns->sources, pending->source);
		model->stats.cases += pending->row.known && !(before && before->known);
		reporting_columns_set(columns, pending->no, &pending->row);
	}
	pthread_rwlock_unlock(&columns->lock);
}

void model_rows_clear(struct reporting_model *model) {
	for (uint32_t i = 0; i < model->pending_n; i++)
		model->pending[i].no = 0;
	if (model->pending_slots && model->pending_n)
		memset(model->pending_slots, 0, model->pending_slot_cap * sizeof(*model->pending_slots));
	model->pending_n = model->tally_n = 0;
	cl_arena_reset(&model->turn);
}

/* -- at start -- */

static struct cl_str text_at(sqlite3_stmt *stmt, int column) {
	const char *p = (const char *)sqlite3_column_text(stmt, column);
	return (struct cl_str){p, p ? (uint32_t)sqlite3_column_bytes(stmt, column) : 0};
}

static uint8_t code_at(sqlite3_stmt *stmt, int column, const struct cl_enum *en) {
	const struct cl_enum_value *value = cl_enum_by_code(en, text_at(stmt, column));
	return value ? (uint8_t)value->value : 0;
}

static void load_row(struct reporting_model *model, sqlite3_stmt *stmt) {
	struct reporting_columns *columns = &model->columns;
	struct reporting_row row = {
	        .received_at = sqlite3_column_int64(stmt, 1),
	        .due_at = sqlite3_column_int64(stmt, 2),
	        .opened_at = sqlite3_column_int64(stmt, 3),
	        .first_response_at = sqlite3_column_int64(stmt, 4),
	        .resolved_at = sqlite3_column_int64(stmt, 5),
	        .closed_at = sqlite3_column_int64(stmt, 6),
	        .changed_seq = (uint64_t)sqlite3_column_int64(stmt, 7),
	        .reopened = (uint16_t)sqlite3_column_int(stmt, 8),
	        .escalated = (uint16_t)sqlite3_column_int(stmt, 9),
	        .person = reporting_names_add(&columns->persons, text_at(stmt, 10)),
	        .department = reporting_names_add(&columns->departments, text_at(stmt, 11)),
	        .source = reporting_names_add(&columns->sources, text_at(stmt, 12)),
	        .status = code_at(stmt, 13, &cl_enum_case_status),
	        .category = code_at(stmt, 14, &cl_enum_category),
	        .priority = code_at(stmt, 15, &cl_enum_level),
	        .outcome = code_at(stmt, 16, &cl_enum_close_outcome),
	        .known = true,
	};
	reporting_columns_set(columns, (uint64_t)sqlite3_column_int64(stmt, 0), &row);
	model->stats.cases++;
}

int model_rows_load(struct reporting_model *model) {
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(
	        model->db,
	        "SELECT no, received_at, due_at, opened_at, first_response_at, resolved_at, closed_at,"
	        " changed_seq, reopened, escalated, person, department, source, status, category, priority,"
	        " outcome FROM cases ORDER BY no",
	        -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return CL_E_CORRUPT;
	int step;
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW)
		load_row(model, stmt);
	sqlite3_finalize(stmt);
	return step == SQLITE_DONE ? CL_OK : CL_E_CORRUPT;
}
