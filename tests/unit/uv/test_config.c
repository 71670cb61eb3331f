/* The configuration: defaults, every key, every kind of bad value with its line, the data folder and its keys. */
#include "uv_help.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uv/config.h"

/* Loads DIR/careloop.yaml with this text; the error in *ret_error. */
static int load(char *folder, const char *yaml, struct cl_config *config, char **ret_error) {
	char *name = textf("%s/careloop.yaml", folder);
	file_write(name, yaml);
	free(name);
	return cl_config_load(folder, NULL, config, ret_error);
}

static void defaults_need_no_file(void **unused) {
	(void)unused;
	char *folder = folder_new(), *error = NULL;
	struct cl_config config;
	assert_int_equal(cl_config_load(folder, NULL, &config, &error), CL_OK);
	assert_null(error);
	assert_string_equal(config.dir, folder);
	assert_string_equal(config.language, "vi");
	assert_string_equal(config.transport, "ipc");
	assert_string_equal(config.gateway_listen, "127.0.0.1:8080");
	assert_null(config.anchors);
	for (uint32_t s = 1; s <= CL_SERVICE_COUNT; s++)
		assert_int_equal(config.services[s].partitions, 1);
	char *address = textf("ipc://%s/run/support-0.sock", folder);
	assert_true(cl_str_eqc(cl_config_address(&config, CL_SUPPORT, 0), address));
	assert_int_equal(cl_config_address(&config, CL_SUPPORT, 1).n, 0);
	assert_true(cl_config_runs(&config, CL_INTAKE, 0));
	free(address);
	cl_config_done(&config);
	folder_drop(folder);
}

static void every_key(void **unused) {
	(void)unused;
	char *folder = folder_new(), *error = NULL;
	struct cl_config config;
	int r = load(folder,
	             "dir: elsewhere\nlanguage: en\ntransport: tcp\nbase_port: 9000\nreply_host: 127.0.0.2\n"
	             "cluster_key_file: secrets/cluster.key\nrun: intake, routing/1 ,gateway\n"
	             "gateway_listen: 0.0.0.0:80\nlog_level: debug\nanchors: /mnt/anchors/\n"
	             "command_window_days: 3\nmemory_mib: 512\nreserve_mib: 100\ncheckpoint_records: 50\n"
	             "checkpoint_seconds: 5\nmap_gib: 2\nservices:\n  intake: {partitions: 2}\n"
	             "  routing:\n    partitions: 2\n    addresses: [\"tcp://192.0.2.7:1\", \"ipc://box/r1.sock\"]\n",
	             &config, &error);
	assert_int_equal(r, CL_OK);
	assert_string_equal(config.dir, folder); /* the argument wins over the key */
	assert_string_equal(config.language, "en");
	assert_string_equal(config.reply_host, "127.0.0.2");
	char *key = textf("%s/secrets/cluster.key", folder);
	assert_string_equal(config.cluster_key_file, key);
	free(key);
	assert_string_equal(config.anchors, "/mnt/anchors");
	assert_string_equal(config.gateway_listen, "0.0.0.0:80");
	assert_string_equal(config.log_level, "debug");
	assert_int_equal(config.command_window_days, 3);
	assert_int_equal(config.memory_mib, 512);
	assert_int_equal(config.reserve_mib, 100);
	assert_int_equal(config.checkpoint_records, 50);
	assert_int_equal(config.checkpoint_seconds, 5);
	assert_int_equal(config.map_gib, 2);
	assert_true(cl_str_eqc(cl_config_address(&config, CL_INTAKE, 1), "tcp://127.0.0.1:9001"));
	assert_true(cl_str_eqc(cl_config_address(&config, CL_ROUTING, 0), "tcp://192.0.2.7:1"));
	char *address = textf("ipc://%s/box/r1.sock", folder);
	assert_true(cl_str_eqc(cl_config_address(&config, CL_ROUTING, 1), address));
	free(address);
	assert_true(cl_str_eqc(cl_config_address(&config, CL_ORDER, 0), "tcp://127.0.0.1:9004"));
	assert_true(cl_config_runs(&config, CL_INTAKE, 1));
	assert_false(cl_config_runs(&config, CL_ROUTING, 0));
	assert_true(cl_config_runs(&config, CL_ROUTING, 1));
	assert_false(cl_config_runs(&config, CL_SUPPORT, 0));
	assert_true(cl_config_runs(&config, CL_GATEWAY, 0));
	cl_config_done(&config);
	/* Without the argument, the key dir counts, relative to the file. */
	char *file = textf("%s/careloop.yaml", folder), *elsewhere = textf("%s/elsewhere", folder);
	assert_int_equal(cl_config_load(NULL, file, &config, &error), CL_OK);
	assert_string_equal(config.dir, elsewhere);
	cl_config_done(&config);
	free(elsewhere);
	free(file);
	folder_drop(folder);
}

