/* The record's bytes: exact layout, strict decoding, and no read outside what is given (run under ASan). */
#include "log_support.h"

#include <stdlib.h>

#include "base/assert.h"
#include "codec.h"

static struct cl_record sample(void) {
	static const uint8_t payload[] = {0x81, 0x01, 0xa2, 'O', 'K'};
	struct cl_record record = {
	        .seq = 0x0102030405060708,
	        .recorded_ms = START_MS,
	        .occurred_ms = -1,
	        .type = 0x1101,
	        .version = 2,
	        .kind = CL_KIND_CUSTOMER,
	        .aggregate_version = 7,
	        .previous = 0x0a0b,
	        .cause = {.service = CL_ROUTING, .partition = 3, .seq = 9},
	        .who = CL_STR("Hà"),
	        .payload = {payload, sizeof payload},
	};
	for (int i = 0; i < 16; i++) {
		record.aggregate.b[i] = (uint8_t)(0x10 + i);
		record.command.b[i] = (uint8_t)(0x20 + i);
		record.correlation.b[i] = (uint8_t)(0x30 + i);
	}
	memset(record.cause.hash.b, 0xab, sizeof record.cause.hash.b);
	return record;
}

/* Written out by hand from the table in record.h. */
static void the_layout_is_as_documented(void **state) {
	static const char expected[] = "\x9f\x01"
	                               "\xcf\x01\x02\x03\x04\x05\x06\x07\x08"
	                               "\xd3\x00\x00\x01\x9b\x76\xda\xa8\x00"
	                               "\xd3\xff\xff\xff\xff\xff\xff\xff\xff"
	                               "\xcd\x11\x01"
	                               "\xcc\x02"
	                               "\xcc\x12"
	                               "\xc4\x10\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
	                               "\xce\x00\x00\x00\x07"
	                               "\xcf\x00\x00\x00\x00\x00\x00\x0a\x0b"
	                               "\xc4\x10\x20\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f"
	                               "\xc4\x10\x30\x31\x32\x33\x34\x35\x36\x37\x38\x39\x3a\x3b\x3c\x3d\x3e\x3f"
	                               "\xd9\x03H\xc3\xa0"
	                               "\x94\xcc\x02\xcd\x00\x03\xcf\x00\x00\x00\x00\x00\x00\x00\x09\xc4\x20"
	                               "\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab"
	                               "\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab"
	                               "\x81\x01\xa2OK";
	struct cl_record record = sample(), back;
	struct cl_buf bytes;
	(void)state;
	cl_buf_init(&bytes);
	cl_record_encode(&record, &bytes);
	assert_int_equal(bytes.n, sizeof expected - 1);
	assert_memory_equal(bytes.p, expected, bytes.n);

	assert_ok(cl_record_decode(cl_buf_bytes(&bytes), &back));
	assert_true(back.seq == record.seq && back.recorded_ms == record.recorded_ms && back.occurred_ms == -1);
	assert_true(back.type == record.type && back.version == 2 && back.kind == CL_KIND_CUSTOMER);
	assert_true(cl_id_eq(back.aggregate, record.aggregate) && back.aggregate_version == 7 &&
	            back.previous == 0x0a0b);
	assert_true(cl_id_eq(back.command, record.command) && cl_id_eq(back.correlation, record.correlation));
	assert_true(back.cause.service == CL_ROUTING && back.cause.partition == 3 && back.cause.seq == 9);
	assert_true(cl_hash_eq(back.cause.hash, record.cause.hash));
	assert_true(cl_str_eq(back.who, record.who));
	assert_true(back.payload.n == 5 && memcmp(back.payload.p, record.payload.p, 5) == 0);
	assert_true(cl_record_seq(cl_buf_bytes(&bytes)) == record.seq);
	assert_int_equal(cl_record_type(cl_buf_bytes(&bytes)), record.type);
	cl_buf_done(&bytes);
}

