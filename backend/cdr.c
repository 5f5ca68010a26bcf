/* SPDX-License-Identifier: ISC */
#include "backend/cdr.h"

#include <sodium.h>
#include <string.h>

#include "backend/believed.h"
#include "backend/key.h"
#include "backend/live.h"
#include "backend/when.h"
#include "common/sink.h"

enum { RECORD_MAX = 65536, MONTHS_MAX = 4096 };

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* A switch's names are its own: what another one calls the same is another call. */
static void
digest_of(struct str source, struct str id, unsigned char ret[CDR_DIGEST])
{
	crypto_generichash_state st;

	crypto_generichash_init(&st, NULL, 0, CDR_DIGEST);
	crypto_generichash_update(&st, (const unsigned char *)source.p, source.n);
	crypto_generichash_update(&st, (const unsigned char *)"", 1);
	crypto_generichash_update(&st, (const unsigned char *)id.p, id.n);
	crypto_generichash_final(&st, ret, CDR_DIGEST);
}

static void
known_key(struct key *k, uint32_t tenant, const unsigned char digest[CDR_DIGEST])
{
	key_text(k, tenant, OWNER_SYSTEM, rec_known_call.store,
	    (struct str){(const char *)digest, CDR_DIGEST});
}

static void
put_u64(unsigned char *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> (56 - 8 * i));
}

