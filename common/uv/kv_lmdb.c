/* The store on LMDB 0.9: one environment per folder. Every commit syncs; there is no option that does not (no
 * MDB_NOSYNC, NOMETASYNC, WRITEMAP), and memory handed to the disk is zeroed (no MDB_NOMEMINIT), since heap may hold
 * clear text. MDB_NOTLS: a reader's slot belongs to its transaction, not to a thread, so readers may move between
 * threads.
 *
 * One process writes: writer.lock is held with flock(2), whose lock belongs to the open file, so a second opener in the
 * same process is refused too. LMDB forbids opening one environment twice in a process; read-only openers are other
 * processes and take no lock.
 *
 * A full map: the put or commit says NOSPACE and the transaction is aborted; the next begin for writing doubles the
 * map. mdb_env_set_mapsize wants no transaction open in the process, so new readers are held back and the open ones
 * waited for, a bounded time; then begin gives up with NOSPACE and lets readers go on. */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "uv/kv_lmdb_check.h"
#include "uv/service.h"

#define MAP_LEAST ((uint64_t)1 << 20)
#define READERS_MOST 512
#define GROW_WAIT_MS 1000
#define CHECK_TRIES 100
#define PROBE_BYTES (1 << 20) /* LMDB writes at most 64 pages at once */

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
	bool write;
	struct cl_kv_txn *next_spare;
};

struct cl_kv_cursor {
	struct cl_kv_txn *txn;
	enum cl_table table;
	MDB_cursor *cursor;
	struct cl_kv_cursor *next_spare;
};

static int code_of(int rc) {
	switch (rc) {
	case MDB_SUCCESS:
		return CL_OK;
	case MDB_NOTFOUND:
		return CL_E_NOTFOUND;
	case MDB_KEYEXIST:
		return CL_E_EXISTS;
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return CL_E_NOSPACE;
	case MDB_READERS_FULL:
		return CL_E_AGAIN;
	case ENOMEM:
		return CL_E_NOMEM;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
		return CL_E_CORRUPT;
	case MDB_VERSION_MISMATCH:
		return CL_E_UNSUPPORTED;
	default:
		return CL_E_IO;
	}
}

static void lock(struct lmdb *lmdb) {
	CL_ASSERT(pthread_mutex_lock(&lmdb->mutex) == 0);
}

static void unlock(struct lmdb *lmdb) {
	CL_ASSERT(pthread_mutex_unlock(&lmdb->mutex) == 0);
}

/* -- space -- */
static uint64_t lmdb_space(struct cl_kv *kv) {
	struct lmdb *lmdb = (struct lmdb *)kv;
	struct statvfs disk;
	struct rlimit most;
	struct stat file;
	if (fstatvfs(lmdb->folder_fd, &disk) != 0)
		return UINT64_MAX;
	uint64_t space = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (getrlimit(RLIMIT_FSIZE, &most) == 0 && most.rlim_cur != RLIM_INFINITY &&
	    fstatat(lmdb->folder_fd, "data.mdb", &file, 0) == 0) {
		uint64_t size = (uint64_t)file.st_size, left = most.rlim_cur > size ? most.rlim_cur - size : 0;
		space = left < space ? left : space;
	}
	return space;
}

/* LMDB calls a short write EIO, and a disk that fills up gives short writes. Such a commit failed before its meta page
 * was written, so it may be tried again: every page of it is then written anew. (An error at the meta page itself makes
 * LMDB refuse the next transaction, which is IO.) */
static bool out_of_space(struct lmdb *lmdb) {
	struct stat file;
	mdb_filehandle_t fd;
	if (lmdb_space(&lmdb->kv) < PROBE_BYTES)
		return true;
	if (mdb_env_get_fd(lmdb->env, &fd) != 0 || fstat(fd, &file) != 0)
		return false;
	/* Quotas do not show in statvfs. The blocks are kept for the writes to come. */
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, file.st_size, PROBE_BYTES) != 0 && code_of(errno) == CL_E_NOSPACE;
}

