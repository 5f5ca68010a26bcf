/* SPDX-License-Identifier: ISC */
/*
 * What all feeds have in common, against a real backend: kills on both sides, a backend that is
 * away, a spool that is full, torn or gone.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/feeder.h"
#include "tests/puppet.h"

#define ANA "4410:secret99"

static struct rig rig;
static struct child feed;

static void
start_feed(int spool_mb)
{
	puppet_start(&feed, rig.dir, feeder_endpoint(&rig), spool_mb);
}

static void
setup(void)
{
	rig = (struct rig){.port = {0}};
	rig_start_fixture(&rig);
	start_feed(8);
	child_expect(&feed, "resync");
}

static void
teardown(void)
{
	child_kill(&feed);
	rig_stop(&rig);
}

/* Says what the words are, which must be taken. */
static void
say(const char *what)
{
	char want[16];

	child_say(&feed, "%s", what);
	snprintf(want, sizeof(want), "%.*s 0", (int)strcspn(what, " "), what);
	child_expect(&feed, want);
}

static void
spool_file(char path[160], const char *which)
{
	snprintf(path, 160, "%s/spool/kam-1/kam-1.%s", rig.dir, which);
}

START_TEST(what_a_feed_says_is_seen)
{
	say("call c1");
	say("call c2");
	await_calls(&rig, ANA, 2);
	say("end c1");
	puppet_settle(&feed);
	ck_assert_int_eq(calls_seen(&rig, ANA), 1);
	say("begin");
	say("call c3");
	say("finish");
	puppet_settle(&feed);
	ck_assert_int_eq(calls_seen(&rig, ANA), 1);
	ck_assert_int_eq(child_end(&feed, SIGTERM, 10000), 0);
}
END_TEST

/* Both ends are killed while messages are on their way; nothing is lost, doubled or begun anew. */
START_TEST(kills_lose_nothing)
{
	char line[256];
	int calls = 0;

	for (int round = 0; round < 4; round++) {
		child_say(&feed, "calls r%d- 1500", round);
		child_expect(&feed, "said");
		calls += 1500;
		if (round % 2 == 0)
			rig_kill(&rig.backend);
		child_kill(&feed);
		start_feed(8);
		say("end r0-1");
		calls -= round == 0;
		if (round % 2 == 0)
			rig_backend(&rig);
	}
	puppet_settle(&feed);
	rig_await_ready(&rig, 0);
	await_calls(&rig, ANA, calls);
	while (child_line(&feed, line, sizeof(line), 100))
		ck_assert_str_ne(line, "resync");
}
END_TEST

/* It is there again within a second, and so is what was said meanwhile. */
START_TEST(a_backend_that_is_away)
{
	long long from;

	say("call before");
	puppet_settle(&feed);
	rig_kill(&rig.backend);
	say("end before");
	child_say(&feed, "calls away- 1000");
	child_expect(&feed, "said");
	rig_backend(&rig);
	from = ms_now();
	puppet_settle(&feed);
	ck_assert_int_lt(ms_now() - from, 10000);
	rig_await_ready(&rig, 0);
	ck_assert_int_eq(calls_seen(&rig, ANA), 1000);
}
END_TEST

/* Then the switch is asked for everything, and no call record is lost. */
START_TEST(a_spool_that_is_full)
{
	int ended = 0;

	child_kill(&feed);
	start_feed(1);
	say("call old");
	puppet_settle(&feed);
	rig_kill(&rig.backend);
	say("cdr kept c1");
	child_say(&feed, "calls x 20000");
	child_expect(&feed, "said");
	child_say(&feed, "call more");
	ck_assert_str_eq(child_expect(&feed, "call"), "call -1");
	rig_backend(&rig);
	child_expect(&feed, "resync");
	say("begin");
	say("call new1");
	say("call new2");
	say("finish");
	puppet_settle(&feed);
	rig_await_ready(&rig, 0);
	ck_assert_int_eq(calls_seen(&rig, ANA), 2);
	/* With call records alone: the rest waits with whoever offers it, and all get through. */
	rig_kill(&rig.backend);
	child_say(&feed, "cdrs r 20000");
	child_expect(&feed, "full");
	rig_backend(&rig);
	ended = atoi(child_expect(&feed, "said") + 5);
	ck_assert_int_eq(ended, 20000);
	puppet_settle(&feed);
}
END_TEST

