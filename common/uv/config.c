#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "text.h"
#include "uv/config_load.h"
#include "uv/sentence.h"

#define PORT_MAX 65535

/* -- keys with a grammar of their own -- */

static int check_listen(const struct cl_load *load) {
	char *address = cl_load_print("tcp://%s", load->config->gateway_listen);
	int r = cl_address_check(cl_str_from(address));
	free(address);
	return r < 0 ? cl_load_bad(load, "gateway_listen", load->config->gateway_listen, "127.0.0.1:8080") : CL_OK;
}

static int check_reply_host(const struct cl_load *load) {
	char *address = cl_load_print("tcp://%s:1", load->config->reply_host);
	int r = cl_address_check(cl_str_from(address));
	free(address);
	return r < 0 ? cl_load_bad(load, "reply_host", load->config->reply_host, "127.0.0.1") : CL_OK;
}

/* -- the whole -- */

static void set_defaults(struct cl_config *config) {
	*config = (struct cl_config){
	        .language = cl_load_copy("vi"),
	        .transport = cl_load_copy("ipc"),
	        .base_port = 7400,
	        .reply_host = cl_load_copy("127.0.0.1"),
	        .run = cl_load_copy("all"),
	        .gateway_listen = cl_load_copy("127.0.0.1:8080"),
	        .log_level = cl_load_copy("info"),
	        .command_window_days = 7,
	        .memory_mib = 256,
	        .reserve_mib = 64,
	        .checkpoint_records = 10000,
	        .checkpoint_seconds = 60,
	        .map_gib = 1,
	};
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT; s++)
		config->services[s].partitions = 1;
}

static int take_scalars(struct cl_load *load) {
	struct cl_config *config = load->config;
	static const struct cl_yaml none;
	const struct cl_yaml *given = load->file.yaml ? load->file.yaml : &none;
	int r = CL_OK;
#define TAKE(call)                                                                                                     \
	if (r == CL_OK)                                                                                                \
	r = call
	TAKE(cl_load_choice(load, "language", given->language, "vi | en", &config->language));
	TAKE(cl_load_choice(load, "transport", given->transport, "ipc | tcp", &config->transport));
	TAKE(cl_load_choice(load, "log_level", given->log_level, "debug | info | warn | error", &config->log_level));
	TAKE(cl_load_text(load, "reply_host", given->reply_host, &config->reply_host));
	TAKE(cl_load_text(load, "run", given->run, &config->run));
	TAKE(cl_load_text(load, "gateway_listen", given->gateway_listen, &config->gateway_listen));
	TAKE(cl_load_path(load, "cluster_key_file", given->cluster_key_file, &config->cluster_key_file));
	TAKE(cl_load_path(load, "anchors", given->anchors, &config->anchors));
	TAKE(cl_load_number(load, "base_port", given->base_port, 1, PORT_MAX, &config->base_port));
	TAKE(cl_load_number(load, "command_window_days", given->command_window_days, 1, 3650,
	                    &config->command_window_days));
	TAKE(cl_load_number(load, "memory_mib", given->memory_mib, 16, 1048576, &config->memory_mib));
	TAKE(cl_load_number(load, "reserve_mib", given->reserve_mib, 1, 1048576, &config->reserve_mib));
	TAKE(cl_load_number(load, "checkpoint_records", given->checkpoint_records, 1, 100000000,
	                    &config->checkpoint_records));
	TAKE(cl_load_number(load, "checkpoint_seconds", given->checkpoint_seconds, 1, 86400,
	                    &config->checkpoint_seconds));
	TAKE(cl_load_number(load, "map_gib", given->map_gib, 1, 16384, &config->map_gib));
	TAKE(check_listen(load));
	TAKE(check_reply_host(load));
#undef TAKE
	return r;
}

static int take_folder(struct cl_load *load, const char *dir) {
	const char *given = load->file.yaml ? load->file.yaml->dir : NULL;
	if (dir) {
		char *here = cl_load_here();
		load->config->dir = cl_load_absolute(dir, here);
		free(here);
		return CL_OK;
	}
	if (!given) {
		cl_sentence(load->error, CL_TEXT_SERVICE_CONFIG_DIR);
		return CL_E_INVALID;
	}
	return cl_load_path(load, "dir", given, &load->config->dir);
}

static int take_all(struct cl_load *load, const char *dir) {
	int r = take_folder(load, dir);
	if (r == CL_OK)
		r = take_scalars(load);
	if (r == CL_OK)
		r = cl_load_services(load);
	if (r == CL_OK)
		r = cl_load_run(load);
	return r;
}

int cl_config_load(const char *dir, const char *file, struct cl_config *ret_config, char **ret_error) {
	struct cl_config config;
	struct cl_load load = {.config = &config, .error = ret_error};
	char *here = cl_load_here();
	char *name = NULL;
	int r = CL_OK;
	if (ret_error)
		*ret_error = NULL;
	set_defaults(&config);
	if (file) {
		name = cl_load_absolute(file, here);
	} else if (dir) {
		char *folder = cl_load_absolute(dir, here);
		name = cl_load_print("%s/careloop.yaml", folder);
		free(folder);
	}
	load.file.name = name;
	if (name) {
		load.folder = cl_load_folder_of(name);
		r = cl_yaml_load(name, &load.file, ret_error);
		if (r == CL_E_NOTFOUND && !file)
			r = CL_OK;
		else if (r == CL_E_NOTFOUND)
			cl_sentence(ret_error, CL_TEXT_SERVICE_CONFIG_READ, name, cl_error_text(r));
	}
	if (r == CL_OK)
		r = take_all(&load, dir);
	cl_yaml_done(&load.file);
	free(load.folder);
	free(name);
	free(here);
	if (r < 0) {
		cl_config_done(&config);
		return r;
	}
	*ret_config = config;
	return CL_OK;
}

void cl_config_done(struct cl_config *config) {
	for (uint32_t s = 0; s <= CL_SERVICE_COUNT; s++) {
		for (uint32_t p = 0; p < config->services[s].address_n; p++)
			free(config->services[s].addresses[p]);
		free(config->services[s].addresses);
	}
	char *const texts[] = {
	        config->dir, config->language,       config->transport, config->reply_host, config->cluster_key_file,
	        config->run, config->gateway_listen, config->log_level, config->anchors};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		free(texts[i]);
	*config = (struct cl_config){0};
}

struct cl_str cl_config_address(const struct cl_config *config, uint32_t service, uint32_t partition) {
	CL_ASSERT(service >= 1 && service <= CL_SERVICE_COUNT);
	const struct cl_config_service *of = &config->services[service];
	return partition < of->address_n ? cl_str_from(of->addresses[partition]) : (struct cl_str){0};
}
