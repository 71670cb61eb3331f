/* One case of the support domain, run as the runtime would: decide, then evolve, each event also kept as its bytes. */
#ifndef TESTS_SUPPORT_RIG_H
#define TESTS_SUPPORT_RIG_H

#include "base/buf.h"
#include "support/support.h"

#define RIG_NOW INT64_C(1790000000000)
#define RIG_MINUTE INT64_C(60000)
#define RIG_DAY (24 * 60 * RIG_MINUTE)

struct rig_record {
	uint16_t type;
	uint32_t version;
	int64_t occurred_ms;
	struct cl_str who;
	struct cl_bytes payload;
};

struct rig {
	struct cl_arena actor, turn, kept; /* kept: the records */
	struct case_state state;
	struct support_state policy;
	uint32_t version;
	int64_t now_ms, occurred_ms; /* occurred_ms 0 = now */
	struct cl_decision decision; /* the last */
	struct rig_record *records;
	uint32_t record_n, record_cap;
};

void rig_init(struct rig *rig);
void rig_done(struct rig *rig);
/* Reject code. */
uint32_t rig_command(struct rig *rig, uint16_t type, const void *body);
uint32_t rig_command_by(struct rig *rig, const char *who, uint16_t type, const void *body);
#define RIG_COMMAND(rig, name, ...) rig_command((rig), CL_T_##name, &(struct name){__VA_ARGS__})
void rig_event(struct rig *rig, uint16_t type, const void *body, const char *who);
#define RIG_EVENT(rig, name, ...) rig_event((rig), CL_T_##name, &(struct name){__VA_ARGS__}, "kho")
void rig_tick(struct rig *rig);

/* An open case, its slip made now; imported or not. */
struct slip_created rig_slip(bool imported);
void rig_open(struct rig *rig, bool imported);
/* Brings an open case to a status by commands that are allowed. */
void rig_bring(struct rig *rig, enum case_status status);

/* Type of the i-th event of the last decision, 0 behind the end. */
uint16_t rig_emitted(const struct rig *rig, uint32_t i);
const void *rig_body(const struct rig *rig, uint32_t i);
int64_t rig_due(const struct rig *rig);
/* Folds the kept bytes into a fresh state. */
void rig_fold(const struct rig *rig, struct cl_arena *arena, struct case_state *ret_state);

#endif
