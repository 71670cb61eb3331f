/* What the files of the partitioned service's main share. */
#ifndef CL_UV_SERVICE_PARTS_H
#define CL_UV_SERVICE_PARTS_H

#include "actor/partition.h"
#include "uv/process.h"

struct cl_service {
	struct cl_process process;
	const struct cl_domain *domain;
	struct cl_partition *partition;
};

/* Answers a query; every service knows "status" and "metrics". */
void cl_service_query(struct cl_service *service, const struct wire_query *query);

#endif
