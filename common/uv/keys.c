#include "uv/keys.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "text.h"
#include "uv/config.h"
#include "uv/file.h"
#include "uv/sentence.h"

#define KEY_BYTES 32
#define HEX_BYTES (2 * KEY_BYTES)

static char *key_name(const char *dir, const char *key) {
	char *name = NULL;
	int n = asprintf(&name, "%s/keys/%s.key", dir, key);
	CL_ASSERT(n >= 0);
	return name;
}

static int create(const char *name, char **ret_error) {
	uint8_t key[KEY_BYTES];
	char text[HEX_BYTES + 2];
	if (access(name, F_OK) == 0)
		return CL_OK;
	randombytes_buf(key, sizeof(key));
	sodium_bin2hex(text, HEX_BYTES + 1, key, sizeof(key));
	text[HEX_BYTES] = '\n';
	int r = cl_file_create(name, text, HEX_BYTES + 1);
	sodium_memzero(key, sizeof(key));
	sodium_memzero(text, sizeof(text));
	if (r == CL_E_EXISTS)
		return CL_OK;
	if (r < 0)
		cl_sentence(ret_error, CL_TEXT_SERVICE_FILE, name, cl_error_text(r));
	return r;
}

int cl_keys_create(const char *dir, char **ret_error) {
	static const char *const keys[] = {"sign", "identity"};
	int r = cl_crypto_init();
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) && r == CL_OK; i++) {
		char *name = key_name(dir, keys[i]);
		r = create(name, ret_error);
		free(name);
	}
	return r;
}

/* A secret that others may read is no secret: refused rather than used. */
static int check_mode(const char *name, char **ret_error) {
	struct stat found;
	if (stat(name, &found) == 0 && (found.st_mode & 0077) != 0) {
		cl_sentence(ret_error, CL_TEXT_SERVICE_FILE_OPEN, name);
		return CL_E_DENIED;
	}
	return CL_OK;
}

static int read_key(const char *name, uint8_t key[KEY_BYTES], char **ret_error) {
	char *text = NULL;
	size_t n = 0, used = 0;
	int r = check_mode(name, ret_error);
	if (r < 0)
		return r;
	r = cl_file_read(name, 4096, &text, &n);
	if (r < 0) {
		cl_sentence(ret_error, CL_TEXT_SERVICE_FILE, name, cl_error_text(r));
		return r;
	}
	struct cl_str hex = cl_str_trim((struct cl_str){text, (uint32_t)n});
	if (hex.n != HEX_BYTES || sodium_hex2bin(key, KEY_BYTES, hex.p, hex.n, NULL, &used, NULL) != 0 ||
	    used != KEY_BYTES) {
		cl_sentence(ret_error, CL_TEXT_SERVICE_KEY_FORMAT, name);
		r = CL_E_MALFORMED;
	}
	sodium_memzero(text, n);
	free(text);
	return r;
}

int cl_config_cluster_key(const struct cl_config *config, struct cl_keys *ret_keys, char **ret_error) {
	struct cl_keys keys = {0};
	if (ret_error)
		*ret_error = NULL;
	int r = cl_crypto_init();
	if (r == CL_OK && config->cluster_key_file) {
		r = read_key(config->cluster_key_file, keys.cluster, ret_error);
		keys.has_cluster = true;
	}
	if (r == CL_OK)
		*ret_keys = keys;
	sodium_memzero(&keys, sizeof(keys));
	return r;
}

int cl_config_keys(const struct cl_config *config, struct cl_keys *ret_keys, char **ret_error) {
	struct cl_keys keys = {0};
	uint8_t seed[KEY_BYTES];
	char *sign = key_name(config->dir, "sign"), *identity = key_name(config->dir, "identity");
	int r = cl_config_cluster_key(config, &keys, ret_error);
	if (r == CL_OK && (access(sign, F_OK) < 0 || access(identity, F_OK) < 0)) {
		cl_sentence(ret_error, CL_TEXT_SERVICE_NOT_PREPARED, config->dir);
		r = CL_E_NOTFOUND;
	}
	if (r == CL_OK)
		r = read_key(sign, seed, ret_error);
	if (r == CL_OK)
		r = read_key(identity, keys.identity, ret_error);
	if (r == CL_OK && crypto_sign_seed_keypair(keys.sign.public_key, keys.sign.secret_key, seed) != 0)
		r = CL_E_IO;
	if (r == CL_OK)
		*ret_keys = keys;
	free(sign);
	free(identity);
	sodium_memzero(seed, sizeof(seed));
	sodium_memzero(&keys, sizeof(keys));
	return r;
}
