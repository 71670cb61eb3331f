#include "intake/words.h"

#define FIRST_WORD_BYTES 200 /* phrases are no longer than that by the schema */

/* A letter of the Vietnamese alphabet taken apart. mark: '^' circumflex, '(' breve, '+' horn, '-' stroke; tone: '`' '?'
 * '~' '\'' '.'; blank = none. */
struct letter {
	char base, mark, tone;
};

/* U+1EA0 to U+1EF9 come in pairs, capital first; one row of three characters for each pair. */
static const char extended[] = "a .a ?a^'a^`a^?a^~a^.a('a(`a(?a(~a(.e .e ?e ~e^'e^`e^?e^~e^.i ?i .o .o ?o^'o^`o^?o^~o^."
                               "o+'o+`o+?o+~o+.u .u ?u+'u+`u+?u+~u+.y `y .y ?y ~";

/* U+00C0 to U+00DD, capitals; the small ones stand 0x20 above. Rows of blanks are no Vietnamese letters. U+00D0 is the
 * Icelandic letter that old fonts made do with for Đ. */
static const char latin1[] =
        "a `a 'a^ a ~            e `e 'e^    i `i '      d-    o `o 'o^ o ~         u `u '      y '";

static const struct {
	uint16_t capital, small;
	struct letter letter;
} others[] = {{0x102, 0x103, {'a', '(', ' '}}, {0x110, 0x111, {'d', '-', ' '}}, {0x128, 0x129, {'i', ' ', '~'}},
              {0x168, 0x169, {'u', ' ', '~'}}, {0x1a0, 0x1a1, {'o', '+', ' '}}, {0x1af, 0x1b0, {'u', '+', ' '}}};

static const struct {
	uint16_t code_point;
	struct letter letter;
} marks[] = {{0x300, {0, ' ', '`'}}, {0x301, {0, ' ', '\''}}, {0x302, {0, '^', ' '}}, {0x303, {0, ' ', '~'}},
             {0x306, {0, '(', ' '}}, {0x309, {0, ' ', '?'}},  {0x31b, {0, '+', ' '}}, {0x323, {0, ' ', '.'}}};

static struct letter row(const char *rows, uint32_t index) {
	return (struct letter){rows[3 * index], rows[3 * index + 1], rows[3 * index + 2]};
}

/* base 0: a letter of another script, taken as it is. */
static struct letter take_apart(uint32_t c) {
	if (c >= 0x1ea0 && c <= 0x1ef9)
		return row(extended, (c - 0x1ea0) / 2);
	if ((c >= 0xc0 && c <= 0xdd) || (c >= 0xe0 && c <= 0xfd)) {
		struct letter letter = row(latin1, (c >= 0xe0 ? c - 0x20 : c) - 0xc0);
		return letter.base == ' ' ? (struct letter){0} : letter;
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (c == others[i].capital || c == others[i].small)
			return others[i].letter;
	}
	return (struct letter){0};
}

/* Combining marks of decomposed text (as macOS writes it). */
static struct letter combining(uint32_t c) {
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (c == marks[i].code_point)
			return marks[i].letter;
	}
	return (struct letter){0};
}

/* Punctuation beyond ASCII that stands between words: quotes, dashes, ellipsis, blanks, East Asian full stops. */
static bool separates(uint32_t c) {
	return (c >= 0x80 && c <= 0xbf) || (c >= 0x2000 && c <= 0x206f) || (c >= 0x3000 && c <= 0x303f) ||
	       c == 0xfeff || c == 0xfffd;
}

/* Valid UTF-8 is the schema's promise; anything else reads as U+FFFD, a byte at a time. */
static uint32_t next_code_point(struct cl_str s, uint32_t at, uint32_t *ret_used) {
	const unsigned char *b = (const unsigned char *)s.p + at;
	uint32_t left = s.n - at, n = b[0] < 0x80 ? 1 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	if (n > left || (b[0] >= 0x80 && b[0] < 0xc0)) {
		*ret_used = 1;
		return 0xfffd;
	}
	uint32_t c = n == 1 ? b[0] : b[0] & (0x7fu >> n);
	for (uint32_t i = 1; i < n; i++)
		c = (c << 6) | (b[i] & 0x3f);
	*ret_used = n;
	return c;
}

struct builder {
	char *folded, *exact;
	uint32_t folded_n, exact_n;
	char tone;
	bool marked;
};

