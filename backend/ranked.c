/* SPDX-License-Identifier: ISC */
/*
 * Finding, inserting and removing. The root is in a row of its own with the number that the next
 * node gets; what changes on the way up is written by whoever holds the parent.
 */
#include "backend/ranked.h"

#include <string.h>

#include "backend/ranked_node.h"

enum { ROOT_HEAD = 4 };

static int
no_room(struct ranked *r)
{
	return err_set(r->e, ERR_TOO_LARGE, NULL);
}

int
ranked_open(struct ranked *r)
{
	struct key k;
	struct str raw;
	int rc;

	r->next_id = 1;
	r->count = 0;
	r->root = NULL;
	memset(r->last, 0, sizeof(r->last));
	key_kind(&k, r->tenant, r->owner, r->kind);
	if ((rc = store_get(r->t, STORE_DATA, key_str(&k), r->a, &raw, r->e)) <= 0)
		return rc;
	if (raw.n < ROOT_HEAD)
		return err_set(r->e, ERR_INTERNAL, "a directory in the store is damaged");
	r->next_id = 0;
	for (int i = 0; i < ROOT_HEAD; i++)
		r->next_id = r->next_id << 8 | (unsigned char)raw.p[i];
	raw = (struct str){raw.p + ROOT_HEAD, raw.n - ROOT_HEAD};
	if ((r->root = ranked_node_decode(r->a, raw, r->e)) == NULL)
		return -1;
	r->count = (uint32_t)ranked_node_count(r->root);
	return 0;
}

static int
save_root(struct ranked *r)
{
	struct key k;
	struct str raw;

	key_kind(&k, r->tenant, r->owner, r->kind);
	r->count = (uint32_t)ranked_node_count(r->root);
	if (r->root->n == 0) {
		r->root = NULL;
		r->next_id = 1;
		return store_del(r->t, STORE_DATA, key_str(&k), r->e) < 0 ? -1 : 0;
	}
	raw = ranked_node_encode(r->a, r->root, ROOT_HEAD, r->e);
	if (raw.p == NULL)
		return -1;
	for (int i = 0; i < ROOT_HEAD; i++)
		((char *)(uintptr_t)raw.p)[i] = (char)(r->next_id >> (8 * (ROOT_HEAD - 1 - i)) & 0xff);
	return store_put(r->t, STORE_DATA, key_str(&k), raw, r->e);
}

/* The child `at` of a node. */
static struct ranked_node *
load(struct ranked *r, const struct ranked_node *n, size_t at)
{
	const struct ranked_kid *kid = &n->kids[at];
	unsigned level = n->level - 1;
	struct key k;
	struct str raw;
	int rc;

	if (r->last[level].id == kid->id)
		return ranked_node_child(r->a, r->last[level].raw, level, kid, r->e);
	ranked_node_key(&k, r, level, kid);
	if ((rc = store_get(r->t, STORE_DATA, key_str(&k), r->a, &raw, r->e)) < 0)
		return NULL;
	if (rc == 0) {
		err_set(r->e, ERR_INTERNAL, "a directory in the store has a hole");
		return NULL;
	}
	r->last[level].id = kid->id;
	r->last[level].raw = raw;
	return ranked_node_child(r->a, raw, level, kid, r->e);
}

/* Writes a child and brings what the parent says of it up to date. */
static int
save(struct ranked *r, struct ranked_node *n, size_t at, const struct ranked_node *child)
{
	struct str raw = ranked_node_encode(r->a, child, 0, r->e);
	struct key k;

	if (raw.p == NULL)
		return -1;
	n->kids[at].count = (uint32_t)ranked_node_count(child);
	r->last[child->level].id = n->kids[at].id;
	r->last[child->level].raw = raw;
	ranked_node_key(&k, r, child->level, &n->kids[at]);
	return store_put(r->t, STORE_DATA, key_str(&k), raw, r->e);
}

static int
drop(struct ranked *r, unsigned level, const struct ranked_kid *kid)
{
	struct key k;

	ranked_node_key(&k, r, level, kid);
	return store_del(r->t, STORE_DATA, key_str(&k), r->e) < 0 ? -1 : 0;
}

int
ranked_get(struct ranked *r, struct str key, struct ranked_item *ret)
{
	struct ranked_node *n = r->root;
	bool found;
	size_t at;

	if (n == NULL)
		return 0;
	while (n->level > 0)
		if ((n = load(r, n, ranked_node_kid(n, key))) == NULL)
			return -1;
	at = ranked_node_item(n, key, &found);
	if (found)
		*ret = n->items[at];
	return found;
}

static uint32_t
new_id(struct ranked *r)
{
	if (r->next_id == 0 || r->next_id == UINT32_MAX) {
		err_set(r->e, ERR_INTERNAL, "a directory has used up its numbers");
		return 0;
	}
	return r->next_id++;
}

/* Writes a child that has grown, as two when it is too large. */
static int
save_grown(
    struct ranked *r, struct ranked_node *n, size_t at, struct ranked_node *child, bool append)
{
	struct ranked_kid kid;
	struct ranked_node *right;

