/* SPDX-License-Identifier: ISC */
/* XML 1.0 without declaration, namespaces and attributes: what legacy clients expect. */
#include <inttypes.h>

#include "common/sink.h"

/* What stands for a byte: NULL = itself, "" = nothing, for control characters that XML 1.0 cannot
 * carry. */
static const char *
reference(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\r':
		return "&#xd;";
	default:
		return c >= 0x20 || c == '\t' || c == '\n' ? NULL : "";
	}
}

/* U+FFFE and U+FFFF are no characters of XML either. */
static bool
is_noncharacter(struct str s, size_t i)
{
	return s.n - i >= 3 && (unsigned char)s.p[i] == 0xef && (unsigned char)s.p[i + 1] == 0xbf &&
	    (unsigned char)s.p[i + 2] >= 0xbe;
}

void
xml_text(struct buf *out, struct str s)
{
	size_t run = 0; /* where what stands for itself began */

	for (size_t i = 0; i < s.n; i++) {
		const char *ref = reference((unsigned char)s.p[i]);
		size_t skip = is_noncharacter(s, i) ? 3 : 1;

		if (ref == NULL && skip == 1)
			continue;
		buf_add(out, s.p + run, i - run);
		if (ref != NULL)
			buf_adds(out, ref);
		i += skip - 1;
		run = i + 1;
	}
	buf_add(out, s.p + run, s.n - run);
}

/* The element that the next value becomes: a list's item, or what key() said. */
static const char *
element(struct sink *s)
{
	if (s->depth > 0 && s->is_list[s->depth - 1])
		return s->item[s->depth - 1];
	return s->next;
}

static void
tag(struct buf *out, const char *open, const char *name, const char *close)
{
	buf_adds(out, open);
	buf_adds(out, name);
	buf_adds(out, close);
}

static void
open_element(struct sink *s, size_t children, const char *item)
{
	const char *name = element(s);

	if (s->depth == SINK_DEPTH_MAX) {
		s->out->failed = true;
		return;
	}
	tag(s->out, "<", name, children == 0 ? "/>" : ">");
	s->name[s->depth] = children == 0 ? NULL : name;
	s->item[s->depth] = item;
	s->is_list[s->depth] = item != NULL;
	s->depth++;
}

static void
close_element(struct sink *s)
{
	if (s->depth == 0)
		return;
	s->depth--;
	if (s->name[s->depth] != NULL)
		tag(s->out, "</", s->name[s->depth], ">");
}

static void
xml_map(struct sink *s, size_t members)
{
	open_element(s, members, NULL);
}

static void
xml_list(struct sink *s, const struct field *f, size_t items)
{
	open_element(s, items, field_item(f));
}

static void
xml_key(struct sink *s, const struct field *f, bool also)
{
	(void)also;
	s->next = field_xml(f);
}

static void
leaf(struct sink *s, struct str text)
{
	const char *name = element(s);

	tag(s->out, "<", name, ">");
	xml_text(s->out, text);
	tag(s->out, "</", name, ">");
}

static void
xml_null(struct sink *s)
{
	(void)s;
}

static void
xml_boolean(struct sink *s, bool v)
{
	leaf(s, str_c(v ? "true" : "false"));
}

static void
xml_integer(struct sink *s, int64_t v)
{
	const char *name = element(s);

	buf_printf(s->out, "<%s>%" PRId64 "</%s>", name, v, name);
}

static void
xml_enumerated(struct sink *s, int value, const char *text)
{
	(void)value;
	leaf(s, str_c(text));
}

static void
xml_bytes(struct sink *s, struct str v)
{
	const char *name = element(s);

	tag(s->out, "<", name, ">");
	hex_text(s->out, v);
	tag(s->out, "</", name, ">");
}

static const struct sink_ops xml_ops = {
    .map = xml_map,
    .map_end = close_element,
    .list = xml_list,
    .list_end = close_element,
    .key = xml_key,
    .null = xml_null,
    .boolean = xml_boolean,
    .integer = xml_integer,
    .enumerated = xml_enumerated,
    .text = leaf,
    .bytes = xml_bytes,
    .has_nulls = false,
};

void
xml_sink_init(struct sink *s, struct buf *out, const char *root)
{
	*s = (struct sink){.ops = &xml_ops, .out = out, .next = root};
}
