/* SPDX-License-Identifier: ISC */
#include "backend/repeat.h"

#include <sodium.h>
#include <string.h>

#include "backend/key.h"

#define REC_FILE "backend/repeat.def"
#include "common/rec_decl.h"
#include "common/rec_impl.h"

/*
 * A user's queue: places [first, next), each a row of STORE_INDEX that leads to the record. Where
 * it begins and ends is in STORE_META, with the time of the first, so that a sweep need not look.
 */
struct queue {
	uint64_t first, next;
	int64_t since;
};

enum { NUMBERS = 3, AT_ONCE = 8, SWEEP_USERS = 32, SWEEP_EACH = 16 };

static struct queue
read_queue(struct str v)
{
	struct queue q = {0};

	if (v.n == NUMBERS * 8) {
		q.first = key_rest_id(v);
		q.next = key_rest_id((struct str){v.p + 8, 8});
		q.since = (int64_t)key_rest_id((struct str){v.p + 16, 8});
	}
	return q;
}

static int
get_queue(struct model *m, uint32_t user, struct queue *ret)
{
	struct str v = {"", 0};
	struct key k;
	int rc;

	key_kind(&k, m->tenant, user, META_REPEATS);
	rc = store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e);
	*ret = rc == 1 ? read_queue(v) : (struct queue){0};
	return rc < 0 ? -1 : 0;
}

/* An empty queue leaves nothing behind: its places begin anew, since no record points to them. */
static int
put_queue(struct model *m, uint32_t user, const struct queue *q)
{
	char bytes[NUMBERS * 8];
	struct key k;

	key_kind(&k, m->tenant, user, META_REPEATS);
	if (q->first == q->next)
		return store_del(m->t, STORE_META, key_str(&k), m->e) < 0 ? -1 : 0;
	key_number(bytes, q->first, 8);
	key_number(bytes + 8, q->next, 8);
	key_number(bytes + 16, (uint64_t)q->since, 8);
	return store_put(m->t, STORE_META, key_str(&k), (struct str){bytes, sizeof(bytes)}, m->e);
}

static void
place_key(struct key *k, const struct model *m, uint32_t user, uint64_t place)
{
	key_id(k, m->tenant, user, rec_idempotency.store, place);
}

/* Removes the record of a place, unless its key has been used again since. */
static int
drop(struct model *m, uint32_t user, uint64_t place, uint64_t item)
{
	struct idempotency old;
	struct key k;
	int rc = model_get(m, &rec_idempotency, user, item, &old);

	if (rc == 1 && (uint64_t)old.place == place)
		rc = model_del(m, &rec_idempotency, user, item);
	place_key(&k, m, user, place);
	return rc < 0 || store_del(m->t, STORE_INDEX, key_str(&k), m->e) < 0 ? -1 : 0;
}

/* The oldest go: those whose time is over, and so many that one more has room. */
static int
prune(struct model *m, uint32_t user, struct queue *q, int64_t now_ms, int most)
{
	for (; most > 0 && q->first < q->next; most--, q->first++) {
		struct str v = {"", 0};
		struct key k;
		int rc;

		place_key(&k, m, user, q->first);
		rc = store_get(m->t, STORE_INDEX, key_str(&k), m->a, &v, m->e);
		if (rc < 0)
			return -1;
		if (rc == 0 || v.n != 16)
			continue;
		q->since = (int64_t)key_rest_id((struct str){v.p + 8, 8});
		if (q->since + REPEAT_MS > now_ms && q->next - q->first < REPEAT_KEYS_MAX)
			return 0;
		if (drop(m, user, q->first, key_rest_id(v)) != 0)
			return -1;
	}
	return 0;
}

static int
check_name(struct str name, struct err *e)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < ' ' || name.p[i] > '~')
			return err_set(e, ERR_BAD_REQUEST, NULL);
	return name.n > 0 ? 0 : err_set(e, ERR_BAD_REQUEST, NULL);
}

