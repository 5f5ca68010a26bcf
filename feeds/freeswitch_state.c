/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_state.h"

#include <stdlib.h>
#include <string.h>

void
fs_keep(struct str *at, struct str value)
{
	char *p;

	if (at->p != NULL && str_eq(*at, value))
		return;
	if ((p = malloc(value.n + 1)) == NULL)
		return;
	if (value.n > 0)
		memcpy(p, value.p, value.n);
	p[value.n] = '\0';
	free((char *)(uintptr_t)at->p);
	*at = (struct str){p, value.n};
}

static void
drop(struct str *at)
{
	free((char *)(uintptr_t)at->p);
	*at = (struct str){NULL, 0};
}

static void
drop_leg(void *thing)
{
	struct fs_leg *l = thing;

	drop(&l->call.caller);
	drop(&l->call.caller_aor);
	drop(&l->call.callee);
	drop(&l->call.callee_aor);
	drop(&l->call.recipient);
	drop(&l->call.type);
	free(l->a_leg);
}

static void
drop_conference(void *thing)
{
	struct fs_conference *c = thing;

	drop(&c->conference.room);
}

static void
drop_member(void *thing)
{
	struct fs_member *m = thing;

	drop(&m->member.uuid);
	drop(&m->member.number);
	drop(&m->member.name);
}

void
fs_state_init(struct fs_state *s, const char *domain, const struct fs_out *out)
{
	*s = (struct fs_state){.domain = domain, .out = *out};
	s->legs = (struct fs_table){sizeof(struct fs_leg), drop_leg, FS_LEGS_MAX, .n = 0};
	s->conferences = (struct fs_table){
	    sizeof(struct fs_conference), drop_conference, FS_CONFERENCES_MAX, .n = 0};
	s->members = (struct fs_table){sizeof(struct fs_member), drop_member, FS_MEMBERS_MAX, .n = 0};
}

void
fs_state_clear(struct fs_state *s)
{
	fs_table_clear(&s->legs);
	fs_table_clear(&s->conferences);
	fs_table_clear(&s->members);
	s->core[0] = '\0';
}

void
fs_keep_call(struct live_call *to, const struct live_call *from)
{
	struct live_call old = *to;

	*to = *from;
	to->caller = old.caller;
	to->caller_aor = old.caller_aor;
	to->callee = old.callee;
	to->callee_aor = old.callee_aor;
	to->recipient = old.recipient;
	to->type = old.type;
	fs_keep(&to->caller, from->caller);
	fs_keep(&to->caller_aor, from->caller_aor);
	fs_keep(&to->callee, from->callee);
	fs_keep(&to->callee_aor, from->callee_aor);
	fs_keep(&to->recipient, from->recipient);
	fs_keep(&to->type, from->type);
}

static void
say(struct fs_state *s, enum feed_kind kind, const struct fs_thing *thing, int64_t time,
    const char *id, const void *record)
{
	struct fs_fact f = {kind, thing->key, thing->number, time, id, record};

	if (!s->silent)
		s->out.fact(s->out.arg, &f);
}

bool
fs_is_over(const struct fs_thing *t)
{
	return t->ended && !t->swept;
}

static void
finish(struct fs_state *s, struct fs_table *t, struct fs_thing *thing)
{
	fs_end(t, thing);
	thing->swept = s->sweeping;
}

void
fs_end_leg(struct fs_state *s, struct fs_leg *l, int64_t time, const char *id)
{
	if (l->a_leg == NULL && REC_HAS(&l->call, live_call, caller))
		say(s, feed_kind_CALL_END, &l->thing, time, id, NULL);
	finish(s, &s->legs, &l->thing);
}

void
fs_end_member(struct fs_state *s, struct fs_member *m, int64_t time, const char *id)
{
	struct fs_conference *c = fs_find(&s->conferences, str_c(m->thing.key), 0);

	say(s, feed_kind_MEMBER_END, &m->thing, time, id, NULL);
	if (c != NULL && !c->thing.ended)
		c->size--;
	finish(s, &s->members, &m->thing);
}

struct ending {
	struct fs_state *s;
	const char *key;
};

static void
end_if_in(void *arg, void *thing)
{
	struct ending *e = arg;
	struct fs_member *m = thing;

	/* The end of the conference is theirs; nothing has to be said. */
	if (strcmp(m->thing.key, e->key) == 0)
		finish(e->s, &e->s->members, &m->thing);
}

void
fs_end_conference(struct fs_state *s, struct fs_conference *c, int64_t time, const char *id)
{
	struct ending e = {s, c->thing.key};

	if (c->size > 0)
		fs_each(&s->members, end_if_in, &e);
	say(s, feed_kind_CONFERENCE_END, &c->thing, time, id, NULL);
	finish(s, &s->conferences, &c->thing);
}

void
fs_say_leg(struct fs_state *s, const struct fs_leg *l, int64_t time, const char *id)
{
	/* A channel whose events name no parties yet is no call yet. */
	if (l->a_leg == NULL && REC_HAS(&l->call, live_call, caller))
		say(s, feed_kind_CALL, &l->thing, time, id, &l->call);
}

void
fs_say_conference(struct fs_state *s, const struct fs_conference *c, int64_t time, const char *id)
{
	say(s, feed_kind_CONFERENCE, &c->thing, time, id, &c->conference);
}

void
fs_say_member(struct fs_state *s, const struct fs_member *m, int64_t time, const char *id)
{
	say(s, feed_kind_MEMBER, &m->thing, time, id, &m->member);
}

struct telling {
	struct fs_state *s;
	int64_t time;
};

static void
tell_leg(void *arg, void *thing)
{
	const struct telling *t = arg;

	fs_say_leg(t->s, thing, t->time, NULL);
}

static void
tell_conference(void *arg, void *thing)
{
	const struct telling *t = arg;

	fs_say_conference(t->s, thing, t->time, NULL);
}

static void
tell_member(void *arg, void *thing)
{
	const struct telling *t = arg;
	const struct fs_member *m = thing;

	fs_say_member(t->s, m, t->time, NULL);
	t->s->out.moment(t->s->out.arg, m->thing.key, m->thing.number, m->talking, m->floor, 0);
}

void
fs_say_all(struct fs_state *s, int64_t time)
{
	static const struct fs_thing mark = {.key = NULL};
	struct telling t = {s, time};

	say(s, feed_kind_SNAPSHOT_BEGIN, &mark, time, NULL, NULL);
	fs_each(&s->legs, tell_leg, &t);
	fs_each(&s->conferences, tell_conference, &t);
	fs_each(&s->members, tell_member, &t);
	say(s, feed_kind_SNAPSHOT_END, &mark, time, NULL, NULL);
}
