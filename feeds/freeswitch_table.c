/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_table.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int
compare(const void *x, const void *y)
{
	const struct fs_thing *a = x, *b = y;
	int rc = strcmp(a->key, b->key);

	if (rc == 0 && a->number != b->number)
		rc = a->number < b->number ? -1 : 1;
	return rc;
}

void
fs_table_clear(struct fs_table *t)
{
	while (t->root != NULL) {
		struct fs_thing *thing = *(struct fs_thing **)t->root;

		tdelete(thing, &t->root, compare);
		t->drop(thing);
		free(thing->key);
		free(thing);
	}
	t->n = t->ended = 0;
	t->oldest = t->newest = NULL;
}

/* A key as it is looked up; false when it is none that is kept. */
static bool
key_of(char *ret, struct str key)
{
	if (key.n == 0 || key.n > FS_KEY_MAX)
		return false;
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] <= ' ' || key.p[i] > '~')
			return false;
	memcpy(ret, key.p, key.n);
	ret[key.n] = '\0';
	return true;
}

void *
fs_find(struct fs_table *t, struct str key, int64_t number)
{
	char text[FS_KEY_MAX + 1];
	struct fs_thing wanted = {.key = text, .number = number};
	void *at = key_of(text, key) ? tfind(&wanted, &t->root, compare) : NULL;

	return at != NULL ? *(void **)at : NULL;
}

static void
unlink_ended(struct fs_table *t, struct fs_thing *thing)
{
	struct fs_thing **at = &t->oldest, *before = NULL;

	while (*at != thing) {
		before = *at;
		at = &(*at)->next_ended;
	}
	*at = thing->next_ended;
	if (t->newest == thing)
		t->newest = before;
	thing->next_ended = NULL;
	t->ended--;
}

static void *
made(struct fs_table *t, const char *key, int64_t number)
{
	struct fs_thing *thing = calloc(1, t->size);

	if (thing == NULL || (thing->key = strdup(key)) == NULL) {
		free(thing);
		return NULL;
	}
	thing->number = number;
	if (tsearch(thing, &t->root, compare) == NULL) {
		free(thing->key);
		free(thing);
		return NULL;
	}
	return thing;
}

void *
fs_make(struct fs_table *t, struct str key, int64_t number)
{
	char text[FS_KEY_MAX + 1];
	struct fs_thing *thing = fs_find(t, key, number);

	if (thing != NULL && !thing->ended)
		return thing;
	if (t->n >= t->max || !key_of(text, key))
		return NULL;
	if (thing != NULL) {
		/* What it was is gone. */
		unlink_ended(t, thing);
		thing->ended = thing->swept = false;
	} else if ((thing = made(t, text, number)) == NULL) {
		return NULL;
	}
	t->n++;
	return thing;
}

void
fs_end(struct fs_table *t, void *ended)
{
	struct fs_thing *thing = ended, *old;
	size_t head = sizeof(struct fs_thing);

	t->drop(thing);
	memset((char *)thing + head, 0, t->size - head);
	thing->ended = true;
	if (t->newest != NULL)
		t->newest->next_ended = thing;
	else
		t->oldest = thing;
	t->newest = thing;
	t->n--;
	if (++t->ended <= FS_ENDED_MAX)
		return;
	old = t->oldest;
	unlink_ended(t, old);
	tdelete(old, &t->root, compare);
	free(old->key);
	free(old);
}

struct gathered {
	void **v;
	size_t n, max;
};

static void
gather(const void *node, VISIT order, void *arg)
{
	struct gathered *g = arg;
	struct fs_thing *thing = *(struct fs_thing *const *)node;

	if ((order == postorder || order == leaf) && !thing->ended && g->n < g->max)
		g->v[g->n++] = thing;
}

void
fs_each(struct fs_table *t, fs_each_fn *fn, void *arg)
{
	struct gathered g = {.max = t->n};

	if (t->n == 0 || (g.v = calloc(t->n, sizeof(*g.v))) == NULL)
		return;
	twalk_r(t->root, gather, &g);
	/* Gathered first, since a tree must not change under a walk; ended ones stay in it. Members
	 * that have ended with their conference are passed over. */
	for (size_t i = 0; i < g.n; i++)
		if (!((struct fs_thing *)g.v[i])->ended)
			fn(arg, g.v[i]);
	free(g.v);
}
