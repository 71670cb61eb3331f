#include "base/assert.h"
#include "base/map.h"
#include "codec.h"
#include "log/be.h"
#include "log/log.h"

#define READER_RECORDS 65536 /* records of one read transaction: a long one would keep the store from reusing pages */
#define SIGNED_BYTES (16 + 8 + CL_HASH_BYTES)

static void signed_bytes(struct cl_id log_id, uint64_t seq, struct cl_hash hash, uint8_t out[SIGNED_BYTES]) {
	memcpy(out, log_id.b, sizeof log_id.b);
	cl_be64_put(out + 16, seq);
	memcpy(out + 24, hash.b, sizeof hash.b);
}

void cl_log_sign(const struct cl_log_identity *identity, uint64_t seq, struct cl_hash hash,
                 uint8_t ret_signature[CL_SIGN_BYTES]) {
	uint8_t bytes[SIGNED_BYTES];
	signed_bytes(identity->log_id, seq, hash, bytes);
	cl_sign(&identity->sign_key, bytes, sizeof bytes, ret_signature);
}

int cl_log_sign_check(const uint8_t public_key[32], struct cl_id log_id, uint64_t seq, struct cl_hash hash,
                      const uint8_t signature[CL_SIGN_BYTES]) {
	uint8_t bytes[SIGNED_BYTES];
	signed_bytes(log_id, seq, hash, bytes);
	return cl_sign_verify(public_key, bytes, sizeof bytes, signature) == CL_OK ? CL_OK : CL_E_SIGNATURE;
}

struct last { /* record of an aggregate */
	uint64_t seq;
	uint32_t version;
};

struct verify {
	struct cl_kv *kv;
	struct cl_kv_txn *txn; /* of the present reader */
	uint8_t public_key[32];
	bool key_given;
	struct cl_map aggregates; /* (kind, id) -> struct last */
	struct cl_arena lasts;
	struct cl_arena arena;
	struct cl_verify_report *report;
};

static int check_opened(struct verify *verify, const struct cl_record *record) {
	struct log_opened opened;
	if (record->type != CL_T_log_opened || record->kind != CL_KIND_LOG)
		return CL_E_MISMATCH;
	if (cl_decode(&cl_schema_log_opened, record->payload, &verify->arena, &opened, NULL) != CL_OK ||
	    opened.public_key.n != sizeof verify->public_key)
		return CL_E_MALFORMED;
	if (!verify->key_given)
		memcpy(verify->public_key, opened.public_key.p, sizeof verify->public_key);
	else if (memcmp(verify->public_key, opened.public_key.p, sizeof verify->public_key) != 0)
		return CL_E_SIGNATURE;
	verify->report->log_id = opened.log_id;
	return CL_OK;
}

/* A checkpoint may speak of any record before it; that record's stored hash was verified on the way here. */
static int check_checkpoint(struct verify *verify, const struct cl_record *record) {
	struct log_checkpoint checkpoint;
	if (cl_decode(&cl_schema_log_checkpoint, record->payload, &verify->arena, &checkpoint, NULL) != CL_OK ||
	    checkpoint.signature.n != CL_SIGN_BYTES)
		return CL_E_MALFORMED;
	if (checkpoint.seq == 0 || checkpoint.seq >= record->seq ||
	    !cl_id_eq(checkpoint.log_id, verify->report->log_id))
		return CL_E_MISMATCH;
	struct cl_hash hash = verify->report->head.hash;
	if (checkpoint.seq != verify->report->head.seq) {
		struct cl_stored stored;
		int rc = cl_log_read(verify->txn, verify->kv, checkpoint.seq, &stored);
		if (rc != CL_OK)
			return rc;
		hash = stored.hash;
	}
	if (!cl_hash_eq(hash, checkpoint.hash))
		return CL_E_CHAIN;
	int rc = cl_log_sign_check(verify->public_key, checkpoint.log_id, checkpoint.seq, checkpoint.hash,
	                           checkpoint.signature.p);
	if (rc != CL_OK)
		return rc;
	verify->report->checkpoints++;
	if (checkpoint.seq > verify->report->last_signed_seq)
		verify->report->last_signed_seq = checkpoint.seq;
	return CL_OK;
}

static struct last *last_of(struct verify *verify, const struct cl_record *record) {
	struct last *last = cl_map_get(&verify->aggregates, record->kind, record->aggregate);
	if (last == NULL) {
		last = cl_arena_new(&verify->lasts, struct last);
		cl_map_put(&verify->aggregates, record->kind, record->aggregate, last);
	}
	return last;
}

static int check_version(struct verify *verify, const struct cl_record *record) {
	if (record->kind == CL_KIND_LOG)
		return CL_OK;
	struct last *last = last_of(verify, record);
	if (record->aggregate_version != last->version + 1 || (record->previous != 0 && record->previous != last->seq))
		return CL_E_MISMATCH;
	*last = (struct last){record->seq, record->aggregate_version};
	return CL_OK;
}

