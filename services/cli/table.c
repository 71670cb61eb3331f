/* Tables for people: columns as wide as their widest cell, counted in terminal columns (Vietnamese letters with
 * combining marks take one, wide letters two), never in bytes. */
#include "cli.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/assert.h"

#define GAP 2
#define SHRINK_MIN 12

/* Decodes one UTF-8 character; malformed bytes count as one column each. */
static size_t next_char(const char *p, uint32_t *ret_code) {
	const unsigned char *u = (const unsigned char *)p;
	size_t n = u[0] < 0x80             ? 1
	           : (u[0] & 0xe0) == 0xc0 ? 2
	           : (u[0] & 0xf0) == 0xe0 ? 3
	           : (u[0] & 0xf8) == 0xf0 ? 4
	                                   : 0;
	if (n == 0) {
		*ret_code = '?';
		return 1;
	}
	uint32_t code = n == 1 ? u[0] : u[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80) {
			*ret_code = '?';
			return 1;
		}
		code = code << 6 | (u[i] & 0x3fu);
	}
	*ret_code = code;
	return n;
}

static uint32_t char_width(uint32_t code) {
	/* Combining marks by hand too, so that the C locale counts them right. */
	if (code >= 0x300 && code <= 0x36f)
		return 0;
	int width = wcwidth((wchar_t)code);
	return width < 0 ? 1 : (uint32_t)width;
}

uint32_t cli_width(const char *text) {
	uint32_t width = 0, code;
	while (*text) {
		text += next_char(text, &code);
		width += char_width(code);
	}
	return width;
}

size_t cli_fit(const char *text, uint32_t columns) {
	const char *p = text;
	uint32_t width = 0, code;
	while (*p) {
		size_t n = next_char(p, &code);
		width += char_width(code);
		if (width > columns)
			break;
		p += n;
	}
	return (size_t)(p - text);
}

uint32_t cli_screen_width(void) {
	struct winsize size;
	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

void cli_table_init(struct cli_table *table, const struct cli *cli) {
	*table = (struct cli_table){.cli = cli, .shrink = -1};
}

void cli_table_column(struct cli_table *table, enum cl_text head, bool right) {
	CL_ASSERT(table->columns < CLI_COLUMNS_MAX && table->rows == 0);
	table->heads[table->columns] = cl_text(head, table->cli->lang);
	table->right[table->columns++] = right;
}

void cli_table_row(struct cli_table *table, const char *const *cells) {
	if (table->rows == table->row_cap) {
		uint32_t cap = table->row_cap ? table->row_cap * 2 : 32;
		const char **grown = cl_arena_array(table->cli->arena, const char *, (size_t)cap * table->columns);
		if (table->rows)
			memcpy(grown, table->cells, sizeof(*grown) * table->rows * table->columns);
		table->cells = grown;
		table->row_cap = cap;
	}
	for (uint32_t c = 0; c < table->columns; c++)
		table->cells[(size_t)table->rows * table->columns + c] = cells[c] ? cells[c] : "";
	table->rows++;
}

static void print_blanks(FILE *to, uint32_t n) {
	while (n--)
		fputc(' ', to);
}

static void print_cell(const struct cli_table *table, FILE *to, uint32_t column, const char *text, uint32_t width) {
	uint32_t own = cli_width(text);
	bool last = column + 1 == table->columns;
	if (own > width) {
		size_t n = cli_fit(text, width - 1);
		fwrite(text, 1, n, to);
		fputs("…", to);
		own = width;
		text = "";
	}
	if (table->right[column])
		print_blanks(to, width - own);
	fputs(text, to);
	if (!last)
		print_blanks(to, (table->right[column] ? 0 : width - own) + GAP);
}

void cli_table_print(struct cli_table *table, FILE *to) {
	uint32_t width[CLI_COLUMNS_MAX], total = 0, screen = to == stdout ? cli_screen_width() : 0;
	for (uint32_t c = 0; c < table->columns; c++) {
		width[c] = cli_width(table->heads[c]);
		for (uint32_t r = 0; r < table->rows; r++) {
			uint32_t own = cli_width(table->cells[(size_t)r * table->columns + c]);
			width[c] = own > width[c] ? own : width[c];
		}
		total += width[c] + GAP;
	}
	if (screen && total > screen && table->shrink >= 0) {
		uint32_t over = total - screen, *column = &width[table->shrink];
		*column = *column > over + SHRINK_MIN ? *column - over : *column < SHRINK_MIN ? *column : SHRINK_MIN;
	}
	for (uint32_t c = 0; c < table->columns; c++)
		print_cell(table, to, c, table->heads[c], width[c]);
	fputc('\n', to);
	for (uint32_t r = 0; r < table->rows; r++) {
		for (uint32_t c = 0; c < table->columns; c++)
			print_cell(table, to, c, table->cells[(size_t)r * table->columns + c], width[c]);
		fputc('\n', to);
	}
}
