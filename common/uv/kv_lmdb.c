/* The store on LMDB 0.9: one environment per folder. Every commit syncs; there is no option that does not (no
 * MDB_NOSYNC, NOMETASYNC, WRITEMAP), and memory handed to the disk is zeroed (no MDB_NOMEMINIT), since heap may hold
 * clear text. MDB_NOTLS: a reader's slot belongs to its transaction, not to a thread, so readers may move between
 * threads. No MDB_NORDAHEAD: opening reads the log whole, and a cold scan took eight times as long with it (270 MB: 8 s
 * instead of 1), while cold random reads were at best 1.8 times as fast.
 *
 * One process writes: writer.lock is held with flock(2), whose lock belongs to the open file, so a second opener in the
 * same process is refused too. LMDB forbids opening one environment twice in a process; read-only openers are other
 * processes and take no lock.
 *
 * A full map: the put or commit says NOSPACE and the transaction is aborted; the next begin for writing doubles the
 * map. mdb_env_set_mapsize wants no transaction open in the process, so new readers are held back and the open ones
 * waited for, a bounded time; then begin gives up with NOSPACE and lets readers go on. */
#include "uv/kv_lmdb_int.h"

#include <errno.h>
#include <stdlib.h>

/* -- transactions -- */
static int begin_write(struct lmdb *lmdb, struct cl_kv_txn **ret_txn) {
	CL_ASSERT(!lmdb->read_only);
	struct cl_kv_txn *txn = calloc(1, sizeof *txn);
	if (txn == NULL)
		return CL_E_NOMEM;
	*txn = (struct cl_kv_txn){.lmdb = lmdb, .write = true};
	CL_ASSERT(pthread_mutex_lock(&lmdb->writer) == 0);
	int rc = lmdb->full ? cl_lmdb_double_map(lmdb) : CL_OK;
	if (rc == CL_OK)
		rc = cl_lmdb_code(mdb_txn_begin(lmdb->env, NULL, 0, &txn->txn));
	if (rc != CL_OK) {
		CL_ASSERT(pthread_mutex_unlock(&lmdb->writer) == 0);
		free(txn);
		return rc;
	}
	*ret_txn = txn;
	return CL_OK;
}

static struct cl_kv_txn *take_reader(struct lmdb *lmdb) {
	cl_lmdb_lock(lmdb);
	while (lmdb->growing)
		CL_ASSERT(pthread_cond_wait(&lmdb->changed, &lmdb->mutex) == 0);
	struct cl_kv_txn *txn = lmdb->spare_readers;
	if (txn != NULL)
		lmdb->spare_readers = txn->next_spare;
	else
		txn = calloc(1, sizeof *txn);
	if (txn != NULL) {
		txn->lmdb = lmdb;
		lmdb->readers++;
	}
	cl_lmdb_unlock(lmdb);
	return txn;
}

/* The transaction is reset already, or was never begun. */
static void give_reader(struct cl_kv_txn *txn) {
	struct lmdb *lmdb = txn->lmdb;
	cl_lmdb_lock(lmdb);
	if (txn->txn != NULL) {
		txn->next_spare = lmdb->spare_readers;
		lmdb->spare_readers = txn;
	} else {
		free(txn);
	}
	CL_ASSERT(lmdb->readers > 0);
	if (--lmdb->readers == 0 && lmdb->growing)
		CL_ASSERT(pthread_cond_broadcast(&lmdb->changed) == 0);
	cl_lmdb_unlock(lmdb);
}

/* Begins or renews; leaves nothing begun on failure. */
static int start(struct lmdb *lmdb, MDB_txn **txn) {
	return *txn != NULL ? mdb_txn_renew(*txn) : mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, txn);
}

/* LMDB's reader takes the number of the last transaction, T, then copies the roots from the meta page of T; but T + 2
 * is written to that same page. A reader that is held up in between sees roots that are not durable yet, or half of
 * them (seen on a busy machine: the next reader was one transaction behind). The page is safe as long as T is the last,
 * so a second reader begun afterwards must be given the same number; if it is not, it takes the place of the first. */
