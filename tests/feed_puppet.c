/* SPDX-License-Identifier: ISC */
/*
 * A feed whose switch is a test: it says what lines on its standard input tell it to say, and
 * writes on its standard output what the frame asks of it. For what feeds have in common.
 *
 *   call KEY | end KEY | begin | finish | cdr ID CURSOR | talk KEY MEMBER ENERGY |
 *   calls PREFIX COUNT | cdrs PREFIX COUNT | result ID OK | cursor
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feeds/feed.h"

struct puppet {
	struct feed *feed;
	char in[65536];
	size_t n;
	/* A burst that is under way, a part of it in each turn of the loop. */
	char prefix[32];
	long left, done;
	bool cdrs;
};

static struct puppet puppet;

__attribute__((format(printf, 1, 2))) static void
tell(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

static int
say_call(const char *key)
{
	struct live_call c = {0};

	REC_SET(&c, live_call, caller, STR_LIT("<sip:4410@pbx.example.net>"));
	REC_SET(&c, live_call, callee, STR_LIT("<sip:4420@pbx.example.net>"));
	REC_SET(&c, live_call, started, 1700000000000);
	REC_SET(&c, live_call, answered, 1700000000000);
	REC_SET(&c, live_call, state, call_state_ANSWERED);
	return feed_say(puppet.feed, feed_kind_CALL, key, 0, 1700000000000, NULL, &c);
}

static bool
say_cdr(const char *id, const char *cursor)
{
	struct cdr c = {0};

	REC_SET(&c, cdr, id, str_c(id));
	REC_SET(&c, cdr, caller, STR_LIT("<sip:4410@pbx.example.net>"));
	REC_SET(&c, cdr, callee, STR_LIT("<sip:4420@pbx.example.net>"));
	REC_SET(&c, cdr, started, 1700000000000);
	REC_SET(&c, cdr, end, cdr_end_COMPLETED);
	return feed_say_cdr(puppet.feed, &c, cursor);
}

static void
burst(void *arg)
{
	char key[64];

	(void)arg;
	for (int i = 0; i < 500 && puppet.left > 0; i++) {
		snprintf(key, sizeof(key), "%s%ld", puppet.prefix, puppet.done);
		if (puppet.cdrs) {
			if (!say_cdr(key, key)) {
				tell("full %ld\n", puppet.done);
				feed_timer(puppet.feed, 50, burst, NULL);
				return;
			}
		} else {
			say_call(key);
		}
		puppet.done++;
		puppet.left--;
	}
	if (puppet.left > 0)
		feed_timer(puppet.feed, 0, burst, NULL);
	else
		tell("said %ld\n", puppet.done);
}

static void
line(char *s)
{
	char a[64] = "", b[64] = "", word[16] = "";
	long x = 0, y = 0;

	sscanf(s, "%15s %63s %63s", word, a, b);
	x = atol(b);
	if (strcmp(word, "call") == 0) {
		tell("%s %d\n", word, say_call(a));
	} else if (strcmp(word, "end") == 0) {
		tell("%s %d\n", word, feed_say(puppet.feed, feed_kind_CALL_END, a, 0, 0, NULL, NULL));
	} else if (strcmp(word, "begin") == 0 || strcmp(word, "finish") == 0) {
		tell("%s %d\n", word,
		    feed_say(puppet.feed,
		        word[0] == 'b' ? feed_kind_SNAPSHOT_BEGIN : feed_kind_SNAPSHOT_END, NULL, 0, 0,
		        NULL, NULL));
	} else if (strcmp(word, "cdr") == 0) {
		tell("%s %d\n", word, say_cdr(a, b) ? 0 : -1);
	} else if (strcmp(word, "talk") == 0 && sscanf(s, "%*s %*s %ld %ld", &x, &y) == 2) {
		feed_volatile(puppet.feed, a, x, true, false, y);
	} else if (strcmp(word, "calls") == 0 || strcmp(word, "cdrs") == 0) {
		snprintf(puppet.prefix, sizeof(puppet.prefix), "%.31s", a);
		puppet.cdrs = strcmp(word, "cdrs") == 0;
		puppet.left = x;
		puppet.done = 0;
		burst(NULL);
	} else if (strcmp(word, "result") == 0) {
		feed_result(puppet.feed, atol(a), x != 0, 0, "as told");
	} else if (strcmp(word, "cursor") == 0) {
		tell("cursor [%s] [%s]\n", feed_cursor(puppet.feed), feed_cursor_stored(puppet.feed));
	}
}

static void
on_input(void *arg, short revents)
{
	struct puppet *p = arg;
	ssize_t n = read(0, p->in + p->n, sizeof(p->in) - 1 - p->n);
	char *start = p->in, *end;

	(void)revents;
	if (n <= 0) {
		feed_unwatch(p->feed, 0);
		return;
	}
	p->n += (size_t)n;
	p->in[p->n] = '\0';
	for (; (end = strchr(start, '\n')) != NULL; start = end + 1) {
		*end = '\0';
		line(start);
	}
	p->n -= (size_t)(start - p->in);
	memmove(p->in, start, p->n);
}

static int
open_switch(struct feed *f, const struct conf *conf, void **sw, struct err *e)
{
	(void)conf, (void)e;
	puppet.feed = f;
	*sw = &puppet;
	return 0;
}

static void
start_switch(void *sw)
{
	tell("started\n");
	feed_watch(puppet.feed, 0, POLLIN, on_input, sw);
}

static void
close_switch(void *sw)
{
	(void)sw;
}

static void
resync(void *sw)
{
	(void)sw;
	tell("resync\n");
}

static void
command(void *sw, const struct feed_command *c)
{
	(void)sw;
	tell("command %lld %lld\n", (long long)c->id, (long long)c->verb);
}

int
main(int argc, char **argv)
{
	static const int64_t verbs[] = {feed_verb_MUTE, feed_verb_KICK};
	static const struct feed_program program = {.name = "feed_puppet",
	    .kind = feed_switch_KAMAILIO,
	    .verbs = verbs,
	    .verb_count = 2,
	    .open = open_switch,
	    .start = start_switch,
	    .close = close_switch,
	    .resync = resync,
	    .command = command};

	return feed_main(&program, argc, argv);
}
