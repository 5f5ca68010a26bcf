/* SPDX-License-Identifier: ISC */
/* vCards in documents: the backend links no text formats, so it gets the entry that one means. */
#ifndef GATEWAY_CARD_BODY_H
#define GATEWAY_CARD_BODY_H

#include "common/records.h"

/* Puts the entry of doc->vcard in its place: 0, or -1 with ERR_MALFORMED and the field's path. */
int card_body(struct card_sync *doc, struct arena *a, struct err *e);

#endif
