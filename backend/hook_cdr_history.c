/* SPDX-License-Identifier: ISC */
/* The user's calls that have ended, as a service behind the legacy server answered them. */
#include <string.h>

#include "backend/cdr.h"
#include "backend/hooks.h"
#include "backend/list.h"
#include "backend/when.h"
#include "common/sink.h"

enum {
	LIMIT = 1000,
	LOOKED_AT = 5000 /* rows in one part: the reader has others to serve */
};

struct part {
	struct call *c;
	int64_t skip, left, looked_at;
	struct cdr_place last;
	bool full, failed;
};

static struct str
or_null(bool has, struct str s)
{
	return has && s.n > 0 ? s : STR_LIT("null");
}

static void
fill(const struct cdr *c, struct cdr_row *r, char start[WHEN_TEXT], char duration[2 * WHEN_TEXT])
{
	bool answered = REC_HAS(c, cdr, answered) || c->duration > 0;

	memset(r, 0, sizeof(*r));
	REC_SET(r, cdr_row, caller_aor, c->caller);
	REC_SET(r, cdr_row, callee_aor, c->callee);
	REC_SET(r, cdr_row, callee_contact, or_null(REC_HAS(c, cdr, recipient), c->recipient));
	REC_SET(r, cdr_row, start_time, when_timestamp(c->started, start));
	REC_SET(
	    r, cdr_row, duration, answered ? when_interval(c->duration, duration) : STR_LIT("null"));
	REC_SET(r, cdr_row, termination, str_c(enum_text(&enum_cdr_end, c->end)));
	REC_SET(r, cdr_row, callee_route, or_null(REC_HAS(c, cdr, route), c->route));
}

static int
show(struct part *p, struct str stored)
{
	char start[WHEN_TEXT], duration[2 * WHEN_TEXT];
	struct call *c = p->c;
	size_t before = c->body->n;
	struct call_record r;
	struct cdr_row row;

	if (cdr_decode(&c->m, stored, &r) != 0)
		return -1;
	fill(&r.cdr, &row, start, duration);
	mp_encode(&rec_cdr_row, &row, c->body, 0);
	if (c->body->failed)
		return err_set(c->m.e, ERR_TOO_LARGE, NULL);
	/* A row alone may be larger than a part; it then is one. */
	if (before == 0 || c->body->n <= LIST_PART_MAX)
		return 0;
	c->body->n = before;
	return 1;
}

static int
add(void *arg, const struct cdr_place *at, struct str stored)
{
	struct part *p = arg;
	int rc = 0;

	p->full = p->looked_at++ == LOOKED_AT;
	if (p->full)
		return 1;
	if (p->skip == 0) {
		rc = show(p, stored);
		p->failed = rc < 0;
		p->full = rc == 1;
		p->left -= rc == 0;
	} else {
		p->skip--;
	}
	if (rc == 0)
		p->last = *at;
	return rc != 0 || p->left == 0;
}

static int
read_day(struct call *c, const char *name, struct cdr_query *q)
{
	const struct query *p = call_query(c, name);
	int64_t midnight;

	if (p == NULL)
		return 0;
	if (!REC_HAS(p, query, value) || !when_read_day(p->value, &midnight))
		return err_set(c->m.e, ERR_BAD_REQUEST, "%s must be a day: yyyyMMdd", name);
	q->from = midnight + 1;
	return 0;
}

static int
read_query(struct call *c, struct cdr_query *q, struct part *p)
{
	q->user = c->who->id;
	q->to = INT64_MAX;
	p->left = LIMIT;
	return call_query_number(c, "limit", 0, INT32_MAX, &p->left) != 0 ||
	        call_query_number(c, "offset", 0, INT32_MAX, &p->skip) != 0 ||
	        read_day(c, "fromDate", q) != 0 || read_day(c, "fromdate", q) != 0
	    ? -1
	    : 0;
}

/* What a mark has of a part: the place, and how much is left to skip and to show. */
static void
take_mark(const struct mark *m, struct cdr_query *q, struct part *p)
{
	if (!m->set)
		return;
	q->resumes = m->name_n == CDR_PLACE;
	if (q->resumes)
		memcpy(q->after.bytes, m->name, CDR_PLACE);
	p->last = q->after;
	p->skip = (int64_t)m->id;
	p->left = (int64_t)m->left;
}

static void
set_mark(struct mark *m, const struct part *p)
{
	m->set = true;
	m->name_n = CDR_PLACE;
	memcpy(m->name, p->last.bytes, CDR_PLACE);
	m->id = (uint64_t)p->skip;
	m->left = (uint64_t)p->left;
}

static int
history(struct call *c)
{
	struct part p = {.c = c};
	struct cdr_query q = {0};

	if (call_check_user(c, c->req->key) != 0 || read_query(c, &q, &p) != 0)
		return -1;
	take_mark(c->mark, &q, &p);
	if (p.left == 0)
		return 0;
	if (cdr_each(&c->m, &q, add, &p) != 0 || p.failed)
		return -1;
	set_mark(c->mark, &p);
	c->more = p.full;
	return 0;
}

const struct hooks hooks_cdr_history = {.custom = history};
