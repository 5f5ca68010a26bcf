/* SPDX-License-Identifier: ISC */
/*
 * The user's calls that have ended, in pages. A cursor says behind which of the user's own rows a
 * page begins, and nothing else: whoever makes one up sees no more than with the ones that are
 * handed out. Filters are looked at row by row, so a page ends early when many rows do not fit.
 */
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "backend/cdr.h"
#include "backend/hooks.h"
#include "backend/list.h"
#include "backend/call_show.h"
#include "backend/when.h"
#include "backend/zone.h"
#include "common/sink.h"
#include "common/sipaddr.h"

enum {
	LIMIT = 50,
	LIMIT_MAX = 200,
	LOOKED_AT = 5000, /* rows for one page: the reader has others to serve */
	TIME_MAX = 40,
	PARTY_MAX = 128,
	CURSOR_BYTES = 1 + CDR_PLACE,
	NEXT_MAX = 1024
};

#define CURSOR_VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

struct page {
	struct call *c;
	int64_t limit, n, looked_at;
	int direction; /* -1 = both */
	struct str party;
	struct zone *zone; /* NULL = UTC */
	struct cdr_place last;
	bool more, failed;
};

/* --- what is asked for --------------------------------------------------------- */

static int
refuse(struct call *c, const char *name, const char *what)
{
	return err_set(c->m.e, ERR_BAD_REQUEST, "%s %s", name, what);
}

/* The text of a parameter, empty when absent. */
static int
text_of(struct call *c, const char *name, size_t max, struct str *ret)
{
	const struct query *q = call_query(c, name);

	*ret = (struct str){"", 0};
	if (q == NULL)
		return 0;
	if (!REC_HAS(q, query, value) || q->value.n == 0)
		return refuse(c, name, "has no value");
	if (q->value.n > max)
		return refuse(c, name, "is too long");
	*ret = q->value;
	return 0;
}

static int
time_of(struct call *c, const char *name, int64_t *ret)
{
	struct str text;

	if (text_of(c, name, TIME_MAX, &text) != 0)
		return -1;
	return text.n == 0 || when_read(text, ret)
	    ? 0
	    : refuse(c, name, "must be a time of RFC 3339, such as 2024-05-16T10:42:43Z");
}

static int
direction_of(struct call *c, int *ret)
{
	struct str text;

	*ret = -1;
	if (text_of(c, "direction", TIME_MAX, &text) != 0)
		return -1;
	for (size_t i = 0; text.n > 0 && i < enum_call_direction.n; i++)
		if (str_eqc(text, enum_call_direction.v[i].text))
			*ret = enum_call_direction.v[i].value;
	return text.n == 0 || *ret >= 0 ? 0 : refuse(c, "direction", "must be incoming or outgoing");
}

static int
order_of(struct call *c, bool *oldest_first)
{
	struct str text;

	if (text_of(c, "sort", TIME_MAX, &text) != 0)
		return -1;
	*oldest_first = str_eqc(text, "start");
	return text.n == 0 || *oldest_first || str_eqc(text, "-start")
	    ? 0
	    : refuse(c, "sort", "must be start or -start");
}

static int
zone_of(struct call *c, struct zone **ret)
{
	struct str text;

	*ret = NULL;
	if (text_of(c, "tz", ZONE_NAME_MAX, &text) != 0)
		return -1;
	if (text.n == 0 || str_eqc(text, "UTC"))
		return 0;
	*ret = zone_open(text);
	return *ret != NULL ? 0 : refuse(c, "tz", "names no time zone");
}

