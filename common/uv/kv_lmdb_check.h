/* Inside the LMDB store: whether the pages of a data file can be walked at all. LMDB trusts its pages; a flipped bit in
 * one ends the process by an assertion, a wild read or a loop, or makes it hand out a live page as free. So every page
 * that the present state can reach is looked at before LMDB does. What stands in the records is the log's to check. */
#ifndef CL_UV_KV_LMDB_CHECK_H
#define CL_UV_KV_LMDB_CHECK_H

#include <stdint.h>

#include "base/error.h"

/* Checks the state that transaction txn_id left; it must not be overwritten meanwhile (a reader of it is open, or
 * nobody writes). CORRUPT; AGAIN: the file holds no such state any more; NOMEM, IO. */
CL_MUST_CHECK int cl_kv_lmdb_check(int data_fd, uint64_t txn_id);

/* What mdb_env_open itself believes, before any transaction can be asked for: the two pages that say where all others
 * are (a page size of 0 ends it by a division). An empty file is fine: nothing stands there yet. CORRUPT; IO. */
CL_MUST_CHECK int cl_kv_lmdb_check_start(int data_fd);

#endif
