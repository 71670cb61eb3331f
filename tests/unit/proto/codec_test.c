/* The codec on hand-written bytes: exact encodings, everything hostile, errors with path and place. */
#include "past.h"
#include "proto_help.h"

static struct cl_arena arena;

static int setup(void **state) {
	(void)state;
	cl_arena_init(&arena, 4096);
	return 0;
}

static int teardown(void **state) {
	(void)state;
	cl_arena_done(&arena);
	return 0;
}

/* -- the scan -- */
static void assert_scan(const char *hex, int code, size_t where) {
	struct cl_bytes bytes = from_hex(hex);
	size_t used = 9999, offset = 9999;
	int rc = cl_msgpack_scan(bytes, &used, &offset);
	if (rc != code || (code == CL_OK ? used : offset) != where)
		fail_msg("%s gives %s, used %zu, offset %zu", hex, cl_error_name(rc), used, offset);
	release(bytes);
}

static void scan_measures_values(void **state) {
	static const struct {
		const char *hex;
		size_t used;
	} values[] = {{"00", 1},
	              {"7f", 1},
	              {"ff", 1},
	              {"e0", 1},
	              {"c0", 1},
	              {"c2", 1},
	              {"c3", 1},
	              {"cc80", 2},
	              {"cd0100", 3},
	              {"ce00010000", 5},
	              {"cf0000000100000000", 9},
	              {"d080", 2},
	              {"d18000", 3},
	              {"d280000000", 5},
	              {"d38000000000000000", 9},
	              {"ca00000000", 5},
	              {"cb0000000000000000", 9},
	              {"a0", 1},
	              {"a161", 2},
	              {"d90161", 3},
	              {"da000161", 4},
	              {"db0000000161", 6},
	              {"c40161", 3},
	              {"c5000161", 4},
	              {"c60000000161", 6},
	              {"80", 1},
	              {"90", 1},
	              {"8101a161", 4},
	              {"920102", 3},
	              {"dc00020102", 5},
	              {"dd000000020102", 7},
	              {"de00010102", 5},
	              {"df000000010102", 7},
	              {"d40001", 3},
	              {"d5000102", 4},
	              {"d60001020304", 6},
	              {"d7000102030405060708", 10},
	              {"d800000102030405060708090a0b0c0d0e0f", 18},
	              {"c7010061", 4},
	              {"c800010061", 5},
	              {"c9000000010061", 7},
	              {"00ff", 1},
	              {"9100c1", 2},
	              {"c70061", 3}};
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_scan(values[i].hex, CL_OK, values[i].used);
}

static void scan_refuses_lies(void **state) {
	static const char *const huge[] = {"dd07ffffff", "ddffffffff", "df07ffffff", "dfffffffff",   "dcffff",
	                                   "deffff",     "9f",         "8f",         "ddffffffff00", "db7fffffff61",
	                                   "c6ffffffff", "c9ffffffff", "dbffffffff"};
	(void)state;
	for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++)
		assert_scan(huge[i], CL_E_TRUNCATED, 0);
	assert_scan("", CL_E_TRUNCATED, 0);
	assert_scan("c1", CL_E_MALFORMED, 0);
	assert_scan("9201c1", CL_E_MALFORMED, 2);
	assert_scan("820102", CL_E_TRUNCATED, 0);
	assert_scan("820102a1", CL_E_TRUNCATED, 0);
	assert_scan("8201020304", CL_OK, 5);
	assert_scan("82010203cd01", CL_E_TRUNCATED, 4);
	assert_scan("a261", CL_E_TRUNCATED, 0);
	assert_scan("cd", CL_E_TRUNCATED, 0);
	assert_scan("d4", CL_E_TRUNCATED, 0);
	assert_scan("d400", CL_E_TRUNCATED, 0);
	assert_scan("c70061", CL_OK, 3);
	assert_scan("c700", CL_E_TRUNCATED, 0);
}

static void scan_bounds_depth(void **state) {
	char hex[2 * (CL_NESTING_MAX + 1) + 3] = "";
	(void)state;
	for (int i = 0; i < CL_NESTING_MAX; i++)
		strcat(hex, "91");
	strcat(hex, "00");
	assert_scan(hex, CL_OK, CL_NESTING_MAX + 1);
	memcpy(hex + 2 * CL_NESTING_MAX, "9100", 5);
	assert_scan(hex, CL_E_TOODEEP, CL_NESTING_MAX);
	/* Depth is of what is open: many containers beside each other are flat. */
	assert_scan("9f909090909090909090909090909090", CL_OK, 16);
}

