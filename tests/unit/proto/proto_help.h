/* What the tests of the schema and codec share. */
#ifndef PROTO_HELP_H
#define PROTO_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec.h"

/* Bytes of the hex text in memory of exactly their size, so that ASan sees a read beyond them. */
static inline struct cl_bytes from_hex(const char *hex) {
	size_t n = strlen(hex) / 2;
	uint8_t *p = malloc(n ? n : 1);
	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		unsigned byte;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		p[i] = (uint8_t)byte;
	}
	return (struct cl_bytes){p, (uint32_t)n};
}

static inline struct cl_bytes exact_copy(const void *from, size_t n) {
	uint8_t *p = malloc(n ? n : 1);
	assert_non_null(p);
	if (n)
		memcpy(p, from, n);
	return (struct cl_bytes){p, (uint32_t)n};
}

static inline void release(struct cl_bytes bytes) {
	free((void *)(uintptr_t)bytes.p);
}

/* Calls visit for every struct and message of the rows. */
static inline void each_schema(void (*visit)(const struct cl_schema *schema)) {
#define HELP_STRUCT(name, meaning) visit(&cl_schema_##name);
#define HELP_MESSAGE(name, type_id, role, version, meaning) visit(&cl_schema_##name);
#define HELP_AREA(area) CL_STRUCTS_##area(HELP_STRUCT) CL_MESSAGES_##area(HELP_MESSAGE)
	CL_AREAS(HELP_AREA)
}

#endif
