/* careloop subscribe: the archive's stream as lines of JSON, one object per event, each once. "position" of the last
 * line is where --from goes on. With --customer, a contact whose customer turns out to be part of the one asked for
 * brings its past along: those lines have positions below the ones before them. */
#include <inttypes.h>
#include <stdlib.h>

#include "commands.h"
#include "customer_filter.h"
#include "stream.h"

struct subscriber {
	struct cli *cli;
	struct cl_buf out;
	uint64_t from, head;
	struct cl_bytes types;
	bool by_customer, learning;
	struct cli_customer_filter filter;
	struct cli_customer_filter *known; /* while a past is told: what was printed already */
	bool joined;                       /* somebody joined: the stream was left at `at` */
	uint64_t at;
};

static bool type_wanted(const struct subscriber *subscriber, uint16_t type) {
	const struct cl_bytes *types = &subscriber->types;
	for (uint32_t i = 0; i + 1 < types->n; i += 2)
		if ((types->p[i] << 8 | types->p[i + 1]) == type)
			return true;
	return types->n == 0;
}

/* Ends the stream, to go on by another one. */
static int leave(struct cli_stream *stream) {
	stream->done = true;
	stream->result = CLI_OK;
	return CLI_OK;
}

static int print_event(struct cli_stream *stream, uint64_t position, const struct cli_copy *copy,
                       const struct cl_record *record) {
	struct subscriber *subscriber = stream->context;
	uint32_t parts = subscriber->filter.customer_n;
	if (subscriber->by_customer) {
		bool known = subscriber->known && cli_customer_filter_match(subscriber->known, record, &stream->arena);
		if (!cli_customer_filter_match(&subscriber->filter, record, &stream->arena) || known ||
		    subscriber->learning)
			return CLI_OK;
	}
	if (position >= subscriber->from && type_wanted(subscriber, record->type)) {
		cl_event_json(&stream->arena, record, copy->hash, position, copy->service, copy->partition,
		              &subscriber->out);
		cl_buf_putc(&subscriber->out, '\n');
	}
	subscriber->at = position;
	subscriber->joined |= subscriber->by_customer && subscriber->filter.customer_n > parts;
	return subscriber->joined && !subscriber->known ? leave(stream) : CLI_OK;
}

static void flush(struct cli_stream *stream) {
	struct subscriber *subscriber = stream->context;
	struct cl_buf *out = &subscriber->out;
	if (out->n && (fwrite(out->p, 1, out->n, stdout) != out->n || fflush(stdout) != 0)) {
		stream->done = true; /* the reader went away: that is how it says enough */
		stream->result = CLI_FAILED;
	}
	cl_buf_clear(out);
}

static int run(struct subscriber *subscriber, uint64_t after, uint64_t until, struct cl_bytes types) {
	struct cli_stream stream = {.cli = subscriber->cli,
	                            .on_event = print_event,
	                            .on_batch = flush,
	                            .context = subscriber,
	                            .until = until};
	return cli_stream_run(&stream, after, types);
}

static void reseed(struct cli_customer_filter *filter) {
	struct cli_customer_filter fresh;
	cli_customer_filter_init(&fresh, filter->customers, filter->customer_n);
	cli_customer_filter_done(filter);
	*filter = fresh;
}

/* Who is part of the customer by now, before the first line is printed. Parts have parts: passes until nobody new is
 * found. */
static int learn_parts(struct subscriber *subscriber) {
	struct cl_bytes joins = {0};
	uint32_t parts;
	int result;
	if (!cli_stream_types(subscriber->cli, "customer_linked,customer_merged", &joins))
		return CLI_FAILED;
	subscriber->learning = true;
	do {
		parts = subscriber->filter.customer_n;
		result = run(subscriber, 0, subscriber->head, joins);
	} while (result == CLI_OK && subscriber->filter.customer_n > parts);
	subscriber->learning = false;
	reseed(&subscriber->filter);
	return result;
}

/* What lies before the join, of whom joined; leaves the filter as it is there. */
static int tell_past(struct subscriber *subscriber, uint32_t parts_before) {
	struct cli_customer_filter known;
	uint64_t at = subscriber->at;
	uint32_t parts;
	int result;
	cli_customer_filter_init(&known, subscriber->filter.customers, parts_before);
	subscriber->known = &known;
	do {
		parts = subscriber->filter.customer_n;
		reseed(&subscriber->filter);
		result = run(subscriber, 0, at, (struct cl_bytes){0});
	} while (result == CLI_OK && subscriber->filter.customer_n > parts);
	subscriber->known = NULL;
	subscriber->at = at;
	cli_customer_filter_done(&known);
	return result;
}

static int follow_customer(struct subscriber *subscriber, uint64_t until) {
	uint64_t after = 0;
	int result = learn_parts(subscriber);
	while (result == CLI_OK) {
		uint32_t parts = subscriber->filter.customer_n;
		subscriber->joined = false;
		result = run(subscriber, after, until, (struct cl_bytes){0});
		if (result != CLI_OK || !subscriber->joined)
			break;
		result = tell_past(subscriber, parts);
		after = subscriber->at;
	}
	return result;
}

int cli_cmd_subscribe(struct cli *cli) {
	struct subscriber subscriber = {.cli = cli};
	struct cl_id customer;
	const char *who = cli_opt(cli, "customer");
	if (!cli_opt_u64(cli, "from", 1, UINT64_MAX, &subscriber.from))
		return CLI_USAGE;
	for (uint32_t i = 0; i < cli->given_n; i++)
		if (strcmp(cli->given[i].option->name, "type") == 0 &&
		    !cli_stream_types(cli, cli->given[i].value, &subscriber.types))
			return CLI_USAGE;
	if (who && cl_id_parse(cl_str_from(who), &customer) != CL_OK) {
		cli_error(cli, CL_TEXT_CLI_BAD_ID, CLI_ARGS("customer", who));
		return CLI_USAGE;
	}
	int result = cli_connect(cli);
	if (result == CLI_OK)
		result = cli_stream_head(cli, &subscriber.head);
	if (result != CLI_OK)
		return result;
	uint64_t until = cli_flag(cli, "until-head") ? subscriber.head : 0;
	cl_buf_init(&subscriber.out);
	subscriber.by_customer = who != NULL;
	if (who) {
		cli_customer_filter_init(&subscriber.filter, &customer, 1);
		result = follow_customer(&subscriber, until);
		cli_customer_filter_done(&subscriber.filter);
	} else {
		result = run(&subscriber, subscriber.from ? subscriber.from - 1 : 0, until, subscriber.types);
	}
	cl_buf_done(&subscriber.out);
	return result;
}
