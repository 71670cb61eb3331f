/* The one configuration file (YAML, documented in deploy/careloop.yaml), read with libcyaml and checked whole at start:
 * an unknown key or a bad value is an error that names it. Without a file the defaults hold. */
#ifndef CL_UV_CONFIG_H
#define CL_UV_CONFIG_H

#include "base/buf.h"
#include "base/error.h"
#include "schema.h"

struct cl_config_service {
	uint32_t partitions; /* 1..1024 */
	char **addresses;    /* one per partition: "ipc://…" or "tcp://host:port"; NULL = made from transport */
	uint32_t address_n;
};

struct cl_config {
	char *dir;          /* data folder, absolute */
	char *language;     /* "vi" or "en" */
	char *transport;    /* "ipc" or "tcp" (loopback) for addresses not given */
	uint32_t base_port; /* tcp: first port; services and partitions count up from it */
	char *reply_host; /* tcp: host that clients of this machine (gateway, command) bind and give as reply address */
	char *cluster_key_file; /* 32 bytes hex; needed for any address that is not loopback */
	struct cl_config_service services[CL_SERVICE_COUNT + 1]; /* index: cl_service_id */
	char *run;            /* services run on this machine, "all" or "intake,routing/0,gateway" */
	char *gateway_listen; /* "127.0.0.1:8080" */
	char *log_level;      /* debug info warn error */
	char *anchors;        /* folder outside the data folder that also gets every signed checkpoint; NULL = none */
	uint32_t command_window_days, memory_mib, reserve_mib, checkpoint_records, checkpoint_seconds, map_gib;
};

/* file NULL: DIR/careloop.yaml if it is there, else defaults. Errors are sentences in *ret_error (caller frees). */
CL_MUST_CHECK int cl_config_load(const char *dir, const char *file, struct cl_config *ret_config, char **ret_error);
void cl_config_done(struct cl_config *config);
/* Address of an inbox, in the config's memory. */
struct cl_str cl_config_address(const struct cl_config *config, uint32_t service, uint32_t partition);
/* Creates the folder tree (mode 0700), keys and the fixed facts (partition counts) of a new data folder; checks them on
 * an old one: MISMATCH with a sentence. DIR/{run,logs,keys,intake-0,…}. */
CL_MUST_CHECK int cl_config_prepare(struct cl_config *config, char **ret_error);

struct cl_keys {
	struct cl_sign_key sign;
	uint8_t identity[32];
	bool has_cluster;
	uint8_t cluster[32];
};
CL_MUST_CHECK int cl_config_keys(const struct cl_config *config, struct cl_keys *ret_keys, char **ret_error);
/* "ipc:///absolute/path" or "tcp://host:port". INVALID; RANGE (port); TOOBIG: longer than a socket's path may be (107
 * bytes). */
CL_MUST_CHECK int cl_address_check(struct cl_str address);
/* Whether the configuration runs this partition on this machine (key run); partition ignored for the gateway. */
bool cl_config_runs(const struct cl_config *config, uint32_t service, uint32_t partition);
/* The cluster key alone, for clients. */
CL_MUST_CHECK int cl_config_cluster_key(const struct cl_config *config, struct cl_keys *ret_keys, char **ret_error);
bool cl_address_loopback(struct cl_str address); /* ipc, or tcp to 127/8 or [::1] or localhost */

#endif
