/* SPDX-License-Identifier: ISC */
/*
 * Numbers and addresses that people give to be called, as SIP addresses for a switch. What comes
 * out has letters, digits and "._+*~!-" in its user part and a plain host, and so nothing that is a
 * separator, a parameter, a header, an escape or a variable to any switch.
 */
#ifndef BACKEND_DIAL_H
#define BACKEND_DIAL_H

#include "common/arena.h"
#include "common/err.h"
#include "common/records.h"
#include "common/str.h"

/* The domain of numbers and of users that have none: the first of the setting sipDomains, or else
 * the realm. Points into the settings. */
struct str dial_domain(const struct settings *s);
/* "sip:user@host" in the arena. Without '@' the characters that people write into numbers are
 * passed over, and the host is `domain`. 0, or -1 with ERR_INVALID. */
int dial_read(struct str text, struct str domain, struct str *ret, struct arena *a, struct err *e);
/* The same of a user's name in a domain; ERR_INTERNAL when that is none. */
int dial_join(struct str user, struct str host, struct str *ret, struct arena *a, struct err *e);

#endif
