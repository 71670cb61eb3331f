#include "uv/process.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/assert.h"
#include "uv/file.h"
#include "uv/sentence.h"

#define EXIT_ERROR 1
#define EXIT_USAGE 2
#define EXIT_CORRUPT 3
#define EXIT_BUSY 4
#define DRAIN_MS 10000
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
	struct cl_process *process = context;
	(void)sender;
	if (!process->stopping && process->opened)
		process->parts->message(process, type, body);
}

static void on_idle(void *context) {
	struct cl_process *process = context;
	if (process->opened)
		process->parts->idle(process);
}

static void on_wake(void *context) {
	struct cl_process *process = context;
	process->parts->wake(process);
}

struct cl_str cl_process_address(void *context, uint32_t service, uint32_t partition) {
	return cl_config_address(&((struct cl_process *)context)->config, service, partition);
}

uint32_t cl_process_partitions(void *context, uint32_t service) {
	return ((struct cl_process *)context)->config.services[service].partitions;
}

/* -- stopping -- */

static void on_drained(void *context) {
	struct cl_process *process = context;
	uv_stop(&process->loop);
}

static void on_deadline(uv_timer_t *timer) {
	struct cl_process *process = timer->data;
	cl_logger_write(&process->logger, CL_ERROR, "drain_timed_out", "after_ms=%d", DRAIN_MS);
	_exit(EXIT_ERROR); /* what is durable is safe, the rest was not acknowledged */
}

static void on_signal(uv_signal_t *handle, int number) {
	struct cl_process *process = handle->data;
	if (process->stopping)
		return;
	process->stopping = true;
	cl_logger_write(&process->logger, CL_INFO, "stopping", "signal=%d", number);
	int r = uv_timer_start(&process->deadline, on_deadline, DRAIN_MS, 0);
	CL_ASSERT(r == 0);
	process->parts->drain(process, on_drained);
}

/* -- opening, step by step; each prints why it failed and gives the exit code -- */

static int open_config(struct cl_process *process, const char *dir, const char *file, const char *index) {
	char *error = NULL;
	if (cl_config_load(dir, file, &process->config, &error) < 0)
		return complain(error, EXIT_USAGE);
	uint32_t partitions = process->config.services[process->service].partitions;
	uint64_t n = 0;
	if (index && (cl_str_u64(cl_str_from(index), &n) < 0 || n >= partitions)) {
		cl_sentence(&error, CL_TEXT_SERVICE_NO_PARTITION, process->name, partitions, index);
		return complain(error, EXIT_USAGE);
	}
	process->index = (uint32_t)n;
	cl_logger_init(&process->logger, process->name, process->index, process->config.log_level);
	int r = cl_config_prepare(&process->config, &error);
	if (r == CL_OK)
		r = cl_config_keys(&process->config, &process->keys, &error);
	if (r == CL_OK)
		return 0;
	/* A key that is missing, open to others or no key is as wrong as any other setting: starting again would not
	 * help. */
	int exit_code = exit_code_of(r);
	return complain(error, exit_code == EXIT_CORRUPT || r == CL_E_NOTFOUND ? EXIT_USAGE : exit_code);
}

char *cl_process_folder(const struct cl_process *process) {
	char *folder = NULL;
	int n = asprintf(&folder, "%s/%s-%u", process->config.dir, process->name, process->index);
	CL_ASSERT(n > 0);
	return folder;
}

