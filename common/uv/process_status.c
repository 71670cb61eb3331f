/* What every service process says about itself. */
#include <unistd.h>

#include "codec.h"
#include "uv/process.h"

static int64_t steady_ms(void) {
	return (int64_t)(uv_hrtime() / 1000000);
}

/* S(name in JSON and Prometheus, is it a counter?, meaning) */
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

void cl_process_put_status(const struct cl_process *process, const struct cl_log *log, struct cl_buf *out) {
	char id[CL_ID_TEXT_BYTES], hash[65];
	cl_id_format(log->identity.log_id, id);
	cl_hash_hex(log->head.hash, hash);
	cl_buf_printf(out,
	              "\"service\":\"%s\",\"partition\":%u,\"partitions\":%u,\"pid\":%ld,\"uptime_ms\":%lld,"
	              "\"version\":\"%s\",\"log_id\":\"%s\",\"head\":{\"seq\":%llu,\"hash\":\"%s\"},",
	              process->name, process->index, log->identity.partitions, (long)getpid(),
	              (long long)(steady_ms() - process->started_ms), CL_VERSION, id, (unsigned long long)log->head.seq,
	              hash);
}

void cl_process_put_net(const struct cl_process *process, struct cl_buf *out) {
	const struct cl_net_stats *net = cl_net_stats(process->net);
#define PUT(name, counter, meaning) cl_buf_printf(out, "\"" #name "\":%llu,", (unsigned long long)net->name);
	NET_STATS(PUT)
#undef PUT
	cl_buf_printf(out, "\"anchor_failures\":%llu", (unsigned long long)process->anchor_failures);
}

void cl_process_put_metric(const struct cl_process *process, struct cl_buf *out, const char *name, bool counter,
                           const char *meaning, uint64_t value) {
	const char *suffix = counter ? "_total" : "";
	size_t n = strlen(name);
	if (n > 6 && strcmp(name + n - 6, "_total") == 0)
		suffix = "";
	cl_buf_printf(out, "# HELP careloop_%s%s %s\n# TYPE careloop_%s%s %s\n", name, suffix, meaning, name, suffix,
	              counter ? "counter" : "gauge");
	cl_buf_printf(out, "careloop_%s%s{service=\"%s\",partition=\"%u\"} %llu\n", name, suffix, process->name,
	              process->index, (unsigned long long)value);
}

void cl_process_put_metrics(const struct cl_process *process, uint64_t head, struct cl_buf *out) {
	const struct cl_net_stats *net = cl_net_stats(process->net);
#define PUT(name, counter, meaning) cl_process_put_metric(process, out, "net_" #name, counter, meaning, net->name);
	NET_STATS(PUT)
#undef PUT
	cl_process_put_metric(process, out, "log_head", false, "sequence of the last durable record", head);
	cl_process_put_metric(process, out, "anchor_failures", true, "checkpoints that could not be anchored",
	                      process->anchor_failures);
	cl_process_put_metric(process, out, "uptime_seconds", false, "seconds since the start",
	                      (uint64_t)(steady_ms() - process->started_ms) / 1000);
}

void cl_process_put_metrics_json(const struct cl_buf *text, struct cl_buf *out) {
	cl_buf_puts(out, "{\"text\":");
	cl_json_string(out, (struct cl_str){(const char *)text->p, (uint32_t)text->n});
	cl_buf_putc(out, '}');
}

void cl_process_answer(struct cl_process *process, const struct wire_query *query, const struct wire_answer *answer) {
	int r = cl_net_post(process->net, query->reply_to, CL_T_wire_answer, answer);
	if (r < 0) /* the question comes again */
		cl_logger_write(&process->logger, CL_DEBUG, "answer_lost", "error=%s", cl_error_name(r));
}
