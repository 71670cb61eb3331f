#include "base/assert.h"
#include "log/be.h"
#include "log/log.h"
#include "log/tables.h"

int cl_log_reader_open(struct cl_log_reader *reader, struct cl_kv *kv, uint64_t from_seq) {
	*reader = (struct cl_log_reader){.kv = kv, .next = from_seq == 0 ? 1 : from_seq};
	int rc = kv->ops->begin(kv, false, &reader->txn);
	if (rc != CL_OK)
		return rc;
	rc = kv->ops->cursor_open(reader->txn, CL_EVENTS, &reader->cursor);
	if (rc != CL_OK) {
		kv->ops->abort(reader->txn);
		*reader = (struct cl_log_reader){0};
	}
	return rc;
}

void cl_log_reader_close(struct cl_log_reader *reader) {
	if (reader->cursor != NULL)
		reader->kv->ops->cursor_close(reader->cursor);
	if (reader->txn != NULL)
		reader->kv->ops->abort(reader->txn);
	*reader = (struct cl_log_reader){0};
}

static int open_event(struct cl_bytes key, struct cl_bytes value, uint64_t seq, struct cl_stored *ret_stored) {
	if (key.n != 8 || cl_be64_get(key.p) != seq)
		return CL_E_CORRUPT;
	return cl_stored_open(value, ret_stored);
}

int cl_log_reader_next(struct cl_log_reader *reader, struct cl_stored *ret_stored) {
	struct cl_bytes key, value;
	int rc;
	if (reader->placed) {
		rc = reader->kv->ops->next(reader->cursor, &key, &value);
	} else {
		uint8_t want[8];
		cl_key_seq(want, reader->next);
		rc = reader->kv->ops->seek(reader->cursor, cl_bytes_of(want, sizeof want), &key, &value);
	}
	if (rc == CL_OK)
		rc = open_event(key, value, reader->next, ret_stored);
	if (rc != CL_OK)
		return rc;
	reader->placed = true;
	reader->next++;
	return CL_OK;
}

int cl_log_read(struct cl_kv_txn *txn, struct cl_kv *kv, uint64_t seq, struct cl_stored *ret_stored) {
	uint8_t key[8];
	struct cl_bytes value;
	cl_key_seq(key, seq);
	int rc = kv->ops->get(txn, CL_EVENTS, cl_bytes_of(key, sizeof key), &value);
	return rc == CL_OK ? cl_stored_open(value, ret_stored) : rc;
}

int cl_log_read_head(struct cl_kv_txn *txn, struct cl_kv *kv, struct cl_log_head *ret_head) {
	struct cl_kv_cursor *cursor;
	struct cl_bytes key, value;
	struct cl_stored stored;
	struct cl_record record;
	int rc = kv->ops->cursor_open(txn, CL_EVENTS, &cursor);
	if (rc != CL_OK)
		return rc;
	rc = kv->ops->last(cursor, &key, &value);
	if (rc == CL_E_NOTFOUND) {
		*ret_head = (struct cl_log_head){0};
		rc = CL_OK;
	} else if (rc == CL_OK) {
		rc = cl_stored_open(value, &stored);
		if (rc == CL_OK && cl_record_decode(stored.record, &record) != CL_OK)
			rc = CL_E_CORRUPT;
		if (rc == CL_OK && (key.n != 8 || cl_be64_get(key.p) != record.seq))
			rc = CL_E_CORRUPT;
		if (rc == CL_OK)
			*ret_head = (struct cl_log_head){record.seq, stored.hash, record.recorded_ms};
	}
	kv->ops->cursor_close(cursor);
	return rc;
}

/* A value of exactly n bytes; NOTFOUND, CORRUPT. */
static int get_exact(struct cl_kv_txn *txn, struct cl_kv *kv, enum cl_table table, struct cl_bytes key, uint32_t n,
                     struct cl_bytes *ret_value) {
	int rc = kv->ops->get(txn, table, key, ret_value);
	return rc == CL_OK && ret_value->n != n ? CL_E_CORRUPT : rc;
}

