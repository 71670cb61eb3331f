#include "base/time.h"

#include <stdio.h>

#include "base/error.h"

#define MS_PER_DAY INT64_C(86400000)
#define MS_PER_MIN INT64_C(60000)
#define YEAR_FIRST 1900
#define YEAR_LAST 9999

struct civil {
	int64_t year;
	int month, day, hour, minute, second, ms;
};

static int64_t floor_div(int64_t a, int64_t b) {
	return a / b - (a % b < 0);
}

static bool leap(int64_t year) {
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int64_t year, int month) {
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return days[month - 1] + (month == 2 && leap(year));
}

/* Days from 1970-01-01 to 1 January of the year in the Gregorian calendar, reckoned on years before it:
 * 719162 days lie between 0001-01-01 and 1970-01-01. */
static int64_t days_before_year(int64_t year) {
	int64_t y = year - 1;
	return y * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) - 719162;
}

static int64_t days_from_civil(int64_t year, int month, int day) {
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	return days_before_year(year) + before[month - 1] + (month > 2 && leap(year)) + day - 1;
}

static struct civil civil_from_ms(int64_t ms) {
	int64_t days = floor_div(ms, MS_PER_DAY), rest = ms - days * MS_PER_DAY;
	/* 400 years have 146097 days; the estimate is off by at most one. */
	int64_t year = 1970 + floor_div(days * 400, 146097);
	while (days < days_before_year(year))
		year--;
	while (days >= days_before_year(year + 1))
		year++;
	struct civil c = {.year = year, .month = 1};
	int64_t day = days - days_before_year(year);
	while (day >= month_days(year, c.month))
		day -= month_days(year, c.month++);
	c.day = (int)day + 1;
	c.hour = (int)(rest / 3600000);
	c.minute = (int)(rest / 60000 % 60);
	c.second = (int)(rest / 1000 % 60);
	c.ms = (int)(rest % 1000);
	return c;
}

/* The civil time at the offset; false outside years 0000 to 9999, which the formats cannot show. */
static bool civil_at(int64_t ms, int offset_min, struct civil *ret_civil) {
	int64_t low = days_before_year(0) * MS_PER_DAY, high = days_before_year(YEAR_LAST + 1) * MS_PER_DAY;
	if (ms < low - 2 * MS_PER_DAY || ms > high + 2 * MS_PER_DAY)
		return false;
	int64_t local = ms + offset_min * MS_PER_MIN;
	if (local < low || local >= high)
		return false;
	*ret_civil = civil_from_ms(local);
	return true;
}

void cl_time_format(int64_t ms, int offset_min, char out[CL_TIME_TEXT_BYTES]) {
	struct civil c;
	char zone[8] = "Z";
	unsigned distance = (unsigned)(offset_min < 0 ? -offset_min : offset_min) % 1440;
	if (!civil_at(ms, offset_min, &c)) {
		memcpy(out, "-", 2);
		return;
	}
	if (offset_min != 0)
		snprintf(zone, sizeof(zone), "%c%02u:%02u", offset_min < 0 ? '-' : '+', distance / 60, distance % 60);
	snprintf(out, CL_TIME_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03u%s", (unsigned)c.year % 10000,
	         (unsigned)c.month % 100, (unsigned)c.day % 100, (unsigned)c.hour % 100, (unsigned)c.minute % 100,
	         (unsigned)c.second % 100, (unsigned)c.ms % 1000, zone);
}

void cl_time_format_vi(int64_t ms, int offset_min, char out[CL_TIME_TEXT_BYTES]) {
	struct civil c;
	if (!civil_at(ms, offset_min, &c)) {
		memcpy(out, "-", 2);
		return;
	}
	snprintf(out, CL_TIME_TEXT_BYTES, "%02u/%02u/%04u %02u:%02u", (unsigned)c.day % 100, (unsigned)c.month % 100,
	         (unsigned)c.year % 10000, (unsigned)c.hour % 100, (unsigned)c.minute % 100);
}

int cl_time_year(int64_t ms, int offset_min) {
	struct civil c;
	return civil_at(ms, offset_min, &c) ? (int)c.year : (ms < 0 ? 0 : YEAR_LAST);
}

struct reader {
	const char *p, *end;
	bool bad;
};

static bool peek(const struct reader *r, char c) {
	return r->p < r->end && *r->p == c;
}

static void expect(struct reader *r, char c) {
	if (peek(r, c))
		r->p++;
	else
		r->bad = true;
}

static int digits(struct reader *r, int count) {
	int value = 0;
	for (int i = 0; i < count; i++) {
		if (r->bad || r->p >= r->end || *r->p < '0' || *r->p > '9') {
			r->bad = true;
			return 0;
		}
		value = value * 10 + (*r->p++ - '0');
	}
	return value;
}

/* Digits beyond the millisecond are read and dropped. */
static int fraction(struct reader *r) {
	int ms = 0, scale = 100;
	if (!peek(r, '.'))
		return 0;
	r->p++;
	const char *start = r->p;
	while (r->p < r->end && *r->p >= '0' && *r->p <= '9') {
		ms += (*r->p++ - '0') * scale;
		scale /= 10;
	}
	r->bad |= r->p == start;
	return ms;
}

static int offset(struct reader *r, bool *ret_range) {
	if (r->p == r->end)
		return CL_VIETNAM_OFFSET_MIN;
	if (peek(r, 'Z') || peek(r, 'z')) {
		r->p++;
		return 0;
	}
	bool behind = peek(r, '-');
	if (!behind && !peek(r, '+')) {
		r->bad = true;
		return 0;
	}
	r->p++;
	int hours = digits(r, 2);
	expect(r, ':');
	int minutes = digits(r, 2);
	*ret_range |= hours > 23 || minutes > 59;
	return behind ? -(hours * 60 + minutes) : hours * 60 + minutes;
}

int cl_time_parse(struct cl_str text, int64_t *ret_ms) {
	struct reader r = {text.p, text.p + text.n, text.n == 0};
	struct civil c = {0};
	bool range = false;
	int offset_min = CL_VIETNAM_OFFSET_MIN;
	c.year = digits(&r, 4);
	expect(&r, '-');
	c.month = digits(&r, 2);
	expect(&r, '-');
	c.day = digits(&r, 2);
	if (!r.bad && r.p != r.end) {
		r.bad |= !peek(&r, 'T') && !peek(&r, 't') && !peek(&r, ' ');
		r.p++;
		c.hour = digits(&r, 2);
		expect(&r, ':');
		c.minute = digits(&r, 2);
		expect(&r, ':');
		c.second = digits(&r, 2);
		c.ms = fraction(&r);
		offset_min = offset(&r, &range);
	}
	if (r.bad || r.p != r.end)
		return CL_E_MALFORMED;
	/* A leap second (RFC 3339 section 5.7) counts as the first second of the next minute. */
	if (range || c.year < YEAR_FIRST || c.month < 1 || c.month > 12 || c.day < 1 ||
	    c.day > month_days(c.year, c.month) || c.hour > 23 || c.minute > 59 || c.second > 60)
		return CL_E_RANGE;
	*ret_ms = days_from_civil(c.year, c.month, c.day) * MS_PER_DAY + c.hour * INT64_C(3600000) +
	          c.minute * MS_PER_MIN + c.second * INT64_C(1000) + c.ms - offset_min * MS_PER_MIN;
	return CL_OK;
}
