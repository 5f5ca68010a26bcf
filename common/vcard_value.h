/* SPDX-License-Identifier: ISC */
/* Values of a vCard: what their escapes and encodings stand for. */
#ifndef COMMON_VCARD_VALUE_H
#define COMMON_VCARD_VALUE_H

#include "common/arena.h"

/* A text value: \n \N \, \; \\ are escapes, any other backslash stands for itself. {NULL, 0}
 * when memory ends. */
struct str vcard_unescape(struct str value, struct arena *a);
/* The i-th component (from 0) of a value that is split at unescaped semicolons, unescaped and
 * without blanks around it; empty when there are fewer. {NULL, 0} when memory ends. */
struct str vcard_component(struct str value, size_t i, struct arena *a);

/* An address of telephony or mail without the scheme and parameters of a URI
 * (xmpp:ada@ex.example?message is ada@ex.example); any other text as it is. {NULL, 0} when memory
 * ends. */
struct str vcard_address(struct str value, struct arena *a);
/* Quoted-printable (RFC 2045 6.7) whose soft line breaks are gone; lines end with LF. Not checked
 * for UTF-8. {NULL, 0} when memory ends. */
struct str vcard_unquote(struct str value, struct arena *a);
/* UTF-8 without control characters but for tabs and line ends. */
bool vcard_is_text(struct str s);

#endif
