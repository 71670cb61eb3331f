/* Damaged and doubled logs: a flipped bit, a tail rolled back, two processes on one partition. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "log/log.h"
#include "uv/service.h"

struct scene {
	struct rig rig;
	struct load *load;
};

static int setup(void **state) {
	*state = calloc(1, sizeof(struct scene));
	return *state ? 0 : -1;
}

static int teardown(void **state) {
	struct scene *scene = *state;
	rig_close(&scene->rig);
	load_free(scene->load);
	free(scene);
	return 0;
}

static void work(struct scene *scene, uint32_t contacts) {
	load_free(scene->load);
	scene->load = load_new(&scene->rig, contacts);
	load_push(scene->load);
	load_finish(scene->load, 40);
	rig_drained(&scene->rig);
}

/* A folder with some history, stopped. */
static void history(struct scene *scene, const char *yaml, uint32_t contacts) {
	char *said = NULL;
	rig_open(&scene->rig, yaml);
	rig_up(&scene->rig);
	assert_int_equal(rig_careloop(&scene->rig, &said, "configure", "defaults", NULL), 0);
	free(said);
	work(scene, contacts);
}

static struct rig_member *member(struct scene *scene, uint32_t service) {
	for (uint32_t i = 0; i < scene->rig.member_n; i++)
		if (scene->rig.members[i].service == service)
			return &scene->rig.members[i];
	fail();
	return NULL;
}

/* -- bytes of files -- */

struct bytes {
	uint8_t *p;
	size_t n;
};

static struct bytes slurp(const char *path) {
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	struct bytes bytes = {.n = (size_t)ftell(file)};
	rewind(file);
	bytes.p = malloc(bytes.n);
	assert_non_null(bytes.p);
	assert_int_equal(fread(bytes.p, 1, bytes.n, file), bytes.n);
	fclose(file);
	return bytes;
}

static void dump(const char *path, const struct bytes *bytes) {
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes->p, 1, bytes->n, file), bytes->n);
	assert_int_equal(fclose(file), 0);
}

static char *store_of(struct scene *scene, const struct rig_member *member) {
	return rig_text("%s/%s/data.mdb", scene->rig.dir, member->name);
}

static void says(const char *said, const char *what) {
	if (!strstr(said, what))
		fail_msg("“%s” is not in: %s", what, said);
}

/* -- a flipped bit -- */

/* The stored value of a record: checksum, hash, record. */
static struct bytes value_of(struct scene *scene, const struct rig_member *member, uint64_t seq) {
	char *folder = rig_text("%s/%s", scene->rig.dir, member->name);
	struct cl_kv *kv;
	struct cl_kv_txn *txn;
	struct cl_stored stored;
	assert_int_equal(cl_kv_lmdb_open(folder, UINT64_C(1) << 30, true, &kv), CL_OK);
	assert_int_equal(kv->ops->begin(kv, false, &txn), CL_OK);
	assert_int_equal(cl_log_read(txn, kv, seq, &stored), CL_OK);
	struct bytes value = {.n = CL_STORED_HEAD + stored.record.n};
	value.p = malloc(value.n);
	assert_non_null(value.p);
	memcpy(value.p, stored.record.p - CL_STORED_HEAD, value.n);
	kv->ops->abort(txn);
	kv->ops->close(kv);
	free(folder);
	return value;
}

/* Pages are copied when they are written: old copies of the value lie about, and all of them are changed. */
static uint32_t flip(struct bytes *store, const struct bytes *value, size_t at, uint8_t bit) {
	uint32_t n = 0;
	uint8_t *p = store->p, *end = store->p + store->n;
	while ((p = memmem(p, (size_t)(end - p), value->p, value->n)) != NULL) {
		p[at] ^= bit;
		p += value->n;
		n++;
	}
	return n;
}

