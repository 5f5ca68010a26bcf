/* SPDX-License-Identifier: ISC */
/*
 * Reading a list from a place. Leaves are read ahead by scanning the rows in the order of their
 * keys, further each time, and taken from there when the row is the one that the parent names.
 */
#include <string.h>

#include "backend/ranked.h"
#include "backend/ranked_node.h"

/* The window fits into the second cache of a core: four times as much is a third slower. */
enum { WINDOW_ROWS = 128, WINDOW_BYTES = 96 * 1024, LEAF_ITEMS = 6, MEM_MAX = 1 << 20 };

void
ranked_cursor_init(struct ranked_cursor *c, struct ranked *r, uint64_t want)
{
	uint64_t rows = want / LEAF_ITEMS;

	memset(c, 0, sizeof(*c));
	c->r = r;
	c->most = rows < WINDOW_ROWS ? (size_t)rows : WINDOW_ROWS;
	arena_init(&c->window, MEM_MAX);
	for (size_t i = 0; i < RANKED_LEVELS; i++)
		arena_init(&c->mem[i], MEM_MAX);
}

void
ranked_cursor_end(struct ranked_cursor *c)
{
	arena_free(&c->window);
	for (size_t i = 0; i < RANKED_LEVELS; i++)
		arena_free(&c->mem[i]);
}

static int
keep_row(void *arg, struct str key, struct str val)
{
	struct ranked_cursor *c = arg;

	c->keys[c->rows] = arena_copy(&c->window, key);
	c->vals[c->rows] = arena_copy(&c->window, val);
	/* What has no room is read singly. */
	if (c->keys[c->rows].p == NULL || c->vals[c->rows].p == NULL)
		return 1;
	c->rows++;
	return c->rows == c->most || c->window.used > WINDOW_BYTES;
}

/* Reads ahead from the row of a leaf. */
static int
look_ahead(struct ranked_cursor *c, const struct key *first)
{
	struct ranked *r = c->r;
	struct key leaves, after = *first;

	arena_reset(&c->window);
	c->rows = c->row = 0;
	c->keys = arena_array(&c->window, c->most, sizeof(*c->keys));
	c->vals = arena_array(&c->window, c->most, sizeof(*c->vals));
	if (c->keys == NULL || c->vals == NULL)
		return err_set(r->e, ERR_TOO_LARGE, NULL);
	key_kind(&leaves, r->tenant, r->owner, r->kind);
	leaves.bytes[leaves.n++] = 0;
	/* A scan starts behind a key, and this one is to be in it. Its number, the last part, is
	 * not 0. */
	for (size_t i = after.n; after.bytes[--i]-- == 0;)
		;
	if (store_scan(r->t, STORE_DATA, key_str(&leaves), key_str(&after), keep_row, c, r->e) != 0)
		return -1;
	/* Reading goes on, so the next time it may be more. */
	c->most = c->most * 2 < WINDOW_ROWS ? c->most * 2 : WINDOW_ROWS;
	return 0;
}

/* The row of a leaf, from what was read ahead if it is there. */
static int
leaf_row(struct ranked_cursor *c, const struct key *k, struct str *raw)
{
	struct ranked *r = c->r;
	int rc;

	while (c->row < c->rows && str_cmp(c->keys[c->row], key_str(k)) < 0)
		c->row++;
	if (c->row == c->rows && c->most > 1 && look_ahead(c, k) != 0)
		return -1;
	if (c->row < c->rows && str_eq(c->keys[c->row], key_str(k))) {
		*raw = c->vals[c->row++];
		return 0;
	}
	if ((rc = store_get(r->t, STORE_DATA, key_str(k), &c->mem[0], raw, r->e)) == 0)
		return err_set(r->e, ERR_INTERNAL, "a directory in the store has a hole");
	return rc < 0 ? -1 : 0;
}

/* Loads the taken child of path[level]. */
static struct ranked_node *
load(struct ranked_cursor *c, unsigned level)
{
	const struct ranked_kid *kid = &c->path[level]->kids[c->taken[level]];
	struct arena *a = &c->mem[level - 1];
	struct ranked *r = c->r;
	struct key k;
	struct str raw;
	int rc;

	arena_reset(a);
	c->path[level - 1] = NULL;
	ranked_node_key(&k, r, level - 1, kid);
	if (level == 1) {
		if (leaf_row(c, &k, &raw) != 0)
			return NULL;
	} else if ((rc = store_get(r->t, STORE_DATA, key_str(&k), a, &raw, r->e)) <= 0) {
		if (rc == 0)
			err_set(r->e, ERR_INTERNAL, "a directory in the store has a hole");
		return NULL;
	}
	return c->path[level - 1] = ranked_node_child(a, raw, level - 1, kid, r->e);
}

/* What is looked for: a key, or without one a position. */
struct aim {
	const struct str *key;
	uint64_t rank;
};

static size_t
choose(struct ranked_cursor *c, const struct ranked_node *n, struct aim *aim)
{
	size_t at = 0;

	if (aim->key != NULL) {
		at = ranked_node_kid(n, *aim->key);
		for (size_t i = 0; i < at; i++)
			c->before += n->kids[i].count;
		return at;
	}
	for (; at < n->n - 1 && aim->rank >= n->kids[at].count; at++) {
		aim->rank -= n->kids[at].count;
		c->before += n->kids[at].count;
	}
	return at;
}

static void
enter(struct ranked_cursor *c)
{
	c->items = c->path[0]->items;
	c->n = c->path[0]->n;
	c->at = 0;
}

static int
descend(struct ranked_cursor *c, struct aim *aim)
{
	struct ranked_node *n = c->r->root;

	c->before = 0;
	c->path[n->level] = n;
	while (n->level > 0) {
		struct ranked_node *below = c->path[n->level - 1];
		size_t at = choose(c, n, aim);

		c->taken[n->level] = at;
		/* What is still there from the last time needs no reading. */
		if (below == NULL || below->id != n->kids[at].id)
			below = load(c, n->level);
		if ((n = below) == NULL)
			return -1;
	}
	enter(c);
	return 0;
}

int
ranked_seek(struct ranked_cursor *c, uint64_t rank)
{
	struct aim aim = {.rank = rank};

	if (rank >= c->r->count) {
		c->before = c->r->count;
		c->n = c->at = 0;
		return 0;
	}
	if (descend(c, &aim) != 0)
		return -1;
	c->at = (size_t)aim.rank;
	return 1;
}

int
ranked_seek_key(struct ranked_cursor *c, struct str key, bool behind)
{
	struct aim aim = {.key = &key};
	bool found;

	if (c->r->root == NULL) {
		c->n = c->at = 0;
		return 0;
	}
	if (descend(c, &aim) != 0)
		return -1;
	c->at = ranked_node_item(c->path[0], key, &found);
	c->at += found && behind;
	return c->at < c->n ? 1 : ranked_next_leaf(c);
}

int
ranked_next_leaf(struct ranked_cursor *c)
{
	unsigned level = 1, top = c->r->root != NULL ? c->r->root->level : 0;

	c->before += c->n;
	c->n = c->at = 0;
	while (level <= top && c->taken[level] + 1 >= c->path[level]->n)
		level++;
	if (level > top)
		return 0;
	c->taken[level]++;
	for (;; level--, c->taken[level] = 0) {
		if (load(c, level) == NULL)
			return -1;
		if (level == 1)
			break;
	}
	enter(c);
	return 1;
}
