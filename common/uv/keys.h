/* The keys of a data folder: DIR/keys/sign.key (seed of the Ed25519 key that signs checkpoints) and
 * DIR/keys/identity.key (keyed hash of identities, rule 10.5): 64 hexadecimal characters each, mode 0600. */
#ifndef CL_UV_KEYS_H
#define CL_UV_KEYS_H

#include "base/error.h"

/* Draws those that are not there; never replaces one. */
CL_MUST_CHECK int cl_keys_create(const char *dir, char **ret_error);

#endif
