/* SPDX-License-Identifier: ISC */
#include "feeds/kamailio_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DAY = 86400, DAYS = 400, NAME_MAX_BYTES = 64 };

static const char folder[] = "/usr/share/zoneinfo";

/* Names are part of a path, and come from elsewhere. */
static bool
is_name(struct str s)
{
	if (s.n == 0 || s.n > NAME_MAX_BYTES || s.p[0] == '/' || s.p[0] == '.')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '/' &&
		    c != '_' && c != '-' && c != '+')
			return false;
	}
	return true;
}

static int64_t
offset_at(int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm;

	return localtime_r(&t, &tm) != NULL ? tm.tm_gmtoff : 0;
}

/* The first second of another offset, in the day that begins at `from`. */
static int64_t
change_within(int64_t from, int64_t to, int64_t offset)
{
	while (to - from > 1) {
		int64_t middle = from + (to - from) / 2;

		if (offset_at(middle) == offset)
			from = middle;
		else
			to = middle;
	}
	return to;
}

static void
look(int64_t when, struct zone *ret)
{
	*ret = (struct zone){.offset = offset_at(when)};
	for (int64_t day = 0; day < DAYS; day++) {
		int64_t from = when + day * DAY, to = from + DAY;

		if (offset_at(to) == ret->offset)
			continue;
		ret->changes = change_within(from, to, ret->offset);
		ret->after = offset_at(ret->changes);
		return;
	}
}

/* Users share few zones, and looking at one takes the library 400 steps. */
enum { KNOWN = 32 };

static struct known {
	char name[NAME_MAX_BYTES + 1];
	int64_t from, to; /* when it holds */
	struct zone zone;
} known[KNOWN];

static struct known *
known_zone(struct str name)
{
	size_t at = 0;

	for (size_t i = 0; i < name.n; i++)
		at = at * 31 + (unsigned char)name.p[i];
	return &known[at % KNOWN];
}

static void
look_or_know(struct str name, int64_t when, struct zone *ret)
{
	struct known *k = known_zone(name);

	if (!str_eqc(name, k->name) || when < k->from || when >= k->to) {
		memcpy(k->name, name.p, name.n);
		k->name[name.n] = '\0';
		look(when, &k->zone);
		k->from = when;
		k->to = k->zone.changes != 0 && k->zone.changes < when + DAY ? k->zone.changes : when + DAY;
	}
	*ret = k->zone;
}

bool
zone_at(struct str name, int64_t when, struct zone *ret)
{
	static char *system_zone;
	static bool looked;
	char file[sizeof(folder) + NAME_MAX_BYTES + 2], tz[NAME_MAX_BYTES + 2];

	if (!looked) {
		const char *set = getenv("TZ");

		looked = true;
		system_zone = set != NULL ? strdup(set) : NULL;
	}
	if (name.n == 0) {
		tzset();
		look_or_know((struct str){"", 0}, when, ret);
		return true;
	}
	if (!is_name(name))
		return false;
	snprintf(file, sizeof(file), "%s/%.*s", folder, (int)name.n, name.p);
	if (access(file, R_OK) != 0)
		return false;
	snprintf(tz, sizeof(tz), ":%.*s", (int)name.n, name.p);
	if (setenv("TZ", tz, 1) != 0)
		return false;
	tzset();
	look_or_know(name, when, ret);
	if (system_zone != NULL)
		setenv("TZ", system_zone, 1);
	else
		unsetenv("TZ");
	tzset();
	return true;
}
