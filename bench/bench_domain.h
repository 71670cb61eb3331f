/* The smallest domain: an actor takes notes of 300-byte records and keeps nothing. What is measured with it is the log,
 * the runtime and the wire, not a service's rules. */
#ifndef BENCH_DOMAIN_H
#define BENCH_DOMAIN_H

#include "actor/domain.h"

extern const struct cl_domain bench_domain;

/* Text that makes a record of about 300 bytes. */
extern const struct cl_str bench_text;

#endif
