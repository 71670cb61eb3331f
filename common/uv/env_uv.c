#include "uv/env_uv.h"

#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "uv/failpoint.h"

#define DIED 5 /* exit code of a process that ended on purpose */

struct job {
	struct job *next;
	struct cl_env_uv *env;
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
	uv_work_t work; /* reader lane */
};

struct jobs {
	struct job *first, *last;
};

struct cl_env_uv {
	struct cl_env env; /* first: the table's functions get a pointer to it */
	uv_loop_t *loop;
	struct cl_logger logger;
	struct cl_net *net;
	uv_timer_t timer;
	uv_async_t async;
	void (*on_wake)(void *context);
	void *context;
	void (*on_closed)(void *context);
	void *close_context;
	uint32_t running; /* jobs whose done has not been called */
	uint32_t handles;
	bool closing;
	uv_thread_t writer;
	bool writer_started;
	uv_mutex_t mutex; /* guards the rest */
	uv_cond_t wanted;
	struct jobs queue, finished;
	bool stop;
};

static struct cl_env_uv *self(struct cl_env *env) {
	return (struct cl_env_uv *)env;
}

static void push(struct jobs *jobs, struct job *job) {
	job->next = NULL;
	if (jobs->last)
		jobs->last->next = job;
	else
		jobs->first = job;
	jobs->last = job;
}

static struct job *pop(struct jobs *jobs) {
	struct job *job = jobs->first;
	if (!job)
		return NULL;
	jobs->first = job->next;
	if (!jobs->first)
		jobs->last = NULL;
	return job;
}

/* -- clock, chance, messages -- */

static int64_t env_now_ms(struct cl_env *env) {
	(void)env;
	uv_timeval64_t now;
	int r = uv_gettimeofday(&now);
	CL_ASSERT(r == 0);
	return now.tv_sec * 1000 + now.tv_usec / 1000;
}

static int64_t env_steady_ms(struct cl_env *env) {
	(void)env;
	return (int64_t)(uv_hrtime() / 1000000);
}

static void env_random(struct cl_env *env, void *p, size_t n) {
	(void)env;
	randombytes_buf(p, n);
}

static int env_post(struct cl_env *env, struct cl_str address, uint16_t type, const void *body) {
	struct cl_net *net = self(env)->net;
	return net ? cl_net_post(net, address, type, body) : CL_E_CLOSED;
}

static void on_timer(uv_timer_t *timer) {
	struct cl_env_uv *env = timer->data;
	if (env->on_wake && !env->closing)
		env->on_wake(env->context);
}

