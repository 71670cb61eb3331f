/* Logs of cases as support would have written them, made at once through cl_log_commit. */
#ifndef BENCH_CASE_LOG_H
#define BENCH_CASE_LOG_H

#include "log/log.h"

/* Closed cases of ten events each, records only: what rebuilding and catching up are measured on. */
void bench_write_cases(struct cl_kv *kv, const struct cl_log_identity *identity, uint64_t events);
/* Case n, from 1 on. */
struct cl_id bench_case_id(uint64_t n);
/* Closed cases (five events each) and behind them open ones (three events, a deadline far ahead), with states and due
 * times: a folder that the service starts on as if it had worked for years. */
void bench_write_folder(struct cl_kv *kv, const struct cl_log_identity *identity, uint64_t closed, uint64_t open);

#endif
