#include "world.h"

#include <stdio.h>

#include "base/assert.h"
#include "intake/identity.h"

static const uint8_t identity_key[32] = "an identity key used by tests..";

void world_init(struct world *world, struct cl_arena *arena) {
	CL_ASSERT(cl_crypto_init() == CL_OK);
	memset(world, 0, sizeof(*world));
	world->arena = arena;
	world->next_number = 1;
	world->now_ms = 1767200400000; /* 2026-01-01T00:00:00+07:00 */
	world->who = CL_STR("an");
}

struct cl_id world_id(uint32_t n) {
	return cl_id_derive("test request", &n, sizeof(n));
}

static int order(uint8_t kind_a, struct cl_id a, uint8_t kind_b, struct cl_id b) {
	return kind_a != kind_b ? (kind_a < kind_b ? -1 : 1) : cl_id_cmp(a, b);
}

static uint32_t place(const struct world *world, uint8_t kind, struct cl_id id, bool *ret_found) {
	uint32_t i = 0;
	while (i < world->actor_n && order(world->actors[i].kind, world->actors[i].id, kind, id) < 0)
		i++;
	*ret_found = i < world->actor_n && order(world->actors[i].kind, world->actors[i].id, kind, id) == 0;
	return i;
}

static struct actor *actor_of(struct world *world, uint8_t kind, struct cl_id id) {
	bool found;
	uint32_t i = place(world, kind, id, &found);
	if (!found) {
		CL_ASSERT(world->actor_n < WORLD_ACTORS);
		memmove(&world->actors[i + 1], &world->actors[i], (world->actor_n - i) * sizeof(world->actors[0]));
		world->actors[i] = (struct actor){.kind = kind, .id = id};
		world->actor_n++;
	}
	return &world->actors[i];
}

static const struct cl_schema *state_schema(uint8_t kind) {
	for (uint32_t i = 0; i < intake_domain.kind_n; i++) {
		if (intake_domain.kinds[i].kind == kind)
			return intake_domain.kinds[i].state;
	}
	CL_UNREACHABLE();
}

static struct cl_bytes encode(struct world *world, const struct cl_schema *schema, const void *value) {
	struct cl_buf buf;
	cl_buf_init(&buf);
	cl_encode(schema, value, &buf);
	uint8_t *copy = cl_arena_alloc(world->arena, buf.n);
	if (buf.n)
		memcpy(copy, buf.p, buf.n);
	struct cl_bytes bytes = {copy, (uint32_t)buf.n};
	cl_buf_done(&buf);
	return bytes;
}

static void *decode(const struct world *world, const struct cl_schema *schema, struct cl_bytes bytes) {
	void *value = cl_arena_alloc(world->arena, schema->size);
	if (bytes.n)
		CL_ASSERT(cl_decode(schema, bytes, world->arena, value, NULL) == CL_OK);
	return value;
}

const void *world_state(const struct world *world, uint8_t kind, struct cl_id id) {
	bool found;
	uint32_t i = place(world, kind, id, &found);
	return decode(world, state_schema(kind), found ? world->actors[i].state : (struct cl_bytes){0});
}

static void send(struct world *world, const struct cl_event *event, struct cl_bytes body) {
	struct cl_target targets[CL_TARGETS_MAX];
	uint32_t n = intake_domain.targets(event, targets);
	for (uint32_t i = 0; i < n; i++) {
		CL_ASSERT(world->pending_n < WORLD_PENDING);
		world->pending[world->pending_n++] = (struct pending){.kind = targets[i].kind,
		                                                      .kind_from = event->kind,
		                                                      .to = targets[i].id,
		                                                      .from = event->aggregate,
		                                                      .type = event->type,
		                                                      .body = body};
	}
}

static void must_be_valid(const struct cl_schema *schema, const void *value) {
	struct cl_field_error error;
	int rc = cl_validate(schema, value, &error);
	if (rc != CL_OK) {
		fprintf(stderr, "%s.%s: %s\n", schema->name, error.path, cl_error_text(rc));
		CL_ASSERT(!"valid");
	}
}

static void apply(struct world *world, struct actor *actor, void *state, const struct cl_emitted *emitted) {
	const struct cl_schema *schema = cl_schema_by_type(emitted->type);
	struct cl_event event = {.type = emitted->type,
	                         .body = emitted->body,
	                         .kind = actor->kind,
	                         .aggregate = actor->id,
	                         .version = ++actor->version,
	                         .recorded_ms = world->now_ms,
	                         .occurred_ms = emitted->occurred_ms,
	                         .who = emitted->who};
	must_be_valid(schema, emitted->body);
	if (world->on_event)
		world->on_event(world->context, &event, state);
	intake_domain.evolve(actor->kind, state, &event, world->arena);
	send(world, &event, encode(world, schema, emitted->body));
}

