#include "uv/frame.h"

#include "base/assert.h"
#include "codec.h"
#include "uv/net.h"

/* A cursor over bytes from outside; at never passes bytes.n. */
struct reader {
	struct cl_bytes bytes;
	size_t at;
};

static size_t left(const struct reader *reader) {
	return reader->bytes.n - reader->at;
}

static uint64_t big_endian(const uint8_t *p, size_t n) {
	uint64_t value = 0;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

/* Takes the n bytes of a length or number behind a lead byte. */
static int take(struct reader *reader, size_t n, uint64_t *ret_value) {
	if (left(reader) < 1 + n)
		return CL_E_TRUNCATED;
	*ret_value = big_endian(reader->bytes.p + reader->at + 1, n);
	reader->at += 1 + n;
	return CL_OK;
}

static int read_uint(struct reader *reader, uint64_t *ret_value) {
	if (left(reader) == 0)
		return CL_E_TRUNCATED;
	uint8_t lead = reader->bytes.p[reader->at];
	if (lead < 0x80) {
		*ret_value = lead;
		reader->at++;
		return CL_OK;
	}
	if (lead >= 0xcc && lead <= 0xcf)
		return take(reader, (size_t)1 << (lead - 0xcc), ret_value);
	return CL_E_MALFORMED;
}

static int read_array(struct reader *reader, uint64_t *ret_n) {
	if (left(reader) == 0)
		return CL_E_TRUNCATED;
	uint8_t lead = reader->bytes.p[reader->at];
	if ((lead & 0xf0) == 0x90) {
		*ret_n = lead & 0x0f;
		reader->at++;
		return CL_OK;
	}
	if (lead == 0xdc || lead == 0xdd)
		return take(reader, lead == 0xdc ? 2 : 4, ret_n);
	return CL_E_MALFORMED;
}

static int read_str(struct reader *reader, uint32_t max, struct cl_str *ret_str) {
	if (left(reader) == 0)
		return CL_E_TRUNCATED;
	uint8_t lead = reader->bytes.p[reader->at];
	uint64_t n = 0;
	int r = CL_OK;
	if ((lead & 0xe0) == 0xa0) {
		n = lead & 0x1f;
		reader->at++;
	} else if (lead >= 0xd9 && lead <= 0xdb) {
		r = take(reader, (size_t)1 << (lead - 0xd9), &n);
	} else {
		r = CL_E_MALFORMED;
	}
	if (r < 0)
		return r;
	if (n > max)
		return CL_E_TOOBIG;
	if (n > left(reader))
		return CL_E_TRUNCATED;
	*ret_str = (struct cl_str){(const char *)reader->bytes.p + reader->at, (uint32_t)n};
	reader->at += n;
	return CL_OK;
}

static int read_message(struct reader *reader, struct cl_frame_message *ret_message) {
	uint64_t n = 0, type = 0;
	size_t start = reader->at;
	int r = read_array(reader, &n);
	if (r < 0)
		return r;
	if (n != 2) {
		reader->at = start;
		return CL_E_MALFORMED;
	}
	start = reader->at;
	r = read_uint(reader, &type);
	if (r < 0)
		return r;
	if (type > UINT16_MAX) {
		reader->at = start;
		return CL_E_RANGE;
	}
	struct cl_bytes rest = {reader->bytes.p + reader->at, (uint32_t)left(reader)};
	size_t used = 0, bad = 0;
	r = cl_msgpack_scan(rest, &used, &bad);
	if (r < 0) {
		reader->at += bad;
		return r;
	}
	const struct cl_schema *schema = cl_schema_by_type((uint16_t)type);
	*ret_message = (struct cl_frame_message){
	        .type = (uint16_t)type,
	        .offset = (uint32_t)reader->at,
	        .body = {rest.p, (uint32_t)used},
	        .schema = schema && schema->role == CL_ROLE_WIRE ? schema : NULL,
	};
	reader->at += used;
	return CL_OK;
}

static int open_frame(struct reader *reader, struct cl_arena *arena, struct cl_frame *ret_frame) {
	uint64_t n = 0, version = 0;
	if (reader->bytes.n > CL_FRAME_MAX)
		return CL_E_TOOBIG;
	int r = read_array(reader, &n);
	if (r < 0)
		return r;
	/* Each element takes at least one byte, each message three: what the count claims must be able to be there. */
	if (n < 2 || n > left(reader))
		return CL_E_MALFORMED;
	size_t start = reader->at;
	r = read_uint(reader, &version);
	if (r < 0)
		return r;
	if (version != CL_FRAME_VERSION) {
		reader->at = start;
		return CL_E_UNSUPPORTED;
	}
	r = read_str(reader, CL_SENDER_MAX, &ret_frame->sender);
	if (r < 0)
		return r;
	uint64_t messages = n - 2;
	if (messages > left(reader) / 3)
		return CL_E_TRUNCATED;
	ret_frame->messages = cl_arena_array(arena, struct cl_frame_message, messages);
	for (ret_frame->n = 0; ret_frame->n < messages; ret_frame->n++) {
		r = read_message(reader, &ret_frame->messages[ret_frame->n]);
		if (r < 0)
			return r;
	}
	return left(reader) ? CL_E_MALFORMED : CL_OK;
}

int cl_frame_open(struct cl_bytes bytes, struct cl_arena *arena, struct cl_frame *ret_frame, size_t *ret_offset) {
	struct reader reader = {bytes, 0};
	struct cl_frame frame = {0};
	int r = open_frame(&reader, arena, &frame);
	*ret_offset = reader.at;
	if (r < 0)
		return r;
	*ret_frame = frame;
	return CL_OK;
}

int cl_frame_bodies(struct cl_frame *frame, struct cl_arena *arena, size_t *ret_offset) {
	for (uint32_t i = 0; i < frame->n; i++) {
		struct cl_frame_message *message = &frame->messages[i];
		if (!message->schema)
			continue;
		void *value = cl_arena_alloc(arena, message->schema->size);
		struct cl_field_error error = {0};
		int r = cl_decode(message->schema, message->body, arena, value, &error);
		if (r < 0) {
			*ret_offset = message->offset + error.offset;
			return r;
		}
		message->value = value;
	}
	return CL_OK;
}

int cl_frame_decode(struct cl_bytes bytes, struct cl_arena *arena, cl_net_on_message on_message, void *context,
                    size_t *ret_offset) {
	struct cl_frame frame;
	int r = cl_frame_open(bytes, arena, &frame, ret_offset);
	if (r == CL_OK)
		r = cl_frame_bodies(&frame, arena, ret_offset);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < frame.n; i++)
		if (frame.messages[i].value)
			on_message(context, frame.sender, frame.messages[i].type, frame.messages[i].value);
	return CL_OK;
}