static void comments_alone_are_fine(void **unused) {
	(void)unused;
	char *folder = folder_new(), *error = NULL;
	struct cl_config config;
	assert_int_equal(load(folder, "# nothing yet\n", &config, &error), CL_OK);
	cl_config_done(&config);
	assert_int_equal(load(folder, "", &config, &error), CL_OK);
	cl_config_done(&config);
	folder_drop(folder);
}

/* text, and what both sentences must name */
static const struct {
	const char *yaml, *vi, *en;
} bad_files[] = {
        {"language: vi\n\n# x\nlangage: en\n", "dòng 4: không có khóa nào tên là “langage”",
         "line 4: there is no key named “langage”"},
        {"services:\n  intake:\n    partition: 2\n", "dòng 3: không có khóa nào tên là “partition”", "line 3"},
        {"services:\n  gateway: {partitions: 2}\n", "“gateway”", "“gateway”"},
        {"language: fr\n", "dòng 1: khóa “language” không nhận giá trị “fr”", "vi | en"},
        {"a: [\n", "", ""},
        {"transport: udp\n", "“transport”", "ipc | tcp"},
        {"\nbase_port: 0\n", "dòng 2: khóa “base_port”", "1..65535"},
        {"base_port: 70000\n", "“70000”", "1..65535"},
        {"base_port: -1\n", "“-1”", "1..65535"},
        {"base_port: x\n", "“x”", "1..65535"},
        {"transport: tcp\nbase_port: 65533\n", "“base_port”", "65536"},
        {"log_level: loud\n", "“loud”", "debug | info | warn | error"},
        {"command_window_days: 0\n", "“command_window_days”", "1..3650"},
        {"memory_mib: 1\n", "“memory_mib”", "16..1048576"},
        {"reserve_mib: 0\n", "“reserve_mib”", "1.."},
        {"checkpoint_records: 0\n", "“checkpoint_records”", "1.."},
        {"checkpoint_seconds: 100000\n", "“checkpoint_seconds”", "1..86400"},
        {"map_gib: 1.5\n", "“1.5”", "1..16384"},
        {"reply_host: \"a b\"\n", "“reply_host”", "127.0.0.1"},
        {"gateway_listen: 8080\n", "“gateway_listen”", "127.0.0.1:8080"},
        {"run: intake,kitchen\n", "“run”", "all"},
        {"run: intake/1\n", "“intake/1”", "all"},
        {"run: \"\"\n", "“run”", "“run”"},
        {"language:\n  - vi\n", "dòng 2", "line 2"},
        {"services:\n  order:\n    partitions: 0\n", "dòng 3: khóa “services.order.partitions”", "1..1024"},
        {"services:\n  order:\n    partitions: 2000\n", "“2000”", "1..1024"},
        {"services:\n  reporting:\n    partitions: 2\n", "services.reporting.partitions", "1..1"},
        {"services:\n  order:\n    partitions: 2\n    addresses: [\"tcp://127.0.0.1:1\"]\n",
         "dòng 4: khóa “services.order.addresses”", "2 ×"},
        {"services:\n  order:\n    addresses: [\"udp://127.0.0.1:1\"]\n", "“udp://127.0.0.1:1”", "tcp://"},
        {"services:\n  order:\n    addresses: [\"tcp://127.0.0.1:99999\"]\n", "99999", "tcp://"},
        {"services:\n  order:\n    addresses: [\"tcp://192.0.2.1:7400\"]\n", "tcp://192.0.2.1:7400 không phải loopback",
         "cluster_key_file"},
        {"language: vi\nlanguage: en\n", "language", "language"},
        {"language: [vi\n", "dòng", "line"},
        {"- vi\n", "", ""},
};

