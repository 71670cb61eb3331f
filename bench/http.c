/* POST of one contact at a fixed rate, open loop: a request is due every 1/rate seconds whatever became of those
 * before, and its latency counts from the moment it was due. So a server that stalls is charged for all that it kept
 * waiting, not for the one request that noticed (what is called coordinated omission). http --address 127.0.0.1:8080
 * [--path /api/v1/contacts] [--rate 1000] [--seconds 30] [--warm 3]
 *        [--connections 64] [--token TOKEN]
 * Keep-alive connections; a request that finds none free waits, and its clock runs. Prints one JSON line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/str.h"

#define CONNECTIONS_MAX 512
#define ANSWER_BYTES 16384
#define REQUEST_BYTES 2048
#define PHONES 20000   /* so that later requests meet customers who are known */
#define GRACE_MS 10000 /* for what is still open at the end */
#define RECONNECT_MS 10

struct bench;
struct connection {
	struct bench *bench;
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	uv_timer_t again;
	bool open, busy;
	struct connection *next_free;
	uint64_t request; /* the one under way */
	char out[REQUEST_BYTES], in[ANSWER_BYTES];
	size_t in_n;
};

struct bench {
	uv_loop_t loop;
	uv_poll_t clock;
	uv_timer_t end;
	struct sockaddr_in address;
	const char *path, *host, *token;
	int clock_fd;
	struct connection connections[CONNECTIONS_MAX];
	struct connection *free;
	uint64_t connection_n;
	double rate;
	uint64_t start_ns;              /* when request 0 is due */
	uint64_t warm, all;             /* requests not counted; requests altogether */
	uint64_t due, sent, ended;      /* how many are due, were sent, came to an end */
	uint64_t refused, broken;       /* counted ones with another status; whose connection broke */
	uint64_t *latencies, *lateness; /* ns, of the counted ones that were answered; of sending, against the plan */
	uint64_t latency_n, lateness_n;
	int first_refusal;
	char first_answer[600];
};

static uint64_t due_ns(const struct bench *bench, uint64_t request) {
	return bench->start_ns + (uint64_t)((double)request * 1e9 / bench->rate);
}

static void connection_open(struct connection *connection);

static void connection_free(struct connection *connection) {
	connection->busy = false;
	connection->in_n = 0;
	connection->next_free = connection->bench->free;
	connection->bench->free = connection;
}

static void request_ended(struct bench *bench) {
	if (++bench->ended == bench->all)
		uv_stop(&bench->loop);
}

/* -- a connection -- */
static void on_again(uv_timer_t *timer) {
	connection_open(timer->data);
}

static void on_closed(uv_handle_t *handle) {
	struct connection *connection = handle->data;
	uv_timer_start(&connection->again, on_again, RECONNECT_MS, 0);
}

/* Whatever was under way is lost and counted; a new connection takes its place. */
static void connection_break(struct connection *connection) {
	struct bench *bench = connection->bench;
	if (uv_is_closing((uv_handle_t *)&connection->tcp))
		return;
	connection->open = false;
	for (struct connection **at = &bench->free; *at; at = &(*at)->next_free)
		if (*at == connection) {
			*at = connection->next_free;
			break;
		}
	if (connection->busy) {
		if (connection->request >= bench->warm)
			bench->broken++;
		connection->busy = false;
		request_ended(bench);
	}
	uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

static int body_of(const struct bench *bench, uint64_t request, char *out, size_t n) {
	(void)bench;
	return snprintf(
	        out, n,
	        "{\"channel\":\"web\",\"name\":\"Nguyễn Thị Hoa\",\"phone\":\"09%08llu\",\"text\":\"Máy giặt mua "
	        "tháng trước, đang giặt thì dừng, màn hình báo lỗi E4, không vắt được. Lần thứ %llu tôi gọi rồi.\","
	        "\"product\":\"Máy giặt\"}",
	        (unsigned long long)(10000000 + request % PHONES), (unsigned long long)request);
}

static void on_written(uv_write_t *write, int status) {
	if (status < 0 && status != UV_ECANCELED)
		connection_break(write->data);
}

static void send_next(struct bench *bench) {
	while (bench->sent < bench->due && bench->free) {
		struct connection *connection = bench->free;
		char body[REQUEST_BYTES / 2];
		uint64_t request = bench->sent++;
		bench->free = connection->next_free;
		int body_n = body_of(bench, request, body, sizeof body);
		int n = snprintf(connection->out, sizeof connection->out,
		                 "POST %s HTTP/1.1\r\nHost: %s\r\n%s%s%sContent-Type: application/json\r\n"
		                 "Content-Length: %d\r\n\r\n%s",
		                 bench->path, bench->host, bench->token ? "Authorization: Bearer " : "",
		                 bench->token ? bench->token : "", bench->token ? "\r\n" : "", body_n, body);
		CL_ASSERT(body_n > 0 && (size_t)body_n < sizeof body && n > 0 && (size_t)n < sizeof connection->out);
		connection->busy = true;
		connection->request = request;
		if (request >= bench->warm) {
			uint64_t now = uv_hrtime(), due = due_ns(bench, request);
			bench->lateness[bench->lateness_n++] = now > due ? now - due : 0;
		}
		uv_buf_t buf = uv_buf_init(connection->out, (unsigned)n);
		if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buf, 1, on_written) != 0)
			connection_break(connection);
	}
}

