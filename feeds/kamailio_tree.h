/* SPDX-License-Identifier: ISC */
/* Ordered sets by the C library's tsearch(3), whose header has names that records have too. */
#ifndef FEEDS_KAMAILIO_TREE_H
#define FEEDS_KAMAILIO_TREE_H

#include <stdbool.h>

typedef int tree_order_fn(const void *a, const void *b);
typedef void tree_node_fn(void *node, void *arg);

/* The node that is equal to the wanted one, or NULL. */
void *tree_find(void *const *root, const void *wanted, tree_order_fn *order);
/* False = no memory. There must be no equal one. */
bool tree_add(void **root, void *node, tree_order_fn *order);
void tree_remove(void **root, const void *node, tree_order_fn *order);
/* In order; fn must not change the tree. */
void tree_each(const void *root, tree_node_fn *fn, void *arg);
void tree_free(void *root, void (*node_free)(void *node));

#endif
