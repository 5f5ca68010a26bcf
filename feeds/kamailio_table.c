/* SPDX-License-Identifier: ISC */
#include "feeds/kamailio_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/checks.h"
#include "common/log.h"
#include "common/mp.h"
#include "common/sink.h"
#include "feeds/kamailio_route.h"
#include "feeds/kamailio_table_parts.h"
#include "feeds/kamailio_tree.h"

enum { KEY_MAX = 2 + 255 * 4 };

static int
by_id(const void *pa, const void *pb)
{
	const struct owner *a = pa, *b = pb;

	return (a->id > b->id) - (a->id < b->id);
}

/* --- users ----------------------------------------------------------------------------------- */

static void
keys_free(char **keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(keys[i]);
	free(keys);
}

static void
user_free(void *p)
{
	struct owner *u = p;

	keys_free(u->keys, u->nkeys);
	buf_free(&u->record);
	free(u);
}

static struct owner *
find_user(struct table *t, int64_t id)
{
	struct owner wanted = {.id = id};

	return tree_find(&t->users, &wanted, by_id);
}

static struct owner *
make_user(struct table *t, int64_t id)
{
	struct owner *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->id = id;
	buf_init(&u->record, RECORD_MAX);
	if (!tree_add(&t->users, u, by_id)) {
		user_free(u);
		return NULL;
	}
	t->nusers++;
	return u;
}

static char *
key_of(char kind, struct str name)
{
	char *key = name.n <= KEY_MAX && check_user_name(name) == NULL ? malloc(name.n + 3) : NULL;

	if (key != NULL)
		snprintf(key, name.n + 3, "%c:%.*s", kind, (int)name.n, name.p);
	return key;
}

static bool
has_key(char **keys, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

/* The entries of a user, instead of those before. */
static bool
put_entries(struct table *t, struct owner *u, const struct feed_route *r, struct str value)
{
	char **keys = calloc(r->aliases.n + 1, sizeof(*keys)), *key;
	size_t n = 0;
	bool ok = keys != NULL;

	if (ok && (key = key_of('u', r->name)) != NULL) {
		keys[n++] = key;
		ok = slots_set(&t->slots, key, value, u->id);
	}
	for (size_t i = 0; i < r->aliases.n && ok; i++) {
		/* What cannot be a name is passed over; nobody could dial it. */
		if ((key = key_of('a', r->aliases.v[i])) == NULL)
			continue;
		keys[n++] = key;
		ok = slots_set(&t->slots, key, r->name, u->id);
	}
	for (size_t i = 0; i < u->nkeys && ok; i++)
		if (!has_key(keys, n, u->keys[i]))
			slots_unset(&t->slots, u->keys[i], u->id);
	if (!ok) {
		keys_free(keys, n);
		return false;
	}
	keys_free(u->keys, u->nkeys);
	u->keys = keys;
	u->nkeys = n;
	return true;
}

static bool
write_user(struct table *t, struct owner *u, const struct feed_route *r, int64_t now)
{
	struct buf value;
	int left_out;
	bool ok;

	buf_init(&value, ROUTE_TEXT_MAX + 65536);
	left_out = route_text(r, now, &value, &u->until);
	if (left_out > 0)
		log_event(LOG_WARN_, "route", "%.*s: %d targets are too many", (int)r->name.n, r->name.p,
		    left_out);
	ok = left_out >= 0 && put_entries(t, u, r, buf_str(&value));
	buf_free(&value);
	return ok;
}

bool
table_take_user(struct table *t, const struct feed_route *r, int64_t now)
{
	struct owner *u = find_user(t, r->id);

	if (u == NULL && (u = make_user(t, r->id)) == NULL)
		return false;
	u->listed = t->list;
	buf_reset(&u->record);
	mp_encode(&rec_feed_route, r, &u->record, 0);
	return !u->record.failed && write_user(t, u, r, now);
}

static void
remove_user(struct table *t, struct owner *u)
{
	for (size_t i = 0; i < u->nkeys; i++)
		slots_unset(&t->slots, u->keys[i], u->id);
	tree_remove(&t->users, u, by_id);
	user_free(u);
	t->nusers--;
}

/* --- walks --------------------------------------------------------------------------------------
 */

static void
some_user(void *node, void *arg)
{
	struct owner *u = node;
	struct some_users *s = arg;

	if (s->unlisted ? u->listed != s->list
	                : s->until == 0 || (u->until != 0 && u->until <= s->until))
		s->v[s->n++] = u;
}

bool
table_pick(struct table *t, struct some_users *s)
{
	s->n = 0;
	if ((s->v = calloc(t->nusers + 1, sizeof(*s->v))) == NULL)
		return false;
	tree_each(t->users, some_user, s);
	return true;
}

static bool
end_list(struct table *t)
{
	struct some_users s = {.list = t->list, .unlisted = true};

	if (!table_pick(t, &s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		remove_user(t, s.v[i]);
	free(s.v);
	t->listing = false;
	return true;
}

bool
table_take(struct table *t, const struct feed_routes *part, int64_t now)
{
	bool ok = true;

	if (REC_HAS(part, feed_routes, begin) && part->begin) {
		t->listing = true;
		t->list++;
	} else if (REC_HAS(part, feed_routes, version) && !part->end) {
		/* Changes: a list that was broken off is not gone on with. */
		t->listing = false;
	}
	for (size_t i = 0; i < part->users.n && ok; i++)
		ok = table_take_user(t, &part->users.v[i], now);
	for (size_t i = 0; i < part->gone.n && ok; i++) {
		struct owner *u =
		    part->gone.v[i].subject == feed_subject_USER ? find_user(t, part->gone.v[i].id) : NULL;

		if (u != NULL)
			remove_user(t, u);
	}
	if (ok && REC_HAS(part, feed_routes, end) && part->end && t->listing)
		ok = end_list(t);
	t->changed = true;
	if (ok && REC_HAS(part, feed_routes, version) && !t->listing)
		t->position = (struct table_position){true, part->generation, part->version};
	return ok;
}

struct table_position
table_position(const struct table *t)
{
	return t->position;
}

struct slots *
table_slots(struct table *t)
{
	return &t->slots;
}

size_t
table_users(const struct table *t)
{
	return t->nusers;
}

bool
table_read_user(struct str bytes, struct feed_route *r, struct arena *a)
{
	struct err e = {0};

	return mp_decode(&rec_feed_route, r, bytes, DECODE_ALL, a, &e) == 0 &&
	    rec_validate(&rec_feed_route, r, false, &e) == 0;
}

void
table_tick(struct table *t, int64_t now)
{
	struct some_users s = {.until = now};

	if (!table_pick(t, &s))
		return;
	for (size_t i = 0; i < s.n; i++) {
		struct feed_route r;
		struct arena a;

		arena_init(&a, RECORD_MEMORY);
		if (table_read_user(buf_str(&s.v[i]->record), &r, &a))
			write_user(t, s.v[i], &r, now);
		arena_free(&a);
	}
	free(s.v);
}

int
table_new(struct table **ret, const char *file, struct err *e)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return err_set(e, ERR_INTERNAL, "routes: no memory");
	t->file = file;
	*ret = t;
	return 0;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	tree_free(t->users, user_free);
	slots_free(&t->slots);
	free(t);
}
