/* One suite for every store: random operations against a plain model, snapshots, the contract's error codes. */
#include "log_support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "log/be.h"
#include "uv/service.h"

/* -- a model: sorted arrays -- */
#define MODEL_MOST 4096
struct entry {
	uint8_t key[16];
	uint32_t key_n;
	uint8_t *value;
	uint32_t value_n;
};
struct model {
	struct entry entries[CL_TABLES][MODEL_MOST];
	uint32_t n[CL_TABLES];
};

static int entry_compare(const struct entry *a, struct cl_bytes key) {
	uint32_t n = a->key_n < key.n ? a->key_n : key.n;
	int order = memcmp(a->key, key.p, n);
	return order != 0 ? order : (a->key_n > key.n) - (a->key_n < key.n);
}

static uint32_t model_find(const struct model *model, enum cl_table table, struct cl_bytes key) {
	uint32_t i = 0;
	while (i < model->n[table] && entry_compare(&model->entries[table][i], key) < 0)
		i++;
	return i;
}

static bool model_has(const struct model *model, enum cl_table table, uint32_t i, struct cl_bytes key) {
	return i < model->n[table] && entry_compare(&model->entries[table][i], key) == 0;
}

static void model_put(struct model *model, enum cl_table table, struct cl_bytes key, struct cl_bytes value) {
	uint32_t i = model_find(model, table, key);
	struct entry *entries = model->entries[table];
	if (model_has(model, table, i, key)) {
		free(entries[i].value);
	} else {
		assert_true(model->n[table] < MODEL_MOST);
		memmove(entries + i + 1, entries + i, (model->n[table] - i) * sizeof *entries);
		model->n[table]++;
	}
	entries[i].key_n = key.n;
	memcpy(entries[i].key, key.p, key.n);
	entries[i].value = malloc(value.n + 1);
	assert_non_null(entries[i].value);
	entries[i].value_n = value.n;
	memcpy(entries[i].value, value.p, value.n);
}

static void model_del(struct model *model, enum cl_table table, uint32_t i) {
	struct entry *entries = model->entries[table];
	free(entries[i].value);
	memmove(entries + i, entries + i + 1, (model->n[table] - i - 1) * sizeof *entries);
	model->n[table]--;
}

static void model_clear(struct model *model, enum cl_table table) {
	while (model->n[table] > 0)
		model_del(model, table, model->n[table] - 1);
}

static struct model *model_copy(const struct model *from) {
	struct model *to = calloc(1, sizeof *to);
	assert_non_null(to);
	for (int t = 0; t < CL_TABLES; t++)
		for (uint32_t i = 0; i < from->n[t]; i++) {
			const struct entry *entry = &from->entries[t][i];
			to->entries[t][i] = *entry;
			to->entries[t][i].value = malloc(entry->value_n + 1);
			assert_non_null(to->entries[t][i].value);
			memcpy(to->entries[t][i].value, entry->value, entry->value_n);
			to->n[t]++;
		}
	return to;
}

static void model_free(struct model *model) {
	for (int t = 0; t < CL_TABLES; t++)
		model_clear(model, (enum cl_table)t);
	free(model);
}

/* -- the stores -- */
struct store {
	struct cl_kv *kv;
	char *folder;
};

static int setup_mem(void **state) {
	struct store *store = calloc(1, sizeof *store);
	*state = store;
	return store == NULL ? -1 : cl_kv_mem_open(&store->kv);
}

static int setup_lmdb(void **state) {
	struct store *store = calloc(1, sizeof *store);
	*state = store;
	if (store == NULL)
		return -1;
	store->folder = temp_folder();
	return cl_kv_lmdb_open(store->folder, 64 << 20, false, &store->kv);
}

static int teardown(void **state) {
	struct store *store = *state;
	store->kv->ops->close(store->kv);
	if (store->folder != NULL)
		drop_folder(store->folder);
	free(store);
	return 0;
}

