#include "self.h"

#include "json_out.h"

/* S(name in JSON and Prometheus, where from, is it a counter?, meaning) */
#define STATS(S)                                                                                                       \
	S(records, archive->records, 1, "records made durable")                                                        \
	S(bytes, archive->bytes, 1, "bytes of records made durable")                                                   \
	S(batches, archive->batches, 1, "commits")                                                                     \
	S(batch_records_max, archive->batch_records_max, 0, "most records in one commit")                              \
	S(commit_ms_total, archive->commit_ms_total, 1, "milliseconds spent in commits")                               \
	S(checkpoints, archive->checkpoints, 1, "checkpoints signed")                                                  \
	S(archive_held, archive->held, 0, "records held back because the record they follow from is missing")          \
	S(archive_held_alarms, archive->held_alarms, 0, "sources held back for more than a minute")                    \
	S(archive_chain_breaks, archive->chain_breaks, 0, "sources stopped by a record that does not fit its chain")   \
	S(archive_diverged, archive->diverged, 0, "sources that do not hold what was archived of them")                \
	S(archive_stalls, archive->stalls, 1, "commits that found no space")                                           \
	S(questions, reporting->questions, 1, "queries answered from the read model")                                  \
	S(refused_busy, reporting->refused_busy, 1, "queries refused because too many were waiting")                   \
	S(waits, reporting->waits, 1, "queries for a position")                                                        \
	S(project_failures, reporting->project_failures, 1, "transactions of the read model that failed")              \
	S(projected_records, model->records, 1, "records projected")                                                   \
	S(project_batches, model->batches, 1, "transactions of the read model")                                        \
	S(undecodable, model->undecodable, 1, "archived records that this version cannot show")                        \
	S(cases, model->cases, 0, "cases in the read model")                                                           \
	S(subscribers, publisher->count, 0, "subscribers of the archive")                                              \
	S(published, publisher->records_sent, 1, "records sent to subscribers")

struct figures {
	const struct reporting_archive_stats *archive;
	const struct reporting_stats *reporting;
	const struct reporting_model_stats *model;
	const struct cl_publisher *publisher;
};

static struct figures figures_of(struct reporting *reporting) {
	struct reporting_archive *archive = reporting_archive_of(reporting);
	return (struct figures){reporting_archive_stats(archive), reporting_stats(reporting),
	                        reporting_model_figures(reporting), reporting_archive_publisher(archive)};
}

static const char *state_name(enum reporting_source_state state) {
	switch (state) {
	case REPORTING_FOLLOWING:
		return "following";
	case REPORTING_BROKEN:
		return "broken";
	case REPORTING_DIVERGED:
		return "diverged";
	}
	return "unknown";
}

/* As other services name them (upto) and as the archive does. */
static void put_sources(struct reporting *reporting, struct cl_buf *out, bool archive) {
	const struct reporting_archive *of = reporting_archive_of(reporting);
	json_open(out, "sources", '[');
	for (uint32_t i = 0; i < reporting_archive_source_count(of); i++) {
		struct reporting_source source;
		reporting_archive_source_at(of, i, &source);
		json_item(out);
		cl_buf_putc(out, '{');
		json_str(out, "service", cl_str_from(cl_service_name(source.service)));
		json_u64(out, "partition", source.partition);
		json_u64(out, archive ? "archived" : "upto", source.archived);
		json_u64(out, "head", source.head);
		if (archive) {
			json_str(out, "state", cl_str_from(state_name(source.state)));
			json_u64(out, "held", source.held);
			json_u64(out, "held_ms", (uint64_t)source.held_ms);
		}
		cl_buf_putc(out, '}');
	}
	cl_buf_putc(out, ']');
}

static void put_status(const struct cl_process *process, struct reporting *reporting, struct cl_buf *out) {
	const struct cl_log *log = reporting_archive_log(reporting_archive_of(reporting));
	const struct figures f = figures_of(reporting);
	cl_buf_putc(out, '{');
	cl_process_put_status(process, log, out);
	out->n--; /* its comma: ours come by themselves */
	put_sources(reporting, out, false);
	json_open(out, "archive", '{');
	json_u64(out, "head", log->head.seq);
	json_u64(out, "held", f.archive->held);
	put_sources(reporting, out, true);
	cl_buf_putc(out, '}');
	json_u64(out, "projected", reporting_projected(reporting));
	json_open(out, "stats", '{');
#define PUT(name, from, counter, meaning) json_u64(out, #name, f.from);
	STATS(PUT)
#undef PUT
	cl_buf_putc(out, ',');
	cl_process_put_net(process, out);
	cl_buf_puts(out, "}}");
}

static void put_source_metrics(const struct cl_process *process, struct reporting *reporting, struct cl_buf *out) {
	const struct reporting_archive *archive = reporting_archive_of(reporting);
	cl_buf_puts(out, "# HELP careloop_source_lag records of a followed log not yet archived\n"
	                 "# TYPE careloop_source_lag gauge\n");
	for (uint32_t i = 0; i < reporting_archive_source_count(archive); i++) {
		struct reporting_source source;
		reporting_archive_source_at(archive, i, &source);
		cl_buf_printf(out,
		              "careloop_source_lag{service=\"%s\",partition=\"%u\",source=\"%s\",source_partition=\"%"
		              "u\"} %llu\n",
		              process->name, process->index, cl_service_name(source.service), source.partition,
		              (unsigned long long)(source.head - source.archived));
	}
}

static void put_metrics(const struct cl_process *process, struct reporting *reporting, struct cl_buf *out) {
	const struct cl_log *log = reporting_archive_log(reporting_archive_of(reporting));
	const struct figures f = figures_of(reporting);
	struct cl_buf text;
	cl_buf_init(&text);
#define PUT(name, from, counter, meaning) cl_process_put_metric(process, &text, #name, counter, meaning, f.from);
	STATS(PUT)
#undef PUT
	cl_process_put_metric(process, &text, "projected", false, "archive sequence that the read model has reached",
	                      reporting_projected(reporting));
	cl_process_put_metrics(process, log->head.seq, &text);
	put_source_metrics(process, reporting, &text);
	cl_process_put_metrics_json(&text, out);
	cl_buf_done(&text);
}

void reporting_self_query(struct cl_process *process, struct reporting *reporting, const struct wire_query *query) {
	struct wire_answer answer = {.id = query->id, .status = WIRE_ACCEPTED};
	struct cl_buf json;
	cl_buf_init(&json);
	if (cl_str_eqc(query->name, "status")) {
		put_status(process, reporting, &json);
	} else if (cl_str_eqc(query->name, "metrics")) {
		put_metrics(process, reporting, &json);
	} else {
		answer.status = WIRE_NOT_FOUND;
		answer.field = CL_STR("name");
	}
	answer.json = cl_buf_bytes(&json);
	cl_process_answer(process, query, &answer);
	cl_buf_done(&json);
}
