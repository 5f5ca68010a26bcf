/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_conference.h"

#include "feeds/freeswitch_call.h"

enum { TEXT_MAX = 255, ENERGY_MAX = 100000, VOLUME_MAX = 100 };

struct action {
	const struct fs_pairs *p;
	struct str name;
	int64_t seq, time;
	const char *id;
	struct arena *a;
};

static bool
is(const struct action *ev, const char *action)
{
	return str_eqc(ev->name, action);
}

static int64_t
between(int64_t n, int64_t low, int64_t high)
{
	return n < low ? low : n > high ? high : n;
}

/* The conference that an event is about, begun when it is not known. NULL when it has ended, or
 * there are too many. */
static struct fs_conference *
conference_of(struct fs_state *s, const struct action *ev)
{
	struct str key = fs_get(ev->p, "Conference-Unique-ID"), room;
	struct fs_conference *c = fs_find(&s->conferences, key, 0);

	if (c != NULL && fs_is_over(&c->thing))
		return NULL;
	if (c != NULL && !c->thing.ended)
		return c;
	room = fs_text(fs_get(ev->p, "Conference-Name"), TEXT_MAX, ev->a);
	if (room.n == 0 || (c = fs_make(&s->conferences, key, 0)) == NULL) {
		s->refused++;
		return NULL;
	}
	fs_keep(&c->conference.room, room);
	c->conference.has |= REC_BIT(live_conference, room);
	REC_SET(&c->conference, live_conference, locked, false);
	REC_SET(&c->conference, live_conference, recording, false);
	c->thing.touched = s->clock;
	if (is(ev, "conference-create"))
		REC_SET(&c->conference, live_conference, started, ev->time);
	else
		s->unsure = true; /* it may be locked, and more members may be in it */
	return c;
}

/* What belongs to all of the conference. */
static void
on_whole(struct fs_state *s, struct fs_conference *c, const struct action *ev)
{
	struct live_conference *v = &c->conference;

	if (ev->seq <= c->thing.seq)
		return;
	if (is(ev, "conference-destroy")) {
		c->thing.seq = ev->seq;
		c->thing.touched = s->clock;
		fs_end_conference(s, c, ev->time, ev->id);
		return;
	}
	if (is(ev, "lock") || is(ev, "unlock")) {
		REC_SET(v, live_conference, locked, is(ev, "lock"));
	} else if (is(ev, "start-recording")) {
		REC_SET(v, live_conference, recording, true);
	} else if (is(ev, "stop-recording")) {
		REC_SET(v, live_conference, recording, false);
		s->unsure = true; /* there may have been several */
	} else if (!is(ev, "conference-create")) {
		return;
	}
	c->thing.seq = ev->seq;
	c->thing.touched = s->clock;
	fs_say_conference(s, c, ev->time, ev->id);
}

static void
member_texts(struct live_member *v, const struct action *ev)
{
	struct str uuid = fs_text(fs_get(ev->p, "Unique-ID"), FS_KEY_MAX, ev->a);
	struct str number = fs_text(fs_get(ev->p, "Caller-Caller-ID-Number"), TEXT_MAX, ev->a);
	struct str name = fs_text(fs_get(ev->p, "Caller-Caller-ID-Name"), TEXT_MAX, ev->a);

	if (uuid.n > 0) {
		fs_keep(&v->uuid, uuid);
		v->has |= REC_BIT(live_member, uuid);
	}
	if (number.n > 0) {
		fs_keep(&v->number, number);
		v->has |= REC_BIT(live_member, number);
	}
	if (name.n > 0) {
		fs_keep(&v->name, name);
		v->has |= REC_BIT(live_member, name);
	}
}

static void
member_values(struct fs_member *m, const struct action *ev)
{
	struct live_member *v = &m->member;
	int64_t level;

	REC_SET(v, live_member, id, m->thing.number);
	REC_SET(v, live_member, muted, str_eqc(fs_get(ev->p, "Speak"), "false"));
	REC_SET(v, live_member, deaf, str_eqc(fs_get(ev->p, "Hear"), "false"));
	REC_SET(v, live_member, hold, fs_get_flag(ev->p, "Hold"));
	REC_SET(v, live_member, moderator, str_eqc(fs_get(ev->p, "Member-Type"), "moderator"));
	REC_SET(v, live_member, energy, between(fs_get_number(ev->p, "Energy-Level"), 0, ENERGY_MAX));
	if (str_to_i64(fs_get(ev->p, "Volume-Level"), &level)) {
		level = between(level, -VOLUME_MAX, VOLUME_MAX);
		if (is(ev, "volume-in-member"))
			REC_SET(v, live_member, volume_in, level);
		else if (is(ev, "volume-out-member"))
			REC_SET(v, live_member, volume_out, level);
	}
	if (is(ev, "add-member"))
		REC_SET(v, live_member, joined, ev->time);
	m->talking = fs_get_flag(ev->p, "Talking");
	m->floor = fs_get_flag(ev->p, "Floor");
}

