/* The table of routes, problem documents, languages, tokens, and the published document. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway.h"
#include "uv/file.h"

static const struct gateway_route *find(enum gateway_method method, const char *path, struct cl_str *key,
                                        unsigned *allowed) {
	return gateway_route_find(method, cl_str_from(path), key, allowed);
}

static void a_path_finds_its_route_and_key(void **state) {
	struct cl_str key;
	unsigned allowed;
	(void)state;
	const struct gateway_route *route = find(GATEWAY_POST, "/api/v1/cases/PTN-2026-000001/note", &key, &allowed);
	assert_non_null(route);
	assert_ptr_equal(route->body, &cl_schema_case_note);
	assert_true(cl_str_eqc(key, "PTN-2026-000001"));
	route = find(GATEWAY_GET, "/", &key, &allowed);
	assert_non_null(route);
	assert_int_equal(key.n, 0);
}

static void what_is_no_path_is_told_from_a_wrong_method(void **state) {
	struct cl_str key;
	unsigned allowed;
	(void)state;
	static const char *const none[] = {
	        "",          "/api",           "/api/v1/cases/",      "/api/v1/cases/x/note/",
	        "/healthz/", "/api/v1/casesx", "/api/v1/cases//note", "/api/v1/cases/x/nothing"};
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		assert_null(find(GATEWAY_GET, none[i], &key, &allowed));
		assert_int_equal(allowed, 0);
	}
	assert_null(find(GATEWAY_POST, "/api/v1/people/an", &key, &allowed));
	assert_int_equal(allowed, GATEWAY_GET | GATEWAY_PUT);
}

/* Every route can be reached, and by one path only. */
static void every_route_finds_itself(void **state) {
	size_t n;
	const struct gateway_route *routes = gateway_routes(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		char path[200];
		struct cl_str key;
		unsigned allowed;
		const char *open = strchr(routes[i].path, '{');
		snprintf(path, sizeof(path), "%.*s%s%s", (int)(open ? open - routes[i].path : 200), routes[i].path,
		         open ? "k" : "", open ? strchr(open, '}') + 1 : "");
		assert_ptr_equal(find(routes[i].method, path, &key, &allowed), &routes[i]);
		assert_int_equal(key.n, open ? 1 : 0);
		assert_true((routes[i].key != GATEWAY_KEY_NONE) == (open != NULL));
	}
}

