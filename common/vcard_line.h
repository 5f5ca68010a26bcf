/* SPDX-License-Identifier: ISC */
/*
 * The lines of a vCard (RFC 6350 §3, RFC 2426): unfolded, with group, name,
 * parameters and value taken apart. Nothing here knows what a name means.
 */
#ifndef COMMON_VCARD_LINE_H
#define COMMON_VCARD_LINE_H

#include "common/arena.h"
#include "common/err.h"

enum {
	VCARD_PARAMS_MAX = 32,
	VCARD_LINE_MAX = 4 * 1024 * 1024 /* bytes of one unfolded line: pictures are long */
};

/* A text of one or more cards, and how far it has been read. */
struct vcard_text {
	struct str rest;
	size_t line; /* number of the last line taken, from 1 */
};

/* A list of values makes a parameter each; a bare value of vCard 2.1 is one of TYPE. */
struct vcard_param {
	struct str name, value;
};

struct vcard_line {
	struct str name, value; /* without its group; not yet unescaped */
	struct vcard_param params[VCARD_PARAMS_MAX];
	size_t param_count;
	size_t line; /* the first, when it was folded */
};

/* The next line that is not empty: 1, 0 at the end, or -1 with "line N: …". What had to be put
 * together is in the arena, the rest points into the text. */
int vcard_line_next(struct vcard_text *t, struct vcard_line *ret, struct arena *a, struct err *e);
/* Passes over lines until the next BEGIN:VCARD, or behind the next END:VCARD. */
void vcard_line_skip_card(struct vcard_text *t);
/* Passes over one line. */
void vcard_line_skip_line(struct vcard_text *t);

/* Whether the line has TYPE=value (in a list, quoted or bare), whatever the case. */
bool vcard_line_type(const struct vcard_line *l, const char *value);
/* The parameter's first value; empty when there is none. */
struct str vcard_line_param(const struct vcard_line *l, const char *name);

#endif
