/* The format is that of LMDB 0.9 (lmdb.h: MDB_VERSION 0.9.x, data version 1) on a 64-bit machine in its own byte order,
 * as mdb.c declares it (MDB_page, MDB_node, MDB_db, MDB_meta). Nothing read here is believed before it is bounded. */
#include "uv/kv_lmdb_check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0xBEEFC0DEu
#define DATA_VERSION 1u
#define NO_PAGE UINT64_MAX
#define META_PAGES 2
#define DEPTH_MOST 32
#define KEY_MOST 511

enum { PAGE_BRANCH = 0x01, PAGE_LEAF = 0x02, PAGE_OVERFLOW = 0x04, PAGE_META = 0x08 };
enum { NODE_BIG = 0x01, NODE_TABLE = 0x02 };

struct page_head {
	uint64_t number;
	uint16_t pad, flags, lower, upper; /* an overflow page's count lies where lower and upper do */
};

struct node_head {
	uint16_t lo, hi, flags, key_n;
};

struct table {
	uint32_t pad; /* the page size, in the first table of a meta page */
	uint16_t flags, depth;
	uint64_t branch_pages, leaf_pages, overflow_pages, entries, root;
};

struct meta {
	uint32_t magic, version;
	uint64_t address, map_bytes;
	struct table tables[2]; /* of free pages, of named tables */
	uint64_t last_page, txn_id;
};

struct key {
	const uint8_t *p; /* NULL: none, no bound */
	size_t n;
};

struct check {
	const uint8_t *file;
	uint64_t pages; /* whole ones in the file */
	uint32_t page_bytes;
	uint64_t last_page;
	uint64_t *used; /* a bit for each page up to last_page */
};

struct walk { /* of one table */
	struct check *check;
	bool of_free, of_names;
	uint16_t depth;
	uint64_t entries;
};

static int check_table(struct check *check, const struct table *table, bool of_free, bool of_names);

static const uint8_t *page_at(const struct check *check, uint64_t number) {
	return check->file + number * check->page_bytes;
}

/* Marks pages as in use; false if one lies outside or is in use already. */
static bool take_pages(struct check *check, uint64_t first, uint64_t n) {
	if (first < META_PAGES || first > check->last_page || n > check->last_page - first + 1)
		return false;
	for (uint64_t i = first; i < first + n; i++) {
		uint64_t bit = (uint64_t)1 << i % 64;
		if (check->used[i / 64] & bit)
			return false;
		check->used[i / 64] |= bit;
	}
	return true;
}

