#include <stdlib.h>

#include "base/assert.h"
#include "text.h"
#include "uv/config_load.h"
#include "uv/sentence.h"

#define PARTITIONS_MAX 1024

/* -- partitions and addresses -- */

static uint32_t ports_before(const struct cl_config *config, uint32_t service) {
	uint32_t n = 0;
	for (uint32_t s = 1; s < service; s++)
		n += config->services[s].partitions;
	return n;
}

static int given_address(const struct cl_load *load, uint32_t service, const char *value, char **out) {
	static const char ipc[] = "ipc://";
	char *address;
	if (strncmp(value, ipc, sizeof(ipc) - 1) == 0 && value[sizeof(ipc) - 1] != '/') {
		char *path = cl_load_absolute(value + sizeof(ipc) - 1, load->folder);
		address = cl_load_print("%s%s", ipc, path);
		free(path);
	} else {
		address = cl_load_copy(value);
	}
	char *path = cl_load_print("services.%s.addresses", cl_service_name(service));
	int r = cl_address_check(cl_str_from(address));
	if (r < 0)
		r = cl_load_bad(load, path, value, "ipc:///path (<= 107 byte) | tcp://192.0.2.1:7400");
	free(path);
	if (r < 0) {
		free(address);
		return r;
	}
	*out = address;
	return CL_OK;
}

static int made_address(const struct cl_load *load, uint32_t service, uint32_t partition, char **out) {
	struct cl_config *config = load->config;
	const char *name = cl_service_name(service);
	bool tcp = strcmp(config->transport, "tcp") == 0;
	char *address =
	        tcp ? cl_load_print("tcp://127.0.0.1:%u", config->base_port + ports_before(config, service) + partition)
	            : cl_load_print("ipc://%s/run/%s-%u.sock", config->dir, name, partition);
	int r = cl_address_check(cl_str_from(address));
	if (r < 0) {
		if (tcp)
			cl_load_bad(load, "base_port", address, "1..65535");
		else
			cl_sentence(load->error, CL_TEXT_SERVICE_CONFIG_LONG, address);
		free(address);
		return CL_E_INVALID;
	}
	*out = address;
	return CL_OK;
}

static int take_service(struct cl_load *load, uint32_t service, const struct cl_yaml_service *given) {
	struct cl_config_service *target = &load->config->services[service];
	char *path = cl_load_print("services.%s.partitions", cl_service_name(service));
	int r = cl_load_number(load, path, given ? given->partitions : NULL, 1,
	                       service == CL_REPORTING ? 1 : PARTITIONS_MAX, /* the archive has one order */
	                       &target->partitions);
	free(path);
	if (r < 0 || !given || !given->addresses_count)
		return r;
	if (given->addresses_count != target->partitions) {
		char *many = cl_load_print("%u", given->addresses_count);
		char *needs = cl_load_print("%u × ipc://… | tcp://…", target->partitions);
		path = cl_load_print("services.%s.addresses", cl_service_name(service));
		r = cl_load_bad(load, path, many, needs);
		free(path);
		free(needs);
		free(many);
	}
	return r;
}

static int take_addresses(struct cl_load *load, uint32_t service, const struct cl_yaml_service *given) {
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

static const struct cl_yaml_service *given_service(const struct cl_load *load, uint32_t service) {
	const struct cl_yaml_services *given = load->file.yaml ? load->file.yaml->services : NULL;
	if (!given)
		return NULL;
	const struct cl_yaml_service *const all[CL_SERVICE_COUNT + 1] = {
	        [CL_INTAKE] = given->intake,   [CL_ROUTING] = given->routing,     [CL_ORDER] = given->order,
	        [CL_SUPPORT] = given->support, [CL_REPORTING] = given->reporting,
	};
	return all[service];
}

int cl_load_services(struct cl_load *load) {
	int r = CL_OK;
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT && r == CL_OK; s++)
		r = take_service(load, s, given_service(load, s));
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT && r == CL_OK; s++)
		r = take_addresses(load, s, given_service(load, s));
	return r;
}

/* -- what runs here -- */

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

int cl_load_run(const struct cl_load *load) {
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
			return cl_load_bad(load, "run", value, "all | intake,routing/0,gateway");
	} while (*at);
	return CL_OK;
}
