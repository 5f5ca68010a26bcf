/* SPDX-License-Identifier: ISC */
/*
 * The socket that feeds connect to, held by a test: for what no real backend does when it is asked
 * to. One feed at a time.
 */
#ifndef TESTS_FEED_HOST_H
#define TESTS_FEED_HOST_H

#include "ipc/feed.h"

/* Listens at an ipc:// endpoint; closes it. */
void host_open(const char *endpoint);
void host_close(void);
/* The epoch of the last hello. */
extern char host_epoch[80];

/* The next frame, valid until host_close(); 0 when none comes in time. */
int host_next(struct str *frame, int ms);
/* Waits for a frame of a type, passing others over; fails the test after 15 s. */
void host_expect(enum env_type type, void *obj);
void host_frame(struct str frame);
void host_send(enum env_type type, const void *obj);
/* Waits for a hello and answers it. Returns how many commands the feed can carry out. */
size_t host_welcome(int64_t applied, int64_t window);

#endif
