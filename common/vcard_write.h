/* SPDX-License-Identifier: ISC */
/* The vCard 3.0 export of a phonebook (RFC 2426) as the legacy server writes it: lines ended by
 * LF, empty values included, an empty line behind each card. Texts are escaped and lines folded
 * at 75 bytes, never within a character, which the legacy server left undone. */
#ifndef COMMON_VCARD_WRITE_H
#define COMMON_VCARD_WRITE_H

#include "common/buf.h"
#include "common/card.h"

void vcard_write(struct buf *out, const struct card *c);

#endif
