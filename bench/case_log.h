/* Writes a log of cases, ten events each, as support would have: what rebuild and catching up are measured on. */
#ifndef BENCH_CASE_LOG_H
#define BENCH_CASE_LOG_H

#include "log/log.h"

void bench_write_cases(struct cl_kv *kv, const struct cl_log_identity *identity, uint64_t events);

#endif
