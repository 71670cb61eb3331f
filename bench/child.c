#include "child.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"

pid_t bench_serve(const char *dir) {
	int ready[2];
	char fd[16];
	CL_ASSERT(pipe(ready) == 0);
	pid_t pid = fork();
	CL_ASSERT(pid >= 0);
	if (pid == 0) {
		close(ready[0]);
		snprintf(fd, sizeof(fd), "%d", ready[1]);
		setenv("CL_READY_FD", fd, 1);
		execl("/proc/self/exe", "bench", "--serve", "--dir", dir, "--partition", "0", (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	char byte;
	CL_ASSERT(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	return pid;
}
