/* Writes archives as the archive writer would: logs of services that tell of cases, copied into one log in the order in
 * which they are told. For tests of the read model. */
#ifndef TEST_REPORTING_HISTORY_H
#define TEST_REPORTING_HISTORY_H

#include "base/arena.h"
#include "reporting/archive.h"
#include "reporting/model.h"
#include "reporting/query.h"

struct history_case {
	struct cl_id request_id, slip_id;
	char number[24];
	bool closed;
};

struct history {
	uint64_t rng;
	struct cl_kv *kv;
	struct cl_log log;
	struct cl_batch batch;
	struct cl_log_head next; /* as the batch will leave it */
	int64_t now_ms;
	uint64_t seqs[CL_SERVICE_COUNT + 1]; /* of the source logs */
	struct history_case *cases;
	uint32_t case_n, case_cap;
	/* Called with each event of a case, if set: an oracle. */
	void (*on_event)(void *context, uint32_t of, uint16_t type, const void *body, int64_t occurred_ms,
	                 struct cl_str who);
	void *context;
};

void history_init(struct history *history, uint64_t seed);
void history_done(struct history *history);
uint64_t history_random(struct history *history, uint64_t below);
void history_write(struct history *history); /* what was told becomes durable */
void history_event(struct history *history, uint8_t kind, struct cl_id aggregate, uint16_t type, const void *body,
                   int64_t occurred_ms, struct cl_str who);
/* From contact to opened case. title, name NULL: drawn. Returns its index. */
uint32_t history_open_case(struct history *history, const char *title, const char *name, const char *phone,
                           const char *source_key);
/* An event of the case's own log. */
void history_case_event(struct history *history, uint32_t of, uint16_t type, const void *body);
void history_random_event(struct history *history, uint32_t of);
/* Random cases and events, about n records. */
void history_random_cases(struct history *history, uint32_t n);

/* A read model in a temporary folder. */
struct history_model {
	char folder[32], path[64];
	struct reporting_model *model;
	struct reporting_reader *reader;
	struct reporting_answer answer;
};
void history_model_open(struct history_model *model, const struct history *history);
/* Follows to the archive's head, in transactions of at most `most` records. */
void history_model_follow(struct history_model *model, const struct history *history, uint32_t most);
void history_model_close(struct history_model *model, bool delete);
/* Asks; key, value, key, value, …, NULL. The JSON is NUL-terminated and lives until the next question. */
const char *history_ask(struct history_model *model, const struct history *history, enum wire_status *ret_status,
                        const char *name, ...);

#endif
