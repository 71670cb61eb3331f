/* The table of resident actors: loading from the store, applying events, eviction by last use. */
#include <stdlib.h>

#include "actor/partition_int.h"
#include "base/assert.h"

const struct cl_schema *cl_state_schema(const struct cl_domain *domain, uint8_t kind) {
	for (uint32_t i = 0; i < domain->kind_n; i++)
		if (domain->kinds[i].kind == kind)
			return domain->kinds[i].state;
	return NULL;
}

bool cl_partition_owns(const struct cl_partition *p, uint8_t kind, struct cl_id id) {
	if (kind == p->domain->registry_kind)
		return cl_id_zero(id);
	return cl_id_hash(id) % p->options.identity.partitions == p->options.identity.partition;
}

static void unlink_actor(struct cl_partition *p, struct cl_actor *actor) {
	if (actor->newer)
		actor->newer->older = actor->older;
	else
		p->newest = actor->older;
	if (actor->older)
		actor->older->newer = actor->newer;
	else
		p->oldest = actor->newer;
	actor->newer = actor->older = NULL;
}

static void link_newest(struct cl_partition *p, struct cl_actor *actor) {
	actor->older = p->newest;
	actor->newer = NULL;
	if (p->newest)
		p->newest->newer = actor;
	else
		p->oldest = actor;
	p->newest = actor;
}

struct cl_actor *cl_actor_find(struct cl_partition *p, uint8_t kind, struct cl_id id) {
	struct cl_actor *actor = cl_map_get(&p->actors, kind, id);
	if (actor && p->newest != actor) {
		unlink_actor(p, actor);
		link_newest(p, actor);
	}
	if (actor)
		actor->used = p->turns;
	return actor;
}

static void account(struct cl_partition *p, struct cl_actor *actor) {
	size_t bytes = sizeof(*actor) + actor->schema->size + actor->arena.used;
	p->stats.resident_bytes += bytes - actor->counted;
	actor->counted = bytes;
}

static struct cl_actor *create(struct cl_partition *p, uint8_t kind, struct cl_id id) {
	struct cl_actor *actor = calloc(1, sizeof(*actor));
	CL_ASSERT(actor);
	actor->kind = kind;
	actor->id = id;
	actor->schema = cl_state_schema(p->domain, kind);
	CL_ASSERT(actor->schema);
	actor->state = calloc(1, actor->schema->size);
	CL_ASSERT(actor->state);
	cl_arena_init(&actor->arena, 256);
	actor->used = p->turns;
	cl_map_put(&p->actors, kind, id, actor);
	link_newest(p, actor);
	p->stats.resident++;
	account(p, actor);
	return actor;
}

static void destroy(struct cl_partition *p, struct cl_actor *actor) {
	unlink_actor(p, actor);
	cl_map_del(&p->actors, actor->kind, actor->id);
	p->stats.resident--;
	p->stats.resident_bytes -= actor->counted;
	cl_arena_done(&actor->arena);
	free(actor->state);
	free(actor);
}

/* Fills a fresh actor from the stored form. */
static int restore(struct cl_partition *p, struct cl_actor *actor, uint32_t version, uint64_t last_seq,
                   struct cl_bytes state) {
	uint8_t *copy = cl_arena_alloc(&actor->arena, state.n);
	memcpy(copy, state.p, state.n);
	int rc = cl_decode_trusted(actor->schema, (struct cl_bytes){copy, state.n}, &actor->arena, actor->state);
	if (rc != CL_OK)
		return rc;
	actor->version = version;
	actor->last_seq = last_seq;
	actor->due_ms = p->domain->due ? p->domain->due(actor->kind, actor->state) : 0;
	actor->compacted = actor->arena.used;
	account(p, actor);
	return CL_OK;
}

int cl_actor_load_now(struct cl_partition *p, uint8_t kind, struct cl_id id, struct cl_actor **ret_actor) {
	struct cl_actor *actor = cl_actor_find(p, kind, id);
	struct cl_kv_txn *txn;
	struct cl_log_actor stored;
	if (!actor) {
		int rc = p->kv->ops->begin(p->kv, false, &txn);
		if (rc != CL_OK)
			return rc;
		actor = create(p, kind, id);
		rc = cl_log_actor(txn, p->kv, kind, id, &stored);
		if (rc == CL_OK)
			rc = restore(p, actor, stored.version, stored.last_seq, stored.state);
		else if (rc == CL_E_NOTFOUND)
			rc = CL_OK;
		p->kv->ops->abort(txn);
		if (rc != CL_OK) {
			destroy(p, actor);
			return rc;
		}
	}
	*ret_actor = actor;
	return CL_OK;
}

/* -- loading beside the deciding thread -- */

struct cl_loading *cl_actor_want(struct cl_partition *p, uint8_t kind, struct cl_id id) {
	struct cl_loading *loading = cl_map_get(&p->loading, kind, id);
	if (loading)
		return loading;
	loading = calloc(1, sizeof(*loading));
	CL_ASSERT(loading);
	loading->kind = kind;
	loading->id = id;
	loading->waiting.end = &loading->waiting.first;
	cl_buf_init(&loading->state);
	cl_map_put(&p->loading, kind, id, loading);
	loading->next = p->load_next;
	p->load_next = loading;
	return loading;
}

