/* Load from outside, as the gateway and the command make it: contacts, and the life of each one's case, through the
 * client, which sends again until it is answered. Remembers what was acknowledged, so that the logs can be held against
 * it afterwards. Callbacks assert nothing (they may run within any wait); what goes wrong stands in `wrong`. */
#ifndef CRASH_LOAD_H
#define CRASH_LOAD_H

#include "rig.h"

#define LOAD_CONTACTS_MAX 4000
#define LOAD_SKUS 3

/* The steps of one contact, in order; each is one command, but for LOAD_OPENING, which waits for the case. */
enum load_step {
	LOAD_REGISTER,
	LOAD_RECEIVE, /* goods come in: no key of the domain guards this one against being done twice */
	LOAD_OPENING,
	LOAD_NOTE,
	LOAD_NOTE_AGAIN,
	LOAD_WORK,
	LOAD_PROPOSE,
	LOAD_AGREE,
	LOAD_CLOSE,
	LOAD_DONE
};

struct load_contact {
	struct load *load;
	uint32_t index;
	enum load_step step;
	bool under_way;                   /* a call is out */
	int64_t look_ms;                  /* when to look again for the case */
	struct cl_id commands[LOAD_DONE]; /* drawn once for each step */
	struct cl_id request, slip;
	char number[24];
};

struct load {
	struct rig *rig;
	struct load_contact contacts[LOAD_CONTACTS_MAX];
	uint32_t started, done;
	uint32_t width; /* contacts on their way at once */
	uint64_t acknowledged;
	uint64_t received[LOAD_SKUS]; /* pieces acknowledged */
	bool stop;                    /* begin no more */
	char *wrong;
};

struct load *load_new(struct rig *rig, uint32_t width);
void load_free(struct load *load);
/* Sends what is to be sent now. To be called again and again. */
void load_push(struct load *load);
/* Begins no more, and runs until all that was begun is done. */
void load_finish(struct load *load, uint32_t limit_s);
/* Texts by which the steps of a contact are found again in the logs. */
char *load_key(const struct load_contact *contact, enum load_step step);
uint32_t load_quantity(const struct load_contact *contact);
struct cl_str load_sku(const struct load_contact *contact);

#endif
