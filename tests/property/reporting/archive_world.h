/* A small world around the real archive: source logs in memory, each served by the real publisher, and a network whose
 * messages arrive when the test says, get lost when it says, and are lost with the process they were for. Virtual time.
 */
#ifndef TEST_ARCHIVE_WORLD_H
#define TEST_ARCHIVE_WORLD_H

#include "base/arena.h"
#include "reporting/archive.h"
#include "reporting/reporting.h"

#define WORLD_SOURCES 8 /* two partitions of each of four services */

struct world;
struct world_node {
	struct cl_env env;
	struct world *world;
	char address[24];
	struct cl_kv *kv;
	int64_t wake_ms;
};

struct world_source {
	struct world_node node;
	struct cl_log log;
	struct cl_publisher publisher;
};

struct world_message {
	struct world_message *next;
	struct world_node *from, *to; /* to NULL: the subscriber of the archive */
	uint16_t type;
	struct cl_arena arena;
	void *body;
};

struct world_job {
	struct world_job *next;
	enum cl_lane lane;
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
	bool ran;
};

struct world {
	uint64_t rng;
	int64_t steady_ms, now_ms;
	struct world_source sources[WORLD_SOURCES];
	struct world_node archive_node;
	struct reporting_archive *archive; /* NULL: down */
	struct reporting *reporting;       /* whose archive it is, if the whole service was started */
	struct reporting_archive_options options;
	struct world_message *messages, **messages_end;
	struct world_job *jobs;
	bool ending;
	const char *died;
	uint32_t lose_permille;
	uint64_t delivered, lost, crashes;
	/* May change a message before it is delivered to the archive; false: it is lost. */
	bool (*tamper)(struct world *world, struct world_message *message);
	/* Messages to "subscriber". */
	void (*on_subscriber)(struct world *world, uint16_t type, const void *body);
	void *context;
};

void world_init(struct world *world, uint64_t seed);
void world_done(struct world *world);
uint64_t world_random(struct world *world, uint64_t below);
struct world_source *world_source(struct world *world, uint32_t service, uint32_t partition);
/* Appends one record: an event of no meaning, or log_consumed with that position, if type is CL_T_log_consumed. */
void world_append(struct world *world, struct world_source *source, uint16_t type, const struct cl_cause *cause);
struct cl_cause world_position(const struct world_source *source, uint64_t seq);
void world_start(struct world *world);                                   /* the archive */
void world_start_reporting(struct world *world, const char *model_path); /* all of the service */
void world_crash(struct world *world);
/* Delivers one message of a random pair of nodes (each pair in order); false: there is none. */
bool world_deliver(struct world *world);
bool world_work(struct world *world);             /* one step of the writer; false: it is idle */
void world_pass(struct world *world, int64_t ms); /* time; fires timers, pumps publishers */
void world_settle(struct world *world);           /* until nothing moves for several seconds */
void world_send_archive(struct world *world, uint16_t type, const void *body);

#endif
