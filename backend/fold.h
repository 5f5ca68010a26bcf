/* SPDX-License-Identifier: ISC */
/*
 * Text as searches compare it: without case, accents and points, in any script.
 *
 * Folding is Unicode's full case folding on the compatibility decomposition, so that ligatures,
 * full-width digits and the sharp s meet what a keyboard types. Hangul becomes its letters: a
 * syllable begun finds the finished one. Left out are accents and points (combining classes 1,
 * 10-36 and from 200, and enclosing marks), controls and what is invisible, direction marks for
 * instance. Vowel signs, the virama and the voicing marks of kana stay, they make other words.
 * The dotless i counts as i. Blanks of every kind become U+0020. Bytes that are not UTF-8 count as
 * U+FFFD each; unassigned code points stay as they are.
 */
#ifndef BACKEND_FOLD_H
#define BACKEND_FOLD_H

#include "common/arena.h"
#include "common/err.h"
#include "common/str.h"

/* A folded text is cut here, between two code points: some characters become 18. Two fields of 255
 * characters of 4 bytes and a blank between them are kept whole. */
enum { FOLD_MAX = 4096 };

/* The folded text, in the arena, trimmed of blanks at both ends, never with a NUL: 0, or -1 with
 * ERR_TOO_LARGE when the arena ends. */
int fold_text(struct arena *a, struct str s, struct str *ret, struct err *e);

/* Whether words end at this byte of a folded text: blanks, hyphens, '@', brackets, '+'. */
bool fold_is_break(char c);

/* What a search finds: of each folded text the text itself and each word of it that does not
 * begin it. Tokens that begin another one are left out, the longer one is found instead.
 * Sorted by bytes, none twice, in the arena. */
int fold_tokens(
    struct arena *a, const struct str *folded, size_t n, struct str_list *ret, struct err *e);

#endif
