/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <string.h>

#include "common/sink.h"

void
json_text(struct buf *out, struct str s)
{
	static const char special[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
	size_t run = 0; /* where what needs no escape began */

	buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		const char *at;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(out, s.p + run, i - run);
		run = i + 1;
		at = c != '\0' ? strchr(special, c) : NULL;
		if (at != NULL) {
			buf_addc(out, '\\');
			buf_addc(out, letter[at - special]);
		} else {
			buf_printf(out, "\\u%04x", c);
		}
	}
	buf_add(out, s.p + run, s.n - run);
	buf_addc(out, '"');
}

/* Before a value: a comma between the items of a list. */
static void
separate(struct sink *s)
{
	if (s->depth > 0 && s->is_list[s->depth - 1]) {
		if (s->comma[s->depth - 1])
			buf_addc(s->out, ',');
		s->comma[s->depth - 1] = true;
	}
}

static void
open_container(struct sink *s, char c, bool is_list)
{
	separate(s);
	buf_addc(s->out, c);
	if (s->depth == SINK_DEPTH_MAX) {
		s->out->failed = true;
		return;
	}
	s->comma[s->depth] = false;
	s->is_list[s->depth] = is_list;
	s->depth++;
}

static void
close_container(struct sink *s, char c)
{
	if (s->depth > 0)
		s->depth--;
	buf_addc(s->out, c);
}

static void
json_map(struct sink *s, size_t members)
{
	(void)members;
	open_container(s, '{', false);
}

static void
json_map_end(struct sink *s)
{
	close_container(s, '}');
}

static void
json_list(struct sink *s, const struct field *f, size_t items)
{
	(void)f;
	(void)items;
	open_container(s, '[', true);
}

static void
json_list_end(struct sink *s)
{
	close_container(s, ']');
}

static void
json_key(struct sink *s, const struct field *f, bool also)
{
	if (s->depth > 0) {
		if (s->comma[s->depth - 1])
			buf_addc(s->out, ',');
		s->comma[s->depth - 1] = true;
	}
	json_text(s->out, str_c(also ? f->json_also : field_json(f)));
	buf_addc(s->out, ':');
}

static void
json_null(struct sink *s)
{
	separate(s);
	buf_adds(s->out, "null");
}

static void
json_boolean(struct sink *s, bool v)
{
	separate(s);
	buf_adds(s->out, v ? "true" : "false");
}

static void
json_integer(struct sink *s, int64_t v)
{
	separate(s);
	buf_printf(s->out, "%" PRId64, v);
}

static void
json_string(struct sink *s, struct str v)
{
	separate(s);
	json_text(s->out, v);
}

static void
json_enumerated(struct sink *s, int value, const char *text)
{
	(void)value;
	json_string(s, str_c(text));
}

void
hex_text(struct buf *out, struct str s)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n; i++) {
		buf_addc(out, digits[(unsigned char)s.p[i] >> 4]);
		buf_addc(out, digits[s.p[i] & 15]);
	}
}

/* Bytes only occur in dumps. */
static void
json_bytes(struct sink *s, struct str v)
{
	separate(s);
	buf_addc(s->out, '"');
	hex_text(s->out, v);
	buf_addc(s->out, '"');
}

static const struct sink_ops json_ops = {
    .map = json_map,
    .map_end = json_map_end,
    .list = json_list,
    .list_end = json_list_end,
    .key = json_key,
    .null = json_null,
    .boolean = json_boolean,
    .integer = json_integer,
    .enumerated = json_enumerated,
    .text = json_string,
    .bytes = json_bytes,
    .has_nulls = true,
};

void
json_sink_init(struct sink *s, struct buf *out)
{
	*s = (struct sink){.ops = &json_ops, .out = out};
}