/* What the service and the command say about a store with one bit of record seq turned over. */
static void one_flip(struct scene *scene, const struct rig_member *member, uint64_t seq, const struct bytes *good,
                     const struct bytes *value, size_t at, uint8_t bit) {
	char *path = store_of(scene, member), *said = NULL;
	struct bytes bad = {malloc(good->n), good->n};
	assert_non_null(bad.p);
	memcpy(bad.p, good->p, good->n);
	assert_true(flip(&bad, value, at, bit) > 0);
	dump(path, &bad);
	free(bad.p);
	char *vi = rig_text("hỏng ở bản ghi %" PRIu64 " ", seq),
	     *en = rig_text("is corrupt at record %" PRIu64 " ", seq);
	int code = rig_service(&scene->rig, member, &said);
	if (code != 3)
		fprintf(stderr, "%s, byte %zu of record %" PRIu64 ": %s\n", member->name, at, seq, said);
	assert_int_equal(code, 3);
	says(said, vi);
	says(said, en);
	says(said, "Cách khôi phục");
	says(said, "To recover");
	/* Nobody holds a copy of the archive: it is not repaired but grows again. */
	says(said, member->service == CL_REPORTING ? "dời thư mục" : "careloop log repair --service");
	says(said, member->service == CL_REPORTING ? "start again" : "deletes nothing");
	free(said);
	free(vi);
	free(en);
	vi = rig_text("hỏng ở bản ghi %" PRIu64 ":", seq);
	code = rig_careloop(&scene->rig, &said, "log", "verify", NULL);
	says(said, vi);
	says(said, "Cách khôi phục");
	assert_int_equal(code, 5);
	free(said);
	free(vi);
	dump(path, good);
	free(path);
}

static void flips(struct scene *scene, uint32_t service, uint64_t seq, uint64_t *seed) {
	const struct rig_member *of = member(scene, service);
	char *path = store_of(scene, of);
	struct bytes good = slurp(path), value = value_of(scene, of, seq);
	/* checksum, hash, number, type, actor, and somewhere in what the record says, its end included */
	size_t places[] = {1, 20, CL_STORED_HEAD + 9, CL_STORED_HEAD + 31, CL_STORED_HEAD + 40, 0, value.n - 1};
	places[5] = CL_STORED_HEAD + 105 + rig_random(seed) % (value.n - CL_STORED_HEAD - 105);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		one_flip(scene, of, seq, &good, &value, places[i], (uint8_t)(1u << rig_random(seed) % 8));
	printf("%s: a bit of record %" PRIu64 " flipped at %zu places, found at each\n", of->name, seq,
	       sizeof(places) / sizeof(*places));
	free(good.p);
	free(value.p);
	free(path);
}

static void repair(struct scene *scene, const char *service) {
	char *said = NULL;
	int code = rig_careloop(&scene->rig, &said, "log", "repair", "--service", service, "--partition", "0", NULL);
	if (code != 0)
		fprintf(stderr, "%s\n", said);
	free(said);
	assert_int_equal(code, 0);
}

/* What the services say is to be done about it helps: against a record that is damaged, */
static void repaired_record(struct scene *scene) {
	const struct rig_member *support = member(scene, CL_SUPPORT);
	char *path = store_of(scene, support);
	struct bytes store = slurp(path), value = value_of(scene, support, 5);
	assert_true(flip(&store, &value, CL_STORED_HEAD + 50, 4) > 0);
	dump(path, &store);
	free(store.p);
	free(value.p);
	free(path);
	repair(scene, "support");
}

/* a file that cannot be opened at all (its page size says 0), */
static void repaired_file(struct scene *scene) {
	const struct rig_member *intake = member(scene, CL_INTAKE);
	char *path = store_of(scene, intake), *said = NULL;
	struct bytes store = slurp(path);
	store.p[4096 + 41] ^= 0x10;
	dump(path, &store);
	free(store.p);
	free(path);
	assert_int_equal(rig_service(&scene->rig, intake, &said), 3);
	says(said, "log repair --service intake");
	free(said);
	repair(scene, "intake");
}

