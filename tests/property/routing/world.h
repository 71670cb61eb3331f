/* A small world for one domain: partitions with their logs, actors, and a channel from every log to every partition
 * that keeps its order but has no order with the others, as in the runtime. The test decides what is delivered next.
 *
 * Every event is encoded and decoded before it is applied, and every state is moved to fresh memory after each
 * decision, so whatever is not on the wire, or was borrowed instead of copied, is noticed. */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "actor/domain.h"
#include "base/buf.h"
#include "base/map.h"

#define WORLD_PARTITIONS_MAX 4
#define WORLD_OUTSIDE 2 /* logs of other services, so that their events come in any order */
#define WORLD_LOGS (WORLD_PARTITIONS_MAX + WORLD_OUTSIDE)
#define WORLD_START_MS 1767225600000

struct world_event {
	uint16_t type;
	uint8_t kind;
	struct cl_id aggregate;
	uint32_t version;
	int64_t recorded_ms, occurred_ms;
	struct cl_buf payload;
};

struct world_log {
	struct world_event *events;
	size_t n, cap;
	size_t taken[WORLD_PARTITIONS_MAX]; /* by each partition */
};

struct world_actor {
	uint8_t kind;
	struct cl_id id;
	const struct cl_schema *schema;
	void *state;
	uint32_t version;
	struct cl_arena arena;
};

struct world {
	const struct cl_domain *domain;
	uint32_t partitions;
	uint64_t rng;
	int64_t now_ms;
	struct cl_str who;
	struct world_log logs[WORLD_LOGS];
	struct cl_map actors[WORLD_PARTITIONS_MAX];
	struct cl_arena turn;
	const char *reject_field; /* of the last command */
	uint32_t events;          /* of the last decision */
};

void world_open(struct world *world, const struct cl_domain *domain, uint32_t partitions, uint64_t seed);
void world_close(struct world *world);

uint64_t world_random(struct world *world, uint64_t below);

/* Carries a command out: its reject code, 0 = accepted. Registries: of the partition given. */
uint32_t world_command(struct world *world, uint8_t kind, struct cl_id target, uint32_t registry_partition,
                       uint16_t type, const void *body);
/* An event of another service; it lies in the outside log until it is delivered. */
void world_outside(struct world *world, uint32_t log, uint16_t type, uint8_t kind, struct cl_id aggregate,
                   int64_t occurred_ms, const void *body);
/* Delivers one event on some channel; false: nothing is under way. */
bool world_step(struct world *world);
/* The next event of one log to one partition; there must be one. */
void world_step_log(struct world *world, uint32_t log, uint32_t partition);
/* Until nothing is under way. */
void world_settle(struct world *world);
/* Ticks each actor that is due, moving the clock no further than until_ms; settles in between if told to. */
void world_run_until(struct world *world, int64_t until_ms, bool settle);
/* Ticks the actors that are due now, once. */
void world_ticks(struct world *world);

/* The live state; NULL if there is none. */
const void *world_state(struct world *world, uint8_t kind, struct cl_id id);
void world_each(struct world *world, uint8_t kind, void (*visit)(void *context, const struct world_actor *actor),
                void *context);
/* How many events of a type the own logs hold; *ret_last (may be NULL) becomes the last one, in the turn's memory. */
uint32_t world_count(struct world *world, uint16_t type, const void **ret_last);
/* Applies all own logs anew and compares every state, encoded; fails the test if one differs. */
void world_check_replay(struct world *world);

#endif
