/* SPDX-License-Identifier: ISC */
/* backup --follow: what it brings is as good as the backup, and of the same history. */
#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/child.h"
#include "tests/rig.h"
#include "tests/shell.h"

enum { OUT = 1 << 20, WAIT_MS = 20000 };

/* What FOLLOWED says of the last file of the log is so. */
#define SUMS_ARE_RIGHT                                              \
	"cd %s && set -- $(grep ^file FOLLOWED | sort | tail -n 1) && " \
	"test $(head -c $3 $2 | b2sum -l 256 | cut -d ' ' -f 1) = $4"

static struct rig rig;
static char out[OUT], backup[96];
static struct child follower;

#define ctl(...) rig_ctl(&rig, NULL, out, sizeof(out), __VA_ARGS__)

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
__attribute__((format(printf, 1, 2))) static void
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
	await(SUMS_ARE_RIGHT, backup);
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

static const struct {
	const char *damage, *says; /* of the user d2, of whom only the follower knows */
} damages[] = {
    {"sed -i 's/zzz-d2/zzz-dX/g' log.*", "is damaged"},
    {"truncate -s $(sed -n 's/^file log.0000000001 \\([0-9]*\\) .*/\\1/p' MANIFEST) log.0000000001",
        "log.0000000001 is damaged"},
    {"rm log.0000000001", "log.0000000001"},
    {"sed -i 's/^commit .*/commit 1/' FOLLOWED", "FOLLOWED is damaged"},
    {"truncate -s 20 FOLLOWED", "FOLLOWED is damaged"},
    {": >FOLLOWED", "FOLLOWED is damaged"},
    /* All sums are right, and the commits are not there. */
    {"size=$(sed -n 's/^file log.0000000001 \\([0-9]*\\) .*/\\1/p' MANIFEST); truncate -s $size "
     "log.0000000001; { sed '/^file\\|^sum/d' FOLLOWED; sed -n '/^file log/p' MANIFEST; } >F; "
     "echo sum $(b2sum -l 256 <F | cut -d ' ' -f 1) >>F; mv F FOLLOWED",
        "the backup has lost commits "},
};

START_TEST(damage_is_found)
{
	begin_followed();
	add_followed("zzz-d1");
	add_followed("zzz-d2");
	add_followed("zzz-d3");
	end_following();
	ck_assert_int_eq(ctl("verify %s", backup), 0);
	sh("cd %s && %s", backup, damages[_i].damage);
	ck_assert_int_eq(ctl("verify %s", backup), 1);
	has(damages[_i].says);
	lose();
	ck_assert_int_eq(ctl("restore %s --without-keys", backup), 1);
	has(damages[_i].says);
	sh("test ! -e %s/state", rig.dir);
}
END_TEST

/* A backup of a release that wrote no FOLLOWED. */
START_TEST(without_what_it_says)
{
	begin_followed();
	add_followed("before");
	end_following();
	sh("rm %s/FOLLOWED", backup);
	ck_assert_int_eq(ctl("verify %s", backup), 0);
	start_following();
	add_followed("behind");
	end_following();
	sh(SUMS_ARE_RIGHT, backup);
	sh("rm %s/FOLLOWED", backup);
	lose();
	ck_assert_int_eq(ctl("restore %s --without-keys", backup), 0);
	rig_backend(&rig);
	ck_assert(knows("before") && knows("behind"));
}
END_TEST

/* The number behind "commit" in a file of a backup, or in what was printed. */
static int
commit_in(const char *dir, const char *file)
{
	char command[256];
	int commit = 0;
	FILE *f;

	snprintf(command, sizeof(command), "sed -n 's/^commit //p' %s/%s", dir, file);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &commit), 1);
	pclose(f);
	return commit;
}

static int
commit_said(const char *before)
{
	const char *at = strstr(out, before);

	ck_assert_msg(at != NULL, "no \"%s\" in: %s", before, out);
	return atoi(at + strlen(before));
}

/* The commit that is really there is what verify and restore speak of: the one of FOLLOWED, or one
 * that came to the log while the last of it was listed. */
START_TEST(the_commit_that_it_leads_to)
{
	int followed, recovered;

	begin_followed();
	add_followed("one");
	add_followed("two");
	/* Its number may come a second later than the commit. */
	await("test $(sed -n 's/^commit //p' %s/FOLLOWED) -ge %d", backup,
	    commit_in(backup, "MANIFEST") + 2);
	end_following();
	followed = commit_in(backup, "FOLLOWED");
	ck_assert_int_eq(ctl("verify %s", backup), 0);
	recovered = commit_said("recovered with commit ");
	ck_assert_int_ge(recovered, followed);
	lose();
	ck_assert_int_eq(ctl("restore %s --without-keys", backup), 0);
	ck_assert_int_eq(commit_said("restored with commit "), recovered);
}
END_TEST

