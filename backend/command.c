/* SPDX-License-Identifier: ISC */
#include "backend/command.h"

#include <string.h>

static bool
keep(struct str *s, struct arena *a)
{
	if (s->n > 0)
		*s = arena_copy(a, *s);
	return s->n == 0 || s->p != NULL;
}

int
command_copy(struct command *ret, const struct command *c, struct arena *a)
{
	struct feed_command *w = &ret->words;

	*ret = *c;
	if (c->members.n > 0) {
		ret->members.v = arena_array(a, c->members.n, sizeof(*c->members.v));
		if (ret->members.v == NULL)
			return -1;
		memcpy(ret->members.v, c->members.v, c->members.n * sizeof(*c->members.v));
	}
	return keep(&ret->source, a) && (!REC_HAS(w, feed_command, key) || keep(&w->key, a)) &&
	        (!REC_HAS(w, feed_command, room) || keep(&w->room, a)) &&
	        (!REC_HAS(w, feed_command, from) || keep(&w->from, a)) &&
	        (!REC_HAS(w, feed_command, to) || keep(&w->to, a)) &&
	        (!REC_HAS(w, feed_command, text) || keep(&w->text, a))
	    ? 0
	    : -1;
}