/* How long the answer is, head and body; 0: not all of the head is there; ANSWER_BYTES + 1: not an answer we know. */
static size_t answer_length(const char *in, size_t n, int *ret_status) {
	const char *end = memmem(in, n, "\r\n\r\n", 4);
	uint64_t length = ANSWER_BYTES + 1;
	if (!end)
		return n < ANSWER_BYTES ? 0 : ANSWER_BYTES + 1;
	if (n < 12 || memcmp(in, "HTTP/1.1 ", 9) != 0)
		return ANSWER_BYTES + 1;
	*ret_status = (in[9] - '0') * 100 + (in[10] - '0') * 10 + (in[11] - '0');
	for (const char *line = memmem(in, (size_t)(end - in), "\r\n", 2); line && line < end;
	     line = memmem(line + 2, (size_t)(end + 2 - line - 2), "\r\n", 2)) {
		const char *value = line + 2 + 15;
		if (strncasecmp(line + 2, "content-length:", 15) != 0)
			continue;
		while (*value == ' ')
			value++;
		const char *stop = value;
		while (*stop >= '0' && *stop <= '9')
			stop++;
		if (cl_str_u64((struct cl_str){value, (uint32_t)(stop - value)}, &length) != CL_OK)
			return ANSWER_BYTES + 1;
	}
	return length > ANSWER_BYTES ? ANSWER_BYTES + 1 : (size_t)(end + 4 - in) + length;
}

static void answered(struct connection *connection, int status, size_t n) {
	struct bench *bench = connection->bench;
	if (connection->request >= bench->warm) {
		if (status == 201)
			bench->latencies[bench->latency_n++] = uv_hrtime() - due_ns(bench, connection->request);
		else if (!bench->refused++) {
			bench->first_refusal = status;
			snprintf(bench->first_answer, sizeof bench->first_answer, "%.*s", (int)n, connection->in);
		}
	}
	bool last = memmem(connection->in, n, "onnection: close", 16) != NULL;
	connection_free(connection);
	request_ended(bench);
	if (last)
		connection_break(connection);
	send_next(bench);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
	struct connection *connection = stream->data;
	int status = 0;
	(void)buf;
	if (n < 0) {
		connection_break(connection);
		return;
	}
	connection->in_n += (size_t)n;
	size_t length = answer_length(connection->in, connection->in_n, &status);
	if (length > ANSWER_BYTES || (connection->in_n > 0 && !connection->busy))
		connection_break(connection);
	else if (length > 0 && connection->in_n >= length)
		answered(connection, status, length);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf) {
	struct connection *connection = handle->data;
	(void)suggested;
	*ret_buf = uv_buf_init(connection->in + connection->in_n, (unsigned)(ANSWER_BYTES - connection->in_n));
}

static void on_connected(uv_connect_t *connect, int status) {
	struct connection *connection = connect->data;
	if (status == UV_ECANCELED)
		return;
	if (status < 0 || uv_read_start((uv_stream_t *)&connection->tcp, on_room, on_read) != 0) {
		connection_break(connection);
		return;
	}
	(void)uv_tcp_nodelay(&connection->tcp, 1);
	connection->open = true;
	connection_free(connection);
	send_next(connection->bench);
}

static void connection_open(struct connection *connection) {
	struct bench *bench = connection->bench;
	CL_ASSERT(uv_tcp_init(&bench->loop, &connection->tcp) == 0);
	connection->tcp.data = connection->connect.data = connection->write.data = connection;
	if (uv_tcp_connect(&connection->connect, &connection->tcp, (const struct sockaddr *)&bench->address,
	                   on_connected) != 0)
		connection_break(connection);
}

/* -- the plan -- */
/* How many are due is what the clock says, not how often it woke us. */
static void on_clock(uv_poll_t *poll, int status, int events) {
	struct bench *bench = poll->data;
	uint64_t ticks, now = uv_hrtime();
	(void)events;
	if (status < 0 || read(bench->clock_fd, &ticks, sizeof ticks) != (ssize_t)sizeof ticks)
		return;
	while (bench->due < bench->all && due_ns(bench, bench->due) <= now)
		bench->due++;
	if (bench->due == bench->all)
		uv_poll_stop(poll);
	send_next(bench);
}

static void on_end(uv_timer_t *timer) {
	uv_stop(timer->loop);
}

