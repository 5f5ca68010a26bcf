/* SPDX-License-Identifier: ISC */
#include "ipc/socketfile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* errno of connecting to it, 0 when somebody answered. */
static int
knock(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	if (fd < 0)
		return errno;
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		error = errno;
	close(fd);
	return error;
}

int
socketfile_prepare(const char *path, struct err *e)
{
	struct stat st;
	int error;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", strerror(errno), path);
	}
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_CONFLICT, "there is a file, but not a socket: %s", path);
	error = knock(path);
	/* EAGAIN: its queue of connections is full, so somebody lives there. */
	if (error == 0 || error == EAGAIN)
		return err_set(e, ERR_CONFLICT, "another process listens on %s", path);
	if (error != ECONNREFUSED)
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", strerror(error), path);
	if (unlink(path) != 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", strerror(errno), path);
	return 0;
}

int
socketfile_open(struct socketfile *f, const char *path, unsigned mode, gid_t group, struct err *e)
{
	struct stat st;

	*f = (struct socketfile){0};
	if (lstat(path, &st) != 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: %s", strerror(errno), path);
	snprintf(f->path, sizeof(f->path), "%s", path);
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	if (group != (gid_t)-1 && lchown(path, (uid_t)-1, group) != 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: group of %s", strerror(errno), path);
	if (chmod(path, (mode_t)(mode & 0777)) != 0)
		return err_set(e, ERR_UNAVAILABLE, "%s: mode of %s", strerror(errno), path);
	return 0;
}

void
socketfile_remove(const struct socketfile *f)
{
	struct stat st;

	if (lstat(f->path, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->ino)
		unlink(f->path);
}
