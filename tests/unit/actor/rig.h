/* One partition with nothing around it: the test moves the clocks, runs the jobs and reads what was posted. Its domain
 * is a stock that only grows; what came in by a multiple of 7 is told to a second stock as well, which counts one more.
 */
#ifndef ACTOR_RIG_H
#define ACTOR_RIG_H

#include "actor/partition.h"

#define RIG_START_MS 1767225600000 /* 2026-01-01 */
#define RIG_JOBS 8192

struct rig_job {
	enum cl_lane lane;
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
};

struct rig_post {
	uint16_t type;
	const void *body; /* in the rig's arena */
};

struct rig {
	struct cl_env env; /* first */
	int64_t wall_ms, steady_ms;
	int64_t wake_ms; /* asked for; steady */
	uint64_t rng;
	uint64_t space;
	int post_rc;    /* what posts answer */
	uint32_t tries; /* to post */
	bool no_space;
	struct rig_job jobs[RIG_JOBS];
	uint32_t job_n;
	struct rig_post *posts;
	uint32_t post_n, post_cap;
	struct cl_arena arena;
	struct cl_kv *store, disk;
	struct cl_sign_key sign_key;
	struct cl_partition_options options;
	struct cl_partition *partition;
	const char *died;
};

void rig_init(struct rig *rig);
void rig_open(struct rig *rig);
void rig_close(struct rig *rig); /* as a crash does: jobs not run are lost */
void rig_done(struct rig *rig);

struct cl_id rig_id(struct rig *rig); /* drawn at the wall's time */
struct cl_id rig_target(uint32_t n);
void rig_command(struct rig *rig, struct cl_id id, struct cl_id target, uint32_t quantity); /* and a turn */
void rig_command_bytes(struct rig *rig, struct cl_id id, struct cl_id target, struct cl_bytes body);
/* Runs the jobs of one lane that wait; those that they make wait for the next call. Returns how many. */
uint32_t rig_run(struct rig *rig, enum cl_lane lane);
void rig_settle(struct rig *rig);           /* all jobs of both lanes, until none is left */
void rig_pass(struct rig *rig, int64_t ms); /* both clocks; then wakes and settles */
void rig_forget_posts(struct rig *rig);
const struct wire_reply *rig_reply(struct rig *rig, struct cl_id id); /* the last to it; NULL: none */
const void *rig_last(struct rig *rig, uint16_t type);                 /* the last posted of a type; NULL: none */
uint32_t rig_posted(struct rig *rig, uint16_t type);
uint32_t rig_received(struct rig *rig, struct cl_id target); /* pieces that the stock counts, durable */

#endif
