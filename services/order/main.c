#include "order.h"
#include "uv/service.h"

int main(int argc, char **argv) {
	return cl_service_main(&order_domain, argc, argv);
}