/* What to do about it. The archive is the copy that the others are repaired from; nobody holds one of it. */
static void say_corrupt(const struct cl_process *process, const char *folder, int code, uint64_t bad_seq,
                        char **ret_error) {
	const char *name = process->name, *why = cl_error_text(code);
	bool archive = process->service == CL_REPORTING;
	if (bad_seq == 0 && archive)
		cl_sentence(ret_error, CL_TEXT_SERVICE_CORRUPT_ARCHIVE_FILE, name, process->index, why, folder);
	else if (bad_seq == 0)
		cl_sentence(ret_error, CL_TEXT_SERVICE_CORRUPT_FILE, name, process->index, why, folder, name,
		            process->index);
	else if (archive)
		cl_sentence(ret_error, CL_TEXT_SERVICE_CORRUPT_ARCHIVE, name, process->index,
		            (unsigned long long)bad_seq, why, process->config.dir, folder);
	else
		cl_sentence(ret_error, CL_TEXT_SERVICE_CORRUPT, name, process->index, (unsigned long long)bad_seq, why,
		            process->config.dir, folder, name, process->index);
}

int cl_process_log_refused(struct cl_process *process, int code, uint64_t bad_seq) {
	char *error = NULL, *folder = cl_process_folder(process);
	int exit_code = exit_code_of(code);
	if (exit_code == EXIT_CORRUPT)
		say_corrupt(process, folder, code, bad_seq, &error);
	else if (code == CL_E_MISMATCH)
		cl_sentence(&error, CL_TEXT_SERVICE_LOG_OTHER, folder);
	else
		cl_sentence(&error, CL_TEXT_SERVICE_STORE, folder, cl_error_text(code));
	cl_logger_write(&process->logger, CL_ERROR, "log_refused", "error=%s seq=%llu", cl_error_name(code),
	                (unsigned long long)bad_seq);
	free(folder);
	return complain(error, exit_code);
}

static int open_store(struct cl_process *process) {
	char *error = NULL, *folder = cl_process_folder(process);
	int r = cl_folder_make(folder, 0077);
	if (r == CL_OK)
		r = cl_kv_lmdb_open(folder, (uint64_t)process->config.map_gib << 30, false, &process->kv);
	if (r == CL_E_BUSY)
		cl_sentence(&error, CL_TEXT_SERVICE_BUSY, process->name, process->index);
	else if (r < 0 && r != CL_E_CORRUPT)
		cl_sentence(&error, CL_TEXT_SERVICE_STORE, folder, cl_error_text(r));
	free(folder);
	if (r == CL_E_CORRUPT)
		return cl_process_log_refused(process, r, 0);
	return r < 0 ? complain(error, r == CL_E_BUSY ? EXIT_BUSY : EXIT_ERROR) : 0;
}

static char *pid_name(const struct cl_process *process) {
	char *name = NULL;
	int n = asprintf(&name, "%s/run/%s-%u.pid", process->config.dir, process->name, process->index);
	CL_ASSERT(n > 0);
	return name;
}

static int write_pid(struct cl_process *process) {
	char *error = NULL, *name = pid_name(process);
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	int r = cl_file_replace(name, text, (size_t)n);
	if (r < 0)
		cl_sentence(&error, CL_TEXT_SERVICE_FILE, name, cl_error_text(r));
	process->pid_written = r == CL_OK;
	free(name);
	return r < 0 ? complain(error, EXIT_ERROR) : 0;
}

