/* Replay equals live: random commands of all kinds, delivered in random order; every event kept as bytes. Folding those
 * bytes from nothing, without deciding anything, gives each actor the state that it had. Prints its seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/assert.h"
#include "world.h"

#define ROUNDS 60
#define STEPS 120
#define CONTACTS 8
#define EVENTS_MAX 8192

struct kept {
	struct cl_event head; /* body unset; who in the arena */
	struct cl_buf body;
};

static struct kept kept[EVENTS_MAX];
static uint32_t kept_n;
static uint64_t rng;

static uint32_t pick(uint32_t n) {
	uint64_t z = (rng += 0x9e3779b97f4a7c15u); /* splitmix64 */
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) % n);
}

static void keep(void *context, const struct cl_event *event, const void *before) {
	(void)before;
	struct cl_arena *arena = context;
	assert_true(kept_n < EVENTS_MAX);
	struct kept *k = &kept[kept_n++];
	k->head = *event;
	k->head.body = NULL;
	k->head.who = cl_arena_str(arena, event->who);
	cl_buf_init(&k->body);
	cl_encode(cl_schema_by_type(event->type), event->body, &k->body);
}

static void random_contact(struct world *world) {
	static const char *const phones[] = {"", "0900000001", "+84 900 000 002", "0900000003", "không có"};
	static const char *const emails[] = {"", "a@example.vn", "B@example.vn", "c@example.vn", "hỏng@"};
	static const char *const texts[] = {"", "máy hỏng", "tôi muốn đặt mua", "khieu nai",
	                                    "giá bao nhiêu\nvà còn hàng không?"};
	struct contact_register command = {.channel = (enum channel)(1 + pick(8)),
	                                   .name = pick(3) ? CL_STR("Nguyễn Thị Bình") : (struct cl_str){0},
	                                   .phone = cl_str_from(phones[pick(5)]),
	                                   .email = cl_str_from(emails[pick(5)]),
	                                   .text = cl_str_from(texts[pick(5)]),
	                                   .category = pick(4) ? category_UNSET : (enum category)(1 + pick(6)),
	                                   .urgency = pick(4) ? level_UNSET : (enum level)(1 + pick(3))};
	struct cl_id request = world_id(1 + pick(CONTACTS));
	if (pick(5) == 0) {
		command.source_key = pick(2) ? CL_STR("k1") : CL_STR("k2");
		request = pick(8) ? intake_request_id(command.source_key) : request;
	}
	world_command(world, CL_KIND_REQUEST, request, CL_T_contact_register, &command, NULL);
}

static void random_command(struct world *world) {
	struct cl_id n = world_id(1 + pick(CONTACTS));
	struct request_reclassify reclassify = {
	        .category = (enum category)pick(7), .importance = (enum level)pick(4), .reason = CL_STR("x")};
	struct customer_merge merge = {.into = world_id(1 + pick(CONTACTS + 1)), .reason = CL_STR("một người")};
	struct customer_unmerge unmerge = {.reason = CL_STR("nhầm")};
	const struct cl_id registry = {{0}};
	switch (pick(8)) {
	case 0:
		world_command(world, CL_KIND_REQUEST, n, CL_T_request_reclassify, &reclassify, NULL);
		break;
	case 1:
		world_command(world, CL_KIND_CUSTOMER, n, CL_T_customer_merge, &merge, NULL);
		break;
	case 2:
		world_command(world, CL_KIND_CUSTOMER, n, CL_T_customer_unmerge, &unmerge, NULL);
		break;
	case 3:
		world_command(world, CL_KIND_INTAKE_REGISTRY, registry, CL_T_intake_configure,
		              intake_defaults(world->arena), NULL);
		break;
	default:
		random_contact(world);
	}
}

static void deliver_one(struct world *world) {
	uint32_t i = pick(world->pending_n);
	world_deliver(world, world_may_deliver(world, i) ? i : 0);
}

/* One arena for the whole fold, as an actor has it: a state that kept a pointer into an event's bytes would now hold
 * garbage. */
