/* SPDX-License-Identifier: ISC */
#include "feeds/rooms.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"

void
rooms_init(struct rooms *r)
{
	*r = (struct rooms){.v = NULL};
}

static void
clear(struct room_kept *k)
{
	for (size_t i = 0; i < ROOM_NAMES; i++)
		free(k->names[i]);
	explicit_bzero(k, sizeof(*k));
}

void
rooms_free(struct rooms *r)
{
	for (size_t i = 0; i < r->n; i++)
		clear(&r->v[i]);
	free(r->v);
	rooms_init(r);
}

bool
rooms_have(const struct rooms *r, int64_t *generation, int64_t *version)
{
	*generation = r->generation;
	*version = r->version;
	return r->has;
}

static struct room_kept *
by_id(const struct rooms *r, int64_t id)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].id == id)
			return &r->v[i];
	return NULL;
}

/* The last one takes its place. */
static void
drop(struct rooms *r, struct room_kept *k)
{
	clear(k);
	*k = r->v[--r->n];
	explicit_bzero(&r->v[r->n], sizeof(*k));
}

static struct room_kept *
make(struct rooms *r)
{
	if (r->n == r->size) {
		size_t size = r->size > 0 ? 2 * r->size : 64;
		struct room_kept *v = calloc(size, sizeof(*v));

		if (v == NULL)
			return NULL;
		/* No code is left behind in memory that is given back. */
		if (r->n > 0)
			memcpy(v, r->v, r->n * sizeof(*v));
		if (r->v != NULL)
			explicit_bzero(r->v, r->n * sizeof(*v));
		free(r->v);
		r->v = v;
		r->size = size;
	}
	return &r->v[r->n++];
}

static bool
set_name(char **to, bool has, struct str name)
{
	*to = has && name.n > 0 && name.n <= ROOM_NAME_MAX ? strndup(name.p, name.n) : NULL;
	return *to != NULL || !has || name.n == 0 || name.n > ROOM_NAME_MAX;
}

static void
set_code(char to[ROOM_CODE_MAX + 1], bool has, struct str code)
{
	if (has && code.n <= ROOM_CODE_MAX)
		memcpy(to, code.p, code.n);
}

static bool
same_name(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same(const struct room_kept *a, const struct room_kept *b)
{
	for (size_t i = 0; i < ROOM_NAMES; i++)
		if (!same_name(a->names[i], b->names[i]))
			return false;
	return strcmp(a->code, b->code) == 0 && strcmp(a->moderator_code, b->moderator_code) == 0 &&
	    a->max_members == b->max_members;
}

static bool
put(struct rooms *r, const struct feed_room *from)
{
	const struct room *room = &from->room;
	struct room_kept new = {.id = from->id, .listed = true}, *k = by_id(r, from->id);
	bool ok = set_name(&new.names[0], true, room->name) &&
	    set_name(&new.names[1], REC_HAS(room, room, extension), room->extension) &&
	    set_name(&new.names[2], REC_HAS(room, room, did), room->did);

	set_code(new.code, REC_HAS(room, room, access_code), room->access_code);
	set_code(new.moderator_code, REC_HAS(room, room, moderator_code), room->moderator_code);
	if (REC_HAS(room, room, max_members) && room->max_members > 1)
		new.max_members = room->max_members;
	if (ok && k != NULL && same(k, &new)) {
		k->listed = true;
		clear(&new);
		return true;
	}
	if (ok && k == NULL && r->n == ROOMS_MAX) {
		if (!r->full)
			log_event(
			    LOG_ERROR_, "rooms", "more than %d: the codes of others are not set", ROOMS_MAX);
		r->full = true;
		clear(&new);
		return true;
	}
	if (ok && k == NULL)
		k = make(r);
	else if (ok)
		clear(k);
	if (!ok || k == NULL) {
		clear(&new);
		return false;
	}
	new.stamp = ++r->stamp;
	*k = new;
	explicit_bzero(&new, sizeof(new));
	return true;
}

static void
begin(struct rooms *r)
{
	for (size_t i = 0; i < r->n; i++)
		r->v[i].listed = false;
	r->listing = true;
	r->has = false;
}

static void
end(struct rooms *r)
{
	for (size_t i = r->n; r->listing && i-- > 0;)
		if (!r->v[i].listed)
			drop(r, &r->v[i]);
	r->listing = false;
}

bool
rooms_take(struct rooms *r, const struct feed_routes *part)
{
	struct room_kept *k;

	if (REC_HAS(part, feed_routes, begin) && part->begin)
		begin(r);
	for (size_t i = 0; REC_HAS(part, feed_routes, rooms) && i < part->rooms.n; i++) {
		if (!put(r, &part->rooms.v[i])) {
			/* All of it is to be told anew. */
			r->has = false;
			return false;
		}
	}
	for (size_t i = 0; REC_HAS(part, feed_routes, gone) && i < part->gone.n; i++)
		if (part->gone.v[i].subject == feed_subject_ROOM &&
		    (k = by_id(r, part->gone.v[i].id)) != NULL)
			drop(r, k);
	if (REC_HAS(part, feed_routes, end) && part->end)
		end(r);
	if (!r->listing && REC_HAS(part, feed_routes, version)) {
		r->generation = part->generation;
		r->version = part->version;
		r->has = true;
	}
	return true;
}

const struct room_kept *
rooms_find(const struct rooms *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < ROOM_NAMES; k++)
			if (r->v[i].names[k] != NULL && strcmp(r->v[i].names[k], name) == 0)
				return &r->v[i];
	return NULL;
}
