#include <msgpack/pack.h>

#include "codec_int.h"

/* Called for every head and body, so the room is looked at here and not in a call. */
static int append(void *out, const char *p, size_t n) {
	struct cl_buf *buf = out;
	uint8_t *end = buf->cap - buf->n < n ? cl_buf_reserve(buf, n) : buf->p + buf->n;
	memcpy(end, p, n);
	buf->n += n;
	return 0;
}

/* The packer's only failure is its callback's, and cl_buf does not fail. */
#define PACK(call) CL_ASSERT((call) == 0)

static void pack_schema(msgpack_packer *packer, const struct cl_schema *schema, const void *value);

static void pack_str(msgpack_packer *packer, struct cl_str s) {
	PACK(msgpack_pack_str(packer, s.n));
	if (s.n)
		PACK(msgpack_pack_str_body(packer, s.p, s.n));
}

static void pack_list(msgpack_packer *packer, const struct cl_field *field, const void *at) {
	struct codec_list list = codec_list_at(at);
	size_t size = codec_item_size(field);
	PACK(msgpack_pack_array(packer, list.n));
	for (uint32_t i = 0; i < list.n; i++) {
		const void *item = (const uint8_t *)list.v + i * size;
		if (field->type == CL_TYPE_LIST)
			pack_schema(packer, field->sub, item);
		else if (field->type == CL_TYPE_STRS)
			pack_str(packer, *(const struct cl_str *)item);
		else
			PACK(msgpack_pack_bin_with_body(packer, item, size));
	}
}

static void pack_field(msgpack_packer *packer, const struct cl_field *field, const void *at) {
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
	case CL_TYPE_ENUM:
		PACK(msgpack_pack_uint32(packer, *(const uint32_t *)at));
		return;
	case CL_TYPE_U64:
		PACK(msgpack_pack_uint64(packer, *(const uint64_t *)at));
		return;
	case CL_TYPE_I64:
	case CL_TYPE_TIME:
		PACK(msgpack_pack_int64(packer, *(const int64_t *)at));
		return;
	case CL_TYPE_BOOL:
		PACK(msgpack_pack_true(packer)); /* false is absent */
		return;
	case CL_TYPE_ID:
		PACK(msgpack_pack_bin_with_body(packer, at, sizeof(struct cl_id)));
		return;
	case CL_TYPE_HASH:
		PACK(msgpack_pack_bin_with_body(packer, at, CL_HASH_BYTES));
		return;
	case CL_TYPE_STR:
		pack_str(packer, *(const struct cl_str *)at);
		return;
	case CL_TYPE_BYTES: {
		const struct cl_bytes *bytes = at;
		PACK(msgpack_pack_bin_with_body(packer, bytes->p, bytes->n));
		return;
	}
	case CL_TYPE_ONE:
		pack_schema(packer, field->sub, at);
		return;
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		pack_list(packer, field, at);
		return;
	}
	CL_UNREACHABLE();
}

static void pack_schema(msgpack_packer *packer, const struct cl_schema *schema, const void *value) {
	uint64_t present = 0;
	CL_ASSERT(schema->n <= 64);
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		present |= (uint64_t)!codec_empty(field, codec_in(value, field)) << i;
	}
	PACK(msgpack_pack_map(packer, (size_t)__builtin_popcountll(present)));
	for (; present; present &= present - 1) {
		const struct cl_field *field = &schema->fields[__builtin_ctzll(present)];
		PACK(msgpack_pack_uint16(packer, field->tag));
		pack_field(packer, field, codec_in(value, field));
	}
}

void cl_encode(const struct cl_schema *schema, const void *value, struct cl_buf *out) {
	msgpack_packer packer;
	cl_buf_reserve(out, schema->size);
	msgpack_packer_init(&packer, out, append);
	pack_schema(&packer, schema, value);
}
