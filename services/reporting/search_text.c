#include "search_text.h"

#include "base/assert.h"

#define MARK '_' /* before a word as written; a token character of the index (model.c) */
#define WORD_MAX 200
#define WORDS_MAX 16
#define PREFIX_LETTERS 3 /* shorter beginnings match half of everything */
#define PREFIX_DIGITS 6

static bool digit(char c) {
	return c >= '0' && c <= '9';
}

static bool ascii_letter(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Bytes of a separator at p: ASCII but letters and digits; U+00A0-00BF, U+2000-206F, U+3000-303F (punctuation). */
static uint32_t separator(const char *p, uint32_t n) {
	uint8_t a = (uint8_t)p[0], b = n > 1 ? (uint8_t)p[1] : 0, c = n > 2 ? (uint8_t)p[2] : 0;
	if (a < 0x80)
		return !digit(p[0]) && !ascii_letter(p[0]);
	if (a == 0xc2 && b >= 0xa0)
		return 2;
	if (a == 0xe2 && (b == 0x80 || (b == 0x81 && c <= 0xaf)))
		return 3;
	return a == 0xe3 && b == 0x80 ? 3 : 0;
}

static struct cl_str next_word(struct cl_str *rest) {
	uint32_t skip;
	while (rest->n && (skip = separator(rest->p, rest->n)) != 0) {
		if (skip > rest->n)
			skip = rest->n;
		rest->p += skip;
		rest->n -= skip;
	}
	struct cl_str word = {rest->p, 0};
	while (rest->n && !separator(rest->p, rest->n)) {
		rest->p++;
		rest->n--;
		word.n++;
	}
	if (word.n > WORD_MAX)
		word.n = WORD_MAX; /* the index of a longer word ends here, and so does a query for it */
	return word;
}

static bool all_digits(struct cl_str word) {
	for (uint32_t i = 0; i < word.n; i++)
		if (!digit(word.p[i]))
			return false;
	return word.n > 0;
}

static struct cl_str plain_digits(struct cl_str digits) {
	if (digits.n >= 10 && digits.p[0] == '8' && digits.p[1] == '4')
		digits = (struct cl_str){digits.p + 2, digits.n - 2};
	while (digits.n > 1 && digits.p[0] == '0') {
		digits.p++;
		digits.n--;
	}
	return digits;
}

static struct cl_str fold_word(struct cl_str word, char buffer[WORD_MAX]) {
	struct cl_str folded = {buffer, (uint32_t)cl_fold_vi(word, buffer, WORD_MAX)};
	return all_digits(folded) ? plain_digits(folded) : folded;
}

void reporting_text_index(struct cl_str text, struct cl_buf *out) {
	struct cl_str word;
	char buffer[WORD_MAX];
	while ((word = next_word(&text)).n) {
		struct cl_str folded = fold_word(word, buffer);
		cl_buf_str(out, folded);
		cl_buf_putc(out, ' ');
		if (all_digits(folded))
			continue;
		cl_buf_putc(out, MARK);
		cl_buf_str(out, word);
		cl_buf_putc(out, ' ');
	}
}

/* The digits of text in out, one behind the other. */
static struct cl_str gather_digits(struct cl_str text, char out[WORD_MAX]) {
	uint32_t n = 0;
	for (uint32_t i = 0; i < text.n && n < WORD_MAX; i++)
		if (digit(text.p[i]))
			out[n++] = text.p[i];
	return plain_digits((struct cl_str){out, n});
}

void reporting_text_digits(struct cl_str text, struct cl_buf *out) {
	char buffer[WORD_MAX];
	struct cl_str digits = gather_digits(text, buffer);
	if (!digits.n)
		return;
	cl_buf_str(out, digits);
	cl_buf_putc(out, ' ');
}

static void term(struct cl_buf *out, bool first, bool marked, struct cl_str word, bool prefix) {
	if (!first)
		cl_buf_puts(out, " AND ");
	cl_buf_putc(out, '"'); /* words hold no quotation marks: they separate */
	if (marked)
		cl_buf_putc(out, MARK);
	cl_buf_str(out, word);
	cl_buf_putc(out, '"');
	if (prefix)
		cl_buf_putc(out, '*');
}

/* A phone or number typed with blanks, dots or dashes between its digits. */
static bool spaced_digits(struct cl_str q) {
	for (uint32_t i = 0; i < q.n; i++)
		if (!digit(q.p[i]) && !strchr(" .-+()", q.p[i]))
			return false;
	return true;
}

uint32_t reporting_text_query(struct cl_str q, bool prefix, struct cl_buf *out_folded, struct cl_buf *out_exact) {
	char buffer[WORD_MAX];
	uint32_t words = 0;
	q = cl_str_trim(q);
	if (spaced_digits(q)) {
		struct cl_str digits = gather_digits(q, buffer);
		if (!digits.n)
			return 0;
		term(out_folded, true, false, digits, prefix && digits.n >= PREFIX_DIGITS);
		term(out_exact, true, false, digits, false);
		return 1;
	}
	struct cl_str word = next_word(&q);
	while (word.n && words < WORDS_MAX) {
		struct cl_str following = next_word(&q);
		struct cl_str folded = fold_word(word, buffer);
		bool number = all_digits(folded);
		bool begins = prefix && !following.n && folded.n >= (number ? PREFIX_DIGITS : PREFIX_LETTERS);
		term(out_folded, words == 0, false, folded, begins);
		term(out_exact, words == 0, !number, number ? folded : word, false);
		words++;
		word = following;
	}
	return words;
}

bool reporting_text_number(struct cl_str q, struct cl_buf *out) {
	uint32_t i = 0;
	q = cl_str_trim(q);
	while (i < q.n && ascii_letter(q.p[i]))
		i++;
	if (i == 0 || i == q.n || q.p[i] != '-')
		return false;
	for (uint32_t k = i; k < q.n; k++)
		if (!digit(q.p[k]) && q.p[k] != '-')
			return false;
	for (uint32_t k = 0; k < q.n; k++)
		cl_buf_putc(out, (char)(k < i ? q.p[k] & ~0x20 : q.p[k]));
	return true;
}
