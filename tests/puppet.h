/* SPDX-License-Identifier: ISC */
/* feed_puppet, the feed whose switch is a test, beside a backend that is real or a test too. */
#ifndef TESTS_PUPPET_H
#define TESTS_PUPPET_H

#include "tests/child.h"
#include "tests/rig.h"

/* Starts it for the source kam-1 with a spool of so many MiB below `dir`, and waits until it says
 * so. */
void puppet_start(struct child *c, const char *dir, const char *endpoint, int spool_mb);
/* Waits until the backend has everything: the cursor behind the last call record is stored. */
void puppet_settle(struct child *c);
/* How many calls a user of a rig sees. */
int calls_seen(struct rig *r, const char *user);
/* Waits until a user sees so many; fails the test after 15 s. */
void await_calls(struct rig *r, const char *user, int want);

#endif
