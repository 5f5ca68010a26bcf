/* SPDX-License-Identifier: ISC */
#include "feeds/janus_show.h"

#include "common/log.h"

static void
say_room(struct janus_sync *s, struct janus_known *r, int64_t time_ms)
{
	struct live_conference c;
	char key[JANUS_KEY_SIZE];

	r->told = true;
	janus_key(r->id, key);
	janus_conference_fact(&c, str_c(r->name), r->recording, r->started);
	s->ops->say(s->arg, feed_kind_CONFERENCE, key, 0, time_ms, &c);
}

static void
say_member(struct janus_sync *s, const struct janus_known *r, const struct janus_member *m,
    int64_t time_ms)
{
	struct live_member fact;
	char key[JANUS_KEY_SIZE];

	janus_key(r->id, key);
	janus_member_fact(&fact, m->id, str_c(m->display), m->muted || r->muted, m->joined);
	s->ops->say(s->arg, feed_kind_MEMBER, key, m->id, time_ms, &fact);
}

/* Says the room as it is, and everybody in it when it was not running before; nothing while a
 * snapshot is due, which will. */
void
janus_show(struct janus_sync *s, struct janus_known *r, int64_t time_ms)
{
	bool was = r->told;
	char key[JANUS_KEY_SIZE];

	if (s->snapshot)
		return;
	janus_key(r->id, key);
	if (r->n == 0 || r->name[0] == '\0') {
		if (was)
			s->ops->say(s->arg, feed_kind_CONFERENCE_END, key, 0, time_ms, NULL);
		r->told = false;
		return;
	}
	say_room(s, r, time_ms);
	for (size_t i = 0; !was && i < r->n; i++)
		say_member(s, r, &r->v[i], time_ms);
}

void
janus_show_member(
    struct janus_sync *s, struct janus_known *r, const struct janus_member *m, int64_t time_ms)
{
	if (s->snapshot || r->name[0] == '\0')
		return;
	if (!r->told)
		janus_show(s, r, time_ms);
	else
		say_member(s, r, m, time_ms);
}

/* Forgets a participant and says so; the last one takes the conference along. */
void
janus_leave(struct janus_sync *s, struct janus_known *r, struct janus_member *m, int64_t time_ms)
{
	char key[JANUS_KEY_SIZE];
	int64_t id = m->id;

	janus_table_leave(&s->table, r, m);
	if (r->n == 0)
		r->started = 0;
	if (s->snapshot || !r->told)
		return;
	janus_key(r->id, key);
	s->ops->say(s->arg, feed_kind_MEMBER_END, key, id, time_ms, NULL);
	if (r->n == 0)
		janus_show(s, r, time_ms);
}

void
janus_drop(struct janus_sync *s, struct janus_known *r, int64_t time_ms)
{
	char key[JANUS_KEY_SIZE];

	janus_key(r->id, key);
	if (r->told && !s->snapshot)
		s->ops->say(s->arg, feed_kind_CONFERENCE_END, key, 0, time_ms, NULL);
	janus_table_drop(&s->table, r);
}

void
janus_show_all(struct janus_sync *s)
{
	const struct janus_table *t = &s->table;

	s->snapshot = false;
	s->ops->say(s->arg, feed_kind_SNAPSHOT_BEGIN, NULL, 0, 0, NULL);
	for (size_t i = 0; i < t->n; i++) {
		t->v[i]->told = false;
		if (t->v[i]->n > 0)
			janus_show(s, t->v[i], 0);
	}
	s->ops->say(s->arg, feed_kind_SNAPSHOT_END, NULL, 0, 0, NULL);
}

void
janus_too_many(struct janus_sync *s)
{
	if (!s->too_many)
		log_event(LOG_WARN_, "janus-too-many",
		    "more than %d rooms or %d participants: some are not "
		    "shown",
		    JANUS_ROOMS_MAX, JANUS_MEMBERS_MAX);
	s->too_many = true;
}
