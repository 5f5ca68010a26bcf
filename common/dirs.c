/* SPDX-License-Identifier: ISC */
#include "common/dirs.h"

#include <errno.h>
#include <pwd.h>
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

int
dir_make(const char *path, mode_t mode, const char *owner, const char *group_of, struct err *e)
{
	const struct passwd *pw;
	uid_t uid;
	gid_t gid;

	if (access(path, F_OK) == 0)
		return 0;
	if (make_parents(path, e) != 0)
		return -1;
	if (mkdir(path, 0700) != 0)
		return err_set(e, ERR_INVALID, "%s cannot be made: %s", path, strerror(errno));
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
		if (chown(path, uid, gid) != 0)
			return err_set(
			    e, ERR_INVALID, "%s cannot be given to %s: %s", path, owner, strerror(errno));
	}
	return chmod(path, mode) == 0 ? 0 : err_set(e, ERR_INVALID, "%s: %s", path, strerror(errno));
}
