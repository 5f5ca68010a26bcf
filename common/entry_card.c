/* SPDX-License-Identifier: ISC */
#include "common/entry_card.h"

#include <string.h>

/* The formatter never comes to rest on these. */
/* clang-format off */
#define FIELDS(X) \
	X(job_title) X(job_dept) X(company_name) X(assistant_name) X(location) \
	X(cell_phone_number) X(home_phone_number) X(assistant_phone_number) \
	X(fax_number) X(did_number) X(im_id) X(im_display_name) X(alternate_im_id) \
	X(email_address) X(alternate_email_address) X(avatar)
/* clang-format on */
#define ADDRESS_FIELDS(X) X(street) X(city) X(country) X(state) X(zip) X(office_designation)

static void
to_address(bool has, const struct address *a, struct card_address *ret)
{
#define TAKE(member)                        \
	if (has && REC_HAS(a, address, member)) \
		ret->member = a->member;
	ADDRESS_FIELDS(TAKE)
#undef TAKE
}

void
entry_to_card(const struct entry *e, struct card *ret)
{
	const struct entry_card *c = &e->card;

	memset(ret, 0, sizeof(*ret));
	if (REC_HAS(e, entry, first_name))
		ret->first_name = e->first_name;
	if (REC_HAS(e, entry, last_name))
		ret->last_name = e->last_name;
	if (REC_HAS(e, entry, number))
		ret->number = e->number;
	ret->has_contact = REC_HAS(e, entry, card) && c->has != 0;
	if (!ret->has_contact)
		return;
#define TAKE(member)                    \
	if (REC_HAS(c, entry_card, member)) \
		ret->member = c->member;
	FIELDS(TAKE)
#undef TAKE
	to_address(REC_HAS(c, entry_card, home_address), &c->home_address, &ret->home);
	to_address(REC_HAS(c, entry_card, office_address), &c->office_address, &ret->office);
	to_address(REC_HAS(c, entry_card, branch_address), &c->branch_address, &ret->branch);
}

static void
of_address(const struct card_address *c, struct address *ret)
{
#define TAKE(member)     \
	if (c->member.n > 0) \
		REC_SET(ret, address, member, c->member);
	ADDRESS_FIELDS(TAKE)
#undef TAKE
}

void
entry_of_card(const struct card *c, struct entry *ret)
{
	struct entry_card *card = &ret->card;

	memset(ret, 0, sizeof(*ret));
	if (c->first_name.n > 0)
		REC_SET(ret, entry, first_name, c->first_name);
	if (c->last_name.n > 0)
		REC_SET(ret, entry, last_name, c->last_name);
	if (c->number.n > 0)
		REC_SET(ret, entry, number, c->number);
	ret->has |= REC_BIT(entry, card);
#define TAKE(member)     \
	if (c->member.n > 0) \
		REC_SET(card, entry_card, member, c->member);
	FIELDS(TAKE)
#undef TAKE
	of_address(&c->home, &card->home_address);
	of_address(&c->office, &card->office_address);
	of_address(&c->branch, &card->branch_address);
	if (card->home_address.has != 0)
		card->has |= REC_BIT(entry_card, home_address);
	if (card->office_address.has != 0)
		card->has |= REC_BIT(entry_card, office_address);
	if (card->branch_address.has != 0)
		card->has |= REC_BIT(entry_card, branch_address);
}
