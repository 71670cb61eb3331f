/* Everything the command says comes from the catalogue, in the language asked for. Its sentences hold %s only (a test
 * holds them to it), so no format is ever interpreted by printf. */
#include "cli.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/time.h"

const char *cli_text(const struct cli *cli, enum cl_text id, const char *const *args) {
	const char *format = cl_text(id, cli->lang);
	struct cl_buf buf;
	cl_buf_init(&buf);
	for (const char *p = format; *p; p++) {
		if (p[0] == '%' && p[1] == 's') {
			CL_ASSERT(*args);
			cl_buf_puts(&buf, *args++);
			p++;
		} else {
			cl_buf_putc(&buf, *p);
			if (p[0] == '%' && p[1] == '%')
				p++;
		}
	}
	struct cl_str text = cl_arena_str(cli->arena, (struct cl_str){(const char *)buf.p, (uint32_t)buf.n});
	cl_buf_done(&buf);
	return text.p;
}

void cli_print(const struct cli *cli, FILE *to, enum cl_text id, const char *const *args) {
	fputs(cli_text(cli, id, args), to);
	fputc('\n', to);
}

void cli_say(const struct cli *cli, enum cl_text id, const char *const *args) {
	if (!cli->json && !cli->quiet)
		cli_print(cli, stdout, id, args);
}

void cli_error(const struct cli *cli, enum cl_text id, const char *const *args) {
	fflush(stdout);
	fputs("careloop: ", stderr);
	cli_print(cli, stderr, id, args);
}

const char *cli_fmt(const struct cli *cli, const char *format, ...) {
	va_list list;
	char *text = NULL;
	va_start(list, format);
	int n = vasprintf(&text, format, list);
	va_end(list);
	CL_ASSERT(n >= 0);
	struct cl_str copy = cl_arena_str(cli->arena, (struct cl_str){text, (uint32_t)n});
	free(text);
	return copy.p;
}

const char *cli_num(const struct cli *cli, uint64_t value) {
	char digits[24], grouped[32];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, value);
	size_t at = 0;
	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			grouped[at++] = cli->lang == CL_VI ? '.' : ',';
		grouped[at++] = digits[i];
	}
	return cl_arena_str(cli->arena, (struct cl_str){grouped, (uint32_t)at}).p;
}

const char *cli_when(const struct cli *cli, int64_t ms) {
	char text[CL_TIME_TEXT_BYTES];
	if (ms == 0)
		return "";
	if (cli->lang == CL_VI) {
		cl_time_format_vi(ms, CL_VIETNAM_OFFSET_MIN, text);
	} else { /* "2026-12-31T23:59:00.000+07:00", to the minute */
		cl_time_format(ms, CL_VIETNAM_OFFSET_MIN, text);
		text[10] = ' ';
		text[16] = '\0';
	}
	return cl_arena_str(cli->arena, cl_str_from(text)).p;
}

const char *cli_cstr(const struct cli *cli, struct cl_str s) {
	return cl_arena_str(cli->arena, s).p;
}

const char *cli_safe(const struct cli *cli, struct cl_str s) {
	char *copy = cl_arena_alloc(cli->arena, (size_t)s.n + 1);
	for (uint32_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		/* U+0080..U+009F (C1 controls, two bytes C2 80..9F) drive terminals too. */
		bool c1 = c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0;
		copy[i] = c < 0x20 || c == 0x7f ? ' ' : s.p[i];
		if (c1) {
			copy[i] = ' ';
			copy[++i] = ' ';
		}
	}
	return copy;
}

const char *cli_enum_text(const struct cli *cli, const struct cl_enum *en, uint32_t value) {
	const struct cl_enum_value *row = value ? cl_enum_find(en, value) : NULL;
	if (!row)
		return value ? cli_fmt(cli, "%" PRIu32, value) : "";
	return cli->lang == CL_VI ? row->vi : row->en;
}

const char *cli_bytes(const struct cli *cli, uint64_t bytes) {
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	uint32_t unit = 0;
	while (value >= 1024 && unit < 4) {
		value /= 1024;
		unit++;
	}
	unsigned tenths = (unsigned)(value * 10 + 0.5);
	return unit ? cli_fmt(cli, "%u%c%u %s", tenths / 10, cli->lang == CL_VI ? ',' : '.', tenths % 10, units[unit])
	            : cli_fmt(cli, "%" PRIu64 " B", bytes);
}

const char *cli_duration(const struct cli *cli, int64_t ms) {
	int64_t s = ms / 1000;
	if (s < 60)
		return cli_fmt(cli, cli->lang == CL_VI ? "%" PRId64 ",%" PRId64 " s" : "%" PRId64 ".%" PRId64 " s", s,
		               ms % 1000 / 100);
	if (s < 3600)
		return cli_fmt(cli, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	if (s < 86400)
		return cli_fmt(cli, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
	return cli_fmt(cli, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
}