static struct cl_decision decide(struct world *world, const struct cl_message *message) {
	struct actor *actor = actor_of(world, message->kind, message->target);
	void *state = decode(world, state_schema(message->kind), actor->state);
	struct cl_decision decision = {.arena = world->arena};
	const struct cl_id registry = {{0}};
	struct cl_ctx ctx = {.now_ms = world->now_ms,
	                     .occurred_ms = world->now_ms,
	                     .who = world->who,
	                     .registry = world_state(world, CL_KIND_INTAKE_REGISTRY, registry),
	                     .next_number = world->next_number,
	                     .partitions = 1,
	                     .identity_key = identity_key,
	                     .arena = world->arena};
	intake_domain.decide(&ctx, state, actor->version, message, &decision);
	if (decision.reject) {
		CL_ASSERT(decision.n == 0 && cl_reject_name(decision.reject));
		return decision;
	}
	for (uint32_t i = 0; i < decision.n; i++) {
		struct cl_event event = {.type = decision.events[i].type, .body = decision.events[i].body};
		world->next_number += intake_domain.number_taken(&event) == world->next_number;
		apply(world, actor, state, &decision.events[i]);
	}
	must_be_valid(state_schema(message->kind), state);
	CL_ASSERT(intake_domain.due(message->kind, state) == 0);
	actor->state = encode(world, state_schema(message->kind), state);
	return decision;
}

uint32_t world_command(struct world *world, uint8_t kind, struct cl_id target, uint16_t type, const void *body,
                       struct cl_decision *ret_decision) {
	struct cl_message message = {
	        .role = CL_MSG_COMMAND, .type = type, .body = body, .kind = kind, .target = target};
	struct cl_decision decision = decide(world, &message);
	if (ret_decision)
		*ret_decision = decision;
	return decision.reject;
}

void world_post(struct world *world, uint8_t kind, struct cl_id target, uint16_t type, const void *body) {
	CL_ASSERT(world->pending_n < WORLD_PENDING);
	world->pending[world->pending_n++] = (struct pending){
	        .kind = kind, .to = target, .type = type, .body = encode(world, cl_schema_by_type(type), body)};
}

bool world_may_deliver(const struct world *world, uint32_t index) {
	const struct pending *p = &world->pending[index];
	for (uint32_t i = 0; p->kind_from && i < index; i++) {
		const struct pending *q = &world->pending[i];
		if (q->kind_from == p->kind_from && q->kind == p->kind && cl_id_eq(q->from, p->from) &&
		    cl_id_eq(q->to, p->to))
			return false;
	}
	return true;
}

void world_deliver(struct world *world, uint32_t index) {
	CL_ASSERT(index < world->pending_n);
	struct pending p = world->pending[index];
	memmove(&world->pending[index], &world->pending[index + 1], (world->pending_n - index - 1) * sizeof(p));
	world->pending_n--;
	const void *body = decode(world, cl_schema_by_type(p.type), p.body);
	struct cl_event event = {
	        .type = p.type, .body = body, .kind = p.kind_from, .aggregate = p.from, .occurred_ms = world->now_ms};
	struct cl_message message = {.role = p.kind_from ? CL_MSG_EVENT : CL_MSG_COMMAND,
	                             .type = p.type,
	                             .body = body,
	                             .event = p.kind_from ? &event : NULL,
	                             .kind = p.kind,
	                             .target = p.to};
	struct cl_decision decision = decide(world, &message);
	CL_ASSERT(message.role == CL_MSG_COMMAND || !decision.reject); /* an event of another actor is never refused */
}

void world_drain(struct world *world) {
	while (world->pending_n > 0)
		world_deliver(world, 0);
}

uint32_t world_contact(struct world *world, uint32_t n, const char *name, const char *phone, const char *email,
                       const char *text) {
	struct contact_register command = {.channel = CHANNEL_PHONE,
	                                   .name = cl_str_from(name),
	                                   .phone = cl_str_from(phone),
	                                   .email = cl_str_from(email),
	                                   .text = cl_str_from(text)};
	return world_command(world, CL_KIND_REQUEST, world_id(n), CL_T_contact_register, &command, NULL);
}

struct cl_id world_identity(struct world *world, enum identity_kind kind, const char *value) {
	struct cl_ctx ctx = {.identity_key = identity_key, .arena = world->arena};
	return intake_identity_id(&ctx, kind, cl_str_from(value));
}

struct cl_id world_root(const struct world *world, struct cl_id customer) {
	for (uint32_t step = 0; step <= WORLD_ACTORS; step++) {
		const struct customer_state *state = world_state(world, CL_KIND_CUSTOMER, customer);
		if (cl_id_zero(state->into))
			return customer;
		customer = state->into;
	}
	return (struct cl_id){0};
}
