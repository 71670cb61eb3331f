/* Intake (requirements A1-A4): a contact becomes a classified, prioritised request with a slip, and its phone and email
 * find the customer. Pure functions over four kinds of actors: registry, request, customer, identity (README.md). */
#ifndef INTAKE_INTAKE_H
#define INTAKE_INTAKE_H

#include "actor/domain.h"

extern const struct cl_domain intake_domain;

/* Target of a contact_register that has a source_key: the same key is the same request for ever. One without a key
 * goes to an id drawn by the sender. */
struct cl_id intake_request_id(struct cl_str source_key);

/* Rules and priority table for a first start, to be sent as a command to every partition's registry. Lives in the
 * arena. */
const struct intake_configure *intake_defaults(struct cl_arena *arena);

#endif
