/* SPDX-License-Identifier: ISC */
/* Schedules: names are unique per owner; whoever rang by a removed one rings always. */
#include "backend/hooks.h"

struct same_name {
	struct call *c;
	struct str name;
	uint64_t but; /* the schedule itself */
	bool found, failed;
};

static int
is_same_name(void *arg, uint64_t id, struct str stored)
{
	struct same_name *q = arg;
	struct schedule s;

	if (model_decode(&q->c->m, &rec_schedule, stored, &s) != 0) {
		q->failed = true;
		return 1;
	}
	q->found = id != q->but && str_eq(s.name, q->name);
	return q->found;
}

static int
check(struct call *c, uint64_t id, const void *old, void *obj)
{
	struct schedule *s = obj;
	struct same_name q = {.c = c, .name = s->name, .but = id};

	(void)old;
	if (model_each(&c->m, &rec_schedule, c->who->id, is_same_name, &q) != 0 || q.failed)
		return -1;
	if (q.found) {
		err_push(c->m.e, rec_schedule.f[schedule_F_name].tag);
		return err_set(c->m.e, ERR_UNPROCESSABLE, "A schedule with name %.*s is already defined",
		    (int)s->name.n, s->name.p);
	}
	return 0;
}

static int
removed(struct call *c, uint64_t id)
{
	struct callfwd f;
	bool changed = false;
	int rc = model_get(&c->m, &rec_callfwd, c->who->id, 0, &f);

	if (rc <= 0)
		return rc;
	for (size_t i = 0; i < f.rings.n; i++) {
		struct ring *r = &f.rings.v[i];

		if (REC_HAS(r, ring, schedule_id) && (uint64_t)r->schedule_id == id) {
			REC_UNSET(r, ring, schedule_id);
			changed = true;
		}
	}
	return changed ? model_put(&c->m, &rec_callfwd, c->who->id, 0, &f) : 0;
}

static struct str
order(const void *obj)
{
	return ((const struct schedule *)obj)->name;
}

const struct hooks hooks_schedule = {
    .check = check, .removed = removed, .order = order, .with_groups = true};
