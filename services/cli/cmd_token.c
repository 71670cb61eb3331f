/* careloop token: the gateway's API tokens. DIR/keys/tokens.json holds their hashes only (BLAKE2b-256 of the text); the
 * text is shown once. The gateway reads the file: {"tokens":[{"name","hash","created"}]}. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/time.h"
#include "commands.h"

#define TOKEN_RANDOM_BYTES 32
#define NAME_MAX_BYTES 100

static const char *tokens_path(struct cli *cli) {
	return cli_fmt(cli, "%s/keys/tokens.json", cli->config.dir);
}

/* The file, or an empty list; NULL after saying what is wrong with it. */
static json_t *tokens_load(struct cli *cli) {
	json_error_t error;
	const char *path = tokens_path(cli);
	if (access(path, F_OK) != 0)
		return json_pack("{s:[]}", "tokens");
	json_t *file = json_load_file(path, 0, &error);
	if (file && json_is_array(json_object_get(file, "tokens")))
		return file;
	cli_error(cli, CL_TEXT_CLI_CANNOT_READ, CLI_ARGS(path, file ? "tokens" : error.text));
	json_decref(file);
	return NULL;
}

static int write_all(int fd, const char *text, size_t n) {
	while (n) {
		ssize_t done = write(fd, text, n);
		if (done <= 0)
			return CL_E_IO;
		text += done;
		n -= (size_t)done;
	}
	return fsync(fd) == 0 ? CL_OK : CL_E_IO;
}

/* Written aside, synced, then moved over: a reader sees the old list or the new one. */
static int tokens_save(struct cli *cli, const json_t *file) {
	const char *path = tokens_path(cli), *fresh = cli_fmt(cli, "%s.%ld", path, (long)getpid());
	char *text = json_dumps(file, JSON_INDENT(1));
	int fd = text ? open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	int result = fd >= 0 ? write_all(fd, text, strlen(text)) : CL_E_IO;
	int error = errno;
	if (fd >= 0)
		close(fd);
	free(text);
	if (result == CL_OK && rename(fresh, path) == 0)
		return CLI_OK;
	error = result == CL_OK ? errno : error;
	unlink(fresh);
	cli_error(cli, CL_TEXT_CLI_CANNOT_WRITE, CLI_ARGS(path, strerror(error)));
	return CLI_FAILED;
}

/* One change at a time: the folder of the keys is the lock. */
static int tokens_lock(struct cli *cli, int *ret_fd) {
	int result = cli_config(cli);
	if (result != CLI_OK)
		return result;
	const char *folder = cli_fmt(cli, "%s/keys", cli->config.dir);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		cli_error(cli, CL_TEXT_CLI_NO_FOLDER, CLI_ARGS(cli->config.dir));
		return CLI_FAILED;
	}
	if (flock(fd, LOCK_EX) != 0) {
		close(fd);
		return CLI_FAILED;
	}
	*ret_fd = fd;
	return CLI_OK;
}

static int find_token(const json_t *file, const char *name) {
	size_t i;
	json_t *token;
	json_array_foreach(json_object_get(file, "tokens"), i, token) {
		const char *own = json_string_value(json_object_get(token, "name"));
		if (own && strcmp(own, name) == 0)
			return (int)i;
	}
	return -1;
}

