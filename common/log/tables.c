#include "log/tables.h"

#include "base/assert.h"
#include "codec.h"
#include "log/be.h"

void cl_key_seq(uint8_t key[8], uint64_t seq) {
	cl_be64_put(key, seq);
}

void cl_key_actor(uint8_t key[CL_KEY_ACTOR], uint8_t kind, const struct cl_id *id) {
	key[0] = kind;
	memcpy(key + 1, id->b, sizeof id->b);
}

void cl_key_stream(uint8_t key[CL_KEY_STREAM], uint8_t kind, const struct cl_id *id, uint32_t version) {
	cl_key_actor(key, kind, id);
	cl_be32_put(key + CL_KEY_ACTOR, version);
}

void cl_key_cursor(uint8_t key[CL_KEY_CURSOR], uint32_t service, uint32_t partition) {
	key[0] = (uint8_t)service;
	cl_be16_put(key + 1, (uint16_t)partition);
}

void cl_key_due(uint8_t key[CL_KEY_DUE], int64_t due_ms, uint8_t kind, const struct cl_id *id) {
	cl_be64_put(key, (uint64_t)due_ms);
	cl_key_actor(key + 8, kind, id);
}

void cl_tables_init(struct cl_tables *tables, const struct cl_log *log, struct cl_kv_txn *txn, int64_t recorded_ms) {
	tables->log = log;
	tables->txn = txn;
	tables->forget_before_ms = recorded_ms - log->command_window_ms;
	tables->cursor_n = 0;
	tables->command = (struct cl_id){0};
	tables->command_first = tables->command_last = 0;
	cl_arena_init(&tables->arena, 4096);
}

void cl_tables_done(struct cl_tables *tables) {
	cl_arena_done(&tables->arena);
}

static int put_cursors(struct cl_tables *tables) {
	struct cl_kv *kv = tables->log->kv;
	for (uint32_t i = 0; i < tables->cursor_n; i++) {
		const struct cl_tables_cursor *cursor = &tables->cursors[i];
		uint8_t key[CL_KEY_CURSOR], value[8 + CL_HASH_BYTES];
		cl_key_cursor(key, cursor->service, cursor->partition);
		cl_be64_put(value, cursor->seq);
		memcpy(value + 8, cursor->hash.b, CL_HASH_BYTES);
		int rc = kv->ops->put(tables->txn, CL_CURSORS, cl_bytes_of(key, sizeof key),
		                      cl_bytes_of(value, sizeof value), false);
		if (rc != CL_OK)
			return rc;
	}
	tables->cursor_n = 0;
	return CL_OK;
}

static int move_cursor(struct cl_tables *tables, uint32_t service, uint32_t partition, uint64_t seq,
                       const struct cl_hash *hash) {
	const struct cl_log_identity *own = &tables->log->identity;
	uint32_t i = 0;
	while (i < tables->cursor_n &&
	       (tables->cursors[i].service != service || tables->cursors[i].partition != partition))
		i++;
	if (i == CL_TABLES_SOURCES) {
		int rc = put_cursors(tables);
		if (rc != CL_OK)
			return rc;
		i = 0;
	}
	if (i == tables->cursor_n)
		tables->cursor_n++;
	struct cl_tables_cursor *cursor = &tables->cursors[i];
	*cursor = (struct cl_tables_cursor){.service = service, .partition = partition, .seq = seq};
	if (service != own->service || partition != own->partition)
		cursor->hash = *hash;
	return CL_OK;
}

static int decode_consumed(struct cl_tables *tables, struct cl_bytes payload, struct log_consumed *ret_consumed) {
	cl_arena_reset(&tables->arena);
	if (cl_decode_trusted(&cl_schema_log_consumed, payload, &tables->arena, ret_consumed) != CL_OK)
		return CL_E_CORRUPT;
	for (uint32_t i = 0; i < ret_consumed->sources.n; i++) {
		const struct log_position *source = &ret_consumed->sources.v[i];
		if (source->service == 0 || source->service > UINT8_MAX || source->partition > UINT16_MAX)
			return CL_E_CORRUPT;
	}
	return CL_OK;
}

static int move_cursors(struct cl_tables *tables, const struct cl_cause *cause, const struct log_consumed *consumed) {
	int rc = CL_OK;
	if (cause->service != 0)
		rc = move_cursor(tables, cause->service, cause->partition, cause->seq, &cause->hash);
	for (uint32_t i = 0; rc == CL_OK && i < consumed->sources.n; i++) {
		const struct log_position *source = &consumed->sources.v[i];
		rc = move_cursor(tables, source->service, source->partition, source->seq, &source->hash);
	}
	return rc;
}

static bool forgotten(const struct cl_tables *tables, struct cl_id command) {
	int64_t ms = cl_id_v7_ms(command);
	return ms >= 0 && ms < tables->forget_before_ms;
}

/* Writes the run collected so far. An id that came before keeps its first position. */
static int put_command(struct cl_tables *tables) {
	struct cl_kv *kv = tables->log->kv;
	if (cl_id_zero(tables->command))
		return CL_OK;
	struct cl_bytes key = cl_bytes_of(tables->command.b, sizeof tables->command.b), old;
	int rc = kv->ops->get(tables->txn, CL_COMMANDS, key, &old);
	if (rc == CL_OK) {
		if (old.n != 16)
			return CL_E_CORRUPT;
		tables->command_first = cl_be64_get(old.p);
	} else if (rc != CL_E_NOTFOUND) {
		return rc;
	}
	uint8_t value[16];
	cl_be64_put(value, tables->command_first);
	cl_be64_put(value + 8, tables->command_last);
	return kv->ops->put(tables->txn, CL_COMMANDS, key, cl_bytes_of(value, sizeof value), false);
}

