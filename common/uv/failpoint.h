/* Named places where a test kills the process: CL_FAILPOINT="name:count[,name:count]" in the environment ends it with
 * SIGKILL at the count-th pass. Built in only with -DCL_FAILPOINTS=ON; nothing at all otherwise. Names: before_commit,
 * after_commit, before_reply (writer lane), mid_frame (between two messages of one frame), before_post. */
#ifndef CL_UV_FAILPOINT_H
#define CL_UV_FAILPOINT_H

#ifdef CL_FAILPOINTS
void cl_failpoint_pass(const char *name); /* any thread */
#define CL_FAILPOINT(name) cl_failpoint_pass(name)
#else
#define CL_FAILPOINT(name) ((void)0)
#endif

#endif
