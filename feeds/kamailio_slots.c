/* SPDX-License-Identifier: ISC */
#include "feeds/kamailio_slots.h"

#include <stdlib.h>
#include <string.h>

#include "feeds/kamailio_tree.h"

enum slot_state { SLOT_THERE, SLOT_WAITS, SLOT_UNDER_WAY };

/* An entry of the proxy's table. */
struct slot {
	char *key;
	char *value; /* NULL = to be removed */
	size_t key_n, value_n;
	int64_t owner;
	enum slot_state state;
	struct slot *next, *previous; /* in its queue */
};

static int
by_key(const void *pa, const void *pb)
{
	return strcmp(((const struct slot *)pa)->key, ((const struct slot *)pb)->key);
}

static struct queue *
queue_of(struct slots *s, enum slot_state state)
{
	return state == SLOT_WAITS ? &s->waits : &s->under_way;
}

static void
move(struct slots *s, struct slot *e, enum slot_state to)
{
	if (e->state != SLOT_THERE) {
		struct queue *q = queue_of(s, e->state);

		*(e->previous != NULL ? &e->previous->next : &q->first) = e->next;
		*(e->next != NULL ? &e->next->previous : &q->last) = e->previous;
	}
	e->state = to;
	e->next = e->previous = NULL;
	if (to != SLOT_THERE) {
		struct queue *q = queue_of(s, to);

		e->previous = q->last;
		*(q->last != NULL ? &q->last->next : &q->first) = e;
		q->last = e;
	}
}

static void
entry_free(void *p)
{
	struct slot *e = p;

	free(e->key);
	free(e->value);
	free(e);
}

static struct slot *
find_entry(struct slots *s, const char *key)
{
	struct slot wanted = {.key = (char *)(uintptr_t)key};

	return tree_find(&s->entries, &wanted, by_key);
}

static struct slot *
make_entry(struct slots *s, const char *key)
{
	struct slot *e = calloc(1, sizeof(*e));

	if (e == NULL || (e->key = strdup(key)) == NULL || !tree_add(&s->entries, e, by_key)) {
		if (e != NULL)
			entry_free(e);
		return NULL;
	}
	e->key_n = strlen(key);
	return e;
}

bool
slots_set(struct slots *s, const char *key, struct str value, int64_t owner)
{
	struct slot *e = find_entry(s, key);
	char *copy;

	if (e != NULL && e->value != NULL && str_eq(value, (struct str){e->value, e->value_n})) {
		e->owner = owner;
		return true;
	}
	if ((copy = malloc(value.n + 1)) == NULL)
		return false;
	if (e == NULL && (e = make_entry(s, key)) == NULL) {
		free(copy);
		return false;
	}
	memcpy(copy, value.p, value.n);
	copy[value.n] = '\0';
	free(e->value);
	e->value = copy;
	e->value_n = value.n;
	e->owner = owner;
	move(s, e, SLOT_WAITS);
	return true;
}

void
slots_unset(struct slots *s, const char *key, int64_t owner)
{
	struct slot *e = find_entry(s, key);

	if (e == NULL || e->value == NULL || e->owner != owner)
		return;
	free(e->value);
	e->value = NULL;
	e->value_n = 0;
	move(s, e, SLOT_WAITS);
}

bool
slots_next(struct slots *s, struct str *key, struct str *value)
{
	struct slot *e = s->waits.first;

	if (e == NULL)
		return false;
	move(s, e, SLOT_UNDER_WAY);
	*key = (struct str){e->key, e->key_n};
	*value = (struct str){e->value, e->value_n};
	return true;
}

void
slots_arrived(struct slots *s)
{
	struct slot *e;

	while ((e = s->under_way.first) != NULL) {
		move(s, e, SLOT_THERE);
		if (e->value != NULL)
			continue;
		tree_remove(&s->entries, e, by_key);
		entry_free(e);
	}
}

void
slots_lost(struct slots *s)
{
	while (s->under_way.first != NULL)
		move(s, s->under_way.first, SLOT_WAITS);
}

static void
send_entry(void *node, void *arg)
{
	move(arg, node, SLOT_WAITS);
}

void
slots_send_all(struct slots *s)
{
	tree_each(s->entries, send_entry, s);
}

void
slots_free(struct slots *s)
{
	tree_free(s->entries, entry_free);
	*s = (struct slots){.entries = NULL};
}
