/* Runs every order of delivery of what is pending in a world, each state once. What one actor says to another arrives
 * in order, as it stands in one log; everything else in any order, which is more than the logs allow. */
#ifndef TESTS_INTAKE_EXPLORE_H
#define TESTS_INTAKE_EXPLORE_H

#include "../../unit/intake/world.h"

struct explorer {
	void (*step)(void *context, const struct world *world); /* after every delivery */
	void (*end)(void *context, const struct world *world);  /* nothing is pending */
	void *context;
	struct cl_hash *seen;
	size_t seen_n, seen_cap;
	uint64_t deliveries, ends;
};

void explore(struct explorer *explorer, struct world *world);
void explore_done(struct explorer *explorer);

#endif
