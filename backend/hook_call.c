/* SPDX-License-Identifier: ISC */
/* Click to call: the caller's own phones ring, and whoever takes one is connected. */
#include "backend/call_make.h"
#include "backend/dial.h"
#include "backend/hooks.h"

static int
call(struct call *c)
{
	struct settings s;
	struct str from, to;

	if (c->commanded != NULL)
		return call_made(c);
	if (model_settings(&c->m, &s) != 0 ||
	    dial_read(c->req->key, dial_domain(&s), &to, c->m.a, c->m.e) != 0 ||
	    dial_join(c->who->user.user_name, dial_domain(&s), &from, c->m.a, c->m.e) != 0)
		return -1;
	call_make(c, from, to);
	return 0;
}

const struct hooks hooks_call = {.custom = call, .reads = M_PUT};
