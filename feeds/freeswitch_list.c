/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_list.h"

#include <string.h>

#include "common/tree.h"
#include "feeds/freeswitch_call.h"
#include "feeds/freeswitch_event.h"

enum { TEXT_MAX = 255, DUMP_MEMORY = 1024 * 1024 };

static struct str
text_of(const struct node *n, const char *name)
{
	const struct node *c = node_get(n, str_c(name));

	return c != NULL && c->kind == NODE_TEXT ? c->text : (struct str){"", 0};
}

static int64_t
number_of(const struct node *n, const char *name, int64_t low, int64_t high)
{
	const struct node *c = node_get(n, str_c(name));
	int64_t v = c != NULL && c->kind == NODE_INT ? c->i : 0;

	return v < low ? low : v > high ? high : v;
}

static bool
flag_of(const struct node *n, const char *name)
{
	const struct node *c = node_get(n, str_c(name));

	return c != NULL && c->kind == NODE_BOOL && c->i != 0;
}

struct reading {
	struct fs_state *s;
	uint64_t mark;
	int64_t now;
	struct arena *a;
};

static void
set_text(struct str *at, uint64_t *has, uint64_t bit, struct str value, struct arena *a)
{
	value = fs_text(value, TEXT_MAX, a);
	if (value.n == 0)
		return;
	fs_keep(at, value);
	*has |= bit;
}

static int64_t
ago(int64_t now, int64_t seconds)
{
	return now > seconds * 1000 ? now - seconds * 1000 : 0;
}

static void
member(const struct reading *r, struct fs_conference *c, const struct node *n)
{
	struct fs_table *t = &r->s->members;
	const struct node *flags = node_get(n, STR_LIT("flags"));
	int64_t number = number_of(n, "id", 0, INT64_MAX);
	struct fs_member *m = fs_find(t, str_c(c->thing.key), number);
	bool known = m != NULL && !m->thing.ended;
	struct live_member *v, old;

	/* A recording is a member as well, of another type. */
	if (number == 0 || flags == NULL || !str_eqc(text_of(n, "type"), "caller"))
		return;
	if (m != NULL && m->thing.touched > r->mark) {
		m->thing.listed = r->s->list;
		return;
	}
	if ((m = fs_make(t, str_c(c->thing.key), number)) == NULL) {
		r->s->refused++;
		return;
	}
	c->size += !known;
	m->thing.listed = r->s->list;
	v = &m->member;
	old = *v;
	set_text(&v->uuid, &v->has, REC_BIT(live_member, uuid), text_of(n, "uuid"), r->a);
	set_text(
	    &v->number, &v->has, REC_BIT(live_member, number), text_of(n, "caller_id_number"), r->a);
	set_text(&v->name, &v->has, REC_BIT(live_member, name), text_of(n, "caller_id_name"), r->a);
	REC_SET(v, live_member, id, number);
	REC_SET(v, live_member, muted, !flag_of(flags, "can_speak"));
	REC_SET(v, live_member, deaf, !flag_of(flags, "can_hear"));
	REC_SET(v, live_member, hold, flag_of(flags, "hold"));
	REC_SET(v, live_member, moderator, flag_of(flags, "is_moderator"));
	REC_SET(v, live_member, volume_in, number_of(n, "volume_in", -100, 100));
	REC_SET(v, live_member, volume_out, number_of(n, "volume_out", -100, 100));
	REC_SET(v, live_member, energy, number_of(n, "energy", 0, 100000));
	/* In whole seconds: an event's time is better. */
	if (!REC_HAS(v, live_member, joined))
		REC_SET(v, live_member, joined, ago(r->now, number_of(n, "join_time", 0, 100000000)));
	m->talking = flag_of(flags, "talking");
	m->floor = flag_of(flags, "has_floor");
	/* Texts that are the same were left where they are. */
	if (memcmp(&old, v, sizeof(old)) != 0)
		fs_say_member(r->s, m, r->now, NULL);
}

static void
conference(const struct reading *r, const struct node *n)
{
	struct fs_table *t = &r->s->conferences;
	struct str key = text_of(n, "conference_uuid");
	struct str room = fs_text(text_of(n, "conference_name"), TEXT_MAX, r->a);
	struct fs_conference *c = fs_find(t, key, 0);
	const struct node *members = node_get(n, STR_LIT("members"));
	struct live_conference *v;

	/* Its end came after the list was asked for: names are never used again. */
	if (room.n == 0 || (c != NULL && fs_is_over(&c->thing)))
		return;
	if ((c = fs_make(t, key, 0)) == NULL) {
		r->s->refused++;
		return;
	}
	c->thing.listed = r->s->list;
	v = &c->conference;
	if (c->thing.touched <= r->mark) {
		fs_keep(&v->room, room);
		v->has |= REC_BIT(live_conference, room);
		REC_SET(v, live_conference, locked, flag_of(n, "locked"));
		REC_SET(v, live_conference, recording, flag_of(n, "recording"));
	}
	if (!REC_HAS(v, live_conference, started))
		REC_SET(v, live_conference, started, ago(r->now, number_of(n, "run_time", 0, 100000000)));
	/* Also when it is as it was: its room in Tandem may be younger than the conference. */
	fs_say_conference(r->s, c, r->now, NULL);
	if (members != NULL && members->kind == NODE_LIST)
		for (const struct node *i = members->first; i != NULL; i = i->next)
			if (i->kind == NODE_MAP)
				member(r, c, i);
}

