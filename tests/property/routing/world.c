#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define CHECK(condition) assert_true(condition)

static const struct cl_schema *state_schema(const struct cl_domain *domain, uint8_t kind) {
	for (uint32_t i = 0; i < domain->kind_n; i++)
		if (domain->kinds[i].kind == kind)
			return domain->kinds[i].state;
	fail_msg("no such kind: %u", kind);
	return NULL;
}

void world_open(struct world *world, const struct cl_domain *domain, uint32_t partitions, uint64_t seed) {
	*world = (struct world){.domain = domain,
	                        .partitions = partitions,
	                        .rng = seed,
	                        .now_ms = WORLD_START_MS,
	                        .who = CL_STR("lan.nguyen")};
	CHECK(partitions <= WORLD_PARTITIONS_MAX);
	for (uint32_t i = 0; i < partitions; i++)
		cl_map_init(&world->actors[i]);
	cl_arena_init(&world->turn, 65536);
}

static void free_actors(struct cl_map *map) {
	size_t index = 0;
	for (struct cl_map_slot *slot; (slot = cl_map_next(map, &index));) {
		struct world_actor *actor = slot->value;
		cl_arena_done(&actor->arena);
		free(actor->state);
		free(actor);
	}
	cl_map_done(map);
}

void world_close(struct world *world) {
	for (uint32_t i = 0; i < world->partitions; i++)
		free_actors(&world->actors[i]);
	for (uint32_t i = 0; i < WORLD_LOGS; i++) {
		for (size_t j = 0; j < world->logs[i].n; j++)
			cl_buf_done(&world->logs[i].events[j].payload);
		free(world->logs[i].events);
	}
	cl_arena_done(&world->turn);
}