static int add_command(struct cl_tables *tables, struct cl_id command, uint64_t seq) {
	if (cl_id_zero(command) || forgotten(tables, command))
		return CL_OK;
	if (cl_id_eq(command, tables->command)) {
		tables->command_last = seq;
		return CL_OK;
	}
	int rc = put_command(tables);
	tables->command = command;
	tables->command_first = tables->command_last = seq;
	return rc;
}

/* Whether the record has a row of its own, or is found by walking back from one. */
static bool in_streams(const struct cl_record *record) {
	if (record->kind == CL_KIND_LOG)
		return false;
	return record->aggregate_version % CL_STREAM_STEP == 0 ||
	       (record->previous == 0 && record->aggregate_version > 1);
}

static int add_stream(struct cl_tables *tables, const struct cl_record *record) {
	uint8_t key[CL_KEY_STREAM], value[8];
	cl_key_stream(key, record->kind, &record->aggregate, record->aggregate_version);
	cl_key_seq(value, record->seq);
	return tables->log->kv->ops->put(tables->txn, CL_STREAMS, cl_bytes_of(key, sizeof key),
	                                 cl_bytes_of(value, sizeof value), false);
}

int cl_tables_add(struct cl_tables *tables, const struct cl_record *borrowed) {
	/* The payload may lie in the store and die with the first put, so it is decoded first; the rest is copied. */
	const struct cl_record record = *borrowed;
	struct log_consumed consumed = {0};
	int rc = CL_OK;
	if (record.type == CL_T_log_consumed)
		rc = decode_consumed(tables, record.payload, &consumed);
	if (rc == CL_OK)
		rc = move_cursors(tables, &record.cause, &consumed);
	if (rc == CL_OK && in_streams(&record))
		rc = add_stream(tables, &record);
	if (rc == CL_OK)
		rc = add_command(tables, record.command, record.seq);
	return rc;
}

int cl_tables_flush(struct cl_tables *tables) {
	int rc = put_command(tables);
	tables->command = (struct cl_id){0};
	return rc == CL_OK ? put_cursors(tables) : rc;
}

/* The smallest key that a UUIDv7 of this millisecond can have (RFC 9562, 5.7: 48 bits of time come first). */
static void time_key(int64_t ms, uint8_t key[16]) {
	uint8_t be[8];
	memset(key, 0, 16);
	cl_be64_put(be, ms < 0 ? 0 : (uint64_t)ms);
	memcpy(key, be + 2, 6);
}

/* All UUIDv7 below the former limit went with earlier batches, so only keys between the two limits are visited,
 * whatever the table holds. */
int cl_tables_forget(struct cl_tables *tables, int64_t before_ms) {
	struct cl_kv *kv = tables->log->kv;
	if (tables->forget_before_ms <= 0)
		return CL_OK;
	uint8_t at[16], end[16];
	time_key(before_ms - tables->log->command_window_ms, at);
	time_key(tables->forget_before_ms, end);
	if (memcmp(at, end, sizeof at) >= 0)
		return CL_OK;

	struct cl_kv_cursor *cursor;
	struct cl_bytes key, value;
	int rc = kv->ops->cursor_open(tables->txn, CL_COMMANDS, &cursor);
	if (rc != CL_OK)
		return rc;
	rc = kv->ops->seek(cursor, cl_bytes_of(at, sizeof at), &key, &value);
	while (rc == CL_OK) {
		if (key.n != sizeof at) {
			rc = CL_E_CORRUPT;
			break;
		}
		struct cl_id id;
		memcpy(id.b, key.p, sizeof id.b);
		if (memcmp(id.b, end, sizeof end) >= 0)
			break;
		if (!forgotten(tables, id)) {
			rc = kv->ops->next(cursor, &key, &value);
			continue;
		}
		rc = kv->ops->del(tables->txn, CL_COMMANDS, cl_bytes_of(id.b, sizeof id.b));
		if (rc == CL_OK)
			rc = kv->ops->seek(cursor, cl_bytes_of(id.b, sizeof id.b), &key, &value);
		else if (rc == CL_E_NOTFOUND)
			rc = CL_E_CORRUPT;
	}
	kv->ops->cursor_close(cursor);
	return rc == CL_E_NOTFOUND ? CL_OK : rc;
}

int cl_tables_mark(const struct cl_log *log, struct cl_kv_txn *txn) {
	uint8_t window[8];
	cl_be64_put(window, (uint64_t)log->command_window_ms);
	return log->kv->ops->put(txn, CL_META, cl_meta_key(CL_META_DERIVED), cl_bytes_of(window, sizeof window), false);
}

int cl_tables_check_mark(const struct cl_log *log, struct cl_kv_txn *txn) {
	struct cl_bytes window;
	int rc = log->kv->ops->get(txn, CL_META, cl_meta_key(CL_META_DERIVED), &window);
	if (rc != CL_OK)
		return rc;
	if (window.n != 8 || cl_be64_get(window.p) != (uint64_t)log->command_window_ms)
		return CL_E_NOTFOUND;
	return CL_OK;
}
