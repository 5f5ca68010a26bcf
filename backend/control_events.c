/* SPDX-License-Identifier: ISC */
/* The queue of device events, for tandemctl. */
#include "backend/control.h"
#include "backend/events.h"
#include "backend/key.h"
#include "common/mp.h"
#include "common/sink.h"

enum { EVENTS_PART = 256, EVENT_SIZE = 2048 };

/* The mark of a part is the number of its last event as eight bytes, big-endian. */
static struct str
mark_of(struct arena *a, uint64_t number)
{
	char bytes[8];

	key_number(bytes, number, sizeof(bytes));
	return arena_copy(a, (struct str){bytes, sizeof(bytes)});
}

static int
add_row(struct model *m, struct ctl_reply *r, const struct device_event *ev)
{
	struct stored_row *row = &r->rows.v[r->rows.n];
	struct buf body;

	buf_init(&body, EVENT_SIZE);
	mp_encode(&rec_device_event, ev, &body, 0);
	REC_SET(row, stored_row, kind, rec_device_event.store);
	REC_SET(row, stored_row, owner_type, owner_type_SYSTEM);
	REC_SET(row, stored_row, item, ev->number);
	REC_SET(row, stored_row, body, arena_copy(m->a, buf_str(&body)));
	buf_free(&body);
	r->rows.n++;
	return row->body.p != NULL ? 0 : err_set(m->e, ERR_TOO_LARGE, NULL);
}

int
control_events(struct job *j, struct model *m)
{
	struct device_event *ev = arena_array(m->a, EVENTS_PART, sizeof(*ev));
	struct ctl_reply *r = j->ctl_reply;
	bool more = false;
	size_t n = 0;

	r->rows.v = arena_array(m->a, EVENTS_PART, sizeof(*r->rows.v));
	if (ev == NULL || r->rows.v == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (event_list(m, key_rest_id(j->ctl.after), ev, EVENTS_PART, &n, &more) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_row(m, r, &ev[i]) != 0)
			return -1;
	r->has |= REC_BIT(ctl_reply, rows);
	if (more)
		REC_SET(r, ctl_reply, after, mark_of(m->a, (uint64_t)ev[n - 1].number));
	return 0;
}
