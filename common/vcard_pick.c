/* SPDX-License-Identifier: ISC */
#include "common/vcard_pick.h"

#include "common/vcard_value.h"

long
vcard_pref(const struct vcard_line *l)
{
	int64_t n;

	if (vcard_line_type(l, "PREF"))
		return 1;
	return str_to_i64(vcard_line_param(l, "PREF"), &n) && n >= 1 && n < VCARD_PREF_NONE
	    ? (long)n
	    : VCARD_PREF_NONE;
}

static enum vcard_use
use_of(enum vcard_kind kind, const struct vcard_line *l)
{
	if (kind == VCARD_TEL && vcard_line_type(l, "FAX"))
		return VCARD_FAX;
	if (kind == VCARD_TEL && vcard_line_type(l, "CELL"))
		return VCARD_CELL;
	if (vcard_line_type(l, "HOME") || (kind == VCARD_IM && vcard_line_type(l, "PERSONAL")))
		return VCARD_HOME;
	return vcard_line_type(l, "WORK") ? VCARD_WORK : VCARD_OTHER;
}

/* An empty preferred e-mail takes its place: exports write empty values, and what they wrote as
 * the other address must not become the first. */
int
vcard_pick_add(
    struct vcard_picks *s, enum vcard_kind kind, const struct vcard_line *l, struct arena *a)
{
	struct str value = str_trim(vcard_unescape(l->value, a));
	long pref = vcard_pref(l);

	if (value.p != NULL)
		value = str_trim(vcard_address(value, a));
	if (value.p == NULL)
		return -1;
	if (value.n == 0 && !(kind == VCARD_EMAIL && pref < VCARD_PREF_NONE))
		return 0;
	/* The rest of so long a list could not be shown anyway. */
	if (s->n < VCARD_PICKS_MAX)
		s->v[s->n++] = (struct vcard_candidate){
		    .kind = kind, .use = use_of(kind, l), .pref = pref, .value = value};
	return 0;
}

static bool
is_better(const struct vcard_candidate *x, const struct vcard_candidate *y)
{
	if (x->pref != y->pref)
		return x->pref < y->pref;
	return x->use == VCARD_WORK && y->use != VCARD_WORK;
}

/* Takes the best of a kind whose use is among `uses` (bits); empty when there is none left. */
static struct str
take(struct vcard_picks *s, enum vcard_kind kind, unsigned uses)
{
	struct vcard_candidate *best = NULL;

	for (size_t i = 0; i < s->n; i++) {
		struct vcard_candidate *c = &s->v[i];

		if (c->kind != kind || c->taken || (uses & 1u << c->use) == 0)
			continue;
		if (best == NULL || is_better(c, best))
			best = c;
	}
	if (best == NULL)
		return STR_LIT("");
	best->taken = true;
	return best->value;
}

/* The cell or home phone that comes first, when no other number was given. */
static struct str
number_of(struct vcard_picks *s)
{
	struct str number = take(s, VCARD_TEL, 1u << VCARD_OTHER | 1u << VCARD_WORK);

	return number.n > 0 ? number : take(s, VCARD_TEL, 1u << VCARD_CELL | 1u << VCARD_HOME);
}

void
vcard_pick(struct vcard_picks *s, struct card *c)
{
	unsigned work = 1u << VCARD_OTHER | 1u << VCARD_WORK, home = 1u << VCARD_HOME;

	c->number = number_of(s);
	for (size_t i = 0; i < s->n; i++)
		s->v[i].taken = false;
	c->cell_phone_number = take(s, VCARD_TEL, 1u << VCARD_CELL);
	c->home_phone_number = take(s, VCARD_TEL, home);
	c->fax_number = take(s, VCARD_TEL, 1u << VCARD_FAX);
	c->email_address = take(s, VCARD_EMAIL, work);
	c->alternate_email_address = take(s, VCARD_EMAIL, home);
	if (c->alternate_email_address.n == 0)
		c->alternate_email_address = take(s, VCARD_EMAIL, work);
	c->im_id = take(s, VCARD_IM, work);
	c->alternate_im_id = take(s, VCARD_IM, home);
	if (c->alternate_im_id.n == 0)
		c->alternate_im_id = take(s, VCARD_IM, work);
}
