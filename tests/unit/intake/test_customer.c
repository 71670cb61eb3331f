#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "intake/customer.h"
#include "world.h"

static struct cl_arena arena;
static struct world world;

static int setup(void **state) {
	(void)state;
	cl_arena_init(&arena, 65536);
	world_init(&world, &arena);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	cl_arena_done(&arena);
	return 0;
}

/* Registers contact n and delivers everything. */
static void contact(uint32_t n, const char *phone, const char *email) {
	assert_int_equal(world_contact(&world, n, "An", phone, email, ""), CL_R_NONE);
	world_drain(&world);
	assert_int_equal(WORLD_CUSTOMER(&world, n)->waiting, 0);
}

static bool root_is(uint32_t n, uint32_t root) {
	return cl_id_eq(world_root(&world, world_id(n)), world_id(root));
}

static struct cl_id holder(enum identity_kind kind, const char *value) {
	const struct identity_state *identity =
	        world_state(&world, CL_KIND_IDENTITY, world_identity(&world, kind, value));
	return identity->holder;
}

static uint32_t merge(uint32_t n, uint32_t into) {
	struct customer_merge command = {.into = world_id(into), .reason = CL_STR("cùng một người")};
	return world_command(&world, CL_KIND_CUSTOMER, world_id(n), CL_T_customer_merge, &command, NULL);
}

static uint32_t unmerge(uint32_t n) {
	struct customer_unmerge command = {.reason = CL_STR("nhầm")};
	return world_command(&world, CL_KIND_CUSTOMER, world_id(n), CL_T_customer_unmerge, &command, NULL);
}

static void free_identities_are_claimed(void **state) {
	(void)state;
	contact(1, "0912345678", "an@example.vn");
	const struct customer_state *customer = WORLD_CUSTOMER(&world, 1);
	assert_int_equal(customer->identities.n, 2);
	assert_true(cl_str_eqc(customer->identities.v[0].value, "+84912345678"));
	assert_true(cl_str_eqc(customer->identities.v[1].value, "an@example.vn"));
	assert_true(cl_id_eq(customer->request, world_id(1)));
	assert_true(cl_id_eq(holder(IDENTITY_PHONE, "+84912345678"), world_id(1)));
	assert_true(cl_id_eq(holder(IDENTITY_EMAIL, "an@example.vn"), world_id(1)));
}

/* The clear value of an identity lends its id nothing that can be guessed. */
static void identities_hide_behind_the_key(void **state) {
	(void)state;
	struct cl_id keyed = world_identity(&world, IDENTITY_PHONE, "+84912345678");
	assert_false(cl_id_eq(keyed, cl_id_derive("identity", "phone:+84912345678", 18)));
	assert_false(cl_id_eq(keyed, world_identity(&world, IDENTITY_EMAIL, "+84912345678")));
}

static void a_known_phone_links(void **state) {
	(void)state;
	contact(1, "0912345678", "");
	contact(2, "+84 912 345 678", "");
	assert_true(root_is(2, 1));
	assert_false(WORLD_CUSTOMER(&world, 2)->merged);
	assert_int_equal(WORLD_CUSTOMER(&world, 2)->identities.n, 0);
	assert_int_equal(WORLD_CUSTOMER(&world, 1)->part_count, 1);
	assert_true(cl_id_eq(WORLD_CUSTOMER(&world, 1)->parts.v[0], world_id(2)));
	assert_true(intake_domain.at_rest(CL_KIND_CUSTOMER, WORLD_CUSTOMER(&world, 2)));
	assert_false(intake_domain.at_rest(CL_KIND_CUSTOMER, WORLD_CUSTOMER(&world, 1)));
}

static void the_email_goes_to_whom_the_phone_names(void **state) {
	(void)state;
	contact(1, "0912345678", "");
	contact(2, "0912345678", "an@example.vn");
	assert_true(cl_id_eq(holder(IDENTITY_EMAIL, "an@example.vn"), world_id(1)));
	assert_int_equal(WORLD_CUSTOMER(&world, 1)->identities.n, 2);
	contact(3, "", "an@example.vn");
	assert_true(root_is(3, 1));
	assert_int_equal(WORLD_CUSTOMER(&world, 1)->conflicts.n, 0);
}

