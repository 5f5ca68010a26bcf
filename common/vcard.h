/* SPDX-License-Identifier: ISC */
/*
 * vCards (RFC 6350, RFC 2426, and vCard 2.1 where it does no harm) as entries of a phonebook.
 * docs/vcard.md says which subset is understood and what becomes of it.
 */
#ifndef COMMON_VCARD_H
#define COMMON_VCARD_H

#include "common/card.h"
#include "common/vcard_line.h"

struct vcard_reader {
	struct vcard_text text;
	size_t line; /* where the card that was just read, or refused, begins */
};

/* Starts with a text of any number of cards, which must outlive what is read from it. */
void vcard_open(struct vcard_reader *v, struct str text);

/* The next card: 1 with *ret (its texts are in the arena or in the text), 0 behind the last, or
 * -1 with ERR_MALFORMED and "line N: …", or ERR_TOO_LARGE when the arena is full. The call after
 * a refused card goes on with the one behind it. */
int vcard_next(struct vcard_reader *v, struct card *ret, struct arena *a, struct err *e);

#endif