static uint64_t
get_u64(const unsigned char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* Turned round, so that the newest comes first. */
static uint64_t
turned(int64_t ms)
{
	return (uint64_t)(INT64_MAX - ms);
}

static void
place_of(int64_t started, const unsigned char digest[CDR_DIGEST], struct cdr_place *ret)
{
	put_u64(ret->bytes, turned(started));
	memcpy(ret->bytes + 8, digest, 8);
}

static int64_t
place_ms(const struct cdr_place *p)
{
	return INT64_MAX - (int64_t)(get_u64(p->bytes) & INT64_MAX);
}

bool
cdr_place_is_valid(const struct cdr_place *p)
{
	return get_u64(p->bytes) <= INT64_MAX;
}

static void
row_key(struct key *k, uint32_t tenant, uint32_t owner, const struct cdr_place *at)
{
	key_text(
	    k, tenant, owner, rec_call_record.store, (struct str){(const char *)at->bytes, CDR_PLACE});
}

static int
is_known_in(struct model *m, uint32_t month, const struct key *k)
{
	struct str val;

	return store_part_get(m->t, month, key_str(k), m->a, &val, m->e);
}

static int
is_known(struct model *m, int64_t started, const unsigned char digest[CDR_DIGEST])
{
	uint32_t month = when_month(started), before = when_month(started - DAY_MS),
	         behind = when_month(started + DAY_MS);
	struct key k;
	int rc;

	known_key(&k, m->tenant, digest);
	rc = is_known_in(m, month, &k);
	if (rc == 0 && before != month)
		rc = is_known_in(m, before, &k);
	if (rc == 0 && behind != month)
		rc = is_known_in(m, behind, &k);
	return rc;
}

static int
put_known(struct model *m, uint32_t month, const unsigned char digest[CDR_DIGEST])
{
	struct key k;

	known_key(&k, m->tenant, digest);
	return store_part_put(m->t, month, key_str(&k), STR_LIT("."), m->e);
}

/* `change` NULL = does not matter. */
static int
put_row(struct model *m, uint32_t owner, const struct call_record *r,
    const unsigned char digest[CDR_DIGEST], struct cdr_change *change)
{
	const uint32_t month = when_month(r->cdr.started);
	struct cdr_place at;
	struct key k;
	struct buf out;
	int rc;

	place_of(r->cdr.started, digest, &at);
	row_key(&k, m->tenant, owner, &at);
	buf_init(&out, RECORD_MAX);
	buf_addc(&out, 1);
	mp_encode(&rec_call_record, r, &out, 0);
	if (change != NULL) {
		*change = (struct cdr_change){.before = {"", 0}, .after = arena_copy(m->a, buf_str(&out))};
		if (store_part_get(m->t, month, key_str(&k), m->a, &change->before, m->e) < 0) {
			buf_free(&out);
			return -1;
		}
	}
	rc = out.failed || (change != NULL && change->after.p == NULL)
	    ? err_set(m->e, ERR_TOO_LARGE, NULL)
	    : store_part_put(m->t, month, key_str(&k), buf_str(&out), m->e);
	buf_free(&out);
	return rc;
}

static int
user_of(struct model *m, bool has_proved, struct str proved, struct str shown, uint32_t *ret)
{
	*ret = 0;
	return live_user(m, has_proved ? proved : (struct str){"", 0}, shown, ret);
}

static int
put_party(struct model *m, struct call_record *r, uint32_t owner, bool calls, bool called,
    const unsigned char digest[CDR_DIGEST])
{
	REC_SET(r, call_record, calls, calls);
	REC_SET(r, call_record, called, called);
	return put_row(m, owner, r, digest, NULL);
}

/* Who the parties are is found out now and stays so: a name that is given to somebody else does not
 * hand the call over. */
static int
put_parties(
    struct model *m, struct str source, const struct cdr *c, const unsigned char digest[CDR_DIGEST])
{
	struct call_record r = {0};
	uint32_t caller, callee;

	if (user_of(m, REC_HAS(c, cdr, caller_aor), c->caller_aor, c->caller, &caller) < 0 ||
	    user_of(m, REC_HAS(c, cdr, callee_aor), c->callee_aor, c->callee, &callee) < 0)
		return -1;
	REC_SET(&r, call_record, cdr, *c);
	REC_SET(&r, call_record, source, source);
	REC_SET(&r, call_record, internal,
	    REC_HAS(c, cdr, internal) ? c->internal : caller != 0 && callee != 0);
	if (caller != 0 && put_party(m, &r, caller, true, callee == caller, digest) != 0)
		return -1;
	return callee != 0 && callee != caller ? put_party(m, &r, callee, false, true, digest) : 0;
}

int
cdr_file(struct model *m, struct str source, const struct cdr *c, int64_t now_ms)
{
	unsigned char digest[CDR_DIGEST];
	int64_t latest;
	int rc;

	/* A clock of ours that has fallen back makes no call impossible. */
	if (believed_latest(m, &latest) != 0)
		return -1;
	if (c->started < CDR_FIRST_MS ||
	    c->started > (now_ms > latest ? now_ms : latest) + CDR_AHEAD_MS)
		return err_set(m->e, ERR_INVALID, "a call that began at an impossible time");
	digest_of(source, c->id, digest);
	if ((rc = is_known(m, c->started, digest)) != 0)
		return rc < 0 ? -1 : 0;
	return put_known(m, when_month(c->started), digest) != 0 ||
	        put_parties(m, source, c, digest) != 0
	    ? -1
	    : 1;
}

int
cdr_load(struct model *m, uint32_t owner, const struct call_record *r, struct cdr_change *change)
{
	unsigned char digest[CDR_DIGEST];

	if (r->cdr.started < CDR_FIRST_MS || r->cdr.started > WHEN_MAX)
		return err_set(m->e, ERR_INVALID, "a call that began at an impossible time");
	digest_of(r->source, r->cdr.id, digest);
	return put_known(m, when_month(r->cdr.started), digest) != 0 ||
	        put_row(m, owner, r, digest, change) != 0
	    ? -1
	    : 0;
}

int
cdr_load_known(struct model *m, const struct known_call *k, struct cdr_change *change)
{
	const uint32_t month = (uint32_t)k->month;
	const unsigned char *digest = (const unsigned char *)k->digest.p;
	struct key key;
	int rc;

	if (k->month < when_month(CDR_FIRST_MS))
		return err_set(m->e, ERR_INVALID, "a call that began at an impossible time");
	if (change != NULL) {
		known_key(&key, m->tenant, digest);
		if ((rc = is_known_in(m, month, &key)) < 0)
			return -1;
		change->before = rc == 1 ? k->digest : (struct str){"", 0};
		change->after = k->digest;
	}
	return put_known(m, month, digest);
}

void
cdr_known(uint32_t month, struct str rest, struct known_call *ret)
{
	memset(ret, 0, sizeof(*ret));
	REC_SET(ret, known_call, month, month);
	REC_SET(ret, known_call, digest, rest);
}

int
cdr_decode(struct model *m, struct str stored, struct call_record *ret)
{
	memset(ret, 0, sizeof(*ret));
	return model_decode(m, &rec_call_record, stored, ret);
}

struct each {
	const struct cdr_query *q;
	cdr_row_fn *row;
	void *arg;
	bool stopped; /* by `row`, or behind the last one wanted */
};

static int
each_row(void *arg, struct str key, struct str val)
{
	struct each *e = arg;
	struct cdr_place at;
	int64_t ms;

	if (key.n != KEY_HEAD + CDR_PLACE)
		return 0;
	memcpy(at.bytes, key.p + KEY_HEAD, CDR_PLACE);
	ms = place_ms(&at);
	if (e->q->oldest_first ? ms >= e->q->to : ms < e->q->from)
		return e->stopped = true;
	return e->stopped = e->row(e->arg, &at, val) != 0;
}

/* Where a scan begins: next to the place that was seen last, or at the edge of the time wanted. */
static void
begin_at(const struct cdr_query *q, uint32_t tenant, struct key *k)
{
	unsigned char edge[8 + 9];

	if (q->resumes) {
		row_key(k, tenant, q->user, &q->after);
		return;
	}
	/* Before the first place of its time, or behind the last one. */
	memset(edge, 0xff, sizeof(edge));
	put_u64(edge, turned(q->oldest_first ? q->from : q->to - 1));
	key_text(k, tenant, q->user, rec_call_record.store,
	    (struct str){(const char *)edge, q->oldest_first ? sizeof(edge) : 8});
}

int
cdr_each(struct model *m, const struct cdr_query *q, cdr_row_fn *row, void *arg)
{
	struct each each = {q, row, arg, false};
	int64_t first = q->from, last = q->to <= WHEN_MAX ? q->to - 1 : WHEN_MAX;
	uint32_t months[MONTHS_MAX];
	struct key prefix, start;
	size_t n;

	if (q->resumes && q->oldest_first && place_ms(&q->after) > first)
		first = place_ms(&q->after);
	if (q->resumes && !q->oldest_first && place_ms(&q->after) < last)
		last = place_ms(&q->after);
	if (first > last || last < 0)
		return 0;
	key_kind(&prefix, m->tenant, q->user, rec_call_record.store);
	begin_at(q, m->tenant, &start);
	n = store_part_list(m->t, when_month(first), months, MONTHS_MAX);
	while (n > 0 && months[n - 1] > when_month(last))
		n--;
	for (size_t i = 0; i < n && !each.stopped; i++)
		if (store_part_scan(m->t, months[q->oldest_first ? i : n - 1 - i],
		        q->oldest_first ? STORE_DOWN : STORE_UP, key_str(&prefix), key_str(&start),
		        each_row, &each, m->e) != 0)
			return -1;
	return 0;
}

/* So many rows at once: their keys are held in memory. */
enum { FORGET_ROWS = 1024 };

struct forget {
	struct arena mem;
	struct str keys[FORGET_ROWS];
	size_t n;
	bool failed;
};

static int
note_key(void *arg, struct str key, struct str val)
{
	struct forget *f = arg;

	(void)val;
	f->keys[f->n] = arena_copy(&f->mem, key);
	f->failed = f->keys[f->n].p == NULL;
	return f->failed || ++f->n == FORGET_ROWS;
}

/* 1 when there may be more, 0, -1. */
static int
forget_some(struct model *m, uint32_t month, struct str prefix, struct forget *f)
{
	int rc;

	arena_init(&f->mem, 1 << 20);
	f->n = 0;
	f->failed = false;
	rc = store_part_scan(m->t, month, STORE_UP, prefix, (struct str){"", 0}, note_key, f, m->e);
	if (rc == 0 && f->failed)
		rc = err_set(m->e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < f->n && rc >= 0; i++)
		rc = store_part_del(m->t, month, f->keys[i], m->e);
	arena_free(&f->mem);
	return rc < 0 ? -1 : f->n > 0;
}

int
cdr_forget(struct model *m, uint32_t user)
{
	uint32_t months[MONTHS_MAX];
	size_t n = store_part_list(m->t, 0, months, MONTHS_MAX);
	struct forget *f = arena_alloc(m->a, sizeof(*f));
	struct key prefix;
	int rc = 0;

	if (f == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	key_kind(&prefix, m->tenant, user, rec_call_record.store);
	for (size_t i = 0; i < n && rc >= 0; i++)
		while ((rc = forget_some(m, months[i], key_str(&prefix), f)) > 0)
			;
	return rc < 0 ? -1 : 0;
}
