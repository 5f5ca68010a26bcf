/* SPDX-License-Identifier: ISC */
#include "common/vcard.h"

#include "common/vcard_pick.h"
#include "common/vcard_value.h"

enum { AGENT_DEPTH = 1 };

struct scan {
	struct card *card;
	struct arena *a;
	struct err *e;
	struct vcard_picks picks;
	struct str fn;
	long pref_home, pref_office;
	bool version, agent_follows;
	int depth;
};

static int read_body(struct vcard_text *t, struct scan *s);

static int
full(struct scan *s)
{
	return err_set(s->e, ERR_TOO_LARGE, NULL);
}

/* Without N the formatted name must do: its last word is the family name. */
static void
use_formatted_name(struct scan *s)
{
	struct card *c = s->card;
	size_t at = s->fn.n;

	if (c->first_name.n > 0 || c->last_name.n > 0)
		return;
	while (at > 0 && str_trim((struct str){s->fn.p + at - 1, 1}).n > 0)
		at--;
	c->last_name = (struct str){s->fn.p + at, s->fn.n - at};
	c->first_name = str_trim((struct str){s->fn.p, at});
}

/* Fills *to with the component, unless an earlier line has. */
static int
component(struct scan *s, const struct vcard_line *l, size_t i, struct str *to)
{
	struct str part = vcard_component(l->value, i, s->a);

	if (part.p == NULL)
		return full(s);
	if (to->n == 0)
		*to = part;
	return 0;
}

static int
text(struct scan *s, const struct vcard_line *l, struct str *to)
{
	struct str value = str_trim(vcard_unescape(l->value, s->a));

	if (value.p == NULL)
		return full(s);
	if (to->n == 0)
		*to = value;
	return 0;
}

static int
read_address(struct scan *s, const struct vcard_line *l)
{
	bool home = vcard_line_type(l, "HOME");
	struct card_address *to = home ? &s->card->home : &s->card->office;
	long *best = home ? &s->pref_home : &s->pref_office, pref = vcard_pref(l);
	struct card_address got = {.street = STR_LIT("")};

	if (pref >= *best)
		return 0;
	if (component(s, l, 2, &got.street) != 0 || component(s, l, 3, &got.city) != 0 ||
	    component(s, l, 4, &got.state) != 0 || component(s, l, 5, &got.zip) != 0 ||
	    component(s, l, 6, &got.country) != 0)
		return -1;
	/* Legacy exports put the office's designation where the post office box would stand; in
	 * other cards suite and floor are in the extended address. */
	if (!home &&
	    (component(s, l, 0, &got.office_designation) != 0 ||
	        component(s, l, 1, &got.office_designation) != 0))
		return -1;
	*best = pref;
	*to = got;
	return 0;
}

/* The card of the assistant, within the other one. */
static int
read_inner_card(struct vcard_text *t, struct scan *s)
{
	struct card inner = {.has_contact = true};
	struct scan *scan = arena_alloc(s->a, sizeof(*scan));

	if (scan == NULL)
		return full(s);
	*scan = (struct scan){.card = &inner, .a = s->a, .e = s->e, .depth = s->depth + 1};
	if (read_body(t, scan) != 0)
		return -1;
	if (scan->fn.n == 0)
		scan->fn = str_trim(arena_printf(s->a, "%.*s %.*s", (int)inner.first_name.n,
		    inner.first_name.p, (int)inner.last_name.n, inner.last_name.p));
	s->card->assistant_name = scan->fn;
	s->card->assistant_phone_number = inner.number;
	s->agent_follows = false;
	return scan->fn.p == NULL ? full(s) : 0;
}

/* vCard 3.0 has a card as an escaped text, or a URI; in vCard 2.1 its lines follow. */
static int
read_agent(struct scan *s, const struct vcard_line *l)
{
	struct vcard_text t = {.line = l->line};
	struct str first;

	t.rest = vcard_unescape(l->value, s->a);
	if (t.rest.p == NULL)
		return full(s);
	str_cut(t.rest, '\n', &first, &t.rest);
	s->agent_follows = str_trim(l->value).n == 0;
	if (s->depth >= AGENT_DEPTH || !str_caseeqc(str_trim(first), "BEGIN:VCARD"))
		return 0;
	if (read_inner_card(&t, s) == 0)
		return 0;
	return err_set(s->e, s->e->code, "line %zu: the AGENT is no proper card", l->line);
}

static int
read_name(struct scan *s, const struct vcard_line *l)
{
	struct card *c = s->card;

	if (c->first_name.n > 0 || c->last_name.n > 0)
		return 0;
	return component(s, l, 0, &c->last_name) != 0 ? -1 : component(s, l, 1, &c->first_name);
}

static int
read_org(struct scan *s, const struct vcard_line *l)
{
	struct card *c = s->card;

	if (c->company_name.n > 0 || c->job_dept.n > 0)
		return 0;
	return component(s, l, 0, &c->company_name) != 0 ? -1 : component(s, l, 1, &c->job_dept);
}

static int
read_version(struct scan *s, const struct vcard_line *l)
{
	struct str v = str_trim(l->value);

	if (!str_eqc(v, "2.1") && !str_eqc(v, "3.0") && !str_eqc(v, "4.0"))
		return err_set(s->e, ERR_MALFORMED,
		    "line %zu: this version of vCard is not known (2.1, 3.0 and 4.0 are)", l->line);
	s->version = true;
	return 0;
}