static int
cursor_of(struct call *c, struct cdr_query *q)
{
	unsigned char bytes[CURSOR_BYTES];
	struct str text;
	size_t n = 0;
	const char *end = NULL;

	if (text_of(c, "cursor", 2 * CURSOR_BYTES, &text) != 0 || text.n == 0)
		return text.n == 0 ? 0 : -1;
	if (sodium_base642bin(bytes, sizeof(bytes), text.p, text.n, NULL, &n, &end, CURSOR_VARIANT) !=
	        0 ||
	    n != sizeof(bytes) || end != text.p + text.n)
		return refuse(c, "cursor", "is none of this resource's");
	memcpy(q->after.bytes, bytes + 1, CDR_PLACE);
	q->resumes = true;
	if (bytes[0] != 1 + q->oldest_first || !cdr_place_is_valid(&q->after))
		return refuse(c, "cursor", "is none of this order's");
	return 0;
}

static int
read_query(struct call *c, struct cdr_query *q, struct page *p)
{
	q->user = c->who->id;
	q->to = INT64_MAX;
	p->limit = LIMIT;
	return call_query_number(c, "limit", 1, LIMIT_MAX, &p->limit) != 0 ||
	        time_of(c, "from", &q->from) != 0 || time_of(c, "to", &q->to) != 0 ||
	        direction_of(c, &p->direction) != 0 || text_of(c, "party", PARTY_MAX, &p->party) != 0 ||
	        order_of(c, &q->oldest_first) != 0 || cursor_of(c, q) != 0 || zone_of(c, &p->zone) != 0
	    ? -1
	    : 0;
}

/* --- which calls --------------------------------------------------------------- */

static bool
same(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

/* Whether an address is the one asked for: its user part, or user@host. */
static bool
is_at(struct str party, bool has, struct str address)
{
	struct str user, host;
	struct sipaddr s;

	if (!has)
		return false;
	sipaddr_read(&s, address);
	if (!str_cut(party, '@', &user, &host))
		return same(party, s.user);
	return same(user, s.user) && same(host, s.host);
}

static bool
fits(const struct page *p, const struct call_record *r)
{
	const struct cdr *c = &r->cdr;

	/* Who calls the own number is on both sides. */
	if (p->direction == call_direction_INCOMING ? !r->called : p->direction >= 0 && !r->calls)
		return false;
	if (p->party.n == 0)
		return true;
	return r->calls ? is_at(p->party, true, c->callee) ||
	        is_at(p->party, REC_HAS(c, cdr, callee_aor), c->callee_aor)
	                : is_at(p->party, true, c->caller) ||
	        is_at(p->party, REC_HAS(c, cdr, caller_aor), c->caller_aor);
}

/* --- how they are shown --------------------------------------------------------- */

static struct str
time_text(const struct page *p, int64_t ms, char buf[WHEN_TEXT])
{
	return when_text(ms, p->zone != NULL ? zone_offset(p->zone, ms) : 0, p->zone == NULL, buf);
}

static void
fill(const struct page *p, const struct cdr_place *at, const struct call_record *r,
    struct ended_call *e, char text[3][WHEN_TEXT])
{
	const struct cdr *c = &r->cdr;
	struct model *m = &p->c->m;

	memset(e, 0, sizeof(*e));
	sodium_bin2base64(text[0], WHEN_TEXT, at->bytes, CDR_PLACE, CURSOR_VARIANT);
	REC_SET(e, ended_call, id, str_c(text[0]));
	REC_SET(e, ended_call, direction, r->calls ? call_direction_OUTGOING : call_direction_INCOMING);
	REC_SET(e, ended_call, from, call_show_party(c->caller, m->a));
	REC_SET(e, ended_call, from_aor, c->caller);
	REC_SET(e, ended_call, to, call_show_party(c->callee, m->a));
	REC_SET(e, ended_call, to_aor, c->callee);
	if (REC_HAS(c, cdr, recipient) && c->recipient.n > 0)
		REC_SET(e, ended_call, recipient, c->recipient);
	REC_SET(e, ended_call, internal, r->internal);
	if (REC_HAS(c, cdr, type) && c->type.n > 0)
		REC_SET(e, ended_call, type, c->type);
	REC_SET(e, ended_call, start, time_text(p, c->started, text[1]));
	if (REC_HAS(c, cdr, answered) && c->answered <= WHEN_MAX)
		REC_SET(e, ended_call, answer, time_text(p, c->answered, text[2]));
	REC_SET(e, ended_call, duration, c->duration);
	REC_SET(e, ended_call, outcome, c->end);
	if (REC_HAS(c, cdr, code))
		REC_SET(e, ended_call, status, c->code);
	if (REC_HAS(c, cdr, route) && c->route.n > 0)
		REC_SET(e, ended_call, route, c->route);
}

/* 1 = the page is full. */
static int
show(struct page *p, const struct cdr_place *at, const struct call_record *r)
{
	struct buf *body = p->c->body;
	size_t before = body->n;
	char text[3][WHEN_TEXT];
	struct ended_call e;

	fill(p, at, r, &e, text);
	mp_encode(&rec_ended_call, &e, body, 0);
	if (body->failed)
		return err_set(p->c->m.e, ERR_TOO_LARGE, NULL);
	/* A call alone may be larger than a page; it then is one. */
	if (before == 0 || body->n <= LIST_PART_MAX)
		return 0;
	body->n = before;
	return 1;
}

static int
add(void *arg, const struct cdr_place *at, struct str stored)
{
	struct page *p = arg;
	struct call_record r;
	int rc;

	p->more = p->looked_at++ == LOOKED_AT;
	if (p->more)
		return 1;
	if (cdr_decode(&p->c->m, stored, &r) != 0)
		return p->failed = true;
	if (fits(p, &r)) {
		/* One more than there is room for: now it is known that there is another page. */
		rc = p->n == p->limit ? 1 : show(p, at, &r);
		p->failed = rc < 0;
		p->more = rc == 1;
		if (rc != 0)
			return 1;
		p->n++;
	}
	p->last = *at;
	return 0;
}

/* --- where the next page is ------------------------------------------------------- */

static void
add_encoded(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];
		bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
		    (ch >= '0' && ch <= '9') || (ch != '\0' && strchr("-._~:/@", ch) != NULL);

		if (plain)
			buf_addc(out, (char)ch);
		else
			buf_printf(out, "%%%02X", ch);
	}
}

