/* SPDX-License-Identifier: ISC */
/* Events onto the table: a part of janus_sync.h, which says when they count. */
#include "feeds/janus_show.h"

/* Whether the room is to be asked about instead. An event from the future is one from before a step
 * of the clock, and may be older than the answer. */
static bool
in_doubt(const struct janus_sync *s, const struct janus_known *r, const struct janus_event *ev)
{
	return r->asking || r->todo || r->dirty || ev->time <= r->answered ||
	    ev->time > s->ops->wall_us(s->arg);
}

/* Nothing is taken from it but since when somebody is there, or is by the next answer. */
static void
doubt(struct janus_sync *s, struct janus_known *r, const struct janus_event *ev)
{
	struct janus_member *m = janus_table_member(r, ev->who.id);
	int64_t ms = ev->time / 1000;

	r->dirty = true;
	if (ev->kind != JANUS_JOINED)
		return;
	janus_table_hear(r, ev->who.id, ms);
	/* Who came later has left in between. */
	if (m == NULL || ms <= m->joined)
		return;
	m->joined = ms;
	if (janus_table_begin(r) && r->told)
		janus_show(s, r, ms);
	janus_show_member(s, r, m, ms);
}

static void
joined(struct janus_sync *s, struct janus_known *r, const struct janus_event *ev)
{
	struct janus_member *m = janus_table_join(&s->table, r, ev->who.id);

	if (m == NULL) {
		janus_too_many(s);
		return;
	}
	if (r->n == 1)
		r->started = ev->time / 1000;
	m->joined = ev->time / 1000;
	m->muted = ev->who.muted;
	janus_display(ev->who.display, m->display);
	janus_show_member(s, r, m, ev->time / 1000);
}

static void
about_member(struct janus_sync *s, struct janus_known *r, const struct janus_event *ev)
{
	struct janus_member *m = janus_table_member(r, ev->who.id);
	int64_t ms = ev->time / 1000;
	char key[JANUS_KEY_SIZE];

	if (ev->kind == JANUS_JOINED) {
		joined(s, r, ev);
	} else if (m == NULL) {
		/* Whoever is not known and leaves is not known to be there. */
		r->dirty = ev->kind != JANUS_LEFT;
	} else if (ev->kind == JANUS_LEFT) {
		janus_leave(s, r, m, ms);
	} else if (ev->kind == JANUS_TALKING || ev->kind == JANUS_SILENT) {
		janus_key(r->id, key);
		if (r->told)
			s->ops->talk(s->arg, key, m->id, ev->who.talking);
	} else {
		m->muted = ev->kind == JANUS_CONFIGURED ? ev->who.muted : ev->kind == JANUS_MUTED;
		if (ev->kind == JANUS_CONFIGURED)
			janus_display(ev->who.display, m->display);
		janus_show_member(s, r, m, ms);
	}
}

void
janus_sync_event(struct janus_sync *s, const struct janus_event *ev)
{
	struct janus_known *r = janus_table_find(&s->table, ev->room);

	if (!s->up)
		return;
	if (r == NULL && ev->kind == JANUS_JOINED) {
		r = janus_table_room(&s->table, ev->room);
		if (r != NULL) {
			/* By its description it has none before the rooms are listed. */
			janus_name(r, s->rule, (struct str){"", 0});
			r->dirty = true;
			s->want_rooms |= s->rule == JANUS_BY_DESCRIPTION;
		}
	}
	if (r == NULL || ev->kind == JANUS_ROOM || ev->kind == JANUS_DESTROYED)
		s->want_rooms = true;
	if (r != NULL && ev->kind != JANUS_ROOM) {
		if (in_doubt(s, r, ev))
			doubt(s, r, ev);
		else if (ev->kind == JANUS_DESTROYED)
			janus_drop(s, r, ev->time / 1000);
		else
			about_member(s, r, ev);
	}
	janus_sync_pump(s);
}