static int compare(struct key a, struct key b) {
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* Free pages are keyed by transaction, a number in the machine's order. */
static int compare_in(const struct walk *walk, struct key a, struct key b) {
	if (!walk->of_free)
		return compare(a, b);
	uint64_t left = 0, right = 0;
	memcpy(&left, a.p, sizeof left);
	memcpy(&right, b.p, sizeof right);
	return (left > right) - (left < right);
}

static int check_overflow(struct check *check, const uint8_t *at, uint64_t data_n, const uint8_t **ret_data) {
	uint64_t first;
	struct page_head head;
	uint32_t n;
	memcpy(&first, at, sizeof first);
	if (first < META_PAGES || first >= check->pages)
		return CL_E_CORRUPT;
	const uint8_t *page = page_at(check, first);
	memcpy(&head, page, sizeof head);
	memcpy(&n, page + offsetof(struct page_head, lower), sizeof n);
	if (head.number != first || head.flags != PAGE_OVERFLOW || n == 0 || n > check->pages - first)
		return CL_E_CORRUPT;
	if (data_n > (uint64_t)n * check->page_bytes - sizeof head || !take_pages(check, first, n))
		return CL_E_CORRUPT;
	*ret_data = page + sizeof head;
	return CL_OK;
}

/* A list of free pages: how many, then their numbers, falling. None of them may be in use. */
static int check_free(struct check *check, const uint8_t *data, uint64_t data_n) {
	uint64_t n, before = NO_PAGE;
	if (data_n < sizeof n || data_n % sizeof n != 0)
		return CL_E_CORRUPT;
	memcpy(&n, data, sizeof n);
	if (n > data_n / sizeof n - 1)
		return CL_E_CORRUPT;
	for (uint64_t i = 1; i <= n; i++) {
		uint64_t page;
		memcpy(&page, data + i * sizeof page, sizeof page);
		if (page >= before || !take_pages(check, page, 1))
			return CL_E_CORRUPT;
		before = page;
	}
	return CL_OK;
}

static int check_leaf_node(struct walk *walk, const uint8_t *data, uint64_t room, const struct node_head *node) {
	uint64_t data_n = (uint64_t)node->lo | (uint64_t)node->hi << 16;
	walk->entries++;
	if ((node->flags & ~(NODE_BIG | NODE_TABLE)) != 0 || ((node->flags & NODE_TABLE) != 0) != walk->of_names)
		return CL_E_CORRUPT;
	if (node->flags & NODE_BIG) {
		if (room < sizeof(uint64_t) || walk->of_names)
			return CL_E_CORRUPT;
		int rc = check_overflow(walk->check, data, data_n, &data);
		if (rc != CL_OK)
			return rc;
	} else if (data_n > room) {
		return CL_E_CORRUPT;
	}
	if (walk->of_free)
		return check_free(walk->check, data, data_n);
	if (walk->of_names) {
		struct table table;
		if (data_n != sizeof table)
			return CL_E_CORRUPT;
		memcpy(&table, data, sizeof table);
		return check_table(walk->check, &table, false, false);
	}
	return CL_OK;
}

static int read_node(const struct check *check, const uint8_t *page, const struct page_head *head, uint32_t i,
                     struct node_head *ret_node, const uint8_t **ret_data, uint64_t *ret_room) {
	uint16_t offset;
	memcpy(&offset, page + sizeof *head + 2 * i, sizeof offset);
	if (offset < head->upper || offset % 2 != 0 || offset > check->page_bytes - sizeof *ret_node)
		return CL_E_CORRUPT;
	memcpy(ret_node, page + offset, sizeof *ret_node);
	uint64_t room = check->page_bytes - offset - sizeof *ret_node;
	if (ret_node->key_n > KEY_MOST || ret_node->key_n > room)
		return CL_E_CORRUPT;
	*ret_data = page + offset + sizeof *ret_node;
	*ret_room = room - ret_node->key_n;
	return CL_OK;
}

static int read_page(struct check *check, uint64_t number, struct page_head *ret_head, uint32_t *ret_n) {
	if (number >= check->pages || !take_pages(check, number, 1))
		return CL_E_CORRUPT;
	memcpy(ret_head, page_at(check, number), sizeof *ret_head);
	if (ret_head->number != number || ret_head->lower < sizeof *ret_head || ret_head->lower > ret_head->upper ||
	    ret_head->upper > check->page_bytes || ret_head->lower % 2 != 0)
		return CL_E_CORRUPT;
	*ret_n = (ret_head->lower - (uint32_t)sizeof *ret_head) / 2;
	return CL_OK;
}

/* Keys of the page lie in [low, high) and rise. A branch's first node has no key: it begins where the branch does. */
static int check_page(struct walk *walk, uint64_t number, uint16_t level, struct key low, struct key high) {
	struct check *check = walk->check;
	const uint8_t *page = page_at(check, number);
	struct page_head head;
	uint32_t n;
	int rc = read_page(check, number, &head, &n);
	if (rc != CL_OK)
		return rc;
	bool leaf = level == walk->depth;
	if (head.flags != (leaf ? PAGE_LEAF : PAGE_BRANCH) || n < (leaf ? 1u : 2u))
		return CL_E_CORRUPT;
	uint64_t child = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct node_head node;
		const uint8_t *key_p;
		uint64_t room;
		rc = read_node(check, page, &head, i, &node, &key_p, &room);
		if (rc != CL_OK)
			return rc;
		struct key key = {key_p, node.key_n};
		bool implied = !leaf && i == 0;
		if (!implied) {
			if (key.n == 0 || (walk->of_free && key.n != sizeof(uint64_t)))
				return CL_E_CORRUPT;
			int order = low.p != NULL ? compare_in(walk, key, low) : 1;
			if (order < 0 || (order == 0 && i > 0) || (high.p != NULL && compare_in(walk, key, high) >= 0))
				return CL_E_CORRUPT;
		}
		if (leaf)
			rc = check_leaf_node(walk, key_p + node.key_n, room, &node);
		else if (i > 0)
			rc = check_page(walk, child, level + 1, low, key);
		if (rc != CL_OK)
			return rc;
		child = (uint64_t)node.lo | (uint64_t)node.hi << 16 | (uint64_t)node.flags << 32;
		if (!implied)
			low = key;
	}
	return leaf ? CL_OK : check_page(walk, child, level + 1, low, high);
}

