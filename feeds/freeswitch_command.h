/* SPDX-License-Identifier: ISC */
/*
 * Commands of the backend as lines for FreeSWITCH, and what its replies mean. A line is a sequence
 * of words, dial strings carry variables and applications, and nothing can be quoted safely: what
 * is not a plain word is refused.
 */
#ifndef FEEDS_FREESWITCH_COMMAND_H
#define FEEDS_FREESWITCH_COMMAND_H

#include "common/err.h"
#include "ipc/feed.h"

enum { FS_LINE_MAX = 4096, FS_ROOM_MAX = 128 };

struct fs_dialling {
	const char *domain;     /* ours */
	const char *local;      /* how to call user@domain: "user/%u@%d" */
	const char *foreign;    /* how to call anybody else */
	const char *recordings; /* directory, on the switch; "" = no recording */
	int seconds;            /* how long it may ring */
};

/* What the switch is able to do: feed_verb_…, for the hello. */
extern const int64_t fs_verbs[];
extern const size_t fs_verb_count;

/* Whether it is a word that cannot be taken for anything else: letters, digits and "._+-". */
bool fs_is_word(struct str s, size_t max);

/* Writes the line of a command, without its end. `room` is the conference's name (NULL for
 * originate), `uuid` the new channel's for originate, `now_ms` names a recording. 0, or -1 with *e
 * (ERR_INVALID) when an argument could be taken for something else. */
int fs_command_line(char line[FS_LINE_MAX], const struct feed_command *c, const char *room,
    const char *uuid, int64_t now_ms, const struct fs_dialling *d, struct err *e);

/* Whether a reply's text, or an api's body, says that the command was carried out: at least one
 * line begins with "+OK" and none with "-ERR". */
bool fs_reply_ok(struct str text);

/* A dial string's form: "%u" once at least, "%d" for the host, and nothing that ends it. */
int fs_check_dial(const char *form, struct err *e);

#endif