int
repeat_find(struct call *c, const struct digest_keys *k)
{
	unsigned char digest[DIGEST_WRITE];
	struct idempotency was;
	int rc;

	if (check_name(c->req->idempotency_key, c->m.e) != 0)
		return -1;
	rc = model_get(&c->m, &rec_idempotency, c->who->id,
	    digest_name(k, c->who->id, c->req->idempotency_key), &was);
	if (rc != 1 || was.at + REPEAT_MS <= c->now_ms)
		return rc < 0 ? -1 : 0;
	digest_write(k, c->who->id, c->req, digest);
	if (!str_eq_secret(was.digest, (struct str){(char *)digest, sizeof(digest)}))
		return err_set(
		    c->m.e, ERR_UNPROCESSABLE, "the Idempotency-Key was used for another request");
	buf_reset(c->body);
	if (REC_HAS(&was, idempotency, body))
		buf_addstr(c->body, was.body);
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 1;
}

int
repeat_keep(struct call *c, const struct digest_keys *k)
{
	uint64_t item = digest_name(k, c->who->id, c->req->idempotency_key);
	unsigned char digest[DIGEST_WRITE];
	struct idempotency now = {0};
	struct queue q;
	struct key place;
	char bytes[16];

	if (c->body->n > REPEAT_BODY_MAX || (c->body->n > 0 && c->res->secret))
		return 0;
	if (get_queue(&c->m, c->who->id, &q) != 0 ||
	    prune(&c->m, c->who->id, &q, c->now_ms, AT_ONCE) != 0)
		return -1;
	if (q.first == q.next)
		q.since = c->now_ms;
	digest_write(k, c->who->id, c->req, digest);
	REC_SET(&now, idempotency, digest, ((struct str){(char *)digest, sizeof(digest)}));
	REC_SET(&now, idempotency, at, c->now_ms);
	REC_SET(&now, idempotency, place, (int64_t)q.next);
	if (c->body->n > 0)
		REC_SET(&now, idempotency, body, buf_str(c->body));
	key_number(bytes, item, 8);
	key_number(bytes + 8, (uint64_t)c->now_ms, 8);
	place_key(&place, &c->m, c->who->id, q.next);
	q.next++;
	return store_put(c->m.t, STORE_INDEX, key_str(&place), (struct str){bytes, 16}, c->m.e) != 0 ||
	        put_queue(&c->m, c->who->id, &q) != 0 ||
	        model_put(&c->m, &rec_idempotency, c->who->id, item, &now) != 0
	    ? -1
	    : 0;
}

struct found {
	uint32_t user[SWEEP_USERS];
	struct queue q[SWEEP_USERS];
	size_t n;
};

static int
find_queue(void *arg, struct str key, struct str val)
{
	struct found *f = arg;
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	if (key_split(key, &tenant, &owner, &kind, &rest) && kind == META_REPEATS) {
		f->user[f->n] = owner;
		f->q[f->n++] = read_queue(val);
	}
	return f->n == SWEEP_USERS;
}

int
repeat_sweep(struct model *m, int64_t now_ms, uint32_t *after)
{
	struct found f = {.n = 0};
	struct key all, from;

	key_tenant(&all, m->tenant);
	key_kind(&from, m->tenant, *after, UINT16_MAX);
	if (store_scan(m->t, STORE_META, key_str(&all), key_str(&from), find_queue, &f, m->e) != 0)
		return -1;
	for (size_t i = 0; i < f.n; i++) {
		struct queue *q = &f.q[i];

		if (q->since + REPEAT_MS > now_ms)
			continue;
		if (prune(m, f.user[i], q, now_ms, SWEEP_EACH) != 0 || put_queue(m, f.user[i], q) != 0)
			return -1;
	}
	*after = f.n == SWEEP_USERS ? f.user[f.n - 1] : 0;
	return 0;
}

int
repeat_forget(struct model *m, uint32_t user)
{
	struct queue q;
	struct key k;

	if (get_queue(m, user, &q) != 0)
		return -1;
	for (; q.first < q.next; q.first++) {
		place_key(&k, m, user, q.first);
		if (store_del(m->t, STORE_INDEX, key_str(&k), m->e) < 0)
			return -1;
	}
	return put_queue(m, user, &q);
}
