#include "checks.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

bool check_logs(struct sim *sim) {
	bool good = true;
	for (uint32_t i = 0; i < sim->node_n; i++) {
		struct cl_verify_report report;
		int rc = cl_log_verify(sim->nodes[i].store, sim->sign_key.public_key, NULL, NULL, &report);
		if (rc != CL_OK || report.bad_seq) {
			fprintf(stderr, "%s: log does not verify: %s at %llu\n", sim->nodes[i].address,
			        cl_error_name(rc ? rc : report.bad_code), (unsigned long long)report.bad_seq);
			good = false;
		}
	}
	return good;
}

/* -- tables as text, to compare -- */

struct dump {
	struct cl_buf tables[CL_TABLES];
};

static void dump_store(struct cl_kv *kv, struct dump *dump) {
	struct cl_kv_txn *txn;
	CL_ASSERT(kv->ops->begin(kv, false, &txn) == CL_OK);
	for (int table = 0; table < CL_TABLES; table++) {
		struct cl_kv_cursor *cursor;
		struct cl_bytes key, value;
		uint8_t zero = 0;
		cl_buf_init(&dump->tables[table]);
		CL_ASSERT(kv->ops->cursor_open(txn, (enum cl_table)table, &cursor) == CL_OK);
		int rc = kv->ops->seek(cursor, (struct cl_bytes){&zero, 1}, &key, &value);
		for (; rc == CL_OK; rc = kv->ops->next(cursor, &key, &value)) {
			cl_buf_put(&dump->tables[table], &key.n, sizeof(key.n));
			cl_buf_put(&dump->tables[table], key.p, key.n);
			cl_buf_put(&dump->tables[table], &value.n, sizeof(value.n));
			cl_buf_put(&dump->tables[table], value.p, value.n);
		}
		kv->ops->cursor_close(cursor);
	}
	kv->ops->abort(txn);
}

static void dump_done(struct dump *dump) {
	for (int table = 0; table < CL_TABLES; table++)
		cl_buf_done(&dump->tables[table]);
}

bool check_rebuild(struct sim *sim) {
	static const enum cl_table derived[] = {CL_STREAMS, CL_COMMANDS, CL_CURSORS, CL_ACTORS, CL_DUES};
	bool good = true;
	for (uint32_t i = 0; i < sim->node_n; i++) {
		struct sim_node *node = &sim->nodes[i];
		struct cl_kv *kv = node->store;
		struct cl_kv_txn *txn;
		struct dump live, rebuilt;
		dump_store(kv, &live);
		CL_ASSERT(kv->ops->begin(kv, true, &txn) == CL_OK);
		for (size_t j = 0; j < sizeof(derived) / sizeof(derived[0]); j++)
			CL_ASSERT(kv->ops->clear(txn, derived[j]) == CL_OK);
		CL_ASSERT(kv->ops->commit(txn) == CL_OK);
		struct cl_log log = *cl_partition_log(node->running);
		log.kv = kv;
		CL_ASSERT(cl_partition_rebuild(node->domain, &log) == CL_OK);
		dump_store(kv, &rebuilt);
		for (int table = 0; table < CL_TABLES; table++) {
			const struct cl_buf *a = &live.tables[table], *b = &rebuilt.tables[table];
			if (a->n != b->n || (a->n && memcmp(a->p, b->p, a->n) != 0)) {
				fprintf(stderr, "%s: table %s rebuilt differs (%zu bytes, %zu)\n", node->address,
				        cl_table_name((enum cl_table)table), a->n, b->n);
				good = false;
			}
		}
		dump_done(&live);
		dump_done(&rebuilt);
	}
	return good;
}

/* -- records -- */

typedef void (*each_record)(void *context, const struct sim_node *node, const struct cl_record *record);

