#include "tokens.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "uv/file.h"

#define FILE_MAX_BYTES 1048576

void gateway_tokens_init(struct gateway_tokens *tokens, const char *dir) {
	*tokens = (struct gateway_tokens){0};
	int n = asprintf(&tokens->path, "%s/keys/tokens.json", dir);
	CL_ASSERT(n > 0);
}

static void forget(struct gateway_tokens *tokens) {
	free(tokens->v);
	tokens->v = NULL;
	tokens->n = 0;
}

void gateway_tokens_done(struct gateway_tokens *tokens) {
	forget(tokens);
	free(tokens->path);
	tokens->path = NULL;
}

static int take(struct gateway_tokens *tokens, const json_t *list) {
	size_t i, n = json_array_size(list);
	json_t *entry;
	if (!json_is_array(list))
		return CL_E_MALFORMED;
	if (n > GATEWAY_TOKENS_MAX)
		return CL_E_TOOBIG;
	tokens->v = calloc(n ? n : 1, sizeof(*tokens->v));
	CL_ASSERT(tokens->v);
	json_array_foreach(list, i, entry) {
		struct gateway_token *token = &tokens->v[tokens->n];
		const char *name = json_string_value(json_object_get(entry, "name")),
		           *hash = json_string_value(json_object_get(entry, "hash"));
		if (!name || !hash || !*name || strlen(name) >= sizeof(token->name) ||
		    cl_hash_parse(cl_str_from(hash), &token->hash) != CL_OK)
			return CL_E_MALFORMED;
		memcpy(token->name, name, strlen(name) + 1);
		tokens->n++;
	}
	return CL_OK;
}

static int load(struct gateway_tokens *tokens) {
	char *text = NULL;
	size_t n = 0;
	int r = cl_file_read(tokens->path, FILE_MAX_BYTES, &text, &n);
	if (r != CL_OK)
		return r;
	json_t *file = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	r = take(tokens, json_object_get(file, "tokens"));
	json_decref(file);
	return r;
}

int gateway_tokens_refresh(struct gateway_tokens *tokens) {
	struct stat now = {0};
	if (stat(tokens->path, &now) != 0) {
		forget(tokens);
		tokens->inode = 0;
		tokens->bad = errno != ENOENT;
		return tokens->bad ? CL_E_IO : CL_OK;
	}
	if (now.st_ino == tokens->inode && now.st_mtim.tv_sec == tokens->changed.tv_sec &&
	    now.st_mtim.tv_nsec == tokens->changed.tv_nsec)
		return tokens->bad ? CL_E_MALFORMED : CL_OK;
	tokens->inode = now.st_ino;
	tokens->changed = now.st_mtim;
	forget(tokens);
	int r = load(tokens);
	tokens->bad = r != CL_OK;
	if (tokens->bad)
		forget(tokens);
	return r;
}

bool gateway_tokens_any(const struct gateway_tokens *tokens) {
	return tokens->n > 0 || tokens->bad;
}

struct cl_str gateway_tokens_find(const struct gateway_tokens *tokens, struct cl_str text) {
	struct cl_hash hash = cl_hash_of(text.p ? text.p : "", text.n);
	const struct gateway_token *found = NULL;
	for (uint32_t i = 0; i < tokens->n; i++)
		if (sodium_memcmp(hash.b, tokens->v[i].hash.b, sizeof(hash.b)) == 0)
			found = &tokens->v[i];
	return found ? cl_str_from(found->name) : (struct cl_str){NULL, 0};
}
