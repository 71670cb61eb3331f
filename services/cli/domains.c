#include "domains.h"

#include "intake/intake.h"
#include "order/order.h"
#include "routing/routing.h"
#include "support.h"

const struct cl_domain *cli_domain(uint32_t service) {
	const struct cl_domain *const domains[] = {&intake_domain, &routing_domain, &order_domain, &support_domain};
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		if (domains[i]->service == service)
			return domains[i];
	return NULL;
}
