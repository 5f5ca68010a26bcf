/* SPDX-License-Identifier: ISC */
/* The terminal: asking for a password, and keeping strange bytes away from it. */
#ifndef CTL_TERM_H
#define CTL_TERM_H

#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

enum { TERM_PASSWORD_MAX = 4096, TERM_TIME = 32 };

/* A secret, in memory of its own that the caller wipes. */
struct password {
	char bytes[TERM_PASSWORD_MAX];
	size_t n;
};

/* Asks on the terminal of standard input, twice, without echo: 0 or -1. */
int term_password(struct password *p, const char *user, struct err *e);
/* Reads one line of standard input without asking: 0 or -1. */
int term_password_line(struct password *p, struct err *e);

/* Appends a text so that a terminal shows it and obeys nothing in it: control characters, those
 * that turn the direction of writing, and bytes that are no UTF-8 become \uXXXX or \xXX. JSON
 * remains JSON with the same meaning. */
void term_text(struct buf *out, struct str s);
/* The same, filled up with blanks to `width` characters. */
void term_cell(struct buf *out, struct str s, size_t width);
/* Seconds since 1970 as RFC 3339 has them, in UTC: `ret`, which is "?" for a year beyond its four
 * digits. */
const char *term_time(int64_t s, char ret[TERM_TIME]);

#endif
