/* SPDX-License-Identifier: ISC */
/*
 * XML by libxml2's SAX interface: no tree of its own, no network, no DTD. A
 * DOCTYPE stops the parser in the callback that announces it, before any entity
 * declaration is looked at. Attributes, comments and instructions are ignored.
 */
#include <libxml/parser.h>
#include <string.h>

#include "common/budget.h"
#include "common/tree.h"

struct reader {
	struct arena *a;
	struct err *e;
	xmlParserCtxtPtr ctxt;
	struct node *root;
	struct node *open[TREE_DEPTH_MAX];
	size_t depth;
	/* Of the innermost open element, with room for all of the document: references only shrink. */
	char *text;
	size_t text_n;
	bool failed, well_formed;
	struct str doc;
};

static void
stop(struct reader *r, enum err_code code, const char *why)
{
	err_set(r->e, code, "%s", why);
	r->failed = true;
	xmlStopParser(r->ctxt);
}

static void
on_doctype(void *arg, const xmlChar *name, const xmlChar *id, const xmlChar *uri)
{
	(void)name;
	(void)id;
	(void)uri;
	stop(arg, ERR_MALFORMED, "a DOCTYPE is not allowed");
}

/* The text before a child joins the text behind it: elements here have either. Blanks around
 * children are layout and dropped: joined, they would cost the square of a long list. */
static void
keep_text(struct reader *r, bool before_child)
{
	struct node *n = r->depth > 0 ? r->open[r->depth - 1] : NULL;
	struct str text = {r->text, r->text_n};
	bool layout = n != NULL && (before_child || n->first != NULL) && str_trim(text).n == 0;

	r->text_n = 0;
	if (n == NULL || text.n == 0 || layout)
		return;
	n->text = n->text.n == 0
	    ? arena_copy(r->a, text)
	    : arena_printf(r->a, "%.*s%.*s", (int)n->text.n, n->text.p, (int)text.n, text.p);
	if (n->text.p == NULL)
		stop(r, ERR_TOO_LARGE, "the document is too large");
}

static void
on_start(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int nns,
    const xmlChar **ns, int nattr, int ndefault, const xmlChar **attrs)
{
	struct reader *r = arg;
	struct str name;
	struct node *n;

	(void)prefix;
	(void)uri;
	(void)nns;
	(void)ns;
	(void)nattr;
	(void)ndefault;
	(void)attrs;
	keep_text(r, true);
	if (r->depth == TREE_DEPTH_MAX) {
		stop(r, ERR_MALFORMED, "the document is nested too deeply");
		return;
	}
	name = arena_copy(r->a, str_c((const char *)local));
	n = name.p != NULL ? node_new(r->a, NODE_ELEMENT, name) : NULL;
	if (n == NULL) {
		stop(r, ERR_TOO_LARGE, "the document is too large");
		return;
	}
	n->text = (struct str){"", 0};
	if (r->depth > 0)
		node_append(r->open[r->depth - 1], n);
	else
		r->root = n;
	r->open[r->depth++] = n;
}

static void
on_end(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	struct reader *r = arg;

	(void)local;
	(void)prefix;
	(void)uri;
	if (r->depth == 0)
		return;
	keep_text(r, false);
	r->depth--;
}

static void
on_text(void *arg, const xmlChar *p, int n)
{
	struct reader *r = arg;

	/* Whatever the library does, nothing is written behind the room. */
	if ((size_t)n > r->doc.n - r->text_n) {
		stop(r, ERR_TOO_LARGE, "the document is too large");
		return;
	}
	memcpy(r->text + r->text_n, p, (size_t)n);
	r->text_n += (size_t)n;
}

/* libxml2 would print to stderr otherwise. */
static void
on_error(void *arg, const char *fmt, ...)
{
	(void)arg;
	(void)fmt;
}

static void
parse(void *arg)
{
	static const xmlSAXHandler handlers = {
	    .initialized = XML_SAX2_MAGIC,
	    .internalSubset = on_doctype,
	    .startElementNs = on_start,
	    .endElementNs = on_end,
	    .characters = on_text,
	    .cdataBlock = on_text,
	    .ignorableWhitespace = on_text,
	    .error = on_error,
	    .warning = on_error,
	    .fatalError = on_error,
	};
	struct reader *r = arg;
	xmlSAXHandler sax = handlers;

	if ((r->ctxt = xmlCreatePushParserCtxt(&sax, r, NULL, 0, NULL)) == NULL)
		return;
	xmlCtxtUseOptions(
	    r->ctxt, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_IGNORE_ENC);
	/* In one piece: bodies are bounded by the caller. */
	xmlParseChunk(r->ctxt, r->doc.p, (int)r->doc.n, 1);
	r->well_formed = r->ctxt->wellFormed == 1;
	xmlFreeParserCtxt(r->ctxt);
	xmlResetLastError();
}

int
xml_read(struct str text, struct arena *a, struct node **ret, struct err *e)
{
	struct reader r = {.a = a, .e = e, .doc = text};
	int rc;

	*ret = NULL;
	if (text.n == 0)
		return err_set(e, ERR_NO_ENTITY, NULL);
	/* Nothing but UTF-8 is converted: iconv would load modules, which sandboxes do not allow, and
	 * what it allocates is outside the budget. */
	if (!str_is_utf8(text))
		return err_set(e, ERR_MALFORMED, "the document is not UTF-8");
	if ((r.text = arena_alloc(a, text.n)) == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	rc = budget_run(a, parse, &r, xmlResetLastError);
	if (rc != 0)
		return err_set(e, ERR_TOO_LARGE, NULL);
	if (r.failed)
		return -1;
	if (!r.well_formed || r.root == NULL)
		return err_set(e, ERR_MALFORMED, "not well-formed XML");
	*ret = r.root;
	return 0;
}
