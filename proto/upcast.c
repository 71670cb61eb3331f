#include "codec_int.h"
#include "past.h"
#include "schema_tables.h"

/* clang-format off */
#define PAST_TABLE(shape, event, last) CL_TABLE(static, shape, #event, CL_T_##event, CL_ROLE_EVENT, last)
CL_PAST_SHAPES(PAST_TABLE)
/* clang-format on */

static int order_changed_v1_up(const void *older, struct cl_arena *arena, void *ret_newer) {
	const struct order_changed_v1 *v1 = older;
	struct order_changed *v2 = ret_newer;
	(void)arena;
	*v2 = (struct order_changed){
	        .number = v1->number,
	        .slip_id = v1->slip_id,
	        .status = v1->status,
	        .note = v1->note,
	        .total_vnd = v1->total_thousand_vnd * 1000, /* at most 1e12 thousands, by its row */
	        .carrier = v1->carrier,
	        .tracking = v1->tracking,
	};
	return CL_OK;
}

#define PAST_ROW(shape, event, last) {CL_T_##event, (last), &cl_schema_##shape, shape##_up},
static const struct cl_past_shape past[] = {CL_PAST_SHAPES(PAST_ROW)};

const struct cl_past_shape *cl_past_at(size_t index) {
	return index < sizeof(past) / sizeof(past[0]) ? &past[index] : NULL;
}

/* The shape in which `version` was written: the first row that reaches it; NULL = the current one. */
static const struct cl_past_shape *shape_of(uint16_t type, uint32_t version) {
	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
		if (past[i].type == type && past[i].last >= version)
			return &past[i];
	}
	return NULL;
}

/* Every field error of an upcast value names no byte: the bytes were right for their version. */
static int upcast(const struct cl_schema *current, const struct cl_past_shape *shape, struct cl_bytes bytes,
                  struct cl_arena *arena, const void **ret_value, struct cl_field_error *ret_error) {
	void *value = cl_arena_alloc(arena, shape->shape->size);
	int rc = cl_decode(shape->shape, bytes, arena, value, ret_error);
	while (rc == CL_OK && shape) {
		const struct cl_past_shape *next = shape_of(current->type, shape->last + 1u);
		void *newer = cl_arena_alloc(arena, next ? next->shape->size : current->size);
		rc = shape->upcast(value, arena, newer);
		if (rc != CL_OK)
			return codec_fail(rc, NULL, 0, ret_error);
		value = newer;
		shape = next;
	}
	if (rc == CL_OK)
		rc = cl_validate(current, value, ret_error);
	if (rc == CL_OK)
		*ret_value = value;
	return rc;
}

int cl_decode_version(uint16_t type, uint32_t version, struct cl_bytes bytes, struct cl_arena *arena,
                      const void **ret_value, struct cl_field_error *ret_error) {
	const struct cl_schema *schema = cl_schema_by_type(type);
	if (!schema)
		return codec_fail(CL_E_UNKNOWN, NULL, 0, ret_error);
	const struct cl_past_shape *shape = shape_of(type, version);
	if (shape)
		return upcast(schema, shape, bytes, arena, ret_value, ret_error);
	void *value = cl_arena_alloc(arena, schema->size);
	int rc = cl_decode(schema, bytes, arena, value, ret_error);
	if (rc == CL_OK)
		*ret_value = value;
	return rc;
}
