/* SPDX-License-Identifier: ISC */
/* backup --follow: what it brings is as good as the backup, and of the same history. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/child.h"
#include "tests/rig.h"

enum { OUT = 1 << 20, WAIT_MS = 20000 };

static struct rig rig;
static char out[OUT], backup[96];
static struct child follower;

#define ctl(...) rig_ctl(&rig, NULL, out, sizeof(out), __VA_ARGS__)

static int
sh_status(const char *fmt, va_list ap)
{
	char command[1024];

	vsnprintf(command, sizeof(command), fmt, ap);
	return system(command);
}

/* In the shell, where it has to end well. */
static void
sh(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ck_assert_msg(sh_status(fmt, ap) == 0, "%s", fmt);
	va_end(ap);
}

static void
setup(void)
{
	memset(&rig, 0, sizeof(rig));
	/* The only engine that can be followed. */
	rig.engine = "bdb";
	rig_make(&rig);
	rig_backend(&rig);
	snprintf(backup, sizeof(backup), "%s/backup", rig.dir);
	ck_assert_int_eq(ctl("user add 201 --no-password"), 0);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

static void
has(const char *what)
{
	ck_assert_msg(strstr(out, what) != NULL, "no \"%s\" in: %s", what, out);
}

/* Until a command of the shell, which is asked again and again, ends well. */
static void
await(const char *fmt, ...)
{
	long long until = ms_now() + WAIT_MS;
	int status;

	do {
		va_list ap;

		ck_assert_msg(ms_now() < until, "nothing came: %s", fmt);
		usleep(50000);
		va_start(ap, fmt);
		status = sh_status(fmt, ap);
		va_end(ap);
	} while (status != 0);
}

static void
start_following(void)
{
	char *argv[] = {(char *)(uintptr_t)child_program("tandemctl"), (char *)(uintptr_t) "-c",
	    rig.conf, (char *)(uintptr_t) "backup", backup, (char *)(uintptr_t) "--without-keys",
	    (char *)(uintptr_t) "--follow", NULL};

	child_start(&follower, rig.log, argv);
}

static void
end_following(void)
{
	ck_assert_int_eq(child_end(&follower, SIGTERM, WAIT_MS), 0);
}

/* Adds a user, and waits until the follower has brought it. */
static void
add_followed(const char *user)
{
	ck_assert_int_eq(ctl("user add %s --no-password", user), 0);
	await("grep -qa %s %s/log.*", user, backup);
}

static void
begin_followed(void)
{
	start_following();
	await("test -e %s/MANIFEST", backup);
}

/* Ends the backend and takes its store away. */
static void
lose(void)
{
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	sh("rm -rf %s/state.old; mv %s/state %s/state.old", rig.dir, rig.dir, rig.dir);
}

static bool
knows(const char *user)
{
	char line[64];

	ck_assert_int_eq(ctl("user list"), 0);
	snprintf(line, sizeof(line), "\n%s ", user);
	return strstr(out, line) != NULL;
}

/* Past the end of this second, since a time has whole ones. */
static void
next_second(char text[32])
{
	time_t from = time(NULL);
	struct tm tm;

	while (time(NULL) == from)
		usleep(20000);
	from = time(NULL);
	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&from, &tm));
	while (time(NULL) == from)
		usleep(20000);
}

/* What was restored is a store of its own from then on: the log that it writes does not go on with
 * the one that is in the backup. */
START_TEST(not_beyond_a_restore)
{
	char then[32];

	begin_followed();
	add_followed("before");
	next_second(then);
	add_followed("behind");
	end_following();
	lose();
	ck_assert_msg(ctl("restore %s --to %s --without-keys", backup, then) == 0, "%s", out);
	rig_backend(&rig);
	ck_assert_int_eq(ctl("user add another --no-password"), 0);
	start_following();
	ck_assert_int_eq(child_end(&follower, 0, WAIT_MS), 1);
	sh("grep -q 'is of another store' %s", rig.log);
	/* Again into a directory of its own. */
	sh("mv %s %s.first", backup, backup);
	begin_followed();
	add_followed("later");
	end_following();
	lose();
	ck_assert_int_eq(ctl("restore %s --without-keys", backup), 0);
	rig_backend(&rig);
	ck_assert(knows("before") && !knows("behind") && knows("another") && knows("later"));
	lose();
	ck_assert_int_eq(ctl("verify %s.first", backup), 0);
	has("good: ");
	ck_assert_int_eq(ctl("restore %s.first --without-keys", backup), 0);
	rig_backend(&rig);
	ck_assert(knows("before") && knows("behind") && !knows("another"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("follow");
	TCase *t = tcase_create("follow");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, not_beyond_a_restore);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
