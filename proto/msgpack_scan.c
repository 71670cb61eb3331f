#include "codec.h"
#include "msgpack_read.h"

/* 0xc0 to 0xdf in the order of the specification's table. Floats are numbers whose value nobody asks for. */
const struct mp_form mp_forms[32] = {
        {MP_NIL, 0},      {MP_NO_FORM, 0},  {MP_BOOL, 0},     {MP_BOOL, 0},     /* nil, never used, false, true */
        {MP_BIN, 1},      {MP_BIN, 2},      {MP_BIN, 4},                        /* bin 8 16 32 */
        {MP_EXT, 1},      {MP_EXT, 2},      {MP_EXT, 4},                        /* ext 8 16 32 */
        {MP_FLOAT, 4},    {MP_FLOAT, 8},                                        /* float 32 64 */
        {MP_UINT, 1},     {MP_UINT, 2},     {MP_UINT, 4},     {MP_UINT, 8},     /* uint 8 16 32 64 */
        {MP_NEGATIVE, 1}, {MP_NEGATIVE, 2}, {MP_NEGATIVE, 4}, {MP_NEGATIVE, 8}, /* int 8 16 32 64 */
        {MP_EXT, 0},      {MP_EXT, 0},      {MP_EXT, 0},      {MP_EXT, 0},      /* fixext 1 2 4 8 */
        {MP_EXT, 0},                                                            /* fixext 16 */
        {MP_STR, 1},      {MP_STR, 2},      {MP_STR, 4},                        /* str 8 16 32 */
        {MP_ARRAY, 2},    {MP_ARRAY, 4},                                        /* array 16 32 */
        {MP_MAP, 2},      {MP_MAP, 4},                                          /* map 16 32 */
};

/* A container opens with a count of values to come; each takes at least one byte, so a count beyond the bytes that
 * remain is a lie. */
static int open_container(const struct mp_reader *r, struct mp_head head, unsigned *level, unsigned depth,
                          uint64_t *open) {
	uint64_t items = head.kind == MP_MAP ? head.value * 2 : head.value;
	if (items > (uint64_t)(r->end - r->p))
		return CL_E_TRUNCATED;
	if (*level >= depth)
		return CL_E_TOODEEP;
	open[(*level)++] = items;
	return CL_OK;
}

int mp_skip(struct mp_reader *r, unsigned depth) {
	uint64_t open[CL_NESTING_MAX]; /* values still to come in each open container */
	unsigned level = 0;
	if (depth > CL_NESTING_MAX)
		depth = CL_NESTING_MAX;
	for (;;) {
		struct mp_head head;
		const uint8_t *start = r->p;
		int rc = mp_head(r, &head);
		if (rc == CL_OK && head.kind >= MP_ARRAY)
			rc = open_container(r, head, &level, depth, open);
		else if (rc == CL_OK && head.kind >= MP_STR)
			r->p += head.value;
		if (rc == CL_OK && level && head.kind < MP_ARRAY)
			open[level - 1]--;
		if (rc != CL_OK) {
			r->p = start;
			return rc;
		}
		while (level && open[level - 1] == 0) {
			if (--level)
				open[level - 1]--;
		}
		if (!level)
			return CL_OK;
	}
}

int cl_msgpack_scan(struct cl_bytes bytes, size_t *ret_used, size_t *ret_error_offset) {
	struct mp_reader r = {bytes.p, bytes.n ? bytes.p + bytes.n : bytes.p};
	int rc = mp_skip(&r, CL_NESTING_MAX);
	if (rc != CL_OK) {
		if (ret_error_offset)
			*ret_error_offset = (size_t)(r.p - bytes.p);
		return rc;
	}
	if (ret_used)
		*ret_used = (size_t)(r.p - bytes.p);
	return CL_OK;
}
