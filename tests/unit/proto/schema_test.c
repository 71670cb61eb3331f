/* The rows themselves: what schema.h asks of them and no compiler checks. */
#include "past.h"
#include "proto_help.h"

static void check_max(const struct cl_schema *schema, const struct cl_field *field) {
	switch ((enum cl_field_type)field->type) {
	case CL_TYPE_STR:
	case CL_TYPE_BYTES:
	case CL_TYPE_LIST:
	case CL_TYPE_STRS:
	case CL_TYPE_IDS:
		if (!field->max || field->max > UINT32_MAX)
			fail_msg("%s.%s has no bound", schema->name, field->name);
		return;
	case CL_TYPE_U32:
		assert_true(field->max <= UINT32_MAX);
		return;
	case CL_TYPE_I64:
		assert_true(field->max <= INT64_MAX);
		return;
	case CL_TYPE_U64:
		return;
	case CL_TYPE_BOOL:
	case CL_TYPE_TIME:
	case CL_TYPE_ID:
	case CL_TYPE_HASH:
	case CL_TYPE_ENUM:
	case CL_TYPE_ONE:
		if (field->max)
			fail_msg("%s.%s has a bound that means nothing", schema->name, field->name);
	}
}

static void check_rows(const struct cl_schema *schema) {
	if (schema->n == 0 || schema->n > 64)
		fail_msg("%s has %u fields: 1 to 64 are possible", schema->name, schema->n);
	assert_true(schema->meaning[0] != '\0');
	assert_true(schema->version >= 1);
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		check_max(schema, field);
		if (field->tag == 0 || (i && field->tag <= schema->fields[i - 1].tag))
			fail_msg("%s.%s: tags must rise", schema->name, field->name);
		if (field->since < 1 || (schema->type && field->since > schema->version))
			fail_msg("%s.%s came in version %u of %u", schema->name, field->name, field->since,
			         schema->version);
		for (uint32_t k = 0; k < i; k++)
			assert_string_not_equal(field->name, schema->fields[k].name);
		assert_true(field->meaning[0] != '\0');
		assert_true(field->flags <= (CL_F_REQUIRED | CL_F_PERSONAL | CL_F_MULTILINE));
		if ((field->flags & CL_F_MULTILINE) && field->type != CL_TYPE_STR && field->type != CL_TYPE_STRS)
			fail_msg("%s.%s: only text has lines", schema->name, field->name);
		assert_true((field->sub != NULL) == (field->type == CL_TYPE_ONE || field->type == CL_TYPE_LIST));
		assert_true((field->en != NULL) == (field->type == CL_TYPE_ENUM));
		assert_true(field->offset < schema->size);
	}
}

static void rows_keep_the_rules(void **state) {
	(void)state;
	each_schema(check_rows);
}

static void check_enum(const struct cl_enum *en) {
	assert_true(en->n > 0);
	for (uint32_t i = 0; i < en->n; i++) {
		const struct cl_enum_value *value = &en->values[i];
		if (value->value == 0 || (i && value->value <= en->values[i - 1].value))
			fail_msg("%s: values must rise from 1", en->name);
		for (uint32_t k = 0; k < i; k++)
			assert_string_not_equal(value->code, en->values[k].code);
		assert_int_equal(strspn(value->code, "abcdefghijklmnopqrstuvwxyz_0123456789"), strlen(value->code));
		assert_true(value->vi[0] && value->en[0] && value->code[0]);
		assert_true(cl_utf8_valid(cl_str_from(value->vi)));
		assert_ptr_equal(cl_enum_find(en, value->value), value);
		assert_ptr_equal(cl_enum_by_code(en, cl_str_from(value->code)), value);
	}
	assert_null(cl_enum_find(en, 0));
	assert_null(cl_enum_find(en, en->values[en->n - 1].value + 1));
	assert_null(cl_enum_find(en, UINT32_MAX));
	assert_null(cl_enum_by_code(en, CL_STR("")));
	assert_null(cl_enum_by_code(en, CL_STR("no such code")));
}

static void enums_keep_the_rules(void **state) {
	(void)state;
#define ENUM(name) check_enum(&cl_enum_##name);
#define AREA_ENUMS(area) CL_ENUMS_##area(ENUM)
	CL_AREAS(AREA_ENUMS)
}

static void type_ids_say_role_and_service(void **state) {
	size_t found = 0;
	(void)state;
	for (uint32_t type = 0; type <= UINT16_MAX; type++)
		found += cl_schema_by_type((uint16_t)type) != NULL;
	assert_int_equal(found, cl_schema_count());
	for (size_t i = 0; i < cl_schema_count(); i++) {
		static const int high[] = {[CL_ROLE_EVENT] = 0,
		                           [CL_ROLE_COMMAND] = 1,
		                           [CL_ROLE_STATE] = 2,
		                           [CL_ROLE_WIRE] = 3,
		                           [CL_ROLE_VIEW] = 4};
		const struct cl_schema *schema = cl_schema_at(i);
		assert_ptr_equal(cl_schema_by_type(schema->type), schema);
		assert_ptr_equal(cl_schema_by_name(cl_str_from(schema->name)), schema);
		if (schema->type >> 12 != high[schema->role])
			fail_msg("%s: 0x%04x is not of its role", schema->name, schema->type);
		if (schema->role == CL_ROLE_EVENT)
			assert_in_range(schema->type >> 8, 0, CL_SERVICE_COUNT);
	}
	assert_null(cl_schema_by_name(CL_STR("no_such_message")));
	assert_null(cl_schema_by_name(CL_STR("")));
}