/* An outsider's msgpack reader takes the whole record as one value. */
static void a_record_is_one_msgpack_value(void **state) {
	struct cl_record record = sample();
	struct cl_buf bytes;
	size_t used, offset;
	(void)state;
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			record.cause = (struct cl_cause){0};
		if (i == 2)
			record.cause = (struct cl_cause){.service = CL_INTAKE, .seq = 4};
		cl_buf_init(&bytes);
		cl_record_encode(&record, &bytes);
		assert_ok(cl_msgpack_scan(cl_buf_bytes(&bytes), &used, &offset));
		assert_int_equal(used, bytes.n);
		cl_buf_done(&bytes);
	}
}

static void every_shorter_record_is_refused(void **state) {
	struct cl_record record = sample(), back;
	struct cl_buf bytes;
	(void)state;
	cl_buf_init(&bytes);
	cl_record_encode(&record, &bytes);
	for (uint32_t n = 0; n + record.payload.n <= bytes.n; n++) {
		/* On the heap with nothing behind it, so that ASan sees a read too far. */
		uint8_t *copy = malloc(n > 0 ? n : 1);
		assert_non_null(copy);
		memcpy(copy, bytes.p, n);
		assert_int_equal(cl_record_decode(view(copy, n), &back), CL_E_TRUNCATED);
		free(copy);
	}
	cl_buf_done(&bytes);
}

static void refuse(size_t at, uint8_t with, int code) {
	struct cl_record record = sample(), back;
	struct cl_buf bytes;
	cl_buf_init(&bytes);
	cl_record_encode(&record, &bytes);
	assert_int_not_equal(bytes.p[at], with);
	bytes.p[at] = with;
	assert_int_equal(cl_record_decode(cl_buf_bytes(&bytes), &back), code);
	cl_buf_done(&bytes);
}

static void each_head_byte_is_checked(void **state) {
	static const uint8_t heads[] = {0,  1,  2,  11, 20, 29,  32,  34,  36,  37, 54,
	                                59, 68, 69, 86, 87, 104, 109, 110, 112, 115};
	(void)state;
	for (size_t i = 0; i < sizeof heads; i++)
		refuse(heads[i], 0x7f, CL_E_MALFORMED);
	refuse(105, CL_WHO_MAX + 1, CL_E_MALFORMED); /* who too long */
	refuse(108, 0x20, CL_E_MALFORMED);           /* who no UTF-8 */
	refuse(111, 0, CL_E_MALFORMED);              /* cause of no service */
	refuse(124, 0xc5, CL_E_MALFORMED);           /* hash of another form */
	refuse(125, 31, CL_E_MALFORMED);             /* hash of another length */
	refuse(158, 0x91, CL_E_MALFORMED);           /* payload is no map */
}

static void a_zero_hash_has_one_encoding(void **state) {
	struct cl_record record = sample(), back;
	struct cl_buf bytes;
	(void)state;
	cl_buf_init(&bytes);
	cl_record_encode(&record, &bytes);
	memset(bytes.p + 126, 0, CL_HASH_BYTES);
	assert_int_equal(cl_record_decode(cl_buf_bytes(&bytes), &back), CL_E_MALFORMED);
	cl_buf_done(&bytes);
}

static void too_big_is_refused(void **state) {
	uint8_t *bytes = calloc(1, CL_RECORD_MAX + 1);
	struct cl_record back;
	(void)state;
	assert_non_null(bytes);
	assert_int_equal(cl_record_decode(view(bytes, CL_RECORD_MAX + 1), &back), CL_E_TOOBIG);
	free(bytes);
}

static uint32_t mutate(uint64_t *state, uint8_t *p, uint32_t n) {
	for (uint32_t i = 1 + below(state, 3); i > 0 && n > 1; i--) {
		uint32_t at = below(state, n);
		switch (below(state, 4)) {
		case 0:
			p[at] ^= (uint8_t)(1u << below(state, 8));
			break;
		case 1:
			p[at] = (uint8_t)rng(state);
			break;
		case 2:
			memmove(p + at, p + at + 1, n - at - 1);
			n--;
			break;
		default:
			n = 1 + below(state, n);
			break;
		}
	}
	return n;
}

