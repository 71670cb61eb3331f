#include "query_int.h"

#include <stdlib.h>

#include "base/assert.h"

static const struct {
	const char *name;
	void (*answer)(struct query_turn *turn);
} queries[] = {
        {"case_list", query_case_list}, {"case_find", query_case_find}, {"timeline", query_timeline},
        {"report", query_report},       {"tally", query_tally},         {"figures", query_figures},
};

bool reporting_query_known(struct cl_str name) {
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		if (cl_str_eqc(name, queries[i].name))
			return true;
	return false;
}

int reporting_reader_open(struct reporting_model *model, struct reporting_reader **ret_reader) {
	struct reporting_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return CL_E_NOMEM;
	reader->model = model;
	cl_buf_init(&reader->folded);
	cl_buf_init(&reader->exact);
	cl_buf_init(&reader->text);
	int rc = sqlite3_open_v2(model->path, &reader->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(reader->db, "PRAGMA cache_size = -16384; PRAGMA mmap_size = 1073741824;", NULL, NULL,
		                  NULL);
	if (rc != SQLITE_OK) {
		reporting_reader_close(reader);
		return CL_E_IO;
	}
	*ret_reader = reader;
	return CL_OK;
}

void reporting_reader_close(struct reporting_reader *reader) {
	if (!reader)
		return;
	sqlite3_close(reader->db);
	cl_buf_done(&reader->folded);
	cl_buf_done(&reader->exact);
	cl_buf_done(&reader->text);
	free(reader->match);
	free(reader);
}

bool query_invalid(struct query_turn *turn, const char *field) {
	turn->answer->status = WIRE_INVALID;
	turn->answer->field = cl_str_from(field);
	return false;
}

static struct query_arg *arg_of(struct query_arg *args, uint32_t n, struct cl_str key) {
	for (uint32_t i = 0; i < n; i++)
		if (cl_str_eqc(key, args[i].key))
			return &args[i];
	return NULL;
}

bool query_args(struct query_turn *turn, struct query_arg *args, uint32_t n) {
	const struct wire_query *query = turn->question->query;
	for (uint32_t i = 0; i < query->arguments.n; i++) {
		const struct wire_pair *pair = &query->arguments.v[i];
		struct query_arg *arg = arg_of(args, n, pair->key);
		if (!arg || arg->value.n) { /* unknown, or given twice */
			turn->answer->status = WIRE_INVALID;
			turn->answer->field = pair->key;
			return false;
		}
		arg->value = pair->value;
	}
	for (uint32_t i = 0; i < n; i++)
		if (args[i].required && !args[i].value.n)
			return query_invalid(turn, args[i].key);
	return true;
}

bool query_number(struct query_turn *turn, const struct query_arg *arg, uint64_t least, uint64_t most,
                  uint64_t *value) {
	if (!arg->value.n)
		return true;
	if (cl_str_u64(arg->value, value) != CL_OK || *value < least || *value > most)
		return query_invalid(turn, arg->key);
	return true;
}

bool query_codes(struct query_turn *turn, const struct query_arg *arg, const struct cl_enum *en, uint32_t *ret_set) {
	struct cl_str rest = arg->value;
	*ret_set = rest.n ? 0 : UINT32_MAX;
	while (rest.n) {
		const char *comma = memchr(rest.p, ',', rest.n);
		struct cl_str code = {rest.p, comma ? (uint32_t)(comma - rest.p) : rest.n};
		const struct cl_enum_value *value = cl_enum_by_code(en, code);
		if (!value)
			return query_invalid(turn, arg->key);
		*ret_set |= 1u << value->value;
		uint32_t skip = code.n + (comma ? 1 : 0);
		rest = (struct cl_str){rest.p + skip, rest.n - skip};
	}
	return true;
}

sqlite3_stmt *query_prepare(struct query_turn *turn, const char *sql) {
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v2(turn->reader->db, sql, -1, &stmt, NULL) == SQLITE_OK)
		return stmt;
	turn->answer->status = WIRE_BUSY;
	return NULL;
}

bool query_stepped(struct query_turn *turn, int step) {
	if (step == SQLITE_ROW || step == SQLITE_DONE)
		return true;
	turn->answer->status = WIRE_BUSY;
	return false;
}

struct cl_str query_text(sqlite3_stmt *stmt, int column) {
	const char *p = (const char *)sqlite3_column_text(stmt, column);
	return (struct cl_str){p, p ? (uint32_t)sqlite3_column_bytes(stmt, column) : 0};
}

void reporting_reader_answer(struct reporting_reader *reader, const struct reporting_question *question,
                             struct reporting_answer *answer) {
	struct query_turn turn = {reader, question, answer};
	cl_buf_clear(&answer->json);
	answer->status = WIRE_ACCEPTED;
	answer->field = (struct cl_str){NULL, 0};
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		if (cl_str_eqc(question->query->name, queries[i].name)) {
			queries[i].answer(&turn);
			if (answer->status != WIRE_ACCEPTED)
				cl_buf_clear(&answer->json);
			return;
		}
	answer->status = WIRE_NOT_FOUND;
	answer->field = CL_STR("name");
}