static int open_net(struct cl_process *process) {
	struct cl_str address = cl_config_address(&process->config, process->service, process->index);
	char name[64], text[256], *error = NULL;
	int n = snprintf(name, sizeof(name), "%s/%u", process->name, process->index);
	CL_ASSERT(n > 0 && (size_t)n < sizeof(name));
	n = snprintf(text, sizeof(text), CL_STR_FMT, CL_STR_ARG(address));
	CL_ASSERT(n > 0 && (size_t)n < sizeof(text));
	int r = cl_env_uv_open(&process->loop, &process->logger, on_wake, process, &process->env);
	if (r == CL_OK)
		r = cl_net_open(&process->loop, name, address, &process->keys, on_message, on_idle, process,
		                &process->net);
	if (r == CL_OK) {
		cl_env_uv_set_net(process->env, process->net);
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

struct cl_log_identity cl_process_identity(struct cl_process *process) {
	struct cl_log_identity identity = {
	        .service = process->service,
	        .partition = process->index,
	        .partitions = process->config.services[process->service].partitions,
	        .sign_key = process->keys.sign,
	};
	struct cl_env *env = cl_env_uv_env(process->env);
	uint8_t random[10];
	env->ops->random(env, random, sizeof(random));
	identity.log_id = cl_id_v7(env->ops->now_ms(env), random);
	return identity;
}

static void open_signals(struct cl_process *process) {
	int r = uv_signal_init(&process->loop, &process->terminate);
	r |= uv_signal_init(&process->loop, &process->interrupt);
	r |= uv_timer_init(&process->loop, &process->deadline);
	CL_ASSERT(r == 0);
	process->signals_open = true;
	process->terminate.data = process->interrupt.data = process->deadline.data = process;
	r = uv_signal_start(&process->terminate, on_signal, SIGTERM);
	r |= uv_signal_start(&process->interrupt, on_signal, SIGINT);
	CL_ASSERT(r == 0);
}

/* Opens everything; what was opened before a failure is left to close_all. */
static int open_all(struct cl_process *process, const char *dir, const char *file, const char *index) {
	int exit_code = open_config(process, dir, file, index);
	if (exit_code)
		return exit_code;
	if (uv_loop_init(&process->loop) < 0)
		return EXIT_ERROR;
	process->loop_open = true;
	exit_code = open_store(process);
	if (!exit_code)
		exit_code = write_pid(process);
	if (!exit_code)
		exit_code = open_net(process);
	if (!exit_code)
		exit_code = process->parts->open(process);
	process->opened = !exit_code;
	if (!exit_code)
		open_signals(process);
	return exit_code;
}

/* -- closing -- */

static void close_loop(struct cl_process *process) {
	if (process->net)
		cl_net_close(process->net, NULL, NULL);
	if (process->env) {
		cl_env_uv_set_net(process->env, NULL);
		cl_env_uv_close(process->env, NULL, NULL);
	}
	if (process->signals_open) {
		uv_close((uv_handle_t *)&process->terminate, NULL);
		uv_close((uv_handle_t *)&process->interrupt, NULL);
		uv_close((uv_handle_t *)&process->deadline, NULL);
	}
	uv_run(&process->loop, UV_RUN_DEFAULT);
	int r = uv_loop_close(&process->loop);
	CL_ASSERT(r == 0);
}

static void close_all(struct cl_process *process) {
	if (process->loop_open)
		close_loop(process);
	process->parts->close(process);
	if (process->kv)
		process->kv->ops->close(process->kv);
	if (process->pid_written) {
		char *name = pid_name(process);
		unlink(name);
		free(name);
	}
	cl_config_done(&process->config);
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

static int serve(struct cl_process *process, const char *dir, const char *file, const char *index) {
	process->started_ms = (int64_t)(uv_hrtime() / 1000000);
	int exit_code = open_all(process, dir, file, index);
	if (!exit_code) {
		cl_logger_write(&process->logger, CL_INFO, "started", "pid=%ld head=%llu", (long)getpid(),
		                (unsigned long long)process->parts->head(process));
		cl_process_ready();
		uv_run(&process->loop, UV_RUN_DEFAULT);
		cl_logger_write(&process->logger, CL_INFO, "stopped", "head=%llu",
		                (unsigned long long)process->parts->head(process));
	}
	close_all(process);
	return exit_code;
}

int cl_process_main(struct cl_process *process, int argc, char **argv) {
	process->name = cl_service_name(process->service);
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
			return printf("careloop %s %s\n", process->name, CL_VERSION) < 0;
		else
			return usage(argv[0], stderr, EXIT_USAGE);
	}
	if (optind < argc)
		return usage(argv[0], stderr, EXIT_USAGE);
	if (cl_crypto_init() < 0)
		return EXIT_ERROR;
	(void)signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	return serve(process, dir, file, index);
}
