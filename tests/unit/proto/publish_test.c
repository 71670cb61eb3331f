/* The published documents say what the rows say. */
#include "publish.h"

#include <jansson.h>

#include "proto_help.h"

static json_t *parsed(const struct cl_buf *text) {
	json_error_t error;
	json_t *root = json_loadb((const char *)text->p, text->n, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s at %d", error.text, error.position);
	return root;
}

static void the_tree_holds_what_the_rows_give(void **state) {
	struct cl_buf text;
	FILE *file = fopen(PUBLISHED_DIR "/asyncapi.json", "r");
	(void)state;
	assert_non_null(file);
	cl_buf_init(&text);
	cl_publish_asyncapi(&text);
	char *published = malloc(text.n + 2);
	size_t n = fread(published, 1, text.n + 2, file);
	fclose(file);
	if (n != text.n || memcmp(published, text.p, n) != 0)
		fail_msg("run: careloop-schema asyncapi > proto/published/asyncapi.json");
	free(published);
	cl_buf_done(&text);
}

/* A reference "#/a/b" within the document. */
static json_t *resolve(json_t *root, const char *ref) {
	char part[200];
	assert_int_equal(strncmp(ref, "#/", 2), 0);
	for (ref += 2; root && *ref; ref += *ref == '/') {
		size_t n = strcspn(ref, "/");
		assert_true(n < sizeof(part));
		snprintf(part, sizeof(part), "%.*s", (int)n, ref);
		root = json_object_get(root, part);
		ref += n;
	}
	return root;
}

static void check_refs(json_t *root, json_t *node) {
	const char *name;
	json_t *member;
	size_t index;
	if (json_is_array(node)) {
		json_array_foreach(node, index, member) check_refs(root, member);
		return;
	}
	json_object_foreach(node, name, member) {
		if (strcmp(name, "$ref") == 0 && !resolve(root, json_string_value(member)))
			fail_msg("%s leads nowhere", json_string_value(member));
		check_refs(root, member);
	}
}

static void asyncapi_has_every_event(void **state) {
	struct cl_buf text;
	(void)state;
	cl_buf_init(&text);
	cl_publish_asyncapi(&text);
	json_t *root = parsed(&text);
	assert_string_equal(json_string_value(json_object_get(root, "asyncapi")), "2.6.0");
	assert_non_null(json_string_value(resolve(root, "#/info/title")));
	assert_non_null(json_string_value(resolve(root, "#/info/version")));
	check_refs(root, root);
	size_t events = 0;
	for (size_t i = 0; i < cl_schema_count(); i++) {
		const struct cl_schema *schema = cl_schema_at(i);
		char ref[200];
		snprintf(ref, sizeof(ref), "#/components/messages/%s", schema->name);
		json_t *message = resolve(root, ref);
		assert_int_equal(message != NULL, schema->role == CL_ROLE_EVENT);
		if (!message)
			continue;
		events++;
		assert_int_equal(json_integer_value(json_object_get(message, "x-type-id")), schema->type);
		assert_int_equal(json_integer_value(json_object_get(message, "x-version")), schema->version);
		const char *service = cl_service_name(schema->type >> 8);
		snprintf(ref, sizeof(ref), "#/channels/%s/subscribe/message/oneOf", service ? service : "intake");
		json_t *one, *all = resolve(root, ref);
		size_t index, found = 0;
		snprintf(ref, sizeof(ref), "#/components/messages/%s", schema->name);
		json_array_foreach(all, index, one) found +=
		        strcmp(json_string_value(json_object_get(one, "$ref")), ref) == 0;
		assert_int_equal(found, 1);
	}
	assert_int_equal(json_object_size(resolve(root, "#/components/messages")), events);
	assert_int_equal(json_object_size(json_object_get(root, "channels")), CL_SERVICE_COUNT);
	json_decref(root);
	cl_buf_done(&text);
}

/* Every member of the rows, with its bounds and marks, is in the schema; and nothing else. */
static void check_schema(const struct cl_schema *schema, json_t *object) {
	json_t *properties = json_object_get(object, "properties"), *required = json_object_get(object, "required");
	size_t needed = 0;
	assert_string_equal(json_string_value(json_object_get(object, "type")), "object");
	assert_true(json_is_false(json_object_get(object, "additionalProperties")));
	assert_int_equal(json_object_size(properties), schema->n);
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		json_t *property = json_object_get(properties, field->name);
		assert_non_null(property);
		assert_int_equal(json_integer_value(json_object_get(property, "x-tag")), field->tag);
		assert_int_equal(json_is_true(json_object_get(property, "x-personal")),
		                 (field->flags & CL_F_PERSONAL) != 0);
		if (field->type == CL_TYPE_STR)
			assert_int_equal(json_integer_value(json_object_get(property, "maxLength")), field->max);
		if (field->type == CL_TYPE_U32 && field->max)
			assert_int_equal(json_integer_value(json_object_get(property, "maximum")), field->max);
		if (field->type == CL_TYPE_ENUM)
			assert_int_equal(json_array_size(json_object_get(property, "enum")), field->en->n);
		if (field->type == CL_TYPE_LIST) {
			assert_int_equal(json_integer_value(json_object_get(property, "maxItems")), field->max);
			check_schema(field->sub, json_object_get(property, "items"));
		}
		if (field->type == CL_TYPE_ONE)
			check_schema(field->sub, json_array_get(json_object_get(property, "allOf"), 0));
		if (!(field->flags & CL_F_REQUIRED))
			continue;
		needed++;
		size_t index, found = 0;
		json_t *name;
		json_array_foreach(required, index, name) found += strcmp(json_string_value(name), field->name) == 0;
		assert_int_equal(found, 1);
	}
	assert_int_equal(json_array_size(required), needed);
}