/* Of vCard 2.1: a value in an encoding becomes what it stands for. */
static int
decode(struct scan *s, struct vcard_line *l)
{
	struct str charset = vcard_line_param(l, "CHARSET");

	if (charset.n > 0 && !str_caseeqc(charset, "UTF-8") && !str_caseeqc(charset, "US-ASCII"))
		return err_set(
		    s->e, ERR_MALFORMED, "line %zu: only the character set UTF-8 is read", l->line);
	if (!str_caseeqc(vcard_line_param(l, "ENCODING"), "QUOTED-PRINTABLE") &&
	    !vcard_line_type(l, "QUOTED-PRINTABLE"))
		return 0;
	l->value = vcard_unquote(l->value, s->a);
	if (l->value.p == NULL)
		return full(s);
	if (!vcard_is_text(l->value))
		return err_set(s->e, ERR_MALFORMED, "line %zu: is not UTF-8 text", l->line);
	return 0;
}

static int
read_uid(struct scan *s, const struct vcard_line *l)
{
	return text(s, l, &s->card->uid);
}

static int
read_title(struct scan *s, const struct vcard_line *l)
{
	return text(s, l, &s->card->job_title);
}

static int
read_fn(struct scan *s, const struct vcard_line *l)
{
	return text(s, l, &s->fn);
}

static int
read_tel(struct scan *s, const struct vcard_line *l)
{
	return vcard_pick_add(&s->picks, VCARD_TEL, l, s->a) != 0 ? full(s) : 0;
}

static int
read_email(struct scan *s, const struct vcard_line *l)
{
	return vcard_pick_add(&s->picks, VCARD_EMAIL, l, s->a) != 0 ? full(s) : 0;
}

static int
read_im(struct scan *s, const struct vcard_line *l)
{
	return vcard_pick_add(&s->picks, VCARD_IM, l, s->a) != 0 ? full(s) : 0;
}

static const struct {
	const char *name;
	int (*read)(struct scan *, const struct vcard_line *);
} properties[] = {
    {"VERSION", read_version},
    {"N", read_name},
    {"FN", read_fn},
    {"TEL", read_tel},
    {"EMAIL", read_email},
    {"IMPP", read_im},
    {"X-JABBER", read_im},
    {"ADR", read_address},
    {"ORG", read_org},
    {"TITLE", read_title},
    {"UID", read_uid},
    {"AGENT", read_agent},
};

static int
read_property(struct scan *s, struct vcard_line *l)
{
	for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
		if (str_caseeqc(l->name, properties[i].name))
			return decode(s, l) != 0 ? -1 : properties[i].read(s, l);
	return 0;
}

static bool
is_mark(const struct vcard_line *l, const char *name)
{
	return str_caseeqc(l->name, name) && str_caseeqc(str_trim(l->value), "VCARD");
}

/* What stands behind BEGIN:VCARD, its end included. */
static int
read_body(struct vcard_text *t, struct scan *s)
{
	struct vcard_line *l = arena_alloc(s->a, sizeof(*l));
	int rc;

	if (l == NULL)
		return full(s);
	s->fn = STR_LIT("");
	s->pref_home = s->pref_office = VCARD_PREF_NONE + 1;
	for (;;) {
		struct vcard_text before = *t;

		if ((rc = vcard_line_next(t, l, s->a, s->e)) < 0)
			return -1;
		if (rc == 0)
			return err_set(s->e, ERR_MALFORMED, "line %zu: END:VCARD is missing", t->line);
		if (is_mark(l, "END"))
			break;
		if (!is_mark(l, "BEGIN")) {
			if (read_property(s, l) != 0)
				return -1;
		} else if (s->agent_follows && s->depth < AGENT_DEPTH) {
			if (read_inner_card(t, s) != 0)
				return -1;
		} else {
			/* Most likely the one before has no end: this one can still be read. */
			*t = before;
			return err_set(
			    s->e, ERR_MALFORMED, "line %zu: END:VCARD is missing before it", l->line);
		}
	}
	vcard_pick(&s->picks, s->card);
	use_formatted_name(s);
	return 0;
}

void
vcard_open(struct vcard_reader *v, struct str text)
{
	if (str_starts(text, "\xef\xbb\xbf"))
		text = (struct str){text.p + 3, text.n - 3};
	*v = (struct vcard_reader){.text = {.rest = text}};
}

static int
read_card(struct vcard_reader *v, struct card *ret, struct arena *a, struct err *e)
{
	struct scan *s = arena_alloc(a, sizeof(*s));
	struct vcard_line *l = arena_alloc(a, sizeof(*l));
	int rc;

	if (s == NULL || l == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	rc = vcard_line_next(&v->text, l, a, e);
	v->line = l->line;
	if (rc < 1)
		return rc;
	if (!is_mark(l, "BEGIN"))
		return err_set(e, ERR_MALFORMED, "line %zu: a card begins with BEGIN:VCARD", l->line);
	*s = (struct scan){.card = ret, .a = a, .e = e};
	if (read_body(&v->text, s) != 0)
		return -1;
	if (!s->version)
		return err_set(e, ERR_MALFORMED, "line %zu: the card has no VERSION", l->line);
	return 1;
}

int
vcard_next(struct vcard_reader *v, struct card *ret, struct arena *a, struct err *e)
{
	size_t left = v->text.rest.n;
	int rc;

	*ret = (struct card){.has_contact = true};
	v->line = v->text.line + 1;
	if (left == 0)
		return 0;
	rc = read_card(v, ret, a, e);
	if (rc < 0) {
		/* Nothing taken for want of memory: the same again would not end. */
		if (v->text.rest.n == left)
			vcard_line_skip_line(&v->text);
		if (v->text.rest.n > 0)
			vcard_line_skip_card(&v->text);
	}
	return rc;
}
