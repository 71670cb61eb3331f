#include "route.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "gateway.h"

#define STATE_PARAMETERS "as_of known_at history history_from min_seq"

#define READ(path_, kind_, key_, state_, tag_, summary_)                                                               \
	{                                                                                                              \
		.method = GATEWAY_GET, .path = (path_), .handler = gateway_state, .kind = CL_KIND_##kind_,             \
		.key = GATEWAY_KEY_##key_, .state = &cl_schema_##state_, .parameters = STATE_PARAMETERS,               \
		.tag = (tag_), .summary = (summary_)                                                                   \
	}
#define COMMAND(method_, path_, kind_, key_, body_, key_field_, tag_, summary_)                                        \
	{                                                                                                              \
		.method = GATEWAY_##method_, .path = (path_), .handler = gateway_command, .kind = CL_KIND_##kind_,     \
		.key = GATEWAY_KEY_##key_, .body = &cl_schema_##body_, .key_field = (key_field_), .tag = (tag_),       \
		.summary = (summary_)                                                                                  \
	}
#define ASK(path_, key_, query_, parameters_, tag_, summary_)                                                          \
	{                                                                                                              \
		.method = GATEWAY_GET, .path = (path_), .handler = gateway_query, .key = GATEWAY_KEY_##key_,           \
		.query = (query_), .parameters = (parameters_), .tag = (tag_), .summary = (summary_)                   \
	}
#define OWN(path_, handler_, type_, summary_)                                                                          \
	{                                                                                                              \
		.method = GATEWAY_GET, .path = (path_), .handler = (handler_), .type = (type_), .tag = "process",      \
		.summary = (summary_)                                                                                  \
	}

static const struct gateway_route routes[] = {
        {.method = GATEWAY_POST,
         .path = "/api/v1/contacts",
         .handler = gateway_contact,
         .kind = CL_KIND_REQUEST,
         .body = &cl_schema_contact_register,
         .tag = "contacts",
         .summary = "Register what a customer said; answers the slip's number"},
        ASK("/api/v1/cases", NONE, "case_list", "status category priority department person q sort limit after",
            "cases", "List and search cases"),
        READ("/api/v1/cases/{number}", CASE, SLIP, case_state, "cases",
             "A case, now or as it was; history=true adds its events"),
        ASK("/api/v1/cases/{number}/timeline", SLIP, "timeline", "limit after", "cases",
            "Everything that happened with a slip, in order"),
        ASK("/api/v1/cases/{number}/report", SLIP, "report", NULL, "cases", "The record's report, to print and keep"),
        COMMAND(POST, "/api/v1/cases/{number}/note", CASE, SLIP, case_note, NULL, "cases", "Add a note"),
        COMMAND(POST, "/api/v1/cases/{number}/work", CASE, SLIP, case_work, NULL, "cases",
                "Take up the work, or record progress"),
        COMMAND(POST, "/api/v1/cases/{number}/assess", CASE, SLIP, case_assess, NULL, "cases", "Change the priority"),
        COMMAND(POST, "/api/v1/cases/{number}/assign", CASE, SLIP, case_assign, NULL, "cases",
                "Give it to another person or department"),
        COMMAND(POST, "/api/v1/cases/{number}/wait", CASE, SLIP, case_wait, NULL, "cases", "Wait for the customer"),
        COMMAND(POST, "/api/v1/cases/{number}/hold", CASE, SLIP, case_hold, NULL, "cases", "Pause"),
        COMMAND(POST, "/api/v1/cases/{number}/propose", CASE, SLIP, case_propose, NULL, "cases",
                "Propose a solution to the customer"),
        COMMAND(POST, "/api/v1/cases/{number}/agree", CASE, SLIP, case_agree, NULL, "cases", "The customer agreed"),
        COMMAND(POST, "/api/v1/cases/{number}/disagree", CASE, SLIP, case_disagree, NULL, "cases",
                "The customer disagreed"),
        COMMAND(POST, "/api/v1/cases/{number}/close", CASE, SLIP, case_close, NULL, "cases", "Close"),
        COMMAND(POST, "/api/v1/cases/{number}/reopen", CASE, SLIP, case_reopen, NULL, "cases", "Reopen"),
        READ("/api/v1/work/{number}", WORK_ITEM, SLIP, work_item_state, "work", "The work item of a slip"),
        COMMAND(POST, "/api/v1/work/{number}/acknowledge", WORK_ITEM, SLIP, work_acknowledge, NULL, "work",
                "The department acknowledges the work"),
        COMMAND(POST, "/api/v1/work/{number}/assign", WORK_ITEM, SLIP, work_assign, NULL, "work",
                "Give the work to another person or department"),
        READ("/api/v1/orders/{number}", ORDER, SLIP, order_state, "orders", "The order of a slip"),
        COMMAND(PUT, "/api/v1/orders/{number}/lines", ORDER, SLIP, order_set_lines, NULL, "orders",
                "Set all lines of a draft"),
        COMMAND(POST, "/api/v1/orders/{number}/place", ORDER, SLIP, order_place, NULL, "orders",
                "Place it: check and reserve stock"),
        COMMAND(POST, "/api/v1/orders/{number}/pack", ORDER, SLIP, order_pack, NULL, "orders", "Packed"),
        COMMAND(POST, "/api/v1/orders/{number}/ship", ORDER, SLIP, order_ship, NULL, "orders", "Handed to the carrier"),
        COMMAND(POST, "/api/v1/orders/{number}/deliver", ORDER, SLIP, order_deliver, NULL, "orders",
                "Delivered to the customer"),
        COMMAND(POST, "/api/v1/orders/{number}/cancel", ORDER, SLIP, order_cancel, NULL, "orders",
                "Cancel, releases the stock"),
        READ("/api/v1/stock/{sku}", STOCK, SKU, stock_state, "stock", "The stock of one SKU"),
        COMMAND(POST, "/api/v1/stock/{sku}/receive", STOCK, SKU, stock_receive, "sku", "stock", "Goods came in"),
        READ("/api/v1/departments/{code}", DEPARTMENT, DEPARTMENT, department_state, "organisation",
             "A department, its people and its queue"),
        COMMAND(PUT, "/api/v1/departments/{code}", DEPARTMENT, DEPARTMENT, department_define, "code", "organisation",
                "Define or change a department"),
        READ("/api/v1/people/{staff_id}", PERSON, PERSON, person_state, "organisation", "A person"),
        COMMAND(PUT, "/api/v1/people/{staff_id}", PERSON, PERSON, person_define, "staff_id", "organisation",
                "Define or change a person"),
        READ("/api/v1/customers/{id}", CUSTOMER, ID, customer_state, "customers", "A customer"),
        COMMAND(POST, "/api/v1/customers/{id}/merge", CUSTOMER, ID, customer_merge, NULL, "customers",
                "Merge the customer into another"),
        COMMAND(POST, "/api/v1/customers/{id}/unmerge", CUSTOMER, ID, customer_unmerge, NULL, "customers",
                "Undo the customer's merge"),
        READ("/api/v1/requests/{id}", REQUEST, ID, request_state, "requests", "A request and its classification"),
        COMMAND(POST, "/api/v1/requests/{id}/reclassify", REQUEST, ID, request_reclassify, NULL, "requests",
                "Overrule the classification"),
        ASK("/api/v1/figures", NONE, "figures", NULL, "cases", "Counts by status, category, priority and outcome"),
        {.method = GATEWAY_GET,
         .path = "/api/v1/events",
         .handler = gateway_events,
         .parameters = "from type",
         .type = "text/event-stream",
         .tag = "events",
         .summary = "Every event of every service in the archive's order, each once, without a gap"},
        OWN("/healthz", gateway_health, NULL, "Whether this process lives"),
        OWN("/readyz", gateway_ready, NULL, "Whether every service answers"),
        OWN("/metrics", gateway_metrics, "text/plain", "Figures of all services for Prometheus"),
        OWN("/openapi.json", gateway_openapi, NULL, "This document"),
        OWN("/", gateway_page, "text/html", "Where things are, for people"),
};
#define ROUTE_N (sizeof(routes) / sizeof(*routes))

