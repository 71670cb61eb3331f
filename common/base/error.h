/* Operating errors: one map from code to name and text. Every function that can fail for a reason of the
 * world (memory, disk, network, bytes from outside) returns 0 or one of these negative codes, and the caller
 * must look. Programmer's faults are assertions (assert.h); business refusals are reject codes (proto). */
#ifndef CL_BASE_ERROR_H
#define CL_BASE_ERROR_H

/* E(name, number, text) */
#define CL_ERRORS(E)                                                                                                   \
	E(OK, 0, "ok")                                                                                                 \
	E(NOMEM, -1, "out of memory")                                                                                  \
	E(IO, -2, "input or output failed")                                                                            \
	E(NOSPACE, -3, "no space left")                                                                                \
	E(NOTFOUND, -4, "not found")                                                                                   \
	E(EXISTS, -5, "exists already")                                                                                \
	E(INVALID, -6, "invalid argument")                                                                             \
	E(RANGE, -7, "out of bounds")                                                                                  \
	E(MALFORMED, -8, "malformed bytes")                                                                            \
	E(TRUNCATED, -9, "ends too early")                                                                             \
	E(TOODEEP, -10, "nested too deeply")                                                                           \
	E(TOOBIG, -11, "too large")                                                                                    \
	E(UNKNOWN, -12, "unknown type or field")                                                                       \
	E(CORRUPT, -13, "corrupt record")                                                                              \
	E(CHAIN, -14, "hash chain broken")                                                                             \
	E(SIGNATURE, -15, "signature does not hold")                                                                   \
	E(AGAIN, -16, "busy, try again")                                                                               \
	E(BUSY, -17, "in use by another process")                                                                      \
	E(MISMATCH, -18, "does not match")                                                                             \
	E(TIMEDOUT, -19, "timed out")                                                                                  \
	E(CLOSED, -20, "closed")                                                                                       \
	E(DENIED, -21, "not allowed")                                                                                  \
	E(UNSUPPORTED, -22, "not supported")

enum cl_error {
#define CL_ERROR_ENUM(name, number, text) CL_E_##name = (number),
	CL_ERRORS(CL_ERROR_ENUM)
#undef CL_ERROR_ENUM
};

#define CL_OK CL_E_OK
#define CL_MUST_CHECK __attribute__((warn_unused_result))

/* Name ("NOSPACE") and text of a code; never NULL. */
const char *cl_error_name(int code);
const char *cl_error_text(int code);

#endif