/* The last record that was taken filled it: the next one is offered until it has room. */
START_TEST(a_spool_that_is_just_full)
{
	char path[160];
	int room = 0;

	rig_kill(&rig.backend);
	spool_file(path, "spool");
	for (int round = 0; round < 2; round++) {
		child_kill(&feed);
		ck_assert_int_eq(unlink(path), 0);
		start_feed(1);
		if (round == 0) {
			child_say(&feed, "cdrs r 20000");
			room = atoi(child_expect(&feed, "full") + 5);
			ck_assert_int_gt(room, 0);
		}
	}
	child_say(&feed, "cdrs r %d", room);
	ck_assert_int_eq(atoi(child_expect(&feed, "said") + 5), room);
	child_say(&feed, "cdr more m1");
	ck_assert_str_eq(child_expect(&feed, "cdr"), "cdr -1");
	rig_backend(&rig);
	puppet_settle(&feed);
}
END_TEST

START_TEST(a_spool_that_is_torn)
{
	char path[160];
	int fd;

	spool_file(path, "spool");
	/* Half a message: it was never sent, and the numbers go on. */
	say("call c1");
	puppet_settle(&feed);
	child_kill(&feed);
	fd = open(path, O_WRONLY | O_APPEND);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "half of one", 11), 11);
	close(fd);
	start_feed(8);
	say("call c2");
	puppet_settle(&feed);
	ck_assert_int_eq(calls_seen(&rig, ANA), 2);
	/* What the backend has already is gone here: the numbers begin anew, and the state is asked
	 * for. */
	child_kill(&feed);
	fd = open(path, O_WRONLY);
	ck_assert_int_eq(ftruncate(fd, lseek(fd, 0, SEEK_END) - 5), 0);
	close(fd);
	start_feed(8);
	child_expect(&feed, "resync");
	say("begin");
	say("call c3");
	say("finish");
	puppet_settle(&feed);
	ck_assert_int_eq(calls_seen(&rig, ANA), 1);
	/* All of it is gone. */
	child_kill(&feed);
	ck_assert_int_eq(unlink(path), 0);
	start_feed(8);
	child_expect(&feed, "resync");
	say("begin");
	say("finish");
	puppet_settle(&feed);
	ck_assert_int_eq(calls_seen(&rig, ANA), 0);
}
END_TEST

/* A store from a backup knows fewer numbers than were acknowledged. */
START_TEST(a_backend_that_has_forgotten)
{
	char command[512];

	say("call c1");
	puppet_settle(&feed);
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	snprintf(command, sizeof(command), "cp -a %s/state %s/backup", rig.dir, rig.dir);
	ck_assert_int_eq(system(command), 0);
	rig_backend(&rig);
	say("call c2");
	say("end c1");
	puppet_settle(&feed);
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	snprintf(command, sizeof(command), "rm -rf %s/state && mv %s/backup %s/state", rig.dir, rig.dir,
	    rig.dir);
	ck_assert_int_eq(system(command), 0);
	rig_backend(&rig);
	say("call c3");
	puppet_settle(&feed);
	rig_await_ready(&rig, 0);
	/* They are still in the spool, and go out once more. */
	ck_assert_int_eq(calls_seen(&rig, ANA), 2);
}
END_TEST

/* Neither the backend's files nor anything else but its own can be reached. */
START_TEST(it_is_confined)
{
	char path[64], line[256];
	bool no_new = false, filtered = false, user = geteuid() != 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)feed.pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		no_new = no_new || strcmp(line, "NoNewPrivs:\t1\n") == 0;
		filtered = filtered || strcmp(line, "Seccomp:\t2\n") == 0;
		user = user || (strncmp(line, "Uid:", 4) == 0 && strncmp(line, "Uid:\t0", 6) != 0);
	}
	fclose(f);
	ck_assert(no_new);
	ck_assert(filtered);
	ck_assert(user);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("feed_link");
	TCase *t = tcase_create("feed_link");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_a_feed_says_is_seen);
	tcase_add_test(t, kills_lose_nothing);
	tcase_add_test(t, a_backend_that_is_away);
	tcase_add_test(t, a_spool_that_is_full);
	tcase_add_test(t, a_spool_that_is_just_full);
	tcase_add_test(t, a_spool_that_is_torn);
	tcase_add_test(t, a_backend_that_has_forgotten);
	tcase_add_test(t, it_is_confined);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
