/* SPDX-License-Identifier: ISC */
/* Nodes of ranked.h: their rows, and splitting and joining them in memory. */
#ifndef BACKEND_RANKED_NODE_H
#define BACKEND_RANKED_NODE_H

#include "backend/key.h"
#include "backend/ranked.h"

enum {
	/* A row of Berkeley DB stays on its page of 4096 bytes up to about 1000. */
	NODE_BYTES = 960,
	NODE_SMALL = NODE_BYTES / 3,
	NODE_JOINED = NODE_BYTES * 3 / 4,
	/* Children, however long what separates them is: the tree stays low. */
	NODE_KIDS = 8,
	NODE_HINT = 48 /* bytes of the first key in a row's key */
};

/* A child: every key below it is >= sep, and the first one's is that of the node itself, the
 * empty text at the left edge of the tree. */
struct ranked_kid {
	struct str sep;
	uint32_t id, count;
};

/* Level 0 is a leaf and has items. */
struct ranked_node {
	unsigned level;
	size_t n, size; /* members, and room for them */
	uint32_t id;    /* 0 for the root */
	struct ranked_item *items;
	struct ranked_kid *kids;
};

/* An empty node with room for `size` members; NULL with *e. */
struct ranked_node *ranked_node_new(struct arena *a, unsigned level, size_t size, struct err *e);
/* The node points into `raw`. NULL with *e. */
struct ranked_node *ranked_node_decode(struct arena *a, struct str raw, struct err *e);
/* Of a leaf, without decoding it: the number of its items and all their texts. False: it is none,
 * or damaged. */
bool ranked_node_texts(struct str raw, size_t *count, struct str *texts);
/* `head` bytes are left free in front. {NULL, 0} with *e. */
struct str ranked_node_encode(
    struct arena *a, const struct ranked_node *n, size_t head, struct err *e);
size_t ranked_node_size(const struct ranked_node *n);
/* Whether it is to be split. */
bool ranked_node_is_large(const struct ranked_node *n);
uint64_t ranked_node_count(const struct ranked_node *n);

/* The first item whose key is not less; *found when it is the key itself. */
size_t ranked_node_item(const struct ranked_node *n, struct str key, bool *found);
/* The child that a key belongs to. */
size_t ranked_node_kid(const struct ranked_node *n, struct str key);

/* 0, or -1 with *e. */
int ranked_node_insert_item(struct arena *a, struct ranked_node *n, size_t at,
    const struct ranked_item *item, struct err *e);
int ranked_node_insert_kid(
    struct arena *a, struct ranked_node *n, size_t at, const struct ranked_kid *kid, struct err *e);
void ranked_node_remove(struct ranked_node *n, size_t at);
/* Moves what is behind a cut to a new node and says what separates it. `append`: what came last
 * stands at the end of the list and the next one will stand behind it. NULL with *e. */
struct ranked_node *ranked_node_split(
    struct arena *a, struct ranked_node *n, bool append, struct str *sep, struct err *e);
/* A node with what is in both; NULL with *e. */
struct ranked_node *ranked_node_join(
    struct arena *a, const struct ranked_node *l, const struct ranked_node *r, struct err *e);

/* The row of a node below the root. */
void ranked_node_key(
    struct key *k, const struct ranked *r, unsigned level, const struct ranked_kid *kid);
/* Checks that a row is the child that the parent says. NULL with *e. */
struct ranked_node *ranked_node_child(
    struct arena *a, struct str raw, unsigned level, const struct ranked_kid *kid, struct err *e);

#endif
