/* Addresses of inboxes: "ipc:///absolute/path" and "tcp://host:port". */
#include <sys/un.h>

#include "uv/config.h"

#define NANOMSG_ADDRESS_MAX 128 /* NN_SOCKADDR_MAX of nanomsg 1.1.5 */
#define IPC CL_STR("ipc://")
#define TCP CL_STR("tcp://")

static struct cl_str after(struct cl_str s, struct cl_str prefix) {
	return (struct cl_str){s.p + prefix.n, s.n - prefix.n};
}

static bool host_character(char c) {
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
}

/* host and port of "host:port" or "[v6]:port". */
static int split(struct cl_str rest, struct cl_str *ret_host, uint64_t *ret_port) {
	uint32_t colon = rest.n;
	while (colon > 0 && rest.p[colon - 1] != ':')
		colon--;
	if (colon < 2)
		return CL_E_INVALID;
	struct cl_str host = {rest.p, colon - 1};
	struct cl_str port = {rest.p + colon, rest.n - colon};
	bool v6 = host.p[0] == '[';
	if (v6 && (host.n < 4 || host.p[host.n - 1] != ']'))
		return CL_E_INVALID;
	for (uint32_t i = v6; i < host.n - v6; i++)
		if (!host_character(host.p[i]) && !(v6 && host.p[i] == ':'))
			return CL_E_INVALID;
	if (cl_str_u64(port, ret_port) < 0 || *ret_port == 0 || *ret_port > 65535)
		return CL_E_RANGE;
	*ret_host = host;
	return CL_OK;
}

int cl_address_check(struct cl_str address) {
	if (address.n >= NANOMSG_ADDRESS_MAX)
		return CL_E_TOOBIG;
	if (cl_str_starts(address, IPC)) {
		struct cl_str path = after(address, IPC);
		if (path.n < 2 || path.p[0] != '/' || memchr(path.p, 0, path.n))
			return CL_E_INVALID;
		return path.n < sizeof(((struct sockaddr_un *)0)->sun_path) ? CL_OK : CL_E_TOOBIG;
	}
	if (!cl_str_starts(address, TCP))
		return CL_E_INVALID;
	struct cl_str host;
	uint64_t port;
	return split(after(address, TCP), &host, &port);
}

bool cl_address_loopback(struct cl_str address) {
	if (cl_str_starts(address, IPC))
		return true;
	struct cl_str host;
	uint64_t port;
	if (!cl_str_starts(address, TCP) || split(after(address, TCP), &host, &port) < 0)
		return false;
	if (cl_str_eqc(host, "localhost") || cl_str_eqc(host, "[::1]"))
		return true;
	/* 127.0.0.0/8 (RFC 1122 3.2.1.3); a name such as "127.example" is not in it */
	if (!cl_str_starts(host, CL_STR("127.")))
		return false;
	for (uint32_t i = 0; i < host.n; i++)
		if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
			return false;
	return true;
}