const struct gateway_route *gateway_routes(size_t *ret_n) {
	*ret_n = ROUTE_N;
	return routes;
}

const char *gateway_method_name(enum gateway_method method) {
	switch (method) {
	case GATEWAY_GET:
		return "GET";
	case GATEWAY_POST:
		return "POST";
	case GATEWAY_PUT:
		return "PUT";
	}
	return "?";
}

/* One segment of the path stands for {…}; it is never empty. */
static bool matches(const char *pattern, struct cl_str path, struct cl_str *ret_key) {
	const char *open = strchr(pattern, '{');
	size_t before = open ? (size_t)(open - pattern) : strlen(pattern);
	*ret_key = (struct cl_str){NULL, 0};
	if (!open)
		return path.n == before && memcmp(path.p, pattern, before) == 0;
	if (path.n <= before || memcmp(path.p, pattern, before) != 0)
		return false;
	const char *key = path.p + before, *end = path.p + path.n;
	const char *slash = memchr(key, '/', (size_t)(end - key));
	const char *key_end = slash ? slash : end, *rest = strchr(open, '}') + 1;
	*ret_key = (struct cl_str){key, (uint32_t)(key_end - key)};
	return ret_key->n > 0 && (size_t)(end - key_end) == strlen(rest) && memcmp(key_end, rest, strlen(rest)) == 0;
}

const struct gateway_route *gateway_route_find(enum gateway_method method, struct cl_str path, struct cl_str *ret_key,
                                               unsigned *ret_allowed) {
	*ret_allowed = 0;
	for (size_t i = 0; i < ROUTE_N; i++) {
		if (!matches(routes[i].path, path, ret_key))
			continue;
		if (routes[i].method == method)
			return &routes[i];
		*ret_allowed |= routes[i].method;
	}
	return NULL;
}

bool gateway_list_has(const char *list, struct cl_str name) {
	while (list && *list) {
		size_t n = strcspn(list, " ");
		if (n == name.n && memcmp(list, name.p, n) == 0)
			return true;
		list += n + (list[n] == ' ');
	}
	return false;
}

bool gateway_number(struct cl_str text, char out[GATEWAY_NUMBER_BYTES]) {
	uint64_t year = 0, serial = 0;
	if (text.n < 10 || text.n > 29 || strncasecmp(text.p, "PTN-", 4) != 0 || text.p[8] != '-')
		return false;
	if (cl_str_u64((struct cl_str){text.p + 4, 4}, &year) != CL_OK || year < 1900 ||
	    cl_str_u64((struct cl_str){text.p + 9, text.n - 9}, &serial) != CL_OK)
		return false;
	int n = snprintf(out, GATEWAY_NUMBER_BYTES, "PTN-%04" PRIu64 "-%06" PRIu64, year, serial);
	return n > 0 && n <= 20; /* the schema's bound */
}
