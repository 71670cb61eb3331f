/* Orders on slips of category order: lines, stock check and reservation, states to delivered or cancelled.
 * Actors: ORDER (id = the slip's), STOCK (one per SKU). They may live in different partitions and speak through events
 * only; see README.md for the talk. */
#ifndef ORDER_ORDER_H
#define ORDER_ORDER_H

#include "actor/domain.h"

extern const struct cl_domain order_domain;

#define ORDER_STOCK_MAX 1000000000000u /* pieces of one SKU */

struct cl_id order_stock_id(struct cl_str sku);
/* A usable SKU: not empty and without blanks at its ends, which nobody could see. */
bool order_sku_valid(struct cl_str sku);

#endif