static int check_record(struct verify *verify, uint64_t seq, const struct cl_stored *stored) {
	const struct cl_log_head *head = &verify->report->head;
	struct cl_record record;
	size_t used, offset;
	/* The chain first: a byte that was changed is a broken chain, whatever else it spoils. */
	if (!cl_hash_eq(cl_hash_chain(head->hash, stored->record.p, stored->record.n), stored->hash))
		return CL_E_CHAIN;
	if (cl_record_decode(stored->record, &record) != CL_OK ||
	    cl_msgpack_scan(record.payload, &used, &offset) != CL_OK || used != record.payload.n)
		return CL_E_MALFORMED;
	if (record.seq != seq || record.recorded_ms < head->recorded_ms)
		return CL_E_MISMATCH;
	cl_arena_reset(&verify->arena);
	int rc = check_version(verify, &record);
	if (rc == CL_OK && seq == 1)
		rc = check_opened(verify, &record);
	if (rc == CL_OK && record.type == CL_T_log_checkpoint)
		rc = check_checkpoint(verify, &record);
	if (rc == CL_OK) {
		verify->report->head = (struct cl_log_head){seq, stored->hash, record.recorded_ms};
		verify->report->records++;
	}
	return rc;
}

/* One read transaction's worth. NOTFOUND at the head. */
static int check_some(struct verify *verify) {
	struct cl_log_reader reader;
	int rc = cl_log_reader_open(&reader, verify->kv, verify->report->head.seq + 1);
	if (rc != CL_OK)
		return rc;
	verify->txn = reader.txn;
	for (uint32_t i = 0; rc == CL_OK && i < READER_RECORDS; i++) {
		struct cl_stored stored;
		uint64_t seq = reader.next;
		rc = cl_log_reader_next(&reader, &stored);
		if (rc == CL_OK)
			rc = check_record(verify, seq, &stored);
		if (rc == CL_E_CORRUPT || rc == CL_E_CHAIN || rc == CL_E_SIGNATURE || rc == CL_E_MALFORMED ||
		    rc == CL_E_MISMATCH) {
			verify->report->bad_seq = seq;
			verify->report->bad_code = rc;
		}
	}
	cl_log_reader_close(&reader);
	return rc;
}

static int read_head_seq(struct cl_kv *kv, uint64_t *ret_seq) {
	struct cl_kv_txn *txn;
	struct cl_log_head head;
	int rc = kv->ops->begin(kv, false, &txn);
	if (rc != CL_OK)
		return rc;
	rc = cl_log_read_head(txn, kv, &head);
	kv->ops->abort(txn);
	*ret_seq = rc == CL_OK ? head.seq : 0;
	return rc == CL_E_CORRUPT ? CL_OK : rc; /* the pass itself will name it */
}

int cl_log_verify(struct cl_kv *kv, const uint8_t *public_key,
                  void (*progress)(void *context, uint64_t seq, uint64_t of), void *context,
                  struct cl_verify_report *ret_report) {
	struct verify verify = {.kv = kv, .key_given = public_key != NULL, .report = ret_report};
	uint64_t of;
	*ret_report = (struct cl_verify_report){0};
	if (public_key != NULL)
		memcpy(verify.public_key, public_key, sizeof verify.public_key);
	int rc = read_head_seq(kv, &of);
	if (rc != CL_OK)
		return rc;
	cl_map_init(&verify.aggregates);
	cl_arena_init(&verify.lasts, 4096);
	cl_arena_init(&verify.arena, 4096);
	while (rc == CL_OK) {
		rc = check_some(&verify);
		uint64_t seq = ret_report->head.seq;
		if (progress != NULL)
			progress(context, seq, seq > of ? seq : of);
	}
	cl_arena_done(&verify.arena);
	cl_map_done(&verify.aggregates);
	cl_arena_done(&verify.lasts);
	return rc == CL_E_NOTFOUND ? CL_OK : rc;
}

static int read_log_id(struct cl_kv_txn *txn, struct cl_kv *kv, struct cl_id *ret_log_id) {
	struct cl_stored stored;
	struct cl_record record;
	int rc = cl_log_read(txn, kv, 1, &stored);
	if (rc != CL_OK)
		return rc == CL_E_NOTFOUND ? CL_E_TRUNCATED : rc;
	if (cl_record_decode(stored.record, &record) != CL_OK || record.type != CL_T_log_opened)
		return CL_E_CORRUPT;
	*ret_log_id = record.aggregate;
	return CL_OK;
}

int cl_log_check_anchor(struct cl_kv *kv, const struct cl_anchor *anchor) {
	struct cl_kv_txn *txn;
	struct cl_stored stored;
	struct cl_id log_id;
	int rc = kv->ops->begin(kv, false, &txn);
	if (rc != CL_OK)
		return rc;
	rc = read_log_id(txn, kv, &log_id);
	if (rc == CL_OK && !cl_id_eq(log_id, anchor->log_id))
		rc = CL_E_MISMATCH;
	if (rc == CL_OK) {
		rc = cl_log_read(txn, kv, anchor->seq, &stored);
		if (rc == CL_E_NOTFOUND)
			rc = CL_E_TRUNCATED;
		else if (rc == CL_OK && !cl_hash_eq(stored.hash, anchor->hash))
			rc = CL_E_CHAIN;
	}
	kv->ops->abort(txn);
	return rc;
}
