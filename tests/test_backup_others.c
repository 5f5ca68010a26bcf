/* SPDX-License-Identifier: ISC */
/* Others on the machine: what a backup lets them do, and find. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/child.h"
#include "tests/rig.h"
#include "tests/shell.h"

enum { WAIT_MS = 20000 };

static struct rig rig;
static char backup[96], backup_anew[128];

static void
setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig_make(&rig);
	rig_backend(&rig);
	snprintf(backup, sizeof(backup), "%s/backup", rig.dir);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

/* The backend's user, to whom the store of the trial is given, puts a link in its place: what that
 * leads to is not removed. */
START_TEST(a_trial_that_is_exchanged)
{
	/* Everybody else could do that to themselves. */
	if (geteuid() != 0)
		return;
	sh("mkdir %s/bin %s/tmp %s/victim && cp %s %s/bin", rig.dir, rig.dir, rig.dir,
	    child_program("tandemctl"), rig.dir);
	sh("chmod 1777 %s/tmp && touch %s/victim/file", rig.dir, rig.dir);
	sh("cat >%s/bin/tandem-backend <<'EOF' && chmod +x %s/bin/tandem-backend\n"
	   "#!/bin/sh\n"
	   "for arg; do case $arg in backend.state=*) dir=${arg#*=} ;; esac; done\n"
	   "setpriv --reuid tandem --regid tandem --clear-groups "
	   "sh -c \"mv $dir $dir.x && ln -s %s/victim $dir\"\n"
	   "exit 1\nEOF\n",
	    rig.dir, rig.dir, rig.dir);
	sh("! TMPDIR=%s/tmp %s/bin/tandemctl -c %s backup %s --without-keys 2>%s/why", rig.dir, rig.dir,
	    rig.conf, backup, rig.dir);
	sh("test -e %s/victim/file && rmdir %s/tmp", rig.dir, rig.dir);
}
END_TEST

/* What reads a secret, its file being the last argument. */
static const char *const with_secrets[][3] = {
    {"backup", backup_anew, "--passphrase-file"},
    {"verify", backup, "--passphrase-file"},
    {"restore", backup, "--passphrase-file"},
    {"dump", "-", "--sign"},
};

/* A passphrase or a key that a crash left in a file would be there for whoever reads that. */
START_TEST(no_core_file)
{
	const struct rlimit some = {1 << 20, 1 << 20};
	const char *before = getenv("ASAN_OPTIONS");
	char fifo[96], text[512];
	long long until = ms_now() + WAIT_MS;
	struct child child;
	struct rlimit limit;
	char *argv[8] = {
	    (char *)(uintptr_t)child_program("tandemctl"), (char *)(uintptr_t) "-c", rig.conf};
	int gate;

	/* A limit that is 0 stays so, whatever is done. */
	if (setrlimit(RLIMIT_CORE, &some) != 0)
		return;
	snprintf(fifo, sizeof(fifo), "%s/secret", rig.dir);
	snprintf(backup_anew, sizeof(backup_anew), "%s.anew", backup);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	sh("echo 'correct horse battery' >%s/passphrase", rig.dir);
	ck_assert_int_eq(
	    rig_ctl(&rig, NULL, NULL, 0, "backup %s --passphrase-file %s/passphrase", backup, rig.dir),
	    0);
	if (strcmp(with_secrets[_i][0], "restore") == 0) {
		ck_assert_int_eq(rig_end(&rig.backend), 0);
		sh("mv %s/state %s/state.old", rig.dir, rig.dir);
	}
	/* The sanitizer would set the limit itself. */
	snprintf(text, sizeof(text), "%s:disable_coredump=0", before != NULL ? before : "");
	setenv("ASAN_OPTIONS", text, 1);
	for (int i = 0; i < 3; i++)
		argv[3 + i] = (char *)(uintptr_t)with_secrets[_i][i];
	argv[6] = fifo;
	child_start(&child, rig.log, argv);
	while ((gate = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
		ck_assert_msg(ms_now() < until, "the secret is not read");
		usleep(10000);
	}
	ck_assert_int_eq(prlimit(child.pid, RLIMIT_CORE, NULL, &limit), 0);
	close(gate);
	/* An empty one is none. */
	ck_assert_int_eq(child_end(&child, 0, WAIT_MS), 1);
	ck_assert_uint_eq(limit.rlim_cur, 0);
	ck_assert_uint_eq(limit.rlim_max, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("backup_others");
	TCase *t = tcase_create("others");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_trial_that_is_exchanged);
	tcase_add_loop_test(t, no_core_file, 0, sizeof(with_secrets) / sizeof(with_secrets[0]));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
