/* What a service's domain library gives to the runtime: pure functions over aggregates. No clock, no random, no I/O,
 * no logging, no globals, no malloc: memory comes from the arenas handed in. The same code runs live, in replay and in
 * the simulator.
 *
 * An actor is one aggregate (kind, id). A message is a command from outside, an event of another actor (of this log or
 * another), or a tick. decide turns (state, message) into events or a rejection; evolve applies one event to the state.
 * Actors speak to each other only through events: targets() names the actors that an event concerns. */
#ifndef CL_ACTOR_DOMAIN_H
#define CL_ACTOR_DOMAIN_H

#include "base/arena.h"
#include "codec.h"
#include "log/record.h"
#include "schema.h"
#include "text.h"

struct cl_event { /* an event as the domain sees it */
	uint16_t type;
	const void *body; /* struct of that type, current version */
	uint8_t kind;     /* of the actor whose event it is */
	struct cl_id aggregate;
	uint32_t version; /* of that actor, after this event */
	int64_t recorded_ms, occurred_ms;
	struct cl_str who;
	struct cl_id correlation;
};

enum cl_message_role { CL_MSG_COMMAND, CL_MSG_EVENT, CL_MSG_TICK };

struct cl_message {
	enum cl_message_role role;
	uint16_t type;                /* of the command or event; 0 for a tick */
	const void *body;             /* command or event struct */
	const struct cl_event *event; /* for CL_MSG_EVENT */
	uint8_t kind;                 /* of the target, where the message is decided */
	struct cl_id target;
};

/* All that decide may know of the world, drawn beforehand by the runtime. */
struct cl_ctx {
	int64_t now_ms;      /* time recorded */
	int64_t occurred_ms; /* when it happened: now_ms, or the past for imports */
	struct cl_str who;   /* staff id, "system", … */
	struct cl_id correlation;
	const void *registry; /* state of the service's registry kind (configuration); never NULL */
	uint64_t next_number; /* unused number for people, unique across partitions; taken by using it in an event */
	uint32_t partition, partitions;
	const uint8_t *identity_key; /* 32 bytes, see cl_id_keyed */
	struct cl_arena *arena;      /* the turn's */
};

struct cl_emitted {
	uint16_t type;
	void *body;
	int64_t occurred_ms;
	struct cl_str who;
};

struct cl_decision {
	struct cl_arena *arena;
	struct cl_emitted *events;
	uint32_t n, cap;
	uint32_t reject;          /* cl_reject; then no events count */
	const char *reject_field; /* field name or NULL */
	struct cl_str number;     /* for the reply: number given to people, if any */
};

/* A zeroed body in the arena for the caller to fill. occurred_ms and who are ctx's unless changed in the last entry. */
void *cl_emit(struct cl_decision *decision, const struct cl_ctx *ctx, uint16_t type);
#define CL_EMIT(decision, ctx, name) ((struct name *)cl_emit((decision), (ctx), CL_T_##name))
void cl_refuse(struct cl_decision *decision, uint32_t reject, const char *field);

/* Decodes a stored record into an event of the current version; bodies borrow from bytes and lie in the arena. */
void cl_event_head(const struct cl_record *record, struct cl_event *ret_event); /* all but the body */
CL_MUST_CHECK int cl_event_open(struct cl_bytes bytes, struct cl_arena *arena, struct cl_record *ret_record,
                                struct cl_event *ret_event);

struct cl_target {
	uint8_t kind;
	struct cl_id id;
};
#define CL_TARGETS_MAX 8

struct cl_source {
	uint8_t service;
	const uint16_t *types;
	uint32_t n;
}; /* a log to follow and the types wanted of it */

struct cl_domain_kind {
	uint8_t kind;
	const struct cl_schema *state;
};

struct cl_domain {
	uint8_t service;
	const struct cl_domain_kind *kinds;
	uint32_t kind_n;
	uint8_t registry_kind; /* id zero, one per partition, always resident */
	const struct cl_source *sources;
	uint32_t source_n; /* other services' logs; the service's own partitions are
	                      followed too for the types in own_types */
	const uint16_t *own_types;
	uint32_t own_type_n;

	/* state is zeroed and version 0 for an actor that has no events yet. Leaves state alone. A message may be
	 * ignored: no events, no rejection. Commands must give either (a no-op that succeeds: no events; the runtime
	 * then records an empty acceptance). */
	void (*decide)(const struct cl_ctx *ctx, const void *state, uint32_t version, const struct cl_message *message,
	               struct cl_decision *decision);
	/* Applies one event of this actor. Whatever state keeps must be copied into arena (the actor's own). */
	void (*evolve)(uint8_t kind, void *state, const struct cl_event *event, struct cl_arena *arena);
	/* Which actors of this service an event concerns, beside the actor it belongs to. Returns how many (<=
	 * CL_TARGETS_MAX). */
	uint32_t (*targets)(const struct cl_event *event, struct cl_target targets[CL_TARGETS_MAX]);
	/* When the actor wants a tick; 0 = never. Must move on when the tick is decided. */
	int64_t (*due)(uint8_t kind, const void *state);
	/* The partition's number counter that this event took (as given in ctx.next_number, plus nothing), 0 if none.
	 * May be NULL. */
	uint64_t (*number_taken)(const struct cl_event *event);
	/* At rest: may be dropped from memory early (closed, archived). May be NULL. */
	bool (*at_rest)(uint8_t kind, const void *state);
	/* Answer to the sender of a command: number for people, from the actor's state after the command. May be NULL.
	 */
	struct cl_str (*number_of)(uint8_t kind, const void *state);
};

#endif
