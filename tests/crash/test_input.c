/* Bytes that no peer of ours would send, into every service's inbox: each is counted as refused, the service lives and
 * serves on. */
#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "uv/frame.h"

#define FRAME_MAX 2097152 /* PROTOCOL.md §1 */

struct scene {
	struct rig rig;
	struct load *load;
};

static int setup(void **state) {
	*state = calloc(1, sizeof(struct scene));
	return *state ? 0 : -1;
}

static int teardown(void **state) {
	struct scene *scene = *state;
	rig_close(&scene->rig);
	load_free(scene->load);
	free(scene);
	return 0;
}

/* -- frames -- */

static void head(struct cl_buf *out, uint32_t messages, const char *sender) {
	cl_buf_putc(out, (char)(0x92 + messages)); /* [version, sender, message…] */
	cl_buf_putc(out, 1);
	cl_buf_putc(out, (char)(0xa0 + strlen(sender)));
	cl_buf_puts(out, sender);
}

static void nested(struct cl_buf *out, uint32_t depth) {
	for (uint32_t i = 0; i < depth; i++)
		cl_buf_putc(out, (char)0x91);
	cl_buf_putc(out, 0);
}

static void fill(struct cl_buf *out, size_t n, uint64_t *seed) {
	while (out->n < n)
		cl_buf_putc(out, (char)rig_random(seed));
}

static void reserve_4_gib(struct cl_buf *out) {
	cl_buf_put(out, "\xdd\x07\xff\xff\xff", 5);
}

enum frame {
	EMPTY,
	FOUR_GIB,             /* the five bytes alone */
	FOUR_GIB_OF_MESSAGES, /* as the frame's own count is wrong */
	FOUR_GIB_IN_BODY,
	DEEP, /* 1 MiB of [[[[… */
	DEEP_IN_BODY,
	LONG_TEXT, /* says 4 GiB, brings none */
	OTHER_VERSION,
	NOT_A_MAP,
	WRONG_FIELD, /* a query whose name is a number */
	TOO_LONG_FIELD,
	TRAILING, /* a good frame and a byte */
	CUT,      /* a good frame less a byte */
	NOISE,
	NOISE_FULL, /* as long as a frame may be */
	FRAMES,
	/* these are frames, but not from somebody who may send them */
	UNKNOWN_ROLE = FRAMES,
	NOT_OF_ROLE, /* a client says "records" */
	FRAMES_BAD,
	GOOD = FRAMES_BAD, /* what CUT and TRAILING were made of: nobody minds */
	FRAMES_ALL
};

/* [0x3005, {1: id, 2: reply_to, 3: name}] */
static void query(struct cl_buf *out, const char *name, size_t name_n) {
	cl_buf_put(out,
	           "\x92\xcd\x30\x05\x83\x01\xc4\x10"
	           "0123456789abcdef"
	           "\x02\xac"
	           "ipc:///a/b/c"
	           "\x03",
	           39);
	cl_buf_putc(out, (char)0xda);
	cl_buf_putc(out, (char)(name_n >> 8));
	cl_buf_putc(out, (char)name_n);
	cl_buf_put(out, name, name_n);
}

static void with_body(enum frame frame, struct cl_buf *out) {
	static char name[60000];
	head(out, 1, frame == UNKNOWN_ROLE ? "stranger/1" : "client/1");
	if (frame == FOUR_GIB_IN_BODY || frame == DEEP_IN_BODY || frame == NOT_A_MAP || frame == WRONG_FIELD)
		cl_buf_put(out, "\x92\xcd\x30\x05", 4);
	if (frame == FOUR_GIB_IN_BODY) {
		cl_buf_put(out, "\x81\x04", 2);
		reserve_4_gib(out);
	} else if (frame == DEEP_IN_BODY) {
		cl_buf_put(out, "\x81\x04", 2);
		nested(out, 10000);
	} else if (frame == NOT_A_MAP) {
		cl_buf_putc(out, 7);
	} else if (frame == WRONG_FIELD) {
		cl_buf_put(out, "\x81\x03\x07", 3);
	} else if (frame == TOO_LONG_FIELD) {
		memset(name, 'x', sizeof(name));
		query(out, name, sizeof(name));
	} else if (frame == NOT_OF_ROLE) {
		cl_buf_put(out,
		           "\x92\xcd\x30\x08\x81\x01\xc4\x10"
		           "0123456789abcdef",
		           24);
	} else {
		query(out, "status", 6);
		if (frame == TRAILING)
			cl_buf_putc(out, 0);
		else if (frame == CUT)
			out->n--;
	}
}

static void make(enum frame frame, struct cl_buf *out, uint64_t *seed) {
	switch (frame) {
	case EMPTY:
		return;
	case FOUR_GIB:
		reserve_4_gib(out);
		return;
	case FOUR_GIB_OF_MESSAGES:
		reserve_4_gib(out);
		cl_buf_put(out,
		           "\x01\xa8"
		           "client/1",
		           10);
		return;
	case DEEP:
		nested(out, 1u << 20);
		return;
	case LONG_TEXT:
		cl_buf_put(out,
		           "\x93\x01\xdb\xff\xff\xff\xff"
		           "client",
		           13);
		return;
	case OTHER_VERSION:
		cl_buf_put(out,
		           "\x92\x02\xa8"
		           "client/1",
		           11);
		return;
	case NOISE:
		fill(out, 1 + rig_random(seed) % 4096, seed);
		return;
	case NOISE_FULL:
		fill(out, FRAME_MAX, seed);
		return;
	case FOUR_GIB_IN_BODY:
	case DEEP_IN_BODY:
	case NOT_A_MAP:
	case WRONG_FIELD:
	case TOO_LONG_FIELD:
	case TRAILING:
	case CUT:
	case UNKNOWN_ROLE:
	case NOT_OF_ROLE:
	case GOOD:
		with_body(frame, out);
		return;
	case FRAMES_ALL:
		break;
	}
}