static void plan_start(struct bench *bench, double seconds) {
	uint64_t period = (uint64_t)(1e9 / bench->rate);
	bench->start_ns = uv_hrtime() + 200000000; /* the connections are made meanwhile */
	struct itimerspec when = {
	        .it_value = {(time_t)(bench->start_ns / 1000000000), (long)(bench->start_ns % 1000000000)},
	        .it_interval = {(time_t)(period / 1000000000), (long)(period % 1000000000)}};
	bench->clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	CL_ASSERT(bench->clock_fd >= 0 && timerfd_settime(bench->clock_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0);
	CL_ASSERT(uv_poll_init(&bench->loop, &bench->clock, bench->clock_fd) == 0);
	bench->clock.data = bench;
	CL_ASSERT(uv_poll_start(&bench->clock, UV_READABLE, on_clock) == 0);
	CL_ASSERT(uv_timer_init(&bench->loop, &bench->end) == 0);
	uv_timer_start(&bench->end, on_end, (uint64_t)(seconds * 1000) + 200 + GRACE_MS, 0);
}

/* -- the result -- */
static int by_value(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* The value that `share` of all do not exceed. */
static double at_ms(const uint64_t *sorted, uint64_t n, double share) {
	if (!n)
		return -1;
	uint64_t i = (uint64_t)((double)n * share);
	return (double)sorted[i < n ? i : n - 1] / 1e6;
}

static uint64_t report(struct bench *bench) {
	uint64_t counted = bench->all - bench->warm, errors = counted - bench->latency_n;
	uint64_t *latencies = bench->latencies, *lateness = bench->lateness, n = bench->latency_n;
	qsort(latencies, n, sizeof *latencies, by_value);
	qsort(lateness, bench->lateness_n, sizeof *lateness, by_value);
	printf("{\"bench\":\"http\",\"rate\":%.0f,\"connections\":%llu,\"requests\":%llu,\"answered\":%llu,\"errors\":%"
	       "llu,"
	       "\"refused\":%llu,\"broken\":%llu,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,"
	       "\"max_ms\":%.3f,\"sent_late_p50_ms\":%.3f,\"sent_late_p99_ms\":%.3f,\"sent_late_max_ms\":%.3f}\n",
	       bench->rate, (unsigned long long)bench->connection_n, (unsigned long long)counted, (unsigned long long)n,
	       (unsigned long long)errors, (unsigned long long)bench->refused, (unsigned long long)bench->broken,
	       at_ms(latencies, n, 0.5), at_ms(latencies, n, 0.9), at_ms(latencies, n, 0.99),
	       at_ms(latencies, n, 0.999), at_ms(latencies, n, 1), at_ms(lateness, bench->lateness_n, 0.5),
	       at_ms(lateness, bench->lateness_n, 0.99), at_ms(lateness, bench->lateness_n, 1));
	if (bench->refused)
		fprintf(stderr, "http: first refusal: %d\n%s\n", bench->first_refusal, bench->first_answer);
	return errors;
}

static int usage(void) {
	fprintf(stderr, "usage: http --address HOST:PORT [--path /api/v1/contacts] [--rate 1000] [--seconds 30]\n"
	                "            [--warm 3] [--connections 64] [--token TOKEN]\n");
	return 2;
}

int main(int argc, char **argv) {
	static struct bench bench = {.path = "/api/v1/contacts", .rate = 1000, .connection_n = 64};
	double seconds = 30, warm = 3;
	char host[64] = "";
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];
		if (!strcmp(argv[i], "--address"))
			bench.host = value;
		else if (!strcmp(argv[i], "--path"))
			bench.path = value;
		else if (!strcmp(argv[i], "--rate"))
			bench.rate = strtod(value, NULL);
		else if (!strcmp(argv[i], "--seconds"))
			seconds = strtod(value, NULL);
		else if (!strcmp(argv[i], "--warm"))
			warm = strtod(value, NULL);
		else if (!strcmp(argv[i], "--connections"))
			bench.connection_n = strtoull(value, NULL, 10);
		else if (!strcmp(argv[i], "--token"))
			bench.token = value;
		else
			return usage();
	}
	const char *colon = bench.host ? strrchr(bench.host, ':') : NULL;
	if (!colon || (size_t)(colon - bench.host) >= sizeof host || bench.rate < 1 || bench.rate > 1e6 ||
	    seconds <= 0 || seconds > 3600 || warm < 0 || warm > 3600 || bench.connection_n < 1 ||
	    bench.connection_n > CONNECTIONS_MAX)
		return usage();
	memcpy(host, bench.host, (size_t)(colon - bench.host));
	if (uv_ip4_addr(host, (int)strtol(colon + 1, NULL, 10), &bench.address) != 0)
		return usage();
	bench.warm = (uint64_t)(warm * bench.rate);
	bench.all = bench.warm + (uint64_t)(seconds * bench.rate);
	bench.latencies = calloc(bench.all + 1, sizeof *bench.latencies);
	bench.lateness = calloc(bench.all + 1, sizeof *bench.lateness);
	CL_ASSERT(bench.latencies && bench.lateness && uv_loop_init(&bench.loop) == 0);
	for (uint64_t i = 0; i < bench.connection_n; i++) {
		struct connection *connection = &bench.connections[i];
		connection->bench = &bench;
		CL_ASSERT(uv_timer_init(&bench.loop, &connection->again) == 0);
		connection->again.data = connection;
		connection_open(connection);
	}
	plan_start(&bench, warm + seconds);
	uv_run(&bench.loop, UV_RUN_DEFAULT);
	uint64_t errors = report(&bench);
	fflush(stdout);
	_exit(errors != 0);
}
