/* SPDX-License-Identifier: ISC */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *program = "tandem";
static enum log_level least = LOG_INFO_;
static const char *const names[] = {"debug", "info", "warn", "error"};

void
log_init(const char *name, enum log_level level)
{
	program = name;
	least = level;
}

bool
log_wanted(enum log_level level)
{
	return level >= least;
}

bool
log_level_by_name(struct str name, enum log_level *ret)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_eqc(name, names[i])) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static size_t
room(const struct log_line *l)
{
	return l->n < sizeof(l->text) - 2 ? sizeof(l->text) - 2 - l->n : 0;
}

/* Appends a piece whole or not at all. Room for a closing quote and the newline is always kept. */
static bool
add(struct log_line *l, const char *p, size_t n)
{
	if (n > room(l))
		return false;
	memcpy(l->text + l->n, p, n);
	l->n += n;
	return true;
}

static bool
adds(struct log_line *l, const char *s)
{
	return add(l, s, strlen(s));
}

/* " key=", and a quote if asked; all of it or nothing. */
static bool
add_key(struct log_line *l, const char *key, bool quote)
{
	size_t before = l->n;

	if (adds(l, " ") && adds(l, key) && adds(l, quote ? "=\"" : "="))
		return true;
	l->n = before;
	return false;
}

/* Bytes of the character at the start of s, as its first byte says. */
static size_t
character(struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

	return n < s.n ? n : s.n;
}

void
log_begin(struct log_line *l, enum log_level level, const char *event)
{
	struct timespec now;
	struct tm tm;
	char stamp[64];

	l->n = 0;
	l->level = level;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	snprintf(stamp, sizeof(stamp), "time=%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
	adds(l, stamp);
	adds(l, " level=");
	adds(l, names[level]);
	adds(l, " program=");
	adds(l, program);
	adds(l, " event=");
	adds(l, event);
}

static bool
is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=' || s.p[i] == '\\' ||
		    (unsigned char)s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

void
log_str(struct log_line *l, const char *key, struct str value)
{
	bool plain = is_plain(value);

	if (!add_key(l, key, !plain))
		return;
	while (value.n > 0) {
		size_t n = character(value);
		unsigned char c = (unsigned char)value.p[0];
		char escaped[8];
		bool fits;

		if (c == '"' || c == '\\' || c < 0x20 || c == 0x7f) {
			snprintf(escaped, sizeof(escaped), c == '"' || c == '\\' ? "\\%c" : "\\x%02x", c);
			fits = adds(l, escaped);
		} else {
			fits = add(l, value.p, n);
		}
		if (!fits)
			break;
		value = (struct str){value.p + n, value.n - n};
	}
	if (!plain)
		l->text[l->n++] = '"';
}

void
log_num(struct log_line *l, const char *key, int64_t value)
{
	char num[32];

	snprintf(num, sizeof(num), "%lld", (long long)value);
	if (room(l) >= strlen(key) + strlen(num) + 2 && add_key(l, key, false))
		adds(l, num);
}

void
log_end(struct log_line *l)
{
	ssize_t rc;

	if (l->level < least)
		return;
	l->text[l->n++] = '\n';
	rc = write(STDERR_FILENO, l->text, l->n);
	/* Nowhere to complain to when the log itself cannot be written. */
	(void)rc;
}

__attribute__((format(printf, 3, 0))) static void
event_v(enum log_level level, const char *event, const char *fmt, va_list ap)
{
	struct log_line l;
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	log_begin(&l, level, event);
	log_str(&l, "text", str_c(text));
	log_end(&l);
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	event_v(level, event, fmt, ap);
	va_end(ap);
}

_Noreturn void
log_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	event_v(LOG_ERROR_, "fatal", fmt, ap);
	va_end(ap);
	exit(1);
}
