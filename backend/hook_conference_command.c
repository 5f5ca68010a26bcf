/* SPDX-License-Identifier: ISC */
/*
 * Commands to the conference in one of the caller's rooms. What can be answered from the state is;
 * the rest goes to the switch, whose reply is the answer. A command that fails there is no error of
 * the request, as in the legacy server.
 */
#include <string.h>

#include "backend/conference_text.h"
#include "backend/dial.h"
#include "backend/hooks.h"
#include "backend/own_room.h"
#include "backend/private_keys.h"
#include "common/checks.h"

enum { WORDS_MAX = 4 };

struct words {
	struct str v[WORDS_MAX];
	size_t n;
};

struct conf {
	struct call *c;
	struct room_ref room;
	struct words words;
	bool runs;
	struct live_running run;
};

/* Anything that could become a word of its own, or a line, at a switch. */
static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static int
split(struct call *c, struct words *ret)
{
	struct str rest = REC_HAS(c->req, request, key2) ? c->req->key2 : (struct str){"", 0}, word;

	if (!is_plain(rest))
		return err_set(c->m.e, ERR_INVALID, "a command has no blanks and control characters");
	while (rest.n > 0) {
		str_cut(rest, '&', &word, &rest);
		if (word.n == 0)
			continue;
		if (ret->n == WORDS_MAX)
			return err_set(c->m.e, ERR_INVALID, "the command has too many words");
		ret->v[ret->n++] = word;
	}
	return ret->n > 0 ? 0 : err_set(c->m.e, ERR_INVALID, "No conference command specified");
}

static int
say(struct conf *k, const char *text)
{
	return conference_answer(k->c, str_c(text), false);
}

static int
say_named(struct conf *k, const char *before, struct str name, const char *behind)
{
	struct str text = arena_printf(k->c->m.a, "%s%.*s%s", before, (int)name.n, name.p, behind);

	return text.p != NULL ? conference_answer(k->c, text, false)
	                      : err_set(k->c->m.e, ERR_TOO_LARGE, NULL);
}

static int
send_words(struct conf *k, int verb)
{
	struct command *cmd = &k->c->command;

	if (!k->runs)
		return say_named(k, "Conference ", k->room.rec.name, " not found");
	cmd->source = k->run.source;
	REC_SET(&cmd->words, feed_command, verb, verb);
	REC_SET(&cmd->words, feed_command, key, k->run.key);
	REC_SET(&cmd->words, feed_command, room, k->run.rec.conference.room);
	k->c->wants_command = true;
	return 0;
}

struct chosen {
	int64_t *v;
	size_t n;
	int64_t newest, newest_joined, last;
	bool guests, full;
};

static int
choose(void *arg, const struct live_member *m)
{
	struct chosen *ch = arg;
	int64_t joined = REC_HAS(m, live_member, joined) ? m->joined : 0;

	ch->last = m->id;
	if (ch->guests && m->moderator)
		return 0;
	if (ch->newest < 0 || joined >= ch->newest_joined) {
		ch->newest = m->id;
		ch->newest_joined = joined;
	}
	if (ch->guests && ch->n == COMMAND_MEMBERS_MAX)
		return ch->full = true;
	if (ch->guests)
		ch->v[ch->n++] = m->id;
	return 0;
}

