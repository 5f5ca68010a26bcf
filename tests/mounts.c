/* SPDX-License-Identifier: ISC */
#include "tests/mounts.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

void
mounts_of_my_own(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	/* In a chroot the root is no mount, and how its file system passes mounts on cannot be changed
	 * from within; most pass none on. */
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		ck_assert_int_eq(errno, EINVAL);
}