/* -- exact bytes -- */
static void encoding_is_canonical(void **state) {
	struct log_rejected value = {.code = 300, .field = CL_STR("sku"), .message_type = 0x1303};
	struct cl_bytes expected = from_hex("8301cd012c02a3736b7503cd1303");
	struct cl_buf out;
	(void)state;
	cl_buf_init(&out);
	cl_encode(&cl_schema_log_rejected, &value, &out);
	assert_int_equal(out.n, expected.n);
	assert_memory_equal(out.p, expected.p, out.n);
	cl_buf_clear(&out);
	value.field = (struct cl_str){NULL, 0}; /* empty is absent */
	cl_encode(&cl_schema_log_rejected, &value, &out);
	assert_int_equal(out.n, 9);
	assert_int_equal(out.p[0], 0x82);
	release(expected);
	cl_buf_done(&out);
}

/* -- decoding -- */
static int decode(const struct cl_schema *schema, const char *hex, void *value, struct cl_field_error *error) {
	struct cl_bytes bytes = from_hex(hex);
	cl_arena_reset(&arena);
	*error = (struct cl_field_error){0};
	int rc = cl_decode(schema, bytes, &arena, value, error);
	assert_int_equal(cl_decode(schema, bytes, &arena, value, NULL), rc);
	if (rc == CL_OK) { /* the views must not outlive the bytes */
		void *copy = cl_arena_alloc(&arena, schema->size);
		cl_copy(schema, value, &arena, copy);
		memcpy(value, copy, schema->size);
	} else {
		assert_int_equal(error->code, rc);
	}
	release(bytes);
	return rc;
}

static void assert_refused(const struct cl_schema *schema, const char *hex, int code, const char *path, size_t offset) {
	struct cl_field_error error;
	void *value = calloc(1, schema->size);
	int rc = decode(schema, hex, value, &error);
	if (rc != code || strcmp(error.path, path) != 0 || error.offset != offset)
		fail_msg("%s as %s gives %s at “%s”, offset %zu", hex, schema->name, cl_error_name(rc), error.path,
		         error.offset);
	free(value);
}

static void decoding_reads_any_order_and_form(void **state) {
	struct log_rejected value;
	struct cl_field_error error;
	(void)state;
	static const char *const same[] = {
	        "8301cd012c02a3736b7503cd1303", "8303cd130302a3736b7501cd012c",
	        "8301ce0000012c02d903736b7503cf0000000000001303", "8301d1012c02a3736b7503cd1303",
	        "de000301cd012c02a3736b7503cd1303", "83cc01cd012ccc02a3736b75cd0003cd1303",
	        /* members of a newer writer: tags 90, 1000 and 2^32 are passed over */
	        "8601cd012c5a93c0c2810001cd03e8ca0000000002a3736b75cf0000000100000000d4010103cd1303"};
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		if (decode(&cl_schema_log_rejected, same[i], &value, &error) != CL_OK)
			fail_msg("%s: %s at %s %zu", same[i], cl_error_name(error.code), error.path, error.offset);
		assert_int_equal(value.code, 300);
		assert_int_equal(value.message_type, 0x1303);
		assert_true(cl_str_eqc(value.field, "sku"));
	}
}

