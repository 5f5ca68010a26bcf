/* SPDX-License-Identifier: ISC */
#include "common/tree.h"

#include <string.h>

struct node *
node_new(struct arena *a, enum node_kind kind, struct str name)
{
	struct node *n = arena_alloc(a, sizeof(*n));

	if (n != NULL) {
		n->kind = kind;
		n->name = name;
	}
	return n;
}

void
node_append(struct node *parent, struct node *child)
{
	if (parent->last != NULL)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
}

struct node *
node_get(const struct node *n, struct str name)
{
	for (struct node *c = n->first; c != NULL; c = c->next)
		if (str_eq(c->name, name))
			return c;
	return NULL;
}

static struct tree_src *
self(struct src *s)
{
	/* src is the first member. */
	return (struct tree_src *)(void *)s;
}

static bool
lenient(const struct tree_src *t)
{
	return t->src.rules == RULES_TREE;
}

static bool
blank(struct str s)
{
	return str_trim(s).n == 0;
}

/* A tree's reader takes ["200"] for "200". */
static const struct node *
unwrapped(const struct tree_src *t, const struct node *n)
{
	if (lenient(t) && n->kind == NODE_LIST && n->first != NULL && n->first->next == NULL)
		return n->first;
	return n;
}

static int
push(struct tree_src *t, const struct node *first, const char *item, bool once, struct err *e)
{
	if (t->depth == sizeof(t->frames) / sizeof(t->frames[0]))
		return err_set(e, ERR_MALFORMED, "is nested too deeply");
	t->frames[t->depth++] = (struct tree_frame){first, item, once};
	return 0;
}

static int
tree_scalar(struct src *s, struct scalar *ret, struct err *e)
{
	struct tree_src *t = self(s);
	const struct node *n = unwrapped(t, t->cur);

	*ret = (struct scalar){.tok = TOK_NULL};
	switch (n->kind) {
	case NODE_NULL:
		return 0;
	case NODE_BOOL:
		ret->tok = TOK_BOOL;
		ret->b = n->i != 0;
		return 0;
	case NODE_INT:
		ret->tok = TOK_INT;
		ret->i = n->i;
		return 0;
	case NODE_REAL:
		ret->tok = TOK_REAL;
		ret->d = n->d;
		return 0;
	case NODE_ELEMENT:
		if (n->first != NULL)
			break;
		ret->tok = TOK_TEXT;
		ret->s = n->text;
		return 0;
	case NODE_TEXT:
		ret->tok = TOK_TEXT;
		ret->s = n->text;
		return 0;
	default:
		break;
	}
	return err_set(e, ERR_INVALID, "must be a single value");
}

static int
tree_map(struct src *s, struct err *e)
{
	struct tree_src *t = self(s);
	const struct node *n = unwrapped(t, t->cur);
	bool empty = lenient(t) && (n->kind == NODE_NULL || (n->kind == NODE_TEXT && blank(n->text)));

	if (n->kind != NODE_MAP && !empty && !(n->kind == NODE_ELEMENT && blank(n->text)))
		return err_set(e, ERR_INVALID, "must be an object");
	return push(t, n->first, NULL, false, e);
}

static int
tree_list(struct src *s, const char *item, struct err *e)
{
	struct tree_src *t = self(s);
	const struct node *n = t->cur;

	if (n->kind == NODE_LIST)
		return push(t, n->first, NULL, false, e);
	if (n->kind == NODE_ELEMENT && blank(n->text))
		return push(t, n->first, item, false, e);
	if (lenient(t)) {
		/* {"entry": …} around the items, as the XML has it; else an object for a list of one. */
		if (n->kind == NODE_MAP && n->first != NULL && n->first->next == NULL &&
		    str_eqc(n->first->name, item)) {
			t->cur = n->first;
			if (n->first->kind == NODE_LIST)
				return push(t, n->first->first, NULL, false, e);
			return push(t, n->first, NULL, true, e);
		}
		if (n->kind == NODE_MAP)
			return push(t, n, NULL, true, e);
		if (n->kind == NODE_TEXT && blank(n->text))
			return push(t, NULL, NULL, false, e);
	}
	return err_set(e, ERR_INVALID, "must be a list");
}

static int
tree_next(struct src *s, struct member *ret, struct err *e)
{
	struct tree_src *t = self(s);
	struct tree_frame *f = &t->frames[t->depth - 1];

	(void)e;
	while (f->at != NULL && f->item != NULL && !str_eqc(f->at->name, f->item))
		f->at = f->at->next;
	if (f->at == NULL) {
		t->depth--;
		return 0;
	}
	t->cur = f->at;
	f->at = f->once ? NULL : f->at->next;
	*ret = (struct member){.name = t->cur->name};
	return 1;
}

static int
tree_skip(struct src *s, struct err *e)
{
	(void)s;
	(void)e;
	return 0;
}

static bool
tree_is_null(struct src *s)
{
	return self(s)->cur->kind == NODE_NULL;
}

static const struct src_ops tree_ops = {
    .scalar = tree_scalar,
    .map = tree_map,
    .list = tree_list,
    .next = tree_next,
    .skip = tree_skip,
    .is_null = tree_is_null,
};

void
tree_src_init(struct tree_src *t, const struct node *n, enum src_rules rules)
{
	memset(t, 0, sizeof(*t));
	t->src.ops = &tree_ops;
	t->src.rules = rules;
	t->src.xml = n->kind == NODE_ELEMENT;
	t->cur = n;
}
