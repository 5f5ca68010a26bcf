/* SPDX-License-Identifier: ISC */
#include "tests/rig_store.h"

#include <check.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_OPENED = 101, NOT_CHANGED = 102, ROOM = 4 << 20 };

static int
in_child(const struct rig *r, const char *dir, const struct stat *owner,
    int (*work)(struct model *m, void *arg), void *arg)
{
	struct store_conf conf = {.engine = rig_engine(r), .dir = dir};
	struct err e = {0};
	struct arena a;
	struct store *s;
	struct model m = {.a = &a, .e = &e, .tenant = TENANT_DEFAULT};
	int rc;

	arena_init(&a, ROOM);
	if ((geteuid() == 0 && (setgid(owner->st_gid) != 0 || setuid(owner->st_uid) != 0)) ||
	    store_open(&s, &conf, &e) != 0 || store_begin(s, STORE_WRITE, &m.t, &e) != 0) {
		fprintf(stderr, "%s: %s\n", dir, err_text(&e));
		return NOT_OPENED;
	}
	rc = work(&m, arg);
	if (rc != 0)
		store_abort(m.t);
	else if (store_commit(m.t, &e) != 0)
		rc = NOT_CHANGED;
	store_close(s);
	arena_wipe(&a);
	return rc;
}

int
rig_store(const struct rig *r, int (*work)(struct model *m, void *arg), void *arg)
{
	char dir[96];
	struct stat st;
	pid_t pid;
	int status;

	snprintf(dir, sizeof(dir), "%s/state", r->dir);
	ck_assert_int_eq(stat(dir, &st), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(in_child(r, dir, &st, work, arg));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "%d", status);
	return WEXITSTATUS(status);
}
