/* SPDX-License-Identifier: ISC */
#include "common/checks.h"

#include <string.h>

#include "common/records.h"

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Length of the longest prefix made of alphanumerics, the given others, and %HH escapes. */
static size_t
span(struct str s, const char *others, bool escapes)
{
	size_t i = 0;

	while (i < s.n) {
		if (is_alnum(s.p[i]) || (s.p[i] != '\0' && strchr(others, s.p[i]) != NULL))
			i++;
		else if (escapes && s.n - i >= 3 && s.p[i] == '%' && is_hex(s.p[i + 1]) &&
		    is_hex(s.p[i + 2]))
			i += 3;
		else
			break;
	}
	return i;
}

const char *
check_number(struct str s)
{
	size_t n = span(s, "-_.!~*'()&=+$,;?/", true);
	struct str host;

	if (n == s.n)
		return NULL;
	if (s.p[n] != '@')
		return "has a character that a SIP address cannot have";
	host = (struct str){s.p + n + 1, s.n - n - 1};
	if (host.n == 0 || host.p[0] == '.' || host.p[0] == '-' || span(host, "_.-", false) != host.n)
		return "must have a host name behind the @";
	return NULL;
}

const char *
check_user_name(struct str s)
{
	if (s.n == 0)
		return "must not be empty";
	if (span(s, "-_.!~*'()&=+$,;?", true) != s.n)
		return "has a character that a user name cannot have";
	return NULL;
}

const char *
check_realm(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e || s.p[i] == '"' ||
		    s.p[i] == '\\')
			return "must be printable ASCII without quotes and backslashes";
	return s.n == 0 ? "must not be empty" : NULL;
}

const char *
check_host(struct str s)
{
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']' &&
	    span((struct str){s.p + 1, s.n - 2}, ":.", false) == s.n - 2)
		return NULL;
	if (s.n == 0 || !is_alnum(s.p[0]) || span(s, ".-", false) != s.n)
		return "must be a host name or an address";
	return NULL;
}

const char *
check_url(struct str s)
{
	size_t scheme = str_starts(s, "https://") ? 8 : str_starts(s, "http://") ? 7 : 0;

	if (scheme == 0 || s.n == scheme)
		return "must begin with https:// or http:// and name a host";
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] > 0x7e || s.p[i] == '"')
			return "must be printable ASCII without blanks and quotes";
	return NULL;
}

const char *
check_digest(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_hex(s.p[i]) || (s.p[i] >= 'A' && s.p[i] <= 'F'))
			return "must be a digest in lower-case hexadecimal";
	return s.n == 64 ? NULL : "must be a digest of 32 bytes";
}

static int
minutes(const struct clock_time *t)
{
	return (int)(t->hrs * 60 + t->min);
}

int
check_period(const void *obj, struct err *e)
{
	const struct period *p = obj;

	if (minutes(&p->start) == minutes(&p->end))
		return err_set(e, ERR_INVALID, "start equals end");
	if (minutes(&p->start) > minutes(&p->end))
		return err_set(e, ERR_INVALID, "start is after end");
	return 0;
}

/* Bit d = day d, Sunday 0. */
static unsigned
days_of(const struct period *p)
{
	enum { WEEKEND = 0x41, WEEKDAYS = 0x3e, EVERY_DAY = 0x7f };

	if (p->scheduled_day == -2)
		return WEEKEND;
	if (p->scheduled_day == -1)
		return WEEKDAYS;
	return p->scheduled_day == 0 ? EVERY_DAY : 1u << (p->scheduled_day - 1);
}

int
check_schedule(const void *obj, struct err *e)
{
	const struct schedule *s = obj;

	if (!REC_HAS(s, schedule, periods))
		return 0;
	for (size_t i = 0; i < s->periods.n; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct period *a = &s->periods.v[i], *b = &s->periods.v[k];

			if ((days_of(a) & days_of(b)) != 0 && minutes(&a->start) < minutes(&b->end) &&
			    minutes(&b->start) < minutes(&a->end)) {
				err_push(e, 4);
				err_push(e, -1 - (int32_t)i);
				return err_set(e, ERR_INVALID, "overlaps another period");
			}
		}
	}
	return 0;
}

const char *
check_room_name(struct str s)
{
	return span(s, "-_.!~*'()=+$,;", false) == s.n
	    ? NULL
	    : "has a character that the name of a room cannot have";
}

const char *
check_source(struct str s)
{
	return span(s, "._-", false) == s.n ? NULL : "must be letters, digits, '.', '_' and '-'";
}

const char *
check_room_code(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < '0' || s.p[i] > '9') && s.p[i] != '#' && s.p[i] != '*')
			return "must be digits, # and *";
	return NULL;
}

int
check_speeddial(const void *obj, struct err *e)
{
	const struct speeddial *s = obj;

	if (REC_HAS(s, speeddial, buttons) ||
	    (REC_HAS(s, speeddial, group_speed_dial) && s->group_speed_dial))
		return 0;
	err_push(e, rec_speeddial.f[speeddial_F_buttons].tag);
	return err_set(e, ERR_INVALID, "is required");
}
