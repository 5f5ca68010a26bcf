/* SPDX-License-Identifier: ISC */
#include "common/text.h"

#include <string.h>

#include "common/sink.h"
#include "common/tree.h"

static bool
is_root(const struct res *r, struct str name, const char *root)
{
	return str_eqc(name, root) || (r->root_alias != NULL && str_eqc(name, r->root_alias));
}

static int
decode(const struct res *r, const struct node *n, enum src_rules rules, void *obj, struct arena *a,
    struct err *e)
{
	struct tree_src src;

	tree_src_init(&src, n, rules);
	return rec_decode_over(res_input(r), obj, &src.src, DECODE_CLIENT, a, e);
}

/* The root is the list itself: its record's field gets a document around it. */
static int
decode_list(const struct res *r, enum node_kind kind, const struct node *root, void *obj,
    struct arena *a, struct err *e)
{
	struct node outer = {.kind = kind}, inner = *root;

	inner.name = str_c(res_input(r)->f[0].name);
	inner.next = NULL;
	node_append(&outer, &inner);
	return decode(r, &outer, RULES_TREE, obj, a, e);
}

static int
read_json(const struct res *r, const struct node *doc, void *obj, struct arena *a, struct err *e)
{
	enum src_rules rules = r->family == FAM_TREE ? RULES_TREE : RULES_BEAN;

	if (doc->kind != NODE_MAP)
		return err_set(e, ERR_MALFORMED, "the document must be an object");
	if (r->family == FAM_TREE) {
		for (const struct node *n = doc->first; n != NULL; n = n->next)
			if (is_root(r, n->name, r->json_root))
				return r->root_is_list ? decode_list(r, NODE_MAP, n, obj, a, e)
				                       : decode(r, n, rules, obj, a, e);
		return err_set(e, ERR_MALFORMED, "the document must have the member \"%s\"", r->json_root);
	}
	/* Members outside win over those below the root name: only they were edited. */
	if (r->json_style == ROOT_BOTH)
		for (const struct node *n = doc->first; n != NULL; n = n->next)
			if (is_root(r, n->name, r->json_root) && n->kind == NODE_MAP &&
			    decode(r, n, rules, obj, a, e) != 0)
				return -1;
	return decode(r, doc, rules, obj, a, e);
}

int
text_read(const struct res *r, enum format fmt, struct str body, void *obj, struct arena *a,
    struct err *e)
{
	struct node *doc;

	memset(obj, 0, res_input(r)->size);
	if (str_trim(body).n == 0)
		return err_set(e, ERR_NO_ENTITY, NULL);
	/* A resource without an XML form reads JSON whatever the document is called. */
	if (fmt == FMT_JSON || r->xml_root == NULL)
		return json_read(body, a, &doc, e) != 0 ? -1 : read_json(r, doc, obj, a, e);
	if (xml_read(body, a, &doc, e) != 0)
		return -1;
	if (!is_root(r, doc->name, r->xml_root))
		return err_set(e, ERR_MALFORMED, "the document must be <%s>", r->xml_root);
	return r->root_is_list ? decode_list(r, NODE_ELEMENT, doc, obj, a, e)
	                       : decode(r, doc, RULES_TREE, obj, a, e);
}

void
text_write(const struct res *r, enum format fmt, const void *obj, struct buf *out)
{
	struct sink s;

	if (fmt == FMT_XML) {
		xml_sink_init(&s, out, r->xml_root);
		rec_encode(r->record, obj, &s, 0);
		return;
	}
	json_sink_init(&s, out);
	if (r->family == FAM_TREE) {
		buf_printf(out, "{\"%s\":", r->json_root);
		rec_encode(r->record, obj, &s, 0);
		buf_addc(out, '}');
	} else if (r->json_style == ROOT_BOTH) {
		struct sink inner;

		buf_printf(out, "{\"%s\":", r->json_root);
		json_sink_init(&inner, out);
		rec_encode(r->record, obj, &inner, ENCODE_NULLS);
		s.depth = 1;
		s.comma[0] = true;
		rec_encode_members(r->record, obj, &s, ENCODE_NULLS | ENCODE_ALSO);
		buf_addc(out, '}');
	} else if (r->json_style == ROOT_ITEMS) {
		rec_encode_value(r->record->f, obj, &s, 0);
	} else {
		rec_encode(r->record, obj, &s, ENCODE_NULLS | ENCODE_ALSO);
	}
}

void
text_error(
    const struct res *r, enum format fmt, enum format input, const struct err *e, struct buf *out)
{
	struct buf field;

	buf_init(&field, 512);
	if (r != NULL && res_input(r) != NULL && e->depth > 0)
		rec_path(res_input(r), input == FMT_XML, e->path, e->depth, &field);
	if (fmt == FMT_XML) {
		buf_adds(out, "<error><message>");
		xml_text(out, str_c(err_text(e)));
		buf_printf(out, "</message><type>%s</type>", err_name(e->code));
		if (field.n > 0) {
			buf_adds(out, "<field>");
			xml_text(out, buf_str(&field));
			buf_adds(out, "</field>");
		}
		buf_adds(out, "</error>");
	} else {
		buf_adds(out, "{\"error\":");
		json_text(out, str_c(err_text(e)));
		buf_printf(out, ",\"type\":\"%s\"", err_name(e->code));
		if (field.n > 0) {
			buf_adds(out, ",\"field\":");
			json_text(out, buf_str(&field));
		}
		buf_addc(out, '}');
	}
	buf_free(&field);
}