	if (!ranked_node_is_large(child))
		return save(r, n, at, child);
	right = ranked_node_split(r->a, child, append, &kid.sep, r->e);
	if (right == NULL || (kid.id = new_id(r)) == 0)
		return -1;
	if (ranked_node_insert_kid(r->a, n, at + 1, &kid, r->e) != 0)
		return -1;
	return save(r, n, at, child) != 0 || save(r, n, at + 1, right) != 0 ? -1 : 0;
}

/* `last`: nothing of the list is to the right of the node. *appended: the item became the last
 * one of the whole list, so that the next ones are likely to come behind it. */
static int
put_below(struct ranked *r, struct ranked_node *n, const struct ranked_item *item, bool last,
    bool *appended)
{
	struct ranked_node *child;
	size_t at;
	bool found;

	if (n->level == 0) {
		at = ranked_node_item(n, item->key, &found);
		*appended = last && at == n->n;
		if (!found)
			return ranked_node_insert_item(r->a, n, at, item, r->e);
		n->items[at] = *item;
		return 0;
	}
	at = ranked_node_kid(n, item->key);
	if ((child = load(r, n, at)) == NULL ||
	    put_below(r, child, item, last && at == n->n - 1, appended) != 0)
		return -1;
	return save_grown(r, n, at, child, *appended);
}

/* The root has become too large: a new one above it. */
static int
grow(struct ranked *r, bool append)
{
	struct ranked_node *root = ranked_node_new(r->a, r->root->level + 1, 2, r->e);
	struct ranked_kid kid = {.sep = {"", 0}};

	if (root == NULL || (kid.id = new_id(r)) == 0)
		return -1;
	if (root->level >= RANKED_LEVELS)
		return no_room(r);
	if (ranked_node_insert_kid(r->a, root, 0, &kid, r->e) != 0 ||
	    save_grown(r, root, 0, r->root, append) != 0)
		return -1;
	r->root = root;
	return 0;
}

int
ranked_put(struct ranked *r, const struct ranked_item *item)
{
	bool appended = false;

	if (item->key.n > RANKED_PART_MAX || item->refs.n > RANKED_PART_MAX ||
	    item->text.n > RANKED_PART_MAX || r->count >= RANKED_ITEMS_MAX)
		return no_room(r);
	if (r->root == NULL && (r->root = ranked_node_new(r->a, 0, 2, r->e)) == NULL)
		return -1;
	if (put_below(r, r->root, item, true, &appended) != 0)
		return -1;
	if (ranked_node_is_large(r->root) && grow(r, appended) != 0)
		return -1;
	return save_root(r);
}

/* Changes where a child begins, and with it its address. */
static int
move(struct ranked *r, struct ranked_node *n, size_t at, struct str sep)
{
	struct ranked_node *child = load(r, n, at);

	if (child == NULL || (child->level > 0 && move(r, child, 0, sep) != 0) ||
	    drop(r, child->level, &n->kids[at]) != 0)
		return -1;
	n->kids[at].sep = sep;
	return save(r, n, at, child);
}

/* The child `at` has nothing left. */
static int
remove_kid(struct ranked *r, struct ranked_node *n, size_t at)
{
	struct str sep = n->kids[at].sep;

	if (drop(r, n->level - 1, &n->kids[at]) != 0)
		return -1;
	ranked_node_remove(n, at);
	return at == 0 && n->n > 0 ? move(r, n, 0, sep) : 0;
}

/* Writes a child that has shrunk, joined with a neighbour when both have become small. */
static int
save_shrunk(struct ranked *r, struct ranked_node *n, size_t at, struct ranked_node *child)
{
	struct ranked_node *left = child, *right;

	if (child->n == 0)
		return remove_kid(r, n, at);
	if (ranked_node_size(child) > NODE_SMALL || n->n < 2)
		return save(r, n, at, child);
	if ((right = load(r, n, at > 0 ? at - 1 : 1)) == NULL)
		return -1;
	if (at > 0) {
		left = right;
		right = child;
	}
	if (ranked_node_size(left) + ranked_node_size(right) > NODE_JOINED)
		return save(r, n, at, child);
	at = at > 0 ? at - 1 : 0;
	if ((left = ranked_node_join(r->a, left, right, r->e)) == NULL ||
	    drop(r, left->level, &n->kids[at + 1]) != 0)
		return -1;
	ranked_node_remove(n, at + 1);
	return save(r, n, at, left);
}

static int
del_below(struct ranked *r, struct ranked_node *n, struct str key)
{
	struct ranked_node *child;
	size_t at;
	bool found;
	int rc;

	if (n->level == 0) {
		at = ranked_node_item(n, key, &found);
		if (found)
			ranked_node_remove(n, at);
		return found;
	}
	at = ranked_node_kid(n, key);
	if ((child = load(r, n, at)) == NULL)
		return -1;
	if ((rc = del_below(r, child, key)) != 1)
		return rc;
	return save_shrunk(r, n, at, child) != 0 ? -1 : 1;
}

int
ranked_del(struct ranked *r, struct str key)
{
	int rc = r->root != NULL ? del_below(r, r->root, key) : 0;

	if (rc != 1)
		return rc;
	while (r->root->level > 0 && r->root->n == 1) {
		struct ranked_node *child = load(r, r->root, 0);

		if (child == NULL || drop(r, child->level, &r->root->kids[0]) != 0)
			return -1;
		r->root = child;
	}
	return save_root(r) != 0 ? -1 : 1;
}
