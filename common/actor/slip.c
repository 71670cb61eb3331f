#include "actor/slip.h"

struct cl_id cl_slip_id(struct cl_str number) {
	return cl_id_derive("slip", number.p, number.n);
}
