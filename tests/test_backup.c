/* SPDX-License-Identifier: ISC */
/* Backup of a running backend, and what becomes of it: restored, to a time, with its keys, damaged.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/child.h"
#include "tests/freeze.h"
#include "tests/rig.h"
#include "tests/shell.h"

enum { OUT = 4 << 20 };

static struct rig rig;
static char out[OUT], backup[96], pass[96];

#define ctl(input, ...) rig_ctl(&rig, input, out, sizeof(out), __VA_ARGS__)

static void
begin(const char *engine)
{
	memset(&rig, 0, sizeof(rig));
	rig.engine = engine;
	rig_make(&rig);
	rig_backend(&rig);
	snprintf(backup, sizeof(backup), "%s/backup", rig.dir);
	snprintf(pass, sizeof(pass), "%s/passphrase", rig.dir);
	sh("echo 'correct horse battery' >%s; chmod 600 %s", pass, pass);
	ck_assert_int_eq(ctl("secret99\n", "user add 201 --first Ann --password-stdin"), 0);
	ck_assert_int_eq(ctl("123456\n", "user pin 201 --pin-stdin"), 0);
}

static void
setup(void)
{
	begin(NULL);
}

static void
setup_lmdb(void)
{
	begin("lmdb");
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

/* Ends the backend and takes its store, and its keys where asked, away. */
static void
lose(bool keys)
{
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	sh("rm -rf %s/state.old; mv %s/state %s/state.old", rig.dir, rig.dir, rig.dir);
	if (keys)
		sh("rm %s/auth/keys", rig.dir);
}

static bool
knows(const char *user)
{
	char line[64];

	ck_assert_int_eq(ctl(NULL, "user list"), 0);
	snprintf(line, sizeof(line), "%s ", user);
	return strncmp(out, line, strlen(line)) == 0 ||
	    (snprintf(line, sizeof(line), "\n%s ", user), strstr(out, line) != NULL);
}

START_TEST(what_was_there_is_there_again)
{
	char *before;

	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	before = strdup(out);
	ck_assert_int_eq(ctl(NULL, "backup %s --passphrase-file %s", backup, pass), 0);
	ck_assert_int_eq(ctl(NULL, "backup %s --passphrase-file %s", backup, pass), 1);
	has("has a backup already");
	ck_assert_int_eq(ctl(NULL, "verify %s", backup), 0);
	has("good: release ");
	has("keys sealed");
	sh("echo 'another passphrase' >%s.2", pass);
	ck_assert_int_eq(ctl(NULL, "verify %s --passphrase-file %s.2", backup, pass), 1);
	has("the passphrase is wrong");
	ck_assert_int_eq(ctl(NULL, "verify %s --passphrase-file %s", backup, pass), 0);
	has("keys opened");
	ck_assert_int_eq(ctl(NULL, "restore %s --passphrase-file %s", backup, pass), 1);
	has("is not empty");
	ck_assert_int_eq(ctl(NULL, "user add 202 --no-password"), 0);
	lose(true);
	ck_assert_int_eq(ctl(NULL, "restore %s --passphrase-file %s.2", backup, pass), 1);
	has("the passphrase is wrong");
	ck_assert_int_eq(ctl(NULL, "restore %s --passphrase-file %s", backup, pass), 0);
	has("restored with commit ");
	rig_backend(&rig);
	ck_assert_int_eq(ctl(NULL, "dump"), 0);
	ck_assert_str_eq(out, before);
	/* The pepper is one of the keys. */
	ck_assert_int_eq(ctl("123456\n", "user pin-verify 201 --pin-stdin"), 0);
	free(before);
}
END_TEST

START_TEST(without_its_keys)
{
	ck_assert_int_eq(ctl(NULL, "backup %s --without-keys", backup), 0);
	ck_assert_int_eq(ctl(NULL, "verify %s", backup), 0);
	has("keys not in it");
	ck_assert_int_eq(ctl(NULL, "verify %s --passphrase-file %s", backup, pass), 1);
	has("has no keys");
	lose(true);
	ck_assert_int_eq(ctl(NULL, "restore %s --passphrase-file %s", backup, pass), 1);
	has("has no keys");
	ck_assert_int_eq(ctl(NULL, "restore %s --without-keys", backup), 0);
	rig_backend(&rig);
	ck_assert(knows("201"));
	ck_assert_int_eq(ctl("123456\n", "user pin-verify 201 --pin-stdin"), 1);
	/* And other keys are not overwritten. */
	sh("rm -rf %s; mkdir %s", backup, backup);
	ck_assert_int_eq(ctl(NULL, "backup %s --passphrase-file %s", backup, pass), 0);
	lose(true);
	sh("head -c 300 /dev/urandom >%s/auth/keys", rig.dir);
	ck_assert_int_eq(ctl(NULL, "restore %s --passphrase-file %s", backup, pass), 1);
	has("has other keys");
}
END_TEST

