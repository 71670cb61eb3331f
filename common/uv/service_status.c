/* The queries that every service answers about itself. */
#include <unistd.h>

#include "codec.h"
#include "uv/service_parts.h"

static int64_t steady_ms(void) {
	return (int64_t)(uv_hrtime() / 1000000);
}

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

#define NET_STATS(S)                                                                                                   \
	S(frames_in, 1, "frames received")                                                                             \
	S(frames_out, 1, "frames sent")                                                                                \
	S(messages_in, 1, "messages received")                                                                         \
	S(messages_out, 1, "messages sent")                                                                            \
	S(bytes_in, 1, "bytes received")                                                                               \
	S(bytes_out, 1, "bytes sent")                                                                                  \
	S(malformed, 1, "frames refused as malformed")                                                                 \
	S(dropped, 1, "messages dropped on the way out")                                                               \
	S(denied, 1, "frames refused for their sender")

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
	const struct cl_log *log = cl_partition_log(service->partition);
	const struct cl_partition_stats *stats = cl_partition_stats(service->partition);
	const struct cl_net_stats *net = cl_net_stats(service->net);
	char id[CL_ID_TEXT_BYTES], hash[65];
	cl_id_format(log->identity.log_id, id);
	cl_hash_hex(log->head.hash, hash);
	cl_buf_printf(out,
	              "{\"service\":\"%s\",\"partition\":%u,\"partitions\":%u,\"pid\":%ld,\"uptime_ms\":%lld,"
	              "\"version\":\"%s\",\"log_id\":\"%s\",\"head\":{\"seq\":%llu,\"hash\":\"%s\"},",
	              service->name, service->index, log->identity.partitions, (long)getpid(),
	              (long long)(steady_ms() - service->started_ms), CL_VERSION, id, (unsigned long long)log->head.seq,
	              hash);
	put_sources(service, out);
	cl_buf_puts(out, ",\"stats\":{");
#define PUT(name, counter, meaning) cl_buf_printf(out, "\"" #name "\":%llu,", (unsigned long long)stats->name);
	STATS(PUT)
#undef PUT
#define PUT(name, counter, meaning) cl_buf_printf(out, "\"" #name "\":%llu,", (unsigned long long)net->name);
	NET_STATS(PUT)
#undef PUT
	cl_buf_printf(out, "\"anchor_failures\":%llu}}", (unsigned long long)service->anchor_failures);
}

/* Prometheus text exposition format 0.0.4. */
static void put_metric(const struct cl_service *service, struct cl_buf *out, const char *name, bool counter,
                       const char *meaning, uint64_t value) {
	const char *suffix = counter ? "_total" : "";
	size_t n = strlen(name);
	if (n > 6 && strcmp(name + n - 6, "_total") == 0)
		suffix = "";
	cl_buf_printf(out, "# HELP careloop_%s%s %s\n# TYPE careloop_%s%s %s\n", name, suffix, meaning, name, suffix,
	              counter ? "counter" : "gauge");
	cl_buf_printf(out, "careloop_%s%s{service=\"%s\",partition=\"%u\"} %llu\n", name, suffix, service->name,
	              service->index, (unsigned long long)value);
}

static void put_source_metrics(const struct cl_service *service, struct cl_buf *out) {
	cl_buf_puts(out, "# HELP careloop_source_lag records of a followed log not yet read\n"
	                 "# TYPE careloop_source_lag gauge\n");
	const struct cl_subscription *source;
	for (uint32_t i = 0; (source = cl_partition_source(service->partition, i)) != NULL; i++)
		cl_buf_printf(out,
		              "careloop_source_lag{service=\"%s\",partition=\"%u\",source=\"%s\",source_partition=\"%"
		              "u\"} %llu\n",
		              service->name, service->index, cl_service_name(source->service), source->partition,
		              (unsigned long long)(source->head > source->upto ? source->head - source->upto : 0));
}

static void put_metrics_text(const struct cl_service *service, struct cl_buf *out) {
	const struct cl_partition_stats *stats = cl_partition_stats(service->partition);
	const struct cl_net_stats *net = cl_net_stats(service->net);
#define PUT(name, counter, meaning) put_metric(service, out, #name, counter, meaning, stats->name);
	STATS(PUT)
#undef PUT
#define PUT(name, counter, meaning) put_metric(service, out, "net_" #name, counter, meaning, net->name);
	NET_STATS(PUT)
#undef PUT
	put_metric(service, out, "log_head", false, "sequence of the last durable record",
	           cl_partition_log(service->partition)->head.seq);
	put_metric(service, out, "anchor_failures", true, "checkpoints that could not be anchored",
	           service->anchor_failures);
	put_metric(service, out, "uptime_seconds", false, "seconds since the start",
	           (uint64_t)(steady_ms() - service->started_ms) / 1000);
	put_source_metrics(service, out);
}

static void put_metrics(struct cl_service *service, struct cl_buf *out) {
	struct cl_buf text;
	cl_buf_init(&text);
	put_metrics_text(service, &text);
	cl_buf_puts(out, "{\"text\":");
	cl_json_string(out, (struct cl_str){(const char *)text.p, (uint32_t)text.n});
	cl_buf_putc(out, '}');
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
	int r = cl_net_post(service->net, query->reply_to, CL_T_wire_answer, &answer);
	if (r < 0) /* the question comes again */
		cl_logger_write(&service->logger, CL_DEBUG, "answer_lost", "error=%s", cl_error_name(r));
	cl_buf_done(&json);
}
