/* SPDX-License-Identifier: ISC */
/* What a request wants a switch to be told, and what became of it. */
#ifndef BACKEND_COMMAND_H
#define BACKEND_COMMAND_H

#include "ipc/feed.h"

enum { COMMAND_MEMBERS_MAX = 256, COMMAND_TEXT_MAX = 64 * 1024 };

struct command {
	struct str source;         /* the switch; empty = any that knows the verb */
	struct feed_command words; /* all but id and deadline */
	/* One command for each of these members, instead of one for words.member. */
	struct int_list members;
	bool shows; /* the conference's state must change by it */
};

enum command_end {
	COMMAND_DONE,  /* the switch has taken it */
	COMMAND_WRONG, /* the switch has refused it */
	COMMAND_LACKS, /* the switch does not know the verb */
	COMMAND_AWAY,  /* no switch is connected that could do it */
	COMMAND_LATE   /* no answer came in time */
};

struct commanded {
	enum command_end end;
	int64_t code;    /* COMMAND_WRONG: row of the error table, 0 = not said */
	struct str text; /* what the switch said, of several members one line each */
};

/* A copy with all texts in the arena: 0, or -1 when memory ends. */
int command_copy(struct command *ret, const struct command *c, struct arena *a);

#endif
