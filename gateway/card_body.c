/* SPDX-License-Identifier: ISC */
#include "gateway/card_body.h"

#include "common/entry_card.h"
#include "common/vcard.h"

int
card_body(struct card_sync *doc, struct arena *a, struct err *e)
{
	struct vcard_reader reader;
	struct card card;
	int rc;

	/* Whatever the client calls an entry, only the vCard is one. */
	REC_UNSET(doc, card_sync, entry);
	err_push(e, rec_card_sync.f[card_sync_F_vcard].tag);
	if (!REC_HAS(doc, card_sync, vcard))
		return err_set(e, ERR_MALFORMED, "a vCard is needed");
	vcard_open(&reader, doc->vcard);
	rc = vcard_next(&reader, &card, a, e);
	if (rc == 0)
		return err_set(e, ERR_MALFORMED, "a vCard is needed");
	if (rc < 0)
		return -1;
	err_pop(e);
	entry_of_card(&card, &doc->entry);
	doc->has |= REC_BIT(card_sync, entry);
	/* The text has done its work. */
	REC_UNSET(doc, card_sync, vcard);
	return 0;
}
