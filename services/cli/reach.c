#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REACH_TIMEOUT_MS 1000

/* connect(2) without waiting longer than the time. */
static int finish_connect(int fd, int timeout_ms) {
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t n = sizeof(error);
	if (poll(&poll_fd, 1, timeout_ms) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0)
		return fd;
	close(fd);
	return -1;
}

int cli_tcp_connect(const char *host_port, int timeout_ms) {
	const char *colon = strrchr(host_port, ':');
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	if (!colon)
		return -1;
	const char *host_start = host_port, *host_end = colon;
	if (*host_start == '[' && colon > host_start && colon[-1] == ']') {
		host_start++;
		host_end--;
	}
	char *host = strndup(host_start, (size_t)(host_end - host_start));
	if (!host || getaddrinfo(*host ? host : NULL, colon + 1, &hints, &list) != 0) {
		free(host);
		return -1;
	}
	int fd = -1;
	for (struct addrinfo *at = list; at && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd < 0)
			continue;
		if (connect(fd, at->ai_addr, at->ai_addrlen) != 0 && errno != EINPROGRESS) {
			close(fd);
			fd = -1;
		} else {
			fd = finish_connect(fd, timeout_ms);
		}
	}
	freeaddrinfo(list);
	free(host);
	return fd;
}

static bool reach_unix(const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	bool there = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return there;
}

bool cli_reach(struct cl_str address) {
	char *text = strndup(address.p ? address.p : "", address.n);
	bool there = false;
	if (text && strncmp(text, "ipc://", 6) == 0) {
		there = reach_unix(text + 6);
	} else if (text && strncmp(text, "tcp://", 6) == 0) {
		int fd = cli_tcp_connect(text + 6, REACH_TIMEOUT_MS);
		there = fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	free(text);
	return there;
}

uint64_t cli_process_start(pid_t pid) {
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The name in parentheses may hold anything: count fields behind the last one. */
	char *p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++) {
		p = strchr(p + 1, ' ');
	}
	return p ? strtoull(p + 1, NULL, 10) : 0;
}

struct cli_supervisor cli_supervisor_find(const char *dir) {
	struct cli_supervisor found = {0};
	char *path = NULL, text[64];
	if (asprintf(&path, "%s/run/supervisor.lock", dir) < 0)
		return found;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	if (fd < 0)
		return found;
	if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
		ssize_t n = read(fd, text, sizeof(text) - 1);
		char *end = text;
		text[n > 0 ? n : 0] = '\0';
		found.running = true;
		found.pid = (pid_t)strtol(text, &end, 10);
		found.start = strtoull(end, NULL, 10);
	}
	close(fd);
	return found;
}

bool cli_supervised(const char *dir) {
	return cli_supervisor_find(dir).running;
}
