/* The configuration file as it is written: every scalar still text, NULL where a key is absent. */
#ifndef CL_UV_CONFIG_YAML_H
#define CL_UV_CONFIG_YAML_H

#include "base/error.h"
#include "schema.h"

struct cl_yaml_service {
	char *partitions;
	char **addresses;
	uint32_t addresses_count;
};

/* S(key): one line of text each */
/* clang-format off */
#define CL_YAML_SCALARS(S) \
	S(dir) \
	S(language) \
	S(transport) \
	S(base_port) \
	S(reply_host) \
	S(cluster_key_file) \
	S(run) \
	S(gateway_listen) \
	S(log_level) \
	S(anchors) \
	S(command_window_days) \
	S(memory_mib) \
	S(reserve_mib) \
	S(checkpoint_records) \
	S(checkpoint_seconds) \
	S(map_gib)
/* clang-format on */

struct cl_yaml_services {
	struct cl_yaml_service *intake, *routing, *order, *support, *reporting;
};

struct cl_yaml {
#define CL_YAML_MEMBER(key) char *key;
	CL_YAML_SCALARS(CL_YAML_MEMBER)
#undef CL_YAML_MEMBER
	struct cl_yaml_services *services;
};

/* A file read, with its text for line numbers. */
struct cl_yaml_file {
	const char *name;
	char *text;
	struct cl_yaml *yaml; /* NULL: nothing but comments */
};

/* NOTFOUND (no sentence), IO, INVALID with a sentence that names key and line. */
CL_MUST_CHECK int cl_yaml_load(const char *name, struct cl_yaml_file *ret_file, char **ret_error);
void cl_yaml_done(struct cl_yaml_file *file);
/* Line of a key such as "services.intake.partitions"; 0 if it is not there. */
unsigned cl_yaml_line(const struct cl_yaml_file *file, const char *path);

/* DIR/cluster.json, which is YAML too (YAML 1.2, 1.3: JSON is a subset): what was fixed when the folder was made. */
struct cl_yaml_facts {
	uint32_t format;
	struct cl_yaml_counts {
		uint32_t intake, routing, order, support, reporting;
	} partitions;
};
CL_MUST_CHECK int cl_yaml_facts(const char *name, struct cl_yaml_facts *ret_facts);

#endif
