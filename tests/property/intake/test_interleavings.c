/* Every interleaving of three contacts over three identities, and of merges and un-merges that cross them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "explore.h"

#define CONTACTS 3

struct contact {
	const char *phone, *email; /* normalised; "" = none */
};

struct scenario {
	struct contact contacts[CONTACTS];
	bool commands; /* merges or un-merges among them */
	bool unmerges;
	struct world *start;
	char text[512];
};

static const char *const identities[] = {"+84900000001", "+84900000002", "a@example.vn", "b@example.vn"};
#define IDENTITIES 4

static enum identity_kind kind_of(const char *value) {
	return value[0] == '+' ? IDENTITY_PHONE : IDENTITY_EMAIL;
}

static struct cl_id holder_of(const struct world *world, const char *value) {
	struct world *any = (struct world *)(uintptr_t)world;
	const struct identity_state *state =
	        world_state(world, CL_KIND_IDENTITY, world_identity(any, kind_of(value), value));
	return state->holder;
}

static const struct customer_state *customer_of(const struct world *world, struct cl_id id) {
	return world_state(world, CL_KIND_CUSTOMER, id);
}

#define MUST(scenario, condition)                                                                                      \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg("%s\n  does not hold in: %s", #condition, (scenario)->text);                          \
	} while (0)

/* Nothing that stands for somebody becomes part of somebody else without a person's word. */
static void check_event(void *context, const struct cl_event *event, const void *before) {
	const struct scenario *scenario = context;
	const struct customer_state *state = before;
	if (event->type != CL_T_customer_linked)
		return;
	MUST(scenario, state->identities.n == 0);
	MUST(scenario, state->part_count == 0);
	MUST(scenario, cl_id_zero(state->into) && cl_id_zero(state->merging));
}

static void check_step(void *context, const struct world *world) {
	const struct scenario *scenario = context;
	for (uint32_t n = 1; n <= CONTACTS; n++) {
		const struct customer_state *customer = customer_of(world, world_id(n));
		MUST(scenario, !cl_id_zero(world_root(world, world_id(n)))); /* no circle */
		MUST(scenario, cl_id_zero(customer->into) || customer->merged || customer->identities.n == 0);
	}
}

/* A conflict that names the two roots, flagged with any customer of one about any customer of the other. */
static bool flagged(const struct world *world, struct cl_id root_a, struct cl_id root_b) {
	for (uint32_t n = 1; n <= CONTACTS; n++) {
		const struct customer_state *customer = customer_of(world, world_id(n));
		struct cl_id root = world_root(world, world_id(n));
		for (uint32_t i = 0; i < customer->conflicts.n; i++) {
			struct cl_id other = world_root(world, customer->conflicts.v[i].other);
			if ((cl_id_eq(root, root_a) && cl_id_eq(other, root_b)) ||
			    (cl_id_eq(root, root_b) && cl_id_eq(other, root_a)))
				return true;
		}
	}
	return false;
}

static void check_holder(const struct scenario *scenario, const struct world *world, struct cl_id customer,
                         const char *value) {
	if (!*value)
		return;
	struct cl_id holder = holder_of(world, value);
	MUST(scenario, !cl_id_zero(holder)); /* claimed by somebody */
	struct cl_id root = world_root(world, customer), holder_root = world_root(world, holder);
	if (!scenario->unmerges) /* who was taken apart by a person stays apart */
		MUST(scenario, cl_id_eq(root, holder_root) || flagged(world, root, holder_root));
}

/* Each identity names one customer, and that customer, and nobody else, knows. */
static void check_identity(const struct scenario *scenario, const struct world *world, const char *value) {
	struct cl_id holder = holder_of(world, value);
	for (uint32_t n = 1; n <= CONTACTS; n++) {
		const struct customer_state *customer = customer_of(world, world_id(n));
		uint32_t times = 0;
		for (uint32_t i = 0; i < customer->identities.n; i++)
			times += cl_str_eqc(customer->identities.v[i].value, value);
		MUST(scenario, times == (cl_id_eq(holder, world_id(n)) ? 1 : 0));
	}
}

static bool share(const struct contact *a, const struct contact *b) {
	return (*a->phone && strcmp(a->phone, b->phone) == 0) || (*a->email && strcmp(a->email, b->email) == 0);
}

/* Without commands, contacts are one customer or flagged exactly when a chain of shared identities joins them, whatever
 * came first; and one customer only when they share directly or through others, never by chance. */