static void env_wake_at(struct cl_env *base, int64_t at_ms) {
	struct cl_env_uv *env = self(base);
	if (env->closing)
		return;
	int r;
	if (at_ms == 0) {
		r = uv_timer_stop(&env->timer);
	} else {
		/* uv_timer counts from the loop's cached time, which may lag behind in a long turn. */
		uv_update_time(env->loop);
		int64_t wait_ms = at_ms - env_steady_ms(base);
		r = uv_timer_start(&env->timer, on_timer, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
	}
	CL_ASSERT(r == 0);
}

/* -- lanes -- */

static void on_handle_closed(uv_handle_t *handle) {
	struct cl_env_uv *env = handle->data;
	if (--env->handles > 0)
		return;
	void (*on_closed)(void *context) = env->on_closed;
	void *context = env->close_context;
	uv_mutex_destroy(&env->mutex);
	uv_cond_destroy(&env->wanted);
	free(env);
	if (on_closed)
		on_closed(context);
}

static void close_if_done(struct cl_env_uv *env) {
	if (!env->closing || env->running > 0)
		return;
	if (env->writer_started) {
		uv_mutex_lock(&env->mutex);
		env->stop = true;
		uv_cond_signal(&env->wanted);
		uv_mutex_unlock(&env->mutex);
		int r = uv_thread_join(&env->writer);
		CL_ASSERT(r == 0);
		env->writer_started = false;
	}
	uv_close((uv_handle_t *)&env->timer, on_handle_closed);
	uv_close((uv_handle_t *)&env->async, on_handle_closed);
}

static void finish_job(struct job *job) {
	struct cl_env_uv *env = job->env;
	job->done(job->context);
	free(job);
	env->running--;
}

static void writer_main(void *context) {
	struct cl_env_uv *env = context;
	uv_mutex_lock(&env->mutex);
	for (;;) {
		struct job *job = pop(&env->queue);
		if (!job) {
			if (env->stop)
				break;
			uv_cond_wait(&env->wanted, &env->mutex);
			continue;
		}
		uv_mutex_unlock(&env->mutex);
		CL_FAILPOINT("before_commit");
		job->run(job->context);
		CL_FAILPOINT("after_commit");
		uv_mutex_lock(&env->mutex);
		push(&env->finished, job);
		int r = uv_async_send(&env->async);
		CL_ASSERT(r == 0);
	}
	uv_mutex_unlock(&env->mutex);
}

static void on_async(uv_async_t *async) {
	struct cl_env_uv *env = async->data;
	uv_mutex_lock(&env->mutex);
	struct jobs finished = env->finished;
	env->finished = (struct jobs){0};
	uv_mutex_unlock(&env->mutex);
	for (struct job *job = pop(&finished); job; job = pop(&finished)) {
		CL_FAILPOINT("before_reply");
		finish_job(job);
	}
	close_if_done(env);
}

static void on_work(uv_work_t *work) {
	struct job *job = work->data;
	job->run(job->context);
}

static void on_work_done(uv_work_t *work, int status) {
	struct job *job = work->data;
	struct cl_env_uv *env = job->env;
	CL_ASSERT(status == 0);
	finish_job(job);
	close_if_done(env);
}

/* The thread is made with the first job: clients have none. */
static void start_writer(struct cl_env_uv *env) {
	if (env->writer_started)
		return;
	int r = uv_thread_create(&env->writer, writer_main, env);
	CL_ASSERT(r == 0);
	env->writer_started = true;
}

static void env_work(struct cl_env *base, enum cl_lane lane, void (*run)(void *context), void (*done)(void *context),
                     void *context) {
	struct cl_env_uv *env = self(base);
	struct job *job = calloc(1, sizeof(*job));
	CL_ASSERT(job);
	*job = (struct job){.env = env, .run = run, .done = done, .context = context};
	env->running++;
	if (lane == CL_LANE_READER) {
		job->work.data = job;
		int r = uv_queue_work(env->loop, &job->work, on_work, on_work_done);
		CL_ASSERT(r == 0);
		return;
	}
	start_writer(env);
	uv_mutex_lock(&env->mutex);
	push(&env->queue, job);
	uv_cond_signal(&env->wanted);
	uv_mutex_unlock(&env->mutex);
}

/* -- words -- */

__attribute__((format(printf, 4, 5))) static void env_log(struct cl_env *env, enum cl_severity severity,
                                                          const char *event, const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	cl_logger_vwrite(&self(env)->logger, severity, event, format, arguments);
	va_end(arguments);
}

static void env_die(struct cl_env *env, const char *reason) {
	cl_logger_write(&self(env)->logger, CL_ERROR, "died", "reason=\"%s\"", reason);
	_exit(DIED); /* nothing of this process's memory may be written any more, not even by exit handlers */
}

static const struct cl_env_ops ops = {
        .now_ms = env_now_ms,
        .steady_ms = env_steady_ms,
        .random = env_random,
        .post = env_post,
        .wake_at = env_wake_at,
        .work = env_work,
        .log = env_log,
        .die = env_die,
};

/* -- life -- */

int cl_env_uv_open(uv_loop_t *loop, const struct cl_logger *logger, void (*on_wake)(void *context), void *context,
                   struct cl_env_uv **ret_env) {
	struct cl_env_uv *env = calloc(1, sizeof(*env));
	CL_ASSERT(env);
	*env = (struct cl_env_uv){
	        .env = {&ops}, .loop = loop, .logger = *logger, .on_wake = on_wake, .context = context, .handles = 2};
	if (uv_mutex_init(&env->mutex) < 0 || uv_cond_init(&env->wanted) < 0 ||
	    uv_async_init(loop, &env->async, on_async) < 0) {
		free(env); /* out of descriptors or memory at start: the caller ends the process */
		return CL_E_IO;
	}
	int r = uv_timer_init(loop, &env->timer);
	CL_ASSERT(r == 0);
	env->timer.data = env->async.data = env;
	*ret_env = env;
	return CL_OK;
}

struct cl_env *cl_env_uv_env(struct cl_env_uv *env) {
	return &env->env;
}

void cl_env_uv_set_net(struct cl_env_uv *env, struct cl_net *net) {
	env->net = net;
}

void cl_env_uv_close(struct cl_env_uv *env, void (*on_closed)(void *context), void *context) {
	CL_ASSERT(!env->closing);
	env->closing = true;
	env->on_closed = on_closed;
	env->close_context = context;
	close_if_done(env);
}
