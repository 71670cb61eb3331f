/* The case actor inside the support library. */
#ifndef SUPPORT_CASE_H
#define SUPPORT_CASE_H

#include "support.h"

#define SUPPORT_ANSWER_MIN (3 * 24 * 60)
#define SUPPORT_REMIND_MIN (24 * 60)

/* One command on its way through the rules. Rules return CL_R_NONE after emitting, or a reject code before having
 * emitted anything: so a refused row of history leaves no trace but its note. */
struct case_turn {
	const struct cl_ctx *ctx;
	const struct case_state *state;
	struct cl_decision *decision;
	bool history;      /* the command is a row of imported history: it arms no timer and asks nobody */
	const char *field; /* out: field that was wrong, or NULL */
};

/* Runs the rule of one command (any COMMAND row of support but support_configure). */
uint32_t case_command(struct case_turn *turn, uint16_t type, const void *body);
/* The rules that are commands of their own files. */
uint32_t case_import_rows(struct case_turn *turn, const struct case_import *command, uint32_t version);
/* Events of routing and of the slip's order. */
void case_routed(struct case_turn *turn, const struct item_routed *event);
void case_item_assigned(struct case_turn *turn, const struct item_assigned *event);
void case_item_escalated(struct case_turn *turn, const struct item_escalated *event);
void case_order_changed(struct case_turn *turn, const struct order_changed *event, struct cl_str who);
void case_tick(struct case_turn *turn);

/* Writes a proposal's or a wait's deadlines for a live command; 0, 0 for history. */
uint32_t case_deadlines(struct case_turn *turn, int64_t until, int64_t *ret_until, int64_t *ret_remind_at);
static inline bool case_is_open(const struct case_state *state) {
	return state->status != case_status_UNSET && state->status != CASE_CLOSED;
}

void case_evolve(struct case_state *state, const struct cl_event *event, struct cl_arena *arena);
int64_t case_due(const struct case_state *state);

/* The catalogue's Vietnamese sentence with its %s filled in turn: history is written in the department's language. */
struct cl_str case_sentence(struct cl_arena *arena, enum cl_text text, struct cl_str first, struct cl_str second);

#endif
