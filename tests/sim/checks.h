/* What must hold once the faults have stopped and everything has drained. Each prints what it found wrong. */
#ifndef CL_SIM_CHECKS_H
#define CL_SIM_CHECKS_H

#include "sim.h"

bool check_logs(struct sim *sim);    /* order, checksums, chains, signatures, versions */
bool check_replay(struct sim *sim);  /* live state = state folded from events, actor by actor */
bool check_rebuild(struct sim *sim); /* all other tables dropped and rebuilt from events: equal byte for byte */
/* Every event of type `from` in the first service's logs caused exactly one record of one of the types `to` (up to a 0)
 * in the second's. */
bool check_effects(struct sim *sim, uint32_t service, uint16_t from, uint32_t to_service, const uint16_t *to);
#define CHECK_EFFECTS(sim, service, from, to_service, ...)                                                             \
	check_effects((sim), (service), (from), (to_service), (const uint16_t[]){__VA_ARGS__, 0})
uint64_t count_records(struct sim *sim, uint32_t service, uint16_t type);
/* The command is in its log, with the outcome that was told. */
bool check_command(struct sim *sim, uint8_t kind, struct cl_id target, struct cl_id command,
                   const struct wire_reply *reply);

/* Turns over one random bit of one random record's stored value. */
void flip_bit(struct sim *sim, struct sim_node *node);

#endif
