/* SPDX-License-Identifier: ISC */
/* What the tests of the auth child share: a directory, a child, answers to wait for. */
#ifndef TESTS_AUTH_RIG_H
#define TESTS_AUTH_RIG_H

#include "backend/auth.h"

struct answer {
	int calls;
	bool ok;
	char text[256];
	size_t n;
};

extern char rig_dir[64], rig_keys[96]; /* a fresh directory, the path of the key file in it */

/* Check fixture: makes and removes the directory. */
void rig_setup(void);
void rig_teardown(void);

struct auth *auth_rig_start(unsigned threads);
auth_done_fn rig_done; /* arg = a struct answer */

/* Reads until all `n` answers are there; fails the test after ten seconds or when the child
 * ends. */
void rig_wait(struct auth *a, const struct answer *answers, size_t n);
/* Reads until the child has ended; fails the test after ten seconds. */
void rig_wait_end(struct auth *a);

/* A hash of another password that takes 19 MiB and so many passes to compare with, in each build.
 */
void rig_dear_hash(char hash[AUTH_HASH_MAX], unsigned passes);

/* Whether `what` is in the memory of the process: 1, 0; -1 when it cannot be read. */
int rig_search(pid_t pid, const void *what, size_t n);
/* A file of /proc/PID as far as it can be read. */
size_t rig_proc(pid_t pid, const char *name, char *buf, size_t size);

#endif
