/* The few nanomsg sockets we use, with their options set. */
#ifndef CL_UV_SOCKET_H
#define CL_UV_SOCKET_H

#include <stdbool.h>

#include "base/error.h"

#define CL_SOCKET_BUFFER 1048576 /* bytes of the kernel's buffers, each way */

/* A PULL inbox at the address. BUSY: somebody else listens there; INVALID; IO. */
CL_MUST_CHECK int cl_socket_bind(const char *address, int *ret_socket);
/* A PUSH socket to the address; it connects, and connects again, by itself. */
CL_MUST_CHECK int cl_socket_connect(const char *address, int *ret_socket);
bool cl_socket_writable(int socket); /* would take a message at once, or has no one to send to */
void cl_socket_close(int socket);

#endif
