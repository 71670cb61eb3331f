/* The frame codec: what is written is read again; whatever else arrives is refused without harm. */
#include "uv_help.h"

#include <stdlib.h>

#include "codec.h"
#include "uv/frame.h"
#include "uv/net.h"

struct seen {
	uint32_t n;
	uint16_t types[64];
	struct cl_str sender;
	const void *bodies[64];
};

static void on_message(void *context, struct cl_str sender, uint16_t type, const void *body) {
	struct seen *seen = context;
	assert_true(seen->n < 64);
	seen->sender = sender;
	seen->types[seen->n] = type;
	seen->bodies[seen->n++] = body;
}

static const uint16_t wire_types[] = {
        CL_T_wire_command, CL_T_wire_reply,     CL_T_wire_get,     CL_T_wire_state,  CL_T_wire_query,
        CL_T_wire_answer,  CL_T_wire_subscribe, CL_T_wire_records, CL_T_wire_credit, CL_T_wire_subscription_ended};
#define TYPES (sizeof(wire_types) / sizeof(*wire_types))

/* A random frame of 1..8 messages; the bodies written are kept in bodies. */
static uint32_t random_frame(uint64_t *state, struct cl_arena *arena, struct cl_buf *out, uint16_t *types,
                             const void **bodies) {
	uint32_t n = 0, want = 1 + (uint32_t)(rng(state) % 8);
	cl_frame_begin(out, CL_STR("support/3"));
	for (uint32_t i = 0; i < want; i++) {
		uint16_t type = wire_types[rng(state) % TYPES];
		void *body = cl_arena_alloc(arena, cl_schema_by_type(type)->size);
		cl_random_value(cl_schema_by_type(type), state, arena, body);
		if (out->n > 262144 || cl_frame_put(out, type, body) != CL_OK)
			continue;
		types[n] = type;
		bodies[n++] = body;
	}
	cl_frame_end(out, 0, n);
	return n;
}

static void round_trip(void **unused) {
	(void)unused;
	uint64_t state = seed_of("frame round trip");
	struct cl_arena arena;
	struct cl_buf frame;
	cl_arena_init(&arena, 65536);
	cl_buf_init(&frame);
	for (int round = 0; round < 300; round++) {
		uint16_t types[8];
		const void *bodies[8];
		cl_buf_clear(&frame);
		uint32_t n = random_frame(&state, &arena, &frame, types, bodies);
		struct seen seen = {0};
		size_t offset = 0;
		assert_int_equal(cl_frame_decode(cl_buf_bytes(&frame), &arena, on_message, &seen, &offset), CL_OK);
		assert_int_equal(seen.n, n);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(seen.types[i], types[i]);
			assert_true(cl_equal(cl_schema_by_type(types[i]), seen.bodies[i], bodies[i]));
		}
		assert_true(n == 0 || cl_str_eqc(seen.sender, "support/3"));
		cl_arena_reset(&arena);
	}
	cl_buf_done(&frame);
	cl_arena_done(&arena);
}

/* Flipped, cut, lengthened, overwritten with lead bytes that claim much: never a crash (the sanitizers watch), and the
 * offset lies in the frame. */
static void mutation(void **unused) {
	(void)unused;
	uint64_t state = seed_of("frame mutation");
	static const uint8_t leads[] = {0xdd, 0xdf, 0xdb, 0xc6, 0xc9, 0xdc, 0x9f, 0x8f, 0xc1, 0xff};
	struct cl_arena arena;
	struct cl_buf frame;
	cl_arena_init(&arena, 65536);
	cl_buf_init(&frame);
	uint32_t refused = 0;
	for (int round = 0; round < 3000; round++) {
		uint16_t types[8];
		const void *bodies[8];
		cl_buf_clear(&frame);
		random_frame(&state, &arena, &frame, types, bodies);
		uint32_t changes = 1 + (uint32_t)(rng(&state) % 4);
		for (uint32_t i = 0; i < changes; i++) {
			size_t at = rng(&state) % (rng(&state) % 2 ? frame.n : (frame.n < 40 ? frame.n : 40));
			uint64_t kind = rng(&state) % 4;
			if (kind == 0)
				frame.p[at] ^= (uint8_t)(1u << (rng(&state) % 8));
			else if (kind == 1)
				frame.p[at] = leads[rng(&state) % sizeof(leads)];
			else if (kind == 2)
				frame.n = at ? at : 1;
			else
				cl_buf_putc(&frame, (char)rng(&state));
		}
		/* A copy of exactly these bytes, so that a read beyond them is seen. */
		uint8_t *exact = malloc(frame.n);
		assert_non_null(exact);
		memcpy(exact, frame.p, frame.n);
		struct seen seen = {0};
		size_t offset = 0;
		int r = cl_frame_decode((struct cl_bytes){exact, (uint32_t)frame.n}, &arena, on_message, &seen,
		                        &offset);
		if (r < 0) {
			refused++;
			assert_true(offset <= frame.n);
			assert_int_equal(seen.n, 0); /* whole or not at all */
		}
		free(exact);
		cl_arena_reset(&arena);
	}
	assert_true(refused > 1000);
	cl_buf_done(&frame);
	cl_arena_done(&arena);
}