static void for_each_record(struct sim *sim, uint32_t service, each_record visit, void *context) {
	for (uint32_t i = 0; i < sim->node_n; i++) {
		struct cl_log_reader reader;
		struct cl_stored stored;
		if (service && sim->nodes[i].domain->service != service)
			continue;
		CL_ASSERT(cl_log_reader_open(&reader, sim->nodes[i].store, 1) == CL_OK);
		while (cl_log_reader_next(&reader, &stored) == CL_OK) {
			struct cl_record record;
			CL_ASSERT(cl_record_decode(stored.record, &record) == CL_OK);
			visit(context, &sim->nodes[i], &record);
		}
		cl_log_reader_close(&reader);
	}
}

struct replay_check {
	struct cl_replay *replay;
	struct sim_node *node;
	bool good;
	uint64_t actors;
	int rc;
};

static void replay_record(void *context, const struct sim_node *node, const struct cl_record *record) {
	struct replay_check *check = context;
	if (node == check->node && check->rc == CL_OK)
		check->rc = cl_replay_record(check->replay, record);
}

static void replay_compare(void *context, const struct cl_replay_actor *actor) {
	struct replay_check *check = context;
	struct cl_kv *kv = check->node->store;
	struct cl_kv_txn *txn;
	struct cl_log_actor live;
	CL_ASSERT(kv->ops->begin(kv, false, &txn) == CL_OK);
	int rc = cl_log_actor(txn, kv, actor->kind, actor->id, &live);
	if (rc != CL_OK || live.version != actor->version || live.last_seq != actor->last_seq ||
	    live.state.n != actor->state.n || memcmp(live.state.p, actor->state.p, actor->state.n) != 0) {
		fprintf(stderr, "%s: a %s differs between live (version %u) and replay (version %u)\n",
		        check->node->address, cl_kind_name(actor->kind), rc == CL_OK ? live.version : 0,
		        actor->version);
		check->good = false;
	}
	check->actors++;
	kv->ops->abort(txn);
}

bool check_replay(struct sim *sim) {
	bool good = true;
	for (uint32_t i = 0; i < sim->node_n; i++) {
		struct replay_check check = {.node = &sim->nodes[i], .good = true};
		CL_ASSERT(cl_replay_new(check.node->domain, &check.replay) == CL_OK);
		for_each_record(sim, check.node->domain->service, replay_record, &check);
		if (check.rc != CL_OK) {
			fprintf(stderr, "%s: replay stops: %s\n", check.node->address, cl_error_name(check.rc));
			check.good = false;
		}
		cl_replay_each(check.replay, replay_compare, &check);
		cl_replay_free(check.replay);
		good &= check.good;
	}
	return good;
}

struct effect_check {
	uint32_t service;
	const uint16_t *types; /* up to a 0 */
	uint16_t cause_type;
	struct sim *sim;
	uint64_t n, sum;
};