static void two_customers_are_flagged_not_merged(void **state) {
	(void)state;
	contact(1, "0912345678", "");
	contact(2, "", "an@example.vn");
	contact(3, "0912345678", "an@example.vn");
	assert_true(root_is(1, 1) && root_is(2, 2) && root_is(3, 1));
	const struct customer_state *one = WORLD_CUSTOMER(&world, 1);
	assert_int_equal(one->conflicts.n, 1);
	assert_true(cl_id_eq(one->conflicts.v[0].other, world_id(2)));
	assert_int_equal(one->conflicts.v[0].kind, IDENTITY_EMAIL);
	assert_true(cl_id_eq(one->conflicts.v[0].request, world_id(3)));
	contact(4, "0912345678", "an@example.vn");
	assert_int_equal(WORLD_CUSTOMER(&world, 1)->conflicts.n, 1); /* known already */
	contact(5, "0987654321", "an@example.vn");                   /* a new phone is an identity too */
	assert_true(root_is(5, 5));
	assert_int_equal(WORLD_CUSTOMER(&world, 5)->conflicts.n, 1);
}

static void a_person_merges_and_undoes_it(void **state) {
	(void)state;
	contact(1, "0912345678", "");
	contact(2, "", "an@example.vn");
	contact(3, "0912345678", "an@example.vn");
	assert_int_equal(merge(1, 2), CL_R_NONE);
	assert_int_equal(merge(1, 2), CL_R_MERGE_RUNNING);
	world_drain(&world);
	const struct customer_state *one = WORLD_CUSTOMER(&world, 1);
	assert_true(root_is(1, 2) && root_is(3, 2) && one->merged);
	assert_true(cl_str_eqc(one->merge_by, "an") && cl_str_eqc(one->merge_reason, "cùng một người"));
	assert_int_equal(one->conflicts.n, 0); /* settled */
	assert_int_equal(one->identities.n, 1);
	assert_int_equal(merge(1, 2), CL_R_ALREADY_MERGED);
	contact(4, "0912345678", "an@example.vn"); /* both name one customer now */
	contact(5, "0912345678", "moi@example.vn");
	assert_true(root_is(4, 2) && root_is(5, 2));
	assert_int_equal(WORLD_CUSTOMER(&world, 1)->conflicts.n + WORLD_CUSTOMER(&world, 2)->conflicts.n, 0);
	assert_true(cl_id_eq(holder(IDENTITY_EMAIL, "moi@example.vn"), world_id(2)));
	assert_int_equal(unmerge(1), CL_R_NONE);
	world_drain(&world);
	assert_true(root_is(1, 1) && root_is(2, 2) && root_is(4, 1));
	assert_true(cl_id_eq(holder(IDENTITY_PHONE, "+84912345678"), world_id(1)));
	assert_int_equal(WORLD_CUSTOMER(&world, 2)->part_count, 0);
	assert_int_equal(unmerge(1), CL_R_NOT_MERGED);
}

static void merges_that_cannot_be(void **state) {
	(void)state;
	contact(1, "0912345678", "");
	contact(2, "0987654321", "");
	assert_int_equal(merge(1, 1), CL_R_SAME_CUSTOMER);
	assert_int_equal(merge(9, 1), CL_R_UNKNOWN_TARGET);
	assert_int_equal(unmerge(9), CL_R_UNKNOWN_TARGET);
	assert_int_equal(merge(1, 9), CL_R_NONE);
	world_drain(&world);
	assert_true(root_is(1, 1));
	assert_int_equal(WORLD_CUSTOMER(&world, 1)->merge_code, CL_R_UNKNOWN_TARGET);
	assert_true(cl_id_zero(WORLD_CUSTOMER(&world, 1)->merging));
	assert_int_equal(merge(1, 2), CL_R_NONE);
	assert_int_equal(merge(2, 1), CL_R_NONE);
	world_drain(&world);
	assert_true(root_is(1, 1) && root_is(2, 2));
	assert_int_equal(WORLD_CUSTOMER(&world, 2)->merge_code, CL_R_MERGE_RUNNING);
	assert_int_equal(merge(1, 2), CL_R_NONE);
	world_drain(&world);
	assert_int_equal(merge(2, 1), CL_R_NONE); /* asks its own part, which passes it back */
	world_drain(&world);
	assert_true(root_is(1, 2) && root_is(2, 2));
	assert_int_equal(WORLD_CUSTOMER(&world, 2)->merge_code, CL_R_SAME_CUSTOMER);
}

static void links_are_followed_to_the_root(void **state) {
	(void)state;
	static const char *const phones[] = {"", "0900000001", "0900000002", "0900000003", "0900000004"};
	for (uint32_t n = 1; n <= 4; n++)
		contact(n, phones[n], "");
	for (uint32_t n = 1; n < 4; n++) {
		assert_int_equal(merge(n, n + 1), CL_R_NONE);
		world_drain(&world);
	}
	contact(5, "0900000001", "an@example.vn");
	assert_true(root_is(5, 4));
	assert_true(cl_id_eq(holder(IDENTITY_EMAIL, "an@example.vn"), world_id(4)));
	contact(6, "0900000007", "");
	assert_int_equal(merge(6, 1), CL_R_NONE);
	world_drain(&world);
	assert_true(cl_id_eq(WORLD_CUSTOMER(&world, 6)->into, world_id(4)));
}

