/* The real domain of intake in a world of its own: actors as encoded states, what they say to each other as pending
 * messages that a test delivers in the order it likes. A world is a value: its bytes are never changed, so a copy of
 * the struct is another world that goes its own way. */
#ifndef TESTS_INTAKE_WORLD_H
#define TESTS_INTAKE_WORLD_H

#include "intake/intake.h"

#define WORLD_ACTORS 96
#define WORLD_PENDING 64

struct actor {
	uint8_t kind;
	struct cl_id id;
	uint32_t version;
	struct cl_bytes state;
};

struct pending { /* an event on its way, or (kind_from 0) a command not yet arrived */
	uint8_t kind, kind_from;
	struct cl_id to, from;
	uint16_t type;
	struct cl_bytes body;
};

struct world {
	struct cl_arena *arena;
	struct actor actors[WORLD_ACTORS]; /* by kind and id */
	struct pending pending[WORLD_PENDING];
	uint32_t actor_n, pending_n;
	uint64_t next_number;
	int64_t now_ms;
	struct cl_str who;
	/* Sees every event as it is decided; may be NULL. before: the actor's state. */
	void (*on_event)(void *context, const struct cl_event *event, const void *before);
	void *context;
};

void world_init(struct world *world, struct cl_arena *arena);
struct cl_id world_id(uint32_t n); /* of request and customer n */

/* Decides the command at once. Returns the reject code; *ret_decision (may be NULL) lives in the world's arena. */
uint32_t world_command(struct world *world, uint8_t kind, struct cl_id target, uint16_t type, const void *body,
                       struct cl_decision *ret_decision);
/* Puts a command among the pending messages. */
void world_post(struct world *world, uint8_t kind, struct cl_id target, uint16_t type, const void *body);
void world_deliver(struct world *world, uint32_t pending);
/* False while an earlier message of the same actor to the same actor is pending: that stands before it in one log. */
bool world_may_deliver(const struct world *world, uint32_t pending);
void world_drain(struct world *world); /* oldest first, until nothing is pending */

/* State of an actor, decoded in the world's arena; zeroed if it has none. */
const void *world_state(const struct world *world, uint8_t kind, struct cl_id id);
#define WORLD_CUSTOMER(world, n) ((const struct customer_state *)world_state((world), CL_KIND_CUSTOMER, world_id(n)))
#define WORLD_REQUEST(world, n) ((const struct request_state *)world_state((world), CL_KIND_REQUEST, world_id(n)))

/* Registers contact n; empty texts allowed. */
uint32_t world_contact(struct world *world, uint32_t n, const char *name, const char *phone, const char *email,
                       const char *text);
struct cl_id world_identity(struct world *world, enum identity_kind kind,
                            const char *value);                            /* of a normalised value */
struct cl_id world_root(const struct world *world, struct cl_id customer); /* follows links; zero: they form a circle */

#endif
