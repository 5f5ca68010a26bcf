/* SPDX-License-Identifier: ISC */
/*
 * What a channel's names and values say of a call. A call is its a-leg: the channel that came into
 * the switch or that the switch was told to originate. Channels that were called for another one
 * (b-legs) are folded into it.
 */
#ifndef FEEDS_FREESWITCH_CALL_H
#define FEEDS_FREESWITCH_CALL_H

#include "common/records.h"
#include "feeds/freeswitch_pairs.h"

/* How channel variables are called that an originated call carries (freeswitch_command.c). */
#define FS_C2C_ID "c2c_id"
#define FS_C2C_FROM "tandem_from"
#define FS_C2C_TO "tandem_to"

/* The channel that this one was called for, empty for an a-leg. */
struct str fs_originator(const struct fs_pairs *p);

/* The call of an a-leg. The switch's own addresses are called `domain`, unless that is "". Texts
 * lie in the arena, and are texts that records can have whatever the switch says. 0, or -1 when
 * memory ends. */
int fs_call_read(
    struct live_call *ret, const struct fs_pairs *p, const char *domain, struct arena *a);
/* What a b-leg says of who is called: user@host, or empty. */
struct str fs_dialled(const struct fs_pairs *p, const char *domain, struct arena *a);
/* Who has answered, as the a-leg says; empty when it does not. */
struct str fs_recipient(const struct fs_pairs *p, struct arena *a);

/* The record of a call that has ended, from its a-leg's last event or file. 1, 0 when these are
 * those of a b-leg, -1 with *e when they do not make a record. */
int fs_cdr_read(
    struct cdr *ret, const struct fs_pairs *p, const char *domain, struct arena *a, struct err *e);

/* A text as records can have it: UTF-8 without control characters, no longer than max bytes. */
struct str fs_text(struct str s, size_t max, struct arena *a);

#endif