/* -- one aggregate's records -- */
struct place { /* of one record of the aggregate */
	uint64_t seq;
	uint32_t version;
};

/* The row of the version, or the next one behind it; NOTFOUND. */
static int find_row(struct cl_kv_txn *txn, struct cl_kv *kv, const uint8_t key[CL_KEY_STREAM],
                    struct place *ret_place) {
	struct cl_kv_cursor *cursor;
	struct cl_bytes found, value;
	int rc = kv->ops->cursor_open(txn, CL_STREAMS, &cursor);
	if (rc != CL_OK)
		return rc;
	rc = kv->ops->seek(cursor, cl_bytes_of(key, CL_KEY_STREAM), &found, &value);
	if (rc == CL_OK && (found.n != CL_KEY_STREAM || value.n != 8))
		rc = CL_E_CORRUPT;
	if (rc == CL_OK && memcmp(found.p, key, CL_KEY_ACTOR) != 0)
		rc = CL_E_NOTFOUND;
	if (rc == CL_OK)
		*ret_place = (struct place){cl_be64_get(value.p), cl_be32_get(found.p + CL_KEY_ACTOR)};
	kv->ops->cursor_close(cursor);
	return rc;
}

/* Where a walk back to the version begins: a row not far behind it, or the aggregate's last record, which may lie
 * before the version wanted. */
static int find_start(struct cl_kv_txn *txn, struct cl_kv *kv, uint8_t kind, struct cl_id id, uint32_t version,
                      struct place *ret_place) {
	uint8_t key[CL_KEY_STREAM];
	cl_key_stream(key, kind, &id, version);
	int rc = find_row(txn, kv, key, ret_place);
	if (rc != CL_E_NOTFOUND)
		return rc;
	struct cl_log_actor actor;
	rc = cl_log_actor(txn, kv, kind, id, &actor);
	if (rc == CL_OK)
		*ret_place = (struct place){actor.last_seq, actor.version};
	return rc;
}

/* NOTFOUND: the record is not linked. */
static int step_back(struct cl_kv_txn *txn, struct cl_kv *kv, uint8_t kind, struct cl_id id, struct place *place) {
	struct cl_stored stored;
	struct cl_record record;
	int rc = cl_log_read(txn, kv, place->seq, &stored);
	if (rc != CL_OK)
		return rc == CL_E_NOTFOUND ? CL_E_CORRUPT : rc;
	if (cl_record_decode(stored.record, &record) != CL_OK || record.kind != kind ||
	    !cl_id_eq(record.aggregate, id) || record.aggregate_version != place->version ||
	    record.previous >= place->seq)
		return CL_E_CORRUPT;
	if (record.previous == 0)
		return CL_E_NOTFOUND;
	*place = (struct place){record.previous, place->version - 1};
	return CL_OK;
}

/* Places of versions from..*to, where *to is lowered to the aggregate's last. NOTFOUND: none, or a link is missing. */
static int walk_back(struct cl_kv_txn *txn, struct cl_kv *kv, uint8_t kind, struct cl_id id, uint32_t from,
                     uint32_t *to, uint64_t *ret_seqs) {
	struct place place = {0, 0};
	int rc = find_start(txn, kv, kind, id, *to, &place);
	if (rc != CL_OK)
		return rc;
	if (place.version < *to)
		*to = place.version;
	if (place.version < from)
		return CL_E_NOTFOUND;
	for (;;) {
		if (place.version <= *to)
			ret_seqs[place.version - from] = place.seq;
		if (place.version == from)
			return CL_OK;
		rc = step_back(txn, kv, kind, id, &place);
		if (rc != CL_OK)
			return rc;
	}
}

