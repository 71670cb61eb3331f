#include "intake/phone.h"

#define E164_DIGITS_MAX 15 /* ITU-T E.164, 6.1 */
#define E164_DIGITS_MIN 8  /* shortest country code and number in use; E.164 itself names no minimum */
#define SCAN_DIGITS_MAX 20 /* 00, country code, (0), number; more is no phone number */

/* Mobile network codes until 14 September 2018 and the two digits that replaced them; the last seven digits stayed.
 * Plan of the Ministry of Information and Communications of 29 May 2018, in force from 15 September 2018 (21 codes of 5
 * networks). */
static const struct {
	char old_code[4], new_code[3];
} mobile_2018[] = {
        {"120", "70"}, {"121", "79"}, {"122", "77"}, {"126", "76"}, {"128", "78"}, /* MobiFone */
        {"123", "83"}, {"124", "84"}, {"125", "85"}, {"127", "81"}, {"129", "82"}, /* VinaPhone */
        {"162", "32"}, {"163", "33"}, {"164", "34"}, {"165", "35"},                /* Viettel */
        {"166", "36"}, {"167", "37"}, {"168", "38"}, {"169", "39"},                /* Viettel */
        {"186", "56"}, {"188", "58"},                                              /* Vietnamobile */
        {"199", "59"},                                                             /* Gmobile */
};

/* Area codes of fixed lines since 2017: two digits for Hà Nội and Hồ Chí Minh City, three elsewhere. */
static const uint16_t area_codes[] = {24,  28,  203, 204, 205, 206, 207, 208, 209, 210, 211, 212, 213, 214, 215, 216,
                                      218, 219, 220, 221, 222, 225, 226, 227, 228, 229, 232, 233, 234, 235, 236, 237,
                                      238, 239, 251, 252, 254, 255, 256, 257, 258, 259, 260, 261, 262, 263, 269, 270,
                                      271, 272, 273, 274, 275, 276, 277, 290, 291, 292, 293, 294, 296, 297, 299};

static uint32_t code_point(const char *p, uint32_t n, uint32_t *ret_used) {
	const unsigned char *b = (const unsigned char *)p;
	if (b[0] < 0x80) {
		*ret_used = 1;
		return b[0];
	}
	if (b[0] >= 0xc2 && b[0] < 0xe0 && n >= 2) {
		*ret_used = 2;
		return ((uint32_t)(b[0] & 0x1f) << 6) | (b[1] & 0x3f);
	}
	if (b[0] >= 0xe0 && b[0] < 0xf0 && n >= 3) {
		*ret_used = 3;
		return ((uint32_t)(b[0] & 0x0f) << 12) | ((uint32_t)(b[1] & 0x3f) << 6) | (b[2] & 0x3f);
	}
	*ret_used = 1;
	return 0;
}

/* What stands between digits: ASCII and typographic blanks, hyphens, dots, parentheses, and the invisible marks that
 * come along when a number is copied from an address book. */
static bool is_separator(uint32_t c) {
	static const uint16_t others[] = {0x00a0, 0x00ad, 0x2060, 0x2212, 0x3000,
	                                  0xfeff, 0xff08, 0xff09, 0xff0d, 0xff0e};
	if (c < 0x80)
		return c != 0 && strchr(" \t.-()_", (int)c) != NULL;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (c == others[i])
			return true;
	}
	return (c >= 0x2000 && c <= 0x2015) || (c >= 0x2028 && c <= 0x202f);
}

/* Digits of the text without separators; *ret_plus: it began with a plus sign. 0 = no phone number. */
static uint32_t scan(struct cl_str text, char digits[SCAN_DIGITS_MAX], bool *ret_plus) {
	uint32_t n = 0;
	bool plus = false;
	for (uint32_t i = 0, used; i < text.n; i += used) {
		uint32_t c = code_point(text.p + i, text.n - i, &used);
		if (c >= 0xff10 && c <= 0xff19) /* fullwidth digits, as East Asian input methods type them */
			c = '0' + (c - 0xff10);
		if (c >= '0' && c <= '9') {
			if (n == SCAN_DIGITS_MAX)
				return 0;
			digits[n++] = (char)c;
		} else if ((c == '+' || c == 0xff0b) && n == 0 && !plus) {
			plus = true;
		} else if (!is_separator(c)) {
			return 0;
		}
	}
	*ret_plus = plus;
	return n;
}

static bool known_area(const char *national) {
	uint16_t two = (uint16_t)((national[0] - '0') * 10 + (national[1] - '0'));
	uint16_t three = (uint16_t)(two * 10 + (national[2] - '0'));
	for (size_t i = 0; i < sizeof(area_codes) / sizeof(area_codes[0]); i++) {
		if (area_codes[i] == two || area_codes[i] == three)
			return true;
	}
	return false;
}

/* A Vietnamese number without country code and without the leading 0. Mobile: nine digits that begin with 3, 5, 7, 8 or
 * 9; fixed: an area code and the rest, ten in all (the Ministry's numbering plan, Circular 22/2014/TT-BTTTT). */
static bool vietnamese(const char *national, uint32_t n, char out[INTAKE_PHONE_BYTES]) {
	memcpy(out, "+84", 3);
	if (n == 9 && strchr("35789", national[0])) {
		memcpy(out + 3, national, 9);
		out[12] = 0;
		return true;
	}
	if (n != 10)
		return false;
	if (national[0] == '2' && known_area(national)) {
		memcpy(out + 3, national, 10);
		out[13] = 0;
		return true;
	}
	for (size_t i = 0; i < sizeof(mobile_2018) / sizeof(mobile_2018[0]); i++) {
		if (memcmp(national, mobile_2018[i].old_code, 3) == 0) {
			memcpy(out + 3, mobile_2018[i].new_code, 2);
			memcpy(out + 5, national + 3, 7);
			out[12] = 0;
			return true;
		}
	}
	return false;
}

static bool international(const char *digits, uint32_t n, char out[INTAKE_PHONE_BYTES]) {
	if (n >= 2 && memcmp(digits, "84", 2) == 0) {
		bool trunk = n > 2 && digits[2] == '0'; /* "+84 (0) 912…": the 0 is dialled only within the country */
		return vietnamese(digits + 2 + trunk, n - 2 - trunk, out);
	}
	if (n < E164_DIGITS_MIN || n > E164_DIGITS_MAX || digits[0] == '0')
		return false;
	out[0] = '+';
	memcpy(out + 1, digits, n);
	out[1 + n] = 0;
	return true;
}

bool intake_phone_normalise(struct cl_str text, char out[INTAKE_PHONE_BYTES]) {
	char digits[SCAN_DIGITS_MAX];
	bool plus;
	if (cl_str_starts(text, CL_STR("tel:"))) { /* RFC 3966 */
		text.p += 4;
		text.n -= 4;
	}
	uint32_t n = scan(text, digits, &plus);
	if (n == 0)
		return false;
	if (plus)
		return international(digits, n, out);
	if (n > 2 && memcmp(digits, "00", 2) == 0)
		return international(digits + 2, n - 2, out);
	if (digits[0] == '0')
		return vietnamese(digits + 1, n - 1, out);
	if (vietnamese(digits, n, out) && n == 9) /* a spreadsheet ate the leading 0 */
		return true;
	if (n >= 11 && memcmp(digits, "84", 2) == 0)
		return international(digits, n, out);
	return false;
}
