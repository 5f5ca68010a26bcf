/* SPDX-License-Identifier: ISC */
#include "backend/dial.h"

#include <string.h>

#include "common/checks.h"

enum { USER_MAX = 64, HOST_MAX = 253, TOP_MIN = 2, TOP_MAX = 63 };

static bool
is_made_of(struct str s, const char *others)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		        (c != '\0' && strchr(others, c) != NULL)))
			return false;
	}
	return s.n > 0;
}

/* The last label is a name: "12*we@sip" is a slip, and no host. */
static bool
is_domain(struct str host)
{
	size_t dot = host.n;

	for (size_t i = 0; i + 1 < host.n; i++)
		if (host.p[i] == '.' && (host.p[i + 1] == '.' || host.p[i + 1] == '-'))
			return false;
	while (dot > 0 && host.p[dot - 1] != '.')
		dot--;
	return dot > 1 && host.p[0] != '.' && host.p[0] != '-' && host.n <= HOST_MAX &&
	    host.n - dot >= TOP_MIN && host.n - dot <= TOP_MAX && is_made_of(host, ".-") &&
	    check_host(host) == NULL;
}

struct str
dial_domain(const struct settings *s)
{
	return REC_HAS(s, settings, sip_domains) && s->sip_domains.n > 0 ? s->sip_domains.v[0]
	                                                                 : s->realm;
}

int
dial_join(struct str user, struct str host, struct str *ret, struct arena *a, struct err *e)
{
	if (user.n > USER_MAX || !is_made_of(user, "._+*~!-") || user.p[0] == '-')
		return err_set(e, ERR_INVALID, "this is neither a number nor an address");
	if (check_host(host) != NULL)
		return err_set(e, ERR_INTERNAL, "the system has no domain to call in");
	*ret = arena_printf(a, "sip:%.*s@%.*s", (int)user.n, user.p, (int)host.n, host.p);
	return ret->p != NULL ? 0 : err_set(e, ERR_TOO_LARGE, NULL);
}

int
dial_read(struct str text, struct str domain, struct str *ret, struct arena *a, struct err *e)
{
	struct str user, host;
	char plain[USER_MAX + 1];
	size_t n = 0;

	if (str_cut(text, '@', &user, &host)) {
		if (str_starts(user, "sip:"))
			user = (struct str){user.p + 4, user.n - 4};
		return is_domain(host)
		    ? dial_join(user, host, ret, a, e)
		    : err_set(e, ERR_INVALID, "behind the @ must be the name of a domain");
	}
	for (size_t i = 0; i < text.n && n <= USER_MAX; i++)
		if (strchr("[]().{}-", text.p[i]) == NULL)
			plain[n++] = text.p[i];
	return dial_join((struct str){plain, n}, domain, ret, a, e);
}
