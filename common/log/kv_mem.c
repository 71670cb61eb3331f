/* The store in memory: one persistent treap per table (Seidel and Aragon, Randomized Search Trees, 1996; persistence by
 * path copying, Driscoll et al., 1989). A node that a reader may see is never changed: a writer copies the path to what
 * it changes, and changes in place only nodes it made itself. A reader holds the roots it began with. Priorities come
 * from the keys, so the shape depends on the content alone and runs repeat. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"
#include "log/kv.h"

#define KEY_MAX 511

struct item { /* key and value, shared by the nodes of several versions */
	atomic_uint refs;
	uint32_t key_n, value_n;
	uint8_t bytes[]; /* key ‖ value */
};

struct node {
	atomic_uint refs;
	uint32_t priority;
	uint64_t made_by; /* the write transaction that made it */
	struct item *item;
	struct node *left, *right;
};

struct mem {
	struct cl_kv kv;
	pthread_mutex_t writer; /* held through a write transaction */
	pthread_mutex_t mutex;  /* roots */
	struct node *roots[CL_TABLES];
	uint64_t writes; /* write transactions begun; guarded by writer */
};

struct cl_kv_txn {
	struct mem *mem;
	uint64_t number; /* 0 = reader */
	struct node *roots[CL_TABLES];
};

struct cl_kv_cursor {
	struct cl_kv_txn *txn;
	enum cl_table table;
	struct item *at; /* the last entry given */
};

/* -- items and nodes -- */
static struct cl_bytes key_of(const struct item *item) {
	return (struct cl_bytes){item->bytes, item->key_n};
}

static struct cl_bytes value_of(const struct item *item) {
	return (struct cl_bytes){item->bytes + item->key_n, item->value_n};
}

static int compare(struct cl_bytes a, struct cl_bytes b) {
	uint32_t n = a.n < b.n ? a.n : b.n;
	int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static struct item *item_new(struct cl_bytes key, struct cl_bytes value) {
	struct item *item = malloc(sizeof *item + (size_t)key.n + value.n);
	CL_ASSERT(item != NULL);
	atomic_init(&item->refs, 1);
	item->key_n = key.n;
	item->value_n = value.n;
	memcpy(item->bytes, key.p, key.n);
	if (value.n > 0)
		memcpy(item->bytes + key.n, value.p, value.n);
	return item;
}

static struct item *item_ref(struct item *item) {
	atomic_fetch_add_explicit(&item->refs, 1, memory_order_relaxed);
	return item;
}

static void item_unref(struct item *item) {
	if (item != NULL && atomic_fetch_sub_explicit(&item->refs, 1, memory_order_acq_rel) == 1)
		free(item);
}

static struct node *node_ref(struct node *node) {
	if (node != NULL)
		atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
	return node;
}

/* Recursion is as deep as the treap, which is logarithmic. */
static void node_unref(struct node *node) {
	if (node == NULL || atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) != 1)
		return;
	node_unref(node->left);
	node_unref(node->right);
	item_unref(node->item);
	free(node);
}

static uint32_t priority_of(struct cl_bytes key) {
	uint64_t x = 0x9e3779b97f4a7c15u;
	for (uint32_t i = 0; i < key.n; i++)
		x = (x ^ key.p[i]) * 0x100000001b3u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	return (uint32_t)(x >> 32);
}

static struct node *node_new(uint64_t made_by, struct item *item, struct node *left, struct node *right) {
	struct node *node = malloc(sizeof *node);
	CL_ASSERT(node != NULL);
	atomic_init(&node->refs, 1);
	node->priority = priority_of(key_of(item));
	node->made_by = made_by;
	node->item = item;
	node->left = left;
	node->right = right;
	return node;
}

/* Takes the caller's reference; gives one to a node with the same content that this transaction may change. */
static struct node *own(struct node *node, uint64_t number) {
	if (node->made_by == number)
		return node;
	struct node *copy = node_new(number, item_ref(node->item), node_ref(node->left), node_ref(node->right));
	node_unref(node);
	return copy;
}

/* Takes the references to node and item, gives one to the new root. */
static struct node *insert(struct node *node, struct item *item, uint64_t number) {
	if (node == NULL)
		return node_new(number, item, NULL, NULL);
	node = own(node, number);
	int order = compare(key_of(item), key_of(node->item));
	if (order == 0) {
		item_unref(node->item);
		node->item = item;
		return node;
	}
	struct node **side = order < 0 ? &node->left : &node->right;
	struct node *child = *side = insert(*side, item, number);
	if (child->priority <= node->priority)
		return node;
	/* Rotate the child up; it was made or owned just now. */
	if (order < 0) {
		node->left = child->right;
		child->right = node;
	} else {
		node->right = child->left;
		child->left = node;
	}
	return child;
}

