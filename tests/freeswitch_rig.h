/* SPDX-License-Identifier: ISC */
/* What was recorded of a real FreeSWITCH 1.10.12 (tests/freeswitch/README), and somebody who
 * listens to what the feed makes of it, as the backend would. */
#ifndef TESTS_FREESWITCH_RIG_H
#define TESTS_FREESWITCH_RIG_H

#include "common/buf.h"
#include "feeds/freeswitch_event.h"

/* A file of tests/freeswitch, unpacked when it is packed; read once. Fails the test otherwise. */
struct str recorded(const char *file);

/* Holds what was said, by the rules of feed messages. */
struct listener {
	struct fs_state state;
	struct str *row; /* what is there now, a line each */
	size_t n;
	struct buf said;   /* everything, in its order */
	int64_t facts[16]; /* by kind */
	int64_t moments, cdrs, events, bad;
	bool open; /* in a snapshot */
};

void listener_init(struct listener *l, const char *domain);
void listener_free(struct listener *l);
/* Hears a stream from its beginning, in pieces of some size; then what remains is cut off. */
void listener_hear(struct listener *l, struct str stream, size_t piece);
/* One event as plain text. */
void listener_event(struct listener *l, const char *text);
/* One fact, or one call record, that came another way. */
void listener_fact(struct listener *l, const struct fs_fact *f);
void listener_cdr(struct listener *l, const struct cdr *r);
/* What is there now, one line each, in order; valid until something is heard. */
const char *listener_shows(struct listener *l);

#endif