int cl_log_stream_seqs(struct cl_kv_txn *txn, struct cl_kv *kv, uint8_t kind, struct cl_id id, uint32_t from,
                       uint32_t cap, uint64_t *ret_seqs, uint32_t *ret_n) {
	uint32_t n = 0;
	bool linked = true;
	CL_ASSERT(from > 0 && cap <= UINT32_MAX - from);
	while (n < cap) {
		uint32_t first = from + n, left = cap - n, to = first;
		if (linked) /* to the next row */
			to = first + (CL_STREAM_STEP - first % CL_STREAM_STEP) % CL_STREAM_STEP;
		if (to - first >= left)
			to = first + left - 1;
		int rc = walk_back(txn, kv, kind, id, first, &to, ret_seqs + n);
		if (rc == CL_E_NOTFOUND && linked) {
			linked = false;
			continue;
		}
		if (rc == CL_E_NOTFOUND)
			break;
		if (rc != CL_OK)
			return rc;
		n = to - from + 1;
	}
	*ret_n = n;
	return CL_OK;
}

int cl_log_stream_seq(struct cl_kv_txn *txn, struct cl_kv *kv, uint8_t kind, struct cl_id id, uint32_t version,
                      uint64_t *ret_seq) {
	uint32_t n;
	if (version == 0 || version == UINT32_MAX)
		return CL_E_NOTFOUND;
	int rc = cl_log_stream_seqs(txn, kv, kind, id, version, 1, ret_seq, &n);
	return rc == CL_OK && n == 0 ? CL_E_NOTFOUND : rc;
}

int cl_log_command(struct cl_kv_txn *txn, struct cl_kv *kv, struct cl_id command, uint64_t *ret_first,
                   uint64_t *ret_last) {
	struct cl_bytes value;
	int rc = get_exact(txn, kv, CL_COMMANDS, cl_bytes_of(command.b, sizeof command.b), 16, &value);
	if (rc == CL_OK) {
		*ret_first = cl_be64_get(value.p);
		*ret_last = cl_be64_get(value.p + 8);
	}
	return rc;
}

int cl_log_cursor(struct cl_kv_txn *txn, struct cl_kv *kv, uint32_t service, uint32_t partition, uint64_t *ret_seq,
                  struct cl_hash *ret_hash) {
	uint8_t key[CL_KEY_CURSOR];
	struct cl_bytes value;
	CL_ASSERT(service <= UINT8_MAX && partition <= UINT16_MAX);
	cl_key_cursor(key, service, partition);
	int rc = get_exact(txn, kv, CL_CURSORS, cl_bytes_of(key, sizeof key), 8 + CL_HASH_BYTES, &value);
	if (rc == CL_OK) {
		*ret_seq = cl_be64_get(value.p);
		memcpy(ret_hash->b, value.p + 8, CL_HASH_BYTES);
	}
	return rc;
}

int cl_log_number(struct cl_kv_txn *txn, struct cl_kv *kv, uint64_t *ret_number) {
	struct cl_bytes value;
	int rc = get_exact(txn, kv, CL_META, cl_meta_key(CL_META_NUMBER), 8, &value);
	if (rc == CL_OK)
		*ret_number = cl_be64_get(value.p);
	else if (rc == CL_E_NOTFOUND)
		*ret_number = 0;
	return rc == CL_E_NOTFOUND ? CL_OK : rc;
}

int cl_log_actor(struct cl_kv_txn *txn, struct cl_kv *kv, uint8_t kind, struct cl_id id,
                 struct cl_log_actor *ret_actor) {
	uint8_t key[CL_KEY_ACTOR];
	struct cl_bytes value;
	cl_key_actor(key, kind, &id);
	int rc = kv->ops->get(txn, CL_ACTORS, cl_bytes_of(key, sizeof key), &value);
	if (rc != CL_OK)
		return rc;
	if (value.n <= CL_ACTOR_HEAD || cl_be32_get(value.p) != cl_crc32c(0, value.p + 4, value.n - 4))
		return CL_E_CORRUPT;
	ret_actor->version = cl_be32_get(value.p + 4);
	ret_actor->last_seq = cl_be64_get(value.p + 8);
	ret_actor->state = cl_bytes_of(value.p + CL_ACTOR_HEAD, value.n - CL_ACTOR_HEAD);
	return CL_OK;
}
