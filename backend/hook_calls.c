/* SPDX-License-Identifier: ISC */
/* Calls in progress, of the caller or, for an administrator, of anybody. */
#include <string.h>

#include "backend/call_show.h"
#include "backend/hooks.h"
#include "backend/list.h"
#include "backend/live.h"
#include "common/sink.h"

static void
fill(struct call *c, uint32_t user, const struct active_call *a, struct active_cdr *r)
{
	const struct live_call *l = &a->call;
	bool calls = REC_HAS(a, active_call, caller) && a->caller == user;

	memset(r, 0, sizeof(*r));
	REC_SET(r, active_cdr, from, call_show_party(l->caller, c->m.a));
	REC_SET(r, active_cdr, from_aor, l->caller);
	REC_SET(r, active_cdr, to, call_show_party(l->callee, c->m.a));
	REC_SET(r, active_cdr, to_aor, l->callee);
	REC_SET(r, active_cdr, direction, call_show_direction(l, calls));
	if (REC_HAS(l, live_call, recipient) && l->recipient.n > 0)
		REC_SET(r, active_cdr, recipient, l->recipient);
	REC_SET(r, active_cdr, internal, REC_HAS(l, live_call, internal) && l->internal);
	REC_SET(r, active_cdr, type, REC_HAS(l, live_call, type) ? l->type : STR_LIT("Unknown"));
	REC_SET(r, active_cdr, start_time, l->started);
	/* The switch's clock may be ahead of ours. */
	REC_SET(r, active_cdr, duration, c->now_ms > l->started ? c->now_ms - l->started : 0);
}

struct part {
	struct call *c;
	uint32_t user;
	bool full;
};

static int
add(void *arg, struct str name, const struct active_call *a)
{
	struct part *p = arg;
	struct call *c = p->c;
	struct mark *mark = c->mark;
	size_t before = c->body->n;
	struct active_cdr r;

	/* What only rings is not going on yet. */
	if (a->call.state != call_state_ANSWERED)
		return 0;
	fill(c, p->user, a, &r);
	mp_encode(&rec_active_cdr, &r, c->body, 0);
	if (before > 0 && c->body->n > LIST_PART_MAX) {
		c->body->n = before;
		p->full = true;
		return 1;
	}
	mark->set = true;
	mark->name_n = name.n < sizeof(mark->name) ? name.n : sizeof(mark->name);
	memcpy(mark->name, name.p, mark->name_n);
	return 0;
}

static int
calls_of(struct call *c, uint32_t user)
{
	struct part p = {.c = c, .user = user};
	struct mark *mark = c->mark;
	int rc;

	do {
		struct str after = {mark->name, mark->set ? mark->name_n : 0};

		/* The mark is moved while its text is in use. */
		if ((after = arena_copy(c->m.a, after)).p == NULL)
			return err_set(c->m.e, ERR_TOO_LARGE, NULL);
		rc = live_calls_of(&c->m, user, after, add, &p);
	} while (rc == 1 && !p.full && !c->body->failed);
	c->more = p.full;
	if (rc < 0)
		return -1;
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 0;
}

static int
own_calls(struct call *c)
{
	return calls_of(c, c->who->id);
}

static int
calls_of_named(struct call *c)
{
	uint32_t user;
	int rc = model_name(&c->m, INDEX_LOGIN, c->req->key, &user);

	return rc == 1 ? calls_of(c, user) : rc;
}

const struct hooks hooks_activecdrs = {.custom = own_calls};
const struct hooks hooks_activecdrs_user = {.custom = calls_of_named};
