/* SPDX-License-Identifier: ISC */
/* From the files of a backup to a store: tandem-backend does it, since it alone knows how. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/backup.h"
#include "ctl/offline.h"
#include "ctl/progress.h"

enum { PIECE = 256 * 1024 };

static int
put_file(const struct ctl *c, const char *name, int from_dir, int to_dir, int64_t *done)
{
	int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n = from < 0 || to < 0 ? -1 : 1;
	uid_t uid;
	gid_t gid;
	int why;

	while (n > 0 && (n = copy_file_range(from, NULL, to, NULL, PIECE, 0)) > 0)
		progress_to(*done += n);
	why = errno;
	offline_owner(c, &uid, &gid);
	if (n == 0 && (fchown(to, uid, gid) != 0 || fsync(to) != 0)) {
		why = errno;
		n = -1;
	}
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return n == 0 ? EXIT_OK : ctl_fail(EXIT_FAILED, "%s: %s", name, strerror(why));
}

static bool
in_manifest(const struct backup *b, const char *name)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->files[i].name, name) == 0)
			return true;
	return false;
}

/* Files of the log that --follow brought are not in the manifest. */
static int
put_all(const struct ctl *c, const struct backup *b, int from, int to)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = EXIT_OK;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int64_t total = 0, done = 0;

	if (d == NULL)
		return ctl_fail(EXIT_FAILED, "the backup cannot be read: %s", strerror(errno));
	for (size_t i = 0; i < b->n; i++)
		total += b->files[i].size;
	progress_begin("copied", total);
	while (rc == EXIT_OK && (entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, BACKUP_KEYS) != 0 &&
		    (strncmp(entry->d_name, "log.", 4) == 0 || in_manifest(b, entry->d_name)))
			rc = backup_stopped() ? backup_stop() : put_file(c, entry->d_name, from, to, &done);
	progress_end();
	closedir(d);
	return rc;
}

int
backup_put(const struct ctl *c, const struct backup *b, int dirfd, const char *to, bool *begun)
{
	int fd, rc;

	*begun = false;
	if ((rc = offline_empty(to)) != EXIT_OK)
		return rc;
	if ((fd = offline_home(c, to)) < 0)
		return EXIT_FAILED;
	if ((rc = offline_claim(fd, to)) == EXIT_OK) {
		*begun = true;
		rc = put_all(c, b, dirfd, fd);
	}
	if (rc == EXIT_OK && fsync(fd) != 0)
		rc = ctl_fail(EXIT_FAILED, "%s: %s", to, strerror(errno));
	close(fd);
	return rc;
}

int
backup_recover(
    struct ctl *c, const struct backup *b, const char *state, int64_t until, int64_t *commit)
{
	char dir[PATH_MAX + 16], engine[64], to[32];
	const char *settings[] = {dir, engine, NULL};
	const char *args[] = {"--recover", until > 0 ? "--to" : NULL, to, NULL};
	int64_t least = b->followed_commit > b->commit ? b->followed_commit : b->commit;
	long long number;

	snprintf(dir, sizeof(dir), "backend.state=%s", state);
	snprintf(engine, sizeof(engine), "backend.engine=%s", b->engine);
	snprintf(to, sizeof(to), "%lld", (long long)until);
	if (offline_run(c, settings, args, "commit", &number) != EXIT_OK)
		return ctl_fail(EXIT_FAILED, "no store can be made of the backup");
	*commit = number;
	if (until == 0 && *commit < least)
		return ctl_fail(EXIT_FAILED, "the backup has lost commits %lld to %lld",
		    (long long)*commit + 1, (long long)least);
	return EXIT_OK;
}

int
backup_try(struct ctl *c, const struct backup *b, int dirfd, int64_t *commit)
{
	const char *tmp = getenv("TMPDIR");
	char outer[PATH_MAX - 16], dir[PATH_MAX];
	bool begun;
	int rc;

	/* The store's directory is given to the backend's user, who could put another one in its place
	 * where everybody may: so it stands in one that is ours, and that one lets others pass. */
	if ((size_t)snprintf(outer, sizeof(outer), "%s/tandem-verify-XXXXXX",
	        tmp != NULL && tmp[0] == '/' ? tmp : "/var/tmp") >= sizeof(outer) ||
	    mkdtemp(outer) == NULL)
		return ctl_fail(EXIT_FAILED, "%s: %s", outer, strerror(errno));
	snprintf(dir, sizeof(dir), "%s/store", outer);
	rc = chmod(outer, 0711) == 0 ? backup_put(c, b, dirfd, dir, &begun)
	                             : ctl_fail(EXIT_FAILED, "%s: %s", outer, strerror(errno));
	if (rc == EXIT_OK)
		rc = backup_recover(c, b, dir, 0, commit);
	offline_discard(dir);
	(void)rmdir(outer);
	return rc;
}
