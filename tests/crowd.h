/* SPDX-License-Identifier: ISC */
/*
 * Many clients that each POST one entry of a user's phonebook at the same moment, over connections
 * that are open already, under a key of its own: what is not acknowledged is sent again.
 */
#ifndef TESTS_CROWD_H
#define TESTS_CROWD_H

#include "tests/rig.h"

enum { CROWD_MAX = 256 };

struct crowd {
	struct rig *rig;
	const char *user;
	int size;
	void *multi, *easy[CROWD_MAX];
	int entry[CROWD_MAX];  /* what each is about to add */
	bool acked[CROWD_MAX]; /* and whether it is there */
	int entries;           /* numbered so far, all of them acknowledged */
	int full;              /* answered 503 since crowd_send() */
};

/* What became of one time. */
struct crowd_seen {
	int ok, full, late, other, silent; /* 200, 503, 504, other answers, none */
	double slowest_full;               /* seconds */
	double slowest;
};

/* Connects. */
void crowd_open(struct crowd *c, struct rig *r, const char *user, int size);
void crowd_close(struct crowd *c);
/* Each that has nothing under way takes a new entry; all send what is not acknowledged.
 * crowd_await() waits for the answers, and calls look() (may be NULL) meanwhile. */
void crowd_send(struct crowd *c);
struct crowd_seen crowd_await(struct crowd *c, void (*look)(void));
/* Sends until all is acknowledged; fails the test after 30 s. The number of times. */
int crowd_settle(struct crowd *c);
/* Fails the test when not each entry is there, once. */
void crowd_check(const struct crowd *c);

#endif
