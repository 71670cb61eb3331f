#include "archive_check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "codec.h"

static void check_stands(const uint64_t seen[][2], uint32_t service, uint32_t partition, uint64_t seq) {
	if (service)
		assert_true(seen[service][partition] >= seq);
}

static void check_cause(const uint64_t seen[][2], const struct reporting_copy *copy) {
	struct cl_record record;
	assert_int_equal(cl_record_decode(copy->record, &record), CL_OK);
	check_stands(seen, record.cause.service, record.cause.partition, record.cause.seq);
	if (record.type != CL_T_log_consumed)
		return;
	struct cl_arena arena;
	struct log_consumed consumed;
	cl_arena_init(&arena, 1024);
	assert_int_equal(cl_decode(&cl_schema_log_consumed, record.payload, &arena, &consumed, NULL), CL_OK);
	for (uint32_t i = 0; i < consumed.sources.n; i++)
		check_stands(seen, consumed.sources.v[i].service, consumed.sources.v[i].partition,
		             consumed.sources.v[i].seq);
	cl_arena_done(&arena);
}

static void check_original(struct world *world, const struct reporting_copy *copy) {
	struct world_source *source = world_source(world, copy->source.service, copy->source.partition);
	struct cl_kv_txn *txn;
	struct cl_stored stored;
	assert_int_equal(source->node.kv->ops->begin(source->node.kv, false, &txn), CL_OK);
	assert_int_equal(cl_log_read(txn, source->node.kv, copy->source.seq, &stored), CL_OK);
	assert_int_equal(stored.record.n, copy->record.n);
	assert_memory_equal(stored.record.p, copy->record.p, copy->record.n);
	assert_true(cl_hash_eq(stored.hash, copy->source.hash));
	source->node.kv->ops->abort(txn);
}

static void check_copies(struct world *world, uint64_t seen[][2]) {
	struct cl_log_reader reader;
	struct cl_stored stored;
	int rc;
	assert_int_equal(cl_log_reader_open(&reader, world->archive_node.kv, 1), CL_OK);
	while ((rc = cl_log_reader_next(&reader, &stored)) == CL_OK) {
		struct reporting_copy copy;
		struct cl_record outer;
		if (reporting_copy_open(stored.record, &copy) != CL_OK)
			continue;
		assert_int_equal(cl_record_decode(stored.record, &outer), CL_OK);
		assert_true(
		        cl_id_eq(outer.aggregate,
		                 world_source(world, copy.source.service, copy.source.partition)->log.identity.log_id));
		uint64_t *last = &seen[copy.source.service][copy.source.partition];
		assert_int_equal(copy.source.seq, *last + 1);
		check_cause((const uint64_t(*)[2])seen, &copy);
		check_original(world, &copy);
		*last = copy.source.seq;
	}
	assert_int_equal(rc, CL_E_NOTFOUND);
	cl_log_reader_close(&reader);
}

void check_archive(struct world *world, bool complete) {
	uint64_t seen[CL_SERVICE_COUNT + 1][2] = {{0}};
	struct cl_verify_report report;
	check_copies(world, seen);
	for (uint32_t service = CL_INTAKE; service <= CL_SUPPORT && complete; service++)
		for (uint32_t partition = 0; partition < 2; partition++)
			assert_int_equal(seen[service][partition],
			                 world_source(world, service, partition)->log.head.seq);
	assert_int_equal(
	        cl_log_verify(world->archive_node.kv, world->options.identity.sign_key.public_key, NULL, NULL, &report),
	        CL_OK);
	assert_int_equal(report.bad_seq, 0);
}
