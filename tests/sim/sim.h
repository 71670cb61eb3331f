/* A deterministic world for the real code: every partition of every service in one process, on virtual time and seeded
 * chance. The network delays, drops and repeats; commits find no space; processes crash between any two steps and come
 * back with what their store held. The same seed gives the same history, byte for byte. */
#ifndef CL_SIM_H
#define CL_SIM_H

#include "actor/partition.h"

#define SIM_NODES_MAX 32

struct sim_faults { /* chances in 1/1000 per opportunity */
	uint32_t drop, repeat, crash, no_space;
	uint32_t clock;    /* a node's wall clock is set ahead by up to three hours, or right again */
	uint32_t delay_ms; /* a message takes 0..delay_ms */
};

struct sim_job {
	struct sim_job *next;
	enum cl_lane lane;
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
	bool ran;
};

struct sim_node {
	struct cl_env env;
	struct sim *sim;
	const struct cl_domain *domain;
	uint32_t index, partition;
	char address[32];
	struct cl_kv *store;          /* survives crashes */
	struct cl_kv disk;            /* the store with its faults */
	struct cl_partition *running; /* NULL: down */
	uint32_t life;                /* counts starts; what belongs to an earlier one is dropped */
	bool ending;                  /* being crashed: nothing leaves any more */
	bool dead;                    /* asked to die */
	int64_t wake_ms;
	int64_t ahead_ms; /* its wall clock; survives crashes */
	struct sim_job *jobs;
	uint32_t crashes;
};

struct sim {
	uint64_t rng;
	int64_t now_ms;
	struct sim_faults faults;
	struct sim_node nodes[SIM_NODES_MAX];
	uint32_t node_n;
	uint32_t partitions; /* of every service */
	struct sim_happening *heap;
	size_t heap_n, heap_cap;
	uint64_t order;
	uint64_t trace; /* hash of all that happened */
	uint64_t steps, drops, repeats, crashes, no_spaces, messages, clocks;
	struct cl_sign_key sign_key;
	bool deaths_stay; /* who died on purpose is not started again */
	/* Messages to "sim://client". */
	void (*on_client)(void *context, uint16_t type, const void *body);
	/* Called about every 100 ms of virtual time. */
	void (*on_beat)(void *context);
	void *context;
};

void sim_init(struct sim *sim, uint64_t seed, uint32_t partitions, struct sim_faults faults);
void sim_add(struct sim *sim, const struct cl_domain *domain); /* all its partitions */
void sim_start(struct sim *sim);
void sim_run(struct sim *sim, int64_t for_ms); /* virtual */
void sim_stop_faults(struct sim *sim);         /* and starts what is down */
void sim_done(struct sim *sim);
uint64_t sim_random(struct sim *sim);
bool sim_chance(struct sim *sim, uint32_t permille);
/* From the client's side: to the partition that owns the actor. */
void sim_send(struct sim *sim, uint8_t kind, struct cl_id target, uint16_t type, const void *body);
void sim_send_to(struct sim *sim, uint32_t service, uint32_t partition, uint16_t type, const void *body);
struct sim_node *sim_node_of(struct sim *sim, uint32_t service, uint32_t partition);

#endif
