/* The archive's event stream: every record of every log in one order, each once, from a position on. */
#ifndef CLI_STREAM_H
#define CLI_STREAM_H

#include "cli.h"
#include "log/record.h"
#include "logs.h"

struct cli_stream;
/* One event; position: of its copy in the archive. Anything but CLI_OK ends the stream with that code. */
typedef int (*cli_on_event)(struct cli_stream *stream, uint64_t position, const struct cli_copy *copy,
                            const struct cl_record *record);

struct cli_stream {
	struct cli *cli;
	cli_on_event on_event;
	void (*on_batch)(struct cli_stream *stream); /* after what came in one go; may be NULL */
	void *context;
	struct cl_arena arena; /* reset before each event */

	struct cl_subscription subscription;
	uint64_t until; /* stop when the archive was read up to here; 0 = never */
	bool done;
	int result;
	uv_signal_t on_int, on_term;
};

/* Position of the archive's head; an exit code, after saying what is wrong. */
int cli_stream_head(struct cli *cli, uint64_t *ret_head);
/* Types named "case_opened,case_closed" to wire form, in the arena; false after saying which is unknown. */
bool cli_stream_types(struct cli *cli, const char *names, struct cl_bytes *types);
/* Runs from behind `after` until `until`, a signal, or on_event's wish. stream is zeroed but for cli, on_event,
 * context, until. */
int cli_stream_run(struct cli_stream *stream, uint64_t after, struct cl_bytes types);

#endif
