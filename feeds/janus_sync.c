/* SPDX-License-Identifier: ISC */
#include "feeds/janus_show.h"

#include <string.h>

/* Between two questions about one room that events have led to: what happens meanwhile is asked
 * for at once. */
enum { PAUSE_MS = 20, AGAIN_MS = 500 };

void
janus_sync_init(
    struct janus_sync *s, const struct janus_sync_ops *ops, void *arg, enum janus_rule rule)
{
	*s = (struct janus_sync){.ops = ops, .arg = arg, .rule = rule, .snapshot = true};
}

void
janus_sync_free(struct janus_sync *s)
{
	janus_table_clear(&s->table);
}

/* --- asking ---------------------------------------------------------------------------------- */

void
janus_sync_up(struct janus_sync *s)
{
	s->up = true;
	s->dead = false;
	s->rooms_ms = 0;
	janus_sync_snapshot(s);
}

void
janus_sync_down(struct janus_sync *s, bool dead)
{
	s->up = false;
	s->dead = dead;
	s->asked = JANUS_NOTHING;
	for (size_t i = 0; i < s->table.n; i++)
		s->table.v[i]->asking = false;
	if (dead && s->table.n > 0) {
		janus_table_clear(&s->table);
		s->snapshot = true;
	}
	janus_sync_pump(s);
}

void
janus_sync_snapshot(struct janus_sync *s)
{
	s->snapshot = true;
	janus_sync_check(s);
}

void
janus_sync_check(struct janus_sync *s)
{
	s->want_rooms = s->want_everybody = true;
	janus_sync_pump(s);
}

void
janus_sync_doubt(struct janus_sync *s, int64_t room)
{
	struct janus_known *r = janus_table_find(&s->table, room);

	s->want_rooms = true;
	if (r != NULL)
		r->todo = true;
	janus_sync_pump(s);
}

void
janus_sync_repeat(struct janus_sync *s, int64_t room, int64_t id)
{
	struct janus_known *r = janus_table_find(&s->table, room);
	struct janus_member *m = r != NULL ? janus_table_member(r, id) : NULL;

	if (m != NULL)
		janus_show_member(s, r, m, 0);
}

static void
ask_rooms(struct janus_sync *s, int64_t now)
{
	if (!s->ops->ask_rooms(s->arg)) {
		s->ops->wake(s->arg, AGAIN_MS);
		return;
	}
	s->rooms_ms = now;
	s->want_rooms = false;
	s->asked = JANUS_ROOMS;
}

/* The room to be asked about next, NULL = none now; *wait: milliseconds until there may be one. */
static struct janus_known *
next_room(const struct janus_table *t, int64_t now, int64_t *wait)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i]->todo)
			return t->v[i];
	for (size_t i = 0; i < t->n; i++) {
		int64_t due = t->v[i]->answer_ms + PAUSE_MS - now;

		if (!t->v[i]->dirty)
			continue;
		if (due <= 0)
			return t->v[i];
		if (*wait < 0 || due < *wait)
			*wait = due;
	}
	return NULL;
}

void
janus_sync_pump(struct janus_sync *s)
{
	struct janus_known *next;
	int64_t now, wait = -1;

	if (!s->up && s->dead && s->snapshot)
		janus_show_all(s);
	if (!s->up || s->asked != JANUS_NOTHING)
		return;
	now = s->ops->now_ms(s->arg);
	if (s->want_rooms) {
		wait = s->rooms_ms != 0 ? s->rooms_ms + PAUSE_MS - now : 0;
		if (wait <= 0) {
			ask_rooms(s, now);
			return;
		}
	}
	next = next_room(&s->table, now, &wait);
	/* Rooms that are new, or whose participants have changed in number, come before it. */
	if (s->snapshot && !s->want_rooms && (next == NULL || !next->todo))
		janus_show_all(s);
	if (next != NULL && s->ops->ask_people(s->arg, next->id)) {
		next->todo = next->dirty = false;
		next->asking = true;
		s->asked = JANUS_PEOPLE;
		s->room = next->id;
	} else if (next != NULL || wait >= 0) {
		s->ops->wake(s->arg, next != NULL ? AGAIN_MS : wait);
	}
}

/* --- answers --------------------------------------------------------------------------------- */

