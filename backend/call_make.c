/* SPDX-License-Identifier: ISC */
#include "backend/call_make.h"

void
call_make(struct call *c, struct str from, struct str to)
{
	struct feed_command *w = &c->command.words;

	REC_SET(w, feed_command, verb, feed_verb_ORIGINATE);
	REC_SET(w, feed_command, from, from);
	REC_SET(w, feed_command, to, to);
	c->wants_command = true;
}

int
call_made(struct call *c)
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