/* A channel that takes part in a conference is a call to one. */
static void
mark_call(struct fs_state *s, const struct action *ev)
{
	struct fs_leg *l = fs_find(&s->legs, fs_get(ev->p, "Unique-ID"), 0);

	if (l == NULL || l->thing.ended || l->a_leg != NULL || REC_HAS(&l->call, live_call, type) ||
	    !REC_HAS(&l->call, live_call, caller))
		return;
	fs_keep(&l->call.type, STR_LIT("conference"));
	l->call.has |= REC_BIT(live_call, type);
	fs_say_leg(s, l, ev->time, ev->id);
}

static struct fs_member *
member_of(struct fs_state *s, struct fs_conference *c, const struct action *ev, int64_t number)
{
	struct str key = str_c(c->thing.key);
	struct fs_member *m = fs_find(&s->members, key, number);

	if (m != NULL && ev->seq <= m->thing.seq)
		return NULL;
	/* Its end was seen: nothing but a new entry makes it a member again. */
	if (m != NULL && fs_is_over(&m->thing) && !is(ev, "add-member"))
		return NULL;
	if (m != NULL && !m->thing.ended)
		return m;
	if ((m = fs_make(&s->members, key, number)) == NULL) {
		s->refused++;
		return NULL;
	}
	c->size++;
	if (!is(ev, "add-member"))
		s->unsure = true; /* its volumes are not known */
	return m;
}

static void
floor_lost(struct fs_state *s, struct fs_conference *c, const struct action *ev)
{
	struct fs_member *m = fs_find(&s->members, str_c(c->thing.key), fs_get_number(ev->p, "Old-ID"));

	if (m == NULL || m->thing.ended || ev->seq <= m->thing.seq || !m->floor)
		return;
	m->floor = false;
	s->out.moment(s->out.arg, m->thing.key, m->thing.number, m->talking, false, 0);
}

static void
on_member(struct fs_state *s, struct fs_conference *c, const struct action *ev, int64_t number)
{
	struct fs_member *m = member_of(s, c, ev, number);
	bool moment = is(ev, "start-talking") || is(ev, "stop-talking") || is(ev, "floor-change"), was,
	     held;

	if (m == NULL)
		return;
	was = REC_HAS(&m->member, live_member, id);
	held = m->floor || m->talking;
	m->thing.seq = ev->seq;
	m->thing.touched = s->clock;
	if (is(ev, "del-member")) {
		fs_end_member(s, m, ev->time, ev->id);
		return;
	}
	member_texts(&m->member, ev);
	member_values(m, ev);
	if (!moment || !was)
		fs_say_member(s, m, ev->time, ev->id);
	if (moment || held || m->talking || m->floor)
		s->out.moment(s->out.arg, m->thing.key, number, m->talking, m->floor,
		    between(fs_get_number(ev->p, "Current-Energy"), 0, ENERGY_MAX));
	if (is(ev, "add-member"))
		mark_call(s, ev);
}

void
fs_on_conference(struct fs_state *s, const struct fs_pairs *p, int64_t seq, int64_t time,
    const char *id, struct arena *a)
{
	struct action ev = {p, fs_get(p, "Action"), seq, time, id, a};
	struct fs_conference *c;
	int64_t number = fs_get_number(p, "Member-ID"), size;
	bool fresh;

	/* Has neither conference nor member. */
	if (is(&ev, "rejected-join-only"))
		return;
	c = fs_find(&s->conferences, fs_get(p, "Conference-Unique-ID"), 0);
	fresh = c == NULL || c->thing.ended;
	if ((c = conference_of(s, &ev)) == NULL)
		return;
	if (fresh && !is(&ev, "conference-create") && !is(&ev, "conference-destroy"))
		fs_say_conference(s, c, time, id);
	if (is(&ev, "floor-change"))
		floor_lost(s, c, &ev);
	if (number > 0 && !fs_get_flag(p, "Member-Ghost"))
		on_member(s, c, &ev, number);
	else
		on_whole(s, c, &ev);
	if ((is(&ev, "add-member") || is(&ev, "del-member")) &&
	    str_to_i64(fs_get(p, "Conference-Size"), &size) && size != c->size)
		s->unsure = true;
}
