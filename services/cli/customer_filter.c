#include "customer_filter.h"

#include <stdlib.h>

#include "base/assert.h"

static char marker; /* any pointer that is not NULL */

static void add(struct cli_customer_filter *filter, struct cl_id id) {
	if (!cl_id_zero(id))
		cl_map_put(&filter->ids, 0, id, &marker);
}

static bool has(const struct cli_customer_filter *filter, struct cl_id id) {
	return !cl_id_zero(id) && cl_map_get(&filter->ids, 0, id);
}

static void add_customer(struct cli_customer_filter *filter, struct cl_id customer) {
	if (cl_id_zero(customer) || has(filter, customer))
		return;
	filter->customers = realloc(filter->customers, sizeof(*filter->customers) * (filter->customer_n + 1));
	CL_ASSERT(filter->customers);
	filter->customers[filter->customer_n++] = customer;
	add(filter, customer);
}

void cli_customer_filter_init(struct cli_customer_filter *filter, const struct cl_id *customers, uint32_t n) {
	*filter = (struct cli_customer_filter){.customer_n = 0};
	cl_map_init(&filter->ids);
	for (uint32_t i = 0; i < n; i++)
		add_customer(filter, customers[i]);
}

void cli_customer_filter_done(struct cli_customer_filter *filter) {
	cl_map_done(&filter->ids);
	free(filter->customers);
}

/* Whether any id within the value, nested ones too, is among the customer's. */
static bool names_one(const struct cli_customer_filter *filter, const struct cl_schema *schema, const void *value) {
	for (uint32_t i = 0; i < schema->n; i++) {
		const struct cl_field *field = &schema->fields[i];
		const uint8_t *at = (const uint8_t *)value + field->offset;
		const struct cl_ids *ids = (const struct cl_ids *)(const void *)at;
		if (field->type == CL_TYPE_ID && has(filter, *(const struct cl_id *)(const void *)at))
			return true;
		if (field->type == CL_TYPE_ONE && names_one(filter, field->sub, at))
			return true;
		for (uint32_t k = 0; field->type == CL_TYPE_IDS && k < ids->n; k++)
			if (has(filter, ids->v[k]))
				return true;
	}
	return false;
}

/* What becomes the customer's by this event: their requests and slips, and customers who turn out to be part of them.
 */
static void learn(struct cli_customer_filter *filter, const struct cl_record *record, const void *body) {
	switch (record->type) {
	case CL_T_slip_created:
		add(filter, ((const struct slip_created *)body)->slip_id);
		break;
	case CL_T_customer_linked:
	case CL_T_customer_merged:
		add_customer(filter, record->aggregate);
		break;
	}
	if (record->kind == CL_KIND_REQUEST)
		add(filter, record->aggregate);
}

bool cli_customer_filter_match(struct cli_customer_filter *filter, const struct cl_record *record,
                               struct cl_arena *arena) {
	const struct cl_schema *schema = cl_schema_by_type(record->type);
	const void *body;
	if (!schema || cl_decode_version(record->type, record->version, record->payload, arena, &body, NULL) != CL_OK)
		return has(filter, record->aggregate);
	if (!has(filter, record->aggregate) && !names_one(filter, schema, body))
		return false;
	learn(filter, record, body);
	return true;
}
