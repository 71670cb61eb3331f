/* Routing (A5): which department gets a slip, which of its people, until when, and who is told when it takes too long.
 * Actors: the registry (configuration, one per partition), WORK_ITEM (id = the slip's), DEPARTMENT (its people and its
 * queue), PERSON. They may live in different partitions and speak through events only; see README.md for the talk. */
#ifndef ROUTING_ROUTING_H
#define ROUTING_ROUTING_H

#include "actor/domain.h"

extern const struct cl_domain routing_domain;

#define ROUTING_DEFAULT_DEPARTMENT "cskh" /* gets what no rule matches */
#define ROUTING_MEMBERS_MAX 2000          /* people of one department; more are refused by an event */
#ifndef ROUTING_WAITING_MAX               /* a test makes it small */
#define ROUTING_WAITING_MAX 1000          /* items in one department's list; more ask again later */
#endif
#define ROUTING_SKILL_BYTES 60   /* of one skill */
#define ROUTING_SKILLS_BYTES 240 /* of all skills of a person: keeps a department's state under 1 MiB */
#define ROUTING_RETRY_MS 600000  /* first delay of an item that found the list full */

struct cl_id routing_department_id(struct cl_str code);
struct cl_id routing_person_id(struct cl_str staff_id);

/* The commands that give a new installation departments, people and rules. Sending them again changes nothing. */
struct routing_command {
	uint8_t kind;
	struct cl_id target;
	bool every_partition; /* a registry: to be sent to each partition */
	uint16_t type;
	const void *body;
};
struct routing_commands {
	struct routing_command *v;
	uint32_t n;
};
struct routing_commands routing_defaults(struct cl_arena *arena);

#endif