static int begin_probed(struct lmdb *lmdb, struct cl_kv_txn *txn) {
	int rc = start(lmdb, &txn->txn);
	while (rc == MDB_SUCCESS) {
		__sync_synchronize(); /* a full fence, in a form that ThreadSanitizer accepts */
		rc = start(lmdb, &txn->probe);
		if (rc != MDB_SUCCESS) {
			mdb_txn_reset(txn->txn);
			break;
		}
		if (mdb_txn_id(txn->txn) == mdb_txn_id(txn->probe)) {
			mdb_txn_reset(txn->probe);
			break;
		}
		MDB_txn *newer = txn->probe;
		mdb_txn_reset(txn->txn);
		txn->probe = txn->txn;
		txn->txn = newer;
	}
	return rc;
}

static int begin_read(struct lmdb *lmdb, struct cl_kv_txn **ret_txn) {
	for (;;) {
		struct cl_kv_txn *txn = take_reader(lmdb);
		if (txn == NULL)
			return CL_E_NOMEM;
		int rc = begin_probed(lmdb, txn);
		if (rc == MDB_SUCCESS) {
			*ret_txn = txn;
			return CL_OK;
		}
		give_reader(txn);
		if (rc != MDB_MAP_RESIZED)
			return cl_lmdb_code(rc);
		rc = cl_lmdb_set_map(lmdb, 0);
		if (rc != CL_OK)
			return rc;
	}
}

static int lmdb_begin(struct cl_kv *kv, bool write, struct cl_kv_txn **ret_txn) {
	struct lmdb *lmdb = (struct lmdb *)kv;
	return write ? begin_write(lmdb, ret_txn) : begin_read(lmdb, ret_txn);
}

static void lmdb_abort(struct cl_kv_txn *txn) {
	if (!txn->write) {
		mdb_txn_reset(txn->txn);
		give_reader(txn);
		return;
	}
	mdb_txn_abort(txn->txn);
	CL_ASSERT(pthread_mutex_unlock(&txn->lmdb->writer) == 0);
	free(txn);
}

static int lmdb_commit(struct cl_kv_txn *txn) {
	struct lmdb *lmdb = txn->lmdb;
	CL_ASSERT(txn->write);
	int rc = mdb_txn_commit(txn->txn);
	if (rc == MDB_MAP_FULL)
		lmdb->full = true;
	if (rc == EIO && cl_lmdb_out_of_space(lmdb))
		rc = ENOSPC;
	CL_ASSERT(pthread_mutex_unlock(&lmdb->writer) == 0);
	free(txn);
	return cl_lmdb_code(rc);
}

/* -- reading and writing -- */
static MDB_val val_of(struct cl_bytes bytes) {
	static const uint8_t nothing[1];
	return (MDB_val){bytes.n, (void *)(bytes.p != NULL ? bytes.p : nothing)};
}

static struct cl_bytes bytes_of(MDB_val val) {
	return (struct cl_bytes){val.mv_data, (uint32_t)val.mv_size};
}

static int lmdb_get(struct cl_kv_txn *txn, enum cl_table table, struct cl_bytes key, struct cl_bytes *ret_value) {
	MDB_val k = val_of(key), v;
	int rc = mdb_get(txn->txn, txn->lmdb->dbis[table], &k, &v);
	if (rc == MDB_SUCCESS)
		*ret_value = bytes_of(v);
	return cl_lmdb_code(rc);
}

/* A long transaction writes pages out early, so a put may meet a full disk like a commit. */
static int written(struct cl_kv_txn *txn, int rc) {
	if (rc == MDB_MAP_FULL)
		txn->lmdb->full = true;
	if (rc == EIO && cl_lmdb_out_of_space(txn->lmdb))
		rc = ENOSPC;
	return cl_lmdb_code(rc);
}

static int lmdb_put(struct cl_kv_txn *txn, enum cl_table table, struct cl_bytes key, struct cl_bytes value,
                    bool append) {
	CL_ASSERT(txn->write && key.n > 0);
	MDB_val k = val_of(key), v = val_of(value);
	return written(txn, mdb_put(txn->txn, txn->lmdb->dbis[table], &k, &v, append ? MDB_APPEND : 0));
}

