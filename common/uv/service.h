/* The main of a partitioned service: everything but its domain. Options: --dir DIR --config FILE --partition N --help
 * --version. Exit codes: 0 clean stop, 1 operating error, 2 wrong usage or configuration, 3 corrupt log (says how to
 * recover), 4 another process holds the partition, 5 died on purpose (write error). SIGTERM and SIGINT drain and stop.
 */
#ifndef CL_UV_SERVICE_H
#define CL_UV_SERVICE_H

#include "actor/domain.h"
#include "log/kv.h"
#include "uv/config.h"

int cl_service_main(const struct cl_domain *domain, int argc, char **argv);

/* The named queries that every service answers: "status" (JSON: service, partition, pid, uptime_ms, head {seq, hash},
 * log_id, partitions, sources [{service, partition, upto, head}], stats {…}), "metrics" (JSON: {"text": Prometheus
 * exposition}). */

/* Opens the LMDB store of a partition: FOLDER/data.mdb. BUSY: another process holds its lock. map_bytes grows by
 * doubling when full. */
CL_MUST_CHECK int cl_kv_lmdb_open(const char *folder, uint64_t map_bytes, bool read_only, struct cl_kv **ret_kv);

#endif