/* Whose an identity is is asked of roots: who holds it may be part of another, who asks may be too. */
static void contests_are_settled_between_roots(void **state) {
	(void)state;
	contact(1, "0900000001", "a@example.vn");
	contact(2, "0900000002", "b@example.vn");
	assert_int_equal(merge(1, 2), CL_R_NONE);
	world_drain(&world);
	contact(3, "0900000003", "a@example.vn");
	const struct customer_state *three = WORLD_CUSTOMER(&world, 3);
	assert_int_equal(three->conflicts.n, 1);
	assert_true(cl_id_eq(three->conflicts.v[0].other, world_id(2)));
	contact(4, "0900000002", "a@example.vn");
	assert_true(root_is(4, 2));
	assert_int_equal(WORLD_CUSTOMER(&world, 1)->conflicts.n + WORLD_CUSTOMER(&world, 2)->conflicts.n, 0);
	/* A merge overtakes the claims of a contact: its email is asked for on behalf of whom it has become part of. */
	assert_int_equal(world_contact(&world, 5, "An", "0900000005", "c@example.vn", ""), CL_R_NONE);
	world_deliver(&world, 0);
	assert_int_equal(merge(5, 2), CL_R_NONE);
	while (cl_id_zero(WORLD_CUSTOMER(&world, 5)->into))
		world_deliver(&world, world.pending_n - 1);
	world_drain(&world);
	assert_true(cl_id_eq(holder(IDENTITY_PHONE, "+84900000005"), world_id(5)));
	assert_true(cl_id_eq(holder(IDENTITY_EMAIL, "c@example.vn"), world_id(2)));
}

/* Takes actors out of the small world that this test is done with: all requests, and customers and identities but the
 * first. */
static void forget(void) {
	uint32_t kept = 0;
	struct cl_id phone = world_identity(&world, IDENTITY_PHONE, "+84912345678");
	for (uint32_t i = 0; i < world.actor_n; i++) {
		if (cl_id_eq(world.actors[i].id, world_id(1)) || cl_id_eq(world.actors[i].id, phone))
			world.actors[kept++] = world.actors[i];
	}
	world.actor_n = kept;
}

/* One phone, very many contacts with an email each: lists stop at their bounds and say so. */
static void no_list_grows_without_bound(void **state) {
	(void)state;
	char email[64];
	contact(1, "0912345678", "");
	for (uint32_t n = 2; n <= 100; n++) {
		snprintf(email, sizeof(email), "an%u@example.vn", n);
		contact(n, "0912345678", email);
		forget();
	}
	const struct customer_state *one = WORLD_CUSTOMER(&world, 1);
	assert_int_equal(one->identities.n, INTAKE_IDENTITIES_MAX);
	assert_true(one->identities_full);
	assert_int_equal(one->part_count, 99);
	assert_int_equal(one->parts.n, INTAKE_PARTS_MAX);
	assert_true(cl_id_eq(one->parts.v[INTAKE_PARTS_MAX - 1], world_id(100)));
	assert_true(cl_id_eq(one->parts.v[0], world_id(51)));
}

static void no_list_of_conflicts_does_either(void **state) {
	(void)state;
	char email[64];
	contact(1, "0912345678", "");
	for (uint32_t n = 1; n <= INTAKE_CONFLICTS_MAX + 2; n++) {
		snprintf(email, sizeof(email), "an%u@example.vn", n);
		contact(100 + n, "", email);
		contact(200 + n, "0912345678", email);
		forget();
	}
	const struct customer_state *one = WORLD_CUSTOMER(&world, 1);
	assert_int_equal(one->conflicts.n, INTAKE_CONFLICTS_MAX);
	assert_true(one->conflicts_more);
	assert_int_equal(one->identities.n, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void) {
	const struct CMUnitTest tests[] = {
	        TEST(free_identities_are_claimed),
	        TEST(identities_hide_behind_the_key),
	        TEST(a_known_phone_links),
	        TEST(the_email_goes_to_whom_the_phone_names),
	        TEST(two_customers_are_flagged_not_merged),
	        TEST(a_person_merges_and_undoes_it),
	        TEST(merges_that_cannot_be),
	        TEST(links_are_followed_to_the_root),
	        TEST(contests_are_settled_between_roots),
	        TEST(no_list_grows_without_bound),
	        TEST(no_list_of_conflicts_does_either),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