/* Looks at every member. */
static int
look_at_members(struct conf *k, struct chosen *ch)
{
	struct model *m = &k->c->m;
	int rc;

	ch->v = arena_array(m->a, COMMAND_MEMBERS_MAX, sizeof(*ch->v));
	ch->newest = ch->last = -1;
	if (ch->v == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	do
		rc = live_members_of(m, k->run.name, ch->last, choose, ch);
	while (rc == 1 && !ch->full);
	return rc < 0 ? -1 : 0;
}

/* A number, all, last, or non_moderator: 1 = known, 0 = it has been answered, -1. */
static int
whom(struct conf *k, struct str word)
{
	struct command *cmd = &k->c->command;
	struct chosen ch = {.guests = str_eqc(word, "non_moderator")};
	struct live_member member;
	int64_t id;
	int rc;

	if (!k->runs)
		return send_words(k, 0);
	if (str_eqc(word, "all"))
		return 1;
	if (ch.guests || str_eqc(word, "last")) {
		if (look_at_members(k, &ch) != 0)
			return -1;
		if (ch.full)
			return say(k, "ERROR: there are too many members");
		if (ch.guests && ch.n > 0)
			cmd->members = (struct int_list){ch.v, ch.n};
		else if (!ch.guests && ch.newest >= 0)
			REC_SET(&cmd->words, feed_command, member, ch.newest);
		else
			return say(k, "ERROR: there is no such member");
		return 1;
	}
	if (!str_to_i64(word, &id) || id < 0)
		return say_named(k, "Non-Existent ID ", word, "");
	if ((rc = live_member_of(&k->c->m, k->run.name, id, &member)) < 0)
		return -1;
	if (rc == 0)
		return say_named(k, "Non-Existent ID ", word, "");
	REC_SET(&cmd->words, feed_command, member, id);
	return 1;
}

static int
to_member(struct conf *k, int verb)
{
	int rc;

	if (k->words.n != 2)
		return say_named(
		    k, "Usage: ", k->words.v[0], "&MEMBER, MEMBER = number, all, last or non_moderator");
	k->c->command.shows = true;
	return (rc = whom(k, k->words.v[1])) == 1 ? send_words(k, verb) : rc;
}

static int
to_level(struct conf *k, int verb)
{
	int64_t value, low = verb == feed_verb_ENERGY ? 0 : -100, high = -low;
	int rc;

	if (verb == feed_verb_ENERGY)
		high = 100000;
	if (k->words.n != 3 || !str_to_i64(k->words.v[2], &value) || value < low || value > high)
		return say_named(k, "Usage: ", k->words.v[0], "&MEMBER&VALUE, VALUE = a whole number");
	REC_SET(&k->c->command.words, feed_command, value, value);
	k->c->command.shows = true;
	return (rc = whom(k, k->words.v[1])) == 1 ? send_words(k, verb) : rc;
}

static int
to_room(struct conf *k, int verb)
{
	if (k->words.n != 1)
		return say_named(k, "Usage: ", k->words.v[0], "");
	k->c->command.shows = verb != feed_verb_PIN;
	return send_words(k, verb);
}

static int
set_pin(struct conf *k, int verb)
{
	struct str code = k->words.n == 2 ? k->words.v[1] : (struct str){"", 0};

	if (code.n == 0 || code.n > 32 || check_room_code(code) != NULL)
		return say(k, "Usage: pin&DIGITS");
	REC_SET(&k->c->command.words, feed_command, text, code);
	return send_words(k, verb);
}

static int
record(struct conf *k, int verb)
{
	struct str action = k->words.n == 2 ? k->words.v[1] : STR_LIT("start");
	bool on = k->runs && k->run.rec.conference.recording;
	int64_t since = on && REC_HAS(&k->run.rec, active_conference, recorded_since)
	    ? k->run.rec.recorded_since
	    : k->c->now_ms;

	if (k->words.n > 2)
		return say(k, "ERROR: Incorect \"action\" parameter");
	if (str_eqc(action, "status"))
		return say(k, on ? "IN_PROGRESS" : "NO_RECORDING");
	if (str_eqc(action, "duration")) {
		int64_t seconds = k->c->now_ms > since ? (k->c->now_ms - since) / 1000 : 0;
		struct str text = arena_printf(k->c->m.a, "%lld", (long long)seconds);

		return on ? conference_answer(k->c, text, false) : say(k, "NO_RECORDING");
	}
	if (!str_eqc(action, "start") && !str_eqc(action, "stop"))
		return say(k, "ERROR: Incorect \"action\" parameter");
	if (str_eqc(action, "start") == on)
		return say(k, on ? "IN_PROGRESS" : "NO_RECORDING");
	REC_SET(&k->c->command.words, feed_command, value, str_eqc(action, "start"));
	k->c->command.shows = true;
	return send_words(k, verb);
}

static int
find_im_user(struct conf *k, struct str im, struct str *ret)
{
	struct call *c = k->c;
	uint32_t id;
	struct user u;
	int rc = model_name(&c->m, INDEX_LOGIN, im, &id);

	if (rc == 1)
		rc = model_get(&c->m, &rec_user, id, 0, &u);
	if (rc < 0)
		return -1;
	if (rc == 0 || !REC_HAS(&u, user, im_id) || !str_eq(u.im_id, im))
		return err_set(c->m.e, ERR_INVALID, "nobody has that messaging id");
	*ret = u.user_name;
	return 0;
}

/* The switch that runs the conference invites, or any that can call two parties: whom, and then the
 * room. The room need not be in use. */
static int
invite(struct conf *k, int verb)
{
	struct call *c = k->c;
	struct feed_command *w = &c->command.words;
	struct str callee = k->words.v[1], from, to;
	bool im = str_eqc(k->words.v[0], "inviteim");
	struct settings s;

	if (k->words.n != 2)
		return err_set(c->m.e, ERR_INVALID, "Incorrect invite command");
	if (im && find_im_user(k, callee, &callee) != 0)
		return -1;
	if (model_settings(&c->m, &s) != 0 ||
	    dial_read(callee, dial_domain(&s), &from, c->m.a, c->m.e) != 0)
		return -1;
	REC_SET(w, feed_command, from, from);
	if (k->runs)
		return send_words(k, verb);
	if (!REC_HAS(&k->room.rec, room, extension) ||
	    dial_read(k->room.rec.extension, dial_domain(&s), &to, c->m.a, c->m.e) != 0) {
		err_clear(c->m.e);
		return say(k, "ERROR: the room has no number that could be called");
	}
	REC_SET(w, feed_command, verb, feed_verb_ORIGINATE);
	REC_SET(w, feed_command, to, to);
	c->wants_command = true;
	return 0;
}

static int
list(struct conf *k, int verb)
{
	bool xml = verb != 0;
	struct str delimiter = STR_LIT(";");

	if (k->words.n == 3 && str_eqc(k->words.v[1], "delim") && k->words.v[2].n <= 8)
		delimiter = k->words.v[2];
	else if (k->words.n != 1)
		return say_named(k, "Usage: ", k->words.v[0], "&delim&TEXT");
	if (!k->runs)
		return say_named(k, "Conference ", k->room.rec.name, " not found");
	return conference_list(k->c, &k->run, delimiter, xml);
}

static const struct {
	const char *word;
	int (*run)(struct conf *k, int verb);
	int verb;
} commands[] = {
    {"invite", invite, feed_verb_INVITE},
    {"inviteim", invite, feed_verb_INVITE},
    {"record", record, feed_verb_RECORD},
    {"mute", to_member, feed_verb_MUTE},
    {"unmute", to_member, feed_verb_UNMUTE},
    {"deaf", to_member, feed_verb_DEAF},
    {"undeaf", to_member, feed_verb_UNDEAF},
    {"kick", to_member, feed_verb_KICK},
    {"lock", to_room, feed_verb_LOCK},
    {"unlock", to_room, feed_verb_UNLOCK},
    {"pin", set_pin, feed_verb_PIN},
    {"nopin", to_room, feed_verb_PIN},
    {"list", list, 0},
    {"xml_list", list, 1},
    {"energy", to_level, feed_verb_ENERGY},
    {"volume_in", to_level, feed_verb_VOLUME_IN},
    {"volume_out", to_level, feed_verb_VOLUME_OUT},
};

/* A key for reading alone is no key for commands, though GET carries them out. */
static int
may_command(struct call *c)
{
	uint32_t user;
	int rc;

	if (!c->who->by_key)
		return 0;
	rc = private_key_user(&c->m, c->req->private_key, M_PUT, c->now_ms, &user);
	if (rc < 0)
		return -1;
	return rc == 1 ? 0 : err_set(c->m.e, ERR_FORBIDDEN, "the key is for reading alone");
}

static int
answer(struct call *c)
{
	const struct commanded *d = c->commanded;
	struct words w = {.n = 0};

	if (split(c, &w) != 0)
		return -1;
	switch (d->end) {
	case COMMAND_DONE:
		if (str_starts(w.v[0], "invite"))
			return conference_answer(c, STR_LIT("Invitation sent"), false);
		return conference_answer(c, d->text.n > 0 ? d->text : STR_LIT("OK\n"), true);
	case COMMAND_WRONG:
		return conference_answer(
		    c, d->text.n > 0 ? d->text : STR_LIT("ERROR: the switch has refused it\n"), true);
	case COMMAND_LACKS:
		return conference_answer(
		    c, STR_LIT("ERROR: the switch of this conference has no such command"), false);
	case COMMAND_LATE:
		return conference_answer(c, STR_LIT("ERROR: the switch does not answer"), false);
	case COMMAND_AWAY:
		break;
	}
	return conference_answer(c, STR_LIT("ERROR: no switch is connected that could do it"), false);
}

static int
command(struct call *c)
{
	struct conf k = {.c = c};
	int rc;

	if (c->commanded != NULL)
		return answer(c);
	if (own_room(c, &k.room) != 0 || may_command(c) != 0 || split(c, &k.words) != 0)
		return -1;
	if ((rc = live_conference_in(&c->m, k.room.id, &k.run)) < 0)
		return -1;
	k.runs = rc == 1;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (str_eqc(k.words.v[0], commands[i].word))
			return commands[i].run(&k, commands[i].verb);
	return say_named(&k, "Conference command '", k.words.v[0], "' not found.");
}

const struct hooks hooks_conference_command = {.custom = command, .reads = M_PUT | M_POST};
