/* SPDX-License-Identifier: ISC */
/*
 * The contact card. Names are the account's and change with it; what depends on
 * the account, its branch and the system is worked out for each answer.
 */
#include "backend/hooks.h"

#include <string.h>

static int
no_memory(struct call *c)
{
	return err_set(c->m.e, ERR_TOO_LARGE, NULL);
}

static int
load(struct call *c, void *obj)
{
	struct contact *card = obj;
	const struct user *u = &c->who->user;

	if (model_get(&c->m, &rec_contact, c->who->id, 0, card) < 0)
		return -1;
	card->has &= ~(REC_BIT(contact, first_name) | REC_BIT(contact, last_name));
	if (REC_HAS(u, user, first_name))
		REC_SET(card, contact, first_name, u->first_name);
	if (REC_HAS(u, user, last_name))
		REC_SET(card, contact, last_name, u->last_name);
	return 0;
}

/* 1 = the user has a branch, and *b is it. */
static int
branch_of(struct call *c, struct branch *b)
{
	uint32_t id;
	int rc;

	if (!REC_HAS(&c->who->user, user, branch))
		return 0;
	rc = model_name(&c->m, INDEX_BRANCH, c->who->user.branch, &id);
	return rc == 1 ? model_get(&c->m, &rec_branch, id, 0, b) : rc;
}

static int
lower(struct call *c, struct str *s)
{
	*s = arena_lower(c->m.a, *s);
	return s->p != NULL ? 0 : no_memory(c);
}

static int
check(struct call *c, uint64_t id, const void *old, void *obj)
{
	struct contact *card = obj;
	struct branch b;
	int has_branch = branch_of(c, &b);

	(void)id;
	(void)old;
	if (has_branch < 0)
		return -1;
	if (has_branch == 0)
		card->use_branch_address = false;
	if ((REC_HAS(card, contact, email_address) && lower(c, &card->email_address) != 0) ||
	    (REC_HAS(card, contact, alternate_email_address) &&
	        lower(c, &card->alternate_email_address) != 0))
		return -1;
	card->first_name = str_trim(card->first_name);
	card->last_name = str_trim(card->last_name);
	REC_SET(card, contact, timestamp, c->now_ms);
	return 0;
}

static int
save(struct call *c, const void *obj)
{
	const struct contact *card = obj;
	struct contact stored = *card;
	struct user u = c->who->user;

	u.has &= ~(REC_BIT(user, first_name) | REC_BIT(user, last_name));
	if (REC_HAS(card, contact, first_name))
		REC_SET(&u, user, first_name, card->first_name);
	if (REC_HAS(card, contact, last_name))
		REC_SET(&u, user, last_name, card->last_name);
	REC_UNSET(&stored, contact, first_name);
	REC_UNSET(&stored, contact, last_name);
	return model_put(&c->m, &rec_user, c->who->id, 0, &u) != 0 ||
	        model_put(&c->m, &rec_contact, c->who->id, 0, &stored) != 0
	    ? -1
	    : 0;
}

/* "First Last", else the messaging id. */
static int
display_name(struct call *c, struct contact *card)
{
	const struct user *u = &c->who->user;
	bool first = REC_HAS(card, contact, first_name), last = REC_HAS(card, contact, last_name);
	struct str name = arena_printf(c->m.a, "%.*s %.*s", first ? (int)card->first_name.n : 0,
	    first ? card->first_name.p : "", last ? (int)card->last_name.n : 0,
	    last ? card->last_name.p : "");

	if (name.p == NULL)
		return no_memory(c);
	name = str_trim(name);
	if (name.n == 0 && REC_HAS(u, user, im_id))
		name = u->im_id;
	if (name.n > 0)
		REC_SET(card, contact, im_display_name, name);
	return 0;
}

static int
show_branch(struct call *c, struct contact *card)
{
	struct branch b = {0};
	int has_branch = branch_of(c, &b);

	if (has_branch < 0)
		return -1;
	REC_SET(card, contact, branch_address, b.address);
	if (has_branch == 1) {
		REC_SET(card, contact, branch_name, b.name);
		if (card->use_branch_address)
			REC_SET(card, contact, office_address, b.address);
	} else if (card->timestamp > 0) {
		/* What the legacy server shows once a card has been saved. */
		REC_SET(card, contact, branch_name, STR_LIT(""));
	}
	return 0;
}

static int
show(struct call *c, void *obj)
{
	struct contact *card = obj;
	const struct user *u = &c->who->user;
	struct settings s;

	if (show_branch(c, card) != 0 || display_name(c, card) != 0 || model_settings(&c->m, &s) != 0)
		return -1;
	if (!u->im_enabled)
		REC_SET(card, contact, im_id, STR_LIT(""));
	else if (REC_HAS(u, user, im_id))
		REC_SET(card, contact, im_id, u->im_id);
	if (card->timestamp > 0) {
		struct str url = arena_printf(c->m.a, "https://%.*s/sipxconfig/rest/avatar/%.*s",
		    (int)s.fqdn.n, s.fqdn.p, (int)u->user_name.n, u->user_name.p);

		if (url.p == NULL)
			return no_memory(c);
		REC_SET(card, contact, avatar, url);
	}
	return 0;
}

const struct hooks hooks_contact = {.load = load, .check = check, .save = save, .show = show};