static size_t longest_path(const struct cl_schema *schema, unsigned depth) {
	size_t longest = 0;
	assert_true(depth <= CL_NESTING_MAX);
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		char index[32];
		size_t n = strlen(field->name) + (size_t)snprintf(index, sizeof(index), "[%u]", (unsigned)field->max);
		/* a LIST is an array of maps: two levels */
		if (field->sub)
			n += 1 + longest_path(field->sub, depth + (field->type == CL_TYPE_LIST ? 2 : 1));
		longest = n > longest ? n : longest;
	}
	return longest;
}

static void check_path(const struct cl_schema *schema) {
	if (longest_path(schema, 1) >= CL_FIELD_PATH_BYTES)
		fail_msg("%s: a path does not fit CL_FIELD_PATH_BYTES", schema->name);
}

static void paths_and_depth_fit(void **state) {
	(void)state;
	each_schema(check_path);
}

/* Bytes of before the field have none; so someone must say what to put there. */
static void new_required_fields_have_an_upcast(void **state) {
	(void)state;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *schema = cl_schema_at(i);
		for (uint32_t f = 0; f < schema->n && schema->role == CL_ROLE_EVENT; f++) {
			const struct cl_past_shape *past;
			bool found = schema->fields[f].since == 1 || !(schema->fields[f].flags & CL_F_REQUIRED);
			for (size_t k = 0; !found && (past = cl_past_at(k)); k++)
				found = past->type == schema->type && past->last == schema->fields[f].since - 1;
			if (!found)
				fail_msg("%s.%s is required and new: add a past shape", schema->name,
				         schema->fields[f].name);
		}
	}
}

static void past_shapes_lie_behind_their_event(void **state) {
	const struct cl_past_shape *past, *before = NULL;
	(void)state;
	for (size_t i = 0; (past = cl_past_at(i)); i++, before = past) {
		const struct cl_schema *now = cl_schema_by_type(past->type);
		assert_non_null(now);
		assert_int_equal(now->role, CL_ROLE_EVENT);
		assert_true(past->last >= 1 && past->last < now->version);
		assert_true(!before || before->type != past->type || before->last < past->last);
		check_rows(past->shape);
	}
}

/* A tag that was another field once may not mean something new. */
static void tags_are_not_reused(void **state) {
	const struct cl_past_shape *past;
	(void)state;
	for (size_t i = 0; (past = cl_past_at(i)); i++) {
		const struct cl_schema *now = cl_schema_by_type(past->type);
		for (uint32_t a = 0; a < past->shape->n; a++) {
			for (uint32_t b = 0; b < now->n; b++) {
				const struct cl_field *old = &past->shape->fields[a], *new = &now->fields[b];
				if (old->tag == new->tag &&
				    (old->type != new->type || strcmp(old->name, new->name) != 0))
					fail_msg("%s: tag %u was %s, is %s", now->name, old->tag, old->name, new->name);
			}
		}
	}
}

static void schema_hash_is_one_value(void **state) {
	struct cl_hash a = cl_schema_hash(), b = cl_schema_hash();
	(void)state;
	assert_true(cl_hash_eq(a, b));
	assert_false(cl_hash_eq(a, (struct cl_hash){{0}}));
}

static void services_and_kinds(void **state) {
	(void)state;
	for (uint32_t service = CL_INTAKE; service <= CL_CLIENT; service++)
		assert_int_equal(cl_service_by_name(cl_str_from(cl_service_name(service))), service);
	assert_null(cl_service_name(0));
	assert_null(cl_service_name(CL_CLIENT + 1));
	assert_int_equal(cl_service_by_name(CL_STR("nobody")), 0);
	assert_string_equal(cl_service_name(CL_SUPPORT), "support");
	assert_string_equal(cl_kind_name(CL_KIND_CASE), "case");
	assert_int_equal(cl_kind_service(CL_KIND_CASE), CL_SUPPORT);
	assert_int_equal(cl_kind_service(CL_KIND_LOG), 0);
	assert_null(cl_kind_name(0xff));
	assert_int_equal(cl_kind_service(0xff), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(rows_keep_the_rules),
	        cmocka_unit_test(enums_keep_the_rules),
	        cmocka_unit_test(type_ids_say_role_and_service),
	        cmocka_unit_test(paths_and_depth_fit),
	        cmocka_unit_test(new_required_fields_have_an_upcast),
	        cmocka_unit_test(past_shapes_lie_behind_their_event),
	        cmocka_unit_test(tags_are_not_reused),
	        cmocka_unit_test(schema_hash_is_one_value),
	        cmocka_unit_test(services_and_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
