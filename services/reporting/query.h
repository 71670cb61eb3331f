/* Questions to the read model: case_list, case_find, timeline, report, tally, figures. Arguments are named texts,
 * answers JSON. A reader answers one question at a time; several readers work beside each other and the projection. */
#ifndef REPORTING_QUERY_H
#define REPORTING_QUERY_H

#include "base/buf.h"
#include "log/log.h"
#include "model.h"
#include "schema.h"

struct reporting_question {
	const struct wire_query *query;
	int64_t now_ms;
	struct cl_id archive_id;
	struct cl_log_head archive_head; /* durable, printed on reports */
};

struct reporting_answer {
	enum wire_status status;
	struct cl_str field; /* argument that was wrong; borrowed from the query, or static */
	struct cl_buf json;
};

struct reporting_reader;
CL_MUST_CHECK int reporting_reader_open(struct reporting_model *model, struct reporting_reader **ret_reader);
void reporting_reader_close(struct reporting_reader *reader);
bool reporting_query_known(struct cl_str name);
/* Fills *answer, whose json was initialised by the caller. BUSY: the file could not be read now. */
void reporting_reader_answer(struct reporting_reader *reader, const struct reporting_question *question,
                             struct reporting_answer *answer);

#endif