/* -- the map -- */
static struct timespec deadline(int wait_ms) {
	struct timespec at;
	CL_ASSERT(clock_gettime(CLOCK_MONOTONIC, &at) == 0);
	at.tv_sec += wait_ms / 1000;
	at.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* Sets the map's size, 0 = what another process made it. AGAIN: readers stayed open. */
static int set_map(struct lmdb *lmdb, size_t bytes) {
	struct timespec until = deadline(GROW_WAIT_MS);
	lock(lmdb);
	while (lmdb->growing)
		CL_ASSERT(pthread_cond_wait(&lmdb->changed, &lmdb->mutex) == 0);
	lmdb->growing = true;
	int waited = 0;
	while (lmdb->readers > 0 && waited == 0)
		waited = pthread_cond_timedwait(&lmdb->changed, &lmdb->mutex, &until);
	int rc = lmdb->readers > 0 ? CL_E_AGAIN : code_of(mdb_env_set_mapsize(lmdb->env, bytes));
	lmdb->growing = false;
	CL_ASSERT(pthread_cond_broadcast(&lmdb->changed) == 0);
	unlock(lmdb);
	return rc;
}

static int double_map(struct lmdb *lmdb) {
	MDB_envinfo info;
	int rc = code_of(mdb_env_info(lmdb->env, &info));
	if (rc != CL_OK)
		return rc;
	if (info.me_mapsize > SIZE_MAX / 4)
		return CL_E_NOSPACE;
	rc = set_map(lmdb, info.me_mapsize * 2);
	if (rc == CL_OK)
		lmdb->full = false;
	return rc == CL_E_AGAIN ? CL_E_NOSPACE : rc;
}

/* -- transactions -- */
static int begin_write(struct lmdb *lmdb, struct cl_kv_txn **ret_txn) {
	CL_ASSERT(!lmdb->read_only);
	struct cl_kv_txn *txn = calloc(1, sizeof *txn);
	if (txn == NULL)
		return CL_E_NOMEM;
	*txn = (struct cl_kv_txn){.lmdb = lmdb, .write = true};
	CL_ASSERT(pthread_mutex_lock(&lmdb->writer) == 0);
	int rc = lmdb->full ? double_map(lmdb) : CL_OK;
	if (rc == CL_OK)
		rc = code_of(mdb_txn_begin(lmdb->env, NULL, 0, &txn->txn));
	if (rc != CL_OK) {
		CL_ASSERT(pthread_mutex_unlock(&lmdb->writer) == 0);
		free(txn);
		return rc;
	}
	*ret_txn = txn;
	return CL_OK;
}

static struct cl_kv_txn *take_reader(struct lmdb *lmdb) {
	lock(lmdb);
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
	unlock(lmdb);
	return txn;
}

/* The transaction is reset already, or was never begun. */
static void give_reader(struct cl_kv_txn *txn) {
	struct lmdb *lmdb = txn->lmdb;
	lock(lmdb);
	if (txn->txn != NULL) {
		txn->next_spare = lmdb->spare_readers;
		lmdb->spare_readers = txn;
	} else {
		free(txn);
	}
	CL_ASSERT(lmdb->readers > 0);
	if (--lmdb->readers == 0 && lmdb->growing)
		CL_ASSERT(pthread_cond_broadcast(&lmdb->changed) == 0);
	unlock(lmdb);
}

static int begin_read(struct lmdb *lmdb, struct cl_kv_txn **ret_txn) {
	for (;;) {
		struct cl_kv_txn *txn = take_reader(lmdb);
		if (txn == NULL)
			return CL_E_NOMEM;
		int rc = txn->txn != NULL ? mdb_txn_renew(txn->txn)
		                          : mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn->txn);
		if (rc == MDB_SUCCESS) {
			*ret_txn = txn;
			return CL_OK;
		}
		give_reader(txn);
		if (rc != MDB_MAP_RESIZED)
			return code_of(rc);
		rc = set_map(lmdb, 0);
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
	if (rc == EIO && out_of_space(lmdb))
		rc = ENOSPC;
	CL_ASSERT(pthread_mutex_unlock(&lmdb->writer) == 0);
	free(txn);
	return code_of(rc);
}

/* -- reading and writing -- */
static MDB_val val_of(struct cl_bytes bytes) {
	return (MDB_val){bytes.n, bytes.p != NULL ? (void *)(uintptr_t)bytes.p : (void *)(uintptr_t) ""};
}

static struct cl_bytes bytes_of(MDB_val val) {
	return (struct cl_bytes){val.mv_data, (uint32_t)val.mv_size};
}

static int lmdb_get(struct cl_kv_txn *txn, enum cl_table table, struct cl_bytes key, struct cl_bytes *ret_value) {
	MDB_val k = val_of(key), v;
	int rc = mdb_get(txn->txn, txn->lmdb->dbis[table], &k, &v);
	if (rc == MDB_SUCCESS)
		*ret_value = bytes_of(v);
	return code_of(rc);
}

/* A long transaction writes pages out early, so a put may meet a full disk like a commit. */
static int written(struct cl_kv_txn *txn, int rc) {
	if (rc == MDB_MAP_FULL)
		txn->lmdb->full = true;
	if (rc == EIO && out_of_space(txn->lmdb))
		rc = ENOSPC;
	return code_of(rc);
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
		lock(lmdb);
		cursor = lmdb->spare_cursors[table];
		if (cursor != NULL)
			lmdb->spare_cursors[table] = cursor->next_spare;
		unlock(lmdb);
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
		return code_of(rc);
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
	lock(lmdb);
	cursor->next_spare = lmdb->spare_cursors[cursor->table];
	lmdb->spare_cursors[cursor->table] = cursor;
	unlock(lmdb);
}

static int move(struct cl_kv_cursor *cursor, MDB_val *key, MDB_cursor_op op, struct cl_bytes *ret_key,
                struct cl_bytes *ret_value) {
	MDB_val value;
	int rc = mdb_cursor_get(cursor->cursor, key, &value, op);
	if (rc == MDB_SUCCESS) {
		*ret_key = bytes_of(*key);
		*ret_value = bytes_of(value);
	}
	return code_of(rc);
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

/* -- open and close -- */
static void close_spares(struct lmdb *lmdb) {
	for (int i = 0; i < CL_TABLES; i++)
		while (lmdb->spare_cursors[i] != NULL) {
			struct cl_kv_cursor *cursor = lmdb->spare_cursors[i];
			lmdb->spare_cursors[i] = cursor->next_spare;
			mdb_cursor_close(cursor->cursor);
			free(cursor);
		}
	while (lmdb->spare_readers != NULL) {
		struct cl_kv_txn *txn = lmdb->spare_readers;
		lmdb->spare_readers = txn->next_spare;
		mdb_txn_abort(txn->txn);
		free(txn);
	}
}

/* Also takes apart what was only half opened. */
static void lmdb_close(struct cl_kv *kv) {
	struct lmdb *lmdb = (struct lmdb *)kv;
	CL_ASSERT(lmdb->readers == 0);
	close_spares(lmdb);
	if (lmdb->env != NULL)
		mdb_env_close(lmdb->env);
	if (lmdb->lock_fd >= 0)
		close(lmdb->lock_fd);
	if (lmdb->folder_fd >= 0)
		close(lmdb->folder_fd);
	CL_ASSERT(pthread_cond_destroy(&lmdb->changed) == 0);
	CL_ASSERT(pthread_mutex_destroy(&lmdb->mutex) == 0);
	CL_ASSERT(pthread_mutex_destroy(&lmdb->writer) == 0);
	free(lmdb);
}

static int make_folders(const char *folder) {
	char *path = strdup(folder);
	if (path == NULL)
		return CL_E_NOMEM;
	int rc = CL_OK;
	for (char *p = path + 1; rc == CL_OK; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char end = *p;
		*p = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			rc = code_of(errno);
		*p = end;
		if (end == '\0')
			break;
	}
	free(path);
	return rc;
}

static int take_lock(struct lmdb *lmdb) {
	lmdb->lock_fd = openat(lmdb->folder_fd, "writer.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lmdb->lock_fd < 0)
		return code_of(errno);
	if (flock(lmdb->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? CL_E_BUSY : CL_E_IO;
	return CL_OK;
}

/* Looks at the pages before LMDB does (kv_lmdb_check.h). A reader holds the state still while another process writes.
 */
static int check_pages(struct lmdb *lmdb) {
	mdb_filehandle_t fd;
	int rc = mdb_env_get_fd(lmdb->env, &fd), code = CL_E_AGAIN;
	for (int i = 0; rc == MDB_SUCCESS && code == CL_E_AGAIN && i < CHECK_TRIES; i++) {
		MDB_txn *txn;
		rc = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);
		if (rc != MDB_SUCCESS)
			break;
		code = cl_kv_lmdb_check(fd, mdb_txn_id(txn));
		mdb_txn_abort(txn);
	}
	return rc != MDB_SUCCESS ? code_of(rc) : code;
}

static int open_env(struct lmdb *lmdb, const char *folder, uint64_t map_bytes) {
	int dead;
	unsigned flags = MDB_NOTLS | (lmdb->read_only ? MDB_RDONLY : 0);
	uint64_t map = map_bytes < MAP_LEAST ? MAP_LEAST : (map_bytes + MAP_LEAST - 1) / MAP_LEAST * MAP_LEAST;
	int rc = mdb_env_create(&lmdb->env);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_set_maxdbs(lmdb->env, CL_TABLES);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_set_maxreaders(lmdb->env, READERS_MOST);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_set_mapsize(lmdb->env, map);
	if (rc == MDB_SUCCESS)
		rc = mdb_env_open(lmdb->env, folder, flags, 0600);
	if (rc == MDB_SUCCESS) /* slots of processes that died hold back pages for ever */
		rc = mdb_reader_check(lmdb->env, &dead);
	return rc == ENOENT ? CL_E_NOTFOUND : code_of(rc);
}

static int open_tables(struct lmdb *lmdb) {
	MDB_txn *txn;
	int rc = mdb_txn_begin(lmdb->env, NULL, lmdb->read_only ? MDB_RDONLY : 0, &txn);
	if (rc != MDB_SUCCESS)
		return code_of(rc);
	for (int i = 0; rc == MDB_SUCCESS && i < CL_TABLES; i++)
		rc = mdb_dbi_open(txn, cl_table_name((enum cl_table)i), lmdb->read_only ? 0 : MDB_CREATE,
		                  &lmdb->dbis[i]);
	if (rc != MDB_SUCCESS) {
		mdb_txn_abort(txn);
		return code_of(rc);
	}
	return code_of(mdb_txn_commit(txn));
}

static int open_all(struct lmdb *lmdb, const char *folder, uint64_t map_bytes) {
	int rc = lmdb->read_only ? CL_OK : make_folders(folder);
	if (rc != CL_OK)
		return rc;
	lmdb->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lmdb->folder_fd < 0)
		return errno == ENOENT ? CL_E_NOTFOUND : code_of(errno);
	if (!lmdb->read_only)
		rc = take_lock(lmdb);
	if (rc == CL_OK)
		rc = open_env(lmdb, folder, map_bytes);
	if (rc == CL_OK)
		rc = check_pages(lmdb);
	if (rc == CL_OK)
		rc = open_tables(lmdb);
	/* The names of new files are durable only once their folder is. */
	if (rc == CL_OK && !lmdb->read_only && fsync(lmdb->folder_fd) != 0)
		rc = CL_E_IO;
	return rc;
}

int cl_kv_lmdb_open(const char *folder, uint64_t map_bytes, bool read_only, struct cl_kv **ret_kv) {
	static const struct cl_kv_ops ops = {
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
	        .close = lmdb_close,
	        .space = lmdb_space,
	};
	struct lmdb *lmdb = calloc(1, sizeof *lmdb);
	pthread_condattr_t monotonic;
	if (lmdb == NULL)
		return CL_E_NOMEM;
	*lmdb = (struct lmdb){.kv = {&ops}, .folder_fd = -1, .lock_fd = -1, .read_only = read_only};
	CL_ASSERT(pthread_mutex_init(&lmdb->writer, NULL) == 0);
	CL_ASSERT(pthread_mutex_init(&lmdb->mutex, NULL) == 0);
	CL_ASSERT(pthread_condattr_init(&monotonic) == 0);
	CL_ASSERT(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	CL_ASSERT(pthread_cond_init(&lmdb->changed, &monotonic) == 0);
	CL_ASSERT(pthread_condattr_destroy(&monotonic) == 0);
	int rc = open_all(lmdb, folder, map_bytes);
	if (rc != CL_OK) {
		lmdb_close(&lmdb->kv);
		return rc;
	}
	*ret_kv = &lmdb->kv;
	return CL_OK;
}