/* and for the archive, which is moved aside and grows again from the sources. */
static void archive_grown_again(struct scene *scene) {
	char *archive = rig_text("%s/reporting-0", scene->rig.dir), *aside = rig_text("%s/archive", scene->rig.base);
	assert_int_equal(rename(archive, aside), 0);
	free(archive);
	free(aside);
}

static void a_flipped_bit(void **state) {
	struct scene *scene = *state;
	uint64_t seed = rig_seed("a_flipped_bit");
	history(scene, NULL, 8);
	rig_down(&scene->rig);
	flips(scene, CL_INTAKE, 9, &seed);
	flips(scene, CL_SUPPORT, 4, &seed);
	flips(scene, CL_REPORTING, 30, &seed);
	repaired_record(scene);
	repaired_file(scene);
	archive_grown_again(scene);
	rig_up(&scene->rig);
	rig_drained(&scene->rig);
	rig_down(&scene->rig);
	audit(&scene->rig, scene->load);
}

/* -- a bit anywhere in the file: keys, the store's own pages, what lies free -- */

/* Sequence and hash of the last record, as log stat tells them. */
static char *head_of(struct scene *scene, const char *log) {
	char *said = NULL;
	int code = rig_careloop(&scene->rig, &said, "--json", "log", "stat", log, NULL);
	const char *from = code == 0 ? strstr(said, "\"records\"") : NULL,
	           *to = from ? strstr(from, "\"log_id\"") : NULL;
	char *head = from && to ? strndup(from, (size_t)(to - from)) : NULL;
	free(said);
	return head;
}

struct verdicts {
	uint32_t harmless, refused;
};

/* Refused in words, or nothing of the history is touched; never a death by signal, an endless loop, another history. */
static void one_random_flip(struct scene *scene, const struct rig_member *of, const struct bytes *good, size_t at,
                            uint8_t bit, const char *head, struct verdicts *verdicts) {
	char *path = store_of(scene, of), *verify = NULL, *start = NULL;
	good->p[at] ^= bit;
	dump(path, good);
	int verified = rig_careloop(&scene->rig, &verify, "log", "verify", NULL);
	char *now = verified == 0 ? head_of(scene, "intake/0") : NULL;
	int started = rig_try(&scene->rig, of, &start);
	good->p[at] ^= bit;
	dump(path, good);
	/* A bit of the store's own first pages can bring back the state before the last commit: whole, but older, which
	 * only the copies elsewhere tell. */
	bool older = strstr(verify, "intake/0 không có bản ghi") != NULL;
	bool fine = verified == 0 ? now && strcmp(now, head) == 0 : verified == 5 && strstr(verify, "Cách khôi phục");
	fine = fine && (started == 3 ? strstr(start, "To recover") != NULL : started == 0 && (verified == 0 || older));
	fine = fine && !strstr(verify, "Sanitizer") && !strstr(start, "Sanitizer");
	if (!fine)
		fprintf(stderr, "byte %zu, bit %u: log verify %d, the service %d\n%s\n%s\n", at, bit, verified, started,
		        verify, start);
	assert_true(fine);
	verdicts->harmless += verified == 0 && started == 0;
	verdicts->refused += verified != 0 || started != 0;
	free(path);
	free(verify);
	free(start);
	free(now);
}

static void a_bit_anywhere(void **state) {
	struct scene *scene = *state;
	struct verdicts verdicts = {0};
	uint64_t seed = rig_seed("a_bit_anywhere");
	history(scene, NULL, 8);
	rig_down(&scene->rig);
	const struct rig_member *of = member(scene, CL_INTAKE);
	char *path = store_of(scene, of), *head = head_of(scene, "intake/0");
	struct bytes good = slurp(path);
	assert_non_null(head);
	for (uint32_t i = 0; i < 40; i++) {
		/* Every other one in the first bytes of a page, where the store keeps its own. */
		size_t at = rig_random(&seed) % good.n;
		if (i % 2)
			at = at / 4096 * 4096 + rig_random(&seed) % 64;
		if (i % 5 == 0) /* and the two pages that say where all others are */
			at = rig_random(&seed) % 2 * 4096 + rig_random(&seed) % 152;
		one_random_flip(scene, of, &good, at, (uint8_t)(1u << rig_random(&seed) % 8), head, &verdicts);
	}
	printf("40 bits anywhere: %u refused, %u harmless\n", verdicts.refused, verdicts.harmless);
	free(good.p);
	free(path);
	free(head);
	rig_up(&scene->rig);
	rig_down(&scene->rig);
	audit(&scene->rig, scene->load);
}

