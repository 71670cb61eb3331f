/* Integers in network byte order (big endian), as keys and stored values hold them: unsigned keys then sort by value.
 */
#ifndef CL_LOG_BE_H
#define CL_LOG_BE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void cl_be16_put(uint8_t *p, uint16_t value) {
	value = htobe16(value);
	memcpy(p, &value, sizeof value);
}

static inline void cl_be32_put(uint8_t *p, uint32_t value) {
	value = htobe32(value);
	memcpy(p, &value, sizeof value);
}

static inline void cl_be64_put(uint8_t *p, uint64_t value) {
	value = htobe64(value);
	memcpy(p, &value, sizeof value);
}

static inline uint16_t cl_be16_get(const uint8_t *p) {
	uint16_t value;
	memcpy(&value, p, sizeof value);
	return be16toh(value);
}

static inline uint32_t cl_be32_get(const uint8_t *p) {
	uint32_t value;
	memcpy(&value, p, sizeof value);
	return be32toh(value);
}

static inline uint64_t cl_be64_get(const uint8_t *p) {
	uint64_t value;
	memcpy(&value, p, sizeof value);
	return be64toh(value);
}

#endif
