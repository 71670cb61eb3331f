#include "uv/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "text.h"
#include "uv/config_yaml.h"
#include "uv/sentence.h"

#define PARTITIONS_MAX 1024
#define PORT_MAX 65535

/* -- small parts -- */

static char *copy(const char *text) {
	char *p = strdup(text);
	CL_ASSERT(p);
	return p;
}

__attribute__((format(printf, 1, 2))) static char *print(const char *format, ...) {
	char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	int n = vasprintf(&text, format, arguments);
	va_end(arguments);
	CL_ASSERT(n >= 0);
	return text;
}

static char *absolute(const char *path, const char *folder) {
	char *p = path[0] == '/' ? copy(path) : print("%s/%s", folder, path);
	for (size_t n = strlen(p); n > 1 && p[n - 1] == '/'; n--)
		p[n - 1] = '\0';
	return p;
}

static char *current_folder(void) {
	char *folder = getcwd(NULL, 0);
	return folder ? folder : copy("/");
}

static char *folder_of(const char *path) {
	const char *slash = strrchr(path, '/');
	CL_ASSERT(slash);
	return slash == path ? copy("/") : strndup(path, (size_t)(slash - path));
}

/* -- one file being taken over into a config -- */

struct load {
	struct cl_config *config;
	struct cl_yaml_file file; /* yaml NULL: defaults only */
	char *folder;             /* of the file: relative paths start here */
	char **error;
};

static int bad(const struct load *load, const char *path, const char *value, const char *needs) {
	cl_sentence(load->error, CL_TEXT_SERVICE_CONFIG_VALUE, load->file.name,
	            load->file.text ? cl_yaml_line(&load->file, path) : 0, path, value, needs);
	return CL_E_INVALID;
}

static int number(const struct load *load, const char *path, const char *value, uint32_t least, uint32_t most,
                  uint32_t *out) {
	uint64_t n;
	if (!value)
		return CL_OK;
	if (cl_str_u64(cl_str_from(value), &n) == CL_OK && n >= least && n <= most) {
		*out = (uint32_t)n;
		return CL_OK;
	}
	char *needs = print("%u..%u", least, most);
	int r = bad(load, path, value, needs);
	free(needs);
	return r;
}

/* choices: "vi | en" */
static int choice(const struct load *load, const char *path, const char *value, const char *choices, char **out) {
	if (!value)
		return CL_OK;
	for (const char *p = choices; *p; p += strspn(p, " |")) {
		size_t n = strcspn(p, " ");
		if (strlen(value) == n && memcmp(value, p, n) == 0) {
			free(*out);
			*out = copy(value);
			return CL_OK;
		}
		p += n;
	}
	return bad(load, path, value, choices);
}

static int text(const struct load *load, const char *path, const char *value, char **out) {
	if (!value)
		return CL_OK;
	if (!*value || !cl_utf8_valid(cl_str_from(value)))
		return bad(load, path, value, "UTF-8, 1..4096 byte");
	free(*out);
	*out = copy(value);
	return CL_OK;
}

static int path_of(const struct load *load, const char *path, const char *value, char **out) {
	int r = text(load, path, value, out);
	if (r < 0 || !value)
		return r;
	free(*out);
	*out = absolute(value, load->folder);
	return CL_OK;
}

/* -- keys with a grammar of their own -- */

/* "intake", "intake/3" or "gateway"; service 0: no such. */
static uint32_t run_item(struct cl_str item, int64_t *ret_partition) {
	const char *slash = item.n ? memchr(item.p, '/', item.n) : NULL;
	struct cl_str name = {item.p, slash ? (uint32_t)(slash - item.p) : item.n};
	uint32_t service = cl_service_by_name(name);
	uint64_t partition = 0;
	*ret_partition = -1;
	if (service == 0 || service == CL_CLIENT)
		return 0;
	if (!slash)
		return service;
	struct cl_str digits = {slash + 1, item.n - name.n - 1};
	if (service > CL_SERVICE_COUNT || cl_str_u64(digits, &partition) < 0 || partition >= PARTITIONS_MAX)
		return 0;
	*ret_partition = (int64_t)partition;
	return service;
}

static struct cl_str next_item(const char **at) {
	size_t n = strcspn(*at, ",");
	struct cl_str item = cl_str_trim((struct cl_str){*at, (uint32_t)n});
	*at += n;
	*at += **at == ',';
	return item;
}

bool cl_config_runs(const struct cl_config *config, uint32_t service, uint32_t partition) {
	if (strcmp(config->run, "all") == 0)
		return true;
	const char *at = config->run;
	while (*at) {
		int64_t only = -1;
		if (run_item(next_item(&at), &only) == service && (only < 0 || only == partition))
			return true;
	}
	return false;
}

