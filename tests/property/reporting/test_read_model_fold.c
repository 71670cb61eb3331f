/* The read model is a fold of the archive and nothing else: whatever the transactions, restarts and deletions, its
 * content is the same; cases are what the support service itself makes of the same events; pages of any list put
 * together are what one SQL query finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <sqlite3.h>

#include "../../unit/reporting/history.h"
#include "support.h"

/* -- content -- */

static const char *const dumps[] = {
        "SELECT * FROM meta WHERE key <> 'none' ORDER BY key",
        "SELECT * FROM cases ORDER BY no",
        "SELECT * FROM ids ORDER BY id",
        "SELECT * FROM timeline ORDER BY seq",
        "SELECT * FROM customers ORDER BY id",
        "SELECT * FROM orders ORDER BY no",
        "SELECT * FROM imports ORDER BY source, what",
        "SELECT * FROM import_notes ORDER BY source, activity, act, reason",
        "SELECT rowid FROM search WHERE search MATCH 'tien' ORDER BY rowid",
        "SELECT rowid FROM search WHERE search MATCH '\"_tiền\"' ORDER BY rowid",
        "SELECT rowid FROM search WHERE search MATCH 'may AND giat' ORDER BY rowid",
        "SELECT rowid FROM search WHERE search MATCH 'nguyen' ORDER BY rowid",
};

static void dump_row(sqlite3_stmt *stmt, struct cl_buf *out) {
	for (int i = 0; i < sqlite3_column_count(stmt); i++) {
		const void *p = sqlite3_column_blob(stmt, i);
		cl_buf_printf(out, "%d:%d:", sqlite3_column_type(stmt, i), sqlite3_column_bytes(stmt, i));
		if (p)
			cl_buf_put(out, p, (size_t)sqlite3_column_bytes(stmt, i));
	}
	cl_buf_putc(out, '\n');
}

static struct cl_hash content(const char *path, uint64_t *ret_rows) {
	sqlite3 *db;
	struct cl_buf out;
	cl_buf_init(&out);
	*ret_rows = 0;
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		sqlite3_stmt *stmt;
		int step;
		assert_int_equal(sqlite3_prepare_v2(db, dumps[i], -1, &stmt, NULL), SQLITE_OK);
		while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
			dump_row(stmt, &out);
			++*ret_rows;
		}
		assert_int_equal(step, SQLITE_DONE);
		sqlite3_finalize(stmt);
		cl_buf_printf(&out, "--%zu\n", i);
	}
	sqlite3_close(db);
	struct cl_hash hash = cl_hash_of(out.p, out.n);
	cl_buf_done(&out);
	return hash;
}

static void rebuilt_is_equal(void **state) {
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct history history;
		struct history_model live = {.model = NULL}, again = {.model = NULL};
		uint64_t live_rows, again_rows;
		printf("seed %llu\n", (unsigned long long)seed);
		history_init(&history, seed);
		history_model_open(&live, &history);
		for (int i = 0; i < 30; i++) {
			history_random_cases(&history, 1 + (uint32_t)history_random(&history, 150));
			history_model_follow(&live, &history, 1 + (uint32_t)history_random(&history, 60));
			if (history_random(&history, 4) == 0) { /* a restart */
				history_model_close(&live, false);
				history_model_open(&live, &history);
				assert_false(reporting_model_stats(live.model)->rebuilt);
			}
		}
		history_model_open(&again, &history);
		history_model_follow(&again, &history, 100000);
		struct cl_hash one = content(live.path, &live_rows), other = content(again.path, &again_rows);
		assert_int_equal(live_rows, again_rows);
		assert_true(live_rows > 2000);
		assert_true(cl_hash_eq(one, other));
		history_model_close(&live, true);
		history_model_close(&again, true);
		history_done(&history);
	}
}

/* -- the oracle -- */

struct oracle {
	struct cl_arena arena;
	struct case_state *states;
	uint32_t n;
};

static void evolve(void *context, uint32_t of, uint16_t type, const void *body, int64_t occurred_ms,
                   struct cl_str who) {
	struct oracle *oracle = context;
	const struct cl_event event = {
	        .type = type, .body = body, .kind = CL_KIND_CASE, .occurred_ms = occurred_ms, .who = who};
	if (of >= oracle->n) {
		oracle->states = realloc(oracle->states, (of + 1) * sizeof(*oracle->states));
		memset(&oracle->states[of], 0, sizeof(*oracle->states));
		oracle->n = of + 1;
	}
	support_domain.evolve(CL_KIND_CASE, &oracle->states[of], &event, &oracle->arena);
}

