/* The daily watch over the log at rest: reads it again, a little every second, and holds every record against the
 * chain. A bad record met stops the partition (design §10.9): what is derived from it could not be trusted any more. */
#include "actor/partition_int.h"

#define CHUNK_RECORDS 2000 /* about a millisecond of one core, and a short read transaction */
#define REST_MS (24LL * 3600 * 1000)

static void patrol_run(void *context) {
	struct cl_patrol *patrol = context;
	struct cl_log_reader reader;
	struct cl_stored stored;
	patrol->rc = cl_log_reader_open(&reader, patrol->partition->kv, patrol->next);
	if (patrol->rc != CL_OK)
		return;
	for (uint32_t i = 0; i < CHUNK_RECORDS && patrol->rc == CL_OK; i++) {
		patrol->rc = cl_log_reader_next(&reader, &stored);
		if (patrol->rc != CL_OK)
			break;
		struct cl_hash hash = cl_hash_chain(patrol->hash, stored.record.p, stored.record.n);
		if (!cl_hash_eq(hash, stored.hash))
			patrol->rc = CL_E_CHAIN;
		patrol->hash = hash;
		patrol->next++;
		patrol->checked++;
	}
	cl_log_reader_close(&reader);
}

static void patrol_done(void *context) {
	static const struct cl_hash none;
	struct cl_patrol *patrol = context;
	struct cl_partition *p = patrol->partition;
	p->jobs--;
	patrol->running = false;
	p->stats.patrolled = patrol->checked;
	if (patrol->rc == CL_E_NOTFOUND) { /* the head: all held */
		patrol->next = 1;
		patrol->hash = none;
		patrol->rest_until_ms = p->env->ops->steady_ms(p->env) + REST_MS;
		p->stats.patrols++;
	} else if (patrol->rc != CL_OK && patrol->rc != CL_E_AGAIN && patrol->rc != CL_E_NOMEM) {
		p->env->ops->log(p->env, CL_ERROR, "bad_record", "seq=%llu error=%s", (unsigned long long)patrol->next,
		                 cl_error_name(patrol->rc));
		p->env->ops->die(p->env, "the log at rest is damaged");
		return;
	}
	if (p->draining)
		cl_partition_turn(p);
}

void cl_patrol_step(struct cl_partition *p) {
	struct cl_patrol *patrol = &p->patrol;
	if (patrol->running || p->draining || p->env->ops->steady_ms(p->env) < patrol->rest_until_ms)
		return;
	patrol->partition = p;
	if (!patrol->next)
		patrol->next = 1;
	patrol->running = true;
	p->jobs++;
	p->env->ops->work(p->env, CL_LANE_READER, patrol_run, patrol_done, patrol);
}