static int check_run(const struct load *load) {
	const char *value = load->file.yaml ? load->file.yaml->run : NULL;
	if (!value || strcmp(value, "all") == 0)
		return CL_OK;
	const char *at = value;
	int64_t partition = -1;
	do {
		uint32_t service = run_item(next_item(&at), &partition);
		bool exists = service > CL_SERVICE_COUNT || partition < 0 ||
		              (service && partition < load->config->services[service].partitions);
		if (!service || !exists)
			return bad(load, "run", value, "all | intake,routing/0,gateway");
	} while (*at);
	return CL_OK;
}

static int check_listen(const struct load *load) {
	char *address = print("tcp://%s", load->config->gateway_listen);
	int r = cl_address_check(cl_str_from(address));
	free(address);
	return r < 0 ? bad(load, "gateway_listen", load->config->gateway_listen, "127.0.0.1:8080") : CL_OK;
}

static int check_reply_host(const struct load *load) {
	char *address = print("tcp://%s:1", load->config->reply_host);
	int r = cl_address_check(cl_str_from(address));
	free(address);
	return r < 0 ? bad(load, "reply_host", load->config->reply_host, "127.0.0.1") : CL_OK;
}

/* -- addresses -- */

static uint32_t ports_before(const struct cl_config *config, uint32_t service) {
	uint32_t n = 0;
	for (uint32_t s = 1; s < service; s++)
		n += config->services[s].partitions;
	return n;
}

static int given_address(const struct load *load, uint32_t service, const char *value, char **out) {
	static const char ipc[] = "ipc://";
	char *address;
	if (strncmp(value, ipc, sizeof(ipc) - 1) == 0 && value[sizeof(ipc) - 1] != '/') {
		char *path = absolute(value + sizeof(ipc) - 1, load->folder);
		address = print("%s%s", ipc, path);
		free(path);
	} else {
		address = copy(value);
	}
	char *path = print("services.%s.addresses", cl_service_name(service));
	int r = cl_address_check(cl_str_from(address));
	if (r < 0)
		r = bad(load, path, value, "ipc:///path (<= 107 byte) | tcp://192.0.2.1:7400");
	free(path);
	if (r < 0) {
		free(address);
		return r;
	}
	*out = address;
	return CL_OK;
}

static int made_address(const struct load *load, uint32_t service, uint32_t partition, char **out) {
	struct cl_config *config = load->config;
	const char *name = cl_service_name(service);
	bool tcp = strcmp(config->transport, "tcp") == 0;
	char *address = tcp ? print("tcp://127.0.0.1:%u", config->base_port + ports_before(config, service) + partition)
	                    : print("ipc://%s/run/%s-%u.sock", config->dir, name, partition);
	int r = cl_address_check(cl_str_from(address));
	if (r < 0) {
		if (tcp)
			bad(load, "base_port", address, "1..65535");
		else
			cl_sentence(load->error, CL_TEXT_SERVICE_CONFIG_LONG, address);
		free(address);
		return CL_E_INVALID;
	}
	*out = address;
	return CL_OK;
}

static int take_service(struct load *load, uint32_t service, const struct cl_yaml_service *given) {
	struct cl_config_service *target = &load->config->services[service];
	char *path = print("services.%s.partitions", cl_service_name(service));
	int r = number(load, path, given ? given->partitions : NULL, 1, PARTITIONS_MAX, &target->partitions);
	free(path);
	if (r < 0 || !given || !given->addresses_count)
		return r;
	if (given->addresses_count != target->partitions) {
		char *many = print("%u", given->addresses_count);
		char *needs = print("%u × ipc://… | tcp://…", target->partitions);
		path = print("services.%s.addresses", cl_service_name(service));
		r = bad(load, path, many, needs);
		free(path);
		free(needs);
		free(many);
	}
	return r;
}

static int take_addresses(struct load *load, uint32_t service, const struct cl_yaml_service *given) {
	struct cl_config_service *target = &load->config->services[service];
	target->addresses = calloc(target->partitions, sizeof(char *));
	CL_ASSERT(target->addresses);
	target->address_n = target->partitions;
	for (uint32_t p = 0; p < target->partitions; p++) {
		int r = given && given->addresses_count
		                ? given_address(load, service, given->addresses[p], &target->addresses[p])
		                : made_address(load, service, p, &target->addresses[p]);
		if (r < 0)
			return r;
		struct cl_str address = cl_str_from(target->addresses[p]);
		if (!cl_address_loopback(address) && !load->config->cluster_key_file) {
			cl_sentence(load->error, CL_TEXT_SERVICE_CONFIG_CLUSTER, target->addresses[p]);
			return CL_E_DENIED;
		}
	}
	return CL_OK;
}