static void load_run(void *context) {
	struct cl_load_job *job = context;
	struct cl_kv *kv = job->partition->kv;
	struct cl_kv_txn *txn;
	job->rc = kv->ops->begin(kv, false, &txn);
	if (job->rc != CL_OK)
		return;
	for (struct cl_loading *loading = job->first; loading && job->rc == CL_OK; loading = loading->next) {
		struct cl_log_actor stored;
		int rc = cl_log_actor(txn, kv, loading->kind, loading->id, &stored);
		if (rc == CL_OK) {
			loading->found = true;
			loading->version = stored.version;
			loading->last_seq = stored.last_seq;
			cl_buf_put(&loading->state, stored.state.p, stored.state.n);
		} else if (rc != CL_E_NOTFOUND) {
			job->rc = rc;
		}
	}
	kv->ops->abort(txn);
}

static void load_done(void *context) {
	struct cl_load_job *job = context;
	struct cl_partition *p = job->partition;
	p->jobs--;
	if (job->rc == CL_E_AGAIN) { /* no reader slot: the same job again */
		p->jobs++;
		p->env->ops->work(p->env, CL_LANE_READER, load_run, load_done, job);
		return;
	}
	if (job->rc != CL_OK) {
		p->env->ops->die(p->env, "an actor could not be loaded");
		return;
	}
	struct cl_command_queue ready = {NULL, &ready.first, 0};
	for (struct cl_loading *loading = job->first, *next; loading; loading = next) {
		next = loading->next;
		cl_map_del(&p->loading, loading->kind, loading->id);
		CL_ASSERT(!cl_map_get(&p->actors, loading->kind, loading->id));
		struct cl_actor *actor = create(p, loading->kind, loading->id);
		if (loading->found &&
		    restore(p, actor, loading->version, loading->last_seq, cl_buf_bytes(&loading->state)) != CL_OK)
			p->env->ops->die(p->env, "a stored state could not be decoded");
		if (loading->waiting.first) {
			*ready.end = loading->waiting.first;
			ready.end = loading->waiting.end;
			ready.n += loading->waiting.n;
		}
		cl_buf_done(&loading->state);
		free(loading);
		p->stats.loads++;
	}
	free(job);
	/* What waited goes before what came later, in the order it came. */
	if (ready.first) {
		*ready.end = p->commands.first;
		if (!p->commands.first)
			p->commands.end = ready.end;
		p->commands.first = ready.first;
		p->commands.n += ready.n;
	}
	cl_partition_turn(p);
}

void cl_actor_flush_wants(struct cl_partition *p) {
	if (!p->load_next)
		return;
	struct cl_load_job *job = calloc(1, sizeof(*job));
	CL_ASSERT(job);
	job->partition = p;
	job->first = p->load_next;
	p->load_next = NULL;
	p->jobs++;
	p->env->ops->work(p->env, CL_LANE_READER, load_run, load_done, job);
}

/* -- change -- */

/* A state's memory: an arena of its own that evolve only adds to. */
bool cl_state_compact(const struct cl_schema *schema, struct cl_arena *arena, size_t *compacted, void **state) {
	struct cl_arena fresh;
	if (arena->used < 2 * *compacted + 4096)
		return false;
	void *copy = calloc(1, schema->size);
	CL_ASSERT(copy);
	cl_arena_init(&fresh, 256);
	cl_copy(schema, *state, &fresh, copy);
	free(*state);
	cl_arena_done(arena);
	*state = copy;
	*arena = fresh;
	*compacted = fresh.used;
	return true;
}

void cl_actor_compact(struct cl_partition *p, struct cl_actor *actor) {
	if (cl_state_compact(actor->schema, &actor->arena, &actor->compacted, &actor->state))
		account(p, actor);
}

void cl_actor_apply(struct cl_partition *p, struct cl_actor *actor, const struct cl_event *event, uint64_t seq) {
	actor->version = event->version;
	actor->last_seq = seq;
	p->domain->evolve(actor->kind, actor->state, event, &actor->arena);
	account(p, actor);
	if (!actor->dirty) {
		actor->dirty = true;
		actor->next_dirty = p->dirty;
		p->dirty = actor;
	}
}

void cl_actors_evict(struct cl_partition *p) {
	struct cl_actor *actor = p->oldest;
	while (actor && p->stats.resident_bytes > p->options.memory_bytes) {
		struct cl_actor *newer = actor->newer;
		/* Only an actor whose last event is durable may go: the store then holds all of it. One that was looked
		 * for in this turn stays: a message may wait for its other targets, which would push each other out for
		 * ever. */
		if (!actor->pinned && !actor->dirty && actor->used != p->turns && actor->last_seq <= p->log.head.seq) {
			destroy(p, actor);
			p->stats.evicted++;
		}
		actor = newer;
	}
}

static void free_commands(struct cl_command_queue *queue) {
	while (queue->first) {
		struct cl_command_item *next = queue->first->next;
		free(queue->first);
		queue->first = next;
	}
}

void cl_actors_free(struct cl_partition *p) {
	size_t index = 0;
	while (p->oldest)
		destroy(p, p->oldest);
	for (struct cl_map_slot *slot; (slot = cl_map_next(&p->loading, &index));) {
		struct cl_loading *loading = slot->value;
		free_commands(&loading->waiting);
		cl_buf_done(&loading->state);
		free(loading);
	}
	free_commands(&p->commands);
	cl_map_done(&p->loading);
	cl_map_done(&p->actors);
}
