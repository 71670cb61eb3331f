/* A data folder: its tree, and the facts that were fixed when it was made. Several processes may prepare it at once. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "text.h"
#include "uv/config.h"
#include "uv/config_yaml.h"
#include "uv/file.h"
#include "uv/keys.h"
#include "uv/sentence.h"

#define FORMAT 1
#define SWEEP_AGE_S 60
#define OTHERS 0077 /* mode bits of group and others */
#define OTHERS_WRITE 0022

static int make_folder(const char *name, unsigned forbidden, char **ret_error) {
	int r = cl_folder_make(name, forbidden);
	if (r < 0)
		cl_sentence(ret_error, CL_TEXT_SERVICE_FOLDER, name, cl_error_text(r));
	return r;
}

static int make_sub(const struct cl_config *config, const char *sub, char **ret_error) {
	struct cl_buf name;
	cl_buf_init(&name);
	cl_buf_printf(&name, "%s/%s", config->dir, sub);
	cl_buf_putc(&name, '\0');
	int r = make_folder((const char *)name.p, OTHERS, ret_error);
	cl_buf_done(&name);
	return r;
}

static int make_tree(const struct cl_config *config, char **ret_error) {
	/* The data folder itself may be seen by others; what is in it may not. */
	int r = make_folder(config->dir, OTHERS_WRITE, ret_error);
	static const char *const subs[] = {"run", "logs", "keys"};
	for (size_t i = 0; i < sizeof(subs) / sizeof(*subs) && r == CL_OK; i++)
		r = make_sub(config, subs[i], ret_error);
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT; s++) {
		for (uint32_t p = 0; p < config->services[s].partitions && r == CL_OK; p++) {
			if (!cl_config_runs(config, s, p))
				continue;
			char sub[64];
			int n = snprintf(sub, sizeof(sub), "%s-%u", cl_service_name(s), p);
			CL_ASSERT(n > 0 && (size_t)n < sizeof(sub));
			r = make_sub(config, sub, ret_error);
		}
	}
	if (r == CL_OK && config->anchors)
		r = make_folder(config->anchors, OTHERS_WRITE, ret_error);
	return r;
}

static void write_facts(const struct cl_config *config, struct cl_buf *out) {
	cl_buf_printf(out, "{\"format\": %d, \"partitions\": {", FORMAT);
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT; s++)
		cl_buf_printf(out, "%s\"%s\": %u", s == 1 ? "" : ", ", cl_service_name(s),
		              config->services[s].partitions);
	cl_buf_puts(out, "}}\n");
}

static int compare_facts(const struct cl_config *config, const char *name, char **ret_error) {
	struct cl_yaml_facts facts;
	int r = cl_yaml_facts(name, &facts);
	if (r < 0 || facts.format != FORMAT) {
		r = r < 0 ? r : CL_E_UNSUPPORTED;
		cl_sentence(ret_error, CL_TEXT_SERVICE_FILE, name, cl_error_text(r));
		return r;
	}
	const uint32_t had[CL_SERVICE_COUNT + 1] = {
	        [CL_INTAKE] = facts.partitions.intake,       [CL_ROUTING] = facts.partitions.routing,
	        [CL_ORDER] = facts.partitions.order,         [CL_SUPPORT] = facts.partitions.support,
	        [CL_REPORTING] = facts.partitions.reporting,
	};
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT; s++) {
		if (had[s] == config->services[s].partitions)
			continue;
		cl_sentence(ret_error, CL_TEXT_SERVICE_PARTITIONS, cl_service_name(s), config->dir, had[s],
		            config->services[s].partitions);
		return CL_E_MISMATCH;
	}
	return CL_OK;
}

static int fix_facts(const struct cl_config *config, char **ret_error) {
	struct cl_buf name, text;
	cl_buf_init(&name);
	cl_buf_init(&text);
	cl_buf_printf(&name, "%s/cluster.json", config->dir);
	cl_buf_putc(&name, '\0');
	write_facts(config, &text);
	int r = cl_file_create((const char *)name.p, text.p, text.n);
	if (r == CL_E_EXISTS)
		r = compare_facts(config, (const char *)name.p, ret_error);
	else if (r < 0)
		cl_sentence(ret_error, CL_TEXT_SERVICE_FILE, (const char *)name.p, cl_error_text(r));
	cl_buf_done(&text);
	cl_buf_done(&name);
	return r;
}

/* -- what killed clients left behind -- */

/* Nobody listens on the socket any more. */
static bool deserted(const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	if (n >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, path, n);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	int r = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	bool refused = r < 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static void sweep_file(const char *folder, const char *name) {
	char *path = NULL;
	struct stat found;
	int n = asprintf(&path, "%s/%s", folder, name);
	CL_ASSERT(n > 0);
	/* One just made may be about to be listened on. */
	if (stat(path, &found) == 0 && S_ISSOCK(found.st_mode) && time(NULL) - found.st_mtime > SWEEP_AGE_S &&
	    deserted(path))
		unlink(path);
	free(path);
}

/* Reply sockets carry their process in their name, so nothing ever binds them again: without this they would pile up.
 */
static void sweep_run(const struct cl_config *config) {
	char *folder = NULL;
	int n = asprintf(&folder, "%s/run", config->dir);
	CL_ASSERT(n > 0);
	DIR *dir = opendir(folder);
	if (dir) {
		for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
			if (strncmp(entry->d_name, "client-", 7) == 0 || strncmp(entry->d_name, "gateway-", 8) == 0)
				sweep_file(folder, entry->d_name);
		closedir(dir);
	}
	free(folder);
}

int cl_config_prepare(struct cl_config *config, char **ret_error) {
	if (ret_error)
		*ret_error = NULL;
	int r = make_tree(config, ret_error);
	if (r == CL_OK)
		r = fix_facts(config, ret_error);
	if (r == CL_OK)
		r = cl_keys_create(config->dir, ret_error);
	if (r == CL_OK)
		sweep_run(config);
	return r;
}
