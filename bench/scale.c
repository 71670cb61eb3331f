/* Does support stay as quick and as small with a million cases as with ten thousand? Two folders are written, the real
 * service runs on both at once, and one client asks them in turns of a few hundred requests, so that both see the same
 * disk and the same processor.
 *   scale --dir DIR [--closed 1000000] [--open 20000] [--small 10000] [--rounds 12]
 * Of the small folder's cases a fifth are open. "in work": requests go to as many open cases in both folders; "any":
 * to all cases alike, nearly all of them archived and, in the large folder, not in memory. One JSON line each. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "case_log.h"
#include "child.h"
#include "support/support.h"
#include "uv/client.h"
#include "uv/service.h"

#define BLOCK 250       /* requests to one side before it is the other's turn */
#define FILL_WINDOW 256 /* outstanding, when memory is to be filled */
#define FILL_SMALL 30000
#define FILL_LARGE 150000

enum what { NOTE_WORK, NOTE_ANY, GET_WORK, GET_ANY, WHATS };
static const char *const what_names[WHATS] = {"note on a case in work", "note on any case", "read of a case in work",
                                              "read of any case"};

struct series {
	uint64_t *v, n, cap;
};

struct memory { /* KiB, /proc/PID/status */
	uint64_t rss, anon, file;
};

struct side {
	uv_loop_t *loop;
	char *dir;
	uint64_t closed, open, in_work;
	struct cl_config config;
	struct cl_client *client;
	pid_t child;
	double written_s, start_s, restart_s, cold_s;
	struct series series[WHATS];
};

struct run {
	struct side *side;
	enum what what;
	uint64_t left, flying, failed;
	bool timed;
};

struct slot { /* one request */
	struct run *run;
	uint64_t began_ns;
};