static void fold(const struct actor *actor, const struct cl_schema *schema, struct cl_buf *out) {
	struct cl_arena own, turn;
	cl_arena_init(&own, 4096);
	cl_arena_init(&turn, 4096);
	void *state = cl_arena_alloc(&own, schema->size);
	uint32_t version = 0;
	for (uint32_t i = 0; i < kept_n; i++) {
		struct cl_event event = kept[i].head;
		if (event.kind != actor->kind || !cl_id_eq(event.aggregate, actor->id))
			continue;
		assert_int_equal(event.version, ++version);
		uint8_t *bytes = malloc(kept[i].body.n + 1);
		CL_ASSERT(bytes);
		memcpy(bytes, kept[i].body.p, kept[i].body.n);
		const struct cl_schema *type = cl_schema_by_type(event.type);
		CL_ASSERT(type);
		struct cl_bytes body = {bytes, (uint32_t)kept[i].body.n};
		CL_ASSERT(cl_decode_version(event.type, type->version, body, &turn, &event.body, NULL) == CL_OK);
		intake_domain.evolve(actor->kind, state, &event, &own);
		for (size_t k = 0; k < kept[i].body.n; k++)
			((volatile uint8_t *)bytes)[k] = 0xee;
		free(bytes);
		cl_arena_reset(&turn);
	}
	assert_int_equal(version, actor->version);
	cl_encode(schema, state, out);
	cl_arena_done(&turn);
	cl_arena_done(&own);
}

static void compare(const struct world *world) {
	for (uint32_t i = 0; i < world->actor_n; i++) {
		const struct actor *actor = &world->actors[i];
		const struct cl_schema *schema = NULL;
		struct cl_buf folded;
		if (actor->version == 0)
			continue; /* asked, and had nothing to say */
		for (uint32_t k = 0; k < intake_domain.kind_n; k++)
			schema = intake_domain.kinds[k].kind == actor->kind ? intake_domain.kinds[k].state : schema;
		CL_ASSERT(schema);
		cl_buf_init(&folded);
		fold(actor, schema, &folded);
		if (folded.n != actor->state.n || (folded.n && memcmp(folded.p, actor->state.p, folded.n) != 0))
			fail_msg("%s differs after replay", schema->name);
		cl_buf_done(&folded);
	}
}

static bool seen_types[65536];

static void replay_equals_live(void **state) {
	(void)state;
	uint64_t events = 0;
	const char *given = getenv("CL_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : 20260101;
	printf("CL_SEED=%llu\n", (unsigned long long)seed);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct cl_arena arena;
		struct world world;
		rng = seed + round;
		cl_arena_init(&arena, 65536);
		world_init(&world, &arena);
		world.on_event = keep;
		world.context = &arena;
		for (uint32_t step = 0; step < STEPS; step++) {
			world.now_ms += pick(1000000);
			world.who = pick(2) ? CL_STR("an") : CL_STR("binh");
			if (world.pending_n > WORLD_PENDING / 2 || (world.pending_n > 0 && pick(2)))
				deliver_one(&world);
			else
				random_command(&world);
		}
		compare(&world);
		world_drain(&world);
		compare(&world);
		events += kept_n;
		while (kept_n > 0) {
			seen_types[kept[--kept_n].head.type] = true;
			cl_buf_done(&kept[kept_n].body);
		}
		cl_arena_done(&arena);
	}
	printf("%llu events in %d histories\n", (unsigned long long)events, ROUNDS);
}

/* The histories above are worth something: every event of intake came up, but the one that takes 64 identities. */
static void every_event_came_up(void **state) {
	(void)state;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *schema = cl_schema_at(i);
		if (schema->role == CL_ROLE_EVENT && schema->type >> 8 == 1 &&
		    schema->type != CL_T_customer_identities_full && !seen_types[schema->type])
			fail_msg("%s never happened", schema->name);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(replay_equals_live), cmocka_unit_test(every_event_came_up)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
