#include "log_support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "codec.h"
#include "log/be.h"

uint64_t test_seed(const char *name) {
	const char *given = getenv("CL_TEST_SEED");
	uint64_t seed = 0;
	if (given != NULL)
		seed = strtoull(given, NULL, 10);
	else
		assert_int_equal(getrandom(&seed, sizeof seed, 0), sizeof seed);
	printf("%s: CL_TEST_SEED=%llu\n", name, (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

uint64_t rng(uint64_t *state) {
	uint64_t x = *state += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint32_t below(uint64_t *state, uint32_t n) {
	return (uint32_t)(rng(state) % n);
}

struct cl_id random_id(uint64_t *state) {
	uint64_t words[2] = {rng(state), rng(state)};
	return cl_id_derive("test", words, sizeof words);
}

char *temp_folder(void) {
	const char *base = getenv("TMPDIR");
	char *folder = NULL;
	assert_true(asprintf(&folder, "%s/careloop-test-XXXXXX", base != NULL ? base : "/tmp") > 0);
	assert_non_null(mkdtemp(folder));
	return folder;
}

void drop_folder(char *folder) {
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char path[512];
		assert_true((size_t)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < sizeof path);
		if (entry->d_name[0] != '.')
			assert_int_equal(unlink(path), 0);
	}
	closedir(dir);
	assert_int_equal(rmdir(folder), 0);
	free(folder);
}

struct cl_log_identity test_identity(uint64_t seed) {
	/* Any pair made by libsodium would do; it is made from the seed so that a run can be repeated. */
	extern int crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed);
	struct cl_log_identity identity = {.service = CL_INTAKE, .partition = 1, .partitions = 4};
	uint8_t bytes[32];
	for (int i = 0; i < 4; i++)
		cl_be64_put(bytes + 8 * i, rng(&seed));
	assert_int_equal(crypto_sign_seed_keypair(identity.sign_key.public_key, identity.sign_key.secret_key, bytes),
	                 0);
	identity.log_id = random_id(&seed);
	return identity;
}

/* -- histories -- */
void history_init(struct history *history, uint64_t seed) {
	*history = (struct history){.rng = seed, .seq = 1, .now_ms = START_MS};
	for (int i = 0; i < 8; i++)
		history->aggregates[i] = random_id(&history->rng);
}

static void random_bytes(uint64_t *state, uint8_t *p, size_t n) {
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rng(state);
}

/* Mostly fresh UUIDv7, some from the past, some that are no UUIDv7, some repeated, some none. */
static struct cl_id random_command(struct history *history) {
	uint64_t *state = &history->rng;
	struct cl_id *slot = &history->commands[below(state, 16)];
	uint8_t random[10];
	uint32_t sort = below(state, 20);
	random_bytes(state, random, sizeof random);
	if (sort < 3)
		return (struct cl_id){{0}};
	if (sort < 6)
		return *slot;
	int64_t ago_ms = sort < 8 ? below(state, 3 * WINDOW_MS) : below(state, 100);
	return *slot = sort == 19 ? random_id(state) : cl_id_v7(history->now_ms - ago_ms, random);
}

static struct cl_cause random_cause(struct history *history) {
	uint64_t *state = &history->rng;
	struct cl_cause cause = {0};
	uint32_t sort = below(state, 8);
	if (sort < 3)
		return cause;
	if (sort == 3) { /* this log itself */
		cause = (struct cl_cause){.service = CL_INTAKE, .partition = 1, .seq = 1 + below(state, 1000)};
		return cause;
	}
	uint32_t source = below(state, 3);
	cause.service = source == 0 ? CL_INTAKE : CL_ROUTING;
	cause.partition = source;
	cause.seq = history->source_seq[source] += 1 + below(state, 3);
	random_bytes(state, cause.hash.b, sizeof cause.hash.b);
	return cause;
}

static struct cl_record start_record(struct history *history) {
	static const char *const names[] = {"system", "nguyễn-văn-an", "", "a1b2c3"};
	uint64_t *state = &history->rng;
	history->now_ms += below(state, 50);
	return (struct cl_record){
	        .seq = ++history->seq,
	        .recorded_ms = history->now_ms,
	        .occurred_ms = history->now_ms - (below(state, 4) == 0 ? 86400000 : 0),
	        .version = 1,
	        .correlation = below(state, 2) ? random_id(state) : (struct cl_id){{0}},
	        .who = cl_str_from(names[below(state, 4)]),
	};
}

static void add_event(struct history *history, struct cl_batch *batch, struct cl_record *record, uint32_t aggregate,
                      uint32_t n) {
	uint8_t payload[4096] = {0x81, 0x01, 0xc5, (uint8_t)(n >> 8), (uint8_t)n};
	assert_true(n + 5 <= sizeof payload);
	random_bytes(&history->rng, payload + 5, n);
	record->type = 0x1234;
	record->kind = CL_KIND_CUSTOMER;
	record->aggregate = history->aggregates[aggregate];
	record->aggregate_version = ++history->versions[aggregate];
	record->previous = history->unlinked ? 0 : history->last_seqs[aggregate];
	history->last_seqs[aggregate] = record->seq;
	record->payload = view(payload, n + 5);
	cl_batch_record(batch, record);
	cl_batch_actor(batch, record->kind, record->aggregate, record->aggregate_version, record->seq, view("s", 1));
}

void history_event(struct history *history, struct cl_batch *batch, uint32_t aggregate, uint32_t payload_bytes) {
	struct cl_record record = start_record(history);
	record.command = random_command(history);
	add_event(history, batch, &record, aggregate, payload_bytes);
}

static void add_consumed(struct history *history, struct cl_batch *batch, struct cl_record *record) {
	struct log_position positions[80];
	struct log_consumed consumed = {.sources = {positions, 1 + below(&history->rng, 80)}};
	struct cl_buf payload;
	for (uint32_t i = 0; i < consumed.sources.n; i++) {
		uint32_t service = 1 + below(&history->rng, 5);
		positions[i] = (struct log_position){.service = service,
		                                     .partition = below(&history->rng, 40),
		                                     .seq = 1 + below(&history->rng, 1u << 30)};
		random_bytes(&history->rng, positions[i].hash.b, sizeof positions[i].hash.b);
	}
	cl_buf_init(&payload);
	cl_encode(&cl_schema_log_consumed, &consumed, &payload);
	record->type = CL_T_log_consumed;
	record->kind = CL_KIND_LOG;
	record->payload = cl_buf_bytes(&payload);
	cl_batch_record(batch, record);
	cl_buf_done(&payload);
}

static void add_rejected(struct cl_batch *batch, struct cl_record *record) {
	struct log_rejected rejected = {.code = 7, .message_type = 0x1100};
	struct cl_buf payload;
	cl_buf_init(&payload);
	cl_encode(&cl_schema_log_rejected, &rejected, &payload);
	record->type = CL_T_log_rejected;
	record->kind = CL_KIND_LOG;
	record->payload = cl_buf_bytes(&payload);
	cl_batch_record(batch, record);
	cl_buf_done(&payload);
}

void history_batch(struct history *history, struct cl_batch *batch, uint32_t n) {
	struct cl_id command = random_command(history);
	for (uint32_t i = 0; i < n; i++) {
		struct cl_record record = start_record(history);
		uint32_t sort = below(&history->rng, 20);
		if (sort == 0)
			history->now_ms += below(&history->rng, WINDOW_MS / 4);
		if (sort < 14) /* else the record before's: one command, several events */
			command = random_command(history);
		if (sort == 18) {
			add_consumed(history, batch, &record);
			continue;
		}
		record.command = command;
		record.cause = random_cause(history);
		if (sort == 19)
			add_rejected(batch, &record);
		else
			add_event(history, batch, &record, below(&history->rng, 8), below(&history->rng, 300));
	}
}

void history_checkpoint(struct history *history, struct cl_batch *batch, const struct cl_log *log) {
	struct cl_record record = start_record(history);
	uint8_t signature[CL_SIGN_BYTES];
	struct cl_buf payload;
	cl_log_sign(&log->identity, log->head.seq, log->head.hash, signature);
	struct log_checkpoint checkpoint = {.log_id = log->identity.log_id,
	                                    .seq = log->head.seq,
	                                    .hash = log->head.hash,
	                                    .signature = {signature, sizeof signature}};
	cl_buf_init(&payload);
	cl_encode(&cl_schema_log_checkpoint, &checkpoint, &payload);
	record.type = CL_T_log_checkpoint;
	record.kind = CL_KIND_LOG;
	record.payload = cl_buf_bytes(&payload);
	cl_batch_record(batch, &record);
	cl_buf_done(&payload);
}

void commit(struct cl_log *log, struct cl_batch *batch) {
	assert_ok(cl_log_commit(log, &log->head, batch, &log->head));
	cl_batch_clear(batch);
}

/* -- whole tables -- */
struct cl_hash table_digest(struct cl_kv *kv, enum cl_table table, uint64_t *ret_entries) {
	struct cl_kv_txn *txn;
	struct cl_kv_cursor *cursor;
	struct cl_bytes key, value;
	struct cl_hash hash = {{0}};
	uint8_t zero = 0;
	assert_ok(kv->ops->begin(kv, false, &txn));
	assert_ok(kv->ops->cursor_open(txn, table, &cursor));
	*ret_entries = 0;
	int rc = kv->ops->seek(cursor, view(&zero, 1), &key, &value);
	for (; rc == CL_OK; rc = kv->ops->next(cursor, &key, &value)) {
		uint8_t sizes[8];
		cl_be32_put(sizes, key.n);
		cl_be32_put(sizes + 4, value.n);
		hash = cl_hash_chain(hash, sizes, sizeof sizes);
		hash = cl_hash_chain(hash, key.p, key.n);
		hash = cl_hash_chain(hash, value.p, value.n);
		++*ret_entries;
	}
	assert_int_equal(rc, CL_E_NOTFOUND);
	kv->ops->cursor_close(cursor);
	kv->ops->abort(txn);
	return hash;
}

void clear_table(struct cl_kv *kv, enum cl_table table) {
	struct cl_kv_txn *txn;
	assert_ok(kv->ops->begin(kv, true, &txn));
	assert_ok(kv->ops->clear(txn, table));
	assert_ok(kv->ops->commit(txn));
}

void get_stored(struct cl_kv *kv, uint64_t seq, struct cl_buf *out) {
	struct cl_kv_txn *txn;
	struct cl_bytes value;
	uint8_t key[8];
	cl_be64_put(key, seq);
	assert_ok(kv->ops->begin(kv, false, &txn));
	assert_ok(kv->ops->get(txn, CL_EVENTS, view(key, 8), &value));
	cl_buf_clear(out);
	cl_buf_put(out, value.p, value.n);
	kv->ops->abort(txn);
}

void put_stored(struct cl_kv *kv, uint64_t seq, struct cl_bytes value) {
	struct cl_kv_txn *txn;
	uint8_t key[8];
	cl_be64_put(key, seq);
	assert_ok(kv->ops->begin(kv, true, &txn));
	assert_ok(kv->ops->put(txn, CL_EVENTS, view(key, 8), value, false));
	assert_ok(kv->ops->commit(txn));
}

void del_stored(struct cl_kv *kv, uint64_t seq) {
	struct cl_kv_txn *txn;
	uint8_t key[8];
	cl_be64_put(key, seq);
	assert_ok(kv->ops->begin(kv, true, &txn));
	assert_ok(kv->ops->del(txn, CL_EVENTS, view(key, 8)));
	assert_ok(kv->ops->commit(txn));
}
