/* SPDX-License-Identifier: ISC */
#include "backend/zone.h"

#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo"

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Words of letters, digits, '_', '+' and '-' with '/' between them: no path leads out of the
 * directory, since none has a point. */
static bool
is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool begins = i == 0 || s.p[i - 1] == '/';

		if (begins ? !is_letter(c)
		           : !is_letter(c) && (c < '0' || c > '9') && c != '_' && c != '+' && c != '-' &&
		            (c != '/' || i + 1 == s.n))
			return false;
	}
	/* The same zones, counted with leap seconds, and the same once more; the machine's own. */
	return s.n > 0 && s.n <= ZONE_NAME_MAX && !str_starts(s, "right/") &&
	    !str_starts(s, "posix/") && !str_eqc(s, "localtime") && !str_eqc(s, "posixrules");
}

/* The library would understand rules as well, which are no names; and it loses memory over what is
 * no file of a zone. */
static bool
is_zone(const char *path)
{
	struct stat st;
	char magic[4];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool is = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    read(fd, magic, sizeof(magic)) == (ssize_t)sizeof(magic) && memcmp(magic, "TZif", 4) == 0;

	if (fd >= 0)
		close(fd);
	return is;
}

struct zone *
zone_open(struct str name)
{
	char path[sizeof(ZONES) + 1 + ZONE_NAME_MAX];
	GTimeZone *tz;

	if (!is_name(name))
		return NULL;
	snprintf(path, sizeof(path), ZONES "/%.*s", (int)name.n, name.p);
	if (!is_zone(path))
		return NULL;
	tz = g_time_zone_new_identifier(path + sizeof(ZONES));
	return (struct zone *)tz;
}

void
zone_close(struct zone *z)
{
	if (z != NULL)
		g_time_zone_unref((GTimeZone *)z);
}

int
zone_offset(struct zone *z, int64_t ms)
{
	GTimeZone *tz = (GTimeZone *)z;
	int at = g_time_zone_find_interval(tz, G_TIME_TYPE_UNIVERSAL, ms / 1000);

	return at >= 0 ? g_time_zone_get_offset(tz, at) : 0;
}