/* -- writing -- */

#define ARRAY32 0xdd
#define ARRAY_HEAD 5 /* bytes of an array32 lead and count: fixed, so that the count can be patched */

void cl_frame_begin(struct cl_buf *out, struct cl_str sender) {
	CL_ASSERT(sender.n > 0 && sender.n <= CL_SENDER_MAX);
	const uint8_t head[ARRAY_HEAD + 3] = {ARRAY32, 0, 0, 0, 0, CL_FRAME_VERSION, 0xd9, (uint8_t)sender.n};
	cl_buf_put(out, head, sizeof(head));
	cl_buf_str(out, sender);
}

int cl_frame_put(struct cl_buf *out, uint16_t type, const void *body) {
	const struct cl_schema *schema = cl_schema_by_type(type);
	CL_ASSERT(schema && schema->role == CL_ROLE_WIRE);
	struct cl_field_error error = {0};
	if (cl_validate(schema, body, &error) < 0)
		return CL_E_INVALID;
	size_t before = out->n;
	const uint8_t head[4] = {0x92, 0xcd, (uint8_t)(type >> 8), (uint8_t)type};
	cl_buf_put(out, head, sizeof(head));
	cl_encode(schema, body, out);
	if (out->n - before > CL_FRAME_MAX - ARRAY_HEAD - 3 - CL_SENDER_MAX) {
		out->n = before;
		return CL_E_TOOBIG;
	}
	return CL_OK;
}

void cl_frame_end(struct cl_buf *out, size_t begin, uint32_t messages) {
	uint32_t n = messages + 2;
	for (int i = 0; i < 4; i++)
		out->p[begin + 1 + (size_t)i] = (uint8_t)(n >> (24 - 8 * i));
}

/* -- roles -- */

enum cl_sender_role cl_sender_role(struct cl_str sender) {
	const char *slash = sender.n ? memchr(sender.p, '/', sender.n) : NULL;
	if (!slash || slash + 1 == sender.p + sender.n)
		return CL_SENDER_UNKNOWN;
	for (uint32_t i = 0; i < sender.n; i++) /* printable ASCII: the name goes to log lines */
		if (sender.p[i] <= ' ' || sender.p[i] > '~' || sender.p[i] == '"' || sender.p[i] == '=')
			return CL_SENDER_UNKNOWN;
	struct cl_str prefix = {sender.p, (uint32_t)(slash - sender.p)};
	if (cl_str_eqc(prefix, "gateway") || cl_str_eqc(prefix, "client"))
		return CL_SENDER_CLIENT;
	uint32_t service = cl_service_by_name(prefix);
	return service >= 1 && service <= CL_SERVICE_COUNT ? CL_SENDER_SERVICE : CL_SENDER_UNKNOWN;
}

bool cl_sender_may(enum cl_sender_role role, uint16_t type) {
	switch (role) {
	case CL_SENDER_SERVICE:
		return true;
	case CL_SENDER_CLIENT:
		return type == CL_T_wire_command || type == CL_T_wire_get || type == CL_T_wire_query ||
		       type == CL_T_wire_subscribe || type == CL_T_wire_credit;
	case CL_SENDER_UNKNOWN:
		return false;
	}
	return false;
}
