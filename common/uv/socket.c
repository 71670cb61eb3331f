#include "uv/socket.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "uv/net.h"
#include "uv/seal.h"

#define RECONNECT_MS 50
#define RECONNECT_MAX_MS 500

static void set(int socket, int option, int value) {
	int r = nn_setsockopt(socket, NN_SOL_SOCKET, option, &value, sizeof(value));
	CL_ASSERT(r == 0);
}

static int open_socket(const char *address, int protocol, int *ret_socket) {
	int s = nn_socket(AF_SP, protocol);
	if (s < 0)
		return nn_errno() == EMFILE ? CL_E_AGAIN : CL_E_IO;
	if (strchr(address, '['))
		set(s, NN_IPV4ONLY, 0);
	*ret_socket = s;
	return CL_OK;
}

static int error_of(int error) {
	switch (error) {
	case EADDRINUSE:
		return CL_E_BUSY;
	case EINVAL:
	case ENAMETOOLONG:
	case EPROTONOSUPPORT:
	case ENODEV:
	case EADDRNOTAVAIL:
		return CL_E_INVALID;
	default:
		return CL_E_IO;
	}
}

int cl_socket_bind(const char *address, int *ret_socket) {
	int s = -1;
	int r = open_socket(address, NN_PULL, &s);
	if (r < 0)
		return r;
	set(s, NN_RCVMAXSIZE, CL_FRAME_MAX + CL_SEAL_OVERHEAD);
	set(s, NN_RCVBUF, CL_SOCKET_BUFFER);
	if (nn_bind(s, address) < 0) {
		r = error_of(nn_errno());
		cl_socket_close(s);
		return r;
	}
	*ret_socket = s;
	return CL_OK;
}

int cl_socket_connect(const char *address, int *ret_socket) {
	int s = -1;
	int r = open_socket(address, NN_PUSH, &s);
	if (r < 0)
		return r;
	set(s, NN_SNDBUF, CL_SOCKET_BUFFER);
	set(s, NN_RECONNECT_IVL, RECONNECT_MS);
	set(s, NN_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
	if (nn_connect(s, address) < 0) {
		r = error_of(nn_errno());
		cl_socket_close(s);
		return r;
	}
	*ret_socket = s;
	return CL_OK;
}

bool cl_socket_writable(int socket) {
	struct nn_pollfd poll = {.fd = socket, .events = NN_POLLOUT};
	int r = nn_poll(&poll, 1, 0);
	return r != 1 ? nn_get_statistic(socket, NN_STAT_CURRENT_CONNECTIONS) == 0 : true;
}

void cl_socket_close(int socket) {
	int r;
	do
		r = nn_close(socket);
	while (r < 0 && nn_errno() == EINTR);
	CL_ASSERT(r == 0);
}
