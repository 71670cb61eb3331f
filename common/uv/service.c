#include "uv/service.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "uv/file.h"
#include "uv/sentence.h"
#include "uv/service_parts.h"

#define EXIT_ERROR 1
#define EXIT_USAGE 2
#define EXIT_CORRUPT 3
#define EXIT_BUSY 4
#define DRAIN_MS 10000
#define DAY_MS 86400000
#define DESCRIPTORS 4096 /* enough for all of nanomsg's sockets */

/* -- words -- */

static int complain(char *sentence, int exit_code) {
	if (sentence)
		fprintf(stderr, "%s\n", sentence);
	free(sentence);
	return exit_code;
}

static int exit_code_of(int code) {
	switch (code) {
	case CL_E_BUSY:
		return EXIT_BUSY;
	case CL_E_CORRUPT:
	case CL_E_CHAIN:
	case CL_E_SIGNATURE:
	case CL_E_MALFORMED:
		return EXIT_CORRUPT;
	case CL_E_MISMATCH:
	case CL_E_INVALID:
	case CL_E_DENIED:
		return EXIT_USAGE;
	default:
		return EXIT_ERROR;
	}
}

/* -- callbacks of the parts -- */

static void on_message(void *context, struct cl_str sender, uint16_t type, const void *body) {
	struct cl_service *service = context;
	(void)sender;
	if (service->stopping)
		return;
	if (type == CL_T_wire_query)
		cl_service_query(service, body);
	else
		cl_partition_message(service->partition, type, body);
}

static void on_idle(void *context) {
	struct cl_service *service = context;
	cl_partition_turn(service->partition);
}

static void on_wake(void *context) {
	struct cl_service *service = context;
	if (service->partition)
		cl_partition_wake(service->partition);
}

static struct cl_str address_of(void *context, uint32_t service, uint32_t partition) {
	return cl_config_address(&((struct cl_service *)context)->config, service, partition);
}

static uint32_t partitions_of(void *context, uint32_t service) {
	return ((struct cl_service *)context)->config.services[service].partitions;
}

static void on_checkpoint(void *context, const struct log_checkpoint *checkpoint) {
	cl_service_anchor(context, checkpoint);
}

/* -- stopping -- */

static void on_drained(void *context) {
	struct cl_service *service = context;
	uv_stop(&service->loop);
}

static void on_deadline(uv_timer_t *timer) {
	struct cl_service *service = timer->data;
	cl_logger_write(&service->logger, CL_ERROR, "drain_timed_out", "after_ms=%d", DRAIN_MS);
	_exit(EXIT_ERROR); /* what is durable is safe, the rest was not acknowledged */
}

static void on_signal(uv_signal_t *handle, int number) {
	struct cl_service *service = handle->data;
	if (service->stopping)
		return;
	service->stopping = true;
	cl_logger_write(&service->logger, CL_INFO, "stopping", "signal=%d", number);
	int r = uv_timer_start(&service->deadline, on_deadline, DRAIN_MS, 0);
	CL_ASSERT(r == 0);
	cl_partition_drain(service->partition, on_drained, service);
}

/* -- opening, step by step; each prints why it failed and gives the exit code -- */

static int open_config(struct cl_service *service, const char *dir, const char *file, const char *index) {
	char *error = NULL;
	if (cl_config_load(dir, file, &service->config, &error) < 0)
		return complain(error, EXIT_USAGE);
	uint32_t partitions = service->config.services[service->domain->service].partitions;
	uint64_t n = 0;
	if (index && (cl_str_u64(cl_str_from(index), &n) < 0 || n >= partitions)) {
		cl_sentence(&error, CL_TEXT_SERVICE_NO_PARTITION, service->name, partitions, index);
		return complain(error, EXIT_USAGE);
	}
	service->index = (uint32_t)n;
	cl_logger_init(&service->logger, service->name, service->index, service->config.log_level);
	int r = cl_config_prepare(&service->config, &error);
	if (r == CL_OK)
		r = cl_config_keys(&service->config, &service->keys, &error);
	if (r == CL_OK)
		return 0;
	int exit_code = exit_code_of(r);
	return complain(error, exit_code == EXIT_CORRUPT ? EXIT_USAGE : exit_code);
}

static char *store_folder(const struct cl_service *service) {
	char *folder = NULL;
	int n = asprintf(&folder, "%s/%s-%u", service->config.dir, service->name, service->index);
	CL_ASSERT(n > 0);
	return folder;
}