static void decoding_refuses_with_path_and_place(void **state) {
	const struct cl_schema *rejected = &cl_schema_log_rejected, *lines = &cl_schema_order_set_lines;
	(void)state;
	assert_refused(rejected, "", CL_E_TRUNCATED, "", 0);
	assert_refused(rejected, "dd07ffffff", CL_E_TRUNCATED, "", 0);
	assert_refused(rejected, "90", CL_E_MALFORMED, "", 0);
	assert_refused(rejected, "c0", CL_E_MALFORMED, "", 0);
	assert_refused(rejected, "8201010301ff", CL_E_MALFORMED, "", 5); /* more behind the value */
	assert_refused(rejected, "82ff010301", CL_E_MALFORMED, "", 1);   /* a negative tag */
	assert_refused(rejected, "82a161010301", CL_E_MALFORMED, "", 1); /* a tag in letters */
	assert_refused(rejected,
	               "8301010301"
	               "0102",
	               CL_E_MALFORMED, "code", 5);                                 /* twice */
	assert_refused(rejected, "8201ff0301", CL_E_MALFORMED, "code", 2);         /* negative */
	assert_refused(rejected, "8201a1610301", CL_E_MALFORMED, "code", 2);       /* text */
	assert_refused(rejected, "8201ca000000000301", CL_E_MALFORMED, "code", 2); /* float */
	assert_refused(rejected, "8201c00301", CL_E_MALFORMED, "code", 2);         /* nil */
	assert_refused(rejected, "8201ce000100000301", CL_E_RANGE, "code", 2);
	assert_refused(rejected, "8201cf00000001000000000301", CL_E_RANGE, "code", 2); /* beyond 32 bits */
	assert_refused(rejected, "80", CL_E_INVALID, "code", 0);
	assert_refused(rejected, "810101", CL_E_INVALID, "message_type", 0);
	assert_refused(rejected, "8201000301", CL_E_INVALID, "code", 0); /* zero is absent */
	assert_refused(rejected,
	               "8301010280"
	               "0301",
	               CL_E_MALFORMED, "field", 4);
	assert_refused(rejected, "83010102c401610301", CL_E_MALFORMED, "field", 4); /* bytes are no text */
	assert_refused(rejected, "83010102a1ff0301", CL_E_INVALID, "field", 4);
	assert_refused(rejected, "83010102a10a0301", CL_E_INVALID, "field", 4);
	assert_refused(lines, "8101c0", CL_E_MALFORMED, "lines", 2);
	assert_refused(lines, "810190", CL_E_INVALID, "lines", 0);
	assert_refused(lines, "810191c0", CL_E_MALFORMED, "lines[0]", 3);
	assert_refused(lines,
	               "8101928201a16103028201a1610301"
	               "80",
	               CL_E_MALFORMED, "", 15);
	assert_refused(lines,
	               "8101928201a16103028103"
	               "01",
	               CL_E_INVALID, "lines[1].sku", 9);
}

static void lists_are_bounded_before_they_are_made(void **state) {
	char hex[2 * 5 + 2 * 101 + 1];
	(void)state;
	for (unsigned count = 100; count <= 101; count++) {
		size_t n = (size_t)snprintf(hex, sizeof(hex), "8101dc%04x", count);
		for (unsigned i = 0; i < count; i++, n += 2)
			memcpy(hex + n, "80", 3);
		/* 100 lines are allowed, but where two fields are required they do not fit 100 bytes: one is made. */
		if (count == 100)
			assert_refused(&cl_schema_order_set_lines, hex, CL_E_INVALID, "lines[0].sku", 5);
		else
			assert_refused(&cl_schema_order_set_lines, hex, CL_E_TOOBIG, "lines", 5);
		assert_int_equal(arena.used, count == 100 ? 2 * sizeof(struct order_line) : 0);
	}
}

static void decoding_checks_every_type(void **state) {
	const struct cl_schema *opened = &cl_schema_log_opened, *person = &cl_schema_person_define;
	(void)state;
	assert_refused(opened, "8101c40f000102030405060708090a0b0c0d0e", CL_E_MALFORMED, "log_id", 2);
	assert_refused(opened, "8101b0000102030405060708090a0b0c0d0e0f", CL_E_MALFORMED, "log_id", 2);
	assert_refused(opened, "8105c41000000000000000000000000000000000", CL_E_MALFORMED, "schema_hash", 2);
	assert_refused(opened, "8106a161", CL_E_MALFORMED, "public_key", 2);
	assert_refused(&cl_schema_contact_register, "810163", CL_E_UNKNOWN, "channel", 2);
	assert_refused(&cl_schema_contact_register, "8101cf0000000100000001", CL_E_UNKNOWN, "channel", 2);
	assert_refused(&cl_schema_contact_register, "811001", CL_E_MALFORMED, "imported", 2);
	assert_refused(&cl_schema_case_reminded, "8101a161", CL_E_MALFORMED, "until", 2);
	assert_refused(person, "81069201c0", CL_E_MALFORMED, "skills[0]", 3);
	assert_refused(person, "810692a161a1ff", CL_E_INVALID, "skills[1]", 2);
	assert_refused(&cl_schema_item_routed, "8101c0", CL_E_MALFORMED, "slip", 2);
	assert_refused(&cl_schema_item_routed, "810180", CL_E_INVALID, "slip.number", 2);
	assert_refused(&cl_schema_item_routed, "8102a161", CL_E_INVALID, "slip", 0);
}

