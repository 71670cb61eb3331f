#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "uv/process.h"

static void tell_descriptor(const char *text) {
	static const char ready[] = "READY=1\n";
	uint64_t fd;
	if (cl_str_u64(cl_str_from(text), &fd) < 0 || fd < 3 || fd > 1048576)
		return;
	ssize_t n;
	do
		n = write((int)fd, ready, sizeof(ready) - 1);
	while (n < 0 && errno == EINTR);
	close((int)fd);
}

/* sd_notify(3): one datagram; a path that begins with @ is an abstract socket. */
static void tell_systemd(const char *path) {
	static const char ready[] = "READY=1";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || n >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, n);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	/* Nobody to tell: systemd's start-up time-out will say so. */
	(void)!sendto(fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL, (struct sockaddr *)&address, size);
	close(fd);
}

void cl_process_ready(void) {
	const char *descriptor = getenv("CL_READY_FD");
	const char *path = getenv("NOTIFY_SOCKET");
	if (descriptor)
		tell_descriptor(descriptor);
	if (path)
		tell_systemd(path);
}
