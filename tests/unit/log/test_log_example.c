/* The worked example in common/log/README.md is true: its bytes are what the code writes, and a log of them holds.
 * CL_TEST_PRINT=1 prints the bytes as the document shows them. */
#include "log_support.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec.h"

extern int crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed);

struct example {
	struct cl_log_identity identity;
	struct cl_log_head head;
	struct cl_buf values[3]; /* as stored */
	uint32_t n;
};

static struct cl_id id_of(uint8_t first) {
	struct cl_id id;
	for (int i = 0; i < 16; i++)
		id.b[i] = (uint8_t)(first + i);
	return id;
}

static void add(struct example *example, struct cl_record record, const struct cl_schema *schema, const void *body) {
	struct cl_buf payload, bytes;
	cl_buf_init(&payload);
	cl_buf_init(&bytes);
	cl_encode(schema, body, &payload);
	record.seq = example->head.seq + 1;
	record.recorded_ms = record.occurred_ms = START_MS + (int64_t)example->head.seq * 1000;
	record.type = schema->type;
	record.version = 1;
	record.payload = cl_buf_bytes(&payload);
	cl_record_encode(&record, &bytes);
	example->head = (struct cl_log_head){record.seq, cl_hash_chain(example->head.hash, bytes.p, bytes.n),
	                                     record.recorded_ms};
	cl_buf_init(&example->values[example->n]);
	cl_stored_put(example->head.hash, cl_buf_bytes(&bytes), &example->values[example->n++]);
	cl_buf_done(&payload);
	cl_buf_done(&bytes);
}

/* RFC 8032, 7.1, TEST 1: a key that everybody has. */
static const uint8_t key_seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
                                     0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
                                     0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};

static void build(struct example *example) {
	struct cl_sign_key *key = &example->identity.sign_key;
	uint8_t signature[CL_SIGN_BYTES];
	*example = (struct example){.identity = {.log_id = id_of(0x10), .service = CL_INTAKE, .partitions = 1}};
	assert_int_equal(crypto_sign_seed_keypair(key->public_key, key->secret_key, key_seed), 0);

	struct log_opened opened = {.log_id = example->identity.log_id,
	                            .service = CL_INTAKE,
	                            .partitions = 1,
	                            .public_key = {key->public_key, sizeof key->public_key}};
	struct cl_record own = {.kind = CL_KIND_LOG, .aggregate = example->identity.log_id, .who = CL_STR("system")};
	memset(opened.schema_hash.b, 0x5c, sizeof opened.schema_hash.b);
	add(example, own, &cl_schema_log_opened, &opened);

	struct log_accepted accepted = {.message_type = 0x1180};
	struct cl_record answer = {.kind = CL_KIND_LOG,
	                           .command = id_of(0x20),
	                           .correlation = id_of(0x30),
	                           .cause = {.service = CL_SUPPORT, .partition = 2, .seq = 7},
	                           .who = CL_STR("Hà")};
	memset(answer.cause.hash.b, 0xab, sizeof answer.cause.hash.b);
	add(example, answer, &cl_schema_log_accepted, &accepted);

	cl_log_sign(&example->identity, example->head.seq, example->head.hash, signature);
	struct log_checkpoint checkpoint = {.log_id = example->identity.log_id,
	                                    .seq = example->head.seq,
	                                    .hash = example->head.hash,
	                                    .signature = {signature, sizeof signature}};
	add(example, own, &cl_schema_log_checkpoint, &checkpoint);
}

static void done(struct example *example) {
	for (uint32_t i = 0; i < example->n; i++)
		cl_buf_done(&example->values[i]);
}

static char *hex_of(const struct cl_buf *bytes) {
	char *hex = malloc(bytes->n * 2 + 1);
	assert_non_null(hex);
	for (size_t i = 0; i < bytes->n; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes->p[i]);
	return hex;
}

static void print(const char *hex) {
	size_t n = strlen(hex);
	for (size_t i = 0; i < n; i += 96)
		printf("%.96s\n", hex + i);
	printf("\n");
}

/* The document without white space, so that lines may break anywhere. */
static char *read_document(void) {
	FILE *file = fopen(CL_LOG_README, "r");
	char *text = calloc(1, 1 << 20);
	size_t n = 0;
	assert_non_null(file);
	assert_non_null(text);
	for (int c; (c = getc(file)) != EOF && n < (1 << 20) - 1;)
		if (c != ' ' && c != '\n' && c != '\t')
			text[n++] = (char)c;
	fclose(file);
	return text;
}

static void the_document_shows_the_bytes(void **state) {
	struct example example;
	char *document = read_document(), head[65];
	(void)state;
	build(&example);
	for (uint32_t i = 0; i < example.n; i++) {
		char *hex = hex_of(&example.values[i]);
		if (getenv("CL_TEST_PRINT") != NULL)
			print(hex);
		assert_non_null(strstr(document, hex));
		free(hex);
	}
	cl_hash_hex(example.head.hash, head);
	assert_non_null(strstr(document, head));
	free(document);
	done(&example);
}

static void the_bytes_are_a_log_that_holds(void **state) {
	struct example example;
	struct cl_verify_report report;
	struct cl_kv *kv;
	(void)state;
	build(&example);
	assert_ok(cl_kv_mem_open(&kv));
	for (uint32_t i = 0; i < example.n; i++)
		put_stored(kv, i + 1, cl_buf_bytes(&example.values[i]));
	assert_ok(cl_log_verify(kv, example.identity.sign_key.public_key, NULL, NULL, &report));
	assert_true(report.records == 3 && report.checkpoints == 1 && report.last_signed_seq == 2);
	kv->ops->close(kv);
	done(&example);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_document_shows_the_bytes),
	        cmocka_unit_test(the_bytes_are_a_log_that_holds),
	};
	if (cl_crypto_init() != CL_OK)
		return 1;
	return cmocka_run_group_tests_name("log_example", tests, NULL, NULL);
}
