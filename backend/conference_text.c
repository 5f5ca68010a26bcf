/* SPDX-License-Identifier: ISC */
#include "backend/conference_text.h"

#include "backend/moments.h"

/* Of characters that XML cannot have only a blank is left. */
static void
escape(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i];

		if (ch == '&')
			buf_adds(out, "&amp;");
		else if (ch == '<')
			buf_adds(out, "&lt;");
		else if (ch == '>')
			buf_adds(out, "&gt;");
		else if (ch == '"')
			buf_adds(out, "&quot;");
		else
			buf_addc(out, (unsigned char)ch < ' ' && ch != '\n' && ch != '\t' ? ' ' : ch);
	}
}

static int
result(struct call *c)
{
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 0;
}

int
conference_answer(struct call *c, struct str text, bool forwarded)
{
	buf_adds(c->body, "<command-response>");
	escape(c->body, text);
	buf_adds(c->body, forwarded ? "</command-response>\n" : "</command-response>");
	return result(c);
}

struct listing {
	struct call *c;
	const struct live_running *run;
	struct buf *out;
	struct str delimiter;
	size_t n;
	int64_t last;
	bool xml;
};

static struct str
text_of(bool has, struct str s)
{
	return has ? s : (struct str){"", 0};
}

/* A name may not look like more than one field, nor like more than one line. */
static void
field(struct listing *l, struct str s, bool is_last)
{
	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i];

		if ((unsigned char)ch < ' ' || ch == l->delimiter.p[0])
			ch = ' ';
		escape(l->out, (struct str){&ch, 1});
	}
	if (!is_last)
		escape(l->out, l->delimiter);
}

static void
number(struct listing *l, int64_t v, bool is_last)
{
	buf_printf(l->out, "%lld", (long long)v);
	if (!is_last)
		escape(l->out, l->delimiter);
}

/* Whoever is muted does not talk, whatever was heard before. */
static struct moment
moment_of(const struct listing *l, const struct live_member *m)
{
	struct moment now;

	moments_get(l->c->moments, l->run->source, l->run->key, m->id, &now);
	now.talking = now.talking && !m->muted;
	return now;
}

static void
as_line(struct listing *l, const struct live_member *m)
{
	struct moment now = moment_of(l, m);
	struct buf flags;

	buf_init(&flags, 64);
	buf_printf(&flags, "%s%s%s%s%s%s", m->deaf ? "" : "hear", m->deaf || m->muted ? "" : "|",
	    m->muted ? "" : "speak", now.talking ? "|talking" : "", now.floor ? "|floor" : "",
	    m->hold ? "|hold" : "");
	number(l, m->id, false);
	field(l, (struct str){"", 0}, false);
	field(l, text_of(REC_HAS(m, live_member, uuid), m->uuid), false);
	field(l, text_of(REC_HAS(m, live_member, name), m->name), false);
	field(l, text_of(REC_HAS(m, live_member, number), m->number), false);
	field(l, buf_str(&flags), false);
	number(l, m->volume_in, false);
	number(l, m->volume_out, false);
	number(l, m->energy, true);
	buf_addc(l->out, '\n');
	buf_free(&flags);
}

static void
element(struct listing *l, const char *name, struct str s)
{
	buf_printf(l->out, "<%s>", name);
	escape(l->out, s);
	buf_printf(l->out, "</%s>", name);
}

static void
flag(struct listing *l, const char *name, bool on)
{
	element(l, name, on ? STR_LIT("true") : STR_LIT("false"));
}

static void
as_element(struct listing *l, const struct live_member *m)
{
	struct moment now = moment_of(l, m);

	buf_printf(l->out, "<member type=\"caller\"><id>%lld</id><flags>", (long long)m->id);
	flag(l, "can_hear", !m->deaf);
	flag(l, "can_speak", !m->muted);
	flag(l, "hold", m->hold);
	flag(l, "talking", now.talking);
	flag(l, "has_floor", now.floor);
	flag(l, "is_moderator", m->moderator);
	buf_adds(l->out, "</flags>");
	element(l, "uuid", text_of(REC_HAS(m, live_member, uuid), m->uuid));
	element(l, "caller_id_name", text_of(REC_HAS(m, live_member, name), m->name));
	element(l, "caller_id_number", text_of(REC_HAS(m, live_member, number), m->number));
	buf_printf(l->out,
	    "<energy>%lld</energy><volume_in>%lld</volume_in><volume_out>%lld</volume_out></member>",
	    (long long)m->energy, (long long)m->volume_in, (long long)m->volume_out);
}

static int
add(void *arg, const struct live_member *m)
{
	struct listing *l = arg;

	if (l->n == CONFERENCE_LIST_MAX)
		return 1;
	if (l->xml)
		as_element(l, m);
	else
		as_line(l, m);
	l->n++;
	l->last = m->id;
	return 0;
}

int
conference_list(struct call *c, const struct live_running *run, struct str delimiter, bool xml)
{
	struct listing l = {
	    .c = c, .run = run, .out = c->body, .delimiter = delimiter, .last = -1, .xml = xml};
	int rc;

	buf_adds(c->body, "<command-response>");
	if (xml) {
		buf_adds(c->body, "<?xml version=\"1.0\"?>\n<conferences><conference name=\"");
		escape(c->body, run->rec.conference.room);
		buf_printf(c->body, "\" locked=\"%s\" recording=\"%s\"><members>",
		    run->rec.conference.locked ? "true" : "false",
		    run->rec.conference.recording ? "true" : "false");
	}
	do
		rc = live_members_of(&c->m, run->name, l.last, add, &l);
	while (rc == 1 && !c->body->failed);
	if (rc < 0)
		return -1;
	if (xml)
		buf_adds(c->body, "</members></conference></conferences>");
	buf_adds(c->body, "</command-response>\n");
	return result(c);
}