/* FOLLOWED comes to name the last commit of the log, even where that was in the files before. */
START_TEST(the_last_commit_is_named)
{
	long long until;
	int followed, recovered;

	begin_followed();
	add_followed("one");
	until = ms_now() + WAIT_MS;
	do {
		followed = commit_in(backup, "FOLLOWED");
		ck_assert_int_eq(ctl("verify %s", backup), 0);
		recovered = commit_said("recovered with commit ");
		ck_assert_msg(ms_now() < until, "FOLLOWED has commit %d, not %d", followed, recovered);
	} while (followed != recovered);
	end_following();
}
END_TEST

/* One that writes as fast as it can, until it is killed with the command that it has running. */
static pid_t
start_writing(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid != 0)
		return pid;
	setpgid(0, 0);
	for (int i = 0;; i++) {
		char line[512];

		snprintf(line, sizeof(line),
		    "{\"type\":\"user\",\"record\":{\"userName\":\"w%d-%06d\",\"lastName\":\"%0200d\"}}\n",
		    (int)getpid(), i, i);
		if (rig_ctl(&rig, line, NULL, 0, "load -") != 0)
			_exit(1);
	}
}

/* Killed wherever it is: what FOLLOWED says of the log stays right, and the next one goes on. */
START_TEST(killed_anywhere)
{
	enum { KILLS = 12 };
	char user[32];
	pid_t writer;
	int status;

	begin_followed();
	writer = start_writing();
	for (int i = 0; i < KILLS; i++) {
		snprintf(user, sizeof(user), "kill-%d-", i);
		add_followed(user);
		usleep((useconds_t)(i * 97 % 1000) * 1000);
		child_kill(&follower);
		sh(SUMS_ARE_RIGHT, backup);
		if (i % 4 == 0)
			ck_assert_msg(ctl("verify %s", backup) == 0, "%s", out);
		start_following();
	}
	kill(-writer, SIGKILL);
	waitpid(writer, &status, 0);
	add_followed("last");
	end_following();
	sh(SUMS_ARE_RIGHT, backup);
	lose();
	ck_assert_msg(ctl("restore %s --without-keys", backup) == 0, "%s", out);
	rig_backend(&rig);
	ck_assert(knows("last") && knows("kill-0-") && knows("kill-11-"));
}
END_TEST

/* The backend is killed and comes again, with the beginning of a write at the end of its log: that
 * is not brought, and the log goes on. */
START_TEST(a_backend_that_starts_again)
{
	begin_followed();
	add_followed("before");
	rig_kill(&rig.backend);
	sh("head -c 9000 /dev/zero | tr '\\0' Q >>%s/state/log.0000000001", rig.dir);
	rig_backend(&rig);
	/* It may have noticed that, or not. */
	(void)child_end(&follower, SIGTERM, WAIT_MS);
	start_following();
	add_followed("behind");
	end_following();
	sh("! grep -qa QQQQ %s/log.0000000001", backup);
	ck_assert_msg(ctl("verify %s", backup) == 0, "%s", out);
	lose();
	ck_assert_msg(ctl("restore %s --without-keys", backup) == 0, "%s", out);
	rig_backend(&rig);
	ck_assert(knows("before") && knows("behind"));
}
END_TEST

/* More than the backend's log has is taken away again. */
START_TEST(what_is_not_the_log)
{
	begin_followed();
	add_followed("before");
	end_following();
	sh("head -c 9000 /dev/zero | tr '\\0' Q >>%s/log.0000000001", backup);
	/* Behind what FOLLOWED speaks of, as after a kill. */
	ck_assert_int_eq(ctl("verify %s", backup), 0);
	start_following();
	add_followed("behind");
	end_following();
	sh("! grep -qa QQQQ %s/log.0000000001", backup);
	ck_assert_msg(ctl("verify %s", backup) == 0, "%s", out);
}
END_TEST

START_TEST(two_at_once)
{
	begin_followed();
	add_followed("one");
	ck_assert_int_eq(ctl("backup %s --without-keys --follow", backup), 1);
	has("is followed already");
	add_followed("two");
	end_following();
	ck_assert_int_eq(ctl("verify %s", backup), 0);
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
	tcase_add_loop_test(t, damage_is_found, 0, sizeof(damages) / sizeof(damages[0]));
	tcase_add_test(t, without_what_it_says);
	tcase_add_test(t, the_commit_that_it_leads_to);
	tcase_add_test(t, the_last_commit_is_named);
	tcase_add_test(t, killed_anywhere);
	tcase_add_test(t, a_backend_that_starts_again);
	tcase_add_test(t, what_is_not_the_log);
	tcase_add_test(t, two_at_once);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
