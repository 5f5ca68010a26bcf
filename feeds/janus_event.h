/* SPDX-License-Identifier: ISC */
/*
 * What the AudioBridge tells its event handlers, and the facts that Tandem makes of it. The body of
 * a POST is one event or a list of them; events of other plugins, and those that say nothing about
 * rooms or their participants, are passed over.
 *
 * Traps of Janus 1.1.2 that the kinds below reflect: "kicked" is said at once, "left" up to half a
 * second later, and until then the participant is there; "mute" and "unmute" carry the number alone
 * and are not said when nothing changes; locking by tokens and the start of a recording are not
 * said at all; nothing is numbered, so a lost event does not show.
 */
#ifndef FEEDS_JANUS_EVENT_H
#define FEEDS_JANUS_EVENT_H

#include "common/arena.h"
#include "common/err.h"
#include "common/records.h"
#include "feeds/janus_message.h"

enum janus_event_kind {
	JANUS_JOINED,
	JANUS_LEFT,
	JANUS_MUTED,
	JANUS_UNMUTED,
	JANUS_CONFIGURED, /* changed its name or muted itself */
	JANUS_TALKING,
	JANUS_SILENT,
	JANUS_ROOM,     /* was made, or its settings changed */
	JANUS_DESTROYED /* with everybody in it */
};

struct janus_event {
	enum janus_event_kind kind;
	int64_t time; /* when Janus said it, microseconds since 1970; 0 = not said */
	int64_t room;
	struct janus_person who; /* id -1 = nobody; display and muted where the kind has them */
};

typedef void janus_event_fn(void *arg, const struct janus_event *ev);

enum {
	JANUS_EVENTS_MAX = 1 << 20, /* bytes of a body: Janus puts at most 100 events into one */
	JANUS_EVENTS_MEM = 8 << 20
};

/* Calls fn for each event that matters, in order. The number of events that are of the right form,
 * those that do not matter included; -1 with *e when the body is no event and no list of them.
 * *odd: how many were not of the right form. */
int janus_events_read(
    struct str body, struct arena *a, janus_event_fn *fn, void *arg, size_t *odd, struct err *e);

enum { JANUS_DISPLAY_MAX = 256 }; /* bytes with the NUL; longer names are cut */

/* The name that a participant goes by, fit to be kept: control characters become blanks, what is
 * too long is cut between two characters. */
void janus_display(struct str display, char ret[JANUS_DISPLAY_MAX]);

/* Number and name in it: "Ana Pop <4410>" has both, "4410" and "ana.pop" are the number or user
 * name and the name alike, "Ana Pop" is a name alone. Both point into `display`. */
void janus_names(struct str display, struct str *number, struct str *name);

/* Facts. AudioBridge knows no deafness, no holding, no moderators, no thresholds, and shows no
 * volume: those members keep their neutral values. `joined` and `started` are milliseconds since
 * 1970, 0 = not known. Texts point into what is given. */
void janus_member_fact(
    struct live_member *ret, int64_t id, struct str display, bool muted, int64_t joined);
void janus_conference_fact(
    struct live_conference *ret, struct str room, bool recording, int64_t started);

#endif