static int check_table(struct check *check, const struct table *table, bool of_free, bool of_names) {
	struct walk walk = {.check = check, .of_free = of_free, .of_names = of_names, .depth = table->depth};
	if (table->root == NO_PAGE)
		return table->entries == 0 && table->depth == 0 ? CL_OK : CL_E_CORRUPT;
	if (table->root >= check->pages || table->depth == 0 || table->depth > DEPTH_MOST)
		return CL_E_CORRUPT;
	struct key none = {NULL, 0};
	int rc = check_page(&walk, table->root, 1, none, none);
	if (rc == CL_OK && walk.entries != table->entries)
		rc = CL_E_CORRUPT;
	return rc;
}

static bool meta_sound(const struct meta *meta, uint64_t file_bytes) {
	uint32_t page_bytes = meta->tables[0].pad;
	return meta->magic == MAGIC && meta->version == DATA_VERSION && page_bytes >= 512 && page_bytes <= 65536 &&
	       (page_bytes & (page_bytes - 1)) == 0 && file_bytes >= (uint64_t)META_PAGES * page_bytes;
}

static bool metas_agree(const struct meta *metas, uint64_t file_bytes) {
	return meta_sound(&metas[0], file_bytes) && meta_sound(&metas[1], file_bytes) &&
	       metas[0].tables[0].pad == metas[1].tables[0].pad;
}

int cl_kv_lmdb_check_start(int data_fd) {
	struct stat file;
	struct meta metas[META_PAGES];
	off_t at = sizeof(struct page_head);
	if (fstat(data_fd, &file) != 0)
		return CL_E_IO;
	if (file.st_size == 0)
		return CL_OK;
	if (pread(data_fd, &metas[0], sizeof metas[0], at) != sizeof metas[0] ||
	    !meta_sound(&metas[0], (uint64_t)file.st_size) ||
	    pread(data_fd, &metas[1], sizeof metas[1], at + metas[0].tables[0].pad) != sizeof metas[1])
		return CL_E_CORRUPT;
	return metas_agree(metas, (uint64_t)file.st_size) ? CL_OK : CL_E_CORRUPT;
}

/* The two meta pages are written in turn, so their transactions follow each other. */
static int pick_meta(const uint8_t *file, uint64_t file_bytes, uint64_t txn_id, struct meta *ret_meta) {
	struct meta metas[META_PAGES];
	size_t at = sizeof(struct page_head);
	if (file_bytes < at + sizeof metas[0])
		return CL_E_CORRUPT;
	memcpy(&metas[0], file + at, sizeof metas[0]);
	if (!meta_sound(&metas[0], file_bytes))
		return CL_E_CORRUPT;
	memcpy(&metas[1], file + metas[0].tables[0].pad + at, sizeof metas[1]);
	if (!metas_agree(metas, file_bytes))
		return CL_E_CORRUPT;
	uint64_t a = metas[0].txn_id, b = metas[1].txn_id;
	if ((a > b ? a - b : b - a) > 1)
		return CL_E_CORRUPT;
	if (a != txn_id && b != txn_id)
		return CL_E_AGAIN;
	*ret_meta = metas[a == txn_id ? 0 : 1];
	return CL_OK;
}

static int check_file(const uint8_t *file, uint64_t file_bytes, uint64_t txn_id) {
	struct meta meta;
	int rc = pick_meta(file, file_bytes, txn_id, &meta);
	if (rc != CL_OK)
		return rc;
	struct check check = {.file = file, .page_bytes = meta.tables[0].pad, .last_page = meta.last_page};
	check.pages = file_bytes / check.page_bytes;
	/* A file may lack pages at its end that were taken and freed at once, but never many times what is there. */
	if (meta.last_page < META_PAGES - 1 || meta.last_page / 64 > check.pages + (1u << 20))
		return CL_E_CORRUPT;
	check.used = calloc(meta.last_page / 64 + 1, sizeof *check.used);
	if (check.used == NULL)
		return CL_E_NOMEM;
	rc = check_table(&check, &meta.tables[1], false, true);
	if (rc == CL_OK)
		rc = check_table(&check, &meta.tables[0], true, false);
	free(check.used);
	return rc;
}

int cl_kv_lmdb_check(int data_fd, uint64_t txn_id) {
	struct stat file;
	if (fstat(data_fd, &file) != 0)
		return CL_E_IO;
	if (file.st_size == 0)
		return CL_E_CORRUPT;
	void *map = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, data_fd, 0);
	if (map == MAP_FAILED)
		return CL_E_IO;
	int rc = check_file(map, (uint64_t)file.st_size, txn_id);
	if (munmap(map, (size_t)file.st_size) != 0)
		return CL_E_IO;
	return rc;
}
