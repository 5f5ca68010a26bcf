/* SPDX-License-Identifier: ISC */
#include "feeds/freeswitch_command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/checks.h"
#include "feeds/freeswitch_call.h"

enum { USER_MAX = 64, HOST_MAX = 255, VOLUME_LIMIT = 4, ENERGY_LIMIT = 100000 };

const int64_t fs_verbs[] = {feed_verb_ORIGINATE, feed_verb_MUTE, feed_verb_UNMUTE, feed_verb_DEAF,
    feed_verb_UNDEAF, feed_verb_KICK, feed_verb_LOCK, feed_verb_UNLOCK, feed_verb_INVITE,
    feed_verb_RECORD, feed_verb_VOLUME_IN, feed_verb_VOLUME_OUT, feed_verb_ENERGY, feed_verb_PIN};
const size_t fs_verb_count = sizeof(fs_verbs) / sizeof(fs_verbs[0]);

static bool
is_made_of(struct str s, const char *extra, size_t max)
{
	if (s.n == 0 || s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    (c == '\0' || strchr(extra, c) == NULL))
			return false;
	}
	return true;
}

bool
fs_is_word(struct str s, size_t max)
{
	/* A leading '-' or '+' begins an option or a reply. */
	return is_made_of(s, "._+-", max) && s.p[0] != '-';
}

struct callee {
	char user[USER_MAX + 1], host[HOST_MAX + 1];
};

static void
copy(char *to, struct str s)
{
	memcpy(to, s.p, s.n);
	to[s.n] = '\0';
}

/* "201", "201@example.org", "sip:201@example.org" or "<sip:…>". */
static int
callee_read(struct callee *ret, struct str s, const char *domain, struct err *e)
{
	struct str user, host;

	s = str_trim(s);
	if (s.n > 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = (struct str){s.p + 1, s.n - 2};
	if (str_starts(s, "sip:"))
		s = (struct str){s.p + 4, s.n - 4};
	if (!str_cut(s, '@', &user, &host))
		host = str_c(domain);
	if (!is_made_of(user, "._+-*#", USER_MAX) || user.p[0] == '-')
		return err_set(e, ERR_INVALID, "a number or user to call must be a plain word");
	if (!is_made_of(host, ".:-", HOST_MAX) || host.p[0] == '-')
		return err_set(e, ERR_INVALID, "the address to call has no plain host");
	copy(ret->user, user);
	copy(ret->host, host);
	return 0;
}

int
fs_check_dial(const char *form, struct err *e)
{
	bool user = false;

	for (const char *p = form; *p != '\0'; p++) {
		if (*p == '%' && (p[1] == 'u' || p[1] == 'd')) {
			user = user || p[1] == 'u';
			p++;
		} else if (!is_made_of((struct str){p, 1}, "._+-/@:", 1)) {
			return err_set(e, ERR_INVALID, "a dial string may not have '%c'", *p);
		}
	}
	return user ? 0 : err_set(e, ERR_INVALID, "a dial string must have %%u");
}

struct line {
	char *p;
	size_t n;
	bool failed;
};

static void __attribute__((format(printf, 2, 3))) put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->p + l->n, FS_LINE_MAX - l->n, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= FS_LINE_MAX - l->n)
		l->failed = true;
	else
		l->n += (size_t)n;
}

static void
put_dial(struct line *l, const struct callee *c, const struct fs_dialling *d)
{
	const char *form = strcasecmp(c->host, d->domain) == 0 ? d->local : d->foreign;

	for (const char *p = form; *p != '\0'; p++) {
		if (*p != '%')
			put(l, "%c", *p);
		else
			put(l, "%s", *++p == 'u' ? c->user : c->host);
	}
}

/* The first party's phone rings and shows the second one's number; who takes it is connected. Both
 * channels say in their events whose call it is. */
static int
originate(struct line *l, const struct feed_command *c, const char *uuid,
    const struct fs_dialling *d, struct err *e)
{
	struct callee from, to;

	if (!REC_HAS(c, feed_command, from) || !REC_HAS(c, feed_command, to))
		return err_set(e, ERR_INVALID, "two parties are needed");
	if (callee_read(&from, c->from, d->domain, e) != 0 ||
	    callee_read(&to, c->to, d->domain, e) != 0)
		return -1;
	put(l,
	    "bgapi originate {origination_uuid=%s,originate_timeout=%d,ignore_early_media=true,"
	    "origination_caller_id_number=%s," FS_C2C_ID "=%s," FS_C2C_FROM "=%s@%s," FS_C2C_TO
	    "=%s@%s}",
	    uuid, d->seconds, to.user, uuid, from.user, from.host, to.user, to.host);
	put_dial(l, &from, d);
	put(l,
	    " &bridge({originate_timeout=%d,origination_caller_id_number=%s," FS_C2C_ID
	    "=%s," FS_C2C_FROM "=%s@%s," FS_C2C_TO "=%s@%s}",
	    d->seconds, from.user, uuid, from.user, from.host, to.user, to.host);
	put_dial(l, &to, d);
	put(l, ")");
	return 0;
}

static int
invite(struct line *l, const struct feed_command *c, const char *room, const struct fs_dialling *d,
    struct err *e)
{
	struct callee to;

