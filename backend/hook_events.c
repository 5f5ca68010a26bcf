/* SPDX-License-Identifier: ISC */
/* Events of the caller: where a stream begins, and its next part. */
#include "backend/hooks.h"
#include "backend/user_events.h"
#include "common/sink.h"

enum { PART_MAX = 8 * 1024 };

static int
write_event(struct call *c, const struct event *ev)
{
	mp_encode(&rec_event, ev, c->body, 0);
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 0;
}

/* The client has to read everything anew, and goes on behind what is newest by then. */
static int
reset(struct call *c, uint64_t newest)
{
	struct event ev = {0};

	REC_SET(&ev, event, id, (int64_t)newest);
	REC_SET(&ev, event, type, event_type_RESET);
	REC_SET(&ev, event, time, c->now_ms);
	c->mark->id = newest;
	return write_event(c, &ev);
}

/* Its first word is a number, so that a client that saw no event knows where to go on. */
static int
begin(struct call *c, uint64_t oldest, uint64_t newest)
{
	bool asks = REC_HAS(c->req, request, last_event_id);
	int64_t last = asks ? c->req->last_event_id : (int64_t)newest;
	struct event ev = {0};

	c->mark->set = true;
	if (last < 0 || (uint64_t)last > newest || (uint64_t)last + 1 < oldest)
		return reset(c, newest);
	c->mark->id = (uint64_t)last;
	REC_SET(&ev, event, id, last);
	return write_event(c, &ev);
}

static int
next_part(struct call *c)
{
	uint64_t oldest, newest;
	int rc = 0;

	if (user_events_range(&c->m, c->who->id, &oldest, &newest) != 0)
		return -1;
	if (!c->mark->set)
		rc = begin(c, oldest, newest);
	else if (c->mark->id + 1 < oldest || c->mark->id > newest)
		/* So slow a reader that what it lacks has gone. */
		rc = reset(c, newest);
	if (rc == 0 && c->mark->id < newest)
		rc = user_events_read(
		    &c->m, c->who->id, c->mark->id, c->body->n + PART_MAX, c->body, &c->mark->id);
	c->more = true;
	c->current = rc == 0;
	return rc < 0 ? -1 : 0;
}

const struct hooks hooks_events = {.custom = next_part};
