/* SPDX-License-Identifier: ISC */
#include "tests/puppet.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_MS = 15000 };

void
puppet_start(struct child *c, const char *dir, const char *endpoint, int spool_mb)
{
	char log[128], set[4][256];
	char *argv[] = {(char *)(uintptr_t)child_program("tests/feed_puppet"), "-c", "etc/tandem.conf",
	    "-o", set[0], "-o", set[1], "-o", set[2], "-o", set[3], NULL};

	snprintf(log, sizeof(log), "%s/log", dir);
	snprintf(set[0], sizeof(set[0]), "feed.backend=%s", endpoint);
	snprintf(set[1], sizeof(set[1]), "feed.spool=%s/spool", dir);
	snprintf(set[2], sizeof(set[2]), "feed.spool_mb=%d", spool_mb);
	snprintf(set[3], sizeof(set[3]), "feed.source=kam-1");
	child_start(c, log, argv);
	child_expect(c, "started");
}

void
puppet_settle(struct child *c)
{
	static int count;
	char cursor[32], want[96];
	long long until = ms_now() + PATIENCE_MS;
	bool taken;

	snprintf(cursor, sizeof(cursor), "settle%d", ++count);
	snprintf(want, sizeof(want), "cursor [%s] [%s]", cursor, cursor);
	/* A spool that is full of call records has no room for it before some are acknowledged. */
	do {
		ck_assert_msg(ms_now() < until, "the spool stays full");
		child_say(c, "cdr %s %s", cursor, cursor);
		taken = strcmp(child_expect(c, "cdr"), "cdr 0") == 0;
		if (!taken)
			nanosleep(&(struct timespec){0, 10 * 1000000}, NULL);
	} while (!taken);
	do {
		ck_assert_msg(ms_now() < until, "the backend has not stored everything");
		nanosleep(&(struct timespec){0, 10 * 1000000}, NULL);
		child_say(c, "cursor");
	} while (strcmp(child_expect(c, "cursor"), want) != 0);
}

int
calls_seen(struct rig *r, const char *user)
{
	struct answer a = rig_get(r, user, "/my/activecdrs");
	int n = 0;

	ck_assert_int_eq(a.status, 200);
	for (const char *p = a.body; (p = strstr(p, "\"from\"")) != NULL; p++)
		n++;
	answer_free(&a);
	return n;
}

void
await_calls(struct rig *r, const char *user, int want)
{
	long long until = ms_now() + PATIENCE_MS;
	int n;

	while ((n = calls_seen(r, user)) != want) {
		ck_assert_msg(ms_now() < until, "%s sees %d calls, not %d", user, n, want);
		nanosleep(&(struct timespec){0, 10 * 1000000}, NULL);
	}
}
