/* SPDX-License-Identifier: ISC */
/* Events from what has happened. */
#include <sodium.h>

#include "backend/call_show.h"
#include "backend/user_events.h"

/* The switch's own name of a call is part of what a dialog can be taken over with. */
static struct str
call_id(struct model *m, struct str name)
{
	unsigned char hash[crypto_generichash_BYTES_MIN];
	char text[2 * sizeof(hash) + 1];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)name.p, name.n, NULL, 0);
	return arena_copy(m->a, str_c(sodium_bin2hex(text, sizeof(text), hash, sizeof(hash))));
}

int
user_event_call(struct model *m, uint32_t user, bool calls, struct str name,
    const struct live_call *call, enum event_state state)
{
	struct event ev = {0};
	struct event_call *c = &ev.call;

	REC_SET(&ev, event, type, event_type_CALL);
	REC_SET(&ev, event, state, (int)state);
	REC_SET(c, event_call, id, call_id(m, name));
	if (c->id.p == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	REC_SET(c, event_call, from, call_show_party(call->caller, m->a));
	REC_SET(c, event_call, from_aor, call->caller);
	REC_SET(c, event_call, to, call_show_party(call->callee, m->a));
	REC_SET(c, event_call, to_aor, call->callee);
	REC_SET(c, event_call, direction, call_show_direction(call, calls));
	if (REC_HAS(call, live_call, recipient) && call->recipient.n > 0)
		REC_SET(c, event_call, recipient, call->recipient);
	REC_SET(c, event_call, internal, REC_HAS(call, live_call, internal) && call->internal);
	REC_SET(c, event_call, type, REC_HAS(call, live_call, type) ? call->type : STR_LIT("Unknown"));
	REC_SET(c, event_call, start_time, call->started);
	ev.has |= REC_BIT(event, call);
	return user_event_add(m, user, &ev);
}

int
user_event_conference(struct model *m, uint32_t user, struct str room,
    const struct live_conference *conference, enum event_state state)
{
	struct event ev = {0};
	struct event_conference *c = &ev.conference;

	REC_SET(&ev, event, type, event_type_CONFERENCE);
	REC_SET(&ev, event, state, (int)state);
	REC_SET(c, event_conference, name, room);
	REC_SET(c, event_conference, locked, conference->locked);
	REC_SET(c, event_conference, recording, conference->recording);
	ev.has |= REC_BIT(event, conference);
	return user_event_add(m, user, &ev);
}

int
user_event_member(struct model *m, uint32_t user, struct str room, const struct live_member *member,
    enum event_state state)
{
	struct event ev = {0};
	struct event_member *p = &ev.member;

	REC_SET(&ev, event, type, event_type_MEMBER);
	REC_SET(&ev, event, state, (int)state);
	REC_SET(&ev.conference, event_conference, name, room);
	ev.has |= REC_BIT(event, conference);
	REC_SET(p, event_member, id, member->id);
	if (REC_HAS(member, live_member, name))
		REC_SET(p, event_member, name, member->name);
	if (REC_HAS(member, live_member, number))
		REC_SET(p, event_member, number, member->number);
	REC_SET(p, event_member, muted, member->muted);
	REC_SET(p, event_member, deaf, member->deaf);
	REC_SET(p, event_member, hold, member->hold);
	REC_SET(p, event_member, moderator, member->moderator);
	ev.has |= REC_BIT(event, member);
	return user_event_add(m, user, &ev);
}

int
user_event_settings(struct model *m, uint32_t user, const char *path)
{
	struct event ev = {0};
	struct str name = str_c(path);
	size_t n = 0;

	if (str_starts(name, "/my/"))
		name = (struct str){name.p + 4, name.n - 4};
	else if (str_starts(name, "/"))
		name = (struct str){name.p + 1, name.n - 1};
	/* What stands in place of a parameter may be a PIN. */
	while (n < name.n && name.p[n] != '{')
		n++;
	while (n > 0 && name.p[n - 1] == '/')
		n--;
	REC_SET(&ev, event, type, event_type_SETTINGS);
	REC_SET(&ev, event, state, event_state_CHANGED);
	REC_SET(&ev, event, resource, ((struct str){name.p, n}));
	return user_event_add(m, user, &ev);
}