/* "?…&cursor=…": the query of this page with another cursor. */
static int
next_page(struct call *c, const struct cdr_query *q, const struct cdr_place *last)
{
	static const char *const kept[] = {"limit", "from", "to", "direction", "party", "sort", "tz"};
	unsigned char bytes[CURSOR_BYTES] = {(unsigned char)(1 + q->oldest_first)};
	char cursor[2 * CURSOR_BYTES];
	struct buf out;

	buf_init(&out, NEXT_MAX);
	buf_addc(&out, '?');
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const struct query *p = call_query(c, kept[i]);

		if (p == NULL)
			continue;
		buf_printf(&out, "%s=", kept[i]);
		add_encoded(&out, p->value);
		buf_addc(&out, '&');
	}
	memcpy(bytes + 1, last->bytes, CDR_PLACE);
	sodium_bin2base64(cursor, sizeof(cursor), bytes, sizeof(bytes), CURSOR_VARIANT);
	buf_printf(&out, "cursor=%s", cursor);
	c->location = arena_copy(c->m.a, buf_str(&out));
	if (out.failed || c->location.p == NULL)
		err_set(c->m.e, ERR_TOO_LARGE, NULL);
	buf_free(&out);
	return c->m.e->code == ERR_OK ? 0 : -1;
}

static int
calls(struct call *c)
{
	struct page p = {.c = c};
	struct cdr_query q = {0};
	int rc = -1;

	if (read_query(c, &q, &p) == 0 && cdr_each(&c->m, &q, add, &p) == 0 && !p.failed)
		rc = p.more ? next_page(c, &q, &p.last) : 0;
	zone_close(p.zone);
	return rc;
}

const struct hooks hooks_cdrs = {.custom = calls};
