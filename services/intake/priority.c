#include "intake/priority.h"

static bool fits(uint32_t column, uint32_t value) {
	return column == 0 || column == value;
}

enum level intake_priority(const struct priority_row *rows, uint32_t row_n, const struct intake_class *class,
                           uint32_t *ret_row) {
	for (uint32_t i = 0; i < row_n; i++) {
		const struct priority_row *row = &rows[i];
		if (fits(row->category, class->value[INTAKE_CATEGORY]) &&
		    fits(row->urgency, class->value[INTAKE_URGENCY]) &&
		    fits(row->importance, class->value[INTAKE_IMPORTANCE]) &&
		    fits(row->customer_effect, class->value[INTAKE_CUSTOMER_EFFECT]) &&
		    fits(row->business_effect, class->value[INTAKE_BUSINESS_EFFECT])) {
			*ret_row = i + 1;
			return row->priority;
		}
	}
	*ret_row = 0;
	return LEVEL_MEDIUM;
}
