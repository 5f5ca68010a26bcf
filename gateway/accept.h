/* SPDX-License-Identifier: ISC */
/*
 * Which format an answer gets and in which one a document comes: the header
 * fields Accept and Content-Type. Nothing of Kore.
 */
#ifndef GATEWAY_ACCEPT_H
#define GATEWAY_ACCEPT_H

#include <stdbool.h>

#include "common/res.h"
#include "common/str.h"

enum {
	ACCEPT_MAX = 4096,     /* bytes of the field that are looked at */
	ACCEPT_RANGES_MAX = 32 /* media ranges that are looked at */
};

struct accept_choice {
	enum format format;
	bool app_xml;      /* XML under the name application/xml */
	const char *named; /* FMT_CSV, FMT_VCARD: subtype of text/ that the client named, or NULL */
};

/* The offered format (FMT_XML | FMT_JSON | FMT_CSV | FMT_VCARD | FMT_EVENTS) that the client weighs highest,
 * `first` on a tie. An empty field takes anything. application/xml is text/xml where the client
 * names it; wildcards never mean it. False when nothing offered is acceptable. */
bool accept_choose(
    struct str field, unsigned offered, enum format first, struct accept_choice *ret);

/* Whether the client takes text/plain. */
bool accept_text(struct str field);

/* Format of an error document: XML only where the client likes it better than JSON. */
enum format accept_for_error(struct str field);

/* Format of a client's document: FMT_NONE = no type that is known. Types that say nothing (none,
 * text/plain, the one of HTML forms) leave it to the first non-blank byte. */
enum format body_format(struct str content_type, struct str body);

#endif
