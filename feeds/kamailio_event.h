/* SPDX-License-Identifier: ISC */
/*
 * What etc/kamailio/tandem-events.cfg says: events and lists of calls in JSON, call records in
 * lines with columns. All of it may be damaged or hostile: what is not as it must be is refused,
 * and bounds are kept. Texts of callers come in base64 and become UTF-8, with '?' for what is none.
 */
#ifndef FEEDS_KAMAILIO_EVENT_H
#define FEEDS_KAMAILIO_EVENT_H

#include "common/records.h"

enum { KAM_EVENT_MAX = 16384, KAM_LINE_MAX = 32768, KAM_BOOT_MAX = 64, KAM_KEY_MAX = 128 };

struct kam_event {
	char boot[KAM_BOOT_MAX]; /* the life of the proxy */
	int64_t seq;
	bool over;             /* end or failed: `call` says nothing */
	int64_t time;          /* ms since 1970 */
	char key[KAM_KEY_MAX]; /* names the call in this life of the proxy */
	struct live_call call; /* texts lie in the arena */
};

/* One event. `text` is changed: bytes that no JSON text can have become '?'. */
int kam_event_read(char *text, size_t n, struct arena *a, struct kam_event *ret, struct err *e);

struct node;
/* The same of a part of a document. */
int kam_event_of(const struct node *n, struct arena *a, struct kam_event *ret, struct err *e);

/* One call of dlg.list: 1, 0 = one that has ended or is none of the snippet's, -1 = broken. */
int kam_listed(
    const struct node *n, const char *boot, struct arena *a, struct kam_event *ret, struct err *e);

/* A line of a call record's file, without its end. */
int kam_cdr_read(struct str line, struct arena *a, struct cdr *ret, struct err *e);

/* Makes what came from the proxy text that can be read as JSON: what is no UTF-8 becomes '?'. */
void kam_clean(char *text, size_t n);

/* The argument of a command as a SIP URI that can be put into a header as it is: a user, a number
 * or an address, with `domain` where it has none. False: it is refused. */
bool kam_target(struct str s, const char *domain, char *ret, size_t size);

#endif