static uint64_t rng_state = 1;
static uint64_t rng(void) {
	uint64_t x = rng_state += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* -- folders and processes -- */
static void must(int rc, const char *what) {
	if (rc != CL_OK) {
		fprintf(stderr, "scale: %s: %s\n", what, cl_error_text(rc));
		exit(1);
	}
}

static void folder_write(struct side *side) {
	struct cl_keys keys;
	char *error = NULL, *folder;
	if (cl_config_load(side->dir, NULL, &side->config, &error) != CL_OK ||
	    cl_config_prepare(&side->config, &error) != CL_OK ||
	    cl_config_keys(&side->config, &keys, &error) != CL_OK) {
		fprintf(stderr, "scale: %s\n", error);
		exit(1);
	}
	struct cl_kv *kv;
	struct cl_log_identity identity = {.log_id = cl_id_derive("bench", side->dir, (uint32_t)strlen(side->dir)),
	                                   .service = CL_SUPPORT,
	                                   .partitions = 1,
	                                   .sign_key = keys.sign};
	CL_ASSERT(asprintf(&folder, "%s/support-0", side->config.dir) > 0);
	must(cl_kv_lmdb_open(folder, 16ULL << 30, false, &kv), folder);
	uint64_t began = uv_hrtime();
	bench_write_folder(kv, &identity, side->closed, side->open);
	side->written_s = (double)(uv_hrtime() - began) / 1e9;
	kv->ops->close(kv);
	free(folder);
}

static double side_start(struct side *side) {
	uint64_t began = uv_hrtime();
	side->child = bench_serve(side->dir);
	return (double)(uv_hrtime() - began) / 1e9;
}

static void side_stop(struct side *side) {
	kill(side->child, SIGTERM);
	waitpid(side->child, NULL, 0);
	side->child = 0;
}

/* What the kernel keeps of the log in memory is dropped, as after the machine's own restart. */
static void forget_pages(const struct side *side) {
	char *path;
	CL_ASSERT(asprintf(&path, "%s/support-0/data.mdb", side->dir) > 0);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CL_ASSERT(fd >= 0 && fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	close(fd);
	free(path);
}

static struct memory side_memory(const struct side *side) {
	struct memory memory = {0, 0, 0};
	char path[64], line[256];
	snprintf(path, sizeof path, "/proc/%d/status", (int)side->child);
	FILE *file = fopen(path, "re");
	CL_ASSERT(file != NULL);
	while (fgets(line, sizeof line, file)) {
		if (!strncmp(line, "VmRSS:", 6))
			memory.rss = strtoull(line + 6, NULL, 10);
		else if (!strncmp(line, "RssAnon:", 8))
			memory.anon = strtoull(line + 8, NULL, 10);
		else if (!strncmp(line, "RssFile:", 8))
			memory.file = strtoull(line + 8, NULL, 10);
	}
	fclose(file);
	return memory;
}

/* -- requests -- */
static void request(struct slot *slot);

static void ended(struct slot *slot, bool ok) {
	struct run *run = slot->run;
	struct series *series = &run->side->series[run->what];
	run->flying--;
	if (!ok)
		run->failed++;
	else if (run->timed) {
		if (series->n == series->cap) {
			series->cap = series->cap ? 2 * series->cap : 4096;
			series->v = realloc(series->v, series->cap * sizeof *series->v);
			CL_ASSERT(series->v != NULL);
		}
		series->v[series->n++] = uv_hrtime() - slot->began_ns;
	}
	if (run->left)
		request(slot);
	else if (!run->flying)
		uv_stop(run->side->loop);
}

static void on_reply(void *context, int status, const struct wire_reply *reply) {
	ended(context, status == CL_OK && reply->status == WIRE_ACCEPTED);
}

static void on_state(void *context, int status, const struct wire_state *state) {
	ended(context, status == CL_OK && state->status == WIRE_ACCEPTED);
}

static void request(struct slot *slot) {
	struct run *run = slot->run;
	struct side *side = run->side;
	bool in_work = run->what == NOTE_WORK || run->what == GET_WORK;
	struct cl_id id = bench_case_id(in_work ? side->closed + 1 + rng() % side->in_work
	                                        : 1 + rng() % (side->closed + side->open));
	run->left--;
	run->flying++;
	slot->began_ns = uv_hrtime();
	if (run->what == NOTE_WORK || run->what == NOTE_ANY) {
		struct case_note note = {.text = CL_STR("Khách gọi lại, hẹn sáng mai có người ở nhà.")};
		struct cl_command_options options = {.who = CL_STR("agent-17")};
		must(cl_client_command(side->client, CL_KIND_CASE, id, 0, CL_T_case_note, &note, &options, on_reply,
		                       slot),
		     "command");
	} else {
		struct wire_get get = {.kind = CL_KIND_CASE, .target = id};
		must(cl_client_get(side->client, &get, 0, 10000, on_state, slot), "get");
	}
}

static void requests(struct side *side, enum what what, uint64_t n, uint32_t window, bool timed) {
	static struct slot slots[FILL_WINDOW];
	struct run run = {.side = side, .what = what, .left = n, .timed = timed};
	for (uint32_t i = 0; i < window && run.left; i++) {
		slots[i] = (struct slot){.run = &run};
		request(&slots[i]);
	}
	uv_run(side->loop, UV_RUN_DEFAULT);
	if (run.failed) {
		fprintf(stderr, "scale: %llu of %llu requests failed (%s, %s)\n", (unsigned long long)run.failed,
		        (unsigned long long)n, what_names[what], side->dir);
		exit(1);
	}
}

static void in_turns(struct side *small, struct side *large, enum what what, uint32_t rounds) {
	for (uint32_t i = 0; i < rounds + 1; i++) { /* the first is for getting warm */
		requests(small, what, BLOCK, 1, i > 0);
		requests(large, what, BLOCK, 1, i > 0);
	}
}

/* -- results -- */
static int by_value(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static double at_us(struct series *series, double share) {
	qsort(series->v, series->n, sizeof *series->v, by_value);
	uint64_t i = (uint64_t)((double)series->n * share);
	return (double)series->v[i < series->n ? i : series->n - 1] / 1e3;
}

static void report_times(struct side *small, struct side *large, enum what what) {
	struct series *a = &small->series[what], *b = &large->series[what];
	double a50 = at_us(a, 0.5), a99 = at_us(a, 0.99), b50 = at_us(b, 0.5), b99 = at_us(b, 0.99);
	printf("{\"bench\":\"scale\",\"what\":\"%s\",\"requests\":%llu,\"small_p50_us\":%.0f,\"large_p50_us\":%.0f,"
	       "\"ratio_p50\":%.3f,\"small_p99_us\":%.0f,\"large_p99_us\":%.0f,\"ratio_p99\":%.3f}\n",
	       what_names[what], (unsigned long long)a->n, a50, b50, b50 / a50, a99, b99, b99 / a99);
	fflush(stdout);
}

static void report_memory(const char *when, struct memory small, struct memory large) {
	printf("{\"bench\":\"scale\",\"what\":\"memory\",\"when\":\"%s\",\"small_anon_kib\":%llu,\"large_anon_kib\":%"
	       "llu,"
	       "\"ratio_anon\":%.3f,\"small_rss_kib\":%llu,\"large_rss_kib\":%llu,\"small_file_kib\":%llu,"
	       "\"large_file_kib\":%llu}\n",
	       when, (unsigned long long)small.anon, (unsigned long long)large.anon,
	       (double)large.anon / (double)small.anon, (unsigned long long)small.rss, (unsigned long long)large.rss,
	       (unsigned long long)small.file, (unsigned long long)large.file);
	fflush(stdout);
}

static void report_side(const char *name, const struct side *side) {
	printf("{\"bench\":\"scale\",\"what\":\"folder\",\"name\":\"%s\",\"closed\":%llu,\"open\":%llu,\"events\":%llu,"
	       "\"written_s\":%.2f,\"start_s\":%.3f,\"restart_s\":%.3f,\"restart_cold_s\":%.3f}\n",
	       name, (unsigned long long)side->closed, (unsigned long long)side->open,
	       (unsigned long long)side->closed * 5 + (unsigned long long)side->open * 3, side->written_s,
	       side->start_s, side->restart_s, side->cold_s);
	fflush(stdout);
}

static void restarts(struct side *side) {
	side_stop(side);
	side->restart_s = side_start(side);
	side_stop(side);
	forget_pages(side);
	side->cold_s = side_start(side);
	side_stop(side);
}

static void side_init(struct side *side, uv_loop_t *loop, const char *dir, const char *name, uint64_t closed,
                      uint64_t open) {
	side->loop = loop;
	side->closed = closed;
	side->open = open;
	CL_ASSERT(asprintf(&side->dir, "%s/%s", dir, name) > 0);
	if (mkdir(side->dir, 0700) != 0) {
		perror(side->dir);
		exit(1);
	}
	folder_write(side);
	side->start_s = side_start(side);
	CL_ASSERT(cl_client_open(loop, &side->config, "client", &side->client) == CL_OK);
}

static void measure(struct side *small, struct side *large, uint32_t rounds) {
	report_memory("after start", side_memory(small), side_memory(large));
	in_turns(small, large, NOTE_WORK, rounds);
	in_turns(small, large, GET_WORK, rounds);
	report_memory("after requests to as many cases in work", side_memory(small), side_memory(large));
	report_times(small, large, NOTE_WORK);
	report_times(small, large, GET_WORK);
	in_turns(small, large, NOTE_ANY, rounds);
	in_turns(small, large, GET_ANY, rounds);
	report_memory("after requests to any case", side_memory(small), side_memory(large));
	report_times(small, large, NOTE_ANY);
	report_times(small, large, GET_ANY);
	/* More different cases than the budget of memory holds. */
	requests(small, NOTE_ANY, FILL_SMALL, FILL_WINDOW, false);
	requests(large, NOTE_ANY, FILL_LARGE, FILL_WINDOW, false);
	report_memory("when more cases were asked for than memory holds", side_memory(small), side_memory(large));
}

static int usage(void) {
	fprintf(stderr, "usage: scale --dir DIR [--closed 1000000] [--open 20000] [--small 10000] [--rounds 12]\n");
	return 2;
}

int main(int argc, char **argv) {
	static struct side small, large;
	static uv_loop_t loop;
	const char *dir = NULL;
	uint64_t closed = 1000000, open = 20000, few = 10000, rounds = 12;
	if (argc > 1 && !strcmp(argv[1], "--serve")) {
		argv[1] = argv[0];
		return cl_service_main(&support_domain, argc - 1, argv + 1);
	}
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--dir"))
			dir = argv[i + 1];
		else if (!strcmp(argv[i], "--closed"))
			closed = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--open"))
			open = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--small"))
			few = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--rounds"))
			rounds = strtoull(argv[i + 1], NULL, 10);
		else
			return usage();
	}
	if (!dir || few < 10 || open < few / 5 || rounds < 1 || rounds > 1000)
		return usage();
	CL_ASSERT(cl_crypto_init() == CL_OK && uv_loop_init(&loop) == 0);
	side_init(&small, &loop, dir, "small", few - few / 5, few / 5);
	side_init(&large, &loop, dir, "large", closed, open);
	small.in_work = large.in_work = few / 5;
	measure(&small, &large, (uint32_t)rounds);
	restarts(&small);
	restarts(&large);
	report_side("small", &small);
	report_side("large", &large);
	_exit(0);
}
