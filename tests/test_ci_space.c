/* SPDX-License-Identifier: ISC */
/*
 * A file system that gets full under a real backend: changes are refused with 507 before there is
 * no room at all, everything else goes on, a restart has its ballast, and all is well when there is
 * room again. On a tmpfs in a mount namespace of the test's own.
 */
#include <check.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "tests/mounts.h"
#include "tests/rig.h"

#define ANA "4410:secret99"

enum { MIB = 1 << 20, PATIENCE_MS = 20000 };

static struct rig rig;
static char state[96];

static long long
free_mib(void)
{
	struct statvfs v;

	ck_assert_int_eq(statvfs(state, &v), 0);
	return (long long)v.f_bavail * (long long)v.f_frsize / MIB;
}

static long long
size_mib(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", state, name);
	return stat(path, &st) == 0 ? (long long)st.st_size / MIB : -1;
}

/* A file that leaves so much free. */
static void
fill_until(long long mib)
{
	char path[128];
	long long n = free_mib() - mib;
	int fd;

	ck_assert_int_gt(n, 0);
	snprintf(path, sizeof(path), "%s/filler-%lld", state, mib);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(posix_fallocate(fd, 0, (off_t)n * MIB), 0);
	close(fd);
}

static void
empty(long long mib)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/filler-%lld", state, mib);
	ck_assert_int_eq(unlink(path), 0);
}

static int
status(const char *method, const char *path, const char *body)
{
	struct ask q = {.method = method,
	    .path = path,
	    .user = ANA,
	    .type = body != NULL ? "application/json" : NULL,
	    .body = body,
	    .body_n = body != NULL ? strlen(body) : 0};
	struct answer a = rig_ask(&rig, &q);
	int code = (int)a.status;

	answer_free(&a);
	return code;
}

static int
put(int seconds)
{
	char json[128];

	snprintf(json, sizeof(json), "{\"expiration\":%d,\"rings\":[]}", seconds);
	return status("PUT", "/my/callfwd", json);
}

#define AWAIT(condition)                                                                   \
	do {                                                                                   \
		long long until_ = ms_now() + PATIENCE_MS;                                         \
		while (!(condition)) {                                                             \
			ck_assert_msg(ms_now() < until_, "%s; %lld MiB free", #condition, free_mib()); \
			nanosleep(&(struct timespec){0, 50 * 1000000}, NULL);                          \
		}                                                                                  \
	} while (0)

static void
setup(void)
{
	const struct passwd *pw;
	char options[128];

	rig = (struct rig){.extra = "reserve_mb = 64\nballast_mb = 96\ncache_mb = 8\n"};
	rig_make(&rig);
	snprintf(state, sizeof(state), "%s/state", rig.dir);
	mounts_of_my_own();
	ck_assert_int_eq(mkdir(state, 0700), 0);
	/* Made by rig_make() where it was not there. */
	ck_assert_ptr_nonnull(pw = getpwnam("tandem"));
	snprintf(options, sizeof(options), "size=400m,mode=0700,uid=%d,gid=%d", (int)pw->pw_uid,
	    (int)pw->pw_gid);
	ck_assert_int_eq(mount("tandem", state, "tmpfs", 0, options), 0);
	rig_backend(&rig);
	rig_gateway(&rig, 0);
	rig_await_ready(&rig, 0);
	rig_load(&rig, "{\"type\":\"user\",\"record\":{\"userName\":\"4410\"}}\n");
	ck_assert_int_eq(
	    rig_ctl(&rig, "secret99\n", NULL, 0, "user password 4410 --password-stdin"), 0);
}

static void
teardown(void)
{
	rig_kill(&rig.gateway[0]);
	rig_kill(&rig.backend);
	umount2(state, MNT_DETACH);
	rig_stop(&rig);
}

START_TEST(a_disk_gets_full)
{
	ck_assert_int_eq(put(21), 200);
	AWAIT(size_mib("ballast") == 96);
	ck_assert_int_eq(put(22), 200);
	fill_until(40);
	AWAIT(put(23) == 507);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(put(24), 507);
	/* Everything else goes on. */
	ck_assert_int_eq(status("GET", "/my/callfwd", NULL), 200);
	ck_assert_int_eq(status("DELETE", "/my/phonebook", NULL), 200);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user disable 4410"), 0);
	ck_assert_int_eq(status("GET", "/my/callfwd", NULL), 401);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user enable 4410"), 0);
	/* A crash now: the recovery has the ballast's room, and so have changes. */
	rig_kill(&rig.backend);
	rig_backend(&rig);
	rig_await_ready(&rig, 0);
	ck_assert_int_eq(size_mib("ballast"), -1);
	ck_assert_int_eq(put(25), 200);
	/* Full to the last page. */
	fill_until(1);
	AWAIT(put(26) == 507);
	rig_kill(&rig.backend);
	empty(1);
	rig_backend(&rig);
	rig_await_ready(&rig, 0);
	ck_assert_int_eq(put(27), 200);
	empty(40);
	AWAIT(size_mib("ballast") == 96);
	ck_assert_int_eq(put(28), 200);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("space");
	TCase *t = tcase_create("space");
	SRunner *r;
	int failed;

	if (geteuid() != 0) {
		printf("SKIP a full disk: needs root for a file system of its own\n");
		return 0;
	}
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_disk_gets_full);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
