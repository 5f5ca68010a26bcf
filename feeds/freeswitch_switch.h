/* SPDX-License-Identifier: ISC */
/*
 * A FreeSWITCH as the feed sees it: one connection for events and one for commands, so that a
 * command that takes long holds no event up, the state, and the lists that the state is compared
 * with. Both connections up and events subscribed to, everything is listed and said as a snapshot;
 * from there on events tell, and now and then, or when something does not fit, the lists are
 * compared again.
 */
#ifndef FEEDS_FREESWITCH_SWITCH_H
#define FEEDS_FREESWITCH_SWITCH_H

#include "feeds/freeswitch_cdrdir.h"
#include "feeds/freeswitch_command.h"
#include "feeds/freeswitch_link.h"
#include "feeds/freeswitch_state.h"
#include "feeds/rooms.h"

enum { FS_CDRS_WAITING = 1024 };

/* A call record from an event that the spool has no room for. */
struct fs_late_cdr {
	struct arena mem;
	struct cdr record;
	struct fs_late_cdr *next;
};

struct fs_switch {
	struct feed *f;
	struct fs_dialling dialling;
	char password[FS_PASSWORD_MAX + 1];
	int64_t compare_ms;
	struct fs_state state;
	struct rooms rooms;
	struct fs_link events, commands;
	struct fs_cdrs cdrs;
	bool subscribed, known; /* events come; the commands' core is the state's */

	/* Lists. */
	bool listing, listing_all, list_failed; /* under way; as a snapshot; not to be believed */
	bool want_all, want_compare;
	size_t list_waiting; /* replies */
	uint64_t mark;

	struct fs_late_cdr *late, **late_end;
	size_t late_n;
	int64_t late_lost;
};

/* Sets up what does not need the loop: state, addresses. 0, or -1 with *e. */
int fs_switch_init(struct fs_switch *s, struct feed *f, const char *host, int64_t port,
    const char *domain, bool cdrs_by_events, struct err *e);
void fs_switch_start(struct fs_switch *s);
void fs_switch_close(struct fs_switch *s);
/* Says a snapshot as soon as the switch has answered. */
void fs_switch_resync(struct fs_switch *s);

#endif