static void check_json_schema(const struct cl_schema *schema) {
	struct cl_buf text;
	cl_buf_init(&text);
	cl_schema_json_schema(schema, &text);
	json_t *root = parsed(&text);
	check_schema(schema, root);
	json_decref(root);
	cl_buf_done(&text);
}

static void json_schemas_are_complete(void **state) {
	(void)state;
	each_schema(check_json_schema);
}

static void typescript_and_fields_name_everything(void **state) {
	struct cl_buf types, fields;
	(void)state;
	cl_buf_init(&types);
	cl_buf_init(&fields);
	cl_publish_typescript(&types);
	cl_publish_fields(&fields);
	cl_buf_putc(&types, '\0');
	cl_buf_putc(&fields, '\0');
	for (size_t i = 0; i < cl_schema_count(); i++) {
		char line[200];
		snprintf(line, sizeof(line), "\t%s: 0x%04x,\n", cl_schema_at(i)->name, cl_schema_at(i)->type);
		assert_non_null(strstr((char *)types.p, line));
		snprintf(line, sizeof(line), "\n## %s\n", cl_schema_at(i)->name);
		assert_non_null(strstr((char *)fields.p, line));
	}
	assert_non_null(strstr((char *)types.p,
	                       "export interface ContactRegistered {\n\t/** where it came in */\n\tchannel: Channel;\n"
	                       "\t/** name of the customer */\n\tname?: string | null;\n"));
	assert_non_null(strstr((char *)types.p, "export type Level = \"low\" | \"medium\" | \"high\";\n"));
	assert_non_null(strstr((char *)types.p, "\tlines: OrderLine[];\n"));
	assert_non_null(strstr((char *)fields.p, "| 1 | text | str | 4000 | required multiline | the note |\n"));
	cl_buf_done(&types);
	cl_buf_done(&fields);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_tree_holds_what_the_rows_give),
	        cmocka_unit_test(asyncapi_has_every_event),
	        cmocka_unit_test(json_schemas_are_complete),
	        cmocka_unit_test(typescript_and_fields_name_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