/* -- a tail rolled back -- */

static void verified(struct scene *scene, int expected, const char *what) {
	char *said = NULL;
	int code = rig_careloop(&scene->rig, &said, "log", "verify", "--anchors", scene->rig.anchors, NULL);
	if (code != expected)
		fprintf(stderr, "%s\n", said);
	assert_int_equal(code, expected);
	if (what)
		says(said, what);
	free(said);
}

static void a_tail_rolled_back(void **state) {
	struct scene *scene = *state;
	history(scene, "checkpoint_records: 4\n", 8);
	rig_down(&scene->rig);
	verified(scene, 0, NULL);
	struct bytes old[5];
	for (uint32_t i = 0; i < 5; i++) {
		char *path = store_of(scene, &scene->rig.members[i]);
		old[i] = slurp(path);
		free(path);
	}
	rig_up(&scene->rig);
	work(scene, 8);
	rig_down(&scene->rig);
	verified(scene, 0, NULL);
	/* Everything that lies here is old, and fits together: only what left the folder tells. */
	for (uint32_t i = 0; i < 5; i++) {
		char *path = store_of(scene, &scene->rig.members[i]), *said = NULL;
		dump(path, &old[i]);
		free(old[i].p);
		free(path);
		if (i == 0) { /* one log alone: the archive's copies tell too */
			assert_int_equal(rig_careloop(&scene->rig, &said, "log", "verify", NULL), 5);
			says(said, "intake/0 không có bản ghi");
			free(said);
			verified(scene, 5, "intake/0 kết thúc trước điểm neo");
		}
	}
	char *said = NULL;
	assert_int_equal(rig_careloop(&scene->rig, &said, "log", "verify", NULL), 0);
	free(said);
	static const char *const names[] = {"intake", "routing", "order", "support", "reporting"};
	for (uint32_t i = 0; i < 5; i++) {
		char *what = rig_text("%s/0 kết thúc trước điểm neo", names[i]);
		verified(scene, 5, what);
		free(what);
	}
}

/* -- two processes on one partition -- */

static void a_second_process(void **state) {
	struct scene *scene = *state;
	history(scene, NULL, 2);
	for (uint32_t i = 0; i < scene->rig.member_n; i++) {
		const struct rig_member *of = &scene->rig.members[i];
		char *said = NULL;
		pid_t first = rig_pid(&scene->rig, of);
		int code = rig_service(&scene->rig, of, &said);
		if (code != 4)
			fprintf(stderr, "%s: %s\n", of->name, said);
		assert_int_equal(code, 4);
		says(said, "đang được một tiến trình khác sử dụng");
		says(said, "is in use by another process");
		free(said);
		assert_int_equal(rig_pid(&scene->rig, of), first); /* its pid file stays */
		assert_int_equal(kill(first, 0), 0);
	}
	char *said = NULL;
	assert_int_equal(rig_careloop(&scene->rig, &said, "up", NULL), 1); /* a second supervisor neither */
	says(said, scene->rig.dir);
	free(said);
	work(scene, 2); /* the first ones have not suffered */
	rig_down(&scene->rig);
	for (uint32_t i = 0; i < scene->rig.member_n; i++)
		assert_int_equal(rig_starts(&scene->rig, &scene->rig.members[i]), 1);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_flipped_bit, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_bit_anywhere, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_tail_rolled_back, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_second_process, setup, teardown),
	};
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
