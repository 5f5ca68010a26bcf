/* SPDX-License-Identifier: ISC */
/*
 * What FreeSWITCH answers to `api conference json_list`, `api show channels as json` and
 * `api uuid_dump`, compared with the state: what the switch has and the state lacks begins, what it
 * lacks ends. `mark` is fs_state.clock when the list was asked for: what events have changed since
 * is newer and stays.
 *
 *     s->list++; fs_list_conferences(); fs_list_channels(), fs_list_dump() for each name that it
 *     handed out; fs_list_done()
 */
#ifndef FEEDS_FREESWITCH_LIST_H
#define FEEDS_FREESWITCH_LIST_H

#include "feeds/freeswitch_state.h"

enum { FS_LIST_MEMORY = 128 * 1024 * 1024 }; /* while a list is read */

/* 0, or -1 with *e when it is no such list; the state is unchanged then. */
int fs_list_conferences(
    struct fs_state *s, struct str text, uint64_t mark, int64_t now_ms, struct err *e);

/* Of channels the list shows too little: calls ask() with the name of each a-leg that has to be
 * dumped, which are the unknown ones or `all`. */
typedef void fs_ask_fn(void *arg, const char *key);
int fs_list_channels(
    struct fs_state *s, struct str text, bool all, fs_ask_fn *ask, void *arg, struct err *e);
/* What one channel was dumped as; "-ERR …" when it is gone. */
void fs_list_dump(struct fs_state *s, const char *key, struct str text, int64_t now_ms);

/* Ends what the lists did not have. */
void fs_list_done(struct fs_state *s, uint64_t mark, int64_t now_ms);

#endif