/* -- comparison -- */
static void same_entry(const struct entry *entry, struct cl_bytes key, struct cl_bytes value) {
	assert_int_equal(key.n, entry->key_n);
	assert_memory_equal(key.p, entry->key, key.n);
	assert_int_equal(value.n, entry->value_n);
	if (value.n > 0)
		assert_memory_equal(value.p, entry->value, value.n);
}

static void same_table(struct cl_kv *kv, struct cl_kv_txn *txn, const struct model *model, enum cl_table table) {
	struct cl_kv_cursor *cursor;
	struct cl_bytes key, value;
	uint8_t zero = 0;
	assert_ok(kv->ops->cursor_open(txn, table, &cursor));
	int rc = kv->ops->seek(cursor, view(&zero, 1), &key, &value);
	for (uint32_t i = 0; i < model->n[table]; i++) {
		assert_ok(rc);
		same_entry(&model->entries[table][i], key, value);
		rc = kv->ops->next(cursor, &key, &value);
	}
	assert_int_equal(rc, CL_E_NOTFOUND);
	rc = kv->ops->last(cursor, &key, &value);
	if (model->n[table] == 0)
		assert_int_equal(rc, CL_E_NOTFOUND);
	else
		same_entry(&model->entries[table][model->n[table] - 1], key, value);
	kv->ops->cursor_close(cursor);
}

static void same_store(struct cl_kv *kv, struct cl_kv_txn *txn, const struct model *model) {
	for (int t = 0; t < CL_TABLES; t++)
		same_table(kv, txn, model, (enum cl_table)t);
}

/* -- operations -- */
static struct cl_bytes random_key(uint64_t *random, uint8_t bytes[16]) {
	uint32_t n = 1 + below(random, 3);
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)below(random, 3) == 0 ? 0xff : (uint8_t)below(random, 6);
	return view(bytes, n);
}

static void one_operation(struct cl_kv *kv, struct cl_kv_txn *txn, struct model *model, uint64_t *random) {
	enum cl_table table = (enum cl_table)below(random, CL_TABLES);
	uint8_t key_bytes[16], value_bytes[6000];
	struct cl_bytes key = random_key(random, key_bytes), got;
	uint32_t i = model_find(model, table, key), sort = below(random, 100);
	if (sort < 45) {
		uint32_t n = below(random, 10) == 0 ? below(random, sizeof value_bytes) : below(random, 40);
		for (uint32_t j = 0; j < n; j++)
			value_bytes[j] = (uint8_t)rng(random);
		assert_ok(kv->ops->put(txn, table, key, view(value_bytes, n), false));
		model_put(model, table, key, view(value_bytes, n));
	} else if (sort < 65) {
		bool there = model_has(model, table, i, key);
		assert_int_equal(kv->ops->del(txn, table, key), there ? CL_OK : CL_E_NOTFOUND);
		if (there)
			model_del(model, table, i);
	} else if (sort < 80) {
		int rc = kv->ops->get(txn, table, key, &got);
		assert_int_equal(rc, model_has(model, table, i, key) ? CL_OK : CL_E_NOTFOUND);
		if (rc == CL_OK)
			same_entry(&model->entries[table][i], key, got);
	} else if (sort < 98) {
		struct cl_kv_cursor *cursor;
		struct cl_bytes got_key;
		assert_ok(kv->ops->cursor_open(txn, table, &cursor));
		int rc = kv->ops->seek(cursor, key, &got_key, &got);
		for (; rc == CL_OK && below(random, 4) > 0; i++) {
			same_entry(&model->entries[table][i], got_key, got);
			rc = kv->ops->next(cursor, &got_key, &got);
		}
		assert_int_equal(rc, i < model->n[table] ? CL_OK : CL_E_NOTFOUND);
		kv->ops->cursor_close(cursor);
	} else {
		assert_ok(kv->ops->clear(txn, table));
		model_clear(model, table);
	}
}

