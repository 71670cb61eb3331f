#include "intake/intake.h"
#include "uv/service.h"

int main(int argc, char **argv) {
	return cl_service_main(&intake_domain, argc, argv);
}
