/* SPDX-License-Identifier: ISC */
#include "common/vcard_line.h"

#include <string.h>

static struct str
physical(struct vcard_text *t)
{
	struct str line;

	str_cut(t->rest, '\n', &line, &t->rest);
	t->line++;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool
is_folded(struct str rest)
{
	return rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t');
}

/* The encoding of vCard 2.1, whose soft line breaks are no folding. */
static bool
is_quoted_printable(struct str first)
{
	static const char name[] = "QUOTED-PRINTABLE";
	struct str head, value;

	str_cut(first, ':', &head, &value);
	for (size_t i = 0; i + sizeof(name) - 1 <= head.n; i++)
		if (str_caseeqc((struct str){head.p + i, sizeof(name) - 1}, name))
			return true;
	return false;
}

/* Takes the lines that belong together; `to` NULL = counts only. */
static size_t
join(struct vcard_text *t, bool soft, char *to)
{
	struct str part = physical(t);
	size_t n = 0;

	for (;;) {
		bool more = soft && part.n > 0 && part.p[part.n - 1] == '=' && t->rest.n > 0;

		part.n -= more ? 1 : 0;
		if (to != NULL && part.n > 0)
			memcpy(to + n, part.p, part.n);
		n += part.n;
		if (!more && !is_folded(t->rest))
			return n;
		part = physical(t);
		if (!more) {
			part.p++;
			part.n--;
		}
	}
}

static int
unfold(struct vcard_text *t, struct str *ret, struct arena *a, struct err *e)
{
	struct vcard_text from = *t;
	struct str first = physical(t);
	bool soft = is_quoted_printable(first);
	size_t n;
	char *p;

	*ret = first;
	if (!soft && !is_folded(t->rest))
		return 0;
	*t = from;
	n = join(t, soft, NULL);
	if (n > VCARD_LINE_MAX)
		return err_set(e, ERR_TOO_LARGE, "line %zu: is too long", from.line + 1);
	if ((p = arena_alloc(a, n + 1)) == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	*t = from;
	join(t, soft, p);
	*ret = (struct str){p, n};
	return 0;
}

static bool
is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return str_is_utf8(s);
}

static bool
is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		        c == '-' || c == '_'))
			return false;
	}
	return s.n > 0;
}

/* Up to one of the characters `ends`; the rest begins with it. */
static struct str
upto(struct str *rest, const char *ends)
{
	struct str s = {rest->p, 0};

	while (s.n < rest->n && strchr(ends, rest->p[s.n]) == NULL)
		s.n++;
	rest->p += s.n;
	rest->n -= s.n;
	return s;
}

static bool
starts(struct str s, char c)
{
	return s.n > 0 && s.p[0] == c;
}

static void
step(struct str *s)
{
	s->p++;
	s->n--;
}

/* RFC 6868: ^n is a line's end, ^' a quote, ^^ itself. */
static struct str
uncaret(struct str s, struct arena *a)
{
	char *p;
	size_t n = 0;

	if (s.n == 0 || memchr(s.p, '^', s.n) == NULL)
		return s;
	if ((p = arena_alloc(a, s.n)) == NULL)
		return (struct str){NULL, 0};
	for (size_t i = 0; i < s.n; i++) {
		char next = s.p[i] == '^' && i + 1 < s.n ? s.p[i + 1] : '\0';

		if (next == 'n' || next == '\'' || next == '^') {
			p[n++] = next == 'n' ? '\n' : next == '\'' ? '"' : '^';
			i++;
		} else {
			p[n++] = s.p[i];
		}
	}
	return (struct str){p, n};
}

static int
take_value(struct str *rest, struct str *ret, const char **why)
{
	if (starts(*rest, '"')) {
		step(rest);
		*ret = upto(rest, "\"");
		if (rest->n == 0)
			return *why = "a quoted parameter is not closed", -1;
		step(rest);
	} else {
		*ret = upto(rest, ",;:\"");
	}
	if (rest->n == 0)
		return *why = "there is no colon", -1;
	/* Within a value only a quote has ended it; behind a quoted one it may be anything. */
	if (strchr(",;:", rest->p[0]) == NULL)
		return *why = "a quote within a parameter", -1;
	return 0;
}