static void times_keep_to_what_can_be_written(void **state) {
	const struct cl_schema *schema = &cl_schema_case_reminded;
	struct case_reminded value = {0};
	struct cl_field_error error;
	(void)state;
	assert_int_equal(decode(schema, "8101d3fffffdfdae01dc00", &value, &error), CL_OK); /* 1900-01-01 */
	assert_true(value.until == -2208988800000);
	assert_refused(schema, "8101d3fffffdfdae01dbff", CL_E_RANGE, "until", 2);
	assert_int_equal(decode(schema, "8101cf0000e677d21fdbff", &value, &error), CL_OK); /* the end of 9999 */
	assert_true(value.until == 253402300799999);
	assert_refused(schema, "8101cf0000e677d21fdc00", CL_E_RANGE, "until", 2);
	assert_refused(schema, "8101cfffffffffffffffff", CL_E_RANGE, "until", 2);
}

static void missing_is_told_from_wrong(void **state) {
	struct log_rejected value;
	struct cl_field_error error;
	(void)state;
	assert_int_equal(decode(&cl_schema_log_rejected, "810101", &value, &error), CL_E_INVALID);
	assert_true(error.missing);
	assert_int_equal(decode(&cl_schema_log_rejected, "83010102a10a0301", &value, &error), CL_E_INVALID);
	assert_false(error.missing);
	assert_string_equal(error.field->name, "field");
}

static void text_may_hold_no_control_characters(void **state) {
	static const struct {
		const char *text;
		bool line, lines; /* valid in one line, in many */
	} texts[] = {{"a", true, true},          {"Được 漢 😀", true, true},
	             {"a\nb", false, true},      {"a\r\n", false, true},
	             {"\t", false, true},        {"a\x01", false, false},
	             {"\x1f", false, false},     {"\x7f", false, false},
	             {"\x1b[31m", false, false}, {"\xc2\x80", false, false},
	             {"\xc2\x9f", false, false}, {"\xc2\xa0", true, true},
	             {"\xc2\x85", false, false}, {"\xed\xa0\x80", false, false},
	             {"\xc0\x80", false, false}, {"\xff", false, false},
	             {"\x0b", false, false},     {"\xe2\x80\xa8", true, true}};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct stock_receive line = {.sku = cl_str_from(texts[i].text), .quantity = 1};
		struct case_note lines = {.text = cl_str_from(texts[i].text)};
		struct cl_field_error error;
		int rc = cl_validate(&cl_schema_stock_receive, &line, &error);
		int rc_lines = cl_validate(&cl_schema_case_note, &lines, &error);
		if (rc != (texts[i].line ? CL_OK : CL_E_INVALID) || rc_lines != (texts[i].lines ? CL_OK : CL_E_INVALID))
			fail_msg("text %zu: %d %d", i, rc, rc_lines);
	}
	struct stock_receive nul = {.sku = CL_STR("a\0b"), .quantity = 1};
	assert_int_equal(cl_validate(&cl_schema_stock_receive, &nul, NULL), CL_E_INVALID);
}

/* Text is looked at eight bytes at a time: every byte at every place among them gives what it gives alone. */
static void control_characters_are_found_anywhere(void **state) {
	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		for (unsigned second = 0x10; second < 0xd0; second += 0x0f) {
			bool two = first >= 0xc2 && first < 0xe0 && second >= 0x80 && second < 0xc0;
			bool good = two ? first != 0xc2 || second >= 0xa0
			                : first >= 0x20 && first < 0x7f && second >= 0x20 && second < 0x7f;
			for (uint32_t at = 0; at < 24; at++) {
				uint8_t text[26];
				memset(text, at % 2 ? 'a' : ' ', sizeof(text));
				text[at] = (uint8_t)first;
				text[at + 1] = (uint8_t)second;
				struct stock_receive value = {.sku = {(char *)text, sizeof(text)}, .quantity = 1};
				if ((cl_validate(&cl_schema_stock_receive, &value, NULL) == CL_OK) != good)
					fail_msg("%02x %02x at %u", first, second, at);
			}
		}
	}
}

