/* SPDX-License-Identifier: ISC */
/*
 * A client that never stops asking, in a process of its own, while a test does
 * things to the servers. What it has seen stands in shared memory.
 */
#ifndef TESTS_LOAD_H
#define TESTS_LOAD_H

#include "tests/rig.h"

struct load_seen {
	volatile long answered, failed; /* failed: no answer, or not 200 */
	volatile int last_failure;      /* its status, 0 = none came */
	volatile long long last_ok_ms;  /* ms_now() of the last 200 */
	volatile bool stop;
};

struct load_client {
	struct load_seen *seen;
	pid_t pid;
};

/* GET of `path` on gateway `i`, as `user`; `netns` (may be NULL) names a network namespace to
 * do it from. */
void load_begin(struct load_client *l, struct rig *r, int i, const char *user, const char *path,
    const char *netns);
/* Waits for the client to end; its counts stay readable until load_free(). */
void load_end_client(struct load_client *l);
void load_free(struct load_client *l);

#endif
