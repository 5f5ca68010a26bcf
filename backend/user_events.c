/* SPDX-License-Identifier: ISC */
#include "backend/user_events.h"

#include "backend/job.h"
#include "backend/key.h"
#include "common/clock.h"

/*
 * The rows of a log have the numbers [oldest, newest]; where it begins and ends is in STORE_META.
 * For each hour in which a user had events there is a row of STORE_INDEX, [hour u32][user u32]:
 * so a sweep finds whose time is over without looking at anybody else.
 */
struct head {
	uint64_t newest, oldest, hour;
};

enum { HOUR_MS = 60 * 60 * 1000, SWEEP_USERS = 16, SWEEP_EACH = 64, TOUCHED_MAX = 4096 };

/* One thread writes; what it has touched is nobody else's business until it has committed. */
static _Thread_local struct {
	uint32_t users[TOUCHED_MAX];
	size_t n;
	bool all;
} touched;

void
user_event_touch(uint32_t user)
{
	if (touched.n > 0 && touched.users[touched.n - 1] == user)
		return;
	if (touched.n < TOUCHED_MAX)
		touched.users[touched.n++] = user;
	else
		touched.all = true;
}

struct user_events_touched
user_events_take(void)
{
	struct user_events_touched ret = {touched.users, touched.n, touched.all};

	touched.n = 0;
	touched.all = false;
	return ret;
}

static int
get_head(struct model *m, uint32_t user, struct head *ret)
{
	struct str v = {"", 0};
	struct key k;
	int rc;

	*ret = (struct head){.oldest = 1};
	key_kind(&k, m->tenant, user, META_EVENTS);
	rc = store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e);
	if (rc == 1 && v.n == 24)
		*ret = (struct head){key_rest_id(v), key_rest_id((struct str){v.p + 8, 8}),
		    key_rest_id((struct str){v.p + 16, 8})};
	return rc;
}

static int
put_head(struct model *m, uint32_t user, const struct head *h)
{
	char bytes[24];
	struct key k;

	key_number(bytes, h->newest, 8);
	key_number(bytes + 8, h->oldest, 8);
	key_number(bytes + 16, h->hour, 8);
	key_kind(&k, m->tenant, user, META_EVENTS);
	return store_put(m->t, STORE_META, key_str(&k), (struct str){bytes, sizeof(bytes)}, m->e);
}

static int
mark_hour(struct model *m, uint32_t user, struct head *h, int64_t time)
{
	uint64_t hour = (uint64_t)time / HOUR_MS;
	struct key k;

	if (h->hour == hour)
		return 0;
	h->hour = hour;
	key_id(&k, m->tenant, OWNER_SYSTEM, INDEX_EVENTS, hour << 32 | user);
	return store_put(m->t, STORE_INDEX, key_str(&k), STR_LIT("."), m->e);
}

int
user_event_add(struct model *m, uint32_t user, struct event *ev)
{
	struct head h;

	if (get_head(m, user, &h) < 0)
		return -1;
	REC_SET(ev, event, id, (int64_t)++h.newest);
	if (!REC_HAS(ev, event, time))
		REC_SET(ev, event, time, clock_wall_ms());
	if (h.newest - h.oldest >= EVENTS_KEPT && model_del(m, &rec_event, user, h.oldest++) < 0)
		return -1;
	if (mark_hour(m, user, &h, ev->time) != 0 ||
	    model_put(m, &rec_event, user, h.newest, ev) != 0 || put_head(m, user, &h) != 0)
		return -1;
	user_event_touch(user);
	return 0;
}

int
user_events_forget(struct model *m, uint32_t user)
{
	struct head h;
	struct key k;
	int rc = get_head(m, user, &h);

	for (; rc == 1 && h.oldest <= h.newest; h.oldest++)
		if (model_del(m, &rec_event, user, h.oldest) < 0)
			return -1;
	key_kind(&k, m->tenant, user, META_EVENTS);
	if (rc < 0 || store_del(m->t, STORE_META, key_str(&k), m->e) < 0)
		return -1;
	user_event_touch(user);
	return 0;
}

