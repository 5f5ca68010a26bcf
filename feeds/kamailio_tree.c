/* SPDX-License-Identifier: ISC */
#include "feeds/kamailio_tree.h"

#include <search.h>
#include <stddef.h>

void *
tree_find(void *const *root, const void *wanted, tree_order_fn *order)
{
	void *const *found = tfind(wanted, root, order);

	return found != NULL ? *found : NULL;
}

bool
tree_add(void **root, void *node, tree_order_fn *order)
{
	return tsearch(node, root, order) != NULL;
}

void
tree_remove(void **root, const void *node, tree_order_fn *order)
{
	tdelete(node, root, order);
}

struct each {
	tree_node_fn *fn;
	void *arg;
};

static void
visit(const void *node, VISIT when, void *arg)
{
	const struct each *each = arg;

	if (when == postorder || when == leaf)
		each->fn(*(void *const *)node, each->arg);
}

void
tree_each(const void *root, tree_node_fn *fn, void *arg)
{
	struct each each = {fn, arg};

	twalk_r(root, visit, &each);
}

void
tree_free(void *root, void (*node_free)(void *node))
{
	tdestroy(root, node_free);
}