/* Sums a mix of positions, so that two multisets can be told apart without keeping them. */
static uint64_t place(uint32_t service, uint32_t partition, uint64_t seq) {
	uint64_t z = (uint64_t)service << 56 ^ (uint64_t)partition << 40 ^ seq;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static bool listed(const uint16_t *types, uint16_t type) {
	while (*types && *types != type)
		types++;
	return *types != 0;
}

static uint16_t type_at(struct sim *sim, const struct cl_cause *cause) {
	struct cl_kv *kv = sim_node_of(sim, cause->service, cause->partition)->store;
	struct cl_kv_txn *txn;
	struct cl_stored stored;
	CL_ASSERT(kv->ops->begin(kv, false, &txn) == CL_OK);
	int rc = cl_log_read(txn, kv, cause->seq, &stored);
	uint16_t type = rc == CL_OK ? cl_record_type(stored.record) : 0;
	kv->ops->abort(txn);
	return type;
}

static void sum_causes(void *context, const struct sim_node *node, const struct cl_record *record) {
	struct effect_check *check = context;
	(void)node;
	if (!listed(check->types, record->type) || record->cause.service != check->service ||
	    type_at(check->sim, &record->cause) != check->cause_type)
		return;
	check->n++;
	check->sum += place(record->cause.service, record->cause.partition, record->cause.seq);
}

static void sum_events(void *context, const struct sim_node *node, const struct cl_record *record) {
	struct effect_check *check = context;
	if (!listed(check->types, record->type))
		return;
	check->n++;
	check->sum += place(node->domain->service, node->partition, record->seq);
}

bool check_effects(struct sim *sim, uint32_t service, uint16_t from, uint32_t to_service, const uint16_t *to) {
	const uint16_t from_types[] = {from, 0};
	struct effect_check causes = {.types = from_types},
	                    effects = {.service = service, .types = to, .cause_type = from, .sim = sim};
	for_each_record(sim, service, sum_events, &causes);
	for_each_record(sim, to_service, sum_causes, &effects);
	if (causes.n == effects.n && causes.sum == effects.sum)
		return true;
	fprintf(stderr, "%llu %s caused %llu %s or the like\n", (unsigned long long)causes.n,
	        cl_schema_by_type(from)->name, (unsigned long long)effects.n, cl_schema_by_type(to[0])->name);
	return false;
}

uint64_t count_records(struct sim *sim, uint32_t service, uint16_t type) {
	const uint16_t types[] = {type, 0};
	struct effect_check check = {.types = types};
	for_each_record(sim, service, sum_events, &check);
	return check.n;
}

bool check_command(struct sim *sim, uint8_t kind, struct cl_id target, struct cl_id command,
                   const struct wire_reply *reply) {
	struct sim_node *node =
	        sim_node_of(sim, cl_kind_service(kind), (uint32_t)(cl_id_hash(target) % sim->partitions));
	struct cl_kv *kv = node->store;
	struct cl_kv_txn *txn;
	struct cl_stored stored;
	struct cl_record record;
	uint64_t first, last;
	CL_ASSERT(kv->ops->begin(kv, false, &txn) == CL_OK);
	int rc = cl_log_command(txn, kv, command, &first, &last);
	if (rc == CL_OK)
		rc = cl_log_read(txn, kv, last, &stored);
	if (rc == CL_OK)
		rc = cl_record_decode(stored.record, &record);
	bool good = rc == CL_OK && last == reply->seq && cl_id_eq(record.command, command) &&
	            (record.type == CL_T_log_rejected) == (reply->status == WIRE_REJECTED);
	if (!good)
		fprintf(stderr, "%s: an acknowledged command is not as it was told (%s, told seq %llu, found %llu)\n",
		        node->address, cl_error_name(rc), (unsigned long long)reply->seq,
		        (unsigned long long)(rc == CL_OK ? last : 0));
	kv->ops->abort(txn);
	return good;
}

void flip_bit(struct sim *sim, struct sim_node *node) {
	struct cl_kv *kv = node->store;
	struct cl_kv_txn *txn;
	struct cl_bytes value;
	struct cl_buf changed;
	uint64_t seq = 1 + sim_random(sim) % cl_partition_log(node->running)->head.seq;
	uint8_t key[8];
	for (int i = 0; i < 8; i++)
		key[i] = (uint8_t)(seq >> (56 - 8 * i));
	cl_buf_init(&changed);
	CL_ASSERT(kv->ops->begin(kv, true, &txn) == CL_OK);
	CL_ASSERT(kv->ops->get(txn, CL_EVENTS, (struct cl_bytes){key, 8}, &value) == CL_OK);
	cl_buf_put(&changed, value.p, value.n);
	changed.p[sim_random(sim) % changed.n] ^= (uint8_t)(1u << sim_random(sim) % 8);
	CL_ASSERT(kv->ops->put(txn, CL_EVENTS, (struct cl_bytes){key, 8}, cl_buf_bytes(&changed), false) == CL_OK);
	CL_ASSERT(kv->ops->commit(txn) == CL_OK);
	cl_buf_done(&changed);
}
