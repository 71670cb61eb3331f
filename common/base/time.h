/* Times are milliseconds since 1970-01-01T00:00:00Z in int64_t; their names end in _ms. Nothing here reads a clock. */
#ifndef CL_BASE_TIME_H
#define CL_BASE_TIME_H

#include "base/str.h"

#define CL_TIME_TEXT_BYTES 32
#define CL_VIETNAM_OFFSET_MIN 420 /* UTC+7, no daylight saving since 1975 */

/* RFC 3339 with milliseconds and offset; offset_min == 0 writes Z. */
void cl_time_format(int64_t ms, int offset_min, char out[CL_TIME_TEXT_BYTES]);
/* "31/12/2026 23:59" as Vietnamese readers expect. */
void cl_time_format_vi(int64_t ms, int offset_min, char out[CL_TIME_TEXT_BYTES]);
/* RFC 3339 (fraction and offset optional: absent offset means +07:00; a date alone means its start).
 * Years 1900 to 9999. CL_E_MALFORMED or CL_E_RANGE. */
int cl_time_parse(struct cl_str text, int64_t *ret_ms);
/* Civil year at the offset. */
int cl_time_year(int64_t ms, int offset_min);

#endif