static int open_store(struct cl_service *service) {
	char *error = NULL, *folder = store_folder(service);
	int r = cl_folder_make(folder, 0077);
	if (r == CL_OK)
		r = cl_kv_lmdb_open(folder, (uint64_t)service->config.map_gib << 30, false, &service->kv);
	if (r == CL_E_BUSY)
		cl_sentence(&error, CL_TEXT_SERVICE_BUSY, service->name, service->index);
	else if (r < 0)
		cl_sentence(&error, CL_TEXT_SERVICE_STORE, folder, cl_error_text(r));
	free(folder);
	return r < 0 ? complain(error, r == CL_E_BUSY ? EXIT_BUSY : EXIT_ERROR) : 0;
}

static char *pid_name(const struct cl_service *service) {
	char *name = NULL;
	int n = asprintf(&name, "%s/run/%s-%u.pid", service->config.dir, service->name, service->index);
	CL_ASSERT(n > 0);
	return name;
}

static int write_pid(struct cl_service *service) {
	char *error = NULL, *name = pid_name(service);
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	int r = cl_file_replace(name, text, (size_t)n);
	if (r < 0)
		cl_sentence(&error, CL_TEXT_SERVICE_FILE, name, cl_error_text(r));
	service->pid_written = r == CL_OK;
	free(name);
	return r < 0 ? complain(error, EXIT_ERROR) : 0;
}

static int open_net(struct cl_service *service) {
	struct cl_str address = cl_config_address(&service->config, service->domain->service, service->index);
	char name[64], text[256], *error = NULL;
	int n = snprintf(name, sizeof(name), "%s/%u", service->name, service->index);
	CL_ASSERT(n > 0 && (size_t)n < sizeof(name));
	n = snprintf(text, sizeof(text), CL_STR_FMT, CL_STR_ARG(address));
	CL_ASSERT(n > 0 && (size_t)n < sizeof(text));
	int r = cl_env_uv_open(&service->loop, &service->logger, on_wake, service, &service->env);
	if (r == CL_OK)
		r = cl_net_open(&service->loop, name, address, &service->keys, on_message, on_idle, service,
		                &service->net);
	if (r == CL_OK) {
		cl_env_uv_set_net(service->env, service->net);
		return 0;
	}
	if (r == CL_E_BUSY)
		cl_sentence(&error, CL_TEXT_SERVICE_BUSY_ADDRESS, text);
	else if (r == CL_E_DENIED)
		cl_sentence(&error, CL_TEXT_SERVICE_CONFIG_CLUSTER, text);
	else
		cl_sentence(&error, CL_TEXT_SERVICE_ADDRESS, text, cl_error_text(r));
	return complain(error, exit_code_of(r));
}

static struct cl_partition_options partition_options(struct cl_service *service) {
	const struct cl_config *config = &service->config;
	struct cl_partition_options options = {
	        .identity = {.service = service->domain->service,
	                     .partition = service->index,
	                     .partitions = config->services[service->domain->service].partitions,
	                     .sign_key = service->keys.sign},
	        .command_window_ms = (int64_t)config->command_window_days * DAY_MS,
	        .memory_bytes = (uint64_t)config->memory_mib << 20,
	        .reserve_bytes = (uint64_t)config->reserve_mib << 20,
	        .checkpoint_records = config->checkpoint_records,
	        .checkpoint_ms = (int64_t)config->checkpoint_seconds * 1000,
	        .address = address_of,
	        .partitions = partitions_of,
	        .on_checkpoint = on_checkpoint,
	        .context = service,
	};
	struct cl_env *env = cl_env_uv_env(service->env);
	uint8_t random[10];
	env->ops->random(env, random, sizeof(random));
	options.identity.log_id = cl_id_v7(env->ops->now_ms(env), random);
	memcpy(options.identity_key, service->keys.identity, sizeof(options.identity_key));
	return options;
}

static int open_partition(struct cl_service *service) {
	struct cl_partition_options options = partition_options(service);
	uint64_t bad_seq = 0;
	int r = cl_partition_open(service->domain, &options, cl_env_uv_env(service->env), service->kv, &bad_seq,
	                          &service->partition);
	if (r == CL_OK)
		return 0;
	char *error = NULL, *folder = store_folder(service);
	int exit_code = exit_code_of(r);
	if (exit_code == EXIT_CORRUPT)
		cl_sentence(&error, CL_TEXT_SERVICE_CORRUPT, service->name, service->index, (unsigned long long)bad_seq,
		            cl_error_text(r), service->config.dir, folder, service->name, service->index);
	else if (r == CL_E_MISMATCH)
		cl_sentence(&error, CL_TEXT_SERVICE_LOG_OTHER, folder);
	else
		cl_sentence(&error, CL_TEXT_SERVICE_STORE, folder, cl_error_text(r));
	cl_logger_write(&service->logger, CL_ERROR, "log_refused", "error=%s seq=%llu", cl_error_name(r),
	                (unsigned long long)bad_seq);
	free(folder);
	return complain(error, exit_code);
}