static void same_text(sqlite3_stmt *stmt, int column, struct cl_str text) {
	assert_int_equal(sqlite3_column_bytes(stmt, column), text.n);
	if (text.n)
		assert_memory_equal(sqlite3_column_text(stmt, column), text.p, text.n);
}

static void same_code(sqlite3_stmt *stmt, int column, const struct cl_enum *en, uint32_t value) {
	const struct cl_enum_value *found = cl_enum_find(en, value);
	same_text(stmt, column, cl_str_from(found ? found->code : NULL));
}

static void check_case(sqlite3_stmt *stmt, const struct case_state *state) {
	same_text(stmt, 0, state->number);
	same_code(stmt, 1, &cl_enum_case_status, state->status);
	same_code(stmt, 2, &cl_enum_level, state->priority);
	same_code(stmt, 3, &cl_enum_close_outcome, state->outcome);
	same_text(stmt, 4, state->person);
	same_text(stmt, 5, state->department);
	assert_int_equal(sqlite3_column_int64(stmt, 6), state->opened_at);
	assert_int_equal(sqlite3_column_int64(stmt, 7), state->closed_at);
	assert_int_equal(sqlite3_column_int64(stmt, 8), state->first_response_at);
	assert_int_equal(sqlite3_column_int64(stmt, 9), state->reopened);
	assert_int_equal(sqlite3_column_int64(stmt, 10), state->due_at);
}

