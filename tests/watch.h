/* SPDX-License-Identifier: ISC */
/*
 * What must be true after bad input: the same processes live, nothing of a
 * user's data has changed, and no secret stands in a log.
 */
#ifndef TESTS_WATCH_H
#define TESTS_WATCH_H

#include "tests/rig.h"

/* Parts of passwords, tokens and documents that tests send: never to be found in a log. */
#define CANARY_PASSWORD "canary-password-5309"
#define CANARY_TOKEN "Y2FuYXJ5LXRva2VuLTUzMDk" /* base64url: "canary-token-5309" */
#define CANARY_TEXT "canary-text-5309"

enum { WATCH_PATHS = 4, WATCH_PIDS = 32 };

struct watch {
	struct rig *rig;
	char *data[WATCH_PATHS];
	pid_t pid[WATCH_PIDS];
	size_t npids;
};

/* Remembers the data of 4410 and the processes of gateway 0 and the backend. */
void watch_begin(struct watch *w, struct rig *r);
/* Fails the test when something has changed. */
void watch_end(struct watch *w);
/* Fails the test when a canary is in the log. */
void watch_log(struct rig *r);

#endif