static void open_signals(struct cl_service *service) {
	int r = uv_signal_init(&service->loop, &service->terminate);
	r |= uv_signal_init(&service->loop, &service->interrupt);
	r |= uv_timer_init(&service->loop, &service->deadline);
	CL_ASSERT(r == 0);
	service->signals_open = true;
	service->terminate.data = service->interrupt.data = service->deadline.data = service;
	r = uv_signal_start(&service->terminate, on_signal, SIGTERM);
	r |= uv_signal_start(&service->interrupt, on_signal, SIGINT);
	CL_ASSERT(r == 0);
}

/* Opens everything; what was opened before a failure is left to close_all. */
static int open_all(struct cl_service *service, const char *dir, const char *file, const char *index) {
	int exit_code = open_config(service, dir, file, index);
	if (exit_code)
		return exit_code;
	if (uv_loop_init(&service->loop) < 0)
		return EXIT_ERROR;
	service->loop_open = true;
	exit_code = open_store(service);
	if (!exit_code)
		exit_code = write_pid(service);
	if (!exit_code)
		exit_code = open_net(service);
	if (!exit_code)
		exit_code = open_partition(service);
	if (!exit_code)
		open_signals(service);
	return exit_code;
}

/* -- closing -- */

static void close_loop(struct cl_service *service) {
	if (service->net)
		cl_net_close(service->net, NULL, NULL);
	if (service->env) {
		cl_env_uv_set_net(service->env, NULL);
		cl_env_uv_close(service->env, NULL, NULL);
	}
	if (service->signals_open) {
		uv_close((uv_handle_t *)&service->terminate, NULL);
		uv_close((uv_handle_t *)&service->interrupt, NULL);
		uv_close((uv_handle_t *)&service->deadline, NULL);
	}
	uv_run(&service->loop, UV_RUN_DEFAULT);
	int r = uv_loop_close(&service->loop);
	CL_ASSERT(r == 0);
}

static void close_all(struct cl_service *service) {
	if (service->loop_open)
		close_loop(service);
	if (service->partition)
		cl_partition_close(service->partition);
	if (service->kv)
		service->kv->ops->close(service->kv);
	if (service->pid_written) {
		char *name = pid_name(service);
		unlink(name);
		free(name);
	}
	cl_config_done(&service->config);
}

/* -- main -- */

static void raise_descriptors(void) {
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	(void)!setrlimit(RLIMIT_NOFILE, &limit); /* fewer peers at once then */
}

static int usage(const char *program, FILE *out, int exit_code) {
	char *text = NULL;
	cl_sentence(&text, CL_TEXT_SERVICE_USAGE, program);
	fprintf(out, "%s\n", text);
	free(text);
	return exit_code;
}

static int serve(struct cl_service *service, const char *dir, const char *file, const char *index) {
	service->started_ms = (int64_t)(uv_hrtime() / 1000000);
	int exit_code = open_all(service, dir, file, index);
	if (!exit_code) {
		cl_logger_write(&service->logger, CL_INFO, "started", "pid=%ld head=%llu", (long)getpid(),
		                (unsigned long long)cl_partition_log(service->partition)->head.seq);
		cl_service_ready();
		uv_run(&service->loop, UV_RUN_DEFAULT);
		cl_logger_write(&service->logger, CL_INFO, "stopped", "head=%llu",
		                (unsigned long long)cl_partition_log(service->partition)->head.seq);
	}
	close_all(service);
	return exit_code;
}

int cl_service_main(const struct cl_domain *domain, int argc, char **argv) {
	static const struct option options[] = {
	        {"dir", required_argument, NULL, 'd'},       {"config", required_argument, NULL, 'c'},
	        {"partition", required_argument, NULL, 'p'}, {"help", no_argument, NULL, 'h'},
	        {"version", no_argument, NULL, 'v'},         {NULL, 0, NULL, 0},
	};
	const char *dir = NULL, *file = NULL, *index = NULL;
	int option;
	while ((option = getopt_long(argc, argv, "d:c:p:hv", options, NULL)) != -1) {
		if (option == 'd')
			dir = optarg;
		else if (option == 'c')
			file = optarg;
		else if (option == 'p')
			index = optarg;
		else if (option == 'h')
			return usage(argv[0], stdout, 0);
		else if (option == 'v')
			return printf("careloop %s %s\n", cl_service_name(domain->service), CL_VERSION) < 0;
		else
			return usage(argv[0], stderr, EXIT_USAGE);
	}
	if (optind < argc)
		return usage(argv[0], stderr, EXIT_USAGE);
	if (cl_crypto_init() < 0)
		return EXIT_ERROR;
	(void)signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	struct cl_service service = {.domain = domain, .name = cl_service_name(domain->service)};
	return serve(&service, dir, file, index);
}
