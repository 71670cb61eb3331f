/* The processes of an installation, or those of them that the configuration's `run` puts on this machine. */
#ifndef CLI_PLAN_H
#define CLI_PLAN_H

#include "base/arena.h"
#include "uv/config.h"

struct cli_plan_entry {
	uint32_t service, partition;
};
struct cli_plan {
	struct cli_plan_entry *v;
	uint32_t n;
};

/* Services in the order of their ids, the gateway last. everywhere: also what runs on other machines. */
struct cli_plan cli_plan_make(const struct cl_config *config, bool everywhere, struct cl_arena *arena);
/* "intake/0" with separator '/'; the gateway has no partition. NUL-terminated. */
const char *cli_plan_name(const struct cli_plan_entry *entry, char separator, struct cl_arena *arena);

#endif
