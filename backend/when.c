/* SPDX-License-Identifier: ISC */
#include "backend/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void
split(int64_t seconds, struct tm *ret)
{
	time_t t = (time_t)seconds;

	memset(ret, 0, sizeof(*ret));
	/* It fails beyond the year 2^31. */
	(void)gmtime_r(&t, ret);
}

uint32_t
when_month(int64_t ms)
{
	struct tm tm;

	split(ms / 1000, &tm);
	return (uint32_t)(tm.tm_year + 1900) * 12 + (uint32_t)tm.tm_mon;
}

int64_t
when_month_start(uint32_t month)
{
	struct tm tm = {.tm_year = (int)(month / 12) - 1900, .tm_mon = (int)(month % 12), .tm_mday = 1};

	return (int64_t)timegm(&tm) * 1000;
}

/* n digits at *s, which moves behind them. */
static bool
digits(struct str *s, size_t n, int *ret)
{
	*ret = 0;
	if (s->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		*ret = *ret * 10 + (s->p[i] - '0');
	}
	*s = (struct str){s->p + n, s->n - n};
	return true;
}

static bool
one_of(struct str *s, const char *set, char *ret)
{
	if (s->n == 0 || s->p[0] == '\0' || strchr(set, s->p[0]) == NULL)
		return false;
	*ret = s->p[0];
	*s = (struct str){s->p + 1, s->n - 1};
	return true;
}

static bool
is_day(int year, int month, int day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return year >= 1970 && month >= 1 && month <= 12 && day >= 1 &&
	    day <= days[month - 1] + (month == 2 && leap);
}

/* What stands behind the seconds: of its digits three count. */
static bool
fraction(struct str *s, int *ms)
{
	int scale = 100;
	char c;

	*ms = 0;
	if (!one_of(s, ".", &c))
		return true;
	if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9')
		return false;
	while (s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9') {
		*ms += (s->p[0] - '0') * scale;
		scale /= 10;
		*s = (struct str){s->p + 1, s->n - 1};
	}
	return true;
}

/* Seconds east of UTC. */
static bool
offset(struct str *s, int *ret)
{
	int hours, minutes;
	char sign, colon;

	*ret = 0;
	if (!one_of(s, "Zz+- ", &sign))
		return false;
	if (sign == 'Z' || sign == 'z')
		return true;
	if (!digits(s, 2, &hours) || !one_of(s, ":", &colon) || !digits(s, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*ret = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
	return true;
}

bool
when_read(struct str s, int64_t *ret)
{
	struct tm tm = {0};
	int ms, east;
	char c;

	if (!digits(&s, 4, &tm.tm_year) || !one_of(&s, "-", &c) || !digits(&s, 2, &tm.tm_mon) ||
	    !one_of(&s, "-", &c) || !digits(&s, 2, &tm.tm_mday) || !one_of(&s, "Tt ", &c) ||
	    !digits(&s, 2, &tm.tm_hour) || !one_of(&s, ":", &c) || !digits(&s, 2, &tm.tm_min) ||
	    !one_of(&s, ":", &c) || !digits(&s, 2, &tm.tm_sec) || !fraction(&s, &ms) ||
	    !offset(&s, &east) || s.n > 0)
		return false;
	if (!is_day(tm.tm_year, tm.tm_mon, tm.tm_mday) || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*ret = ((int64_t)timegm(&tm) - east) * 1000 + ms;
	return *ret >= 0;
}

bool
when_read_day(struct str s, int64_t *ret)
{
	struct tm tm = {0};

	if (!digits(&s, 4, &tm.tm_year) || !digits(&s, 2, &tm.tm_mon) || !digits(&s, 2, &tm.tm_mday) ||
	    s.n > 0 || !is_day(tm.tm_year, tm.tm_mon, tm.tm_mday))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*ret = (int64_t)timegm(&tm) * 1000;
	return true;
}

/* What is printed has a year of four digits, so that no compiler fears for the buffer. */
static unsigned
below(int v, unsigned limit)
{
	return (unsigned)v % limit;
}

struct str
when_text(int64_t ms, int east, bool utc, char buf[WHEN_TEXT])
{
	unsigned milli = (unsigned)(ms % 1000), minutes;
	struct tm tm;
	int n;

	/* The text has no seconds for an offset, and no year 10000: the moment must be right. */
	east -= east % 60;
	if (ms + (int64_t)east * 1000 > WHEN_MAX)
		east = 0;
	minutes = below(east < 0 ? -east : east, 86400) / 60;
	split(ms / 1000 + east, &tm);
	n = snprintf(buf, WHEN_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u", below(tm.tm_year + 1900, 10000),
	    below(tm.tm_mon + 1, 100), below(tm.tm_mday, 100), below(tm.tm_hour, 100),
	    below(tm.tm_min, 100), below(tm.tm_sec, 100));
	if (milli != 0)
		n += snprintf(buf + n, WHEN_TEXT - (size_t)n, ".%03u", milli);
	if (utc)
		n += snprintf(buf + n, WHEN_TEXT - (size_t)n, "Z");
	else
		n += snprintf(buf + n, WHEN_TEXT - (size_t)n, "%c%02u:%02u", east < 0 ? '-' : '+',
		    minutes / 60, minutes % 60);
	return (struct str){buf, (size_t)n};
}

struct str
when_timestamp(int64_t ms, char buf[WHEN_TEXT])
{
	unsigned milli = (unsigned)(ms % 1000);
	struct tm tm;
	int n;

	split(ms / 1000, &tm);
	n = snprintf(buf, WHEN_TEXT, "%04u-%02u-%02u %02u:%02u:%02u.%03u",
	    below(tm.tm_year + 1900, 10000), below(tm.tm_mon + 1, 100), below(tm.tm_mday, 100),
	    below(tm.tm_hour, 100), below(tm.tm_min, 100), below(tm.tm_sec, 100), milli);
	/* At least one digit stays. */
	for (int drop = 0; drop < 2 && buf[n - 1] == '0'; drop++)
		n--;
	return (struct str){buf, (size_t)n};
}

struct str
when_interval(int64_t ms, char buf[2 * WHEN_TEXT])
{
	int64_t s = ms / 1000;
	int n = snprintf(buf, 2 * WHEN_TEXT, "0 years 0 mons %lld days %d hours %d mins %d.%03d",
	    (long long)(s / 86400), (int)(s / 3600 % 24), (int)(s / 60 % 60), (int)(s % 60),
	    (int)(ms % 1000));

	/* Two digits stay behind the point. */
	if (buf[n - 1] == '0')
		n--;
	n += snprintf(buf + n, 2 * WHEN_TEXT - (size_t)n, " secs");
	return (struct str){buf, (size_t)n};
}
