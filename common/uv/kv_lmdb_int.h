/* Inside the LMDB store: what kv_lmdb.c (transactions) and kv_lmdb_open.c (folder, locks, space, the map) share. */
#ifndef CL_UV_KV_LMDB_INT_H
#define CL_UV_KV_LMDB_INT_H

#include <lmdb.h>
#include <pthread.h>

#include "base/assert.h"
#include "log/kv.h"

struct lmdb {
	struct cl_kv kv;
	MDB_env *env;
	MDB_dbi dbis[CL_TABLES];
	int folder_fd, lock_fd;
	bool read_only;
	pthread_mutex_t writer; /* held through a write transaction; guards full */
	bool full;              /* the map was, grow it before the next write */
	pthread_mutex_t mutex;  /* guards what follows */
	pthread_cond_t changed; /* readers or growing */
	uint32_t readers;       /* open */
	bool growing;
	struct cl_kv_txn *spare_readers;
	struct cl_kv_cursor *spare_cursors[CL_TABLES]; /* of readers */
};

struct cl_kv_txn {
	struct lmdb *lmdb;
	MDB_txn *txn;
	MDB_txn *probe; /* of readers, see begin_read */
	bool write;
	struct cl_kv_txn *next_spare;
};

struct cl_kv_cursor {
	struct cl_kv_txn *txn;
	enum cl_table table;
	MDB_cursor *cursor;
	struct cl_kv_cursor *next_spare;
};

extern const struct cl_kv_ops cl_lmdb_ops;

/* The error of ours for one of LMDB's or errno's. */
int cl_lmdb_code(int rc);
/* A failed write is to be taken for a full disk, whatever it was called. */
bool cl_lmdb_out_of_space(struct lmdb *lmdb);
/* Sets the map's size, 0 = what another process made it. AGAIN: readers stayed open. */
CL_MUST_CHECK int cl_lmdb_set_map(struct lmdb *lmdb, size_t bytes);
/* Doubles a full map. NOSPACE: not now. The caller holds writer. */
CL_MUST_CHECK int cl_lmdb_double_map(struct lmdb *lmdb);
void cl_lmdb_close(struct cl_kv *kv);
uint64_t cl_lmdb_space(struct cl_kv *kv);

static inline void cl_lmdb_lock(struct lmdb *lmdb) {
	CL_ASSERT(pthread_mutex_lock(&lmdb->mutex) == 0);
}

static inline void cl_lmdb_unlock(struct lmdb *lmdb) {
	CL_ASSERT(pthread_mutex_unlock(&lmdb->mutex) == 0);
}

#endif
