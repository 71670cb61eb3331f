/* Customers, agents and operators as seeded chance: every command of the services, sent again until answered. */
#ifndef CL_SIM_WORKLOAD_H
#define CL_SIM_WORKLOAD_H

#include "sim.h"

struct work_command {
	uint32_t service, partition;
	uint8_t kind;
	struct cl_id target, id;
	uint16_t type;
	uint8_t *body;
	uint32_t body_n;
	int64_t sent_ms;
	bool answered;
	struct wire_reply reply; /* without its strings */
};

struct workload {
	struct sim *sim;
	struct work_command *commands;
	uint32_t n, cap, limit, answered, accepted, rejected, invalid;
	struct cl_id *slips;
	uint32_t slip_n, slip_cap;
	bool changed_answer; /* a command was answered twice, differently */
	uint32_t weights[8]; /* drawn per seed ("swarm"): some kinds of work are rare, some common */
};

void workload_init(struct workload *work, struct sim *sim, uint32_t commands);
void workload_done(struct workload *work);
void workload_beat(void *context);
void workload_message(void *context, uint16_t type, const void *body);

#endif
