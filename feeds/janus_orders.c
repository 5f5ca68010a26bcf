/* SPDX-License-Identifier: ISC */
#include "feeds/janus_orders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/checks.h"
#include "common/clock.h"

const int64_t janus_verbs[] = {
    feed_verb_MUTE, feed_verb_UNMUTE, feed_verb_KICK, feed_verb_RECORD, feed_verb_PIN};
const size_t janus_verb_count = sizeof(janus_verbs) / sizeof(janus_verbs[0]);

static void ask_next(struct janus_order *o);

/* The room that a command is about, 0 = none that is known. */
static int64_t
room_of(const struct janus_sync *s, const struct feed_command *c)
{
	if (REC_HAS(c, feed_command, key) && c->key.n != 0)
		return janus_key_room(c->key);
	for (size_t i = 0; REC_HAS(c, feed_command, room) && i < s->table.n; i++)
		if (s->table.v[i]->n != 0 && str_eqc(c->room, s->table.v[i]->name))
			return s->table.v[i]->id;
	return 0;
}

static void
finish(struct janus_order *o, bool ok, int code, const char *text)
{
	int64_t id = o->id;

	free(o->who);
	o->who = NULL;
	o->id = 0;
	explicit_bzero(o->code, sizeof(o->code));
	feed_result(o->of->feed, id, ok, code, text);
}

/* Janus says nothing when somebody who is muted is muted, and whoever gave the command waits to see
 * that. */
static void
confirm(struct janus_order *o, int64_t id)
{
	struct janus_known *r = janus_table_find(&o->of->sync->table, o->room);
	struct janus_member *m = r != NULL ? janus_table_member(r, id) : NULL;

	if (m != NULL && m->muted == (o->verb == feed_verb_MUTE))
		janus_sync_repeat(o->of->sync, o->room, id);
}

static void
answered(void *arg, const struct janus_answer *a)
{
	struct janus_order *o = arg;
	char text[256];

	if (a == NULL) {
		finish(o, false, ERR_UNAVAILABLE, "Janus does not answer");
		return;
	}
	/* Of many, one that has left meanwhile is none to worry about. */
	if (a->code != 0 && !(o->count > 1 && a->code == AUDIOBRIDGE_NO_USER)) {
		snprintf(text, sizeof(text), "%.*s", (int)(a->text.n < 255 ? a->text.n : 255), a->text.p);
		finish(o, false, (int)janus_error(a->code), text[0] != '\0' ? text : NULL);
		return;
	}
	if (o->verb == feed_verb_RECORD)
		janus_sync_doubt(o->of->sync, o->room); /* which it does not say either */
	else if (o->who != NULL && a->code == 0)
		confirm(o, o->who[o->next]);
	o->next++;
	ask_next(o);
}

/* AudioBridge says "success" to everything; clients know the words of the conference servers of
 * old.
 */
static void
done(struct janus_order *o)
{
	const char *word = o->verb == feed_verb_MUTE ? "mute"
	    : o->verb == feed_verb_UNMUTE            ? "unmute"
	                                             : "kicked";
	char text[64];

	snprintf(text, sizeof(text), "OK %s %" PRId64, word, o->who != NULL ? o->who[0] : 0);
	finish(o, true, 0, o->who != NULL && o->count == 1 ? text : NULL);
}

static void
ask_next(struct janus_order *o)
{
	bool kick = o->verb == feed_verb_KICK, mute = o->verb == feed_verb_MUTE;
	struct janus_body b = {
	    .room = o->room, .id = -1, .secret = janus_secret_of(o->of->secrets, o->room)};

	if (o->next == o->count) {
		done(o);
		return;
	}
	if (clock_ms() >= o->until) {
		finish(o, false, ERR_DEADLINE, NULL);
		return;
	}
	if (o->who != NULL)
		b.id = o->who[o->next];
	if (o->verb == feed_verb_RECORD) {
		b.request = "enable_recording";
		b.flag = "record";
		b.value = o->on;
	} else if (o->verb == feed_verb_PIN) {
		b.request = "edit";
		b.word = "new_pin";
		b.text = str_c(o->code);
	} else if (kick) {
		b.request = o->who != NULL ? "kick" : "kick_all";
	} else {
		b.request = mute ? "mute" : "unmute";
	}
	if (!janus_api_ask(o->of->api, &b, answered, o))
		finish(o, false, ERR_UNAVAILABLE, "Janus cannot be reached");
}

/* Everybody who is in the room, in a copy. */
static bool
everybody(struct janus_order *o)
{
	const struct janus_known *r = janus_table_find(&o->of->sync->table, o->room);

	o->count = r != NULL ? r->n : 0;
	o->who = calloc(o->count + 1, sizeof(*o->who));
	for (size_t i = 0; o->who != NULL && i < o->count; i++)
		o->who[i] = r->v[i].id;
	return o->who != NULL;
}

static bool
one(struct janus_order *o, int64_t id)
{
	o->who = malloc(sizeof(*o->who));
	if (o->who != NULL)
		*o->who = id;
	return o->who != NULL;
}

static bool
take_code(struct janus_order *o, struct str code)
{
	if (code.n >= sizeof(o->code) || check_room_code(code) != NULL)
		return false;
	memcpy(o->code, code.p, code.n);
	o->code[code.n] = '\0';
	return true;
}

void
janus_orders_take(struct janus_orders *all, const struct feed_command *c)
{
	struct janus_order *o = NULL;
	int64_t room = room_of(all->sync, c);
	bool has_member = REC_HAS(c, feed_command, member), room_for_it = true;
	char text[320];

	for (size_t i = 0; i < JANUS_ORDERS_MAX && o == NULL; i++)
		if (all->v[i].id == 0)
			o = &all->v[i];
	if (room == 0 || o == NULL) {
		snprintf(text, sizeof(text), "Conference %.*s not found",
		    (int)(c->room.n < 255 ? c->room.n : 255), c->room.n != 0 ? c->room.p : "");
		feed_result(all->feed, c->id, false, room == 0 ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
		    room == 0 ? text : "too many commands at once");
		return;
	}
	*o = (struct janus_order){.of = all,
	    .id = c->id,
	    .until = clock_ms() + c->deadline,
	    .verb = c->verb,
	    .room = room,
	    .count = 1,
	    .on = !REC_HAS(c, feed_command, value) || c->value != 0};
	if (c->verb == feed_verb_PIN && REC_HAS(c, feed_command, text))
		room_for_it = take_code(o, c->text);
	else if (c->verb != feed_verb_RECORD && has_member)
		room_for_it = one(o, c->member);
	else if (c->verb == feed_verb_MUTE || c->verb == feed_verb_UNMUTE)
		room_for_it = everybody(o);
	if (room_for_it)
		ask_next(o);
	else
		finish(o, false, c->verb == feed_verb_PIN ? ERR_INVALID : ERR_UNAVAILABLE, NULL);
}
