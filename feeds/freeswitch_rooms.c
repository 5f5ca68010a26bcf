/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_rooms.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"

enum { CODE_LINE = FS_ROOM_MAX + ROOM_CODE_MAX + 64 };

static void
on_reply(void *arg, int64_t tag, const char *name, struct str text, bool lost)
{
	struct fs_switch *s = arg;
	struct fs_conference *c = name != NULL ? fs_find(&s->state.conferences, str_c(name), 0) : NULL;

	(void)tag;
	/* It may not have heard: told again when it is seen again. */
	if (lost && c != NULL)
		c->room_stamp = 0;
	/* The reply names the code. */
	if (!lost && str_starts(text, "-ERR"))
		log_event(LOG_WARN_, "room", "conference %s has refused its code or limit",
		    name != NULL ? name : "");
}

/* The rest of a line of "conference …". */
static bool
tell(struct fs_switch *s, const struct fs_conference *c, const char *words, const char *value)
{
	char line[CODE_LINE];
	bool sent;
	int n = snprintf(line, sizeof(line), "api conference %.*s %s%s", (int)c->conference.room.n,
	    c->conference.room.p, words, value);

	sent = n > 0 && (size_t)n < sizeof(line) &&
	    fs_link_send(&s->commands, line, on_reply, s, 0, c->thing.key);
	explicit_bzero(line, sizeof(line));
	return sent;
}

static bool
tell_all(struct fs_switch *s, const struct fs_conference *c, const struct room_kept *r)
{
	char limit[24];

	snprintf(limit, sizeof(limit), "%lld", (long long)r->max_members);
	/* Once a moderator's code is there, FreeSWITCH knows no way to take it away but another one. */
	return tell(s, c, r->code[0] != '\0' ? "pin " : "nopin", r->code) &&
	    (r->moderator_code[0] == '\0' || tell(s, c, "pin mod ", r->moderator_code)) &&
	    tell(s, c, "set max_members ", limit);
}

void
fs_rooms_tell(struct fs_switch *s, struct fs_conference *c)
{
	const struct room_kept *r;
	char name[FS_ROOM_MAX + 1];
	struct str room = c->conference.room;

	if (c->thing.ended || !fs_is_word(room, FS_ROOM_MAX))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)room.n, room.p);
	r = rooms_find(&s->rooms, name);
	if (r != NULL && r->stamp != c->room_stamp && tell_all(s, c, r))
		c->room_stamp = r->stamp;
}

static void
tell_one(void *arg, void *thing)
{
	fs_rooms_tell(arg, thing);
}

bool
fs_rooms_take(struct fs_switch *s, const struct feed_routes *part)
{
	bool ok = rooms_take(&s->rooms, part);

	fs_each(&s->state.conferences, tell_one, s);
	return ok;
}
