/* SPDX-License-Identifier: ISC */
/* What a client sees of an entry or a user in a phonebook. */
#include "backend/book.h"

static int
no_memory(struct model *m)
{
	return err_set(m->e, ERR_TOO_LARGE, NULL);
}

static int
show_entry(struct model *m, const struct directory_hit *hit, uint32_t caller, struct entry *ret)
{
	struct str id = STR_LIT("-1");
	int rc = model_get(m, &rec_entry, hit->book, hit->id, ret);

	if (rc != 1)
		return rc;
	rec_defaults(&rec_entry, ret);
	REC_UNSET(ret, entry, internal_id);
	if (hit->book == caller &&
	    (id = arena_printf(m->a, "%llu", (unsigned long long)hit->id)).p == NULL)
		return no_memory(m);
	REC_SET(ret, entry, id, id);
	return 1;
}

/* The user's site, when the user wants to be found there. */
static int
branch_address(struct model *m, const struct user *u, struct address *ret)
{
	struct branch b;
	uint32_t id;
	int rc;

	if (!REC_HAS(u, user, branch))
		return 0;
	rc = model_name(m, INDEX_BRANCH, u->branch, &id);
	if (rc == 1)
		rc = model_get(m, &rec_branch, id, 0, &b);
	if (rc == 1)
		*ret = b.address;
	return rc < 0 ? -1 : 0;
}

#define COPY(member)                                      \
	do {                                                  \
		if (REC_HAS(c, contact, member))                  \
			REC_SET(card, entry_card, member, c->member); \
	} while (0)

static void
copy_card(const struct contact *c, struct entry_card *card)
{
	COPY(job_title);
	COPY(job_dept);
	COPY(company_name);
	COPY(assistant_name);
	COPY(location);
	COPY(cell_phone_number);
	COPY(home_phone_number);
	COPY(assistant_phone_number);
	COPY(fax_number);
	COPY(alternate_im_id);
	COPY(email_address);
	COPY(alternate_email_address);
	/* Of users both are always there, empty or not. */
	REC_SET(card, entry_card, home_address, c->home_address);
	REC_SET(card, entry_card, office_address, c->office_address);
}

static int
show_names(struct model *m, const struct user *u, const struct contact *c, struct entry_card *card)
{
	bool first = REC_HAS(u, user, first_name), last = REC_HAS(u, user, last_name);
	struct settings s;
	struct str name = arena_printf(m->a, "%.*s %.*s", first ? (int)u->first_name.n : 0,
	    first ? u->first_name.p : "", last ? (int)u->last_name.n : 0, last ? u->last_name.p : "");

	if (name.p == NULL)
		return no_memory(m);
	name = str_trim(name);
	if (REC_HAS(u, user, im_id))
		REC_SET(card, entry_card, im_id, u->im_id);
	if (name.n == 0 && REC_HAS(u, user, im_id))
		name = u->im_id;
	if (name.n > 0)
		REC_SET(card, entry_card, im_display_name, name);
	/* As the card itself: a picture has an address once the card was saved. */
	if (c->timestamp == 0)
		return 0;
	if (model_settings(m, &s) != 0)
		return -1;
	REC_SET(card, entry_card, avatar,
	    arena_printf(m->a, "https://%.*s/sipxconfig/rest/avatar/%.*s", (int)s.fqdn.n, s.fqdn.p,
	        (int)u->user_name.n, u->user_name.p));
	return card->avatar.p != NULL ? 0 : no_memory(m);
}

static int
show_user(struct model *m, const struct directory_hit *hit, struct entry *ret)
{
	uint32_t id = (uint32_t)hit->id;
	struct contact c;
	struct user u;
	int rc = model_get(m, &rec_user, id, 0, &u);

	if (rc != 1)
		return rc;
	if (model_get(m, &rec_contact, id, 0, &c) < 0)
		return -1;
	rec_defaults(&rec_contact, &c);
	if (c.use_branch_address && branch_address(m, &u, &c.office_address) != 0)
		return -1;
	*ret = (struct entry){0};
	REC_SET(ret, entry, id, STR_LIT("-1"));
	if (REC_HAS(&u, user, first_name))
		REC_SET(ret, entry, first_name, u.first_name);
	if (REC_HAS(&u, user, last_name))
		REC_SET(ret, entry, last_name, u.last_name);
	REC_SET(ret, entry, number, u.user_name);
	ret->has |= REC_BIT(entry, card);
	copy_card(&c, &ret->card);
	return show_names(m, &u, &c, &ret->card) != 0 ? -1 : 1;
}

int
book_show(struct model *m, const struct directory_hit *hit, uint32_t caller, struct entry *ret)
{
	return hit->kind == DIRECTORY_USER ? show_user(m, hit, ret) : show_entry(m, hit, caller, ret);
}