static json_t *new_token(const char *name, char text[80]) {
	uint8_t random[TOKEN_RANDOM_BYTES];
	char hex[65], created[CL_TIME_TEXT_BYTES], encoded[64];
	uv_timeval64_t now;
	randombytes_buf(random, sizeof(random));
	sodium_bin2base64(encoded, sizeof(encoded), random, sizeof(random), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(random, sizeof(random));
	int n = snprintf(text, 80, "clt_%s", encoded);
	sodium_memzero(encoded, sizeof(encoded));
	cl_hash_hex(cl_hash_of(text, (size_t)n), hex);
	if (uv_gettimeofday(&now) != 0)
		return NULL;
	cl_time_format(now.tv_sec * 1000 + now.tv_usec / 1000, 0, created);
	return json_pack("{s:s,s:s,s:s}", "name", name, "hash", hex, "created", created);
}

static int create_locked(struct cli *cli, const char *name) {
	char text[80];
	json_t *file = tokens_load(cli);
	if (!file)
		return CLI_FAILED;
	if (find_token(file, name) >= 0) {
		json_decref(file);
		cli_error(cli, CL_TEXT_CLI_TOKEN_EXISTS, CLI_ARGS(name, name));
		return CLI_REFUSED;
	}
	json_t *token = new_token(name, text);
	int result = token && json_array_append_new(json_object_get(file, "tokens"), token) == 0
	                     ? tokens_save(cli, file)
	                     : CLI_FAILED;
	json_decref(file);
	if (result == CLI_OK && cli->json)
		printf("{\"name\":\"%s\",\"token\":\"%s\"}\n", name, text);
	else if (result == CLI_OK && cli->quiet)
		printf("%s\n", text);
	else if (result == CLI_OK)
		cli_say(cli, CL_TEXT_CLI_TOKEN_CREATED, CLI_ARGS(name, text));
	sodium_memzero(text, sizeof(text));
	return result;
}

/* Names are shown and kept in JSON: plain words only. */
static bool name_fits(const char *name) {
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	return n > 0 && n <= NAME_MAX_BYTES && name[n] == '\0';
}

int cli_cmd_token_create(struct cli *cli) {
	int fd = -1;
	if (!name_fits(cli->args[0])) {
		cli_error(cli, CL_TEXT_CLI_TOKEN_NAME, CLI_ARGS(cli->args[0]));
		return CLI_USAGE;
	}
	int result = tokens_lock(cli, &fd);
	if (result != CLI_OK)
		return result;
	result = create_locked(cli, cli->args[0]);
	close(fd);
	return result;
}

int cli_cmd_token_list(struct cli *cli) {
	int result = cli_config(cli);
	json_t *file = result == CLI_OK ? tokens_load(cli) : NULL;
	if (!file)
		return result == CLI_OK ? CLI_FAILED : result;
	if (cli->json) {
		result = json_dumpf(file, stdout, JSON_INDENT(1)) == 0 ? CLI_OK : CLI_FAILED;
		fputc('\n', stdout);
	} else {
		struct cli_table table;
		size_t i;
		json_t *token;
		cli_table_init(&table, cli);
		cli_table_column(&table, CL_TEXT_CLI_H_NAME, false);
		cli_table_column(&table, CL_TEXT_CLI_H_CREATED, false);
		json_array_foreach(json_object_get(file, "tokens"), i, token) {
			int64_t ms = 0;
			const char *name = json_string_value(json_object_get(token, "name")),
			           *created = json_string_value(json_object_get(token, "created"));
			bool is_time = created && cl_time_parse(cl_str_from(created), &ms) == CL_OK;
			cli_table_row(&table, CLI_ARGS(name ? cli_safe(cli, cl_str_from(name)) : "?",
			                               is_time ? cli_when(cli, ms) : ""));
		}
		cli_table_print(&table, stdout);
	}
	json_decref(file);
	return result;
}

int cli_cmd_token_revoke(struct cli *cli) {
	int fd = -1, result = tokens_lock(cli, &fd);
	if (result != CLI_OK)
		return result;
	json_t *file = tokens_load(cli);
	int at = file ? find_token(file, cli->args[0]) : -1;
	if (!file) {
		result = CLI_FAILED;
	} else if (at < 0) {
		cli_error(cli, CL_TEXT_CLI_TOKEN_UNKNOWN, CLI_ARGS(cli->args[0]));
		result = CLI_NOT_FOUND;
	} else {
		result = json_array_remove(json_object_get(file, "tokens"), (size_t)at) == 0 ? tokens_save(cli, file)
		                                                                             : CLI_FAILED;
		if (result == CLI_OK)
			cli_say(cli, CL_TEXT_CLI_TOKEN_REVOKED, CLI_ARGS(cli->args[0]));
	}
	json_decref(file);
	close(fd);
	return result;
}
