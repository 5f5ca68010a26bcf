/* SPDX-License-Identifier: ISC */
/*
 * A counted string that owns nothing: it points into a message, an arena or a
 * literal. Not NUL-terminated. Everything that came from outside travels as
 * one of these, so that a length is never guessed from the bytes.
 */
#ifndef COMMON_STR_H
#define COMMON_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *p;
	size_t n;
};

struct str_list {
	struct str *v;
	size_t n;
};

struct int_list {
	int64_t *v;
	size_t n;
};

/* A string literal as a struct str. */
#define STR_LIT(s) ((struct str){(s), sizeof(s) - 1})

/* A NUL-terminated string (NULL gives the empty string). */
struct str str_c(const char *s);

bool str_eq(struct str a, struct str b);
bool str_eqc(struct str a, const char *s);
/* ASCII case is ignored; bytes above 0x7f compare as they are. */
bool str_caseeqc(struct str a, const char *s);
/* Unsigned byte order, shorter first on a tie: < 0, 0, > 0. */
int str_cmp(struct str a, struct str b);
bool str_starts(struct str s, const char *prefix);
/* Without blanks, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);

/* Splits at the first `sep`: *head is what stands before it, *rest what follows.
 * False (and *head = s, *rest empty) when there is none. */
bool str_cut(struct str s, char sep, struct str *head, struct str *rest);

/* Decimal integer, optional '-', no blanks, nothing else, no overflow. */
bool str_to_i64(struct str s, int64_t *ret);

/* Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates) without NUL. */
bool str_is_utf8(struct str s);

/* Compares in time that depends on the lengths alone (for secrets). */
bool str_eq_secret(struct str a, struct str b);

#endif
