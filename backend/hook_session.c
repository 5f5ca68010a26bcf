/* SPDX-License-Identifier: ISC */
/*
 * Sessions: POST /session has a capability signed, DELETE /session revokes the
 * one it came with, DELETE /session?all makes every earlier one void.
 */
#include "backend/hooks.h"

#include <sodium.h>
#include <string.h>

#include "backend/revoked.h"

static int
open_session(struct call *c)
{
	struct settings s;
	int admin = model_permission(&c->m, &c->who->user, permission_name_SUPERADMIN);
	int64_t token;

	if (admin < 0 || model_settings(&c->m, &s) != 0)
		return -1;
	randombytes_buf(&token, sizeof(token));
	token = (token & INT64_MAX) | 1;
	memset(c->sign, 0, sizeof(*c->sign));
	REC_SET(c->sign, cap, tenant, c->who->tenant);
	REC_SET(c->sign, cap, user, c->who->id);
	REC_SET(c->sign, cap, scopes, SCOPE_SELF | (admin == 1 ? SCOPE_ADMIN : 0));
	REC_SET(c->sign, cap, token, token);
	/* Right after an end of all sessions the clock may still stand before their limit. */
	REC_SET(c->sign, cap, issued,
	    c->now_ms > c->who->user.not_before ? c->now_ms : c->who->user.not_before);
	REC_SET(c->sign, cap, expires, c->now_ms + s.session_seconds * 1000);
	c->wants_signature = true;
	return 0;
}

static int
end_session(struct call *c)
{
	struct user u = c->who->user;

	if (call_query(c, "all") != NULL) {
		/* Not before the next millisecond, so that a session of this one is void too. */
		REC_SET(&u, user, not_before, c->now_ms + 1);
		return model_put(&c->m, &rec_user, c->who->id, 0, &u);
	}
	if (c->who->token == 0)
		return err_set(c->m.e, ERR_BAD_REQUEST, "no session to end: no token was sent");
	return revoked_add(&c->m, c->who->id, c->who->token, c->now_ms);
}

static int
custom(struct call *c)
{
	return c->req->method == M_POST ? open_session(c) : end_session(c);
}

const struct hooks hooks_session = {.custom = custom, .reads = M_POST, .ends_sessions = true};
