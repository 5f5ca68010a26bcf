/* SPDX-License-Identifier: ISC */
#include "common/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Kernel headers may be older than the kernel. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

#define READ_FILES LANDLOCK_ACCESS_FS_READ_FILE
#define READ_DIRS LANDLOCK_ACCESS_FS_READ_DIR
#define WRITE_FILES (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define WRITE_DIRS                                                                                 \
	(LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                              \
	    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
	    LANDLOCK_ACCESS_FS_REFER)
/* Held by nobody: devices, links, pipes and programs are not made or used. */
#define NEVER                                                                                   \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
	    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |                           \
	    LANDLOCK_ACCESS_FS_IOCTL_DEV)
#define ALL_RIGHTS (READ_FILES | READ_DIRS | WRITE_FILES | WRITE_DIRS | NEVER)

static int
not_dumpable(struct err *e)
{
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		return err_set(e, ERR_INTERNAL, "sandbox: dumpable: %s", strerror(errno));
	return 0;
}

int
sandbox_basics(struct err *e)
{
	const struct rlimit none = {0, 0};

	umask(077);
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return err_set(e, ERR_INTERNAL, "sandbox: core limit: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(e, ERR_INTERNAL, "sandbox: privileges: %s", strerror(errno));
	return not_dumpable(e);
}

static int
change_ids(uid_t uid, gid_t gid, struct err *e)
{
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return err_set(e, ERR_INTERNAL, "sandbox: user: %s", strerror(errno));
	/* Asked of the kernel, not believed: a way back would make all of it pointless. */
	if (setuid(0) == 0 || seteuid(0) == 0 || (gid != 0 && setgid(0) == 0) || getuid() != uid ||
	    geteuid() != uid || getgid() != gid || getegid() != gid || getgroups(0, NULL) != 0)
		return err_set(e, ERR_INTERNAL, "sandbox: the user has not changed for good");
	return 0;
}

int
sandbox_become(const char *user, struct err *e)
{
	const struct passwd *pw;
	int dumpable = prctl(PR_GET_DUMPABLE);

	if (user == NULL || geteuid() != 0)
		return 0;
	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		return err_set(e, ERR_INVALID, "sandbox: user %.64s: %s", user,
		    errno != 0 ? strerror(errno) : "not known");
	if (pw->pw_uid == 0)
		return err_set(e, ERR_INVALID, "sandbox: user %.64s is root", user);
	if (change_ids(pw->pw_uid, pw->pw_gid, e) != 0)
		return -1;
	/* The kernel has put fs.suid_dumpable in the place of what sandbox_basics() set. */
	return dumpable == 0 ? not_dumpable(e) : 0;
}

/* The rights this kernel knows; one that it does not know would be refused altogether. */
static uint64_t
rights_of_abi(long abi)
{
	uint64_t rights = ALL_RIGHTS;

	if (abi < 2)
		rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
	if (abi < 3)
		rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi < 5)
		rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return rights;
}

static int
allow_path(int ruleset, const char *path, uint64_t rights, struct err *e)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = rights};
	struct stat st;
	long rc = -1;
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &st) == 0) {
		/* Rights about directories are refused for a file. */
		if (!S_ISDIR(st.st_mode))
			rule.allowed_access &= READ_FILES | WRITE_FILES;
		rule.parent_fd = fd;
		rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	}
	if (rc != 0)
		err_set(e, ERR_INTERNAL, "sandbox: %.100s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return (int)rc;
}

static int
allow_paths(int ruleset, const char *const *paths, uint64_t rights, struct err *e)
{
	for (; paths != NULL && *paths != NULL; paths++)
		if (allow_path(ruleset, *paths, rights, e) != 0)
			return -1;
	return 0;
}

int
sandbox_paths(const char *const *rw, const char *const *ro, bool optional, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = {0};
	uint64_t rights;
	int fd, rc;

	if (abi < 1) {
		/* ENOSYS: not built in. EOPNOTSUPP: switched off at boot. */
		if (optional && (errno == ENOSYS || errno == EOPNOTSUPP))
			return 0;
		return err_set(e, ERR_INTERNAL, "sandbox: landlock: %s", strerror(errno));
	}
	rights = rights_of_abi(abi);
	attr.handled_access_fs = rights;
	/* The size of the first version: newer members (network, scopes) stay unused. */
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (fd < 0)
		return err_set(e, ERR_INTERNAL, "sandbox: landlock: %s", strerror(errno));
	rc = allow_paths(fd, rw, rights & ~(uint64_t)NEVER, e);
	if (rc == 0)
		rc = allow_paths(fd, ro, READ_FILES | READ_DIRS, e);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		rc = err_set(e, ERR_INTERNAL, "sandbox: landlock: %s", strerror(errno));
	close(fd);
	return rc;
}