static void bad_files_are_named(void **unused) {
	(void)unused;
	char *folder = folder_new();
	for (size_t i = 0; i < sizeof(bad_files) / sizeof(*bad_files); i++) {
		char *error = NULL;
		struct cl_config config;
		int r = load(folder, bad_files[i].yaml, &config, &error);
		if (r == CL_OK || !error || !strstr(error, bad_files[i].vi) || !strstr(error, bad_files[i].en))
			fail_msg("%s gave %d: %s", bad_files[i].yaml, r, error ? error : "(nothing)");
		assert_non_null(strchr(error, '\n')); /* both languages */
		free(error);
	}
	folder_drop(folder);
}

static void a_named_file_must_be_there(void **unused) {
	(void)unused;
	char *error = NULL;
	struct cl_config config;
	assert_int_not_equal(cl_config_load(NULL, "/nonexistent/careloop.yaml", &config, &error), CL_OK);
	assert_non_null(strstr(error, "/nonexistent/careloop.yaml"));
	free(error);
	assert_int_not_equal(cl_config_load(NULL, NULL, &config, &error), CL_OK);
	assert_non_null(strstr(error, "--dir"));
	free(error);
}

static void a_long_socket_path_is_named(void **unused) {
	(void)unused;
	char *folder = folder_new(), *error = NULL;
	char *deep = textf("%s/%090d", folder, 1);
	struct cl_config config;
	assert_int_equal(cl_config_load(deep, NULL, &config, &error), CL_E_INVALID);
	assert_non_null(strstr(error, deep));
	assert_non_null(strstr(error, "107 byte"));
	free(error);
	free(deep);
	folder_drop(folder);
}

