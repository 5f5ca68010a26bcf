/* SPDX-License-Identifier: ISC */
#include "common/sipaddr.h"

#include <string.h>
#include <strings.h>

static struct str
trimmed(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (struct str){s.p + 1, s.n - 1};
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* Takes a quoted display name off the front; a quote without an end takes nothing. */
static struct str
quoted(struct str *s)
{
	struct str none = {"", 0};

	for (size_t i = 1; i < s->n; i++) {
		if (s->p[i] == '\\') {
			i++;
		} else if (s->p[i] == '"') {
			struct str name = {s->p + 1, i - 1};

			*s = (struct str){s->p + i + 1, s->n - i - 1};
			return name;
		}
	}
	return none;
}

static size_t
find(struct str s, const char *any)
{
	size_t i = 0;

	while (i < s.n && strchr(any, s.p[i]) == NULL)
		i++;
	return i;
}

static struct str
without_scheme(struct str s)
{
	static const char *const schemes[] = {"sip:", "sips:", "tel:"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i]);

		if (s.n >= n && strncasecmp(s.p, schemes[i], n) == 0)
			return (struct str){s.p + n, s.n - n};
	}
	return s;
}

static struct str
host_of(struct str s)
{
	size_t n;

	if (s.n > 0 && s.p[0] == '[') {
		n = find(s, "]");
		return (struct str){s.p, n < s.n ? n + 1 : s.n};
	}
	return (struct str){s.p, find(s, ":;?>, ")};
}

void
sipaddr_read(struct sipaddr *ret, struct str text)
{
	struct str s = trimmed(text);
	size_t n;

	*ret = (struct sipaddr){.name = {"", 0}, .user = {"", 0}, .host = {"", 0}};
	if (s.n > 0 && s.p[0] == '"')
		ret->name = quoted(&s);
	n = find(s, "<");
	if (n < s.n) {
		if (ret->name.n == 0)
			ret->name = trimmed((struct str){s.p, n});
		s = (struct str){s.p + n + 1, s.n - n - 1};
	}
	s = without_scheme(trimmed(s));
	n = find(s, "@;?>");
	ret->user = (struct str){s.p, n};
	if (n < s.n && s.p[n] == ';') {
		/* Parameters of the user part: the host is behind them. */
		size_t at = find(s, "@>");

		n = at < s.n && s.p[at] == '@' ? at : n;
	}
	if (n < s.n && s.p[n] == '@')
		ret->host = host_of((struct str){s.p + n + 1, s.n - n - 1});
}

struct str
sipaddr_name(const struct sipaddr *s, struct arena *a)
{
	char *out;
	size_t n = 0;

	if (memchr(s->name.p, '\\', s->name.n) == NULL || (out = arena_alloc(a, s->name.n)) == NULL)
		return s->name;
	for (size_t i = 0; i < s->name.n; i++) {
		if (s->name.p[i] == '\\' && i + 1 < s->name.n)
			i++;
		out[n++] = s->name.p[i];
	}
	return (struct str){out, n};
}
