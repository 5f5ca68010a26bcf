/* SPDX-License-Identifier: ISC */
/*
 * A small document tree that JSON and XML are both read into, and the source
 * that feeds it to the decoder. Nodes and texts live in the request's arena;
 * what the parsing libraries allocate meanwhile is charged to the same arena.
 * Only processes that meet text link this: the gateway and tandemctl.
 */
#ifndef COMMON_TREE_H
#define COMMON_TREE_H

#include "common/src.h"

enum { TREE_DEPTH_MAX = 32 };

enum node_kind {
	NODE_NULL,
	NODE_BOOL,
	NODE_INT,
	NODE_REAL,
	NODE_TEXT,
	NODE_MAP,
	NODE_LIST,
	NODE_ELEMENT
};

struct node {
	enum node_kind kind;
	struct str name; /* of a map's member or an XML element */
	struct str text; /* NODE_TEXT, NODE_ELEMENT: character data, untrimmed */
	int64_t i;       /* NODE_INT; NODE_BOOL: 0, 1 */
	double d;        /* NODE_REAL */
	struct node *first, *last, *next;
};

/* Hands the parsing libraries our bounded allocator and seeds their hash tables. Call once,
 * early, before threads and sandboxes. */
void text_init(void);

/* Reads a whole document: 0, or -1 with ERR_MALFORMED (also for text behind it, duplicate
 * members, a DOCTYPE, bad UTF-8, more than TREE_DEPTH_MAX containers in each other) or
 * ERR_TOO_LARGE (memory). */
int json_read(struct str text, struct arena *a, struct node **ret, struct err *e);
int xml_read(struct str text, struct arena *a, struct node **ret, struct err *e);

struct node *node_new(struct arena *a, enum node_kind kind, struct str name);
void node_append(struct node *parent, struct node *child);
/* The member of a map or the first child element with that name, NULL if there is none. */
struct node *node_get(const struct node *n, struct str name);

struct tree_frame {
	const struct node *at; /* what next() will give */
	const char *item;      /* list: XML children of other names are passed over */
	bool once;             /* the one node stands for a list of one */
};

struct tree_src {
	struct src src;
	const struct node *cur;
	struct tree_frame frames[TREE_DEPTH_MAX + 4];
	size_t depth;
};

/* The current value is `n`. */
void tree_src_init(struct tree_src *t, const struct node *n, enum src_rules rules);

#endif
