/* Where imported history comes from: a source key is SOURCE/NAME (services/cli/import); without a
 * slash it is all source. */
#ifndef REPORTING_SOURCE_KEY_H
#define REPORTING_SOURCE_KEY_H

#include "base/str.h"

static inline struct cl_str reporting_source_of(struct cl_str source_key) {
	const char *slash = source_key.n ? memchr(source_key.p, '/', source_key.n) : NULL;
	if (slash)
		source_key.n = (uint32_t)(slash - source_key.p);
	return source_key;
}

#endif