static void cases_are_what_support_says(void **state) {
	(void)state;
	for (uint64_t seed = 11; seed <= 14; seed++) {
		struct history history;
		struct history_model model = {.model = NULL};
		struct oracle oracle = {.states = NULL};
		sqlite3 *db;
		sqlite3_stmt *stmt;
		printf("seed %llu\n", (unsigned long long)seed);
		cl_arena_init(&oracle.arena, 65536);
		history_init(&history, seed);
		history.on_event = evolve;
		history.context = &oracle;
		history_model_open(&model, &history);
		for (int i = 0; i < 5; i++) {
			history_random_cases(&history, 500);
			history_model_follow(&model, &history, 77);
		}
		assert_int_equal(sqlite3_open_v2(model.path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
		assert_int_equal(
		        sqlite3_prepare_v2(db,
		                           "SELECT number, status, priority, outcome, person, department, opened_at,"
		                           " closed_at, first_response_at, reopened, due_at FROM cases ORDER BY number",
		                           -1, &stmt, NULL),
		        SQLITE_OK);
		for (uint32_t i = 0; i < oracle.n; i++) {
			assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
			check_case(stmt, &oracle.states[i]);
		}
		assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
		assert_true(oracle.n > 50);
		sqlite3_finalize(stmt);
		sqlite3_close(db);
		cl_arena_done(&oracle.arena);
		free(oracle.states);
		history_model_close(&model, true);
		history_done(&history);
	}
}

/* -- lists -- */

struct list_case {
	const char *status, *category, *priority, *department, *person, *q, *sort;
	char limit[8];
};

static const char *maybe(struct history *history, const char *const *values, uint64_t n) {
	return history_random(history, 3) ? NULL : values[history_random(history, n)];
}

static struct list_case random_list(struct history *history) {
	static const char *const statuses[] = {"open", "working", "closed", "open,working,proposed", "waiting,agreed"};
	static const char *const categories[] = {"technical", "order", "complaint,question"};
	static const char *const priorities[] = {"high", "low", "medium,high"};
	static const char *const departments[] = {"kythuat", "cskh", "khongco"};
	static const char *const persons[] = {"nv01", "nv03", "nv99"};
	static const char *const qs[] = {"tien", "may", "nguyen", "0912345678"};
	static const char *const sorts[] = {"received", "due", "priority"};
	struct list_case list = {
	        .status = maybe(history, statuses, 5),
	        .category = maybe(history, categories, 3),
	        .priority = maybe(history, priorities, 3),
	        .department = maybe(history, departments, 3),
	        .person = maybe(history, persons, 3),
	        .q = maybe(history, qs, 4),
	        .sort = sorts[history_random(history, 3)],
	};
	if (list.q && history_random(history, 2))
		list.sort = "found";
	snprintf(list.limit, sizeof(list.limit), "%u", 1 + (unsigned)history_random(history, 40));
	return list;
}

/* " AND column IN ('a','b')" */
static void put_in(struct cl_buf *sql, const char *column, const char *values) {
	if (!values)
		return;
	cl_buf_printf(sql, " AND %s IN ('", column);
	for (const char *p = values; *p; p++)
		if (*p == ',')
			cl_buf_puts(sql, "','");
		else
			cl_buf_putc(sql, *p);
	cl_buf_puts(sql, "')");
}

/* What the list must give, by SQL, one number a line. */
static void by_sql(const struct history_model *model, const struct list_case *list, struct cl_buf *out) {
	struct cl_buf sql;
	sqlite3 *db;
	sqlite3_stmt *stmt;
	cl_buf_init(&sql);
	cl_buf_puts(&sql, "SELECT number FROM cases WHERE 1");
	put_in(&sql, "status", list->status);
	put_in(&sql, "category", list->category);
	put_in(&sql, "priority", list->priority);
	put_in(&sql, "department", list->department);
	put_in(&sql, "person", list->person);
	if (list->q)
		cl_buf_printf(&sql, " AND no IN (SELECT rowid FROM search WHERE search MATCH '%s')",
		              strcmp(list->q, "0912345678") == 0 ? "912345678" : list->q);
	cl_buf_puts(&sql, " ORDER BY ");
	if (strcmp(list->sort, "received") == 0)
		cl_buf_puts(&sql, "received_at DESC, no DESC");
	else if (strcmp(list->sort, "found") == 0) /* as spelt first */
		cl_buf_printf(&sql, "no IN (SELECT rowid FROM search WHERE search MATCH '\"_%s\"') DESC, no DESC",
		              list->q);
	else if (strcmp(list->sort, "due") == 0)
		cl_buf_puts(&sql, "due_at IS NULL, due_at, no");
	else
		cl_buf_puts(
		        &sql,
		        "CASE priority WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END, due_at IS NULL, due_at, no");
	cl_buf_putc(&sql, '\0');
	assert_int_equal(sqlite3_open_v2(model->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, (const char *)sql.p, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		cl_buf_printf(out, "%s\n", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	cl_buf_done(&sql);
}

/* The same by pages. */
static void by_pages(struct history_model *model, const struct history *history, const struct list_case *list,
                     struct cl_buf *out) {
	char after[40] = "";
	json_int_t total = -1, n = 0;
	for (;;) {
		enum wire_status status;
		const char *text = history_ask(
		        model, history, &status, "case_list", "status", list->status, "category", list->category,
		        "priority", list->priority, "department", list->department, "person", list->person, "q",
		        list->q, "sort", list->sort, "limit", list->limit, "after", after[0] ? after : NULL, NULL);
		assert_int_equal(status, WIRE_ACCEPTED);
		json_t *page = json_loads(text, 0, NULL), *one;
		assert_non_null(page);
		size_t i;
		json_array_foreach(json_object_get(page, "cases"), i, one) {
			cl_buf_printf(out, "%s\n", json_string_value(json_object_get(one, "number")));
			n++;
		}
		if (total < 0 && json_object_get(page, "total"))
			total = json_integer_value(json_object_get(page, "total"));
		const char *next = json_string_value(json_object_get(page, "next"));
		snprintf(after, sizeof(after), "%s", next ? next : "");
		json_decref(page);
		if (!after[0])
			break;
	}
	assert_true(total == n || (total < 0 && strcmp(list->sort, "found") == 0));
}

static void pages_are_the_list(void **state) {
	struct history history;
	struct history_model model = {.model = NULL};
	uint64_t most = 0;
	(void)state;
	history_init(&history, 21);
	history_random_cases(&history, 6000);
	history_model_open(&model, &history);
	history_model_follow(&model, &history, 1000);
	for (int i = 0; i < 300; i++) {
		struct list_case list = random_list(&history);
		struct cl_buf expected, given;
		cl_buf_init(&expected);
		cl_buf_init(&given);
		by_sql(&model, &list, &expected);
		by_pages(&model, &history, &list, &given);
		assert_int_equal(expected.n, given.n);
		if (expected.n)
			assert_memory_equal(expected.p, given.p, given.n);
		most = given.n > most ? given.n : most;
		cl_buf_done(&expected);
		cl_buf_done(&given);
	}
	assert_true(most > 1000);
	history_model_close(&model, true);
	history_done(&history);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rebuilt_is_equal),
	        cmocka_unit_test(cases_are_what_support_says),
	        cmocka_unit_test(pages_are_the_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