/* What decode accepts, encode gives back byte for byte; what it refuses, it refuses without reading outside. */
static void mutated_bytes_are_refused_or_canonical(void **state) {
	uint64_t random = test_seed(__func__);
	struct cl_buf bytes, again;
	uint32_t accepted = 0, refused = 0;
	(void)state;
	cl_buf_init(&bytes);
	cl_buf_init(&again);
	for (int i = 0; i < 200000; i++) {
		struct cl_record record = sample(), back;
		if (below(&random, 3) == 0)
			record.cause = (struct cl_cause){0};
		if (below(&random, 3) == 0)
			record.cause.hash = (struct cl_hash){{0}};
		record.who.n = below(&random, 2) ? 3 : 1;
		cl_buf_clear(&bytes);
		cl_record_encode(&record, &bytes);
		uint32_t n = mutate(&random, bytes.p, (uint32_t)bytes.n);
		uint8_t *copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, bytes.p, n);
		if (cl_record_decode(view(copy, n), &back) == CL_OK) {
			cl_buf_clear(&again);
			cl_record_encode(&back, &again);
			assert_int_equal(again.n, n);
			assert_memory_equal(again.p, copy, n);
			accepted++;
		} else {
			refused++;
		}
		free(copy);
	}
	assert_true(accepted > 1000 && refused > 1000); /* both ways were tried */
	cl_buf_done(&bytes);
	cl_buf_done(&again);
}

static void stored_values_are_checked(void **state) {
	struct cl_record record = sample();
	struct cl_buf bytes, stored;
	struct cl_stored open;
	struct cl_hash hash;
	(void)state;
	cl_buf_init(&bytes);
	cl_buf_init(&stored);
	cl_record_encode(&record, &bytes);
	hash = cl_hash_chain((struct cl_hash){{0}}, bytes.p, bytes.n);
	cl_stored_put(hash, cl_buf_bytes(&bytes), &stored);
	assert_ok(cl_stored_open(cl_buf_bytes(&stored), &open));
	assert_true(cl_hash_eq(open.hash, hash) && open.record.n == bytes.n);
	assert_memory_equal(open.record.p, bytes.p, bytes.n);

	for (size_t bit = 0; bit < stored.n * 8; bit++) {
		stored.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(cl_stored_open(cl_buf_bytes(&stored), &open), CL_E_CORRUPT);
		stored.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (uint32_t n = 0; n < stored.n; n++)
		assert_int_equal(cl_stored_open(view(stored.p, n), &open), CL_E_CORRUPT);
	cl_buf_done(&bytes);
	cl_buf_done(&stored);
}

static void fail_test(const char *expression, const char *file, int line) {
	mock_assert(0, expression, file, line);
}

static void what_decode_refuses_is_not_written(void **state) {
	struct cl_buf bytes;
	(void)state;
	cl_assert_set_hook(fail_test);
	cl_buf_init(&bytes);
	struct cl_record record = sample();
	record.payload.n = 0;
	expect_assert_failure(cl_record_encode(&record, &bytes));
	record = sample();
	record.who = CL_STR("\xff");
	expect_assert_failure(cl_record_encode(&record, &bytes));
	record = sample();
	record.cause.partition = 70000;
	expect_assert_failure(cl_record_encode(&record, &bytes));
	assert_int_equal(bytes.n, 0);
	cl_buf_done(&bytes);
	cl_assert_set_hook(NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_layout_is_as_documented),
	        cmocka_unit_test(a_record_is_one_msgpack_value),
	        cmocka_unit_test(every_shorter_record_is_refused),
	        cmocka_unit_test(each_head_byte_is_checked),
	        cmocka_unit_test(a_zero_hash_has_one_encoding),
	        cmocka_unit_test(too_big_is_refused),
	        cmocka_unit_test(mutated_bytes_are_refused_or_canonical),
	        cmocka_unit_test(stored_values_are_checked),
	        cmocka_unit_test(what_decode_refuses_is_not_written),
	};
	if (cl_crypto_init() != CL_OK)
		return 1;
	return cmocka_run_group_tests_name("log_record", tests, NULL, NULL);
}
