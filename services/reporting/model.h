/* The read model: SQLite tables folded from the archive, for lists, search and reports. It holds nothing of its own:
 * deleting the file and following the archive again gives the same content.
 *
 * One thread projects (open, follow); any number of readers ask beside it. What lists filter and sort by is also held
 * in memory (columns.h), so that every filter and order costs the same. */
#ifndef REPORTING_MODEL_H
#define REPORTING_MODEL_H

#include "base/error.h"
#include "base/id.h"
#include "log/kv.h"

struct reporting_model;

struct reporting_model_stats {
	uint64_t records, batches;
	uint64_t undecodable; /* copies whose payload this version cannot read: kept in the archive, not shown */
	uint64_t cases;
	bool rebuilt; /* the file was absent or of another archive or version */
};

/* Opens or makes the file at path for the archive archive_id that ends at head_seq. A file of another archive, another
 * version of the tables, or ahead of the archive is dropped. CORRUPT: not readable; delete it and open again. */
CL_MUST_CHECK int reporting_model_open(const char *path, struct cl_id archive_id, uint64_t head_seq,
                                       struct reporting_model **ret_model);
void reporting_model_close(struct reporting_model *model);
/* Deletes the files of a model that is not open. */
CL_MUST_CHECK int reporting_model_delete(const char *path);
/* Projects at most max_records of the archive in kv in one transaction; *ret_n = how many were there. CORRUPT: the file
 * is damaged, delete it. MALFORMED: the archive is. Else (NOSPACE, IO, …) nothing happened, try again later. */
CL_MUST_CHECK int reporting_model_follow(struct reporting_model *model, struct cl_kv *kv, uint32_t max_records,
                                         uint32_t *ret_n);
uint64_t reporting_model_seq(const struct reporting_model *model); /* projected up to; any thread */
const char *reporting_model_path(const struct reporting_model *model);
/* Of the projecting thread. */
const struct reporting_model_stats *reporting_model_stats(const struct reporting_model *model);

#endif