int
fs_list_conferences(
    struct fs_state *s, struct str text, uint64_t mark, int64_t now_ms, struct err *e)
{
	struct arena a;
	struct reading r = {s, mark, now_ms, &a};
	struct node *doc;
	int rc = -1;

	arena_init(&a, FS_LIST_MEMORY);
	if (json_read(text, &a, &doc, e) != 0)
		;
	else if (doc->kind != NODE_LIST)
		err_set(e, ERR_MALFORMED, "the list of conferences is none");
	else
		rc = 0;
	for (const struct node *n = rc == 0 ? doc->first : NULL; n != NULL; n = n->next)
		if (n->kind == NODE_MAP)
			conference(&r, n);
	arena_free(&a);
	return rc;
}

static void
channel(struct fs_state *s, const struct node *n, bool all, fs_ask_fn *ask, void *arg)
{
	struct str key = text_of(n, "uuid"), call = text_of(n, "call_uuid");
	struct fs_leg *l = fs_find(&s->legs, key, 0);
	bool b_leg = call.n > 0 && !str_eq(call, key) && str_eqc(text_of(n, "direction"), "outbound");
	char text[FS_KEY_MAX + 1];

	if (l != NULL && fs_is_over(&l->thing))
		return;
	if (l != NULL && l->thing.ended)
		l = NULL;
	if (l != NULL && (!all || b_leg))
		l->thing.listed = s->list;
	if (b_leg || (l != NULL && !all))
		return;
	/* It goes into a command. */
	if (key.n == 0 || key.n > FS_KEY_MAX)
		return;
	for (size_t i = 0; i < key.n; i++) {
		if (strchr("0123456789abcdefABCDEF-", key.p[i]) == NULL || key.p[i] == '\0')
			return;
		text[i] = key.p[i];
	}
	text[key.n] = '\0';
	ask(arg, text);
}

int
fs_list_channels(
    struct fs_state *s, struct str text, bool all, fs_ask_fn *ask, void *arg, struct err *e)
{
	struct arena a;
	struct node *doc;
	const struct node *rows, *count;
	int rc = -1;

	arena_init(&a, FS_LIST_MEMORY);
	if (json_read(text, &a, &doc, e) == 0) {
		rows = doc->kind == NODE_MAP ? node_get(doc, STR_LIT("rows")) : NULL;
		count = doc->kind == NODE_MAP ? node_get(doc, STR_LIT("row_count")) : NULL;
		/* Without channels there is a count and no rows. */
		if (count == NULL || count->kind != NODE_INT || (rows == NULL && count->i != 0) ||
		    (rows != NULL && rows->kind != NODE_LIST))
			err_set(e, ERR_MALFORMED, "the list of channels is none");
		else
			rc = 0;
		for (const struct node *n = rc == 0 && rows != NULL ? rows->first : NULL; n != NULL;
		     n = n->next)
			if (n->kind == NODE_MAP)
				channel(s, n, all, ask, arg);
	}
	arena_free(&a);
	return rc;
}

void
fs_list_dump(struct fs_state *s, const char *key, struct str text, int64_t now_ms)
{
	struct fs_leg *l = fs_find(&s->legs, str_c(key), 0);
	struct fs_pairs p;
	struct arena a;
	struct err e = {0};
	int64_t seq;

	if (l != NULL && fs_is_over(&l->thing))
		return;
	arena_init(&a, DUMP_MEMORY);
	/* "-ERR No such channel!": no headers. */
	if (fs_pairs_plain(&p, text, &a, &e) != 0 || !str_eqc(fs_get(&p, "Unique-ID"), key) ||
	    fs_originator(&p).n > 0) {
		arena_free(&a);
		return;
	}
	/* A dump is numbered as events are, so which is newer can be seen. */
	seq = fs_get_number(&p, "Event-Sequence");
	if ((l = fs_make(&s->legs, str_c(key), 0)) == NULL) {
		s->refused++;
	} else {
		l->thing.listed = s->list;
		if (seq > l->thing.seq) {
			l->thing.seq = seq;
			fs_leg_update(s, l, &p, now_ms, NULL, &a);
		}
	}
	arena_free(&a);
}

static bool
is_gone(const struct reading *r, const struct fs_thing *t)
{
	return t->listed != r->s->list && t->touched <= r->mark;
}

static void
sweep_leg(void *arg, void *thing)
{
	const struct reading *r = arg;

	if (is_gone(r, thing))
		fs_end_leg(r->s, thing, r->now, NULL);
}

static void
sweep_conference(void *arg, void *thing)
{
	const struct reading *r = arg;

	if (is_gone(r, thing))
		fs_end_conference(r->s, thing, r->now, NULL);
}

static void
sweep_member(void *arg, void *thing)
{
	const struct reading *r = arg;

	if (is_gone(r, thing))
		fs_end_member(r->s, thing, r->now, NULL);
}

void
fs_list_done(struct fs_state *s, uint64_t mark, int64_t now_ms)
{
	struct reading r = {s, mark, now_ms, NULL};

	s->sweeping = true;
	fs_each(&s->conferences, sweep_conference, &r);
	fs_each(&s->members, sweep_member, &r);
	fs_each(&s->legs, sweep_leg, &r);
	s->sweeping = false;
}