static void check_groups(const struct scenario *scenario, const struct world *world) {
	bool shared[CONTACTS][CONTACTS], joined[CONTACTS][CONTACTS];
	for (uint32_t a = 0; a < CONTACTS; a++) {
		for (uint32_t b = 0; b < CONTACTS; b++) {
			struct cl_id root_a = world_root(world, world_id(a + 1)),
			             root_b = world_root(world, world_id(b + 1));
			shared[a][b] = a == b || share(&scenario->contacts[a], &scenario->contacts[b]);
			joined[a][b] = cl_id_eq(root_a, root_b) || flagged(world, root_a, root_b);
		}
	}
	for (uint32_t via = 0; via < CONTACTS; via++) {
		for (uint32_t a = 0; a < CONTACTS; a++) {
			for (uint32_t b = 0; b < CONTACTS; b++) {
				shared[a][b] = shared[a][b] || (shared[a][via] && shared[via][b]);
				joined[a][b] = joined[a][b] || (joined[a][via] && joined[via][b]);
			}
		}
	}
	for (uint32_t a = 0; a < CONTACTS; a++) {
		for (uint32_t b = 0; b < CONTACTS; b++)
			MUST(scenario, shared[a][b] == joined[a][b]);
	}
}

static void check_end(void *context, const struct world *world) {
	const struct scenario *scenario = context;
	uint32_t parts = 0, links = 0;
	for (uint32_t n = 1; n <= CONTACTS; n++) {
		const struct customer_state *customer = customer_of(world, world_id(n));
		MUST(scenario, cl_id_eq(customer->request, world_id(n))); /* no contact lost */
		MUST(scenario, customer->waiting == 0 && cl_id_zero(customer->merging));
		parts += customer->part_count;
		links += !cl_id_zero(customer->into);
		uint32_t pointing = 0;
		for (uint32_t m = 1; m <= CONTACTS; m++)
			pointing += cl_id_eq(customer_of(world, world_id(m))->into, world_id(n));
		MUST(scenario, customer->part_count == pointing && customer->parts.n == pointing);
		check_holder(scenario, world, world_id(n), scenario->contacts[n - 1].phone);
		check_holder(scenario, world, world_id(n), scenario->contacts[n - 1].email);
	}
	MUST(scenario, parts == links);
	for (size_t i = 0; i < IDENTITIES; i++)
		check_identity(scenario, world, identities[i]);
	if (!scenario->commands)
		check_groups(scenario, world);
}

static uint64_t total_states, total_deliveries, total_ends, scenarios;

static void start(struct scenario *scenario, struct world *world, struct cl_arena *arena) {
	size_t n = (size_t)snprintf(scenario->text, sizeof(scenario->text), "contacts");
	world_init(world, arena);
	world->on_event = check_event;
	world->context = scenario;
	for (uint32_t i = 0; i < CONTACTS; i++) {
		const struct contact *contact = &scenario->contacts[i];
		n += (size_t)snprintf(scenario->text + n, sizeof(scenario->text) - n, " (%s %s)", contact->phone,
		                      contact->email);
		assert_int_equal(world_contact(world, i + 1, "An", contact->phone, contact->email, ""), CL_R_NONE);
	}
}

static void run(struct scenario *scenario, struct world *world) {
	struct explorer explorer = {.step = check_step, .end = check_end, .context = scenario};
	explore(&explorer, world);
	assert_true(explorer.ends > 0);
	total_states += explorer.seen_n;
	total_deliveries += explorer.deliveries;
	total_ends += explorer.ends;
	scenarios++;
	explore_done(&explorer);
}

static void report(const char *what) {
	printf("%s: %llu scenarios, %llu states, %llu deliveries, %llu ends\n", what, (unsigned long long)scenarios,
	       (unsigned long long)total_states, (unsigned long long)total_deliveries, (unsigned long long)total_ends);
	scenarios = total_states = total_deliveries = total_ends = 0;
}

/* All ways in which three contacts name some of the identities given; which contact is which makes no difference. */
static void all_contacts(const struct contact *ways, uint32_t n) {
	for (uint32_t a = 0; a < n; a++) {
		for (uint32_t b = a; b < n; b++) {
			for (uint32_t c = b; c < n; c++) {
				struct cl_arena arena;
				struct world world;
				struct scenario scenario = {.contacts = {ways[a], ways[b], ways[c]}};
				cl_arena_init(&arena, 65536);
				start(&scenario, &world, &arena);
				run(&scenario, &world);
				cl_arena_done(&arena);
			}
		}
	}
}

