/* Priority (A3): a decision table over the classification, hit policy FIRST (OMG DMN 1.3, 8.2.10). */
#ifndef INTAKE_PRIORITY_H
#define INTAKE_PRIORITY_H

#include "intake/classify.h"

/* Priority by the first row whose columns all match; *ret_row counts from 1. No row: medium, row 0. */
enum level intake_priority(const struct priority_row *rows, uint32_t row_n, const struct intake_class *class,
                           uint32_t *ret_row);

#endif
