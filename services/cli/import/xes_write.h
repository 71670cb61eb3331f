/* Writes an event log in XES (IEEE 1849-2016): calls nest as the elements do, text goes to the end of a buffer that the
 * caller empties when it likes. Text is escaped; characters that XML cannot hold become U+FFFD. */
#ifndef IMPORT_XES_WRITE_H
#define IMPORT_XES_WRITE_H

#include "base/buf.h"

/* Header with the extensions concept, lifecycle, time and organizational, and the classifier activity + transition. */
void xes_log_start(struct cl_buf *out, struct cl_str name);
void xes_log_end(struct cl_buf *out);
void xes_trace_start(struct cl_buf *out, struct cl_str name);
void xes_trace_end(struct cl_buf *out);
/* concept:name, lifecycle:transition, org:resource (may be empty: left out) and time:timestamp of an event. */
void xes_event_start(struct cl_buf *out, struct cl_str activity, struct cl_str transition, struct cl_str resource,
                     int64_t at_ms);
void xes_event_end(struct cl_buf *out);

/* Attributes of the element that was started last. An empty string, an unset time are left out. */
void xes_string(struct cl_buf *out, const char *key, struct cl_str value);
void xes_int(struct cl_buf *out, const char *key, int64_t value);
void xes_boolean(struct cl_buf *out, const char *key, bool value);
void xes_date(struct cl_buf *out, const char *key, int64_t at_ms);

#endif
