/* SPDX-License-Identifier: ISC */
#include "backend/call_show.h"

#include "common/sipaddr.h"

struct str
call_show_party(struct str address, struct arena *a)
{
	struct sipaddr s;
	struct str name, both;

	sipaddr_read(&s, address);
	name = sipaddr_name(&s, a);
	if (name.n == 0 || str_eq(name, s.user))
		return s.user;
	both = arena_printf(a, "%.*s - %.*s", (int)name.n, name.p, (int)s.user.n, s.user.p);
	return both.p != NULL ? both : s.user;
}

struct str
call_show_direction(const struct live_call *c, bool calls)
{
	/* The legacy server never knew, and says so in this way. */
	if (!REC_HAS(c, live_call, internal))
		return STR_LIT("INCOMING");
	if (c->internal)
		return STR_LIT("INTERNAL");
	return calls ? STR_LIT("OUTGOING") : STR_LIT("INCOMING");
}