static void
take_room(struct janus_sync *s, const struct janus_room *in)
{
	struct janus_known *r = janus_table_room(&s->table, in->id);
	bool renamed, recording, muted;

	if (r == NULL) {
		janus_too_many(s);
		return;
	}
	r->seen = true;
	recording = r->recording != in->recording;
	muted = r->muted != in->muted;
	r->recording = in->recording;
	r->muted = in->muted;
	r->has_code = in->has_code;
	renamed = janus_name(r, s->rule, in->description);
	if (in->count != (int64_t)r->n || (s->want_everybody && in->count > 0))
		r->todo = true;
	else if (in->count == 0)
		r->answered = s->ops->wall_us(s->arg);
	if (renamed && r->told) {
		/* Another conference now, for whoever looks for it by its name. */
		char key[JANUS_KEY_SIZE];

		janus_key(r->id, key);
		if (!s->snapshot)
			s->ops->say(s->arg, feed_kind_CONFERENCE_END, key, 0, 0, NULL);
		r->told = false;
	}
	if (r->n == 0)
		return;
	/* Now and then in any case: the room in Tandem may be newer than the conference. */
	if (renamed || recording || s->want_everybody)
		janus_show(s, r, 0);
	for (size_t i = 0; muted && r->told && i < r->n; i++)
		janus_show_member(s, r, &r->v[i], 0);
}

void
janus_sync_rooms(struct janus_sync *s, const struct janus_room *v, size_t n)
{
	struct janus_table *t = &s->table;

	if (s->asked != JANUS_ROOMS)
		return;
	s->asked = JANUS_NOTHING;
	for (size_t i = 0; i < t->n; i++)
		t->v[i]->seen = false;
	for (size_t i = 0; i < n; i++)
		take_room(s, &v[i]);
	for (size_t i = t->n; i-- > 0;) {
		/* Hidden rooms are not listed; by their number they are found all the same. */
		if (t->v[i]->seen)
			continue;
		if (s->rule == JANUS_BY_NUMBER)
			t->v[i]->todo = true;
		else
			janus_drop(s, t->v[i], 0);
	}
	s->want_everybody = false;
	janus_sync_pump(s);
}

/* Whether anybody of before is still there. */
static bool
same_conference(const struct janus_known *r, const struct janus_person *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (janus_table_member(r, v[i].id) != NULL)
			return true;
	return r->n == 0 || n == 0;
}

static void
take_person(struct janus_sync *s, struct janus_known *r, const struct janus_person *in)
{
	struct janus_member *m = janus_table_member(r, in->id);
	char display[JANUS_DISPLAY_MAX] = "";
	bool is_new = m == NULL;

	if (is_new && (m = janus_table_join(&s->table, r, in->id)) == NULL) {
		janus_too_many(s);
		return;
	}
	if (is_new)
		m->joined = janus_table_heard(r, in->id);
	m->seen = true;
	janus_display(in->display, display);
	if (!is_new && m->muted == in->muted && strcmp(m->display, display) == 0)
		return;
	m->muted = in->muted;
	memcpy(m->display, display, sizeof(display));
	janus_show_member(s, r, m, 0);
}

void
janus_sync_people(struct janus_sync *s, const struct janus_person *v, size_t n)
{
	struct janus_known *r;
	bool known, began;

	if (s->asked != JANUS_PEOPLE)
		return;
	s->asked = JANUS_NOTHING;
	r = janus_table_find(&s->table, s->room);
	if (r == NULL) {
		janus_sync_pump(s);
		return;
	}
	r->asking = false;
	known = r->answered != 0;
	r->answered = s->ops->wall_us(s->arg);
	r->answer_ms = s->ops->now_ms(s->arg);
	if (!same_conference(r, v, n))
		while (r->n > 0)
			janus_leave(s, r, &r->v[r->n - 1], 0);
	if (r->n == 0)
		r->fresh = known;
	for (size_t i = 0; i < r->n; i++)
		r->v[i].seen = false;
	for (size_t i = 0; i < n; i++)
		take_person(s, r, &v[i]);
	for (size_t i = r->n; i-- > 0;)
		if (!r->v[i].seen)
			janus_leave(s, r, &r->v[i], 0);
	began = janus_table_begin(r);
	if (r->n > 0 && (began || !r->told))
		janus_show(s, r, 0);
	if (!r->todo && !r->dirty)
		r->heard_n = 0;
	janus_sync_pump(s);
}

void
janus_sync_failed(struct janus_sync *s, bool gone)
{
	enum janus_asked asked = s->asked;
	struct janus_known *r = asked == JANUS_PEOPLE ? janus_table_find(&s->table, s->room) : NULL;

	s->asked = JANUS_NOTHING;
	if (asked == JANUS_ROOMS)
		s->want_rooms = true;
	if (r != NULL) {
		r->asking = false;
		if (gone)
			janus_drop(s, r, 0);
		else
			r->todo = true;
	}
	if (gone)
		janus_sync_pump(s);
	else if (asked != JANUS_NOTHING)
		s->ops->wake(s->arg, AGAIN_MS);
}
