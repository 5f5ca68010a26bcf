/* SPDX-License-Identifier: ISC */
/* Directories that a program makes at its start: finished, or not there. */
#include <check.h>
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/dirs.h"

static char top[64], path[96];

static void
setup(void)
{
	snprintf(top, sizeof(top), "/tmp/tandem-dirs-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/a/b", top);
}

static void
teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	ck_assert_int_eq(system(command), 0);
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0 ? st.st_mode & 07777 : 0;
}

START_TEST(made_with_its_parents)
{
	char parent[96];
	struct err e = {0};

	ck_assert_int_eq(dir_make(path, 0710, NULL, NULL, &e), 0);
	ck_assert_uint_eq(mode_of(path), 0710);
	snprintf(parent, sizeof(parent), "%s/a", top);
	ck_assert_uint_eq(mode_of(parent), 0755);
	/* One that exists stays as it is. */
	ck_assert_int_eq(chmod(path, 0700), 0);
	ck_assert_int_eq(dir_make(path, 0710, NULL, NULL, &e), 0);
	ck_assert_uint_eq(mode_of(path), 0700);
}
END_TEST

/* Killed by its first call of this name. */
static void
killed_at(int syscall_number)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
		struct err e = {0};

		if (filter == NULL ||
		    seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, syscall_number, 0) != 0 ||
		    seccomp_load(filter) != 0)
			_exit(100);
		_exit(dir_make(path, 0710, NULL, NULL, &e) == 0 ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status), "the child ended with status %d", status);
}

START_TEST(killed_half_way)
{
	static const int calls[] = {SCMP_SYS(fchmod), SCMP_SYS(rename)};
	struct err e = {0};

	for (int i = 0; i < 2; i++) {
		killed_at(calls[i]);
		ck_assert_msg(access(path, F_OK) != 0 || mode_of(path) == 0710, "unfinished, with mode %o",
		    (unsigned)mode_of(path));
	}
	ck_assert_int_eq(dir_make(path, 0710, NULL, NULL, &e), 0);
	ck_assert_uint_eq(mode_of(path), 0710);
}
END_TEST

/* A link in the place of the unfinished one is not followed: what it names would be given away. */
START_TEST(link_in_the_way)
{
	char other[96], fresh[104];
	struct err e = {0};

	ck_assert_int_eq(dir_make(path, 0710, NULL, NULL, &e), 0);
	ck_assert_int_eq(rmdir(path), 0);
	snprintf(other, sizeof(other), "%s/other", top);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	ck_assert_int_eq(mkdir(other, 0700), 0);
	ck_assert_int_eq(symlink(other, fresh), 0);
	ck_assert_int_eq(dir_make(path, 0710, NULL, NULL, &e), -1);
	ck_assert_uint_eq(mode_of(other), 0700);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(no_such_owner)
{
	struct err e = {0};

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(dir_make(path, 0710, "nobody-of-this-name", NULL, &e), -1);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dirs");
	TCase *t = tcase_create("dirs");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, made_with_its_parents);
	tcase_add_test(t, killed_half_way);
	tcase_add_test(t, link_in_the_way);
	tcase_add_test(t, no_such_owner);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