	if (!REC_HAS(c, feed_command, from))
		return err_set(e, ERR_INVALID, "somebody to invite is needed");
	if (callee_read(&to, c->from, d->domain, e) != 0)
		return -1;
	put(l, "api conference %s bgdial ", room);
	put_dial(l, &to, d);
	put(l, " %s %s", room, room);
	return 0;
}

static int
record(struct line *l, const struct feed_command *c, const char *room, int64_t now_ms,
    const struct fs_dialling *d, struct err *e)
{
	if (REC_HAS(c, feed_command, value) && c->value == 0) {
		put(l, "api conference %s norecord all", room);
		return 0;
	}
	if (d->recordings[0] == '\0')
		return err_set(e, ERR_INVALID, "recordings have no directory");
	put(l, "api conference %s record %s/%s-%lld.wav", room, d->recordings, room, (long long)now_ms);
	return 0;
}

static int
volume(struct line *l, const struct feed_command *c, const char *room, const char *word,
    const char *who, struct err *e)
{
	/* The switch takes what is no number for 0. */
	if (!REC_HAS(c, feed_command, value) || c->value < -VOLUME_LIMIT || c->value > VOLUME_LIMIT)
		return err_set(
		    e, ERR_INVALID, "a volume is a number from -%d to %d", VOLUME_LIMIT, VOLUME_LIMIT);
	put(l, "api conference %s %s %s %lld", room, word, who, (long long)c->value);
	return 0;
}

static int
energy(
    struct line *l, const struct feed_command *c, const char *room, const char *who, struct err *e)
{
	if (!REC_HAS(c, feed_command, value) || c->value < 0 || c->value > ENERGY_LIMIT)
		return err_set(e, ERR_INVALID, "an energy is a number from 0 to %d", ENERGY_LIMIT);
	put(l, "api conference %s energy %s %lld", room, who, (long long)c->value);
	return 0;
}

static int
pin(struct line *l, const struct feed_command *c, const char *room, struct err *e)
{
	struct str code = REC_HAS(c, feed_command, text) ? c->text : (struct str){"", 0};

	if (code.n == 0)
		put(l, "api conference %s nopin", room);
	else if (check_room_code(code) == NULL)
		put(l, "api conference %s pin %.*s", room, (int)code.n, code.p);
	else
		return err_set(e, ERR_INVALID, "a code is made of digits, # and *");
	return 0;
}

int
fs_command_line(char line[FS_LINE_MAX], const struct feed_command *c, const char *room,
    const char *uuid, int64_t now_ms, const struct fs_dialling *d, struct err *e)
{
	static const char *const words[] = {[feed_verb_MUTE] = "mute",
	    [feed_verb_UNMUTE] = "unmute",
	    [feed_verb_DEAF] = "deaf",
	    [feed_verb_UNDEAF] = "undeaf",
	    [feed_verb_KICK] = "kick",
	    [feed_verb_LOCK] = "lock",
	    [feed_verb_UNLOCK] = "unlock"};
	struct line l = {.p = line};
	char who[32] = "all";
	int rc = 0;

	if (c->verb != feed_verb_ORIGINATE && (room == NULL || !fs_is_word(str_c(room), FS_ROOM_MAX)))
		return err_set(e, ERR_INVALID, "the conference's name is not a plain word");
	if (REC_HAS(c, feed_command, member))
		snprintf(who, sizeof(who), "%lld", (long long)c->member);
	switch (c->verb) {
	case feed_verb_ORIGINATE:
		rc = originate(&l, c, uuid, d, e);
		break;
	case feed_verb_MUTE:
	case feed_verb_UNMUTE:
	case feed_verb_DEAF:
	case feed_verb_UNDEAF:
	case feed_verb_KICK:
		put(&l, "api conference %s %s %s", room, words[c->verb], who);
		break;
	case feed_verb_LOCK:
	case feed_verb_UNLOCK:
		put(&l, "api conference %s %s", room, words[c->verb]);
		break;
	case feed_verb_INVITE:
		rc = invite(&l, c, room, d, e);
		break;
	case feed_verb_RECORD:
		rc = record(&l, c, room, now_ms, d, e);
		break;
	case feed_verb_VOLUME_IN:
		rc = volume(&l, c, room, "volume_in", who, e);
		break;
	case feed_verb_VOLUME_OUT:
		rc = volume(&l, c, room, "volume_out", who, e);
		break;
	case feed_verb_ENERGY:
		rc = energy(&l, c, room, who, e);
		break;
	case feed_verb_PIN:
		rc = pin(&l, c, room, e);
		break;
	default:
		return err_set(e, ERR_INVALID, "FreeSWITCH cannot do that");
	}
	if (rc == 0 && l.failed)
		rc = err_set(e, ERR_INVALID, "the command is too long");
	return rc;
}

bool
fs_reply_ok(struct str text)
{
	struct str line;
	bool ok = false;

	while (text.n > 0) {
		str_cut(text, '\n', &line, &text);
		if (str_starts(line, "-ERR"))
			return false;
		ok = ok || str_starts(line, "+OK");
	}
	return ok;
}
