/* SPDX-License-Identifier: ISC */
#include "common/dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool
dir_of(const char *what, char ret[CONF_TEXT_MAX])
{
	const char *path = strncmp(what, "ipc://", 6) == 0 ? what + 6 : what;
	const char *slash = path[0] == '/' ? strrchr(path, '/') : NULL;
	size_t n;

	if (slash == NULL || slash == path)
		return false;
	n = (size_t)(slash - path);
	memcpy(ret, path, n);
	ret[n] = '\0';
	return true;
}

/* Parents are made for everybody to pass through; only the last part is private. */
static int
make_parents(const char *path, struct err *e)
{
	char part[CONF_TEXT_MAX];

	if (!dir_of(path, part))
		return 0;
	if (mkdir(part, 0755) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return err_set(e, ERR_INVALID, "%s cannot be made: %s", part, strerror(errno));
	if (make_parents(part, e) != 0)
		return -1;
	return mkdir(part, 0755) == 0 || errno == EEXIST
	    ? 0
	    : err_set(e, ERR_INVALID, "%s cannot be made: %s", part, strerror(errno));
}

/* Gives the open directory to the owner and its mode: what tells it from a stranger's. */
static int
hand_over(
    int dir, const char *path, mode_t mode, const char *owner, const char *group_of, struct err *e)
{
	const struct passwd *pw;
	uid_t uid;
	gid_t gid;

	if (geteuid() == 0 && owner != NULL) {
		if ((pw = getpwnam(owner)) == NULL)
			return err_set(e, ERR_INVALID, "there is no user %s", owner);
		uid = pw->pw_uid;
		gid = pw->pw_gid;
		if (group_of != NULL) {
			if ((pw = getpwnam(group_of)) == NULL)
				return err_set(e, ERR_INVALID, "there is no user %s", group_of);
			gid = pw->pw_gid;
		}
		if (fchown(dir, uid, gid) != 0)
			return err_set(
			    e, ERR_INVALID, "%s cannot be given to %s: %s", path, owner, strerror(errno));
	}
	return fchmod(dir, mode) == 0 ? 0 : err_set(e, ERR_INVALID, "%s: %s", path, strerror(errno));
}

/* One that exists is taken as it is, so a directory gets its name only when it is its owner's: a
 * process that ends before that leaves one with a name of its own, which the next one goes on
 * with. */
int
dir_make(const char *path, mode_t mode, const char *owner, const char *group_of, struct err *e)
{
	char fresh[CONF_TEXT_MAX + 8];
	int dir, rc;

	if (access(path, F_OK) == 0)
		return 0;
	if (make_parents(path, e) != 0)
		return -1;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (mkdir(fresh, 0700) != 0 && errno != EEXIST)
		return err_set(e, ERR_INVALID, "%s cannot be made: %s", fresh, strerror(errno));
	dir = open(fresh, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Gone: another process of the same configuration was faster. */
	if (dir < 0)
		return access(path, F_OK) == 0
		    ? 0
		    : err_set(e, ERR_INVALID, "%s cannot be opened: %s", fresh, strerror(errno));
	rc = hand_over(dir, path, mode, owner, group_of, e);
	close(dir);
	if (rc != 0) {
		rmdir(fresh);
		return -1;
	}
	if (rename(fresh, path) != 0 && access(path, F_OK) != 0)
		return err_set(e, ERR_INVALID, "%s cannot be made: %s", path, strerror(errno));
	return 0;
}
