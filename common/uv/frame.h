/* The frame between processes (PROTOCOL.md): one msgpack array [version, sender, [type, map]…]. Reading takes a frame
 * whole or not at all: its structure is checked before anything is believed, then every body against its schema. */
#ifndef CL_UV_FRAME_H
#define CL_UV_FRAME_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "schema.h"

#define CL_FRAME_VERSION 1
#define CL_SENDER_MAX 100

/* Roles decide what a sender may send (design rule 6): services everything of the wire area, gateways and clients only
 * what consumers say. */
enum cl_sender_role { CL_SENDER_UNKNOWN, CL_SENDER_SERVICE, CL_SENDER_CLIENT };
enum cl_sender_role cl_sender_role(struct cl_str sender);
bool cl_sender_may(enum cl_sender_role role, uint16_t type);

struct cl_frame_message {
	uint16_t type;
	uint32_t offset;                /* of the body in the frame */
	struct cl_bytes body;           /* borrows from the frame */
	const struct cl_schema *schema; /* NULL: a type that this build does not know; skip it */
	const void *value;              /* set by cl_frame_bodies */
};

struct cl_frame {
	struct cl_str sender; /* borrows from the frame */
	struct cl_frame_message *messages;
	uint32_t n;
};

/* Structure only: MALFORMED, TRUNCATED, TOODEEP, TOOBIG, UNSUPPORTED (another version) with the byte's offset. */
CL_MUST_CHECK int cl_frame_open(struct cl_bytes bytes, struct cl_arena *arena, struct cl_frame *ret_frame,
                                size_t *ret_offset);
/* Decodes every body of a known type. */
CL_MUST_CHECK int cl_frame_bodies(struct cl_frame *frame, struct cl_arena *arena, size_t *ret_offset);

/* Writing: begin, put…, end. The count is patched in by end. */
void cl_frame_begin(struct cl_buf *out, struct cl_str sender);
/* INVALID: the body breaks its schema; TOOBIG: no frame could hold it. out is unchanged then. */
CL_MUST_CHECK int cl_frame_put(struct cl_buf *out, uint16_t type, const void *body);
void cl_frame_end(struct cl_buf *out, size_t begin, uint32_t messages);

#endif
