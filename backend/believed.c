/* SPDX-License-Identifier: ISC */
#include "backend/believed.h"

#include "backend/audit.h"
#include "backend/key.h"
#include "common/log.h"

enum { DOUBT_S = 24 * 3600, SLEW_MS = 60 * 1000 };

static void
row_key(struct key *k, const struct model *m)
{
	key_kind(k, m->tenant, OWNER_SYSTEM, META_BELIEVED);
}

/* Where nothing has been believed yet: when the audit log began. */
static int
first_time(struct model *m, int64_t *ret)
{
	struct audit_head head;
	struct audit_row row;
	int rc;

	if (audit_head_get(m, &head) != 0 || (rc = audit_get(m, head.oldest, &row)) < 0)
		return -1;
	*ret = rc == 1 ? row.time : 0;
	return 0;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? (a > 0 ? a : 0) : (b > 0 ? b : 0);
}

/* The row: the latest time, and in a doubt for how many seconds the clock has kept to it and what
 * it said last. */
struct kept {
	int64_t latest_ms, doubted_s, seen_ms;
	bool doubt;
};

static int
get_kept(struct model *m, struct kept *ret)
{
	struct str v = {"", 0};
	struct key k;
	int rc;

	*ret = (struct kept){0};
	row_key(&k, m);
	rc = store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e);
	if (rc == 0)
		return first_time(m, &ret->latest_ms);
	if (rc == 1 && v.n >= 8)
		ret->latest_ms = (int64_t)key_rest_id((struct str){v.p, 8});
	if (rc == 1 && v.n == 24) {
		ret->doubt = true;
		ret->doubted_s = (int64_t)key_rest_id((struct str){v.p + 8, 8});
		ret->seen_ms = (int64_t)key_rest_id((struct str){v.p + 16, 8});
	}
	return rc < 0 ? -1 : 0;
}

static int
put_kept(struct model *m, const struct kept *v)
{
	char bytes[24];
	struct key k;

	row_key(&k, m);
	key_number(bytes, (uint64_t)v->latest_ms, 8);
	key_number(bytes + 8, (uint64_t)v->doubted_s, 8);
	key_number(bytes + 16, (uint64_t)v->seen_ms, 8);
	return store_put(
	    m->t, STORE_META, key_str(&k), (struct str){bytes, v->doubt ? sizeof(bytes) : 8}, m->e);
}

int
believed_latest(struct model *m, int64_t *ret)
{
	struct kept v;
	int rc = get_kept(m, &v);

	*ret = v.latest_ms;
	return rc;
}

static int
believe(struct model *m, const struct kept *v, int64_t wall_ms)
{
	const struct kept now = {.latest_ms = wall_ms > v->latest_ms ? wall_ms : v->latest_ms};

	return wall_ms > v->latest_ms || v->doubt ? put_kept(m, &now) == 0 ? 1 : -1 : 1;
}

/* Another jump is another doubt. */
static bool
goes_on(const struct kept *v, int64_t wall_ms)
{
	return v->doubt && wall_ms >= v->seen_ms - SLEW_MS && wall_ms <= v->seen_ms + BELIEVED_STEP_MS;
}

int
believed_look(struct believed *b, struct model *m, int64_t wall_ms, int64_t monotonic_s)
{
	struct kept v;
	bool begun;

	if (get_kept(m, &v) != 0)
		return -1;
	if (v.latest_ms == 0 || wall_ms <= v.latest_ms + BELIEVED_STEP_MS) {
		b->looked = false;
		return believe(m, &v, wall_ms);
	}
	begun = !goes_on(&v, wall_ms);
	if (begun)
		v.doubted_s = 0;
	else if (b->looked)
		v.doubted_s += least(monotonic_s - b->at_s, (wall_ms - v.seen_ms) / 1000);
	if (begun || !b->looked)
		log_event(LOG_WARN_, "upkeep",
		    "the clock has gone ahead by more than a day: nothing is swept before tomorrow");
	*b = (struct believed){.looked = true, .at_s = monotonic_s};
	if (v.doubted_s >= DOUBT_S)
		return believe(m, &v, wall_ms);
	v.doubt = true;
	v.seen_ms = wall_ms;
	return put_kept(m, &v);
}
