/* SPDX-License-Identifier: ISC */
#include "feeds/janus_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/checks.h"

struct janus_known *
janus_table_find(const struct janus_table *t, int64_t room)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i]->id == room)
			return t->v[i];
	return NULL;
}

struct janus_known *
janus_table_room(struct janus_table *t, int64_t room)
{
	struct janus_known *r = janus_table_find(t, room), **v;

	if (r != NULL)
		return r;
	if (t->n == JANUS_ROOMS_MAX)
		return NULL;
	if (t->n == t->size) {
		v = realloc(t->v, (t->size + 64) * sizeof(struct janus_known *));
		if (v == NULL)
			return NULL;
		t->v = v;
		t->size += 64;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->id = room;
	t->v[t->n++] = r;
	return r;
}

void
janus_table_drop(struct janus_table *t, struct janus_known *r)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i] != r)
			continue;
		t->v[i] = t->v[--t->n];
		break;
	}
	t->members -= r->n;
	free(r->v);
	free(r);
}

void
janus_table_clear(struct janus_table *t)
{
	while (t->n > 0)
		janus_table_drop(t, t->v[t->n - 1]);
	free(t->v);
	*t = (struct janus_table){.v = NULL};
}

struct janus_member *
janus_table_member(const struct janus_known *r, int64_t id)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].id == id)
			return &r->v[i];
	return NULL;
}

struct janus_member *
janus_table_join(struct janus_table *t, struct janus_known *r, int64_t id)
{
	struct janus_member *m = janus_table_member(r, id), *v;

	if (m != NULL)
		return m;
	if (t->members == JANUS_MEMBERS_MAX)
		return NULL;
	if (r->n == r->size) {
		v = realloc(r->v, (r->size * 2 + 8) * sizeof(*v));
		if (v == NULL)
			return NULL;
		r->v = v;
		r->size = r->size * 2 + 8;
	}
	m = &r->v[r->n++];
	memset(m, 0, sizeof(*m));
	m->id = id;
	t->members++;
	return m;
}

void
janus_table_leave(struct janus_table *t, struct janus_known *r, struct janus_member *m)
{
	/* Whether that was the first of them is not known. */
	if (m->joined == 0)
		r->fresh = false;
	*m = r->v[--r->n];
	t->members--;
}

void
janus_table_hear(struct janus_known *r, int64_t id, int64_t joined)
{
	size_t i = 0;

	while (i < r->heard_n && i < JANUS_HEARD && r->heard[i].id != id)
		i++;
	if (i == JANUS_HEARD || i == r->heard_n)
		i = r->heard_n++ % JANUS_HEARD;
	r->heard[i].id = id;
	r->heard[i].joined = joined;
}

int64_t
janus_table_heard(const struct janus_known *r, int64_t id)
{
	for (size_t i = 0; i < r->heard_n && i < JANUS_HEARD; i++)
		if (r->heard[i].id == id)
			return r->heard[i].joined;
	return 0;
}

bool
janus_table_begin(struct janus_known *r)
{
	int64_t first = INT64_MAX;

	if (r->started != 0 || !r->fresh || r->n == 0)
		return false;
	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].joined == 0)
			return false;
		if (r->v[i].joined < first)
			first = r->v[i].joined;
	}
	r->started = first;
	return true;
}

bool
janus_name(struct janus_known *r, enum janus_rule rule, struct str description)
{
	char name[JANUS_NAME_MAX] = "";

	description = str_trim(description);
	if (rule == JANUS_BY_NUMBER)
		janus_key(r->id, name);
	else if (description.n < sizeof(name) && check_room_name(description) == NULL)
		snprintf(name, sizeof(name), "%.*s", (int)description.n, description.p);
	if (strcmp(name, r->name) == 0)
		return false;
	memcpy(r->name, name, sizeof(name));
	return true;
}

void
janus_key(int64_t room, char ret[JANUS_KEY_SIZE])
{
	snprintf(ret, JANUS_KEY_SIZE, "%" PRId64, room);
}

int64_t
janus_key_room(struct str key)
{
	int64_t room;
	char back[JANUS_KEY_SIZE];

	if (!str_to_i64(key, &room) || room <= 0)
		return 0;
	janus_key(room, back);
	return str_eqc(key, back) ? room : 0;
}
