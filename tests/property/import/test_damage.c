/* Logs and maps with random damage: the reader always ends, with traces or with an error that says something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/import/import.h"

#define ROUNDS 4000

static const char log_text[] =
        "<?xml version='1.0' encoding='UTF-8'?>\n<log xmlns='http://www.xes-standard.org/'>\n"
        "<extension name='Concept' prefix='concept' uri='u'/><!-- ghi chú -->\n"
        "<trace><string key='concept:name' value='P&amp;1'/><int key='so' value='3'/>"
        "<event><string key='concept:name' value='Nhan'/><date key='time:timestamp' "
        "value='2026-03-01T08:00:00.123+07:00'/>"
        "<string key='ghi chu' value='ổn &lt;b&gt; &#10; hết'><string key='x' value='y'/></string></event>"
        "<event><string key='concept:name' value='Dong'/><date key='time:timestamp' "
        "value='2026-03-02T08:00:00Z'/></event>"
        "</trace>\n<trace><string key='concept:name' value='2'/></trace>\n</log>\n";
static const char map_text[] = "source: cu\ncontact:\n  name: '{trace/so|không}'\nvalues:\n  - {from: a, to: high}\n"
                               "activities:\n  - {activity: Nhan, act: assess, priority: '{muc}', text: '{ghi chu}'}\n"
                               "  - activity: Dong\n    act: close\n    outcome: silent\n";
static const char splices[][24] = {"<",       ">",  "&",  "]]>",  "<![CDATA[",  "<trace>",     "</event>",
                                   "<event>", "{",  "}",  ": ",   "\n- ",       "&#0;",        "\xff",
                                   "'",       "\"", "<?", "<!--", "&#x10FFFF;", "\xEF\xBF\xBF"};

static uint64_t draw(uint64_t *rng) { /* splitmix64, Steele, Lea, Flood 2014 */
	uint64_t z = (*rng += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static size_t damage(const char *text, size_t n, uint64_t *rng, char *out) {
	memcpy(out, text, n);
	for (uint64_t times = draw(rng) % 4; times > 0 && n > 1; times--) {
		size_t at = draw(rng) % n, len = draw(rng) % (n - at);
		const char *splice = splices[draw(rng) % (sizeof(splices) / sizeof(splices[0]))];
		switch (draw(rng) % 4) {
		case 0:
			out[at] = (char)draw(rng);
			break;
		case 1:
			n = at;
			break;
		case 2: /* a piece is gone */
			memmove(out + at, out + at + len, n - at - len);
			n -= len;
			break;
		case 3:
			len = strlen(splice);
			memmove(out + at + len, out + at, n - at);
			memcpy(out + at, splice, len);
			n += len;
			break;
		}
	}
	return n;
}

/* Files in memory: thousands of rewritten files on a disk would be the disk's test. */
struct memory_file {
	int fd;
	char path[32];
};

static struct memory_file memory_file(const char *name) {
	struct memory_file file = {.fd = memfd_create(name, MFD_CLOEXEC)};
	assert_true(file.fd >= 0);
	snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	return file;
}

static void rewrite(const struct memory_file *file, const char *p, size_t n) {
	assert_int_equal(ftruncate(file->fd, 0), 0);
	assert_int_equal(pwrite(file->fd, p, n, 0), n);
}

static int read_all(const char *log, const struct import_map *map, struct import_error *error) {
	struct import *import;
	const struct import_trace *trace = NULL;
	uint32_t rows = 0;
	int rc = import_open(log, map, &import, error);
	if (rc != CL_OK)
		return rc;
	while ((rc = import_next(import, &trace, error)) == CL_OK && trace) {
		for (uint32_t i = 0; i < trace->row_n; i++)
			assert_int_equal(trace->rows[i].row, i + 1);
		rows += trace->row_n;
		assert_true(rows < 100);
	}
	import_close(import);
	return rc;
}

static void test_damage(void **state) {
	(void)state;
	static char out[sizeof(log_text) + sizeof(map_text) + 1000];
	struct memory_file log = memory_file("log"), maps = memory_file("map");
	const char *given = getenv("CL_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : UINT64_C(1849), rng = seed;
	int good = 0, bad = 0;
	printf("seed %llu (CL_SEED=%llu repeats it)\n", (unsigned long long)seed, (unsigned long long)seed);
	for (int i = 0; i < ROUNDS; i++) {
		struct import_error error = {0};
		struct import_map *map = NULL;
		bool map_too = i % 4 == 0;
		rewrite(&log, out, damage(log_text, sizeof(log_text) - 1, &rng, out));
		if (map_too)
			rewrite(&maps, out, damage(map_text, sizeof(map_text) - 1, &rng, out));
		else
			rewrite(&maps, map_text, sizeof(map_text) - 1);
		int rc = import_map_open(maps.path, &map, &error);
		assert_true(rc == CL_OK || map_too);
		if (rc == CL_OK)
			rc = read_all(log.path, map, &error);
		if (rc == CL_OK) {
			good++;
		} else {
			bad++;
			assert_int_equal(error.code, rc);
			assert_true(error.text[CL_VI] && strlen(error.text[CL_VI]) > 10);
			assert_true(error.text[CL_EN] && strlen(error.text[CL_EN]) > 10);
		}
		import_error_done(&error);
		import_map_close(map);
	}
	close(log.fd);
	close(maps.fd);
	printf("%d read, %d refused\n", good, bad);
	assert_true(good > ROUNDS / 10 && bad > ROUNDS / 10);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_damage)};
	return cmocka_run_group_tests_name("import: damage", tests, NULL, NULL);
}
