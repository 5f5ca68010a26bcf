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

int
believed_latest(struct model *m, int64_t *ret)
{
	struct str v = {"", 0};
	struct key k;
	int rc;

	*ret = 0;
	row_key(&k, m);
	rc = store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e);
	if (rc == 1 && v.n == 8)
		*ret = (int64_t)key_rest_id(v);
	return rc == 0 ? first_time(m, ret) : rc < 0 ? -1 : 0;
}

static int
put_latest(struct model *m, int64_t ms)
{
	char bytes[8];
	struct key k;

	row_key(&k, m);
	key_number(bytes, (uint64_t)ms, sizeof(bytes));
	return store_put(m->t, STORE_META, key_str(&k), (struct str){bytes, sizeof(bytes)}, m->e);
}

int
believed_look(struct believed *b, struct model *m, int64_t wall_ms, int64_t monotonic_s)
{
	int64_t latest, begun_ms = wall_ms - monotonic_s * 1000, off = begun_ms - b->begun_ms;

	if (believed_latest(m, &latest) != 0)
		return -1;
	if (latest == 0 || wall_ms <= latest + BELIEVED_STEP_MS) {
		b->since_s = 0;
	} else if (b->since_s == 0 || off > SLEW_MS || off < -SLEW_MS) {
		/* Another jump is another doubt. */
		*b = (struct believed){.since_s = monotonic_s, .begun_ms = begun_ms};
		log_event(LOG_WARN_, "upkeep",
		    "the clock has gone ahead by more than a day: nothing is swept before tomorrow");
		return 0;
	} else if (monotonic_s - b->since_s < DOUBT_S) {
		return 0;
	}
	return wall_ms <= latest || put_latest(m, wall_ms) == 0 ? 1 : -1;
}
