/* SPDX-License-Identifier: ISC */
#include "backend/events.h"

#include "backend/key.h"

int
event_add(struct model *m, enum device_event_kind kind, struct str user, int64_t now_ms)
{
	struct device_event ev = {0};
	uint64_t number = model_next_number(m, rec_device_event.store);

	if (number == 0)
		return -1;
	REC_SET(&ev, device_event, number, (int64_t)number);
	REC_SET(&ev, device_event, at, now_ms);
	REC_SET(&ev, device_event, kind, (int)kind);
	REC_SET(&ev, device_event, user, user);
	if (number > EVENTS_KEPT &&
	    model_del(m, &rec_device_event, OWNER_SYSTEM, number - EVENTS_KEPT) < 0)
		return -1;
	return model_put(m, &rec_device_event, OWNER_SYSTEM, number, &ev);
}

struct reading {
	struct model *m;
	struct device_event *v;
	size_t n, max;
	bool more, failed;
};

static int
take(void *arg, struct str key, struct str val)
{
	struct reading *r = arg;
	struct str copy;

	(void)key;
	if (r->n == r->max) {
		r->more = true;
		return 1;
	}
	/* Texts point into what is decoded, which is gone after this call. */
	copy = arena_copy(r->m->a, val);
	r->failed = copy.p == NULL || model_decode(r->m, &rec_device_event, copy, &r->v[r->n]) != 0;
	r->n++;
	return r->failed;
}

int
event_list(
    struct model *m, uint64_t after, struct device_event *ret, size_t max, size_t *n, bool *more)
{
	struct reading r = {.m = m, .v = ret, .max = max};
	struct key prefix, from;

	key_kind(&prefix, m->tenant, OWNER_SYSTEM, rec_device_event.store);
	key_id(&from, m->tenant, OWNER_SYSTEM, rec_device_event.store, after);
	if (store_scan(m->t, STORE_DATA, key_str(&prefix), key_str(&from), take, &r, m->e) != 0)
		return -1;
	if (r.failed)
		return m->e->code != ERR_OK ? -1 : err_set(m->e, ERR_TOO_LARGE, NULL);
	*n = r.n;
	*more = r.more;
	return 0;
}
