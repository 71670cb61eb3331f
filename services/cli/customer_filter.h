/* Which events concern one customer. Two events of one customer need not name each other: a contact is registered under
 * a provisional customer, who turns out to be part of another one later. So the set of ids grows as the stream tells of
 * it, and who watches learns when an event that was passed over belongs to the customer after all. */
#ifndef CLI_CUSTOMER_FILTER_H
#define CLI_CUSTOMER_FILTER_H

#include "base/map.h"
#include "cli.h"
#include "log/record.h"

struct cli_customer_filter {
	struct cl_map ids;       /* customers, requests and slips that are the customer's */
	struct cl_id *customers; /* the customer and who is part of them, as far as is known */
	uint32_t customer_n;
};

void cli_customer_filter_init(struct cli_customer_filter *filter, const struct cl_id *customers, uint32_t n);
void cli_customer_filter_done(struct cli_customer_filter *filter);
/* Whether the event concerns the customer, as far as is known by now; learns from it. customer_n is larger afterwards
 * when it told of another part: then earlier events of that one concern the customer too. */
bool cli_customer_filter_match(struct cli_customer_filter *filter, const struct cl_record *record,
                               struct cl_arena *arena);

#endif