static void
await(bool (*that)(void))
{
	for (long long until = ms_now() + 20000; !that(); usleep(50000))
		ck_assert_msg(ms_now() < until, "nothing came");
}

static bool
is_complete(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/MANIFEST", backup);
	return access(path, F_OK) == 0;
}

static const char *marker;

static bool
has_followed(void)
{
	char command[256];

	snprintf(command, sizeof(command), "grep -qa %s %s/log.*", marker, backup);
	return system(command) == 0;
}

static void
start_following(struct child *c)
{
	char *argv[] = {(char *)(uintptr_t)child_program("tandemctl"), (char *)(uintptr_t) "-c",
	    rig.conf, (char *)(uintptr_t) "backup", backup, (char *)(uintptr_t) "--passphrase-file",
	    pass, (char *)(uintptr_t) "--follow", NULL};

	child_start(c, rig.log, argv);
}

START_TEST(to_a_time)
{
	struct child follower;
	char then[32];

	start_following(&follower);
	await(is_complete);
	ck_assert_int_eq(ctl(NULL, "user add before --no-password"), 0);
	next_second(then);
	ck_assert_int_eq(ctl(NULL, "user add behind --no-password"), 0);
	marker = "behind";
	await(has_followed);
	ck_assert_int_eq(child_end(&follower, SIGTERM, 10000), 0);
	/* It goes on where it was. */
	start_following(&follower);
	ck_assert_int_eq(ctl(NULL, "user add later --no-password"), 0);
	marker = "later";
	await(has_followed);
	ck_assert_int_eq(child_end(&follower, SIGTERM, 10000), 0);
	ck_assert_int_eq(ctl(NULL, "verify %s", backup), 0);
	lose(true);
	ck_assert_int_eq(ctl(NULL, "restore %s --to 2026-13-01T00:00:00Z --without-keys", backup), 2);
	ck_assert_int_eq(ctl(NULL, "restore %s --to 2020-01-01T00:00:00Z --without-keys", backup), 1);
	has("nothing older");
	ck_assert_msg(
	    ctl(NULL, "restore %s --to %s --passphrase-file %s", backup, then, pass) == 0, "%s", out);
	rig_backend(&rig);
	ck_assert(knows("201") && knows("before") && !knows("behind") && !knows("later"));
	ck_assert_int_eq(ctl("123456\n", "user pin-verify 201 --pin-stdin"), 0);
	/* It is a store like any other: it takes changes and starts again. */
	ck_assert_int_eq(ctl(NULL, "user add after --no-password"), 0);
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	rig_backend(&rig);
	ck_assert(knows("after"));
	lose(false);
	ck_assert_int_eq(ctl(NULL, "restore %s --without-keys", backup), 0);
	rig_backend(&rig);
	ck_assert(knows("before") && knows("behind") && knows("later"));
}
END_TEST

/* Writers at full speed: what was acknowledged before the backup began is in it, of one writer
 * nothing is missing in between, and it can be restored each time. */
START_TEST(while_many_write)
{
	pid_t writer;
	int n, status;

	ck_assert_int_ge(writer = fork(), 0);
	if (writer == 0) {
		char line[1024];

		setpgid(0, 0);
		for (int i = 0;; i++) {
			snprintf(line, sizeof(line),
			    "{\"type\":\"user\",\"record\":{\"userName\":\"u%06d\",\"lastName\":\"%0100d\"}}\n",
			    i, i);
			if (rig_ctl(&rig, line, NULL, 0, "load -") != 0)
				_exit(1);
		}
	}
	/* Some of its users are there, of those that the backup must have. */
	for (long long until = ms_now() + 20000; !knows("u000002");)
		ck_assert_msg(ms_now() < until, "nobody writes");
	ck_assert_int_eq(ctl(NULL, "user add last --no-password"), 0);
	ck_assert_int_eq(ctl(NULL, "backup %s --without-keys --rate -1", backup), 2);
	ck_assert_int_eq(ctl(NULL, "backup %s --without-keys --rate 1", backup), 0);
	ck_assert_int_eq(waitpid(writer, &status, WNOHANG), 0);
	/* With the command it has running, which would ask the restored backend otherwise. */
	kill(-writer, SIGKILL);
	waitpid(writer, &status, 0);
	lose(false);
	ck_assert_int_eq(ctl(NULL, "restore %s --without-keys", backup), 0);
	rig_backend(&rig);
	ck_assert(knows("last"));
	for (n = 0; n < 100000; n++) {
		char name[16];

		snprintf(name, sizeof(name), "\nu%06d ", n);
		if (strstr(out, name) == NULL)
			break;
	}
	ck_assert_int_gt(n, 2);
	for (char *p = out; (p = strstr(p, "\nu")) != NULL; p++)
		n--;
	ck_assert_int_eq(n, 0);
}
END_TEST