/* -- a stranger at the door -- */

static int door(struct scene *scene, const struct rig_member *member) {
	struct cl_str address = cl_config_address(&scene->rig.config, member->service, member->partition);
	char *text = rig_text(CL_STR_FMT, CL_STR_ARG(address));
	int limit_ms = 20000, socket = nn_socket(AF_SP, NN_PUSH);
	assert_true(socket >= 0);
	assert_int_equal(nn_setsockopt(socket, NN_SOL_SOCKET, NN_SNDTIMEO, &limit_ms, sizeof(limit_ms)), 0);
	assert_true(nn_connect(socket, text) >= 0);
	free(text);
	return socket;
}

static void throw_in(int socket, const struct cl_buf *bytes) {
	if (nn_send(socket, bytes->n ? (const void *)bytes->p : "", bytes->n, 0) < 0)
		fail_msg("%s", nn_strerror(nn_errno()));
}

static uint64_t figure(struct scene *scene, const struct rig_member *member, const char *name) {
	char *json = rig_query(&scene->rig, member, "status", 20000);
	assert_non_null(json);
	uint64_t value = rig_number(json, name);
	free(json);
	return value;
}

static void counted(struct scene *scene, const struct rig_member *member, const char *name, uint64_t wanted) {
	uint64_t end_ns = uv_hrtime() + UINT64_C(20000000000), n;
	do /* each look is a question answered by the service */
		n = figure(scene, member, name);
	while (n < wanted && uv_hrtime() < end_ns);
	if (n != wanted)
		fprintf(stderr, "%s: %s\n", member->name, name);
	assert_int_equal(n, wanted);
}

/* nanomsg itself shuts the door on a frame that is too long, without a word; only its sender suffers. */
static void too_long(struct scene *scene, const struct rig_member *member, uint64_t *seed) {
	struct cl_buf bytes;
	int socket = door(scene, member);
	cl_buf_init(&bytes);
	fill(&bytes, FRAME_MAX + 4096, seed);
	throw_in(socket, &bytes);
	cl_buf_done(&bytes);
	assert_true(figure(scene, member, "seq") > 0);
	nn_close(socket);
}

static void bad_frames(struct scene *scene, const struct rig_member *member, uint64_t *seed) {
	struct cl_buf bytes;
	int socket = door(scene, member);
	pid_t pid = rig_pid(&scene->rig, member);
	uint64_t malformed = figure(scene, member, "malformed"), denied = figure(scene, member, "denied");
	assert_true(pid > 0);
	for (enum frame frame = EMPTY; frame < FRAMES_ALL; frame++) {
		cl_buf_init(&bytes);
		make(frame, &bytes, seed);
		throw_in(socket, &bytes);
		cl_buf_done(&bytes);
	}
	counted(scene, member, "malformed", malformed + FRAMES);
	counted(scene, member, "denied", denied + FRAMES_BAD - FRAMES);
	too_long(scene, member, seed);
	for (uint32_t i = 0; i < 500; i++) { /* and a crowd of them */
		cl_buf_init(&bytes);
		cl_buf_putc(&bytes, (char)0xc1); /* no msgpack begins so */
		fill(&bytes, 1 + rig_random(seed) % 2000, seed);
		throw_in(socket, &bytes);
		cl_buf_done(&bytes);
	}
	counted(scene, member, "malformed", malformed + FRAMES + 500);
	nn_close(socket);
	char *metrics = rig_query(&scene->rig, member, "metrics", 20000);
	assert_non_null(metrics);
	char *line =
	        rig_text("careloop_net_malformed_total{service=\\\"%.*s\\\",partition=\\\"0\\\"} %llu",
	                 (int)strcspn(member->name, "-"), member->name, (unsigned long long)(malformed + FRAMES + 500));
	assert_non_null(strstr(metrics, line));
	free(line);
	free(metrics);
	assert_int_equal(rig_pid(&scene->rig, member), pid);
}

static void bad_input_over_the_wire(void **state) {
	struct scene *scene = *state;
	uint64_t seed = rig_seed("bad_input_over_the_wire");
	char *said = NULL;
	rig_open(&scene->rig, NULL);
	rig_up(&scene->rig);
	assert_int_equal(rig_careloop(&scene->rig, &said, "configure", "defaults", NULL), 0);
	free(said);
	scene->load = load_new(&scene->rig, 20);
	load_push(scene->load); /* honest work goes on meanwhile */
	for (uint32_t i = 0; i < scene->rig.member_n; i++) {
		load_push(scene->load);
		bad_frames(scene, &scene->rig.members[i], &seed);
	}
	load_finish(scene->load, 40);
	rig_drained(&scene->rig);
	rig_down(&scene->rig);
	printf("%d frames of %d sorts into each of %u services, all refused and counted\n", FRAMES_ALL + 500,
	       FRAMES_ALL + 2, scene->rig.member_n);
	for (uint32_t i = 0; i < scene->rig.member_n; i++)
		assert_int_equal(rig_starts(&scene->rig, &scene->rig.members[i]), 1);
	audit(&scene->rig, scene->load);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(bad_input_over_the_wire, setup, teardown),
	};
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
