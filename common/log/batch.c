#include <stdlib.h>

#include "base/assert.h"
#include "log/log.h"

void cl_batch_init(struct cl_batch *batch) {
	*batch = (struct cl_batch){0};
	cl_buf_init(&batch->bytes);
	cl_buf_init(&batch->extra);
}

void cl_batch_done(struct cl_batch *batch) {
	cl_buf_done(&batch->bytes);
	cl_buf_done(&batch->extra);
	free(batch->records);
	free(batch->actors);
	free(batch->dues);
	*batch = (struct cl_batch){0};
}

void cl_batch_clear(struct cl_batch *batch) {
	cl_buf_clear(&batch->bytes);
	cl_buf_clear(&batch->extra);
	batch->record_n = batch->actor_n = batch->due_n = 0;
	batch->number = 0;
}

/* Room for one more; a batch is bounded by the turn, so running out of memory is an assertion (see base/arena.h). */
static void *room(void *items, uint32_t n, uint32_t *cap, size_t size) {
	if (n < *cap)
		return items;
	CL_ASSERT(*cap <= UINT32_MAX / 2);
	*cap = *cap == 0 ? 64 : *cap * 2;
	items = realloc(items, *cap * size);
	CL_ASSERT(items != NULL);
	return items;
}

void cl_batch_record(struct cl_batch *batch, const struct cl_record *record) {
	batch->records = room(batch->records, batch->record_n, &batch->record_cap, sizeof *batch->records);
	size_t offset = batch->bytes.n;
	cl_record_encode(record, &batch->bytes);
	CL_ASSERT(batch->bytes.n <= UINT32_MAX);
	batch->records[batch->record_n++] =
	        (struct cl_batch_record){(uint32_t)offset, (uint32_t)(batch->bytes.n - offset)};
}

void cl_batch_actor(struct cl_batch *batch, uint8_t kind, struct cl_id id, uint32_t version, uint64_t last_seq,
                    struct cl_bytes state) {
	batch->actors = room(batch->actors, batch->actor_n, &batch->actor_cap, sizeof *batch->actors);
	size_t offset = batch->extra.n;
	cl_buf_put(&batch->extra, state.p, state.n);
	CL_ASSERT(batch->extra.n <= UINT32_MAX);
	batch->actors[batch->actor_n++] =
	        (struct cl_batch_actor){kind, id, version, last_seq, (uint32_t)offset, state.n};
}

void cl_batch_due(struct cl_batch *batch, uint8_t kind, struct cl_id id, int64_t old_ms, int64_t new_ms) {
	if (old_ms == new_ms)
		return;
	batch->dues = room(batch->dues, batch->due_n, &batch->due_cap, sizeof *batch->dues);
	batch->dues[batch->due_n++] = (struct cl_batch_due){kind, id, old_ms, new_ms};
}
