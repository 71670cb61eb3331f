#include "base/error.h"

const char *cl_error_name(int code) {
	switch (code) {
#define ERROR_NAME(name, number, text)                                                                                 \
	case (number):                                                                                                 \
		return #name;
		CL_ERRORS(ERROR_NAME)
#undef ERROR_NAME
	}
	return "UNLISTED";
}

const char *cl_error_text(int code) {
	switch (code) {
#define ERROR_TEXT(name, number, text)                                                                                 \
	case (number):                                                                                                 \
		return text;
		CL_ERRORS(ERROR_TEXT)
#undef ERROR_TEXT
	}
	return "an error that is not listed";
}
