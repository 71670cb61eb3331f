#include "support.h"
#include "uv/service.h"

int main(int argc, char **argv) {
	return cl_service_main(&support_domain, argc, argv);
}