static void trusted_bytes_stay_in_bounds(void **state) {
	static const char *const hostile[] = {"",
	                                      "81",
	                                      "8101",
	                                      "8101cd01",
	                                      "8102a561",
	                                      "dd07ffffff",
	                                      "df07ffffff",
	                                      "8101dd07ffffff",
	                                      "81029f",
	                                      "8163ddffffffff",
	                                      "8163dbffffffff61",
	                                      "8101c4ff00",
	                                      "c1",
	                                      "8101c1"};
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		for (size_t k = 0; k < cl_schema_count(); k++) {
			const struct cl_schema *schema = cl_schema_at(k);
			struct cl_bytes bytes = from_hex(hostile[i]);
			void *value = malloc(schema->size);
			cl_arena_reset(&arena);
			if (cl_decode_trusted(schema, bytes, &arena, value) == CL_OK)
				fail_msg("%s as %s is taken", hostile[i], schema->name);
			assert_true(arena.used < 4096);
			free(value);
			release(bytes);
		}
	}
}

/* -- upcasting -- */
static void old_versions_are_upcast(void **state) {
	struct order_changed_v1 old = {.number = CL_STR("PTN-2025-000001"),
	                               .slip_id = {{1}},
	                               .status = ORDER_SHIPPED,
	                               .total_thousand_vnd = 1250,
	                               .carrier = CL_STR("GHN")};
	const struct cl_past_shape *shape = cl_past_at(0);
	const struct order_changed *now = NULL;
	const void *value = NULL;
	struct cl_field_error error = {0};
	struct cl_buf bytes;
	(void)state;
	assert_int_equal(shape->type, CL_T_order_changed);
	cl_buf_init(&bytes);
	cl_encode(shape->shape, &old, &bytes);
	assert_int_equal(cl_decode_version(CL_T_order_changed, 1, cl_buf_bytes(&bytes), &arena, &value, &error), CL_OK);
	now = value;
	assert_true(now->total_vnd == 1250000);
	assert_int_equal(now->status, ORDER_SHIPPED);
	assert_true(cl_str_eqc(now->number, "PTN-2025-000001"));
	assert_true(cl_str_eqc(now->carrier, "GHN"));
	assert_int_equal(now->slip_id.b[0], 1);
	/* As version 2 the same bytes mean something else: tag 5 is nobody's. */
	assert_int_equal(cl_decode_version(CL_T_order_changed, 2, cl_buf_bytes(&bytes), &arena, &value, &error), CL_OK);
	now = value;
	assert_true(now->total_vnd == 0);
	cl_buf_done(&bytes);
}

static void old_versions_are_checked_too(void **state) {
	struct cl_bytes bytes = from_hex("8101a161");
	struct cl_field_error error;
	const void *value = NULL;
	(void)state;
	assert_int_equal(cl_decode_version(CL_T_order_changed, 1, bytes, &arena, &value, &error), CL_E_INVALID);
	assert_string_equal(error.path, "slip_id");
	assert_int_equal(cl_decode_version(0xffff, 1, bytes, &arena, &value, &error), CL_E_UNKNOWN);
	assert_int_equal(cl_decode_version(CL_T_order_changed, 3, bytes, &arena, &value, &error), CL_E_INVALID);
	assert_null(value);
	release(bytes);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(scan_measures_values),
	        cmocka_unit_test(scan_refuses_lies),
	        cmocka_unit_test(scan_bounds_depth),
	        cmocka_unit_test(encoding_is_canonical),
	        cmocka_unit_test(decoding_reads_any_order_and_form),
	        cmocka_unit_test(decoding_refuses_with_path_and_place),
	        cmocka_unit_test(lists_are_bounded_before_they_are_made),
	        cmocka_unit_test(decoding_checks_every_type),
	        cmocka_unit_test(times_keep_to_what_can_be_written),
	        cmocka_unit_test(missing_is_told_from_wrong),
	        cmocka_unit_test(text_may_hold_no_control_characters),
	        cmocka_unit_test(control_characters_are_found_anywhere),
	        cmocka_unit_test(trusted_bytes_stay_in_bounds),
	        cmocka_unit_test(old_versions_are_upcast),
	        cmocka_unit_test(old_versions_are_checked_too),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