/* 1 = there may be more that is too old. */
static int
prune(struct model *m, uint32_t user, int64_t now_ms)
{
	struct head h;
	struct event ev;
	int rc = get_head(m, user, &h), n = 0;

	if (rc <= 0)
		return rc;
	for (; n < SWEEP_EACH && h.oldest <= h.newest; n++, h.oldest++) {
		if ((rc = model_get(m, &rec_event, user, h.oldest, &ev)) < 0)
			return -1;
		if (rc == 1 && ev.time > now_ms - EVENTS_MS)
			break;
		if (rc == 1 && model_del(m, &rec_event, user, h.oldest) < 0)
			return -1;
	}
	if (n > 0 && put_head(m, user, &h) != 0)
		return -1;
	return n == SWEEP_EACH;
}

struct due {
	uint64_t v[SWEEP_USERS];
	size_t n;
	uint64_t before; /* hours from this one on are not over */
};

static int
collect_due(void *arg, struct str key, struct str val)
{
	struct due *d = arg;
	uint64_t v = key_rest_id((struct str){key.p + KEY_HEAD, key.n - KEY_HEAD});

	(void)val;
	if (v >> 32 >= d->before)
		return 1;
	d->v[d->n++] = v;
	return d->n == SWEEP_USERS;
}

int
user_events_sweep(struct model *m, int64_t now_ms)
{
	struct due d = {.before = now_ms > EVENTS_MS ? (uint64_t)(now_ms - EVENTS_MS) / HOUR_MS : 0};
	struct key k;
	bool more;

	key_kind(&k, m->tenant, OWNER_SYSTEM, INDEX_EVENTS);
	if (store_scan(m->t, STORE_INDEX, key_str(&k), (struct str){"", 0}, collect_due, &d, m->e) != 0)
		return -1;
	more = d.n == SWEEP_USERS;
	for (size_t i = 0; i < d.n; i++) {
		int rc = prune(m, (uint32_t)d.v[i], now_ms);

		if (rc < 0)
			return -1;
		more = more || rc == 1;
		key_id(&k, m->tenant, OWNER_SYSTEM, INDEX_EVENTS, d.v[i]);
		if (rc == 0 && store_del(m->t, STORE_INDEX, key_str(&k), m->e) < 0)
			return -1;
	}
	return more;
}

int
user_events_range(struct model *m, uint32_t user, uint64_t *oldest, uint64_t *newest)
{
	struct head h;
	int rc = get_head(m, user, &h);

	*oldest = h.oldest;
	*newest = h.newest;
	return rc < 0 ? -1 : 0;
}

struct reading {
	struct buf *out;
	size_t max;
	uint64_t last;
	bool full;
};

static int
add_row(void *arg, struct str key, struct str val)
{
	struct reading *r = arg;

	r->full = r->out->n >= r->max;
	if (r->full)
		return 1;
	r->last = key_rest_id((struct str){key.p + KEY_HEAD, key.n - KEY_HEAD});
	/* Behind the version's byte the stored form is the one that is sent. */
	if (val.n > 1)
		buf_add(r->out, val.p + 1, val.n - 1);
	return r->out->failed;
}

int
user_events_read(
    struct model *m, uint32_t user, uint64_t after, size_t max, struct buf *out, uint64_t *last)
{
	struct reading r = {.out = out, .max = max, .last = after};
	struct key prefix, from;

	key_kind(&prefix, m->tenant, user, rec_event.store);
	key_id(&from, m->tenant, user, rec_event.store, after);
	if (store_scan(m->t, STORE_DATA, key_str(&prefix), key_str(&from), add_row, &r, m->e) != 0)
		return -1;
	*last = r.last;
	return out->failed ? err_set(m->e, ERR_TOO_LARGE, NULL) : r.full;
}
