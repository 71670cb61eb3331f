/* Sealing: opens for the right receiver only, once, soon, and unaltered. */
#include "uv_help.h"

#include <stdlib.h>

#include <sodium.h>

#include "base/hash.h"
#include "uv/seal.h"

#define SENDER CL_STR("intake/0")
#define ADDRESS CL_STR("tcp://192.0.2.1:7400")
#define NOW 1700000000000

static const uint8_t cluster[32] = {1, 2, 3};
static const struct cl_bytes clear = {(const uint8_t *)"the frame", 9};

struct fixture {
	struct cl_seal seal;
	struct cl_seal_sender counter;
	struct cl_seal_receiver receiver;
	struct cl_buf out;
	uint8_t bytes[256];
	uint32_t n;
};

static void begin(struct fixture *fixture) {
	*fixture = (struct fixture){0};
	assert_int_equal(cl_crypto_init(), CL_OK);
	cl_seal_init(&fixture->seal, cluster, SENDER, ADDRESS);
	cl_seal_sender_init(&fixture->counter);
	cl_buf_init(&fixture->out);
}

static void end(struct fixture *fixture) {
	cl_seal_receiver_done(&fixture->receiver);
	cl_buf_done(&fixture->out);
}

static void seal(struct fixture *fixture, int64_t now_ms) {
	fixture->n = (uint32_t)cl_seal_size(SENDER, clear.n);
	assert_true(fixture->n <= sizeof(fixture->bytes));
	cl_seal_frame(&fixture->seal, &fixture->counter, SENDER, now_ms, clear, fixture->bytes);
}

static int open_at(struct fixture *fixture, const uint8_t *key, struct cl_str address, int64_t now_ms) {
	struct cl_str sender = {0};
	int r = cl_seal_open(&fixture->receiver, key, address, now_ms, (struct cl_bytes){fixture->bytes, fixture->n},
	                     &fixture->out, &sender);
	if (r == CL_OK) {
		assert_true(cl_str_eq(sender, SENDER));
		assert_int_equal(fixture->out.n, clear.n);
		assert_memory_equal(fixture->out.p, clear.p, clear.n);
	}
	return r;
}

static void opens_once(void **unused) {
	(void)unused;
	struct fixture fixture;
	uint8_t first[256];
	begin(&fixture);
	seal(&fixture, NOW);
	uint32_t n = fixture.n;
	memcpy(first, fixture.bytes, n);
	seal(&fixture, NOW);
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW), CL_OK);      /* the second */
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW), CL_E_AGAIN); /* a replay */
	memcpy(fixture.bytes, first, n);
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW), CL_E_AGAIN); /* out of order */
	seal(&fixture, NOW);
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW), CL_OK);
	/* A new run of the same sender is another epoch. */
	cl_seal_sender_init(&fixture.counter);
	seal(&fixture, NOW);
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW), CL_OK);
	end(&fixture);
}

static void opens_soon_or_never(void **unused) {
	(void)unused;
	struct fixture fixture;
	begin(&fixture);
	seal(&fixture, NOW);
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW + CL_SEAL_AGE_MS + 1), CL_E_AGAIN);
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW - CL_SEAL_AGE_MS - 1), CL_E_AGAIN);
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW + CL_SEAL_AGE_MS), CL_OK);
	end(&fixture);
}

static void opens_for_the_right_one_only(void **unused) {
	(void)unused;
	struct fixture fixture;
	static const uint8_t other[32] = {1, 2, 4};
	begin(&fixture);
	seal(&fixture, NOW);
	assert_int_equal(open_at(&fixture, other, ADDRESS, NOW), CL_E_DENIED);
	assert_int_equal(open_at(&fixture, cluster, CL_STR("tcp://192.0.2.1:7401"), NOW), CL_E_DENIED);
	assert_int_equal(fixture.receiver.n, 0); /* strangers leave no trace in memory */
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW), CL_OK);
	end(&fixture);
}

static void every_byte_counts(void **unused) {
	(void)unused;
	struct fixture fixture;
	begin(&fixture);
	seal(&fixture, NOW);
	for (uint32_t i = 0; i < fixture.n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			fixture.bytes[i] ^= (uint8_t)(1 << bit);
			assert_true(open_at(&fixture, cluster, ADDRESS, NOW) < 0);
			fixture.bytes[i] ^= (uint8_t)(1 << bit);
		}
	}
	uint32_t n = fixture.n;
	for (fixture.n = 0; fixture.n < n; fixture.n++)
		assert_true(open_at(&fixture, cluster, ADDRESS, NOW) < 0);
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW), CL_OK);
	end(&fixture);
}

/* The receiver's memory is bounded, and makes room only where the frames forgotten are too old anyway. */
static void many_senders(void **unused) {
	(void)unused;
	struct fixture fixture;
	begin(&fixture);
	for (int i = 0; i < 4096; i++) {
		cl_seal_sender_init(&fixture.counter);
		seal(&fixture, NOW);
		assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW), CL_OK);
	}
	cl_seal_sender_init(&fixture.counter);
	seal(&fixture, NOW);
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, NOW), CL_E_AGAIN);
	int64_t later = NOW + 3 * (int64_t)CL_SEAL_AGE_MS + 1;
	seal(&fixture, later);
	assert_int_equal(open_at(&fixture, cluster, ADDRESS, later), CL_OK);
	assert_int_equal(fixture.receiver.n, 4096);
	end(&fixture);
}

/* Opened by hand, with nothing but libsodium and what PROTOCOL.md section 5 says. */
static void as_documented(void **unused) {
	(void)unused;
	struct fixture fixture;
	begin(&fixture);
	seal(&fixture, NOW);
	static const char input[] = "careloop frame 1"
	                            "\0\0\0\x08"
	                            "\0\0\0\x14"
	                            "intake/0"
	                            "tcp://192.0.2.1:7400";
	uint8_t key[32], clear_bytes[64];
	assert_int_equal(crypto_generichash(key, 32, (const uint8_t *)input, sizeof(input) - 1, cluster, 32), 0);
	const uint8_t *p = fixture.bytes;
	static const uint8_t head[] = {'C', 'L', 'S', '1', 0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00, 8};
	assert_memory_equal(p, head, sizeof(head)); /* NOW is 0x18bcfe56800 */
	assert_memory_equal(p + 13, "intake/0", 8);
	static const uint8_t first[] = {0, 0, 0, 0, 0, 0, 0, 1};
	assert_memory_equal(p + 21 + 8, first, 8); /* the counter starts at 1 */
	size_t header = 13 + 8 + 24;
	unsigned long long n = 0;
	assert_int_equal(crypto_aead_xchacha20poly1305_ietf_decrypt(clear_bytes, &n, NULL, p + header,
	                                                            fixture.n - header, p, header, p + 21, key),
	                 0);
	assert_int_equal(n, clear.n);
	assert_memory_equal(clear_bytes, clear.p, clear.n);
	end(&fixture);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(opens_once),
	        cmocka_unit_test(opens_soon_or_never),
	        cmocka_unit_test(opens_for_the_right_one_only),
	        cmocka_unit_test(every_byte_counts),
	        cmocka_unit_test(many_senders),
	        cmocka_unit_test(as_documented),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