/* Random transactions, committed or aborted, with readers that stay at what they began with. */
static void behaves_like_a_sorted_map(void **state) {
	struct store *store = *state;
	struct cl_kv *kv = store->kv;
	uint64_t random = test_seed(__func__);
	struct model *model = calloc(1, sizeof *model), *seen = NULL;
	struct cl_kv_txn *reader = NULL, *txn;
	assert_non_null(model);
	for (int i = 0; i < 300; i++) {
		struct model *next = model_copy(model);
		assert_ok(kv->ops->begin(kv, true, &txn));
		for (uint32_t n = below(&random, 60); n > 0; n--)
			one_operation(kv, txn, next, &random);
		if (below(&random, 4) == 0) {
			kv->ops->abort(txn);
			model_free(next);
		} else {
			assert_ok(kv->ops->commit(txn));
			model_free(model);
			model = next;
		}
		if (reader != NULL) {
			same_store(kv, reader, seen);
			if (below(&random, 3) == 0) {
				kv->ops->abort(reader);
				model_free(seen);
				reader = NULL;
			}
		} else if (below(&random, 3) == 0) {
			assert_ok(kv->ops->begin(kv, false, &reader));
			seen = model_copy(model);
		}
	}
	if (reader != NULL) {
		kv->ops->abort(reader);
		model_free(seen);
	}
	assert_ok(kv->ops->begin(kv, false, &reader));
	same_store(kv, reader, model);
	kv->ops->abort(reader);
	model_free(model);
}

static void append_takes_only_rising_keys(void **state) {
	struct store *store = *state;
	struct cl_kv *kv = store->kv;
	struct cl_kv_txn *txn;
	uint8_t key[8];
	for (uint64_t round = 0; round < 3; round++) {
		assert_ok(kv->ops->begin(kv, true, &txn));
		for (uint64_t i = 1; i <= 500; i++) {
			cl_be64_put(key, round * 500 + i);
			assert_ok(kv->ops->put(txn, CL_EVENTS, view(key, 8), view("value", 5), true));
		}
		assert_ok(kv->ops->commit(txn));
	}
	assert_ok(kv->ops->begin(kv, true, &txn));
	assert_int_equal(kv->ops->put(txn, CL_EVENTS, view(key, 8), view("other", 5), true), CL_E_EXISTS);
	kv->ops->abort(txn);
	assert_ok(kv->ops->begin(kv, true, &txn));
	cl_be64_put(key, 7);
	assert_int_equal(kv->ops->put(txn, CL_EVENTS, view(key, 8), view("other", 5), true), CL_E_EXISTS);
	kv->ops->abort(txn);
}

static void the_longest_keys_and_large_values_are_kept(void **state) {
	struct store *store = *state;
	struct cl_kv *kv = store->kv;
	struct cl_kv_txn *txn;
	struct cl_bytes got;
	uint8_t key[511];
	size_t large = 3 << 20;
	uint8_t *value = malloc(large);
	assert_non_null(value);
	memset(key, 0xee, sizeof key);
	memset(value, 0x5a, large);
	assert_ok(kv->ops->begin(kv, true, &txn));
	assert_ok(kv->ops->put(txn, CL_ACTORS, view(key, sizeof key), view(value, large), false));
	assert_ok(kv->ops->put(txn, CL_DUES, view(key, 1), (struct cl_bytes){0}, false));
	assert_ok(kv->ops->commit(txn));
	assert_ok(kv->ops->begin(kv, false, &txn));
	assert_ok(kv->ops->get(txn, CL_ACTORS, view(key, sizeof key), &got));
	assert_int_equal(got.n, large);
	assert_memory_equal(got.p, value, large);
	assert_ok(kv->ops->get(txn, CL_DUES, view(key, 1), &got));
	assert_int_equal(got.n, 0);
	kv->ops->abort(txn);
	free(value);
	assert_true(kv->ops->space(kv) > 0);
}

/* -- threads -- */
struct counting {
	struct cl_kv *kv;
	int adds;
};

