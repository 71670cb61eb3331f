/* Runs seeds: sim [--seeds N] [--seed S] [--commands N]. A failing seed prints how to repeat it alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "intake/intake.h"
#include "order/order.h"
#include "routing/routing.h"
#include "support/support.h"
#include "workload.h"

struct totals {
	uint64_t steps, messages, drops, repeats, crashes, no_spaces, clocks, commands, accepted, rejected, records;
	int64_t virtual_ms;
};

static bool drained(struct workload *work) {
	return work->answered == work->n;
}

static bool check_all_effects(struct sim *sim) {
	bool good = CHECK_EFFECTS(sim, CL_INTAKE, CL_T_slip_created, CL_ROUTING, CL_T_item_routed);
	good &= CHECK_EFFECTS(sim, CL_ROUTING, CL_T_item_routed, CL_SUPPORT, CL_T_case_opened);
	good &= CHECK_EFFECTS(sim, CL_INTAKE, CL_T_contact_registered, CL_INTAKE, CL_T_customer_opened);
	good &= CHECK_EFFECTS(sim, CL_INTAKE, CL_T_identity_claim_asked, CL_INTAKE, CL_T_identity_claimed,
	                      CL_T_identity_held);
	good &= CHECK_EFFECTS(sim, CL_ROUTING, CL_T_queue_requested, CL_ROUTING, CL_T_queue_assigned,
	                      CL_T_queue_waiting, CL_T_queue_deferred, CL_T_queue_refused);
	good &= CHECK_EFFECTS(sim, CL_ROUTING, CL_T_escalation_asked, CL_ROUTING, CL_T_escalation_answered);
	good &= CHECK_EFFECTS(sim, CL_ORDER, CL_T_order_reserve_asked, CL_ORDER, CL_T_stock_reserved, CL_T_stock_short);
	return good;
}

/* One bit of one record of one log turns over at rest: the watch over that log must notice, and stop that partition
 * alone. */
static bool check_flip(struct sim *sim) {
	struct sim_node *node = &sim->nodes[sim_random(sim) % sim->node_n];
	flip_bit(sim, node);
	sim->deaths_stay = true;
	sim_run(sim, 25LL * 3600 * 1000);
	for (uint32_t i = 0; i < sim->node_n; i++)
		if (sim->nodes[i].dead != (&sim->nodes[i] == node)) {
			fprintf(stderr, "%s %s\n", sim->nodes[i].address,
			        sim->nodes[i].dead ? "died of another's damage" : "did not notice its damage");
			return false;
		}
	return true;
}

static bool run_seed(uint64_t seed, uint32_t commands, struct totals *totals, uint64_t *ret_trace) {
	struct sim sim;
	struct workload work;
	uint64_t draw = seed * 0x9e3779b97f4a7c15ULL;
	struct sim_faults faults = {.drop = (uint32_t)(draw >> 8) % 50,
	                            .repeat = (uint32_t)(draw >> 16) % 30,
	                            .crash = (uint32_t)(draw >> 24) % 4,
	                            .no_space = (uint32_t)(draw >> 32) % 40,
	                            .clock = seed % 2 ? 0 : (uint32_t)(draw >> 48) % 20,
	                            .delay_ms = 1 + (uint32_t)(draw >> 40) % 60};
	sim_init(&sim, seed, seed % 3 == 0 ? 3 : 1, faults);
	sim_add(&sim, &intake_domain);
	sim_add(&sim, &routing_domain);
	sim_add(&sim, &order_domain);
	sim_add(&sim, &support_domain);
	workload_init(&work, &sim, commands);
	sim_start(&sim);
	for (int i = 0; i < 600 && (work.n < work.limit || !drained(&work)); i++)
		sim_run(&sim, 1000);
	sim_stop_faults(&sim);
	/* Whatever was lost is asked for again; then silence until the deadlines (minutes) have passed. */
	for (int i = 0; i < 600 && !drained(&work); i++)
		sim_run(&sim, 1000);
	sim_run(&sim, 20 * 60 * 1000);
	bool good = drained(&work);
	if (!good)
		fprintf(stderr, "%u of %u commands were never answered\n", work.n - work.answered, work.n);
	if (work.changed_answer) {
		fprintf(stderr, "a repeated command was answered differently\n");
		good = false;
	}
	if (work.invalid) {
		fprintf(stderr, "%u commands were answered neither accepted nor rejected\n", work.invalid);
		good = false;
	}
	for (uint32_t i = 0; i < work.n; i++)
		if (work.commands[i].answered && work.commands[i].reply.status != WIRE_INVALID) {
			uint8_t kind = work.commands[i].kind;
			if (!cl_id_zero(work.commands[i].target))
				good &= check_command(&sim, kind, work.commands[i].target, work.commands[i].id,
				                      &work.commands[i].reply);
		}
	good &= check_logs(&sim);
	good &= check_replay(&sim);
	good &= check_all_effects(&sim);
	good &= check_rebuild(&sim);
	if (good && seed % 32 == 0) /* a day of virtual time */
		good = check_flip(&sim);
	totals->steps += sim.steps;
	totals->messages += sim.messages;
	totals->drops += sim.drops;
	totals->repeats += sim.repeats;
	totals->crashes += sim.crashes;
	totals->no_spaces += sim.no_spaces;
	totals->clocks += sim.clocks;
	totals->commands += work.n;
	totals->accepted += work.accepted;
	totals->rejected += work.rejected;
	totals->virtual_ms += sim.now_ms - 1767225600000;
	*ret_trace = sim.trace;
	workload_done(&work);
	sim_done(&sim);
	return good;
}

int main(int argc, char **argv) {
	uint64_t first = 1, seeds = 20;
	uint32_t commands = 300;
	struct totals totals = {0};
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed")) {
			first = strtoull(argv[i + 1], NULL, 10);
			seeds = 1;
		} else if (!strcmp(argv[i], "--seeds")) {
			seeds = strtoull(argv[i + 1], NULL, 10);
		} else if (!strcmp(argv[i], "--commands")) {
			commands = (uint32_t)strtoul(argv[i + 1], NULL, 10);
		} else {
			fprintf(stderr, "usage: sim [--seeds N] [--seed S] [--commands N]\n");
			return 2;
		}
	}
	for (uint64_t seed = first; seed < first + seeds; seed++) {
		uint64_t trace, again;
		struct totals ignored = {0};
		bool good = run_seed(seed, commands, &totals, &trace);
		if (good && seed == first) {
			good = run_seed(seed, commands, &ignored, &again) && again == trace;
			if (!good)
				fprintf(stderr, "the same seed gave another history\n");
		}
		if (!good) {
			fprintf(stderr, "seed %llu failed; repeat: sim --seed %llu --commands %u\n",
			        (unsigned long long)seed, (unsigned long long)seed, commands);
			return 1;
		}
	}
	printf("%llu seeds: %llu commands (%llu accepted, %llu rejected), %llu steps, %llu messages, faults: %llu "
	       "dropped, "
	       "%llu repeated, %llu crashes, %llu full disks, %llu clocks set; %.1f h of virtual time\n",
	       (unsigned long long)seeds, (unsigned long long)totals.commands, (unsigned long long)totals.accepted,
	       (unsigned long long)totals.rejected, (unsigned long long)totals.steps,
	       (unsigned long long)totals.messages, (unsigned long long)totals.drops,
	       (unsigned long long)totals.repeats, (unsigned long long)totals.crashes,
	       (unsigned long long)totals.no_spaces, (unsigned long long)totals.clocks,
	       (double)totals.virtual_ms / 3600000.0);
	return 0;
}
