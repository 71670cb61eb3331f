/* Files that several processes may make at once: whole or not there, and on the disk when the call returns. */
#ifndef CL_UV_FILE_H
#define CL_UV_FILE_H

#include <stddef.h>

#include "base/error.h"

/* The whole file, NUL behind its end, the caller's to free. NOTFOUND, TOOBIG, IO. */
CL_MUST_CHECK int cl_file_read(const char *name, size_t max, char **ret_text, size_t *ret_n);
/* Makes the file with mode 0600 if nobody has; EXISTS if somebody did (theirs stands). NOSPACE, IO. */
CL_MUST_CHECK int cl_file_create(const char *name, const void *p, size_t n);
/* Replaces the file; readers see the old or the new one. */
CL_MUST_CHECK int cl_file_replace(const char *name, const void *p, size_t n);
/* Adds to the end and syncs. */
CL_MUST_CHECK int cl_file_append(const char *name, const void *p, size_t n);
/* A folder of mode 0700, with its parents. An existing one is checked: DENIED if it is not ours or has one of the
 * forbidden mode bits. */
CL_MUST_CHECK int cl_folder_make(const char *name, unsigned forbidden);
int cl_file_error(int error); /* errno to our codes */

#endif
