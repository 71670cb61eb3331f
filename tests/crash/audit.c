#include "audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "log/log.h"
#include "uv/service.h"

/* How often each key was seen. */
struct tally {
	char **keys;
	size_t n, cap;
	bool sorted;
};

static void tally_add(struct tally *tally, char *key) {
	if (tally->n == tally->cap) {
		tally->cap = tally->cap ? tally->cap * 2 : 1024;
		tally->keys = realloc(tally->keys, tally->cap * sizeof(*tally->keys));
		assert_non_null(tally->keys);
	}
	tally->keys[tally->n++] = key;
	tally->sorted = false;
}

static int by_text(const void *a, const void *b) {
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t tally_count(struct tally *tally, const char *key) {
	if (!tally->sorted)
		qsort(tally->keys, tally->n, sizeof(*tally->keys), by_text);
	tally->sorted = true;
	char **found = tally->n ? bsearch(&key, tally->keys, tally->n, sizeof(*tally->keys), by_text) : NULL;
	if (!found)
		return 0;
	size_t first = (size_t)(found - tally->keys), last = first;
	while (first > 0 && strcmp(tally->keys[first - 1], key) == 0)
		first--;
	while (last + 1 < tally->n && strcmp(tally->keys[last + 1], key) == 0)
		last++;
	return last - first + 1;
}

static void tally_done(struct tally *tally) {
	for (size_t i = 0; i < tally->n; i++)
		free(tally->keys[i]);
	free(tally->keys);
}

struct source { /* a log, or what the archive holds of it */
	uint64_t n;
	struct cl_hash *hashes; /* by sequence, from 1 */
	uint64_t archived;
};

struct reading {
	struct rig *rig;
	struct tally tally;
	struct source sources[5 * RIG_PARTITIONS_MAX]; /* by the rig's members */
	uint64_t pieces[LOAD_SKUS];
	struct cl_arena arena;
};

static char *id_key(const char *what, struct cl_id id) {
	char text[CL_ID_TEXT_BYTES];
	cl_id_format(id, text);
	return rig_text("%s %s", what, text);
}

static char *text_key(const char *what, struct cl_str text) {
	return rig_text("%s " CL_STR_FMT, what, CL_STR_ARG(text));
}

/* -- one record -- */

#define BODY(name, variable)                                                                                           \
	struct name variable;                                                                                          \
	assert_int_equal(cl_decode(&cl_schema_##name, record->payload, &reading->arena, &variable, NULL), CL_OK)

static void take_goods(struct reading *reading, const struct cl_record *record) {
	static const char *const skus[LOAD_SKUS] = {"AO-1", "AO-2", "GIAY-3"};
	BODY(stock_received, body);
	tally_add(&reading->tally, text_key("received", body.name));
	for (size_t i = 0; i < LOAD_SKUS; i++)
		if (cl_str_eqc(body.sku, skus[i]))
			reading->pieces[i] += body.quantity;
}

static void take_event(struct reading *reading, const struct cl_record *record) {
	struct tally *tally = &reading->tally;
	if (record->type == CL_T_contact_registered) {
		BODY(contact_registered, body);
		tally_add(tally, text_key("registered", body.text));
	} else if (record->type == CL_T_slip_created) {
		BODY(slip_created, body);
		tally_add(tally, text_key("slip", body.number));
		tally_add(tally, text_key("slip of", body.description));
	} else if (record->type == CL_T_item_routed) {
		BODY(item_routed, body);
		tally_add(tally, text_key("routed", body.slip.number));
	} else if (record->type == CL_T_case_opened) {
		BODY(case_opened, body);
		tally_add(tally, text_key("opened", body.slip.number));
	} else if (record->type == CL_T_case_noted) {
		BODY(case_noted, body);
		tally_add(tally, text_key("noted", body.text));
	} else if (record->type == CL_T_case_worked) {
		BODY(case_worked, body);
		tally_add(tally, text_key("worked", body.text));
	} else if (record->type == CL_T_case_proposed) {
		BODY(case_proposed, body);
		tally_add(tally, text_key("proposed", body.text));
	} else if (record->type == CL_T_case_agreed) {
		BODY(case_agreed, body);
		tally_add(tally, text_key("agreed", body.text));
	} else if (record->type == CL_T_case_closed) {
		BODY(case_closed, body);
		tally_add(tally, text_key("closed", body.result));
	} else if (record->type == CL_T_stock_received) {
		take_goods(reading, record);
	}
}

static uint32_t member_at(const struct reading *reading, uint32_t service, uint32_t partition) {
	uint32_t i = 0;
	while (i < reading->rig->member_n &&
	       (reading->rig->members[i].service != service || reading->rig->members[i].partition != partition))
		i++;
	assert_true(i < reading->rig->member_n);
	return i;
}

/* The next record of a source, with the hash that it has there: in order, none left out, none twice. */
static void take_archived(struct reading *reading, const struct cl_record *record) {
	BODY(record_archived, body);
	struct cl_record inner;
	struct source *source = &reading->sources[member_at(reading, record->cause.service, record->cause.partition)];
	assert_int_equal(cl_record_decode(body.record, &inner), CL_OK);
	assert_int_equal(inner.seq, source->archived + 1);
	source->archived++;
	assert_true(source->archived <= source->n);
	assert_true(cl_hash_eq(body.hash, source->hashes[source->archived]));
}

/* -- one log -- */

static void take_log(struct reading *reading, uint32_t at) {
	const struct rig_member *member = &reading->rig->members[at];
	struct source *source = &reading->sources[at];
	char *folder = rig_text("%s/%s", reading->rig->dir, member->name);
	struct cl_kv *kv;
	struct cl_log_reader reader;
	struct cl_stored stored;
	struct cl_record record;
	struct cl_id last = {0};
	size_t cap = 0;
	int r;
	assert_int_equal(cl_kv_lmdb_open(folder, UINT64_C(1) << 30, true, &kv), CL_OK);
	assert_int_equal(cl_log_reader_open(&reader, kv, 1), CL_OK);
	while ((r = cl_log_reader_next(&reader, &stored)) == CL_OK) {
		assert_int_equal(cl_record_decode(stored.record, &record), CL_OK);
		if (record.seq >= cap) {
			cap = cap ? cap * 2 : 4096;
			source->hashes = realloc(source->hashes, cap * sizeof(*source->hashes));
			assert_non_null(source->hashes);
		}
		source->n = record.seq;
		source->hashes[record.seq] = stored.hash;
		if (!cl_id_zero(record.command) && !cl_id_eq(record.command, last))
			tally_add(&reading->tally, id_key("command", record.command));
		last = record.command;
		if (record.type == CL_T_record_archived)
			take_archived(reading, &record);
		else
			take_event(reading, &record);
		cl_arena_reset(&reading->arena);
	}
	assert_int_equal(r, CL_E_NOTFOUND);
	cl_log_reader_close(&reader);
	kv->ops->close(kv);
	free(folder);
}

/* -- promises -- */

static void once(struct reading *reading, char *key) {
	size_t n = tally_count(&reading->tally, key);
	if (n != 1)
		fprintf(stderr, "%s: %zu times\n", key, n);
	free(key);
	assert_int_equal(n, 1);
}

static void contact_once(struct reading *reading, const struct load_contact *contact) {
	static const char *const effects[LOAD_DONE] = {
	        [LOAD_REGISTER] = "registered", [LOAD_RECEIVE] = "received", [LOAD_NOTE] = "noted",
	        [LOAD_NOTE_AGAIN] = "noted",    [LOAD_WORK] = "worked",      [LOAD_PROPOSE] = "proposed",
	        [LOAD_AGREE] = "agreed",        [LOAD_CLOSE] = "closed"};
	assert_int_equal(contact->step, LOAD_DONE);
	for (int step = LOAD_REGISTER; step < LOAD_DONE; step++) {
		if (!effects[step])
			continue;
		char *key = load_key(contact, (enum load_step)step);
		once(reading, text_key(effects[step], cl_str_from(key)));
		if (step == LOAD_REGISTER)
			once(reading, text_key("slip of", cl_str_from(key)));
		free(key);
		once(reading, id_key("command", contact->commands[step]));
	}
	once(reading, text_key("slip", cl_str_from(contact->number)));
	once(reading, text_key("routed", cl_str_from(contact->number)));
	once(reading, text_key("opened", cl_str_from(contact->number)));
}

static void content(const struct rig *rig, const char *first, const char *second) {
	char *said = NULL;
	int code = rig_careloop(rig, &said, first, second, NULL);
	if (code != 0)
		fprintf(stderr, "careloop %s: %s\n", first, said);
	free(said);
	assert_int_equal(code, 0);
}

void audit(struct rig *rig, const struct load *load) {
	struct reading *reading = calloc(1, sizeof(*reading));
	assert_non_null(reading);
	reading->rig = rig;
	cl_arena_init(&reading->arena, 65536);
	for (uint32_t i = 0; i < rig->member_n; i++) /* the archive comes last */
		take_log(reading, i);
	for (uint32_t i = 0; i < load->started; i++)
		contact_once(reading, &load->contacts[i]);
	for (size_t i = 0; i < LOAD_SKUS; i++)
		assert_int_equal(reading->pieces[i], load->received[i]);
	uint64_t records = 0;
	for (uint32_t i = 0; i < rig->member_n; i++) {
		struct source *source = &reading->sources[i];
		if (rig->members[i].service != CL_REPORTING) {
			assert_int_equal(source->archived, source->n);
			records += source->n;
		}
		free(source->hashes);
	}
	tally_done(&reading->tally);
	cl_arena_done(&reading->arena);
	free(reading);
	content(rig, "log", "verify");
	content(rig, "replay", NULL);
	printf("%u contacts, %" PRIu64 " commands acknowledged, %" PRIu64
	       " records: none lost, none twice, all archived; log verify and replay hold\n",
	       load->started, load->acknowledged, records);
	fflush(stdout);
}
