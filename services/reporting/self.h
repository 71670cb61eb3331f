/* What the reporting process says about itself: the queries "status" and "metrics", as every service answers them. */
#ifndef REPORTING_SELF_H
#define REPORTING_SELF_H

#include "reporting.h"
#include "uv/process.h"

void reporting_self_query(struct cl_process *process, struct reporting *reporting, const struct wire_query *query);

#endif
