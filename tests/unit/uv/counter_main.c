#include "counter.h"
#include "uv/service.h"

int main(int argc, char **argv) {
	return cl_service_main(&counter_domain, argc, argv);
}
