/* The queries that every partitioned service answers about itself. */
#include "uv/service_parts.h"

/* S(name in JSON and Prometheus, member, is it a counter?, meaning) */
#define STATS(S)                                                                                                       \
	S(commands, 1, "commands received")                                                                            \
	S(accepted, 1, "commands accepted")                                                                            \
	S(rejected, 1, "commands rejected by the domain")                                                              \
	S(repeated, 1, "commands answered from the record")                                                            \
	S(refused_busy, 1, "commands refused because too many were waiting")                                           \
	S(messages, 1, "events of other actors and logs taken")                                                        \
	S(ticks, 1, "deadlines reached")                                                                               \
	S(records, 1, "records made durable")                                                                          \
	S(batches, 1, "commits")                                                                                       \
	S(loads, 1, "actors loaded from the store")                                                                    \
	S(evicted, 1, "actors dropped from memory")                                                                    \
	S(gets, 1, "states asked for")                                                                                 \
	S(resident, 0, "actors in memory")                                                                             \
	S(resident_bytes, 0, "bytes of actors in memory")                                                              \
	S(commit_us_total, 1, "microseconds spent in commits")                                                         \
	S(batch_records_max, 0, "most records in one commit")

static void put_sources(const struct cl_service *service, struct cl_buf *out) {
	cl_buf_puts(out, "\"sources\":[");
	const struct cl_subscription *source;
	for (uint32_t i = 0; (source = cl_partition_source(service->partition, i)) != NULL; i++)
		cl_buf_printf(out, "%s{\"service\":\"%s\",\"partition\":%u,\"upto\":%llu,\"head\":%llu}", i ? "," : "",
		              cl_service_name(source->service), source->partition, (unsigned long long)source->upto,
		              (unsigned long long)source->head);
	cl_buf_puts(out, "]");
}

static void put_status(struct cl_service *service, struct cl_buf *out) {
	const struct cl_partition_stats *stats = cl_partition_stats(service->partition);
	cl_buf_putc(out, '{');
	cl_process_put_status(&service->process, cl_partition_log(service->partition), out);
	put_sources(service, out);
	cl_buf_puts(out, ",\"stats\":{");
#define PUT(name, counter, meaning) cl_buf_printf(out, "\"" #name "\":%llu,", (unsigned long long)stats->name);
	STATS(PUT)
#undef PUT
	cl_process_put_net(&service->process, out);
	cl_buf_puts(out, "}}");
}

static void put_source_metrics(const struct cl_service *service, struct cl_buf *out) {
	cl_buf_puts(out, "# HELP careloop_source_lag records of a followed log not yet read\n"
	                 "# TYPE careloop_source_lag gauge\n");
	const struct cl_subscription *source;
	for (uint32_t i = 0; (source = cl_partition_source(service->partition, i)) != NULL; i++)
		cl_buf_printf(out,
		              "careloop_source_lag{service=\"%s\",partition=\"%u\",source=\"%s\",source_partition=\"%"
		              "u\"} %llu\n",
		              service->process.name, service->process.index, cl_service_name(source->service),
		              source->partition,
		              (unsigned long long)(source->head > source->upto ? source->head - source->upto : 0));
}

static void put_metrics(struct cl_service *service, struct cl_buf *out) {
	const struct cl_partition_stats *stats = cl_partition_stats(service->partition);
	const struct cl_process *process = &service->process;
	struct cl_buf text;
	cl_buf_init(&text);
#define PUT(name, counter, meaning) cl_process_put_metric(process, &text, #name, counter, meaning, stats->name);
	STATS(PUT)
#undef PUT
	cl_process_put_metrics(process, cl_partition_log(service->partition)->head.seq, &text);
	put_source_metrics(service, &text);
	cl_process_put_metrics_json(&text, out);
	cl_buf_done(&text);
}

void cl_service_query(struct cl_service *service, const struct wire_query *query) {
	struct cl_buf json;
	cl_buf_init(&json);
	struct wire_answer answer = {.id = query->id, .status = WIRE_ACCEPTED};
	if (cl_str_eqc(query->name, "status")) {
		put_status(service, &json);
	} else if (cl_str_eqc(query->name, "metrics")) {
		put_metrics(service, &json);
	} else {
		answer.status = WIRE_NOT_FOUND;
		answer.field = CL_STR("name");
	}
	answer.json = cl_buf_bytes(&json);
	cl_process_answer(&service->process, query, &answer);
	cl_buf_done(&json);
}