static void two_phones_and_an_email(void **state) {
	(void)state;
	static const struct contact ways[] = {{"", ""},
	                                      {"+84900000001", ""},
	                                      {"+84900000002", ""},
	                                      {"", "a@example.vn"},
	                                      {"+84900000001", "a@example.vn"},
	                                      {"+84900000002", "a@example.vn"}};
	all_contacts(ways, 6);
	report("two phones and an email");
}

static void a_phone_and_two_emails(void **state) {
	(void)state;
	static const struct contact ways[] = {{"", ""},
	                                      {"", "a@example.vn"},
	                                      {"", "b@example.vn"},
	                                      {"+84900000001", ""},
	                                      {"+84900000001", "a@example.vn"},
	                                      {"+84900000001", "b@example.vn"}};
	all_contacts(ways, 6);
	report("a phone and two emails");
}

static void post_merge(struct scenario *scenario, struct world *world, uint32_t n, uint32_t into) {
	struct customer_merge command = {.into = world_id(into), .reason = CL_STR("một người")};
	size_t used = strlen(scenario->text);
	snprintf(scenario->text + used, sizeof(scenario->text) - used, ", merge %u into %u", n, into);
	world_post(world, CL_KIND_CUSTOMER, world_id(n), CL_T_customer_merge, &command);
	scenario->commands = true;
}

static void post_unmerge(struct scenario *scenario, struct world *world, uint32_t n) {
	struct customer_unmerge command = {.reason = CL_STR("nhầm")};
	size_t used = strlen(scenario->text);
	snprintf(scenario->text + used, sizeof(scenario->text) - used, ", unmerge %u", n);
	world_post(world, CL_KIND_CUSTOMER, world_id(n), CL_T_customer_unmerge, &command);
	scenario->commands = scenario->unmerges = true;
}

/* Merges that cross each other and the claims, in a circle at worst; cheapest first. Each may come at any time, so
 * early ones are refused. */
static const struct {
	uint8_t merges[3][2], unmerge;
} crossings[] = {
        {{{1, 2}}, 0},         {{{1, 2}}, 1},         {{{1, 2}, {2, 1}}, 0}, {{{1, 2}, {2, 3}}, 0},
        {{{2, 1}, {2, 3}}, 2}, {{{1, 2}, {2, 1}}, 1}, {{{1, 2}, {3, 1}}, 1}, {{{1, 2}, {2, 3}, {3, 1}}, 0},
};
#define CROSSINGS (sizeof(crossings) / sizeof(crossings[0]))

/* Contacts, and how many of the crossings are tried without --all: all of them take 1.5 million states. */
static const struct {
	struct contact contacts[CONTACTS];
	size_t crossings;
} merged[] = {
        {{{"+84900000001", ""}, {"+84900000001", ""}, {"+84900000001", ""}}, 5},
        {{{"+84900000001", ""}, {"+84900000002", ""}, {"", "a@example.vn"}}, 8},
        {{{"+84900000001", "a@example.vn"}, {"+84900000002", "a@example.vn"}, {"", ""}}, 7},
        {{{"+84900000001", "a@example.vn"}, {"+84900000001", "b@example.vn"}, {"", "b@example.vn"}}, 2},
};
static bool all;

static void merges_that_cross(void **state) {
	(void)state;
	for (size_t c = 0; c < sizeof(merged) / sizeof(merged[0]); c++) {
		for (size_t x = 0; x < (all ? CROSSINGS : merged[c].crossings); x++) {
			struct cl_arena arena;
			struct world world;
			struct scenario scenario = {0};
			memcpy(scenario.contacts, merged[c].contacts, sizeof(scenario.contacts));
			cl_arena_init(&arena, 65536);
			start(&scenario, &world, &arena);
			for (int i = 0; i < 3 && crossings[x].merges[i][0]; i++)
				post_merge(&scenario, &world, crossings[x].merges[i][0], crossings[x].merges[i][1]);
			if (crossings[x].unmerge)
				post_unmerge(&scenario, &world, crossings[x].unmerge);
			run(&scenario, &world);
			cl_arena_done(&arena);
		}
	}
	report("merges that cross");
}

/* --all: every crossing with every set of contacts. */
int main(int argc, char **argv) {
	all = argc > 1 && strcmp(argv[1], "--all") == 0;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(two_phones_and_an_email),
	        cmocka_unit_test(a_phone_and_two_emails),
	        cmocka_unit_test(merges_that_cross),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
