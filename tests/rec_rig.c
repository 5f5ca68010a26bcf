/* SPDX-License-Identifier: ISC */
#include "tests/rec_rig.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/sink.h"

static void
write_element(const struct node *n, struct buf *out)
{
	buf_addc(out, '<');
	buf_addstr(out, n->name);
	buf_addc(out, '>');
	xml_text(out, n->text);
	for (const struct node *c = n->first; c != NULL; c = c->next)
		write_element(c, out);
	buf_adds(out, "</");
	buf_addstr(out, n->name);
	buf_addc(out, '>');
}

static void
write_children(const struct node *n, struct buf *out)
{
	bool map = n->kind == NODE_MAP;

	buf_addc(out, map ? '{' : '[');
	for (const struct node *c = n->first; c != NULL; c = c->next) {
		if (map) {
			json_text(out, c->name);
			buf_addc(out, ':');
		}
		rig_write(c, out);
		if (c->next != NULL)
			buf_addc(out, ',');
	}
	buf_addc(out, map ? '}' : ']');
}

void
rig_write(const struct node *n, struct buf *out)
{
	switch (n->kind) {
	case NODE_NULL:
		buf_adds(out, "null");
		break;
	case NODE_BOOL:
		buf_adds(out, n->i != 0 ? "true" : "false");
		break;
	case NODE_INT:
		buf_printf(out, "%" PRId64, n->i);
		break;
	case NODE_REAL:
		buf_printf(out, "%.17g", n->d);
		break;
	case NODE_TEXT:
		json_text(out, n->text);
		break;
	case NODE_ELEMENT:
		write_element(n, out);
		break;
	default:
		write_children(n, out);
		break;
	}
}

static bool
same_children(const struct node *a, const struct node *b)
{
	const struct node *x = a->first, *y = b->first;

	if (a->kind == NODE_MAP) {
		size_t left = 0;

		for (; y != NULL; y = y->next)
			left++;
		for (; x != NULL; x = x->next, left--)
			if ((y = node_get(b, x->name)) == NULL || !rig_equal(x, y))
				return false;
		return left == 0;
	}
	for (; x != NULL && y != NULL; x = x->next, y = y->next)
		if (!rig_equal(x, y))
			return false;
	return x == NULL && y == NULL;
}

bool
rig_equal(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || !str_eq(a->name, b->name))
		return false;
	switch (a->kind) {
	case NODE_NULL:
		return true;
	case NODE_BOOL:
	case NODE_INT:
		return a->i == b->i;
	case NODE_REAL:
		return a->d >= b->d && a->d <= b->d;
	case NODE_TEXT:
		return str_eq(a->text, b->text);
	case NODE_ELEMENT:
		if (a->first == NULL && b->first == NULL)
			return str_eq(a->text, b->text);
		return str_eq(str_trim(a->text), str_trim(b->text)) && same_children(a, b);
	default:
		return same_children(a, b);
	}
}

struct node *
rig_read(enum format fmt, struct str text, struct arena *a)
{
	struct node *n = NULL;
	struct err e = {.depth = 0};
	int rc = fmt == FMT_XML ? xml_read(text, a, &n, &e) : json_read(text, a, &n, &e);

	ck_assert_msg(rc == 0, "%s: %.*s", err_text(&e), (int)text.n, text.p);
	return n;
}

struct str
rig_file(const char *path, struct arena *a)
{
	FILE *f = fopen(path, "rb");
	struct buf b;
	struct str s;
	char chunk[4096];
	size_t n;

	if (f == NULL)
		return (struct str){NULL, 0};
	buf_init(&b, 4 << 20);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	fclose(f);
	s = arena_copy(a, buf_str(&b));
	buf_free(&b);
	return s;
}

void
rig_record(enum format fmt, const struct rec *r, const void *obj, struct buf *out)
{
	struct sink s;

	if (fmt == FMT_XML)
		xml_sink_init(&s, out, r->name);
	else
		json_sink_init(&s, out);
	rec_encode(r, obj, &s, ENCODE_SECRETS);
}

int
rig_decode(enum format fmt, const struct rec *r, void *obj, struct str text, struct arena *a,
    struct err *e)
{
	struct tree_src src;
	struct node *n;

	if ((fmt == FMT_XML ? xml_read(text, a, &n, e) : json_read(text, a, &n, e)) != 0)
		return -1;
	tree_src_init(&src, n, fmt == FMT_XML ? RULES_TREE : RULES_BEAN);
	return rec_decode(r, obj, &src.src, DECODE_ALL, a, e);
}