static void addresses(void **unused) {
	(void)unused;
	static const char *const good[] = {"ipc:///a", "tcp://127.0.0.1:1", "tcp://[::1]:65535",
	                                   "tcp://server-b.example:7400"};
	static const char *const bad[] = {
	        "",          "ipc://",        "ipc://a",    "ipc:///",     "tcp://",     "tcp://a",    "tcp://:1",
	        "tcp://a:0", "tcp://a:65536", "tcp://a:1x", "tcp://a b:1", "tcp://[]:1", "inproc://x", "tcp://a/b:1"};
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(cl_address_check(cl_str_from(good[i])), CL_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_true(cl_address_check(cl_str_from(bad[i])) < 0);
	char path[130] = "ipc:///";
	memset(path + 7, 'x', 106);
	assert_int_equal(cl_address_check(cl_str_from(path)), CL_OK); /* 107 bytes */
	path[113] = 'x';
	assert_int_equal(cl_address_check(cl_str_from(path)), CL_E_TOOBIG);
	static const char *const near[] = {"ipc:///a", "tcp://127.0.0.1:1", "tcp://127.9.9.9:1", "tcp://[::1]:1",
	                                   "tcp://localhost:1"};
	static const char *const far[] = {"tcp://192.0.2.1:1", "tcp://0.0.0.0:1",        "tcp://127.example:1",
	                                  "tcp://[::]:1",      "tcp://localhost.evil:1", "tcp://1127.0.0.1:1"};
	for (size_t i = 0; i < sizeof(near) / sizeof(*near); i++)
		assert_true(cl_address_loopback(cl_str_from(near[i])));
	for (size_t i = 0; i < sizeof(far) / sizeof(*far); i++)
		assert_false(cl_address_loopback(cl_str_from(far[i])));
}

/* -- the data folder -- */

static mode_t mode_of(const char *folder, const char *sub) {
	char *name = textf("%s/%s", folder, sub);
	struct stat found;
	assert_int_equal(stat(name, &found), 0);
	free(name);
	return found.st_mode & 0777;
}

static void prepared_once_and_again(void **unused) {
	(void)unused;
	char *folder = folder_new(), *error = NULL;
	struct cl_config config;
	struct cl_keys first, second;
	assert_int_equal(load(folder, "services: {order: {partitions: 2}}\n", &config, &error), CL_OK);
	assert_int_equal(cl_config_keys(&config, &first, &error), CL_E_NOTFOUND);
	assert_non_null(strstr(error, folder));
	free(error);
	assert_int_equal(cl_config_prepare(&config, &error), CL_OK);
	assert_int_equal(cl_config_keys(&config, &first, &error), CL_OK);
	assert_int_equal(cl_config_prepare(&config, &error), CL_OK);
	assert_int_equal(cl_config_keys(&config, &second, &error), CL_OK);
	assert_memory_equal(&first, &second, sizeof(first)); /* never drawn anew */
	assert_false(first.has_cluster);
	static const char *const subs[] = {"run", "logs", "keys", "intake-0", "order-0", "order-1", "reporting-0"};
	for (size_t i = 0; i < sizeof(subs) / sizeof(*subs); i++)
		assert_int_equal(mode_of(folder, subs[i]), 0700);
	assert_int_equal(mode_of(folder, "keys/sign.key"), 0600);
	assert_int_equal(mode_of(folder, "keys/identity.key"), 0600);
	cl_config_done(&config);
	/* another number of partitions than the folder was made with */
	assert_int_equal(load(folder, "services: {order: {partitions: 3}}\n", &config, &error), CL_OK);
	assert_int_equal(cl_config_prepare(&config, &error), CL_E_MISMATCH);
	assert_non_null(strstr(error, "có 2 phân vùng từ khi tạo, cấu hình lại ghi 3"));
	assert_non_null(strstr(error, "has had 2 partitions"));
	free(error);
	cl_config_done(&config);
	folder_drop(folder);
}

static void what_others_may_read_is_refused(void **unused) {
	(void)unused;
	char *folder = folder_new(), *error = NULL, *name;
	struct cl_config config;
	struct cl_keys keys;
	assert_int_equal(cl_config_load(folder, NULL, &config, &error), CL_OK);
	assert_int_equal(cl_config_prepare(&config, &error), CL_OK);
	name = textf("%s/keys/sign.key", folder);
	assert_int_equal(chmod(name, 0644), 0);
	assert_int_equal(cl_config_keys(&config, &keys, &error), CL_E_DENIED);
	assert_non_null(strstr(error, "sign.key"));
	free(error);
	assert_int_equal(chmod(name, 0600), 0);
	file_write(name, "zz\n");
	assert_int_equal(cl_config_keys(&config, &keys, &error), CL_E_MALFORMED);
	free(error);
	free(name);
	name = textf("%s/run", folder);
	assert_int_equal(chmod(name, 0755), 0);
	assert_int_equal(cl_config_prepare(&config, &error), CL_E_DENIED);
	assert_non_null(strstr(error, "/run"));
	free(error);
	free(name);
	cl_config_done(&config);
	folder_drop(folder);
}

/* Several processes start on a new folder at once: they must all see the same keys and facts. */
static void prepared_by_many_at_once(void **unused) {
	(void)unused;
	enum { MANY = 8 };
	char *folder = folder_new(), *error = NULL;
	struct cl_config config;
	assert_int_equal(cl_config_load(folder, NULL, &config, &error), CL_OK);
	pid_t pids[MANY];
	int gate[2], results[2];
	assert_int_equal(pipe(gate), 0);
	assert_int_equal(pipe(results), 0);
	for (int i = 0; i < MANY; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i])
			continue;
		char byte;
		struct cl_keys keys;
		close(gate[1]);
		ssize_t n = read(gate[0], &byte, 1); /* ends for all at once */
		bool fine = n == 0 && cl_config_prepare(&config, &error) == CL_OK &&
		            cl_config_keys(&config, &keys, &error) == CL_OK;
		_exit(fine && write(results[1], keys.identity, 32) == 32 ? 0 : 1);
	}
	close(gate[0]);
	close(gate[1]);
	uint8_t first[32], other[32];
	for (int i = 0; i < MANY; i++)
		assert_int_equal(wait_exit(pids[i]), 0);
	assert_int_equal(read(results[0], first, 32), 32);
	for (int i = 1; i < MANY; i++) {
		assert_int_equal(read(results[0], other, 32), 32);
		assert_memory_equal(first, other, 32);
	}
	close(results[0]);
	close(results[1]);
	cl_config_done(&config);
	folder_drop(folder);
}

/* Sockets of clients that were killed go away, those in use and those just made stay. */
static void deserted_sockets_are_swept(void **unused) {
	(void)unused;
	char *folder = folder_new(), *error = NULL;
	struct cl_config config;
	assert_int_equal(cl_config_load(folder, NULL, &config, &error), CL_OK);
	assert_int_equal(cl_config_prepare(&config, &error), CL_OK);
	static const char *const names[] = {"client-1-0.sock", "gateway-2-0.sock", "client-3-0.sock"};
	int fds[3];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	for (int i = 0; i < 3; i++) {
		snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/%s", folder, names[i]);
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(bind(fds[i], (struct sockaddr *)&address, sizeof(address)), 0);
		if (i == 1)
			assert_int_equal(listen(fds[i], 1), 0); /* lives */
		const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
		if (i < 2)
			assert_int_equal(utimensat(AT_FDCWD, address.sun_path, old, 0), 0);
	}
	close(fds[0]);
	close(fds[2]);
	assert_int_equal(cl_config_prepare(&config, &error), CL_OK);
	for (int i = 0; i < 3; i++) {
		snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/%s", folder, names[i]);
		assert_int_equal(access(address.sun_path, F_OK), i == 0 ? -1 : 0);
	}
	close(fds[1]);
	cl_config_done(&config);
	folder_drop(folder);
}