static int lmdb_del(struct cl_kv_txn *txn, enum cl_table table, struct cl_bytes key) {
	CL_ASSERT(txn->write);
	MDB_val k = val_of(key);
	return written(txn, mdb_del(txn->txn, txn->lmdb->dbis[table], &k, NULL));
}

static int lmdb_clear(struct cl_kv_txn *txn, enum cl_table table) {
	CL_ASSERT(txn->write);
	return written(txn, mdb_drop(txn->txn, txn->lmdb->dbis[table], 0));
}

/* -- cursors -- */
static struct cl_kv_cursor *take_cursor(struct cl_kv_txn *txn, enum cl_table table) {
	struct lmdb *lmdb = txn->lmdb;
	struct cl_kv_cursor *cursor = NULL;
	if (!txn->write) {
		cl_lmdb_lock(lmdb);
		cursor = lmdb->spare_cursors[table];
		if (cursor != NULL)
			lmdb->spare_cursors[table] = cursor->next_spare;
		cl_lmdb_unlock(lmdb);
	}
	return cursor != NULL ? cursor : calloc(1, sizeof *cursor);
}

static int lmdb_cursor_open(struct cl_kv_txn *txn, enum cl_table table, struct cl_kv_cursor **ret_cursor) {
	struct cl_kv_cursor *cursor = take_cursor(txn, table);
	if (cursor == NULL)
		return CL_E_NOMEM;
	cursor->txn = txn;
	cursor->table = table;
	int rc = cursor->cursor != NULL ? mdb_cursor_renew(txn->txn, cursor->cursor)
	                                : mdb_cursor_open(txn->txn, txn->lmdb->dbis[table], &cursor->cursor);
	if (rc != MDB_SUCCESS) {
		if (cursor->cursor != NULL)
			mdb_cursor_close(cursor->cursor);
		free(cursor);
		return cl_lmdb_code(rc);
	}
	*ret_cursor = cursor;
	return CL_OK;
}

static void lmdb_cursor_close(struct cl_kv_cursor *cursor) {
	struct lmdb *lmdb = cursor->txn->lmdb;
	if (cursor->txn->write) {
		mdb_cursor_close(cursor->cursor);
		free(cursor);
		return;
	}
	cl_lmdb_lock(lmdb);
	cursor->next_spare = lmdb->spare_cursors[cursor->table];
	lmdb->spare_cursors[cursor->table] = cursor;
	cl_lmdb_unlock(lmdb);
}

static int move(struct cl_kv_cursor *cursor, MDB_val *key, MDB_cursor_op op, struct cl_bytes *ret_key,
                struct cl_bytes *ret_value) {
	MDB_val value;
	int rc = mdb_cursor_get(cursor->cursor, key, &value, op);
	if (rc == MDB_SUCCESS) {
		*ret_key = bytes_of(*key);
		*ret_value = bytes_of(value);
	}
	return cl_lmdb_code(rc);
}

static int lmdb_seek(struct cl_kv_cursor *cursor, struct cl_bytes key, struct cl_bytes *ret_key,
                     struct cl_bytes *ret_value) {
	MDB_val k = val_of(key);
	return move(cursor, &k, MDB_SET_RANGE, ret_key, ret_value);
}

static int lmdb_next(struct cl_kv_cursor *cursor, struct cl_bytes *ret_key, struct cl_bytes *ret_value) {
	MDB_val k;
	return move(cursor, &k, MDB_NEXT, ret_key, ret_value);
}

static int lmdb_last(struct cl_kv_cursor *cursor, struct cl_bytes *ret_key, struct cl_bytes *ret_value) {
	MDB_val k;
	return move(cursor, &k, MDB_LAST, ret_key, ret_value);
}

const struct cl_kv_ops cl_lmdb_ops = {
        .begin = lmdb_begin,
        .commit = lmdb_commit,
        .abort = lmdb_abort,
        .get = lmdb_get,
        .put = lmdb_put,
        .del = lmdb_del,
        .clear = lmdb_clear,
        .cursor_open = lmdb_cursor_open,
        .cursor_close = lmdb_cursor_close,
        .seek = lmdb_seek,
        .next = lmdb_next,
        .last = lmdb_last,
        .close = cl_lmdb_close,
        .space = cl_lmdb_space,
};
