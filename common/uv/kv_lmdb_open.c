#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "uv/kv_lmdb_check.h"
#include "uv/kv_lmdb_int.h"
#include "uv/service.h"

#define MAP_LEAST ((uint64_t)1 << 20)
#define READERS_MOST 512
#define GROW_WAIT_MS 1000
#define CHECK_TRIES 100
#define PROBE_BYTES (1 << 20) /* LMDB writes at most 64 pages at once */

int cl_lmdb_code(int rc) {
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

/* -- space -- */
uint64_t cl_lmdb_space(struct cl_kv *kv) {
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
bool cl_lmdb_out_of_space(struct lmdb *lmdb) {
	struct stat file;
	mdb_filehandle_t fd;
	if (cl_lmdb_space(&lmdb->kv) < PROBE_BYTES)
		return true;
	if (mdb_env_get_fd(lmdb->env, &fd) != 0 || fstat(fd, &file) != 0)
		return false;
	/* Quotas do not show in statvfs. The blocks are kept for the writes to come. */
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, file.st_size, PROBE_BYTES) != 0 &&
	       cl_lmdb_code(errno) == CL_E_NOSPACE;
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

int cl_lmdb_set_map(struct lmdb *lmdb, size_t bytes) {
	struct timespec until = deadline(GROW_WAIT_MS);
	cl_lmdb_lock(lmdb);
	while (lmdb->growing)
		CL_ASSERT(pthread_cond_wait(&lmdb->changed, &lmdb->mutex) == 0);
	lmdb->growing = true;
	int waited = 0;
	while (lmdb->readers > 0 && waited == 0)
		waited = pthread_cond_timedwait(&lmdb->changed, &lmdb->mutex, &until);
	int rc = lmdb->readers > 0 ? CL_E_AGAIN : cl_lmdb_code(mdb_env_set_mapsize(lmdb->env, bytes));
	lmdb->growing = false;
	CL_ASSERT(pthread_cond_broadcast(&lmdb->changed) == 0);
	cl_lmdb_unlock(lmdb);
	return rc;
}

int cl_lmdb_double_map(struct lmdb *lmdb) {
	MDB_envinfo info;
	int rc = cl_lmdb_code(mdb_env_info(lmdb->env, &info));
	if (rc != CL_OK)
		return rc;
	if (info.me_mapsize > SIZE_MAX / 4)
		return CL_E_NOSPACE;
	rc = cl_lmdb_set_map(lmdb, info.me_mapsize * 2);
	if (rc == CL_OK)
		lmdb->full = false;
	return rc == CL_E_AGAIN ? CL_E_NOSPACE : rc;
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
		if (txn->probe != NULL)
			mdb_txn_abort(txn->probe);
		free(txn);
	}
}

/* Also takes apart what was only half opened. */
void cl_lmdb_close(struct cl_kv *kv) {
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
			rc = cl_lmdb_code(errno);
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
		return cl_lmdb_code(errno);
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
	return rc != MDB_SUCCESS ? cl_lmdb_code(rc) : code;
}

static int check_start(const struct lmdb *lmdb) {
	int fd = openat(lmdb->folder_fd, "data.mdb", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? CL_OK : CL_E_IO; /* a new one; open_env tells whether it may be */
	int rc = cl_kv_lmdb_check_start(fd);
	close(fd);
	return rc;
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
	return rc == ENOENT ? CL_E_NOTFOUND : cl_lmdb_code(rc);
}

/* A reader whose roots are whole (see begin_probed in kv_lmdb.c), or a writer. */
static int begin_opening(struct lmdb *lmdb, MDB_txn **ret_txn) {
	if (!lmdb->read_only)
		return mdb_txn_begin(lmdb->env, NULL, 0, ret_txn);
	for (;;) {
		MDB_txn *probe;
		int rc = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, ret_txn);
		if (rc != MDB_SUCCESS)
			return rc;
		rc = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &probe);
		bool same = rc == MDB_SUCCESS && mdb_txn_id(*ret_txn) == mdb_txn_id(probe);
		if (rc == MDB_SUCCESS)
			mdb_txn_abort(probe);
		if (same)
			return MDB_SUCCESS;
		mdb_txn_abort(*ret_txn);
		if (rc != MDB_SUCCESS)
			return rc;
	}
}

static int open_tables(struct lmdb *lmdb) {
	MDB_txn *txn;
	int rc = begin_opening(lmdb, &txn);
	if (rc != MDB_SUCCESS)
		return cl_lmdb_code(rc);
	for (int i = 0; rc == MDB_SUCCESS && i < CL_TABLES; i++)
		rc = mdb_dbi_open(txn, cl_table_name((enum cl_table)i), lmdb->read_only ? 0 : MDB_CREATE,
		                  &lmdb->dbis[i]);
	if (rc != MDB_SUCCESS) {
		mdb_txn_abort(txn);
		return cl_lmdb_code(rc);
	}
	return cl_lmdb_code(mdb_txn_commit(txn));
}

static int open_all(struct lmdb *lmdb, const char *folder, uint64_t map_bytes) {
	int rc = lmdb->read_only ? CL_OK : make_folders(folder);
	if (rc != CL_OK)
		return rc;
	lmdb->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lmdb->folder_fd < 0)
		return errno == ENOENT ? CL_E_NOTFOUND : cl_lmdb_code(errno);
	if (!lmdb->read_only)
		rc = take_lock(lmdb);
	if (rc == CL_OK)
		rc = check_start(lmdb);
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
	struct lmdb *lmdb = calloc(1, sizeof *lmdb);
	pthread_condattr_t monotonic;
	if (lmdb == NULL)
		return CL_E_NOMEM;
	*lmdb = (struct lmdb){.kv = {&cl_lmdb_ops}, .folder_fd = -1, .lock_fd = -1, .read_only = read_only};
	CL_ASSERT(pthread_mutex_init(&lmdb->writer, NULL) == 0);
	CL_ASSERT(pthread_mutex_init(&lmdb->mutex, NULL) == 0);
	CL_ASSERT(pthread_condattr_init(&monotonic) == 0);
	CL_ASSERT(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	CL_ASSERT(pthread_cond_init(&lmdb->changed, &monotonic) == 0);
	CL_ASSERT(pthread_condattr_destroy(&monotonic) == 0);
	int rc = open_all(lmdb, folder, map_bytes);
	if (rc != CL_OK) {
		cl_lmdb_close(&lmdb->kv);
		return rc;
	}
	*ret_kv = &lmdb->kv;
	return CL_OK;
}