static int decode(const void *p, size_t n, size_t *ret_offset) {
	struct cl_arena arena;
	struct seen seen = {0};
	cl_arena_init(&arena, 1024);
	int r = cl_frame_decode((struct cl_bytes){p, (uint32_t)n}, &arena, on_message, &seen, ret_offset);
	cl_arena_done(&arena);
	return r;
}

#define DECODE(bytes, offset) decode(bytes, sizeof(bytes) - 1, offset)

static void refused_shapes(void **unused) {
	(void)unused;
	size_t offset = 0;
	assert_int_equal(decode("", 0, &offset), CL_E_TRUNCATED);
	assert_int_equal(DECODE("\x80", &offset), CL_E_MALFORMED);
	assert_int_equal(DECODE("\x91\x01", &offset), CL_E_MALFORMED); /* no sender */
	assert_int_equal(DECODE("\x92\x02\xa8intake/0", &offset), CL_E_UNSUPPORTED);
	assert_int_equal(offset, 1);
	assert_int_equal(DECODE("\x92\x01\xa8intake", &offset), CL_E_TRUNCATED);
	/* Claims of four thousand million: refused before anything is reserved. */
	assert_int_equal(DECODE("\xdd\xff\xff\xff\xff\x01\xa8intake/0", &offset), CL_E_MALFORMED);
	assert_int_equal(DECODE("\x93\x01\xa8intake/0\x92\xcd\x30\x01\xdf\xff\xff\xff\xff", &offset), CL_E_TRUNCATED);
	assert_int_equal(DECODE("\x93\x01\xa8intake/0\x91\x01", &offset), CL_E_TRUNCATED);
	assert_int_equal(DECODE("\x93\x01\xa8intake/0\x91\x01\x80", &offset), CL_E_MALFORMED);
	assert_int_equal(DECODE("\x93\x01\xa8intake/0\x92\xce\x00\x01\x00\x00\x80", &offset), CL_E_RANGE);
	assert_int_equal(DECODE("\x92\x01\xa8intake/0 ", &offset), CL_E_MALFORMED); /* bytes behind */
	assert_int_equal(offset, 11);
	/* Nested beyond the bound. */
	char deep[64] = "\x93\x01\xa8intake/0\x92\xcd\x30\x01";
	memset(deep + 15, 0x91, 40);
	deep[55] = 0x01;
	assert_int_equal(decode(deep, 56, &offset), CL_E_TOODEEP);
	/* A body that breaks its schema: wire_credit without an id. */
	assert_int_equal(DECODE("\x93\x01\xa8intake/0\x92\xcd\x30\x09\x81\x02\x05", &offset), CL_E_INVALID);
	/* Too big. */
	char *big = calloc(1, CL_FRAME_MAX + 1);
	assert_non_null(big);
	assert_int_equal(decode(big, CL_FRAME_MAX + 1, &offset), CL_E_TOOBIG);
	free(big);
}

/* A newer peer may say things that we do not know: they are skipped, the rest is heard. */
static void unknown_types_are_skipped(void **unused) {
	(void)unused;
	struct cl_arena arena;
	struct seen seen = {0};
	size_t offset = 0;
	cl_arena_init(&arena, 1024);
	static const char frame[] = "\x94\x01\xa8intake/0\x92\xcd\x3f\xff\x81\x01\xa1x\x92\xcd\x30\x09\x82\x01\xc4\x10"
	                            "0123456789abcdef\x02\x05";
	assert_int_equal(cl_frame_decode((struct cl_bytes){(const uint8_t *)frame, sizeof(frame) - 1}, &arena,
	                                 on_message, &seen, &offset),
	                 CL_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.types[0], CL_T_wire_credit);
	assert_int_equal(((const struct wire_credit *)seen.bodies[0])->credit, 5);
	cl_arena_done(&arena);
}

