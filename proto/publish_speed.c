/* Measures the codec on one event: proto/README.md quotes it. */
#include <msgpack.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "codec.h"
#include "publish.h"

#define BATCH 20000
#define BATCHES 50

struct subject {
	const struct cl_schema *schema;
	void *value, *back;
	struct cl_buf bytes, out;
	struct cl_arena arena;
	msgpack_zone zone;
};

static void encode(struct subject *s) {
	cl_buf_clear(&s->out);
	cl_encode(s->schema, s->value, &s->out);
}

static void decode(struct subject *s) {
	cl_arena_reset(&s->arena);
	CL_ASSERT(cl_decode(s->schema, cl_buf_bytes(&s->bytes), &s->arena, s->back, NULL) == CL_OK);
}

static void decode_trusted(struct subject *s) {
	cl_arena_reset(&s->arena);
	CL_ASSERT(cl_decode_trusted(s->schema, cl_buf_bytes(&s->bytes), &s->arena, s->back) == CL_OK);
}

static void scan(struct subject *s) {
	size_t used;
	CL_ASSERT(cl_msgpack_scan(cl_buf_bytes(&s->bytes), &used, NULL) == CL_OK);
}

/* msgpack-c's tree of objects, its zone reused: what a decoder on top of it would start from. */
static void tree(struct subject *s) {
	msgpack_object object;
	size_t offset = 0;
	msgpack_zone_clear(&s->zone);
	CL_ASSERT(msgpack_unpack((const char *)s->bytes.p, s->bytes.n, &offset, &s->zone, &object) ==
	          MSGPACK_UNPACK_SUCCESS);
}

/* Nanoseconds of one call, in the quickest of many batches: what else runs on the machine only adds. */
static double measure(void (*work)(struct subject *), struct subject *s) {
	double best = 1e9;
	for (int batch = 0; batch < BATCHES; batch++) {
		struct timespec start, end;
		clock_gettime(CLOCK_MONOTONIC, &start);
		for (int i = 0; i < BATCH; i++)
			work(s);
		clock_gettime(CLOCK_MONOTONIC, &end);
		double ns = (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
		if (ns / BATCH < best)
			best = ns / BATCH;
	}
	return best;
}

void cl_publish_speed(struct cl_buf *out) {
	static const struct {
		const char *name;
		void (*work)(struct subject *);
	} works[] = {{"encode", encode},
	             {"decode, checked", decode},
	             {"decode, trusted", decode_trusted},
	             {"scan alone", scan},
	             {"msgpack-c tree alone", tree}};
	struct contact_registered contact = {
	        .channel = CHANNEL_PHONE,
	        .name = CL_STR("Nguyễn Văn An"),
	        .phone = CL_STR("+84912345678"),
	        .email = CL_STR("an@example.vn"),
	        .subject = CL_STR("Máy in hỏng"),
	        .text = CL_STR("Máy in ở phòng kế toán không in được từ sáng nay, đèn đỏ nhấp nháy."),
	        .product = CL_STR("LaserJet"),
	        .quantity = 2,
	        .customer_id = {{1}},
	        .received_by = CL_STR("nv01"),
	        .source_key = CL_STR("web:123"),
	        .phone_identity = {{3}},
	};
	struct contact_registered back;
	struct subject s = {.schema = &cl_schema_contact_registered, .value = &contact, .back = &back};
	cl_buf_init(&s.bytes);
	cl_buf_init(&s.out);
	cl_arena_init(&s.arena, 4096);
	CL_ASSERT(msgpack_zone_init(&s.zone, 8192));
	cl_encode(s.schema, s.value, &s.bytes);
	cl_buf_printf(out, "%s, 12 fields, %zu bytes\n", s.schema->name, s.bytes.n);
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		double ns = measure(works[i].work, &s);
		cl_buf_printf(out, "%-22s %6.0f ns  %6.2f M/s\n", works[i].name, ns, 1e3 / ns);
	}
	msgpack_zone_destroy(&s.zone);
	cl_arena_done(&s.arena);
	cl_buf_done(&s.out);
	cl_buf_done(&s.bytes);
}