uint64_t world_random(struct world *world, uint64_t below) {
	uint64_t z = world->rng += 0x9e3779b97f4a7c15u; /* splitmix64, Steele, Lea, Flood 2014 */
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

static uint32_t partition_of(const struct world *world, struct cl_id id) {
	return (uint32_t)(cl_id_hash(id) % world->partitions);
}

static struct world_actor *obtain(struct cl_map *map, const struct cl_domain *domain, uint8_t kind, struct cl_id id) {
	struct world_actor *actor = cl_map_get(map, kind, id);
	if (actor)
		return actor;
	actor = calloc(1, sizeof(*actor));
	CHECK(actor);
	actor->kind = kind;
	actor->id = id;
	actor->schema = state_schema(domain, kind);
	actor->state = calloc(1, actor->schema->size);
	CHECK(actor->state);
	cl_arena_init(&actor->arena, 256);
	cl_map_put(map, kind, id, actor);
	return actor;
}

static void move(struct world_actor *actor) {
	struct cl_arena fresh;
	void *state = calloc(1, actor->schema->size);
	CHECK(state);
	cl_arena_init(&fresh, 256);
	cl_copy(actor->schema, actor->state, &fresh, state);
	free(actor->state);
	cl_arena_done(&actor->arena);
	actor->state = state;
	actor->arena = fresh;
}

static struct world_event *append(struct world_log *log) {
	if (log->n == log->cap) {
		log->cap = log->cap ? log->cap * 2 : 64;
		log->events = realloc(log->events, log->cap * sizeof(*log->events));
		CHECK(log->events);
	}
	struct world_event *event = &log->events[log->n++];
	*event = (struct world_event){0};
	cl_buf_init(&event->payload);
	return event;
}

static struct cl_event opened(const struct world_event *event, struct cl_arena *arena) {
	const struct cl_schema *schema = cl_schema_by_type(event->type);
	void *body = cl_arena_alloc(arena, schema->size);
	struct cl_field_error error;
	if (cl_decode(schema, cl_buf_bytes(&event->payload), arena, body, &error) != CL_OK)
		fail_msg("%s: %s is not valid", schema->name, error.path);
	return (struct cl_event){.type = event->type,
	                         .body = body,
	                         .kind = event->kind,
	                         .aggregate = event->aggregate,
	                         .version = event->version,
	                         .recorded_ms = event->recorded_ms,
	                         .occurred_ms = event->occurred_ms,
	                         .who = CL_STR("lan.nguyen")};
}

/* Applies from memory that is gone afterwards. */
static void apply(const struct cl_domain *domain, struct world_actor *actor, const struct world_event *event) {
	struct cl_arena arena;
	struct world_event copy = *event;
	cl_buf_init(&copy.payload);
	cl_buf_put(&copy.payload, event->payload.p, event->payload.n);
	cl_arena_init(&arena, 4096);
	struct cl_event view = opened(&copy, &arena);
	domain->evolve(actor->kind, actor->state, &view, &actor->arena);
	actor->version = event->version;
	cl_arena_done(&arena);
	cl_buf_done(&copy.payload);
}

static uint32_t decide(struct world *world, uint32_t partition, struct cl_message message, int64_t occurred_ms) {
	struct cl_map *map = &world->actors[partition];
	struct world_actor *actor = obtain(map, world->domain, message.kind, message.target);
	struct world_actor *registry = obtain(map, world->domain, world->domain->registry_kind, (struct cl_id){{0}});
	struct cl_ctx ctx = {.now_ms = world->now_ms,
	                     .occurred_ms = occurred_ms,
	                     .who = world->who,
	                     .registry = registry->state,
	                     .partition = partition,
	                     .partitions = world->partitions,
	                     .arena = &world->turn};
	struct cl_decision decision = {.arena = &world->turn};
	world->domain->decide(&ctx, actor->state, actor->version, &message, &decision);
	world->reject_field = decision.reject_field;
	world->events = decision.n;
	if (decision.reject)
		CHECK(decision.n == 0);
	for (uint32_t i = 0; i < decision.n; i++) {
		struct world_event *event = append(&world->logs[partition]);
		event->type = decision.events[i].type;
		event->kind = actor->kind;
		event->aggregate = actor->id;
		event->version = actor->version + 1;
		event->recorded_ms = world->now_ms;
		event->occurred_ms = decision.events[i].occurred_ms;
		cl_encode(cl_schema_by_type(event->type), decision.events[i].body, &event->payload);
		apply(world->domain, actor, event);
	}
	if (decision.n)
		move(actor);
	return decision.reject;
}

uint32_t world_command(struct world *world, uint8_t kind, struct cl_id target, uint32_t registry_partition,
                       uint16_t type, const void *body) {
	uint32_t partition = kind == world->domain->registry_kind ? registry_partition : partition_of(world, target);
	struct cl_message message = {
	        .role = CL_MSG_COMMAND, .type = type, .body = body, .kind = kind, .target = target};
	cl_arena_reset(&world->turn);
	return decide(world, partition, message, world->now_ms);
}

void world_outside(struct world *world, uint32_t log, uint16_t type, uint8_t kind, struct cl_id aggregate,
                   int64_t occurred_ms, const void *body) {
	struct world_event *event = append(&world->logs[WORLD_PARTITIONS_MAX + log]);
	event->type = type;
	event->kind = kind;
	event->aggregate = aggregate;
	event->version = 1;
	event->recorded_ms = world->now_ms;
	event->occurred_ms = occurred_ms;
	cl_encode(cl_schema_by_type(type), body, &event->payload);
}

static bool follows(const struct cl_domain *domain, uint32_t log, uint16_t type) {
	bool wanted = log >= WORLD_PARTITIONS_MAX;
	for (uint32_t i = 0; i < domain->own_type_n; i++)
		wanted |= domain->own_types[i] == type;
	return wanted;
}

static void deliver(struct world *world, uint32_t log, uint32_t partition) {
	cl_arena_reset(&world->turn);
	struct world_event taken = world->logs[log].events[world->logs[log].taken[partition]++];
	struct cl_target targets[CL_TARGETS_MAX];
	if (!follows(world->domain, log, taken.type))
		return;
	struct cl_event event = opened(&taken, &world->turn);
	uint32_t n = world->domain->targets(&event, targets);
	CHECK(n <= CL_TARGETS_MAX);
	for (uint32_t i = 0; i < n; i++) {
		if (partition_of(world, targets[i].id) != partition)
			continue;
		struct cl_message message = {.role = CL_MSG_EVENT,
		                             .type = event.type,
		                             .body = event.body,
		                             .event = &event,
		                             .kind = targets[i].kind,
		                             .target = targets[i].id};
		CHECK(decide(world, partition, message, world->now_ms) == CL_R_NONE);
	}
}

bool world_step(struct world *world) {
	uint32_t found = 0, log = 0, partition = 0;
	for (uint32_t i = 0; i < WORLD_LOGS; i++)
		for (uint32_t j = 0; j < world->partitions; j++)
			if (world->logs[i].taken[j] < world->logs[i].n && world_random(world, ++found) == 0) {
				log = i;
				partition = j;
			}
	if (found)
		deliver(world, log, partition);
	return found > 0;
}

void world_step_log(struct world *world, uint32_t log, uint32_t partition) {
	CHECK(world->logs[log].taken[partition] < world->logs[log].n);
	deliver(world, log, partition);
}

void world_settle(struct world *world) {
	while (world_step(world))
		;
}

static struct world_actor *next_due(struct world *world) {
	struct world_actor *next = NULL;
	int64_t next_ms = 0;
	for (uint32_t i = 0; i < world->partitions; i++) {
		size_t index = 0;
		for (struct cl_map_slot *slot; (slot = cl_map_next(&world->actors[i], &index));) {
			struct world_actor *actor = slot->value;
			int64_t due = world->domain->due(actor->kind, actor->state);
			if (due && (!next || due < next_ms)) {
				next = actor;
				next_ms = due;
			}
		}
	}
	return next;
}

static void tick(struct world *world, struct world_actor *actor) {
	int64_t due = world->domain->due(actor->kind, actor->state);
	struct cl_message message = {.role = CL_MSG_TICK, .kind = actor->kind, .target = actor->id};
	cl_arena_reset(&world->turn);
	CHECK(decide(world, partition_of(world, actor->id), message, world->now_ms) == CL_R_NONE);
	int64_t later = world->domain->due(actor->kind, actor->state);
	if (later && later <= due)
		fail_msg("a tick left the actor due as before");
}

void world_run_until(struct world *world, int64_t until_ms, bool settle) {
	for (struct world_actor *actor; (actor = next_due(world));) {
		int64_t due = world->domain->due(actor->kind, actor->state);
		if (due > until_ms)
			break;
		if (due > world->now_ms)
			world->now_ms = due;
		tick(world, actor);
		if (settle)
			world_settle(world);
	}
	if (until_ms > world->now_ms)
		world->now_ms = until_ms;
}

void world_ticks(struct world *world) {
	world_run_until(world, world->now_ms, false);
}

const void *world_state(struct world *world, uint8_t kind, struct cl_id id) {
	struct world_actor *actor = cl_map_get(&world->actors[partition_of(world, id)], kind, id);
	return actor && actor->version ? actor->state : NULL;
}

void world_each(struct world *world, uint8_t kind, void (*visit)(void *context, const struct world_actor *actor),
                void *context) {
	for (uint32_t i = 0; i < world->partitions; i++) {
		size_t index = 0;
		for (struct cl_map_slot *slot; (slot = cl_map_next(&world->actors[i], &index));) {
			const struct world_actor *actor = slot->value;
			if (actor->kind == kind && actor->version)
				visit(context, actor);
		}
	}
}

uint32_t world_count(struct world *world, uint16_t type, const void **ret_last) {
	uint32_t n = 0;
	for (uint32_t i = 0; i < world->partitions; i++)
		for (size_t j = 0; j < world->logs[i].n; j++)
			if (world->logs[i].events[j].type == type) {
				n++;
				if (ret_last)
					*ret_last = opened(&world->logs[i].events[j], &world->turn).body;
			}
	return n;
}

static void same_state(struct world *world, const struct world_actor *live, const struct world_actor *again) {
	struct cl_buf a, b;
	(void)world;
	CHECK(again);
	assert_int_equal(live->version, again->version);
	cl_buf_init(&a);
	cl_buf_init(&b);
	cl_encode(live->schema, live->state, &a);
	cl_encode(again->schema, again->state, &b);
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.p, b.p, a.n);
	cl_buf_done(&a);
	cl_buf_done(&b);
}

void world_check_replay(struct world *world) {
	for (uint32_t i = 0; i < world->partitions; i++) {
		struct cl_map again;
		size_t index = 0;
		cl_map_init(&again);
		for (size_t j = 0; j < world->logs[i].n; j++) {
			const struct world_event *event = &world->logs[i].events[j];
			struct world_actor *actor = obtain(&again, world->domain, event->kind, event->aggregate);
			assert_int_equal(event->version, actor->version + 1);
			apply(world->domain, actor, event);
		}
		for (struct cl_map_slot *slot; (slot = cl_map_next(&world->actors[i], &index));) {
			const struct world_actor *live = slot->value;
			if (live->version)
				same_state(world, live, cl_map_get(&again, live->kind, live->id));
		}
		free_actors(&again);
	}
}