static void numbers_take_one_form(void **state) {
	char out[GATEWAY_NUMBER_BYTES];
	(void)state;
	assert_true(gateway_number(CL_STR("ptn-2026-1"), out));
	assert_string_equal(out, "PTN-2026-000001");
	assert_true(gateway_number(CL_STR("PTN-2026-1234567"), out));
	assert_string_equal(out, "PTN-2026-1234567");
	static const char *const bad[] = {"",
	                                  "PTN",
	                                  "PTN-2026-",
	                                  "PTN-26-1",
	                                  "PTN-2026-x",
	                                  "PTN-2026-1 ",
	                                  "PTN-1899-1",
	                                  "PTN-2026--1",
	                                  "PTN-2026-99999999999999999999",
	                                  "PTN-2026-999999999999"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(gateway_number(cl_str_from(bad[i]), out));
}

static void the_language_wanted_most_is_spoken(void **state) {
	(void)state;
	static const struct {
		const char *header;
		enum cl_lang lang;
	} cases[] = {{"", CL_VI},
	             {"en", CL_EN},
	             {"en-GB,en;q=0.9", CL_EN},
	             {"vi,en;q=0.9", CL_VI},
	             {"en;q=0.8,vi", CL_VI},
	             {"vi;q=0.1, en;q=0.2", CL_EN},
	             {"fr", CL_VI},
	             {"en;q=0", CL_VI},
	             {"english", CL_VI},
	             {",,;", CL_VI},
	             {"en;q=abc", CL_VI},
	             {"*", CL_VI}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(gateway_language(cl_str_from(cases[i].header)), cases[i].lang);
}

static void a_problem_is_a_document(void **state) {
	struct cl_buf out;
	(void)state;
	for (int p = 0; p < GATEWAY_PROBLEM_COUNT; p++) {
		struct gateway_trouble trouble = {.problem = (enum gateway_problem)p,
		                                  .lang = CL_EN,
		                                  .detail = CL_STR("a \"quote\"\n"),
		                                  .field = CL_STR("phone")};
		cl_buf_init(&out);
		gateway_problem_write(&trouble, &out);
		json_t *json = json_loadb((const char *)out.p, out.n, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(json);
		assert_int_equal(json_integer_value(json_object_get(json, "status")),
		                 gateway_problem_status(trouble.problem));
		assert_string_equal(json_string_value(json_object_get(json, "code")),
		                    gateway_problem_code(trouble.problem));
		assert_string_equal(json_string_value(json_object_get(json, "detail")), "a \"quote\"\n");
		assert_true(strlen(json_string_value(json_object_get(json, "title"))) > 0);
		const json_t *error = json_array_get(json_object_get(json, "errors"), 0);
		assert_string_equal(json_string_value(json_object_get(error, "field")), "phone");
		json_decref(json);
		cl_buf_done(&out);
	}
}

/* -- tokens -- */
static char dir[64];

static void write_tokens(const char *text) {
	char path[128];
	snprintf(path, sizeof(path), "%s/keys/tokens.json", dir);
	assert_int_equal(cl_file_replace(path, text, strlen(text)), CL_OK);
}

static void tokens_are_read_again_when_they_change(void **state) {
	struct gateway_tokens tokens;
	char hex[65], text[400];
	(void)state;
	gateway_tokens_init(&tokens, dir);
	assert_int_equal(gateway_tokens_refresh(&tokens), CL_OK);
	assert_false(gateway_tokens_any(&tokens));
	cl_hash_hex(cl_hash_of("clt_secret", 10), hex);
	snprintf(text, sizeof(text),
	         "{\"tokens\":[{\"name\":\"shop\",\"hash\":\"%s\",\"created\":\"2026-01-01T00:00:00Z\"}]}", hex);
	write_tokens(text);
	assert_int_equal(gateway_tokens_refresh(&tokens), CL_OK);
	assert_true(gateway_tokens_any(&tokens));
	assert_true(cl_str_eqc(gateway_tokens_find(&tokens, CL_STR("clt_secret")), "shop"));
	assert_int_equal(gateway_tokens_find(&tokens, CL_STR("clt_secres")).n, 0);
	assert_int_equal(gateway_tokens_find(&tokens, (struct cl_str){NULL, 0}).n, 0);
	write_tokens("{\"tokens\":[]}");
	assert_int_equal(gateway_tokens_refresh(&tokens), CL_OK);
	assert_int_equal(gateway_tokens_find(&tokens, CL_STR("clt_secret")).n, 0);
	gateway_tokens_done(&tokens);
}

/* A file that cannot be believed must not open the door. */
static void a_broken_file_lets_nobody_in(void **state) {
	static const char *const broken[] = {"",
	                                     "{",
	                                     "[]",
	                                     "{\"tokens\":{}}",
	                                     "{\"tokens\":[{}]}",
	                                     "{\"tokens\":[{\"name\":\"a\",\"hash\":\"zz\"}]}"};
	struct gateway_tokens tokens;
	(void)state;
	gateway_tokens_init(&tokens, dir);
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		write_tokens(broken[i]);
		assert_int_not_equal(gateway_tokens_refresh(&tokens), CL_OK);
		assert_int_not_equal(gateway_tokens_refresh(&tokens), CL_OK);
		assert_true(gateway_tokens_any(&tokens));
		assert_int_equal(gateway_tokens_find(&tokens, CL_STR("x")).n, 0);
	}
	gateway_tokens_done(&tokens);
}

/* -- the document -- */
static void the_published_document_is_current(void **state) {
	struct cl_buf now;
	char *published = NULL;
	size_t n = 0;
	(void)state;
	cl_buf_init(&now);
	gateway_openapi_write(&now);
	assert_int_equal(cl_file_read(OPENAPI_FILE, 8 << 20, &published, &n), CL_OK);
	assert_int_equal(n, now.n); /* else: careloop-gateway --openapi > proto/published/openapi.json */
	assert_memory_equal(published, now.p, n);
	free(published);
	cl_buf_done(&now);
}

static void the_document_tells_of_every_route(void **state) {
	struct cl_buf text;
	size_t n;
	const struct gateway_route *routes = gateway_routes(&n);
	(void)state;
	cl_buf_init(&text);
	gateway_openapi_write(&text);
	json_t *document = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(document);
	for (size_t i = 0; i < n; i++) {
		const char *method = routes[i].method == GATEWAY_GET    ? "get"
		                     : routes[i].method == GATEWAY_POST ? "post"
		                                                        : "put";
		const json_t *path = json_object_get(json_object_get(document, "paths"), routes[i].path);
		const json_t *operation = json_object_get(path, method);
		assert_non_null(operation);
		assert_true((json_object_get(operation, "requestBody") != NULL) == (routes[i].body != NULL));
	}
	json_decref(document);
	cl_buf_done(&text);
}

static int make_dir(void **state) {
	char keys[80];
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/careloop-gateway.XXXXXX");
	if (cl_crypto_init() != CL_OK || !mkdtemp(dir))
		return -1;
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	return cl_folder_make(keys, 0077);
}

static int drop_dir(void **state) {
	char path[128];
	(void)state;
	snprintf(path, sizeof(path), "%s/keys/tokens.json", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/keys", dir);
	rmdir(path);
	return rmdir(dir);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_path_finds_its_route_and_key),
	        cmocka_unit_test(what_is_no_path_is_told_from_a_wrong_method),
	        cmocka_unit_test(every_route_finds_itself),
	        cmocka_unit_test(numbers_take_one_form),
	        cmocka_unit_test(the_language_wanted_most_is_spoken),
	        cmocka_unit_test(a_problem_is_a_document),
	        cmocka_unit_test(tokens_are_read_again_when_they_change),
	        cmocka_unit_test(a_broken_file_lets_nobody_in),
	        cmocka_unit_test(the_published_document_is_current),
	        cmocka_unit_test(the_document_tells_of_every_route),
	};
	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
