#include "plan.h"

static uint32_t partitions_of(const struct cl_config *config, uint32_t service) {
	return service == CL_GATEWAY ? 1 : config->services[service].partitions;
}

struct cli_plan cli_plan_make(const struct cl_config *config, bool everywhere, struct cl_arena *arena) {
	struct cli_plan plan = {0};
	uint32_t total = 0;
	for (uint32_t service = CL_INTAKE; service <= CL_GATEWAY; service++)
		total += partitions_of(config, service);
	plan.v = cl_arena_array(arena, struct cli_plan_entry, total);
	for (uint32_t service = CL_INTAKE; service <= CL_GATEWAY; service++)
		for (uint32_t p = 0; p < partitions_of(config, service); p++)
			if (everywhere || cl_config_runs(config, service, p))
				plan.v[plan.n++] = (struct cli_plan_entry){service, p};
	return plan;
}

const char *cli_plan_name(const struct cli_plan_entry *entry, char separator, struct cl_arena *arena) {
	if (entry->service == CL_GATEWAY)
		return "gateway";
	return cl_arena_printf(arena, "%s%c%u", cl_service_name(entry->service), separator, entry->partition).p;
}
