/* SPDX-License-Identifier: ISC */
#include "backend/live_conference.h"

#include <string.h>

#include "backend/key.h"
#include "backend/live_rows.h"
#include "backend/user_events.h"

enum { IN_ROOM_MAX = 16, ROOM_BYTES = 4, ID_BYTES = 8 };

static void
put_number(char *to, uint64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--, v >>= 8)
		to[i] = (char)(unsigned char)(v & 0xff);
}

/* "room, 4 bytes; name of the row" */
static int
room_key(struct key *k, struct model *m, int64_t room, struct str name)
{
	char *p = arena_alloc(m->a, ROOM_BYTES + name.n + 1);

	if (p == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	put_number(p, (uint64_t)room, ROOM_BYTES);
	memcpy(p + ROOM_BYTES, name.p, name.n);
	key_text(k, m->tenant, OWNER_SYSTEM, INDEX_CONFERENCE, (struct str){p, ROOM_BYTES + name.n});
	return 0;
}

static int
refer(struct model *m, const struct active_conference *a, struct str name)
{
	struct key k;

	if (!REC_HAS(a, active_conference, room))
		return 0;
	return room_key(&k, m, a->room, name) != 0
	    ? -1
	    : store_put(m->t, STORE_INDEX, key_str(&k), STR_LIT("."), m->e);
}

static int
unrefer(struct model *m, const struct active_conference *a, struct str name)
{
	struct key k;

	if (!REC_HAS(a, active_conference, room))
		return 0;
	return room_key(&k, m, a->room, name) != 0 ||
	        store_del(m->t, STORE_INDEX, key_str(&k), m->e) < 0
	    ? -1
	    : 0;
}

/* As the users of a call: found when the switch tells of it, and the same until it tells again. */
static int
find_room(struct model *m, struct active_conference *a)
{
	uint32_t room;
	int rc = model_name(m, INDEX_ROOM, a->conference.room, &room);

	if (rc == 1)
		REC_SET(a, active_conference, room, room);
	return rc < 0 ? -1 : 0;
}

/* Whom to tell of a conference, and under which name of the room: 1, 0 = nobody, -1. */
static int
owner_of(struct model *m, const struct active_conference *a, uint32_t *owner, struct str *name)
{
	struct room room;
	int rc = REC_HAS(a, active_conference, room)
	    ? model_item_owner(m, &rec_room, (uint64_t)a->room, owner)
	    : 0;

	if (rc == 1 && *owner != OWNER_SYSTEM)
		rc = model_get(m, &rec_room, *owner, (uint64_t)a->room, &room);
	else if (rc == 1)
		rc = 0;
	if (rc == 1)
		*name = room.name;
	return rc;
}

static int
tell(struct model *m, const struct active_conference *a, enum event_state state)
{
	uint32_t owner;
	struct str name;
	int rc = owner_of(m, a, &owner, &name);

	return rc == 1 ? user_event_conference(m, owner, name, &a->conference, state) : rc;
}

/* What is said again is no news; a conference that is in another room now is another one. */
static int
tell_set(struct model *m, const struct active_conference *a, const struct active_conference *old)
{
	if (old != NULL && old->room == a->room) {
		bool same = old->conference.locked == a->conference.locked &&
		    old->conference.recording == a->conference.recording;

		return same ? 0 : tell(m, a, event_state_CHANGED);
	}
	if (old != NULL && tell(m, old, event_state_ENDED) != 0)
		return -1;
	return tell(m, a, event_state_STARTED);
}

static int
tell_member(struct model *m, const struct active_conference *in, const struct live_member *member,
    enum event_state state)
{
	uint32_t owner;
	struct str name;
	int rc = owner_of(m, in, &owner, &name);

	return rc == 1 ? user_event_member(m, owner, name, member, state) : rc;
}

/* As far as events show it. */
static bool
is_same_member(const struct live_member *a, const struct live_member *b)
{
	return a->muted == b->muted && a->deaf == b->deaf && a->hold == b->hold &&
	    a->moderator == b->moderator && str_eq(a->name, b->name) && str_eq(a->number, b->number);
}

static void
note_recording(
    struct active_conference *a, const struct active_conference *old, bool had, int64_t time_ms)
{
	if (!a->conference.recording)
		return;
	if (!had || !old->conference.recording)
		REC_SET(a, active_conference, recorded_since, time_ms);
	else if (REC_HAS(old, active_conference, recorded_since))
		REC_SET(a, active_conference, recorded_since, old->recorded_since);
}

int
live_conference_set(struct model *m, struct live_source *s, struct str key, int64_t time_ms,
    const struct live_conference *conf)
{
	struct active_conference a, old;
	struct str name;
	int had;

	if (live_row_of(m, s, key, &name) != 0)
		return -1;
	if ((had = model_named_get(m, &rec_active_conference, name, &old)) < 0)
		return -1;
	if (had == 0 && s->rows >= LIVE_ROWS_MAX)
		return err_set(m->e, ERR_INVALID, "the source has too many calls and conferences");
	memset(&a, 0, sizeof(a));
	REC_SET(&a, active_conference, conference, *conf);
	REC_SET(&a, active_conference, source, s->name);
	REC_SET(&a, active_conference, generation, s->generation);
	note_recording(&a, &old, had == 1, time_ms);
	if (find_room(m, &a) != 0 || (had == 1 && unrefer(m, &old, name) != 0) ||
	    refer(m, &a, name) != 0 || model_named_put(m, &rec_active_conference, name, &a) != 0)
		return -1;
	s->rows += had == 0;
	return tell_set(m, &a, had == 1 ? &old : NULL);
}

/* "name of the conference's row NUL number, 8 bytes": members are neighbours, by number. */
static struct str
member_name(struct model *m, struct str conference, int64_t id)
{
	char *p = arena_alloc(m->a, conference.n + 1 + ID_BYTES);

	if (p == NULL)
		return (struct str){NULL, 0};
	memcpy(p, conference.p, conference.n);
	p[conference.n] = '\0';
	put_number(p + conference.n + 1, (uint64_t)id, ID_BYTES);
	return (struct str){p, conference.n + 1 + ID_BYTES};
}

/* What all members of a conference begin with. */
static struct str
members_prefix(struct model *m, struct str conference)
{
	struct str name = member_name(m, conference, 0);

	return (struct str){name.p, name.p != NULL ? conference.n + 1 : 0};
}

static int
end_member(struct model *m, struct live_source *s, struct str name)
{
	struct active_conference in;
	struct active_member old;
	struct str conference = {name.p, name.n - 1 - ID_BYTES};
	int had = model_named_get(m, &rec_active_member, name, &old);

	if (had <= 0)
		return had;
	if (model_named_del(m, &rec_active_member, name) < 0 ||
	    (had = model_named_get(m, &rec_active_conference, conference, &in)) < 0)
		return -1;
	s->rows -= s->rows > 0;
	return had == 1 ? tell_member(m, &in, &old.member, event_state_LEFT) : 0;
}

static int
end_conference(struct model *m, struct live_source *s, struct str name)
{
	static const struct live_rows all = {&rec_active_member, NULL, end_member};
	struct active_conference old;
	struct str members = members_prefix(m, name);
	int had = model_named_get(m, &rec_active_conference, name, &old);

	if (had <= 0)
		return had;
	if (members.p == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (live_rows_end(m, s, &all, members) != 0 || unrefer(m, &old, name) != 0 ||
	    model_named_del(m, &rec_active_conference, name) < 0)
		return -1;
	s->rows -= s->rows > 0;
	return tell(m, &old, event_state_ENDED);
}

int
live_conference_end(struct model *m, struct live_source *s, struct str key)
{
	struct str name;

	return live_row_of(m, s, key, &name) != 0 ? -1 : end_conference(m, s, name);
}

int
live_member_set(
    struct model *m, struct live_source *s, struct str key, const struct live_member *member)
{
	struct active_conference in;
	struct active_member a, old;
	struct str name;
	int had;

	if (live_row_of(m, s, key, &name) != 0)
		return -1;
	if ((had = model_named_get(m, &rec_active_conference, name, &in)) <= 0)
		return had < 0 ? -1 : err_set(m->e, ERR_INVALID, "a member of no conference");
	if ((name = member_name(m, name, member->id)).p == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if ((had = model_named_get(m, &rec_active_member, name, &old)) < 0)
		return -1;
	if (had == 0 && s->rows >= LIVE_ROWS_MAX)
		return err_set(m->e, ERR_INVALID, "the source has too many calls and conferences");
	memset(&a, 0, sizeof(a));
	REC_SET(&a, active_member, member, *member);
	REC_SET(&a, active_member, generation, s->generation);
	if (model_named_put(m, &rec_active_member, name, &a) != 0)
		return -1;
	s->rows += had == 0;
	if (had == 1 && is_same_member(&old.member, member))
		return 0;
	return tell_member(m, &in, member, had == 1 ? event_state_CHANGED : event_state_JOINED);
}

int
live_member_end(struct model *m, struct live_source *s, struct str key, int64_t id)
{
	struct str name;

	if (live_row_of(m, s, key, &name) != 0)
		return -1;
	name = member_name(m, name, id);
	return name.p != NULL ? end_member(m, s, name) : err_set(m->e, ERR_TOO_LARGE, NULL);
}

static bool
is_stale_conference(const struct live_source *s, const void *row)
{
	return ((const struct active_conference *)row)->generation < s->generation;
}

static bool
is_stale_member(const struct live_source *s, const void *row)
{
	return ((const struct active_member *)row)->generation < s->generation;
}

int
live_conferences_sweep(struct model *m, struct live_source *s)
{
	static const struct live_rows conferences = {
	    &rec_active_conference, is_stale_conference, end_conference};
	static const struct live_rows members = {&rec_active_member, is_stale_member, end_member};

	return live_rows_sweep(m, s, &conferences) != 0 ? -1 : live_rows_sweep(m, s, &members);
}

struct in_room {
	struct model *m;
	struct str names[IN_ROOM_MAX];
	size_t n;
	bool failed;
};

static int
collect_name(void *arg, struct str key, struct str val)
{
	struct in_room *r = arg;
	size_t head = KEY_HEAD + ROOM_BYTES;

	(void)val;
	r->names[r->n] = arena_copy(r->m->a, (struct str){key.p + head, key.n - head});
	r->failed = r->names[r->n].p == NULL;
	return r->failed || ++r->n == IN_ROOM_MAX;
}

static int
is_there(void *arg, struct str key, struct str val)
{
	(void)key;
	(void)val;
	*(bool *)arg = true;
	return 1;
}

int
live_conference_is_empty(struct model *m, struct str conference, bool *ret)
{
	bool found = false;
	struct str prefix = members_prefix(m, conference);
	struct key k;

	if (prefix.p == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	key_text(&k, m->tenant, OWNER_SYSTEM, rec_active_member.store, prefix);
	if (store_scan(m->t, STORE_DATA, key_str(&k), (struct str){"", 0}, is_there, &found, m->e) != 0)
		return -1;
	*ret = !found;
	return 0;
}

int
live_conference_in(struct model *m, uint64_t room, struct live_running *ret)
{
	struct in_room r = {.m = m};
	bool found = false, empty = true;
	struct live_running at;
	struct key k;

	if (room_key(&k, m, (int64_t)room, (struct str){"", 0}) != 0 ||
	    store_scan(m->t, STORE_INDEX, key_str(&k), (struct str){"", 0}, collect_name, &r, m->e) !=
	        0)
		return -1;
	if (r.failed)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < r.n && empty; i++) {
		int rc = model_named_get(m, &rec_active_conference, r.names[i], &at.rec);

		if (rc < 0 || live_conference_is_empty(m, r.names[i], &empty) != 0)
			return -1;
		if (rc == 0 || (found && empty))
			continue;
		found = true;
		at.name = r.names[i];
		live_row_split(at.name, &at.source, &at.key);
		rec_defaults(&rec_live_conference, &at.rec.conference);
		*ret = at;
	}
	return found;
}

int
live_member_of(struct model *m, struct str conference, int64_t id, struct live_member *ret)
{
	struct str name = member_name(m, conference, id);
	struct active_member a;
	int rc;

	if (name.p == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if ((rc = model_named_get(m, &rec_active_member, name, &a)) == 1) {
		*ret = a.member;
		rec_defaults(&rec_live_member, ret);
	}
	return rc;
}

struct members {
	struct model *m;
	struct live_member *v;
	size_t n;
	bool failed;
};

static int
collect_member(void *arg, struct str key, struct str val)
{
	struct members *ms = arg;
	struct str stored = arena_copy(ms->m->a, val);
	struct active_member a;

	(void)key;
	/* Its texts point into what was stored. */
	ms->failed = stored.p == NULL || model_decode(ms->m, &rec_active_member, stored, &a) != 0;
	if (ms->failed)
		return 1;
	ms->v[ms->n] = a.member;
	rec_defaults(&rec_live_member, &ms->v[ms->n]);
	return ++ms->n == LIVE_MEMBERS_AT_ONCE;
}

int
live_members_of(
    struct model *m, struct str conference, int64_t after, live_member_fn *row, void *arg)
{
	struct members ms = {.m = m};
	struct str prefix = members_prefix(m, conference), from = member_name(m, conference, after);
	struct key k, f;

	ms.v = arena_array(m->a, LIVE_MEMBERS_AT_ONCE, sizeof(*ms.v));
	if (ms.v == NULL || prefix.p == NULL || from.p == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	key_text(&k, m->tenant, OWNER_SYSTEM, rec_active_member.store, prefix);
	key_text(&f, m->tenant, OWNER_SYSTEM, rec_active_member.store, from);
	if (store_scan(m->t, STORE_DATA, key_str(&k), after >= 0 ? key_str(&f) : (struct str){"", 0},
	        collect_member, &ms, m->e) != 0)
		return -1;
	if (ms.failed)
		return m->e->code != ERR_OK ? -1 : err_set(m->e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < ms.n; i++)
		if (row(arg, &ms.v[i]) != 0)
			return 0;
	return ms.n == LIVE_MEMBERS_AT_ONCE;
}
