#include "codec_int.h"
#include "text.h"

static const char *number(struct cl_arena *arena, uint64_t value) {
	return cl_arena_printf(arena, "%llu", (unsigned long long)value).p;
}

static enum cl_text form_of(const struct cl_field_error *error) {
	bool item = error->path[0] && error->path[strlen(error->path) - 1] == ']';
	switch ((enum cl_field_type)error->field->type) {
	case CL_TYPE_U32:
	case CL_TYPE_U64:
		return CL_TEXT_FIELD_FORM_NUMBER;
	case CL_TYPE_I64:
		return CL_TEXT_FIELD_FORM_SIGNED;
	case CL_TYPE_BOOL:
		return CL_TEXT_FIELD_FORM_BOOL;
	case CL_TYPE_TIME:
		return CL_TEXT_FIELD_FORM_TIME;
	case CL_TYPE_ID:
		return CL_TEXT_FIELD_FORM_ID;
	case CL_TYPE_STR:
	case CL_TYPE_ENUM:
		return CL_TEXT_FIELD_FORM_TEXT;
	case CL_TYPE_BYTES:
		return CL_TEXT_FIELD_FORM_BYTES;
	case CL_TYPE_HASH:
		return CL_TEXT_FIELD_FORM_HASH;
	case CL_TYPE_ONE:
		return CL_TEXT_FIELD_FORM_RECORD;
	case CL_TYPE_LIST:
		return item ? CL_TEXT_FIELD_FORM_RECORD : CL_TEXT_FIELD_FORM_LIST;
	case CL_TYPE_STRS:
		return item ? CL_TEXT_FIELD_FORM_TEXT : CL_TEXT_FIELD_FORM_STRS;
	case CL_TYPE_IDS:
		return item ? CL_TEXT_FIELD_FORM_ID : CL_TEXT_FIELD_FORM_IDS;
	}
	CL_UNREACHABLE();
}

static struct cl_str out_of_range(const struct cl_field_error *error, enum cl_lang lang, struct cl_arena *arena) {
	const struct cl_field *field = error->field;
	if (field->type == CL_TYPE_TIME)
		return cl_text_printf(arena, CL_TEXT_FIELD_TIME_RANGE, lang, error->path);
	uint64_t max = field->max;
	if (!max)
		max = field->type == CL_TYPE_U32 ? UINT32_MAX : field->type == CL_TYPE_U64 ? UINT64_MAX : INT64_MAX;
	enum cl_text text = field->type == CL_TYPE_I64 ? CL_TEXT_FIELD_SIGNED_RANGE : CL_TEXT_FIELD_LARGE_NUMBER;
	return cl_text_printf(arena, text, lang, error->path, number(arena, max));
}

static struct cl_str too_big(const struct cl_field_error *error, enum cl_lang lang, struct cl_arena *arena) {
	const struct cl_field *field = error->field;
	bool text_item = field->type == CL_TYPE_STRS && error->path[strlen(error->path) - 1] == ']';
	bool text = field->type == CL_TYPE_STR || field->type == CL_TYPE_BYTES || text_item;
	return cl_text_printf(arena, text ? CL_TEXT_FIELD_LONG_TEXT : CL_TEXT_FIELD_MANY_ITEMS, lang, error->path,
	                      number(arena, text_item ? CL_STRS_ITEM_MAX : field->max));
}

static struct cl_str choices(const struct cl_field_error *error, enum cl_lang lang, struct cl_arena *arena) {
	struct cl_str list = {0};
	for (uint32_t i = 0; error->field->en && i < error->field->en->n; i++)
		list = cl_arena_printf(arena, CL_STR_FMT "%s%s", CL_STR_ARG(list), i ? ", " : "",
		                       error->field->en->values[i].code);
	return cl_text_printf(arena, CL_TEXT_FIELD_CHOICE, lang, error->path, list.p ? list.p : "");
}

/* About the whole value: bytes that hold none, or a member that no row knows. */
static struct cl_str whole_text(const struct cl_field_error *error, enum cl_lang lang, struct cl_arena *arena) {
	const char *at = number(arena, error->offset);
	if (error->code == CL_E_UNKNOWN && error->path[0])
		return cl_text_printf(arena, CL_TEXT_FIELD_UNKNOWN, lang, error->path);
	if (error->code == CL_E_UNKNOWN)
		return cl_text_printf(arena, CL_TEXT_FIELD_NO_TYPE, lang);
	if (error->code == CL_E_TRUNCATED)
		return cl_text_printf(arena, CL_TEXT_FIELD_CUT, lang, at);
	if (error->code == CL_E_TOODEEP)
		return cl_text_printf(arena, CL_TEXT_FIELD_DEEP, lang, at);
	if (error->code == CL_E_TOOBIG)
		return cl_text_printf(arena, CL_TEXT_FIELD_LARGE, lang);
	if (error->code == CL_E_RANGE)
		return cl_text_printf(arena, CL_TEXT_FIELD_BAD_NUMBER, lang, at);
	if (error->code == CL_E_INVALID)
		return cl_text_printf(arena, CL_TEXT_FIELD_BAD_TEXT, lang, at);
	if (error->code == CL_E_MALFORMED && error->path[0])
		return cl_text_printf(arena, CL_TEXT_FIELD_TWICE, lang, error->path);
	if (error->code == CL_E_MALFORMED)
		return cl_text_printf(arena, CL_TEXT_FIELD_BROKEN, lang, at);
	return cl_text_printf(arena, CL_TEXT_FIELD_OTHER, lang, cl_error_name(error->code));
}

struct cl_str cl_field_error_text(const struct cl_field_error *error, const char *lang_code, struct cl_arena *arena) {
	enum cl_lang lang = cl_lang_from(lang_code);
	if (!error->field)
		return whole_text(error, lang, arena);
	if (error->missing)
		return cl_text_printf(arena, CL_TEXT_FIELD_MISSING, lang, error->path);
	if (error->code == CL_E_UNKNOWN)
		return choices(error, lang, arena);
	if (error->code == CL_E_TOOBIG)
		return too_big(error, lang, arena);
	if (error->code == CL_E_RANGE)
		return out_of_range(error, lang, arena);
	if (error->code == CL_E_INVALID)
		return cl_text_printf(arena, CL_TEXT_FIELD_TEXT, lang, error->path);
	if (error->code == CL_E_MALFORMED)
		return cl_text_printf(arena, CL_TEXT_FIELD_FORM, lang, error->path, cl_text(form_of(error), lang));
	return cl_text_printf(arena, CL_TEXT_FIELD_OTHER, lang, error->path);
}