enum { HELD_MS = 1000 };

/* The backend stands still for HELD_MS in the middle of a backup: for how long the backup goes on
 * afterwards, or -1 when it was over before. */
static long long
goes_on(const char *options)
{
	char first[128];
	long long since;
	int status;
	bool over;
	pid_t pid;

	sh("rm -rf %s", backup);
	snprintf(first, sizeof(first), "%s/data.db", backup);
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0)
		_exit(ctl(NULL, "backup %s --without-keys --no-verify %s", backup, options));
	for (since = ms_now(); access(first, F_OK) != 0; usleep(200))
		ck_assert_msg(ms_now() < since + 20000, "no backup begins");
	freeze(rig.backend);
	usleep(HELD_MS * 1000);
	over = waitpid(pid, &status, WNOHANG) == pid;
	since = ms_now();
	kill(rig.backend, SIGCONT);
	if (!over)
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
	return over ? -1 : ms_now() - since;
}

/* What takes long is followed by as long a rest, unless a rate is given. In some runs what is held
 * up is no piece of a file. */
START_TEST(rests_as_long_as_it_works)
{
	long long ms, longest = 0, shortest = INT32_MAX;

	for (int i = 0; i < 20 && longest < HELD_MS * 8 / 10; i++)
		longest = (ms = goes_on("")) > longest ? ms : longest;
	ck_assert_msg(longest >= HELD_MS * 8 / 10, "%lld ms at most", longest);
	for (int i = 0; i < 20 && shortest >= HELD_MS * 8 / 10; i++)
		shortest = (ms = goes_on("--rate 0")) >= 0 && ms < shortest ? ms : shortest;
	ck_assert_msg(shortest < HELD_MS * 8 / 10, "%lld ms at least", shortest);
}
END_TEST

/* Ended by a signal: nothing is left of it, and the next one need not wait. */
START_TEST(stopped_in_the_middle)
{
	static char users[400000];
	size_t n = 0;
	int status;

	for (int i = 0; i < 2000; i++)
		n += (size_t)snprintf(users + n, sizeof(users) - n,
		    "{\"type\":\"user\",\"record\":{\"userName\":\"u%06d\",\"lastName\":\"%0100d\"}}\n", i,
		    i);
	ck_assert_uint_lt(n, sizeof(users));
	ck_assert_int_eq(ctl(users, "load -"), 0);
	/* One that is ignored when it starts, as under nohup(1), stays so. */
	signal(SIGHUP, SIG_DFL);
	/* It is for the shell to wait until something is there. */
	snprintf(users, sizeof(users),
	    "%s -c %s backup %s --without-keys --rate 1 2>%s/why & pid=$!; i=0; "
	    "until ls %s/data* >/dev/null 2>&1; do sleep 0.05; i=$((i + 1)); [ $i -lt 200 ] || exit "
	    "90; "
	    "done; kill -%s $pid; wait $pid",
	    child_program("tandemctl"), rig.conf, backup, rig.dir, backup, _i == 0 ? "TERM" : "HUP");
	status = system(users);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%d", status);
	sh("grep -q 'stopped: nothing is left' %s/why", rig.dir);
	sh("test ! -e %s", backup);
	ck_assert_int_eq(ctl(NULL, "backup %s --without-keys", backup), 0);
	ck_assert_int_eq(ctl(NULL, "verify %s", backup), 0);
}
END_TEST

/* More pages than the library looks at without setting some aside. */
START_TEST(of_many_pages)
{
	static char users[1000000];
	size_t n = 0;

	for (int i = 0; i < 5000; i++)
		n += (size_t)snprintf(users + n, sizeof(users) - n,
		    "{\"type\":\"user\",\"record\":{\"userName\":\"u%06d\",\"lastName\":\"%0100d\"}}\n", i,
		    i);
	ck_assert_uint_lt(n, sizeof(users));
	ck_assert_int_eq(ctl(users, "load -"), 0);
	ck_assert_msg(ctl(NULL, "backup %s --without-keys", backup) == 0, "%.600s", out);
	ck_assert_int_eq(ctl(NULL, "verify %s", backup), 0);
	lose(false);
	ck_assert_int_eq(ctl(NULL, "restore %s --without-keys", backup), 0);
	rig_backend(&rig);
	ck_assert(knows("u004999"));
}
END_TEST