static const struct cl_yaml_service *given_service(const struct load *load, uint32_t service) {
	const struct cl_yaml_services *given = load->file.yaml ? load->file.yaml->services : NULL;
	if (!given)
		return NULL;
	const struct cl_yaml_service *const all[CL_SERVICE_COUNT + 1] = {
	        [CL_INTAKE] = given->intake,   [CL_ROUTING] = given->routing,     [CL_ORDER] = given->order,
	        [CL_SUPPORT] = given->support, [CL_REPORTING] = given->reporting,
	};
	return all[service];
}

/* -- the whole -- */

static void set_defaults(struct cl_config *config) {
	*config = (struct cl_config){
	        .language = copy("vi"),
	        .transport = copy("ipc"),
	        .base_port = 7400,
	        .reply_host = copy("127.0.0.1"),
	        .run = copy("all"),
	        .gateway_listen = copy("127.0.0.1:8080"),
	        .log_level = copy("info"),
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

static int take_scalars(struct load *load) {
	struct cl_config *config = load->config;
	static const struct cl_yaml none;
	const struct cl_yaml *given = load->file.yaml ? load->file.yaml : &none;
	int r = CL_OK;
#define TAKE(call)                                                                                                     \
	if (r == CL_OK)                                                                                                \
	r = call
	TAKE(choice(load, "language", given->language, "vi | en", &config->language));
	TAKE(choice(load, "transport", given->transport, "ipc | tcp", &config->transport));
	TAKE(choice(load, "log_level", given->log_level, "debug | info | warn | error", &config->log_level));
	TAKE(text(load, "reply_host", given->reply_host, &config->reply_host));
	TAKE(text(load, "run", given->run, &config->run));
	TAKE(text(load, "gateway_listen", given->gateway_listen, &config->gateway_listen));
	TAKE(path_of(load, "cluster_key_file", given->cluster_key_file, &config->cluster_key_file));
	TAKE(path_of(load, "anchors", given->anchors, &config->anchors));
	TAKE(number(load, "base_port", given->base_port, 1, PORT_MAX, &config->base_port));
	TAKE(number(load, "command_window_days", given->command_window_days, 1, 3650, &config->command_window_days));
	TAKE(number(load, "memory_mib", given->memory_mib, 16, 1048576, &config->memory_mib));
	TAKE(number(load, "reserve_mib", given->reserve_mib, 1, 1048576, &config->reserve_mib));
	TAKE(number(load, "checkpoint_records", given->checkpoint_records, 1, 100000000, &config->checkpoint_records));
	TAKE(number(load, "checkpoint_seconds", given->checkpoint_seconds, 1, 86400, &config->checkpoint_seconds));
	TAKE(number(load, "map_gib", given->map_gib, 1, 16384, &config->map_gib));
	TAKE(check_listen(load));
	TAKE(check_reply_host(load));
#undef TAKE
	return r;
}

static int take_folder(struct load *load, const char *dir) {
	const char *given = load->file.yaml ? load->file.yaml->dir : NULL;
	if (dir) {
		char *here = current_folder();
		load->config->dir = absolute(dir, here);
		free(here);
		return CL_OK;
	}
	if (!given) {
		cl_sentence(load->error, CL_TEXT_SERVICE_CONFIG_DIR);
		return CL_E_INVALID;
	}
	return path_of(load, "dir", given, &load->config->dir);
}

static int take_all(struct load *load, const char *dir) {
	int r = take_folder(load, dir);
	if (r == CL_OK)
		r = take_scalars(load);
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT && r == CL_OK; s++)
		r = take_service(load, s, given_service(load, s));
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT && r == CL_OK; s++)
		r = take_addresses(load, s, given_service(load, s));
	if (r == CL_OK)
		r = check_run(load);
	return r;
}

int cl_config_load(const char *dir, const char *file, struct cl_config *ret_config, char **ret_error) {
	struct cl_config config;
	struct load load = {.config = &config, .error = ret_error};
	char *here = current_folder();
	char *name = NULL;
	int r = CL_OK;
	if (ret_error)
		*ret_error = NULL;
	set_defaults(&config);
	if (file) {
		name = absolute(file, here);
	} else if (dir) {
		char *folder = absolute(dir, here);
		name = print("%s/careloop.yaml", folder);
		free(folder);
	}
	load.file.name = name;
	if (name) {
		load.folder = folder_of(name);
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
