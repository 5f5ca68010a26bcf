/* SPDX-License-Identifier: ISC */
/* Telephone numbers, e-mail and messaging addresses of a card: which of several becomes which
 * value of the entry is known when all have been seen. */
#ifndef COMMON_VCARD_PICK_H
#define COMMON_VCARD_PICK_H

#include "common/card.h"
#include "common/vcard_line.h"

enum { VCARD_PICKS_MAX = 64, VCARD_PREF_NONE = 101 };

enum vcard_kind { VCARD_TEL, VCARD_EMAIL, VCARD_IM };
enum vcard_use { VCARD_OTHER, VCARD_WORK, VCARD_HOME, VCARD_CELL, VCARD_FAX };

struct vcard_candidate {
	enum vcard_kind kind;
	enum vcard_use use;
	long pref; /* RFC 6350 §5.3: 1 is preferred most */
	struct str value;
	bool taken;
};

struct vcard_picks {
	struct vcard_candidate v[VCARD_PICKS_MAX];
	size_t n;
};

/* How much a line is preferred: 1 most (also TYPE=PREF) ... 100, VCARD_PREF_NONE = not said. */
long vcard_pref(const struct vcard_line *l);
/* Remembers a line's value: 0, or -1 when memory ends. Those beyond the first 64 are dropped. */
int vcard_pick_add(
    struct vcard_picks *s, enum vcard_kind kind, const struct vcard_line *l, struct arena *a);
/* Fills the card's numbers and addresses. */
void vcard_pick(struct vcard_picks *s, struct card *c);

#endif