/* tandemctl with a passphrase that is still to be given, as by a prompt: `*gate` is where, once it
 * waits for it. Its output is dropped. */
static FILE *
start_waiting(const char *what, int *gate)
{
	char fifo[200], command[1024];
	long long until = ms_now() + 20000;
	FILE *f;

	snprintf(fifo, sizeof(fifo), "%s.later", pass);
	sh("rm -f %s && mkfifo %s", fifo, fifo);
	snprintf(command, sizeof(command), "%s -c %s %s %s --passphrase-file %s >%s/why 2>&1",
	    child_program("tandemctl"), rig.conf, what, backup, fifo, rig.dir);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	while ((*gate = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
		ck_assert_msg(ms_now() < until, "%s does not ask for a passphrase", what);
		usleep(10000);
	}
	return f;
}

/* Gives it the right one: how it ends. */
static int
give(FILE *f, int gate)
{
	char text[128];
	FILE *from = fopen(pass, "r");
	size_t n;

	ck_assert_ptr_nonnull(from);
	n = fread(text, 1, sizeof(text), from);
	fclose(from);
	ck_assert_int_eq(write(gate, text, n), (ssize_t)n);
	close(gate);
	return pclose(f);
}

/* What a restore has begun is no store before it is complete. */
START_TEST(a_restore_that_is_killed)
{
	char command[1024];

	ck_assert_int_eq(ctl(NULL, "backup %s --passphrase-file %s", backup, pass), 0);
	lose(false);
	/* The recovery is ended together with its parent. */
	sh("mkdir %s/bin && cp %s %s/bin && printf '#!/bin/sh\nkill -9 $PPID\n' "
	   ">%s/bin/tandem-backend && chmod +x %s/bin/tandem-backend",
	    rig.dir, child_program("tandemctl"), rig.dir, rig.dir, rig.dir);
	snprintf(command, sizeof(command), "%s/bin/tandemctl -c %s restore %s --without-keys", rig.dir,
	    rig.conf, backup);
	ck_assert_int_ne(system(command), 0);
	ck_assert_int_ne(rig_backend_refuses(&rig), 0);
	sh("rm -r %s/state", rig.dir);
	ck_assert_int_eq(ctl(NULL, "restore %s --without-keys", backup), 0);
	rig_backend(&rig);
	ck_assert(knows("201"));
}
END_TEST

/* A store that a backend has begun meanwhile is not taken away. */
START_TEST(a_restore_beside_a_start)
{
	FILE *f;
	int gate;

	ck_assert_int_eq(ctl(NULL, "backup %s --passphrase-file %s", backup, pass), 0);
	lose(false);
	f = start_waiting("restore", &gate);
	rig_backend(&rig);
	ck_assert_int_eq(ctl(NULL, "user add meanwhile --no-password"), 0);
	ck_assert_int_ne(give(f, gate), 0);
	ck_assert_int_eq(rig_end(&rig.backend), 0);
	rig_backend(&rig);
	ck_assert(knows("meanwhile"));
}
END_TEST

/* Nothing is left of one that fails, neither the keys. */
START_TEST(a_restore_that_fails)
{
	char keys[128];

	ck_assert_int_eq(ctl(NULL, "backup %s --passphrase-file %s", backup, pass), 0);
	lose(true);
	snprintf(keys, sizeof(keys), "%s/auth/keys", rig.dir);
	ck_assert_int_ne(access(keys, F_OK), 0);
	sh("mkdir %s/bin && cp %s %s/bin && printf '#!/bin/sh\nexit 1\n' >%s/bin/tandem-backend && "
	   "chmod +x %s/bin/tandem-backend",
	    rig.dir, child_program("tandemctl"), rig.dir, rig.dir, rig.dir);
	sh("! %s/bin/tandemctl -c %s restore %s --passphrase-file %s 2>%s/why", rig.dir, rig.conf,
	    backup, pass, rig.dir);
	ck_assert_int_ne(access(keys, F_OK), 0);
	ck_assert_int_eq(ctl(NULL, "restore %s --passphrase-file %s", backup, pass), 0);
	rig_backend(&rig);
	ck_assert(knows("201"));
}
END_TEST

START_TEST(two_to_one_directory)
{
	FILE *f;
	int gate;

	f = start_waiting("backup", &gate);
	ck_assert_int_ne(ctl(NULL, "backup %s --passphrase-file %s", backup, pass), 0);
	ck_assert_int_eq(give(f, gate), 0);
	ck_assert_msg(ctl(NULL, "verify %s", backup) == 0, "%s", out);
}
END_TEST

static const struct {
	const char *damage, *says;
} damages[] = {
    {"printf x | dd of=data.db bs=1 seek=5000 conv=notrunc status=none", "data.db is damaged"},
    {"truncate -s -1 index.db", "index.db is damaged"},
    {"rm meta.db", "meta.db"},
    {"sed -i 's/^commit .*/commit 1/' MANIFEST", "MANIFEST is damaged"},
    {"rm MANIFEST", "no complete backup"},
    {"printf x >>MANIFEST", "MANIFEST is damaged"},
    {"rm log.*", "log."},
};

START_TEST(damage_is_found)
{
	ck_assert_int_eq(ctl(NULL, "backup %s --without-keys", backup), 0);
	sh("cd %s && %s", backup, damages[_i].damage);
	ck_assert_int_eq(ctl(NULL, "verify %s", backup), 1);
	has(damages[_i].says);
	lose(false);
	ck_assert_int_eq(ctl(NULL, "restore %s --without-keys", backup), 1);
	sh("test ! -e %s/state", rig.dir);
}
END_TEST

/* LMDB has no log. */
START_TEST(of_one_moment_alone)
{
	ck_assert_int_eq(ctl(NULL, "backup %s --without-keys --follow", backup), 1);
	has("no log that --follow could follow");
	sh("test ! -e %s", backup);
	ck_assert_int_eq(ctl(NULL, "backup %s --without-keys", backup), 0);
	lose(false);
	ck_assert_int_eq(ctl(NULL, "restore %s --to 2030-01-01T00:00:00Z --without-keys", backup), 1);
	has("no log");
	ck_assert_int_eq(ctl(NULL, "-o backend.engine=bdb restore %s --without-keys", backup), 1);
	has("the backup is of the engine \"lmdb\"");
	sh("test ! -e %s/state", rig.dir);
	ck_assert_int_eq(ctl(NULL, "restore %s --without-keys", backup), 0);
	rig_backend(&rig);
	ck_assert(knows("201"));
	/* It is a store like any other. */
	ck_assert_int_eq(ctl(NULL, "user add after --no-password"), 0);
	rig_kill(&rig.backend);
	rig_backend(&rig);
	ck_assert(knows("after"));
}
END_TEST

static const struct {
	const char *damage, *says;
} lmdb_damages[] = {
    {"printf x | dd of=$(ls data-*) bs=1 seek=9000 conv=notrunc status=none", "is damaged"},
    {"truncate -s -4096 data-*", "is damaged"},
    {"rm data-*", "data-"},
};

START_TEST(damage_of_one_file)
{
	ck_assert_int_eq(ctl(NULL, "backup %s --without-keys", backup), 0);
	sh("cd %s && %s", backup, lmdb_damages[_i].damage);
	ck_assert_int_eq(ctl(NULL, "verify %s", backup), 1);
	has(lmdb_damages[_i].says);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("backup");
	TCase *t = tcase_create("backup"), *l = tcase_create("lmdb");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_was_there_is_there_again);
	tcase_add_loop_test(t, stopped_in_the_middle, 0, 2);
	tcase_add_test(t, without_its_keys);
	tcase_add_test(t, to_a_time);
	tcase_add_test(t, while_many_write);
	tcase_add_test(t, rests_as_long_as_it_works);
	tcase_add_test(t, of_many_pages);
	tcase_add_test(t, a_restore_that_is_killed);
	tcase_add_test(t, a_restore_beside_a_start);
	tcase_add_test(t, a_restore_that_fails);
	tcase_add_test(t, two_to_one_directory);
	tcase_add_loop_test(t, damage_is_found, 0, sizeof(damages) / sizeof(damages[0]));
	tcase_set_timeout(l, 120);
	tcase_add_checked_fixture(l, setup_lmdb, teardown);
	tcase_add_test(l, what_was_there_is_there_again);
	tcase_add_test(l, without_its_keys);
	tcase_add_test(l, while_many_write);
	tcase_add_test(l, of_one_moment_alone);
	tcase_add_test(l, of_many_pages);
	tcase_add_test(l, a_restore_that_is_killed);
	tcase_add_test(l, a_restore_beside_a_start);
	tcase_add_loop_test(l, stopped_in_the_middle, 0, 2);
	tcase_add_loop_test(l, damage_of_one_file, 0, sizeof(lmdb_damages) / sizeof(lmdb_damages[0]));
	suite_add_tcase(s, t);
	suite_add_tcase(s, l);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
