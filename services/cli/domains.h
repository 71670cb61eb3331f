/* The domains whose logs the command replays and repairs. */
#ifndef CLI_DOMAINS_H
#define CLI_DOMAINS_H

#include "actor/domain.h"

/* NULL: the service has no actors (reporting), or is none. */
const struct cl_domain *cli_domain(uint32_t service);

#endif
