/* Text cut into words for matching Vietnamese, written with or without diacritics. cl_fold_vi folds "hỏng" and "hồng"
 * to the same "hong"; here a word keeps its marks too, so that a text that has marks is matched with them, and only a
 * text (or a rule) written without any is matched without. */
#ifndef INTAKE_WORDS_H
#define INTAKE_WORDS_H

#include "base/arena.h"

struct intake_word {
	struct cl_str folded; /* lower case, no marks, đ as d */
	struct cl_str
	        exact; /* lower case, marks of each letter, the syllable's tone at its end: where in the syllable the
	                  tone is written ("hòa", "hoà") and whether the text is composed or not makes no difference */
	uint32_t hash; /* of folded */
	bool marked;   /* has marks at all */
};

struct intake_words {
	struct intake_word *v;
	uint32_t n;
	uint64_t seen[64]; /* bit set of hashes */
};

/* Words of up to two texts, one after another; a phrase never reaches across. Lives in the arena. */
struct intake_words intake_words_of(struct cl_str a, struct cl_str b, struct cl_arena *arena);
/* False when the phrase's first word surely does not occur in the text: spares taking the phrase apart. */
bool intake_words_may_hold(const struct intake_words *text, struct cl_str phrase);
/* Does the phrase occur in the text, word by word? A phrase without words never does. */
bool intake_words_find(const struct intake_words *text, const struct intake_words *phrase);

#endif
