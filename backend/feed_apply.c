/* SPDX-License-Identifier: ISC */
#include "backend/feed_apply.h"

#include "backend/cdr.h"
#include "backend/job.h"
#include "backend/live.h"
#include "backend/live_conference.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mp.h"

int
feed_cursor_get(struct model *m, struct str source, struct feed_cursor *ret)
{
	return model_named_get(m, &rec_feed_cursor, source, ret) < 0 ? -1 : 0;
}

int
feed_cursor_put(struct model *m, struct str source, const struct feed_cursor *c)
{
	return model_named_put(m, &rec_feed_cursor, source, c);
}

/* The record of a message, checked as if nobody had. */
static void *
body_of(struct model *m, const struct feed_message *msg)
{
	const struct rec *r = feed_body(msg->kind);
	void *obj = r != NULL ? arena_alloc(m->a, r->size) : NULL;

	if (obj == NULL) {
		err_set(m->e, ERR_TOO_LARGE, NULL);
		return NULL;
	}
	if (!REC_HAS(msg, feed_message, body)) {
		err_set(m->e, ERR_MALFORMED, "a message has no body");
		return NULL;
	}
	if (mp_decode(r, obj, msg->body, DECODE_ALL, m->a, m->e) != 0 ||
	    rec_validate(r, obj, false, m->e) != 0)
		return NULL;
	rec_defaults(r, obj);
	return obj;
}

/* The number in front of the body is the member's own. */
static void *
member_of(struct model *m, const struct feed_message *msg)
{
	struct live_member *member = body_of(m, msg);

	if (member == NULL || !REC_HAS(msg, feed_message, member) || member->id == msg->member)
		return member;
	err_set(m->e, ERR_MALFORMED, "a message has two numbers for one member");
	return NULL;
}

static int
apply(struct model *m, const struct feed_message *msg, struct feed_cursor *c)
{
	struct live_source s = {msg->source, c->generation, c->rows};
	struct str key = REC_HAS(msg, feed_message, key) ? msg->key : (struct str){"", 0};
	const void *body;
	int rc = 0;

	switch (msg->kind) {
	case feed_kind_CALL:
		rc = (body = body_of(m, msg)) != NULL ? live_call_set(m, &s, key, body) : -1;
		break;
	case feed_kind_CALL_END:
		rc = live_call_end(m, &s, key);
		break;
	case feed_kind_CONFERENCE:
		rc = (body = body_of(m, msg)) != NULL
		    ? live_conference_set(
		          m, &s, key, REC_HAS(msg, feed_message, time) ? msg->time : clock_wall_ms(), body)
		    : -1;
		break;
	case feed_kind_CONFERENCE_END:
		rc = live_conference_end(m, &s, key);
		break;
	case feed_kind_MEMBER:
		rc = (body = member_of(m, msg)) != NULL ? live_member_set(m, &s, key, body) : -1;
		break;
	case feed_kind_MEMBER_END:
		rc = REC_HAS(msg, feed_message, member)
		    ? live_member_end(m, &s, key, msg->member)
		    : err_set(m->e, ERR_MALFORMED, "a message does not say which member");
		break;
	case feed_kind_CDR:
		body = body_of(m, msg);
		return body != NULL && cdr_file(m, msg->source, body, clock_wall_ms()) >= 0 ? 0 : -1;
	case feed_kind_SNAPSHOT_BEGIN:
		c->generation++;
		c->open = true;
		return 0;
	case feed_kind_SNAPSHOT_END:
		if (!c->open)
			return err_set(m->e, ERR_MALFORMED, "a snapshot ends that has not begun");
		rc = live_sweep(m, &s);
		c->open = false;
		break;
	default:
		return err_set(m->e, ERR_MALFORMED, "a message of an unknown kind");
	}
	c->rows = s.rows;
	return rc;
}

int
feed_apply(struct model *m, const struct feed_message *msg, struct feed_cursor *c, int64_t *dropped)
{
	if (apply(m, msg, c) != 0) {
		if (err_is_fault(m->e->code))
			return -1;
		log_event(LOG_DEBUG_, "feed-message", "%.*s: number %lld: %s", (int)msg->source.n,
		    msg->source.p, (long long)msg->seq, err_text(m->e));
		err_clear(m->e);
		++*dropped;
	}
	c->seq = msg->seq;
	return 0;
}
