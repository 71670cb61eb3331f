#include "model_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "codec.h"

static const char *const tables =
        "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
        "CREATE TABLE cases(no INTEGER PRIMARY KEY, number TEXT NOT NULL, slip_id BLOB NOT NULL, request_id BLOB,"
        " customer_id BLOB, title TEXT, customer_name TEXT, phone TEXT, email TEXT, channel TEXT, product TEXT,"
        " quantity INTEGER, received_by TEXT, received_at INTEGER, imported INTEGER NOT NULL, source TEXT, source_key "
        "TEXT,"
        " category TEXT, priority TEXT, status TEXT, department TEXT, person TEXT, due_at INTEGER, opened_at INTEGER,"
        " first_response_at INTEGER, resolved_at INTEGER, closed_at INTEGER, outcome TEXT, reopened INTEGER NOT NULL "
        "DEFAULT 0,"
        " escalated INTEGER NOT NULL DEFAULT 0, changed_seq INTEGER NOT NULL DEFAULT 0);"
        "CREATE INDEX cases_number ON cases(number);"
        "CREATE TABLE ids(id BLOB PRIMARY KEY, no INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE timeline(seq INTEGER PRIMARY KEY, no INTEGER NOT NULL, service TEXT NOT NULL,"
        " partition INTEGER NOT NULL, source_seq INTEGER NOT NULL, type TEXT NOT NULL, occurred_at INTEGER,"
        " recorded_at INTEGER, who TEXT, event TEXT);"
        "CREATE INDEX timeline_case ON timeline(no);"
        "CREATE TABLE customers(id BLOB PRIMARY KEY, into_id BLOB, name TEXT, phone TEXT, email TEXT, since INTEGER)"
        " WITHOUT ROWID;"
        "CREATE TABLE orders(no INTEGER PRIMARY KEY, status TEXT, total_vnd INTEGER, carrier TEXT, tracking TEXT, note "
        "TEXT,"
        " changed_at INTEGER, changed_seq INTEGER NOT NULL);"
        "CREATE TABLE imports(source TEXT, what TEXT, n INTEGER NOT NULL, PRIMARY KEY(source, what)) WITHOUT ROWID;"
        "CREATE TABLE import_notes(source TEXT, activity TEXT, act TEXT, reason TEXT, n INTEGER NOT NULL,"
        " PRIMARY KEY(source, activity, act, reason)) WITHOUT ROWID;"
        /* Tokens are made by search_text.c; the mark before a word as written is part of its token. */
        "CREATE VIRTUAL TABLE search USING fts5(text, content='', detail=none, columnsize=0,"
        " tokenize=\"unicode61 remove_diacritics 0 tokenchars '_'\");";