static void *add_up(void *context) {
	struct counting *counting = context;
	struct cl_kv *kv = counting->kv;
	for (int i = 0; i < counting->adds; i++) {
		struct cl_kv_txn *txn;
		struct cl_bytes got;
		uint8_t value[8] = {0};
		if (kv->ops->begin(kv, true, &txn) != CL_OK)
			return (void *)1;
		if (kv->ops->get(txn, CL_META, view("n", 1), &got) == CL_OK)
			memcpy(value, got.p, sizeof value);
		cl_be64_put(value, cl_be64_get(value) + 1);
		if (kv->ops->put(txn, CL_META, view("n", 1), view(value, 8), false) != CL_OK ||
		    kv->ops->put(txn, CL_META, view("m", 1), view(value, 8), false) != CL_OK ||
		    kv->ops->commit(txn) != CL_OK)
			return (void *)1;
	}
	return NULL;
}

/* Both keys are written together, so a reader that sees them differ saw half a transaction. */
static void *watch(void *context) {
	struct counting *counting = context;
	struct cl_kv *kv = counting->kv;
	uint64_t n = 0;
	while (n < (uint64_t)counting->adds * 2) {
		struct cl_kv_txn *txn;
		struct cl_bytes a, b;
		if (kv->ops->begin(kv, false, &txn) != CL_OK)
			return (void *)1;
		if (kv->ops->get(txn, CL_META, view("n", 1), &a) == CL_OK) {
			uint64_t now = cl_be64_get(a.p);
			if (kv->ops->get(txn, CL_META, view("m", 1), &b) != CL_OK || cl_be64_get(b.p) != now || now < n)
				return (void *)1;
			n = now;
		}
		kv->ops->abort(txn);
	}
	return NULL;
}

static void writers_wait_and_readers_see_whole_transactions(void **state) {
	struct store *store = *state;
	struct counting counting = {store->kv, 150};
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i < 2 ? add_up : watch, &counting), 0);
	for (int i = 0; i < 4; i++) {
		void *failed;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

struct moved {
	struct cl_kv *kv;
	struct cl_kv_txn *txn;
	int rc;
};

static void *use_moved(void *context) {
	struct moved *moved = context;
	struct cl_bytes got;
	moved->rc = moved->kv->ops->get(moved->txn, CL_META, view("k", 1), &got);
	moved->kv->ops->abort(moved->txn);
	return NULL;
}

static void a_reader_may_move_to_another_thread(void **state) {
	struct store *store = *state;
	struct cl_kv *kv = store->kv;
	struct moved moved = {.kv = kv};
	struct cl_kv_txn *txn, *second;
	pthread_t thread;
	assert_ok(kv->ops->begin(kv, true, &txn));
	assert_ok(kv->ops->put(txn, CL_META, view("k", 1), view("v", 1), false));
	assert_ok(kv->ops->commit(txn));
	assert_ok(kv->ops->begin(kv, false, &moved.txn));
	assert_ok(kv->ops->begin(kv, false, &second)); /* two readers of one thread */
	assert_int_equal(pthread_create(&thread, NULL, use_moved, &moved), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_ok(moved.rc);
	kv->ops->abort(second);
}

#define ON_BOTH(test)                                                                                                  \
	{#test " (memory)", test, setup_mem, teardown, NULL}, {                                                        \
#test " (LMDB)", test, setup_lmdb, teardown, NULL                                                      \
	}

int main(void) {
	const struct CMUnitTest tests[] = {
	        ON_BOTH(behaves_like_a_sorted_map),
	        ON_BOTH(append_takes_only_rising_keys),
	        ON_BOTH(the_longest_keys_and_large_values_are_kept),
	        ON_BOTH(writers_wait_and_readers_see_whole_transactions),
	        ON_BOTH(a_reader_may_move_to_another_thread),
	};
	if (cl_crypto_init() != CL_OK)
		return 1;
	return cmocka_run_group_tests_name("log_kv", tests, NULL, NULL);
}
