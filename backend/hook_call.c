/* SPDX-License-Identifier: ISC */
/* Click to call: the caller's own phones ring, and whoever takes one is connected. */
#include "backend/dial.h"
#include "backend/hooks.h"

static int
answer(struct call *c)
{
	const struct commanded *d = c->commanded;
	enum err_code code = ERR_INTERNAL;

	switch (d->end) {
	case COMMAND_DONE:
		return 0;
	case COMMAND_WRONG:
		if (d->code > 0 && d->code < ERR_COUNT && err_is_fault((enum err_code)d->code))
			code = (enum err_code)d->code;
		return err_set(
		    c->m.e, code, "the switch: %.*s", d->text.n < 100 ? (int)d->text.n : 100, d->text.p);
	case COMMAND_LATE:
		return err_set(c->m.e, ERR_UNAVAILABLE, "the switch does not answer");
	case COMMAND_LACKS:
	case COMMAND_AWAY:
		break;
	}
	return err_set(c->m.e, ERR_UNAVAILABLE, "no switch is connected that could make the call");
}

static int
call(struct call *c)
{
	struct feed_command *w = &c->command.words;
	struct settings s;
	struct str from, to;

	if (c->commanded != NULL)
		return answer(c);
	if (model_settings(&c->m, &s) != 0 ||
	    dial_read(c->req->key, s.realm, &to, c->m.a, c->m.e) != 0 ||
	    dial_join(c->who->user.user_name, s.realm, &from, c->m.a, c->m.e) != 0)
		return -1;
	REC_SET(w, feed_command, verb, feed_verb_ORIGINATE);
	REC_SET(w, feed_command, from, from);
	REC_SET(w, feed_command, to, to);
	c->wants_command = true;
	return 0;
}

const struct hooks hooks_call = {.custom = call, .reads = M_PUT};