static void the_cluster_key(void **unused) {
	(void)unused;
	char *folder = folder_new(), *error = NULL, *name = textf("%s/c.key", folder);
	struct cl_config config;
	struct cl_keys keys;
	assert_int_equal(load(folder, "cluster_key_file: c.key\n", &config, &error), CL_OK);
	assert_int_equal(cl_config_cluster_key(&config, &keys, &error), CL_E_NOTFOUND);
	free(error);
	file_write(name, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
	assert_int_equal(chmod(name, 0600), 0);
	assert_int_equal(cl_config_cluster_key(&config, &keys, &error), CL_OK);
	assert_true(keys.has_cluster);
	assert_int_equal(keys.cluster[1], 0x11);
	cl_config_done(&config);
	free(name);
	folder_drop(folder);
}

/* The documented example must be what it says: readable, and the defaults. */
static void the_shipped_example(void **unused) {
	(void)unused;
	char *folder = folder_new(), *error = NULL;
	struct cl_config shipped, plain;
	int r = cl_config_load(folder, EXAMPLE_FILE, &shipped, &error);
	if (r < 0)
		fail_msg("%s", error);
	assert_int_equal(cl_config_load(folder, NULL, &plain, &error), CL_OK);
	assert_string_equal(shipped.language, plain.language);
	assert_string_equal(shipped.transport, plain.transport);
	assert_int_equal(shipped.base_port, plain.base_port);
	assert_string_equal(shipped.reply_host, plain.reply_host);
	assert_string_equal(shipped.run, plain.run);
	assert_string_equal(shipped.gateway_listen, plain.gateway_listen);
	assert_string_equal(shipped.log_level, plain.log_level);
	assert_int_equal(shipped.command_window_days, plain.command_window_days);
	assert_int_equal(shipped.memory_mib, plain.memory_mib);
	assert_int_equal(shipped.reserve_mib, plain.reserve_mib);
	assert_int_equal(shipped.checkpoint_records, plain.checkpoint_records);
	assert_int_equal(shipped.checkpoint_seconds, plain.checkpoint_seconds);
	assert_int_equal(shipped.map_gib, plain.map_gib);
	cl_config_done(&shipped);
	cl_config_done(&plain);
	/* and every key is spoken of */
	FILE *file = fopen(EXAMPLE_FILE, "r");
	assert_non_null(file);
	char *text = calloc(1, 65536);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	static const char *const keys[] = {"dir:",
	                                   "language:",
	                                   "transport:",
	                                   "base_port:",
	                                   "reply_host:",
	                                   "cluster_key_file:",
	                                   "run:",
	                                   "gateway_listen:",
	                                   "log_level:",
	                                   "anchors:",
	                                   "command_window_days:",
	                                   "memory_mib:",
	                                   "reserve_mib:",
	                                   "checkpoint_records:",
	                                   "checkpoint_seconds:",
	                                   "map_gib:",
	                                   "services:",
	                                   "partitions:",
	                                   "addresses:"};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strstr(text, keys[i]))
			fail_msg("the example does not speak of %s", keys[i]);
	free(text);
	folder_drop(folder);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(defaults_need_no_file),
	        cmocka_unit_test(every_key),
	        cmocka_unit_test(comments_alone_are_fine),
	        cmocka_unit_test(bad_files_are_named),
	        cmocka_unit_test(a_named_file_must_be_there),
	        cmocka_unit_test(a_long_socket_path_is_named),
	        cmocka_unit_test(addresses),
	        cmocka_unit_test(prepared_once_and_again),
	        cmocka_unit_test(what_others_may_read_is_refused),
	        cmocka_unit_test(prepared_by_many_at_once),
	        cmocka_unit_test(deserted_sockets_are_swept),
	        cmocka_unit_test(the_cluster_key),
	        cmocka_unit_test(the_shipped_example),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