/* Behind a semicolon: NAME=value,value or, in vCard 2.1, a value alone. */
static int
take_param(struct str *rest, struct vcard_line *l, struct arena *a, const char **why)
{
	struct str name = str_trim(upto(rest, "=;:"));
	bool bare = !starts(*rest, '=');

	if (!is_name(name))
		return *why = "a parameter has no proper name", -1;
	do {
		struct vcard_param *p = &l->params[l->param_count];
		struct str value = name;

		if (l->param_count == VCARD_PARAMS_MAX)
			return *why = "has too many parameters", -1;
		if (!bare) {
			step(rest);
			if (take_value(rest, &value, why) != 0)
				return -1;
		}
		*p = (struct vcard_param){bare ? STR_LIT("TYPE") : name, uncaret(value, a)};
		if (p->value.p == NULL)
			return *why = NULL, -1;
		l->param_count++;
	} while (!bare && starts(*rest, ','));
	return 0;
}

static int
take_apart(struct str s, struct vcard_line *l, struct arena *a, const char **why)
{
	struct str group;

	l->param_count = 0;
	l->name = upto(&s, ".;:");
	if (starts(s, '.')) {
		group = l->name;
		step(&s);
		l->name = upto(&s, ";:");
		if (!is_name(group))
			return *why = "the group has no proper name", -1;
	}
	l->name = str_trim(l->name);
	if (s.n == 0)
		return *why = "there is no colon", -1;
	if (!is_name(l->name))
		return *why = "there is no proper name", -1;
	while (starts(s, ';')) {
		step(&s);
		if (take_param(&s, l, a, why) != 0)
			return -1;
		if (s.n == 0)
			return *why = "there is no colon", -1;
	}
	step(&s);
	l->value = s;
	return 0;
}

int
vcard_line_next(struct vcard_text *t, struct vcard_line *ret, struct arena *a, struct err *e)
{
	const char *why = "is not UTF-8 text, or has control characters";
	struct str s;

	do {
		ret->line = t->line + 1;
		if (t->rest.n == 0)
			return 0;
		if (unfold(t, &s, a, e) != 0)
			return -1;
	} while (str_trim(s).n == 0);
	if (is_text(s) && take_apart(s, ret, a, &why) == 0)
		return 1;
	if (why == NULL)
		return err_set(e, ERR_TOO_LARGE, NULL);
	return err_set(e, ERR_MALFORMED, "line %zu: %s", ret->line, why);
}

void
vcard_line_skip_line(struct vcard_text *t)
{
	physical(t);
}

static bool
next_is(struct vcard_text t, const char *line)
{
	return str_caseeqc(str_trim(physical(&t)), line);
}

void
vcard_line_skip_card(struct vcard_text *t)
{
	bool end = false;

	while (!end && t->rest.n > 0 && !next_is(*t, "BEGIN:VCARD")) {
		end = next_is(*t, "END:VCARD");
		physical(t);
	}
}

bool
vcard_line_type(const struct vcard_line *l, const char *value)
{
	for (size_t i = 0; i < l->param_count; i++) {
		struct str one, list = l->params[i].value;

		/* RFC 6350's own examples have lists within the quotes. */
		while (str_caseeqc(l->params[i].name, "TYPE") && list.n > 0) {
			str_cut(list, ',', &one, &list);
			if (str_caseeqc(str_trim(one), value))
				return true;
		}
	}
	return false;
}

struct str
vcard_line_param(const struct vcard_line *l, const char *name)
{
	for (size_t i = 0; i < l->param_count; i++)
		if (str_caseeqc(l->params[i].name, name))
			return str_trim(l->params[i].value);
	return STR_LIT("");
}
