/* SPDX-License-Identifier: ISC */
/*
 * A sorted list in the store that knows positions: a B+tree above store.h whose inner nodes
 * count what is below them. The item at a position, the position of a key and what follows
 * either are found in a number of steps that grows with the logarithm of the length.
 *
 * Each node is a row of STORE_DATA under one owner and kind. Rows stay below what Berkeley DB
 * keeps on a page (a change then logs a few hundred bytes), and their keys begin with the first
 * key of the node, so that neighbours in the list are neighbours in the store and a long read is
 * one scan. Nothing relies on that: a row's address is in its parent.
 *
 * Nodes are checked when they are read; damage is ERR_INTERNAL.
 */
#ifndef BACKEND_RANKED_H
#define BACKEND_RANKED_H

#include "backend/store.h"

enum {
	RANKED_LEVELS = 16,
	RANKED_PART_MAX = 65535, /* bytes of a key, of refs, of a text */
	RANKED_ITEMS_MAX = 1 << 30
};

/* Sorted by key; the rest is the caller's. Within a leaf the texts of neighbours are adjacent in
 * memory, so that many can be looked through at once. */
struct ranked_item {
	struct str key, refs, text;
};

struct ranked_node;

/* One list, in one transaction. Memory comes from the arena. */
struct ranked {
	struct store_txn *t;
	struct arena *a;
	struct err *e;
	uint32_t tenant, owner;
	uint16_t kind;
	uint32_t next_id; /* of nodes */
	uint32_t count;   /* items */
	struct ranked_node *root;
	/* The node last seen of each level: finding an item and changing it goes the same way. */
	struct {
		uint32_t id;
		struct str raw;
	} last[RANKED_LEVELS];
};

/* Reads the root; a list that is not there is empty. The first five members are set by the
 * caller. 0 or -1. A list that is open twice in a transaction must not be changed. */
int ranked_open(struct ranked *r);
/* 1 = found (*ret points into the arena), 0, -1. */
int ranked_get(struct ranked *r, struct str key, struct ranked_item *ret);
/* Inserts or replaces; a part longer than RANKED_PART_MAX is ERR_TOO_LARGE. 0 or -1; after a
 * failure the list must not be used and the transaction not be committed. */
int ranked_put(struct ranked *r, const struct ranked_item *item);
/* 1 = removed, 0 = was not there, -1 as ranked_put(). */
int ranked_del(struct ranked *r, struct str key);

/* A place in a list that is not changed meanwhile. Holds memory of its own, bounded, until
 * ranked_cursor_end(). What it points to lasts until it moves. */
struct ranked_cursor {
	struct ranked *r;
	struct ranked_item *items; /* of the leaf it stands in */
	size_t n, at;
	uint64_t before; /* items in front of this leaf */
	/* The way from the root: for each level the node, the child taken, and its memory. */
	struct ranked_node *path[RANKED_LEVELS];
	size_t taken[RANKED_LEVELS];
	struct arena mem[RANKED_LEVELS];
	/* Rows read ahead. */
	struct arena window;
	struct str *keys, *vals;
	size_t rows, row, most;
};

/* `want`: how many items will be read about, 0 = single ones here and there. */
void ranked_cursor_init(struct ranked_cursor *c, struct ranked *r, uint64_t want);
void ranked_cursor_end(struct ranked_cursor *c);
/* To the item at a position: 1, 0 = behind the last one, -1. */
int ranked_seek(struct ranked_cursor *c, uint64_t rank);
/* To the first item whose key is not less (or greater, with `behind`): 1, 0 = none, -1. Its
 * position, or the number of items, is c->before + c->at. Keys that ascend from call to call are
 * found with few reads. */
int ranked_seek_key(struct ranked_cursor *c, struct str key, bool behind);
/* To the start of the next leaf: 1, 0 = there is none, -1. */
int ranked_next_leaf(struct ranked_cursor *c);

/* Every leaf whose texts, one behind the other, are wanted: its items, valid during the call; an
 * item function that does not return 0 ends it. Sorted within a leaf only. 0 = all was seen,
 * 1 = it was ended, or is damaged, which a cursor will tell; -1. */
typedef bool ranked_texts_fn(void *arg, struct str texts);
typedef int ranked_item_fn(void *arg, const struct ranked_item *item);
int ranked_scan(struct ranked *r, ranked_texts_fn *wanted, ranked_item_fn *item, void *arg);

#endif
