/* SPDX-License-Identifier: ISC */
#include "gateway/cors.h"

#include <stdio.h>
#include <string.h>

#include "common/str.h"

static bool
is_host_char(char c)
{
	/* Browsers write names in lower case, and other alphabets as punycode. */
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

/* A literal IPv6 address in brackets, roughly. */
static bool
is_literal(struct str host)
{
	if (host.n < 4 || host.p[0] != '[' || host.p[host.n - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < host.n; i++)
		if (!((host.p[i] >= '0' && host.p[i] <= '9') || (host.p[i] >= 'a' && host.p[i] <= 'f') ||
		        host.p[i] == ':' || host.p[i] == '.'))
			return false;
	return true;
}

static bool
is_name(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (!is_host_char(host.p[i]))
			return false;
	return host.n > 0 && host.p[0] != '.' && host.p[0] != '-';
}

/* The default port is never written by browsers, so that with it nothing would ever match. */
static bool
is_port(struct str port, int64_t dflt)
{
	int64_t v;

	return str_to_i64(port, &v) && v >= 1 && v <= 65535 && v != dflt && port.p[0] != '0';
}

/* RFC 6454 7: scheme, host and port, in the one spelling that browsers use. */
static bool
is_origin(struct str s)
{
	int64_t dflt = str_starts(s, "https://") ? 443 : 80;
	size_t scheme = dflt == 443 ? 8 : 7, colon;
	struct str host;

	if (!str_starts(s, "https://") && !str_starts(s, "http://"))
		return false;
	host = (struct str){s.p + scheme, s.n - scheme};
	for (colon = host.n; colon > 0 && host.p[colon - 1] != ':' && host.p[colon - 1] != ']'; colon--)
		;
	if (colon > 0 && host.p[colon - 1] == ':') {
		if (!is_port((struct str){host.p + colon, host.n - colon}, dflt))
			return false;
		host.n = colon - 1;
	}
	return is_name(host) || is_literal(host);
}

int
cors_read(struct cors *ret, const char *list, struct err *e)
{
	struct str rest = str_c(list), one;
	char *to = ret->text;

	ret->n = 0;
	while (str_trim(rest).n > 0) {
		str_cut(rest, ',', &one, &rest);
		one = str_trim(one);
		if (!is_origin(one))
			return err_set(e, ERR_INVALID,
			    "gateway.cors: \"%.*s\" is no origin: scheme, host and port in lower case, as in "
			    "https://portal.example",
			    (int)one.n, one.p);
		if (ret->n == CORS_MAX)
			return err_set(e, ERR_INVALID, "gateway.cors: more than %d origins", CORS_MAX);
		memcpy(to, one.p, one.n);
		to[one.n] = '\0';
		ret->origin[ret->n++] = to;
		to += one.n + 1;
	}
	return 0;
}

const char *
cors_find(const struct cors *c, const char *origin)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->origin[i], origin) == 0)
			return c->origin[i];
	return NULL;
}