/* Joins two treaps, all of left before all of right. */
static struct node *merge(struct node *left, struct node *right, uint64_t number) {
	if (left == NULL || right == NULL)
		return left != NULL ? left : right;
	if (left->priority > right->priority) {
		left = own(left, number);
		left->right = merge(left->right, right, number);
		return left;
	}
	right = own(right, number);
	right->left = merge(left, right->left, number);
	return right;
}

/* The key is known to be there. */
static struct node *erase(struct node *node, struct cl_bytes key, uint64_t number) {
	node = own(node, number);
	int order = compare(key, key_of(node->item));
	if (order < 0) {
		node->left = erase(node->left, key, number);
	} else if (order > 0) {
		node->right = erase(node->right, key, number);
	} else {
		struct node *joined = merge(node->left, node->right, number);
		node->left = node->right = NULL;
		node_unref(node);
		return joined;
	}
	return node;
}

static struct item *find(const struct node *node, struct cl_bytes key) {
	while (node != NULL) {
		int order = compare(key, key_of(node->item));
		if (order == 0)
			return node->item;
		node = order < 0 ? node->left : node->right;
	}
	return NULL;
}

/* First item with key >= the given, or > it. */
static struct item *find_from(const struct node *node, struct cl_bytes key, bool behind) {
	struct item *best = NULL;
	while (node != NULL) {
		int order = compare(key_of(node->item), key);
		if (order > 0 || (order == 0 && !behind)) {
			best = node->item;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

static struct item *find_last(const struct node *node) {
	while (node != NULL && node->right != NULL)
		node = node->right;
	return node != NULL ? node->item : NULL;
}

/* -- the table of functions -- */
static int mem_begin(struct cl_kv *kv, bool write, struct cl_kv_txn **ret_txn) {
	struct mem *mem = (struct mem *)kv;
	struct cl_kv_txn *txn = calloc(1, sizeof *txn);
	if (txn == NULL)
		return CL_E_NOMEM;
	txn->mem = mem;
	if (write) {
		CL_ASSERT(pthread_mutex_lock(&mem->writer) == 0);
		txn->number = ++mem->writes;
	}
	CL_ASSERT(pthread_mutex_lock(&mem->mutex) == 0);
	for (int i = 0; i < CL_TABLES; i++)
		txn->roots[i] = node_ref(mem->roots[i]);
	CL_ASSERT(pthread_mutex_unlock(&mem->mutex) == 0);
	*ret_txn = txn;
	return CL_OK;
}

static void mem_abort(struct cl_kv_txn *txn) {
	struct mem *mem = txn->mem;
	bool write = txn->number != 0;
	for (int i = 0; i < CL_TABLES; i++)
		node_unref(txn->roots[i]);
	free(txn);
	if (write)
		CL_ASSERT(pthread_mutex_unlock(&mem->writer) == 0);
}

static int mem_commit(struct cl_kv_txn *txn) {
	struct mem *mem = txn->mem;
	CL_ASSERT(txn->number != 0);
	CL_ASSERT(pthread_mutex_lock(&mem->mutex) == 0);
	for (int i = 0; i < CL_TABLES; i++) {
		struct node *old = mem->roots[i];
		mem->roots[i] = txn->roots[i];
		txn->roots[i] = old;
	}
	CL_ASSERT(pthread_mutex_unlock(&mem->mutex) == 0);
	mem_abort(txn); /* lets the old roots go */
	return CL_OK;
}

static int mem_get(struct cl_kv_txn *txn, enum cl_table table, struct cl_bytes key, struct cl_bytes *ret_value) {
	const struct item *item = find(txn->roots[table], key);
	if (item == NULL)
		return CL_E_NOTFOUND;
	*ret_value = value_of(item);
	return CL_OK;
}

static int mem_put(struct cl_kv_txn *txn, enum cl_table table, struct cl_bytes key, struct cl_bytes value,
                   bool append) {
	CL_ASSERT(txn->number != 0 && key.n > 0 && key.n <= KEY_MAX);
	if (append) {
		const struct item *last = find_last(txn->roots[table]);
		if (last != NULL && compare(key, key_of(last)) <= 0)
			return CL_E_EXISTS;
	}
	txn->roots[table] = insert(txn->roots[table], item_new(key, value), txn->number);
	return CL_OK;
}

static int mem_del(struct cl_kv_txn *txn, enum cl_table table, struct cl_bytes key) {
	CL_ASSERT(txn->number != 0);
	struct item *item = find(txn->roots[table], key);
	if (item == NULL)
		return CL_E_NOTFOUND;
	item_ref(item); /* the key may be a view of what goes now */
	txn->roots[table] = erase(txn->roots[table], key_of(item), txn->number);
	item_unref(item);
	return CL_OK;
}

static int mem_clear(struct cl_kv_txn *txn, enum cl_table table) {
	CL_ASSERT(txn->number != 0);
	node_unref(txn->roots[table]);
	txn->roots[table] = NULL;
	return CL_OK;
}

static int mem_cursor_open(struct cl_kv_txn *txn, enum cl_table table, struct cl_kv_cursor **ret_cursor) {
	struct cl_kv_cursor *cursor = malloc(sizeof *cursor);
	if (cursor == NULL)
		return CL_E_NOMEM;
	*cursor = (struct cl_kv_cursor){txn, table, NULL};
	*ret_cursor = cursor;
	return CL_OK;
}

static void mem_cursor_close(struct cl_kv_cursor *cursor) {
	item_unref(cursor->at);
	free(cursor);
}

static int give(struct cl_kv_cursor *cursor, struct item *item, struct cl_bytes *ret_key, struct cl_bytes *ret_value) {
	if (item == NULL)
		return CL_E_NOTFOUND;
	item_ref(item);
	item_unref(cursor->at);
	cursor->at = item;
	*ret_key = key_of(item);
	*ret_value = value_of(item);
	return CL_OK;
}

static int mem_seek(struct cl_kv_cursor *cursor, struct cl_bytes key, struct cl_bytes *ret_key,
                    struct cl_bytes *ret_value) {
	return give(cursor, find_from(cursor->txn->roots[cursor->table], key, false), ret_key, ret_value);
}

static int mem_next(struct cl_kv_cursor *cursor, struct cl_bytes *ret_key, struct cl_bytes *ret_value) {
	const struct node *root = cursor->txn->roots[cursor->table];
	struct cl_bytes key = cursor->at != NULL ? key_of(cursor->at) : (struct cl_bytes){0};
	return give(cursor, find_from(root, key, cursor->at != NULL), ret_key, ret_value);
}

static int mem_last(struct cl_kv_cursor *cursor, struct cl_bytes *ret_key, struct cl_bytes *ret_value) {
	return give(cursor, find_last(cursor->txn->roots[cursor->table]), ret_key, ret_value);
}

static void mem_close(struct cl_kv *kv) {
	struct mem *mem = (struct mem *)kv;
	for (int i = 0; i < CL_TABLES; i++)
		node_unref(mem->roots[i]);
	CL_ASSERT(pthread_mutex_destroy(&mem->mutex) == 0);
	CL_ASSERT(pthread_mutex_destroy(&mem->writer) == 0);
	free(mem);
}

static uint64_t mem_space(struct cl_kv *kv) {
	(void)kv;
	return UINT64_MAX;
}

int cl_kv_mem_open(struct cl_kv **ret_kv) {
	static const struct cl_kv_ops ops = {
	        .begin = mem_begin,
	        .commit = mem_commit,
	        .abort = mem_abort,
	        .get = mem_get,
	        .put = mem_put,
	        .del = mem_del,
	        .clear = mem_clear,
	        .cursor_open = mem_cursor_open,
	        .cursor_close = mem_cursor_close,
	        .seek = mem_seek,
	        .next = mem_next,
	        .last = mem_last,
	        .close = mem_close,
	        .space = mem_space,
	};
	struct mem *mem = calloc(1, sizeof *mem);
	if (mem == NULL)
		return CL_E_NOMEM;
	mem->kv.ops = &ops;
	CL_ASSERT(pthread_mutex_init(&mem->writer, NULL) == 0);
	CL_ASSERT(pthread_mutex_init(&mem->mutex, NULL) == 0);
	*ret_kv = &mem->kv;
	return CL_OK;
}

const char *cl_table_name(enum cl_table table) {
	static const char *const names[CL_TABLES] = {"events", "streams", "commands", "cursors",
	                                             "actors", "dues",    "meta"};
	CL_ASSERT((unsigned)table < CL_TABLES);
	return names[table];
}