static const char *const statements[STMT_COUNT] = {
        [STMT_BEGIN] = "BEGIN IMMEDIATE",
        [STMT_COMMIT] = "COMMIT",
        [STMT_META] = "INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2",
        [STMT_ID_PUT] = "INSERT OR IGNORE INTO ids(id, no) VALUES(?1, ?2)",
        [STMT_ID_GET] = "SELECT no FROM ids WHERE id = ?1",
        [STMT_TIMELINE] = "INSERT INTO timeline VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        [STMT_CASE_NEW] = "INSERT INTO cases(no, number, slip_id, request_id, customer_id, title, customer_name, phone,"
                          " email, channel, product, quantity, received_by, received_at, imported, source, source_key)"
                          " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        [STMT_CASE_SET] = "UPDATE cases SET category = ?2, priority = ?3, status = ?4, department = ?5, person = ?6,"
                          " due_at = ?7, opened_at = ?8, first_response_at = ?9, resolved_at = ?10, closed_at = ?11,"
                          " outcome = ?12, reopened = ?13, escalated = ?14, changed_seq = ?15 WHERE no = ?1",
        [STMT_SEARCH] = "INSERT INTO search(rowid, text) VALUES(?1, ?2)",
        [STMT_CUSTOMER] = "INSERT OR IGNORE INTO customers(id, name, phone, email, since) VALUES(?1, ?2, ?3, ?4, ?5)",
        [STMT_CUSTOMER_INTO] = "INSERT INTO customers(id, into_id) VALUES(?1, ?2)"
                               " ON CONFLICT(id) DO UPDATE SET into_id = ?2",
        [STMT_ORDER] =
                "INSERT INTO orders VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(no) DO UPDATE SET status = ?2,"
                " total_vnd = coalesce(?3, total_vnd), carrier = coalesce(?4, carrier),"
                " tracking = coalesce(?5, tracking), note = ?6, changed_at = ?7, changed_seq = ?8",
        [STMT_IMPORT] = "INSERT INTO imports VALUES(?1, ?2, ?3) ON CONFLICT(source, what) DO UPDATE SET n = n + ?3",
        [STMT_NOTE] = "INSERT INTO import_notes VALUES(?1, ?2, ?3, ?4, 1)"
                      " ON CONFLICT(source, activity, act, reason) DO UPDATE SET n = n + 1",
};

static int error_of(int sqlite) {
	switch (sqlite & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return CL_OK;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	case SQLITE_CONSTRAINT: /* a row that the fold has written before: the file is not what it folded */
		return CL_E_CORRUPT;
	case SQLITE_FULL:
		return CL_E_NOSPACE;
	case SQLITE_NOMEM:
		return CL_E_NOMEM;
	default: /* a number of another library, not an event */
		return CL_E_IO;
	}
}

void model_run(struct reporting_model *model, enum model_stmt stmt) {
	if (model->rc == CL_OK)
		model->rc = error_of(sqlite3_step(model->stmts[stmt]));
	sqlite3_reset(model->stmts[stmt]);
}

void model_bind_id(sqlite3_stmt *stmt, int at, struct cl_id id) {
	if (cl_id_zero(id))
		sqlite3_bind_null(stmt, at);
	else
		sqlite3_bind_blob(stmt, at, id.b, sizeof(id.b), SQLITE_TRANSIENT);
}

void model_bind_str(sqlite3_stmt *stmt, int at, struct cl_str text) {
	if (text.n)
		sqlite3_bind_text(stmt, at, text.p, (int)text.n, SQLITE_STATIC);
	else
		sqlite3_bind_null(stmt, at);
}

void model_bind_time(sqlite3_stmt *stmt, int at, int64_t ms) {
	if (ms)
		sqlite3_bind_int64(stmt, at, ms);
	else
		sqlite3_bind_null(stmt, at);
}

void model_bind_code(sqlite3_stmt *stmt, int at, const struct cl_enum *en, uint32_t value) {
	const struct cl_enum_value *found = cl_enum_find(en, value);
	model_bind_str(stmt, at, cl_str_from(found ? found->code : NULL));
}

/* -- the file -- */

static int execute(struct reporting_model *model, const char *sql) {
	return error_of(sqlite3_exec(model->db, sql, NULL, NULL, NULL));
}

static int connect(struct reporting_model *model) {
	int rc = error_of(sqlite3_open_v2(
	        model->path, &model->db,
	        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL));
	if (rc != CL_OK)
		return rc;
	sqlite3_extended_result_codes(model->db, 1);
	/* The file can be made again from the archive: a sync at checkpoints is enough to keep it whole. */
	return execute(model, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
	                      "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;"
	                      "PRAGMA wal_autocheckpoint = 4096; PRAGMA journal_size_limit = 67108864;");
}

/* One column of one row; NOTFOUND. */
static int query_meta(struct reporting_model *model, const char *key, sqlite3_int64 *ret_number, struct cl_id *ret_id) {
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(model->db, "SELECT value FROM meta WHERE key = ?1", -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return (rc & 0xff) == SQLITE_ERROR ? CL_E_NOTFOUND : error_of(rc); /* no such table: a new file */
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	int step = sqlite3_step(stmt);
	rc = step == SQLITE_DONE ? CL_E_NOTFOUND : error_of(step);
	if (rc == CL_OK && ret_number)
		*ret_number = sqlite3_column_int64(stmt, 0);
	if (rc == CL_OK && ret_id) {
		if (sqlite3_column_bytes(stmt, 0) == (int)sizeof(ret_id->b))
			memcpy(ret_id->b, sqlite3_column_blob(stmt, 0), sizeof(ret_id->b));
		else
			rc = CL_E_CORRUPT;
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* Reads where the file stands. NOTFOUND: new; MISMATCH: of another archive or version, or ahead of it. */
static int recognise(struct reporting_model *model, struct cl_id archive_id, uint64_t head_seq) {
	sqlite3_int64 version = 0, seq = 0, next_no = 0;
	struct cl_id id = {{0}};
	int rc = query_meta(model, "version", &version, NULL);
	if (rc == CL_OK)
		rc = query_meta(model, "archive", NULL, &id);
	if (rc == CL_OK)
		rc = query_meta(model, "seq", &seq, NULL);
	if (rc == CL_OK)
		rc = query_meta(model, "next_no", &next_no, NULL);
	if (rc != CL_OK)
		return rc;
	if (version != MODEL_VERSION || !cl_id_eq(id, archive_id) || seq < 0 || (uint64_t)seq > head_seq || next_no < 1)
		return CL_E_MISMATCH;
	atomic_store(&model->seq, (uint64_t)seq);
	model->next_no = model->committed_no = (uint64_t)next_no;
	return CL_OK;
}

static int prepare(struct reporting_model *model) {
	for (int i = 0; i < STMT_COUNT; i++) {
		int rc = error_of(sqlite3_prepare_v3(model->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
		                                     &model->stmts[i], NULL));
		if (rc != CL_OK)
			return rc;
	}
	return CL_OK;
}

static void put_meta(struct reporting_model *model, const char *key, sqlite3_int64 number) {
	sqlite3_stmt *stmt = model->stmts[STMT_META];
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, number);
	model_run(model, STMT_META);
}

static int make(struct reporting_model *model, struct cl_id archive_id) {
	int rc = execute(model, "BEGIN IMMEDIATE");
	if (rc == CL_OK)
		rc = execute(model, tables);
	if (rc == CL_OK)
		rc = prepare(model);
	if (rc != CL_OK)
		return rc;
	model->next_no = model->committed_no = 1;
	put_meta(model, "version", MODEL_VERSION);
	put_meta(model, "seq", 0);
	put_meta(model, "next_no", 1);
	sqlite3_bind_text(model->stmts[STMT_META], 1, "archive", -1, SQLITE_STATIC);
	model_bind_id(model->stmts[STMT_META], 2, archive_id);
	model_run(model, STMT_META);
	model_run(model, STMT_COMMIT);
	model->stats.rebuilt = true;
	return model->rc;
}

static void disconnect(struct reporting_model *model) {
	for (int i = 0; i < STMT_COUNT; i++) {
		sqlite3_finalize(model->stmts[i]);
		model->stmts[i] = NULL;
	}
	sqlite3_close(model->db);
	model->db = NULL;
}

int reporting_model_delete(const char *path) {
	static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct cl_buf name;
		cl_buf_init(&name);
		cl_buf_printf(&name, "%s%s", path, endings[i]);
		cl_buf_putc(&name, '\0');
		int rc = unlink((const char *)name.p);
		int error = errno;
		cl_buf_done(&name);
		if (rc != 0 && error != ENOENT)
			return CL_E_IO;
	}
	return CL_OK;
}

static int open_file(struct reporting_model *model, struct cl_id archive_id, uint64_t head_seq) {
	int rc = connect(model);
	if (rc == CL_OK)
		rc = recognise(model, archive_id, head_seq);
	if (rc == CL_OK)
		return prepare(model);
	if (rc == CL_E_MISMATCH || rc == CL_E_CORRUPT) {
		disconnect(model);
		rc = reporting_model_delete(model->path);
		if (rc == CL_OK)
			rc = connect(model);
		return rc == CL_OK ? make(model, archive_id) : rc;
	}
	return rc == CL_E_NOTFOUND ? make(model, archive_id) : rc;
}

int reporting_model_open(const char *path, struct cl_id archive_id, uint64_t head_seq,
                         struct reporting_model **ret_model) {
	struct reporting_model *model = calloc(1, sizeof(*model));
	if (!model)
		return CL_E_NOMEM;
	model->path = strdup(path);
	model->ids = calloc(MODEL_IDS_CACHED, sizeof(*model->ids));
	CL_ASSERT(model->path && model->ids);
	model->archive_id = archive_id;
	cl_arena_init(&model->turn, 65536);
	cl_arena_init(&model->arena, 65536);
	cl_buf_init(&model->json);
	cl_buf_init(&model->text);
	reporting_columns_init(&model->columns);
	int rc = open_file(model, archive_id, head_seq);
	if (rc == CL_OK)
		rc = model_rows_load(model);
	if (rc != CL_OK) {
		reporting_model_close(model);
		return rc;
	}
	*ret_model = model;
	return CL_OK;
}

void reporting_model_close(struct reporting_model *model) {
	if (!model)
		return;
	disconnect(model);
	reporting_columns_done(&model->columns);
	cl_arena_done(&model->turn);
	cl_arena_done(&model->arena);
	cl_buf_done(&model->json);
	cl_buf_done(&model->text);
	free(model->pending);
	free(model->pending_slots);
	free(model->tallies);
	free(model->ids);
	free(model->path);
	free(model);
}

/* -- transactions -- */

static int apply_stored(struct reporting_model *model, uint64_t seq, const struct cl_stored *stored) {
	struct reporting_copy copy;
	struct model_event event = {.seq = seq};
	int rc = reporting_copy_open(stored->record, &copy);
	if (rc == CL_E_INVALID)
		return CL_OK; /* the archive's own record */
	if (rc == CL_OK)
		rc = cl_record_decode(copy.record, &event.record);
	if (rc != CL_OK)
		return CL_E_MALFORMED;
	event.source = &copy.source;
	event.schema = cl_schema_by_type(event.record.type);
	if (!event.schema || event.schema->role != CL_ROLE_EVENT) {
		model->stats.undecodable++;
		return CL_OK;
	}
	cl_arena_reset(&model->arena);
	if (event.record.version == event.schema->version) {
		void *body = cl_arena_alloc(&model->arena, event.schema->size);
		rc = cl_decode_trusted(event.schema, event.record.payload, &model->arena, body);
		event.body = body;
	} else {
		rc = cl_decode_version(event.record.type, event.record.version, event.record.payload, &model->arena,
		                       &event.body, NULL);
	}
	if (rc != CL_OK) {
		model->stats.undecodable++;
		return CL_OK;
	}
	model_apply(model, &event);
	return model->rc;
}

static int project(struct reporting_model *model, struct cl_kv *kv, uint32_t max_records, uint64_t *seq, uint32_t *n) {
	struct cl_log_reader reader;
	int rc = cl_log_reader_open(&reader, kv, *seq + 1);
	if (rc != CL_OK)
		return rc;
	while (rc == CL_OK && *n < max_records) {
		struct cl_stored stored;
		rc = cl_log_reader_next(&reader, &stored);
		if (rc != CL_OK) {
			rc = rc == CL_E_CORRUPT ? CL_E_MALFORMED : rc;
			break;
		}
		if (*n == 0)
			model_run(model, STMT_BEGIN);
		++*n;
		rc = apply_stored(model, ++*seq, &stored);
	}
	cl_log_reader_close(&reader);
	return rc == CL_E_NOTFOUND ? CL_OK : rc;
}

static void roll_back(struct reporting_model *model) {
	if (!sqlite3_get_autocommit(model->db))
		(void)sqlite3_exec(model->db, "ROLLBACK", NULL, NULL, NULL);
	model_find_forget(model);
	model->next_no = model->committed_no;
}

int reporting_model_follow(struct reporting_model *model, struct cl_kv *kv, uint32_t max_records, uint32_t *ret_n) {
	uint64_t seq = atomic_load(&model->seq);
	uint32_t n = 0;
	model->rc = CL_OK;
	int rc = project(model, kv, max_records, &seq, &n);
	if (rc == CL_OK && n) {
		model_rows_flush(model);
		put_meta(model, "seq", (sqlite3_int64)seq);
		put_meta(model, "next_no", (sqlite3_int64)model->next_no);
		model_run(model, STMT_COMMIT);
		rc = model->rc;
	}
	if (rc != CL_OK) {
		roll_back(model);
	} else if (n) {
		model->committed_no = model->next_no;
		model_rows_publish(model);
		atomic_store(&model->seq, seq);
		model->stats.records += n;
		model->stats.batches++;
		*ret_n = n;
	} else {
		*ret_n = 0;
	}
	model_rows_clear(model);
	return rc;
}

uint64_t reporting_model_seq(const struct reporting_model *model) {
	return atomic_load(&model->seq);
}

const char *reporting_model_path(const struct reporting_model *model) {
	return model->path;
}

const struct reporting_model_stats *reporting_model_stats(const struct reporting_model *model) {
	return &model->stats;
}
