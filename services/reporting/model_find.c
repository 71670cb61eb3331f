/* Cases are numbered 1, 2, … in the order in which the archive first speaks of them: small numbers are the rows of
 * tables, index and columns alike. A request and its slip have ids of their own that lead to the same number. */
#include "model_int.h"

#include "base/assert.h"

static struct model_id *cached(struct reporting_model *model, struct cl_id id) {
	return &model->ids[cl_id_hash(id) & (MODEL_IDS_CACHED - 1)];
}

uint64_t model_find(struct reporting_model *model, struct cl_id id) {
	struct model_id *cache = cached(model, id);
	sqlite3_stmt *stmt = model->stmts[STMT_ID_GET];
	if (cache->no && cl_id_eq(cache->id, id))
		return cache->no;
	if (model->rc != CL_OK)
		return 0;
	sqlite3_bind_blob(stmt, 1, id.b, sizeof(id.b), SQLITE_STATIC);
	int step = sqlite3_step(stmt);
	uint64_t no = step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_reset(stmt);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		model->rc = (step & 0xff) == SQLITE_CORRUPT ? CL_E_CORRUPT : CL_E_IO;
	if (no)
		*cache = (struct model_id){id, no};
	return no;
}

void model_name(struct reporting_model *model, struct cl_id id, uint64_t no) {
	sqlite3_stmt *stmt = model->stmts[STMT_ID_PUT];
	sqlite3_bind_blob(stmt, 1, id.b, sizeof(id.b), SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)no);
	model_run(model, STMT_ID_PUT);
	*cached(model, id) = (struct model_id){id, no};
}

void model_find_forget(struct reporting_model *model) {
	memset(model->ids, 0, MODEL_IDS_CACHED * sizeof(*model->ids));
}
