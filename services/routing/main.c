#include "routing.h"
#include "uv/service.h"

int main(int argc, char **argv) {
	return cl_service_main(&routing_domain, argc, argv);
}