static void add_mark(struct builder *b, char mark, char tone) {
	if (mark != ' ')
		b->exact[b->exact_n++] = mark;
	if (tone != ' ')
		b->tone = tone;
	b->marked = b->marked || mark != ' ' || tone != ' ';
}

static void add_letter(struct builder *b, char letter) {
	b->folded[b->folded_n++] = letter;
	b->exact[b->exact_n++] = letter;
}

/* Adds the code point to the word; false if it ends the word instead. */
static bool add(struct builder *b, struct cl_str s, uint32_t at, uint32_t used, uint32_t c) {
	if (c < 0x80) {
		char letter = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
		if (!((letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9')))
			return false;
		add_letter(b, letter);
		return true;
	}
	if (separates(c))
		return false;
	struct letter mark = combining(c);
	if (mark.mark) {
		add_mark(b, mark.mark, mark.tone);
		return true;
	}
	struct letter letter = take_apart(c);
	if (letter.base) {
		add_letter(b, letter.base);
		add_mark(b, letter.mark, letter.tone);
		return true;
	}
	for (uint32_t i = 0; i < used; i++)
		add_letter(b, s.p[at + i]);
	return true;
}

static uint32_t hash_of(struct cl_str s) {
	uint32_t h = 2166136261u; /* FNV-1a, 32 bits */
	for (uint32_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 16777619u;
	return h ^ (h >> 15);
}

static void finish(struct intake_words *words, struct builder *b) {
	if (b->folded_n > 0) {
		if (b->tone)
			b->exact[b->exact_n++] = b->tone;
		struct intake_word *word = &words->v[words->n++];
		word->folded = (struct cl_str){b->folded, b->folded_n};
		word->exact = (struct cl_str){b->exact, b->exact_n};
		word->hash = hash_of(word->folded);
		word->marked = b->marked;
		words->seen[(word->hash >> 6) & 63] |= 1ull << (word->hash & 63);
	}
	*b = (struct builder){.folded = b->folded + b->folded_n, .exact = b->exact + b->exact_n};
}

static void split(struct intake_words *words, struct builder *b, struct cl_str s) {
	for (uint32_t i = 0, used; i < s.n; i += used) {
		uint32_t c = next_code_point(s, i, &used);
		if (!add(b, s, i, used, c))
			finish(words, b);
	}
	finish(words, b);
}

struct intake_words intake_words_of(struct cl_str a, struct cl_str b, struct cl_arena *arena) {
	size_t bytes = (size_t)a.n + b.n;
	struct intake_words words = {.v = cl_arena_array(arena, struct intake_word, bytes / 2 + 3)};
	/* Neither form is longer than the text: base, mark and tone of a letter are as many as its bytes at most. */
	struct builder builder = {.folded = cl_arena_alloc(arena, bytes), .exact = cl_arena_alloc(arena, bytes)};
	split(&words, &builder, a);
	if (a.n && b.n)
		words.n++; /* an empty word, equal to none */
	split(&words, &builder, b);
	return words;
}

static bool same(const struct intake_word *text, const struct intake_word *phrase) {
	if (text->hash != phrase->hash || !cl_str_eq(text->folded, phrase->folded))
		return false;
	return !text->marked || !phrase->marked || cl_str_eq(text->exact, phrase->exact);
}

static bool seen(const struct intake_words *text, uint32_t hash) {
	return (text->seen[(hash >> 6) & 63] & (1ull << (hash & 63))) != 0;
}

bool intake_words_may_hold(const struct intake_words *text, struct cl_str phrase) {
	char folded[FIRST_WORD_BYTES], exact[FIRST_WORD_BYTES];
	struct builder builder = {.folded = folded, .exact = exact};
	if (phrase.n > FIRST_WORD_BYTES)
		return true;
	for (uint32_t i = 0, used; i < phrase.n; i += used) {
		uint32_t c = next_code_point(phrase, i, &used);
		if (!add(&builder, phrase, i, used, c) && builder.folded_n > 0)
			break;
	}
	return seen(text, hash_of((struct cl_str){folded, builder.folded_n}));
}

bool intake_words_find(const struct intake_words *text, const struct intake_words *phrase) {
	for (uint32_t i = 0; i < phrase->n; i++) {
		if (!seen(text, phrase->v[i].hash))
			return false;
	}
	for (uint32_t at = 0; phrase->n > 0 && at + phrase->n <= text->n; at++) {
		uint32_t i = 0;
		while (i < phrase->n && same(&text->v[at + i], &phrase->v[i]))
			i++;
		if (i == phrase->n)
			return true;
	}
	return false;
}
