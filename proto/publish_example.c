#include "codec_int.h"
#include "publish.h"

#define EXAMPLE_TIME INT64_C(1772418896789) /* 2026-03-02T02:34:56.789Z */

static void fill(uint8_t *p, size_t n, unsigned seed) {
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(seed * 16 + i + 1);
}

/* The field's name with letters of one to three bytes behind it, as long as the bound allows. */
static struct cl_str example_text(const struct cl_field *field, uint64_t max, unsigned item, struct cl_arena *arena) {
	struct cl_str text = cl_arena_printf(arena, "%s %u%s", field->name, item,
	                                     field->flags & CL_F_MULTILINE ? " được\nđồng ý" : " đồng ý");
	if (text.n > max)
		text = cl_arena_printf(arena, "%u", item);
	CL_ASSERT(text.n <= max);
	return text;
}

static uint64_t example_number(const struct cl_field *field) {
	static const uint64_t numbers[] = {1, 127, 128, 255, 256, 65535, 65536, 1000000};
	uint64_t number = numbers[field->tag % (sizeof(numbers) / sizeof(numbers[0]))];
	return field->max && number > field->max ? field->max : number;
}

static void example_list(const struct cl_field *field, struct cl_arena *arena, void *at) {
	size_t size = codec_item_size(field);
	struct codec_list list = {.n = field->max < 2 ? 1 : 2};
	uint8_t *items = cl_arena_alloc(arena, list.n * size);
	for (uint32_t i = 0; i < list.n; i++) {
		void *item = items + i * size;
		if (field->type == CL_TYPE_LIST)
			cl_publish_example(field->sub, arena, item);
		else if (field->type == CL_TYPE_STRS)
			*(struct cl_str *)item = example_text(field, CL_STRS_ITEM_MAX, i + 1, arena);
		else
			fill(item, size, field->tag + i);
	}
	list.v = items;
	memcpy(at, &list, sizeof(list));
}

static void example_field(const struct cl_field *field, struct cl_arena *arena, void *at) {
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_U32:
		*(uint32_t *)at = (uint32_t)example_number(field);
		return;
	case CL_TYPE_U64:
		*(uint64_t *)at = example_number(field);
		return;
	case CL_TYPE_I64:
		*(int64_t *)at = -(int64_t)example_number(field);
		return;
	case CL_TYPE_BOOL:
		*(bool *)at = true;
		return;
	case CL_TYPE_TIME:
		*(int64_t *)at = EXAMPLE_TIME + field->tag * 60000;
		return;
	case CL_TYPE_ID:
		fill(at, sizeof(struct cl_id), field->tag);
		return;
	case CL_TYPE_HASH:
		fill(at, CL_HASH_BYTES, field->tag);
		return;
	case CL_TYPE_STR:
		*(struct cl_str *)at = example_text(field, field->max, field->tag, arena);
		return;
	case CL_TYPE_BYTES: {
		struct cl_bytes *bytes = at;
		uint8_t *p = cl_arena_alloc(arena, 32);
		bytes->n = field->max < 32 ? (uint32_t)field->max : 32;
		fill(p, bytes->n, field->tag);
		bytes->p = p;
		return;
	}
	case CL_TYPE_ENUM:
		*(uint32_t *)at = field->en->values[field->tag % field->en->n].value;
		return;
	case CL_TYPE_ONE:
		cl_publish_example(field->sub, arena, at);
		return;
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		example_list(field, arena, at);
		return;
	}
	CL_UNREACHABLE();
}

void cl_publish_example(const struct cl_schema *schema, struct cl_arena *arena, void *ret_value) {
	memset(ret_value, 0, schema->size);
	for (uint32_t i = 0; i < schema->n; i++)
		example_field(&schema->fields[i], arena, codec_at(ret_value, &schema->fields[i]));
}

void cl_publish_golden(const struct cl_schema *schema, const char *name, unsigned version, struct cl_buf *out) {
	struct cl_arena arena;
	struct cl_buf bytes;
	struct cl_field_error error = {0};
	cl_arena_init(&arena, 4096);
	cl_buf_init(&bytes);
	void *value = cl_arena_alloc(&arena, schema->size);
	cl_publish_example(schema, &arena, value);
	CL_ASSERT(cl_validate(schema, value, &error) == CL_OK);
	cl_encode(schema, value, &bytes);
	cl_buf_printf(out, "# %s, type 0x%04x, version %u\njson ", name, schema->type, version);
	cl_json_write(schema, value, 0, out);
	for (size_t i = 0; i < bytes.n; i++)
		cl_buf_printf(out, "%s%02x", i == 0 ? "\nbytes\n" : i % 32 == 0 ? "\n" : "", bytes.p[i]);
	cl_buf_putc(out, '\n');
	cl_buf_done(&bytes);
	cl_arena_done(&arena);
}