static void roles(void **unused) {
	(void)unused;
	assert_int_equal(cl_sender_role(CL_STR("intake/0")), CL_SENDER_SERVICE);
	assert_int_equal(cl_sender_role(CL_STR("reporting/12")), CL_SENDER_SERVICE);
	assert_int_equal(cl_sender_role(CL_STR("gateway/99-ab")), CL_SENDER_CLIENT);
	assert_int_equal(cl_sender_role(CL_STR("client/1")), CL_SENDER_CLIENT);
	static const char *const strangers[] = {"",          "intake",     "intake/",    "/0",        "nobody/1",
	                                        "intake /0", "intake/0\n", "client/\"1", "client/a=b"};
	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++)
		assert_int_equal(cl_sender_role(cl_str_from(strangers[i])), CL_SENDER_UNKNOWN);
	for (size_t i = 0; i < TYPES; i++) {
		assert_true(cl_sender_may(CL_SENDER_SERVICE, wire_types[i]));
		assert_false(cl_sender_may(CL_SENDER_UNKNOWN, wire_types[i]));
	}
	assert_true(cl_sender_may(CL_SENDER_CLIENT, CL_T_wire_command));
	assert_true(cl_sender_may(CL_SENDER_CLIENT, CL_T_wire_subscribe));
	assert_false(cl_sender_may(CL_SENDER_CLIENT, CL_T_wire_records));
	assert_false(cl_sender_may(CL_SENDER_CLIENT, CL_T_wire_reply));
	assert_false(cl_sender_may(CL_SENDER_CLIENT, CL_T_wire_state));
}

static void put_refuses(void **unused) {
	(void)unused;
	struct cl_buf out;
	cl_buf_init(&out);
	cl_frame_begin(&out, CL_STR("intake/0"));
	size_t before = out.n;
	struct wire_credit credit = {.credit = 5}; /* no id */
	assert_int_equal(cl_frame_put(&out, CL_T_wire_credit, &credit), CL_E_INVALID);
	assert_int_equal(out.n, before);
	/* Three records of a MiB each are right one by one, but fit no frame. */
	uint8_t *mib = calloc(1, 1048576);
	struct wire_record records[3];
	for (int i = 0; i < 3; i++)
		records[i] = (struct wire_record){.record = {mib, 1048576}, .hash = {{1}}};
	struct wire_records message = {.id = {{1}}, .upto = 3, .upto_hash = {{1}}, .head = 3};
	message.records.v = records;
	message.records.n = 3;
	assert_int_equal(cl_frame_put(&out, CL_T_wire_records, &message), CL_E_TOOBIG);
	assert_int_equal(out.n, before);
	free(mib);
	cl_buf_done(&out);
}

/* The example of PROTOCOL.md, byte for byte. */
static void the_documented_example(void **unused) {
	(void)unused;
	static const uint8_t documented[] = {0x93, 0x01, 0xa8, 'c',  'l',  'i',  'e',  'n',  't', '/', '7',
	                                     0x92, 0xcd, 0x30, 0x09, 0x82, 0x01, 0xc4, 0x10, 0,   1,   2,
	                                     3,    4,    5,    6,    7,    8,    9,    10,   11,  12,  13,
	                                     14,   15,   0x02, 0xce, 0x00, 0x01, 0x00, 0x00};
	struct cl_arena arena;
	struct seen seen = {0};
	size_t offset = 0;
	assert_int_equal(sizeof(documented), 41);
	cl_arena_init(&arena, 1024);
	assert_int_equal(
	        cl_frame_decode((struct cl_bytes){documented, sizeof(documented)}, &arena, on_message, &seen, &offset),
	        CL_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.types[0], CL_T_wire_credit);
	assert_int_equal(((const struct wire_credit *)seen.bodies[0])->credit, 65536);
	struct cl_buf ours;
	cl_buf_init(&ours);
	cl_frame_begin(&ours, CL_STR("client/7"));
	size_t head = ours.n;
	assert_int_equal(cl_frame_put(&ours, CL_T_wire_credit, seen.bodies[0]), CL_OK);
	assert_int_equal(ours.n - head, sizeof(documented) - 11);
	assert_memory_equal(ours.p + head, documented + 11, sizeof(documented) - 11);
	cl_buf_done(&ours);
	cl_arena_done(&arena);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(round_trip),
	        cmocka_unit_test(mutation),
	        cmocka_unit_test(refused_shapes),
	        cmocka_unit_test(unknown_types_are_skipped),
	        cmocka_unit_test(roles),
	        cmocka_unit_test(put_refuses),
	        cmocka_unit_test(the_documented_example),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
