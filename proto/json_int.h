/* What the JSON reader and writer agree on. */
#ifndef CL_PROTO_JSON_INT_H
#define CL_PROTO_JSON_INT_H

#define JSON_EXACT_MAX ((UINT64_C(1) << 53) - 1) /* RFC 8259 section 6: larger integers do not interoperate */
#define JSON_TEXT_MAX (4u << 20)                 /* bytes of one JSON text; the largest BYTES field in base64 fits */

#endif
