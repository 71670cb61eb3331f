/* API tokens: DIR/keys/tokens.json, written by `careloop token`, read again whenever it changes. Only hashes are kept.
 */
#ifndef GATEWAY_TOKENS_H
#define GATEWAY_TOKENS_H

#include <time.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

#define GATEWAY_TOKENS_MAX 1000
#define GATEWAY_TOKEN_NAME_BYTES 101

struct gateway_token {
	char name[GATEWAY_TOKEN_NAME_BYTES];
	struct cl_hash hash; /* BLAKE2b-256 of the text */
};

struct gateway_tokens {
	char *path;
	struct gateway_token *v;
	uint32_t n;
	struct timespec changed; /* of the file that was read */
	uint64_t inode;
	bool bad; /* the file is there and cannot be believed: nobody is let in */
};

void gateway_tokens_init(struct gateway_tokens *tokens, const char *dir);
void gateway_tokens_done(struct gateway_tokens *tokens);
/* Looks whether the file changed; reads it then. OK, or why it cannot be believed. */
CL_MUST_CHECK int gateway_tokens_refresh(struct gateway_tokens *tokens);
/* Whether a token is needed at all. */
bool gateway_tokens_any(const struct gateway_tokens *tokens);
/* The token's name, empty if there is no such token. Takes equally long whichever it is. */
struct cl_str gateway_tokens_find(const struct gateway_tokens *tokens, struct cl_str text);

#endif
